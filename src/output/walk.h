/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - the fields of whatever is told, in the contract's order, handed to a speller one by one.
 *
 * Owns: the names of the fields; which an event, a listed socket, a budget (walk_budget.h) and a hook have, and their order.
 * Refuses to know: how a field looks.  A writer
 * embeds `struct writer` first and fills in a `struct spelling`; one thread per writer.
 *
 *     struct json_writer { struct writer base; ... };
 */
#ifndef SOCKWATCH_OUTPUT_WALK_H
#define SOCKWATCH_OUTPUT_WALK_H

#include "server.h"
#include "writer.h"

/* clang-format off */
/* Each field has a name: here, so that none can be without one in any writer. */
#define WALK_FIELDS(X)                                                                            \
	X(TIME, "time") X(EVENT, "event") X(PROTO, "proto") X(FAMILY, "family")                   \
	X(MAPPED, "mapped") X(NETNS, "netns") X(COOKIE, "cookie") X(LOCAL, "local")               \
	X(PEER, "peer") X(PROCESS, "process") X(ERROR, "error") X(REPEATED, "repeated")           \
	X(BACKLOG, "backlog") X(AUTOBIND, "autobind") X(LISTENER, "listener") X(FROM, "from") X(TO, "to")               \
	X(AFTER_NS, "after_ns") X(SUBSTATE, "substate") X(OPENED, "opened")                       \
	X(DURATION_NS, "duration_ns") X(SENT_BYTES, "sent_bytes") X(RECEIVED_BYTES, "received_bytes") X(RETRANSMITS, "retransmits") \
	X(RTT_US, "rtt_us") X(REASON, "reason") X(HOW, "how") X(SYNS, "syns")                     \
	X(LAST_HEARD_NS, "last_heard_ns") X(UNACKED_BYTES, "unacked_bytes")                       \
	X(END, "end") X(TIME_WAIT, "time_wait")                                                   \
	X(STATES, "states") X(STATE, "state") X(NS, "ns") X(COUNT, "count")                       \
	X(SINCE, "since") X(REPAIRED, "repaired") X(ADDED, "added")                               \
	X(REMOVED, "removed") X(HOLDERS, "holders") X(BOUND_BY, "bound_by")                      \
	X(ENDED, "ended") X(WHY, "why") X(SENDING, "sending") X(WAITING, "waiting") X(OLDEST, "oldest") X(LAST_SENT, "last_sent") \
	X(MORE, "holders_more") X(AS_OF, "holders_as_of")                                         \
	X(RANGE, "range") X(LOW, "low") X(HIGH, "high") X(RESERVED, "reserved")                   \
	X(USED, "used") X(MISSING, "missing") X(UNPRIVILEGED_FROM, "unprivileged_from")           \
	X(BINDER, "binder") X(FD, "fd")                                                           \
	X(QUEUE, "queue") X(RECEIVE, "receive") X(SEND, "send") X(CLASS, "class")                 \
	X(EPHEMERAL, "ephemeral") X(SERVICE, "service")                                           \
	X(STEP, "step") X(IN_USE, "in_use") X(USABLE, "usable") X(BOUND, "bound")                 \
	X(AVAILABLE, "available") X(UNCERTAIN, "uncertain") X(UDP_AVAILABLE, "udp_available")     \
	X(IPV4, "ipv4") X(IPV6, "ipv6") X(TW_REUSE, "tcp_tw_reuse") X(FAILURES, "failures")       \
	X(FIRST_FAILURE, "first_failure") X(CONNECT_NS, "connect_ns") X(MEAN, "mean")             \
	X(FIRST, "first") X(LAST, "last") X(MAX, "max") X(DRAIN_S, "time_wait_drain_s")           \
	X(CHURN, "churn_per_s") X(EXHAUSTED_S, "exhausted_in_s") X(HELD, "held")                  \
	X(BOUND_FIRST, "bound_before_connect")                                                    \
	X(VERSION, "version") X(KERNEL, "kernel") X(MACHINE, "machine") X(TIER, "tier")           \
	X(CGROUP2, "cgroup2") X(TRACEFS, "tracefs") X(BTF, "btf") X(FACT, "fact")                 \
	X(HOOK, "hook") X(STATUS, "status") X(COVERS, "covers") X(MISSES, "misses")          \
	X(PORT, "port") X(FOR, "for") X(KIND, "kind") X(RULE, "rule") X(TARGET, "target")         \
	X(CONDITIONAL, "conditional") X(BEHIND, "behind") X(DEVICE, "device")       \
	X(ASKED, "asked") X(PHASE, "phase") X(DROPPED, "dropped")                                 \
	X(NETNS_NAME, "netns_name") X(VRF, "vrf") X(UNHELD, "unheld")                             \
	X(PID, "pid") X(COMMAND, "command") X(HOOKS, "hooks") X(UNSEEN, "unseen")                 \
	X(FILE, "file") X(FILE_BYTES, "file_bytes") X(STUCK, "stuck") X(TOLD, "told")             \
	X(WAITING_BYTES, "waiting_bytes") X(SOCKETS, "sockets") X(TABLE_BYTES, "table_bytes")     \
	X(RING_BYTES, "ring_bytes") X(REPAIRS, "repairs") X(LOST, "lost") X(RING, "ring")         \
	X(SHARE, "share") X(CALLS, "calls") X(FOLDS, "folds") X(WITHHELD, "withheld")             \
	X(ENDS, "ends") X(ROWS, "rows") X(PROCESSES, "processes") X(UNSENT, "unsent")                                 \
	X(TYPE, "type") X(INODE, "inode") X(PATH, "path") X(ABSTRACT, "abstract")                 \
	X(PEERS, "peers") X(PEERS_MORE, "peers_more") X(WAITS, "waits") X(REACH, "reach")         \
	X(FREES, "frees") X(WAIT_S, "wait_s") X(FORWARDS_TO, "forwards_to")                       \
	X(SOCKET_UNIT, "socket_unit") X(UNTIL, "until") X(RECORDED_NS, "recorded_ns") X(STEP_NS, "step_ns")                     \
	X(LIVES, "lives") X(BEGUN, "begun") X(CLOSED, "closed") X(FAILED, "failed")               \
	X(FAILED_CALLS, "failed_calls") X(TIME_WAITS, "time_waits") X(EXHAUSTED, "exhausted")     \
	X(LOSSY, "lossy") X(OPEN_NOW, "open") X(OLDER, "older") X(STORE, "store")                 \
	X(CHOSEN, "chosen") X(FOLDED, "folded") X(MAY_LACK, "may_lack")                           \
	X(UNCOUNTED, "uncounted") X(WAY, "way") X(NAME, "name") X(SCRIPT, "script")               \
	X(CONTAINER, "container") X(UNIT, "unit") X(CALL, "call") X(AT_LEAST, "at_least_ns")      \
	X(BELOW, "below_ns") X(HOLDER, "holder") X(DISTINCT, "distinct") X(PORTS, "ports")        \
	X(HALF_NS, "half_ns") X(NINETY_NINE_NS, "ninety_nine_ns") X(NAMESPACES_MORE, "rows_of_other_netns")   \
	X(CONFLICTS, "conflicts") X(SCHEMA, "schema") X(HOST, "host")
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

