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

enum field {
	FIELD_NONE, /* an item of a list */
	FIELD_TIME,
	FIELD_EVENT,
	FIELD_PROTO,
	FIELD_FAMILY,
	FIELD_MAPPED,
	FIELD_NETNS,
	FIELD_COOKIE,
	FIELD_LOCAL,
	FIELD_PEER,
	FIELD_PROCESS,
	FIELD_ERROR,
	FIELD_REPEATED,
	FIELD_BACKLOG,
	FIELD_AUTOBIND,
	FIELD_LISTENER,
	FIELD_FROM,
	FIELD_TO,
	FIELD_AFTER_NS,
	FIELD_SUBSTATE,
	FIELD_OPENED,
	FIELD_DURATION_NS,
	FIELD_SENT_BYTES,
	FIELD_RECEIVED_BYTES,
	FIELD_RETRANSMITS,
	FIELD_RTT_US,
	FIELD_REASON,
	FIELD_END,
	FIELD_TIME_WAIT,
	FIELD_STATES,
	FIELD_STATE,
	FIELD_NS,
	FIELD_COUNT,
	FIELD_SINCE,
	FIELD_REPAIRED,
	FIELD_ADDED,
	FIELD_REMOVED,
	FIELD_HOLDERS,
	FIELD_HOLDER_PROCESS,
	FIELD_HOLDER_LOCAL,
	FIELD_HOLDER_PEER,
	FIELD_HOLDER_STATE,
	FIELD_HOLDER_SINCE,
	FIELD_WHY,
	FIELD_MORE,
	FIELD_RANGE,
	FIELD_LOW,
	FIELD_HIGH,
	FIELD_RESERVED,
	FIELD_USED,
	FIELD_MISSING,
	FIELD_UNPRIVILEGED_FROM,
	FIELD_BINDER,
	FIELD_PID,
	FIELD_NAME,
	FIELD_FD,
	FIELD_UID,
	FIELD_QUEUE,
	FIELD_RECEIVE,
	FIELD_SEND,
	FIELD_CLASS,
	FIELD_EPHEMERAL,
	FIELD_SERVICE,
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
 * escaping.  absent() is a field whose value is unknown, where the contract wants it said.
 */
struct spelling {
	void (*header)(struct writer *w);
	void (*begin)(struct writer *w);
	void (*end)(struct writer *w);
	void (*time)(struct writer *w, enum field field, uint64_t realtime_ns);
	void (*word)(struct writer *w, enum field field, const char *word);
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
