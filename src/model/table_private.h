/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table_private.h - the socket record and the storage under it, for src/model/table*.c only.
 *
 *     index (hash table, sk -> slot)       ──▶ slab of records in chunks: pointers stay valid
 *     listeners (by namespace and port)    ──▶ chains through the records
 *     held (queues of prepared events)     ──▶ ends that wait for the fact that explains them
 */
#ifndef SOCKWATCH_TABLE_PRIVATE_H
#define SOCKWATCH_TABLE_PRIVATE_H

#include "hash.h"
#include "owner.h"
#include "table.h"
#include "table_held.h"
#include "table_overflow.h"

#define SPANS 8

enum socket_flag {
	SOCKET_AUTOBIND = 1 << 0,      /* no port when connect() began (UDP: or sendto()) */
	SOCKET_CONNECT_SHOWN = 1 << 1, /* the connect event of this life is out */
	SOCKET_LISTEN_SHOWN = 1 << 2,
	SOCKET_PASSIVE = 1 << 3, /* a child of a listener */
	SOCKET_ACCEPTED = 1 << 4,
	SOCKET_BORN_HELD = 1 << 5,  /* LISTEN -> SYN_RECV not shown yet: the peer was not known */
	SOCKET_BOUND = 1 << 6,	    /* bind() succeeded, and no connection since; UDP: is shown */
	SOCKET_PEER_FIRST = 1 << 7, /* the peer closed first */
	SOCKET_LOCAL_FIRST = 1 << 8,
	SOCKET_RESET_RECEIVED = 1 << 9,
	SOCKET_RESET_SENT = 1 << 10,
	SOCKET_SEED_OWNER = 1 << 11, /* the owner was found holding it, not seen making it */
	SOCKET_QUEUED = 1 << 12,     /* seeded without descriptor: waits in an accept queue */
	SOCKET_LISTENER = 1 << 13,     /* in the chain of its port */
	SOCKET_MAPPED = 1 << 14,
	SOCKET_HELD = 1 << 15, /* the end of the life before may still wait */
	SOCKET_TOLD = 1 << 16,	       /* table_each_open() has handed it out as it is */
	SOCKET_TO_TIME_WAIT = 1 << 17, /* a minisock took its place: CLOSED comes next */
	SOCKET_TO_FIN_WAIT2 = 1 << 18, /* likewise, one that still waits for the peer's FIN */
	SOCKET_MINISOCK = 1 << 19,     /* no socket: a TIME_WAIT, under its own pointer */
	SOCKET_TOLD_OPEN = 1 << 20,    /* whoever took this life must hear of its end */
	SOCKET_IN_QUESTION = 1 << 21,  /* a holder of the port that a question is about */
	SOCKET_LEFT_BOUND = 1 << 22,   /* its life has ended, and the port that bind() named is still its own */
	SOCKET_LOOKED_AT = 1 << 23,    /* a listener's `queue` is known */
	SOCKET_STEERED = 1 << 24,      /* a child: its port does not tell the listener */
	SOCKET_FOUND = 1 << 25,	       /* one look has found it, and no fact has told of it */
	SOCKET_ASKED_NEXT = 1 << 26,   /* `asked` is what the next connect() asked for */
	SOCKET_ASKED = 1 << 27,	       /* ... what this life's did: a program changed it */
};
#define SOCKET_WAITS (SOCKET_TO_TIME_WAIT | SOCKET_TO_FIN_WAIT2)

struct socket {
	uint64_t sk, cookie;
	uint64_t opened_ns;  /* start of this life, 0 unknown */
	uint64_t since_ns;   /* entry into `state`, 0 unknown */
	uint64_t touched_ns; /* last fact or seed */
	uint64_t owned_ns;   /* when a call or a look told the owner, 0 unknown */
	union {
		uint64_t span_ns[SPANS];
		struct listener_queue queue; /* while it listens: there are no spans yet */
	};
	const struct process *owner;
	const struct process *listener; /* the owner of the listener a child came from */
	const struct process *binder;	/* who bound it, where a look found it with somebody else */
	struct endpoint local, peer;
	uint32_t netns, flags;
	uint32_t next_listener;
	uint32_t generation; /* of the last look that found it */
	uint32_t next_port, prev_port; /* in the chain of `chained` */
	uint32_t device;	       /* interface it is bound to, 0 any */
	uint32_t vrf;		       /* interface of the VRF its port is bound in, 0 none or not known */
	uint32_t uid;		       /* of who made it, valid where `options` are */
	uint16_t chained;	       /* port_bucket() of the chain, 0 in none */
	uint16_t protocol;
	uint8_t family, state, span_count, options; /* enum wire_option */
	uint8_t span_state[SPANS];
	uint16_t asked_port;
	uint8_t asked[16];
};
_Static_assert(sizeof(struct socket) <= 256, "the budget of a socket in the table");

