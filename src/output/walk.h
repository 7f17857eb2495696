/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - the fields of an event in the contract's order, handed to a speller one by one.
 *
 * Owns: which fields an event has and their order.  Refuses to know: how a field looks.  A writer
 * embeds `struct writer` first and fills in a `struct spelling`; one thread per writer.
 *
 *     struct json_writer { struct writer base; ... };
 */
#ifndef SOCKWATCH_OUTPUT_WALK_H
#define SOCKWATCH_OUTPUT_WALK_H

#include "writer.h"

/* clang-format off */
/* Each field has a name: here, so that none can be without one in any writer. */
#define WALK_FIELDS(X)                                                                            \
	X(TIME, "time") X(EVENT, "event") X(PROTO, "proto") X(FAMILY, "family")                   \
	X(MAPPED, "mapped") X(NETNS, "netns") X(COOKIE, "cookie") X(LOCAL, "local")               \
	X(PEER, "peer") X(PROCESS, "process") X(ERROR, "error") X(REPEATED, "repeated")           \
	X(BACKLOG, "backlog")                                                                     \
	X(AUTOBIND, "autobind") X(LISTENER, "listener") X(FROM, "from") X(TO, "to")               \
	X(AFTER_NS, "after_ns") X(SUBSTATE, "substate") X(OPENED, "opened")                       \
	X(DURATION_NS, "duration_ns") X(SENT_BYTES, "sent_bytes")                                 \
	X(RECEIVED_BYTES, "received_bytes") X(RETRANSMITS, "retransmits")                         \
	X(RTT_US, "rtt_us") X(REASON, "reason") X(END, "end") X(TIME_WAIT, "time_wait")           \
	X(STATES, "states") X(STATE, "state") X(NS, "ns") X(COUNT, "count")                       \
	X(SINCE, "since") X(REPAIRED, "repaired") X(ADDED, "added")                               \
	X(REMOVED, "removed") X(HOLDERS, "holders") X(HOLDER_PROCESS, "process")                  \
	X(HOLDER_LOCAL, "local") X(HOLDER_PEER, "peer") X(HOLDER_STATE, "state")                  \
	X(HOLDER_SINCE, "since") X(WHY, "why") X(MORE, "holders_more")                            \
	X(RANGE, "range") X(LOW, "low") X(HIGH, "high") X(RESERVED, "reserved")                   \
	X(USED, "used") X(MISSING, "missing") X(UNPRIVILEGED_FROM, "unprivileged_from")           \
	X(BINDER, "binder") X(PID, "pid") X(NAME, "name") X(FD, "fd") X(UID, "uid")               \
	X(QUEUE, "queue") X(RECEIVE, "receive") X(SEND, "send") X(CLASS, "class")                 \
	X(EPHEMERAL, "ephemeral") X(SERVICE, "service")
/* clang-format on */

enum field {
	FIELD_NONE, /* an item of a list */
#define WALK_FIELD_ID(id, name) FIELD_##id,
	WALK_FIELDS(WALK_FIELD_ID)
#undef WALK_FIELD_ID
	FIELDS,
};

enum nest {
	NEST_OBJECT,
	NEST_LIST,
};

struct place {
	enum family family;
	bool mapped;
	const struct endpoint *endpoint;
	const char *interface; /* of a link-local address, any bytes; else NULL */
};

/*
 * Every pointer handed over lives until end() returns.  `word` is one of our own names and needs no
 * escaping, `text` is any bytes (only a listing has some, and only JSON spells it).  absent() is a field whose
 * value is unknown, where the contract wants it said.
 */
struct spelling {
	void (*free)(struct writer *w); /* what it keeps beside itself; may be NULL */
	void (*header)(struct writer *w);
	void (*begin)(struct writer *w);
	void (*end)(struct writer *w);
	void (*time)(struct writer *w, enum field field, uint64_t realtime_ns);
	void (*word)(struct writer *w, enum field field, const char *word);
	void (*text)(struct writer *w, enum field field, const char *text, size_t len);
	void (*number)(struct writer *w, enum field field, uint64_t value);
	void (*flag)(struct writer *w, enum field field, bool value);
	void (*absent)(struct writer *w, enum field field);
	void (*place)(struct writer *w, enum field field, const struct place *place);
	void (*process)(struct writer *w, enum field field, const struct process *process);
	void (*open)(struct writer *w, enum field field, enum nest nest);
	void (*close)(struct writer *w, enum nest nest);
};

struct writer {
	const struct spelling *spelling;
	struct writer_options options;
	struct buffer *out; /* valid between header() or begin() and end() */
};

#endif
