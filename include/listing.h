/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listing.h - every socket at one moment, joined with everyone who holds it.
 *
 * Owns: arrays of tasks, sockets, holders and namespaces of one look, and what follows from them: who owns a socket, who bound
 * its port.  Refuses to know: where the look comes from, /proc, formats.  One thread.
 *
 *     listing_init(&l);
 *     task = listing_add_task(&l, &t);                       // then its descriptors
 *     listing_add_holder(&l, task, fd, maker, &socket);
 *     listing_join(&l);                                      // once, at the end
 *     for (size_t i = 0; i < l.socket_count; i++) ...
 *     listing_done(&l);
 *
 * Adding is O(1) amortized.  Pointers into the arrays live until the next addition.
 */
#ifndef SOCKWATCH_LISTING_H
#define SOCKWATCH_LISTING_H

#include "hash.h"
#include "inet.h"
#include "look.h"
#include "process.h"

#define LISTING_NONE UINT32_MAX

struct listing_task {
	struct process process;
	uint32_t parent;	/* pid */
	uint64_t started_ns;	/* CLOCK_BOOTTIME, 0 unknown */
	bool resolved, ended;	/* from the past: process_copy(), all is known that is told; no such process is there now */
};

struct listing_holder {
	uint32_t task;		/* index */
	uint32_t fd;
	uint32_t socket;	/* index */
	uint32_t next;		/* another holder of the socket, LISTING_NONE at the end */
	bool maker;		/* this very process made the socket */
};

struct listing_socket {
	uint64_t key;		/* what descriptors lead to; equal keys are one socket to its holders; 0 none */
	uint64_t sk;		/* tells apart sockets of one key (MPTCP) */
	uint64_t cookie;	/* 0 unknown */
	uint64_t since_ns;	/* its life began; a TIME_WAIT: was entered.  CLOCK_BOOTTIME, 0 unknown */
	struct endpoint local, peer;
	uint32_t netns;
	uint32_t receive, send, backlog, dropped; /* bytes; a listener's receive and dropped (since it was made) count connections */
	uint32_t listener;	/* LOOK_QUEUED: index + 1 of the socket it waits at, 0 unknown */
	uint32_t kernel_device;	/* LOOK_KERNEL: the interface that receives through it, 0 none or unknown */
	uint32_t first, last;	/* holders, LISTING_NONE without one */
	uint32_t holder_count;
	uint32_t owner;		/* task, LISTING_NONE nobody or unknown: from listing_join(); of what is left, from past.h */
	uint16_t protocol;	/* IPPROTO_; raw sockets are IPPROTO_RAW, their number is local.port */
	uint8_t family;		/* enum family */
	uint8_t state;		/* enum tcp_state */
	uint16_t flags;		/* enum look_flag; LOOK_KERNEL from listing_join() on: and nobody has it open */
	bool mapped;
};

struct listing_netns {
	uint32_t inode;
	uint16_t low, high;	/* ephemeral ports; 0, 0 unknown */
	char name[NETNS_NAME_SIZE]; /* any bytes; "": not asked for, or it has none */
	bool away;	/* another than the caller's own: it is to be named */
	uint32_t holder;	/* + 1 of one of them, 0 none */
};

struct listing_place {
	uint64_t key, sk;
	uint32_t index;	/* + 1 */
};
HASH_TYPE(listing_index, struct listing_place);

struct listing {
	struct listing_task *tasks;
	struct listing_socket *sockets;
	struct listing_holder *holders;
	struct listing_netns *netns;
	struct listing_index index; /* of sockets */
	uint32_t *listeners;	/* sockets in LISTEN, sorted; from listing_join() */
	size_t task_count, socket_count, holder_count, netns_count, listener_count;
	size_t task_cap, socket_cap, holder_cap, netns_cap;
	uint64_t time_ns;	/* of the look, CLOCK_BOOTTIME */
	bool has_threads;	/* some tasks are threads with descriptors of their own */
	bool failed;		/* without memory: what follows is missing */
	bool lacks; /* rights to see what others have: who holds a socket may not be known */
};