#define NO_SLOT	 0 /* nobody is given the first one: what was never touched costs no memory */
#define CHUNK	 4096
#define PORTS	 65536

struct table_place {
	uint32_t slot; /* NO_SLOT: a place that is free */
	uint32_t hash; /* of its sk: what is looked for is told from others without a look at their records */
};
HASH_TYPE(table_index, struct table_place);

struct table {
	event_sink_fn sink;
	void *ctx;
	struct process_set *processes;
	size_t max;
	struct table_stats stats;

	struct table_index index;
	struct socket **chunk;
	size_t chunk_count;
	uint32_t free_slot, fresh_slot; /* chained through next_listener; the first that was never used */
	/* By port_bucket(), NO_SLOT none: other namespaces and ports may be in the same chain. */
	uint32_t listener[PORTS];
	uint32_t port[PORTS];	/* every socket with a local port */
	uint32_t change[PORTS]; /* counts what may change who holds a port */

	struct held_queue held[HELD_FOR_KINDS];
	size_t held_waiting;  /* in them, and not out */
	uint64_t held_due_ns; /* no later than any of them; where some wait */

	struct socket spare; /* stands in when the table is full */
	uint32_t generation;
	uint64_t look_begin_ns, look_added;
	struct unlooked *unlooked; /* namespaces that the look could not see all of: table_seed.c */
	unsigned int unlooked_everywhere;
	bool sees_time_wait; /* a hook tells who enters it */
	struct owner_look *look;
	struct seed_queued *queued; /* of the look: table_seed.c */
	size_t queued_count;
	struct moved *moved;	  /* table_moved.c; NULL: nothing was */
	struct laters *later;	  /* table_later.c; NULL: nothing waits */
	bool defers;		  /* a look goes on, which may find too early */
	struct port_state *ports; /* table_ports.c */
	struct repeats *repeats;  /* table_repeat.c */
	struct question *question; /* table_question.c */
	struct overflows *overflows; /* table_overflow.c; NULL: none were looked for */
	bool asks;		   /* somebody answers questions */
};

/* table.c: storage */
void table_init(struct table *t);
void table_done(struct table *t);
struct socket *table_find(const struct table *t, uint64_t sk);
/* A zeroed record under `sk`; the spare one when the table is full or sk is 0.  Invalidates nothing. */
struct socket *table_insert(struct table *t, uint64_t sk);
void table_remove(struct table *t, struct socket *s);
struct socket *table_slot(const struct table *t, uint32_t slot);
size_t table_slots(const struct table *t);

void table_set_owner(struct table *t, struct socket *s, const struct process *p);
/* Into the chain of listeners on its port and out of it, where table_listener_owner() looks; harmless to repeat. */
void table_add_listener(struct table *t, struct socket *s);
void table_remove_listener(struct table *t, struct socket *s);
/* The owner of the listener a child belongs to: by the listener's cookie where known, else by
 * address when only one owner fits, among the listeners whose cookie is not known.  NULL when unknown or ambiguous; no reference is taken. */
const struct process *table_listener_owner(const struct table *t, const struct socket *child,
					   uint64_t listener_cookie);

/* Keeps the record in the chain of its port; O(1).  Counts a change of the port. */
void ports_link(struct table *t, struct socket *s);

/* table_udp.c */
void udp_apply(struct table *t, const struct fact *f);
/* A look found the socket; `fresh` when it made the record. */
void udp_seeded(struct socket *s, const struct fact *f, bool fresh);

/* table_minisock.c: TIME_WAITs, where a hook tells them */
void minisock_enter(struct table *t, const struct fact *f);
void minisock_leave(struct table *t, const struct fact *f);
/* Longer than any lasts: its end was lost. */
bool minisock_is_over(const struct socket *s, uint64_t now_ns);

/* table_seed.c */
/* Forgets a look that has not ended. */
void table_seed_drop(struct table *t);

/* reason.c */
enum close_reason reason_of_errno(int error, bool had_port);
/* Why and how it ended, and what was counted; `c` has its spans. */
void reason_tell(struct event_close *c, const struct socket *s, const struct fact *f);
/* The end enters TIME_WAIT: *ret_substate is FIN_WAIT2 when the peer's FIN is still to come.  `traced`: a fact has said so if it
 * does; else the shape of the end tells, unless *ret_unknown: the namespace's limit is reached. */
bool reason_is_time_wait(const struct socket *s, const struct fact *f, bool traced,
			 enum tcp_state *ret_substate, bool *ret_unknown);
/* Only the fact that follows tells how this ended. */
bool reason_must_wait(const struct socket *s, const struct fact *f);

#endif