/*
 * How much of a process is told.  Where a life begins or ends, and where a call fails, all of it; in what comes between and
 * of others that are named beside, what tells it from others: it may be there thousands of times.
 */
enum telling {
	TELL_WHOLE,
	TELL_SHORT,
};

struct place {
	enum family family;
	bool mapped;
	const struct endpoint *endpoint;
	const char *interface; /* of a link-local address, any bytes; else NULL */
	bool no_port;	       /* only the address is meant */
};

/*
 * Every pointer handed over lives until end() returns.  `word` is one of our own names and needs no
 * escaping, `text` is any bytes.  absent() is a field whose value is unknown, where the contract wants it said.  Events have
 * no decimals and no counts of states; a speller of events alone leaves these NULL.
 */
struct spelling {
	void (*free)(struct writer *w);   /* what it keeps beside itself; may be NULL */
	void (*header)(struct writer *w); /* NULL: nothing comes before the first */
	unsigned int (*widths)(struct writer *w); /* NULL: no columns */
	void (*begin)(struct writer *w);
	void (*end)(struct writer *w);
	void (*time)(struct writer *w, enum field field, uint64_t realtime_ns);
	void (*word)(struct writer *w, enum field field, const char *word);
	void (*text)(struct writer *w, enum field field, const char *text, size_t len);
	void (*number)(struct writer *w, enum field field, uint64_t value);
	void (*decimal)(struct writer *w, enum field field, double value);
	/* How many sockets are in each state, those without one left out. */
	void (*states)(struct writer *w, enum field field, const uint64_t count[STATES]);
	void (*flag)(struct writer *w, enum field field, bool value);
	void (*absent)(struct writer *w, enum field field);
	void (*place)(struct writer *w, enum field field, const struct place *place);
	void (*process)(struct writer *w, enum field field, const struct process *process,
			enum telling telling);
	void (*open)(struct writer *w, enum field field, enum nest nest);
	void (*close)(struct writer *w, enum nest nest);
};

struct writer {
	const struct spelling *spelling;
	struct writer_options options;
	struct buffer *out; /* valid between header() or begin() and end() */
	bool roles;	    /* asks for the next: */
	enum server server; /* likewise valid; which end is, as far as it is known */
	size_t more;	    /* bytes that end() adds at most to what the fields take */
};

/* A namespace and its name, which is NULL where it goes without saying. */
void walk_netns(struct writer *w, uint32_t netns, const char *name, const struct process *process);
/* The list `holders` of a listed socket; `walk` NULL: it has no ends of the internet. */
struct walk;
void walk_open_by(struct writer *w, const struct listing *l, const struct listing_socket *s,
		  struct walk *walk);
/* `process`, null where it is NULL. */
void walk_process_or_null(struct writer *w, enum field field, const struct process *process,
			  enum telling telling);

#endif
