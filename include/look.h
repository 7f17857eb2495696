/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * look.h - a socket as the kernel has it, and who has it open: what a look finds, whatever it is for.
 *
 * Owns: the record and the receiver of records.  Refuses to know: where they come from (look_source.h), what becomes of them
 * (table.h, listing.h, budget.h).  A look is not one instant: sockets that live all through it are in it, those that come or
 * go meanwhile may be.
 */
#ifndef SOCKWATCH_LOOK_H
#define SOCKWATCH_LOOK_H

#include "inet.h"
#include "port_range.h"
#include "process.h"
#include "unix_socket.h"

enum look_flag {
	LOOK_MAKER = 1 << 0,	     /* the holder's very process made the socket */
	LOOK_DEAD = 1 << 1,	     /* closed by its process, the kernel finishes it */
	LOOK_QUEUED = 1 << 2,	     /* waits for accept() */
	LOOK_KERNEL = 1 << 3,	     /* the kernel made it for itself; said only where nobody has it open */
	LOOK_MINISOCK = 1 << 4,	     /* no socket: TIME_WAIT, `state` is the substate */
	LOOK_BUCKET = 1 << 5,	     /* in a bind bucket */
	LOOK_BUCKET_OPEN = 1 << 6,   /* which only connect() chose: other destinations may share the port */
	LOOK_NEVER_REUSED = 1 << 7, /* a minisock without timestamps */
	LOOK_ACCEPTED = 1 << 8,	    /* a connection that came to a listener; of minisocks it is not known */
	LOOK_LIMITLESS = 1 << 9,    /* a listener whose `backlog` and `dropped` are not known */
};

/* A socket that listens, in one look. */
struct look_listener {
	uint64_t key, sk; /* as of look_socket; sk 0: not known */
	uint64_t cookie;
};

/* The number of a descriptor that a process has no more: a ring of io_uring holds the socket for it. */
#define LOOK_NO_FD UINT32_MAX

struct look_socket {
	uint64_t key;	    /* what descriptors lead to; equal keys are one socket to its holders; 0 none */
	uint64_t sk;	    /* tells apart sockets of one key (MPTCP) */
	uint64_t cookie;    /* 0 unknown */
	uint64_t time_ns;   /* the record is not older; CLOCK_BOOTTIME */
	uint64_t since_ns;  /* minisock: it began; 0 unknown */
	struct endpoint local, peer; /* ifindex: what it is bound to */
	uint32_t netns;
	uint32_t receive, send, backlog; /* bytes; a listener's receive counts connections */
	uint32_t dropped;   /* for a listener, since it was made */
	uint32_t age_ms;    /* minisock: may be reused once this reaches net.ipv4.tcp_tw_reuse_delay */
	struct look_listener listener; /* LOOK_QUEUED: in whose queue it waits */
	uint32_t kernel_device; /* LOOK_KERNEL: the interface that receives through it, 0 none or unknown */
	uint32_t vrf;	    /* interface of the VRF that its bind bucket is in, 0 none */
	uint32_t uid;	    /* of who made the socket; INET_NO_UID unknown, as of minisocks */
	uint16_t protocol;  /* IPPROTO_; raw sockets are IPPROTO_RAW, their number is local.port */
	uint8_t family;	    /* enum family */
	uint8_t state;	    /* enum tcp_state */
	uint8_t options;    /* enum wire_option */
	uint16_t flags;	    /* enum look_flag */
	bool mapped;
};

/* A task that has sockets open; strings of `process` are NULL. */
struct look_task {
	struct process process;
	uint32_t parent;     /* pid */
	uint64_t started_ns; /* CLOCK_BOOTTIME, 0 unknown */
};

enum look_ranges { LOOK_RANGES_NONE, LOOK_RANGES_EPHEMERAL, LOOK_RANGES_ALL };

/* What a look is to read. */
struct look_request {
	bool tasks, tcp, udp; /* descriptors of every task, tables of each namespace */
	bool unix_sockets;    /* LOOK_BY_PROC only */
	uint32_t wants;	      /* enum wire_look_want */
	uint32_t netns;	      /* inode of the only namespace, 0 all */
	uint32_t pid;	      /* a process that may be in it */
	uint16_t port;	      /* the only local port, 0 all */
	bool asked_only;      /* of TCP sockets, what the filter of kernel_options lets through */
	enum look_ranges ranges; /* what the sink is told of each namespace */
	uint64_t until_ns; /* CLOCK_BOOTTIME: what is not read by then is left out (-ETIME); 0: as long as it takes */
};

#define LOOK_EVERY_NETNS UINT32_MAX

struct look_sink {
	/* `task` has it open as descriptor `fd`; NULL: a table of its namespace leads to it. */
	void (*socket)(void *ctx, const struct look_socket *s, const struct look_task *task, uint32_t fd);
	/* A namespace that was entered, before its sockets; low 0: nothing is known of it.  From another thread; NULL: not asked. */
	void (*netns)(void *ctx, uint32_t netns, const struct port_range *range);
	/* What could not be looked at in a namespace (LOOK_EVERY_NETNS), 0 one that is not even known: enum budget_unseen.  From either
	 * thread; NULL: not asked. */
	void (*unseen)(void *ctx, uint32_t netns, unsigned int what);
	/* Whether a socket was handed out already: it is left out of what tables lead to.  sk 0: any of this key.  NULL: none was. */
	bool (*known)(void *ctx, uint64_t key, uint64_t sk);
	/* A hint that known() is asked soon; NULL: not wanted. */
	void (*expect)(void *ctx, uint64_t key, uint64_t sk);
	/* One of a namespace's Unix sockets; with `waits_at`: the one of this inode, told before, waits there.  NULL: not asked. */
	void (*unix_socket)(void *ctx, const struct unix_socket *s);
	void *ctx;
};

struct budget;
struct fact;
struct listing;
struct port_use;
struct table;

/* Seeds and repairs a table, between table_seed_begin() and table_seed_end(), with what the request asks for. */
struct look_sink table_look_sink(struct table *t);
struct look_request table_look_request(void);
/* Answers QUESTION_HOLDERS, between table_answer_begin() and table_answer_end(); the request is to be told port and namespace. */
struct look_sink table_answer_sink(struct table *t);
/* Fills an empty listing, but for listing_join(); `l` must outlive the look. */
struct look_sink listing_look_sink(struct listing *l);

/* Sets what follows from the rest of a record: `mapped`, what a wildcard takes, and that a closed TCP socket has no peer. */
void look_complete(struct look_socket *s);
/* What it takes of its namespace's local ports; false: nothing.  Wants LOOK_W_OPTIONS and LOOK_W_BUCKET. */
bool look_port_use(struct port_use *ret, const struct look_socket *s);

#endif