void listing_init(struct listing *l);
void listing_done(struct listing *l);

/* The new index; LISTING_NONE without memory, `failed` is set then. */
uint32_t listing_add_task(struct listing *l, const struct listing_task *task);
/* A socket that `task` holds: joined by key to one that is there, or new.  Threads of one process are one holder. */
uint32_t listing_add_holder(struct listing *l, uint32_t task, uint32_t fd, bool maker,
			    const struct listing_socket *socket);
/* A socket without a descriptor of its own, unless key and sk are there; shares the holders of its key. */
uint32_t listing_add_loose(struct listing *l, const struct listing_socket *socket);
void listing_add_netns(struct listing *l, const struct listing_netns *netns);

/* The socket of this key, and of this sk where that is not 0; LISTING_NONE. */
uint32_t listing_find(const struct listing *l, uint64_t key, uint64_t sk);
/* A hint that this socket is looked for soon; any values. */
void listing_expect(const struct listing *l, uint64_t key, uint64_t sk);
/* Asked once for each namespace but `own` that has sockets or was added as such, with a task that has one open (NULL none). */
typedef void (*listing_netns_fn)(uint32_t inode, struct listing_task *task, char *ret, size_t size);
void listing_name_netns(struct listing *l, uint32_t own, listing_netns_fn name_of);
void listing_add_away(struct listing *l, uint32_t inode);
const struct listing_netns *listing_netns_of(const struct listing *l, uint32_t inode);

/* Gives sockets of one key the same holders, chooses the owners and finds the listeners.  Call after the last addition. */
void listing_join(struct listing *l);

/*
 * Who owns it: of those that have it open by the rule (owner.h); of a connection that waits for accept(), the owner of its
 * listener; of what no process has open any more, who left it.  NULL when none of these is certain.
 */
const struct listing_task *listing_owner(const struct listing *l, const struct listing_socket *s);
/* Who made the socket, by its credentials, and still holds it; of a connection, its listener.  NULL: unknown without a trace. */
const struct listing_task *listing_binder(const struct listing *l, const struct listing_socket *s);
/* Whether a connection to the local end of `s` could have come to `to`, which is bound or listens, by its address. */
bool listing_serves(const struct listing_socket *to, const struct listing_socket *s);
/*
 * Whose connection `s` is: of one that waits for accept() the listener in whose queue it is; of an accepted one the only one
 * with its address that its holder, or the holder's parent, has open too (TPROXY leads elsewhere).  NULL: unknown.
 */
const struct listing_socket *listing_listener(const struct listing *l,
					      const struct listing_socket *s);
/* Whether `s` can be a connection of listener `to`, as above; of what no process has open any more, by its address. */
bool listing_may_serve(const struct listing *l, const struct listing_socket *to,
		       const struct listing_socket *s);

/* Who began a connection, where the kernel tells: its bind bucket says that connect() chose the port, or its backlog that
 * it came to a listener. */
enum direction { DIRECTION_UNKNOWN, DIRECTION_OUTGOING, DIRECTION_ACCEPTED };
enum direction listing_direction(const struct listing_socket *s);
bool listing_is_to_itself(const struct listing_socket *s); /* both ends are one */

/* Its state; STATE_NONE where the protocol has none or it is not connected (UDP without a peer). */
enum tcp_state listing_state(const struct listing_socket *s);
/* It has a port, or is a raw socket: something that another process may meet. */
bool listing_has_port(const struct listing_socket *s);
bool listing_has_peer(const struct listing_socket *s);
bool listing_knows_limit(const struct listing_socket *s); /* of what may wait, and what was dropped */
/* A listener with more connections that wait for accept() than may: the kernel drops others. */
bool listing_is_full(const struct listing_socket *s);

#endif
