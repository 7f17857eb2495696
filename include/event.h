/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h - what the socket table says happened, ready to be filtered, printed or stored.
 *
 * Owns: one value type.  Refuses to know: facts and hooks (include/fact.h), output formats.  An event and
 * what it points to live until the sink that received it returns; copy what must stay.
 * All times are CLOCK_BOOTTIME nanoseconds.
 */
#ifndef SOCKWATCH_EVENT_H
#define SOCKWATCH_EVENT_H

#include "event_close.h"
#include "process.h"

enum event_kind {
	EVENT_BIND,
	EVENT_LISTEN,
	EVENT_CONNECT,
	EVENT_ACCEPT,
	EVENT_STATE,
	EVENT_CLOSE,
	EVENT_LOST,
	EVENT_OVERFLOW,
	EVENT_KINDS,
};

struct event_lost {
	uint64_t count;		/* all that was lost since since_ns: facts, and the two below */
	uint64_t withheld;	/* of them, facts that the kernel ran no program for: no ring would have held them */
	uint64_t sockets;	/* not kept, because the table was full */
	uint64_t processes;	/* changes of processes, or processes, that were not kept */
	uint64_t unsent; /* rows of a store that it had to let go before they were sent elsewhere */
	uint64_t since_ns;
	uint64_t added;		/* sockets found again by a fresh look at the kernel */
	uint64_t removed;	/* sockets that had gone unseen */
};

/* Why a holder keeps another socket from a port, a bit each; several may apply. */
enum holder_why {
	WHY_WILDCARD = 1 << 0,	       /* one of the two has the wildcard address */
	WHY_DUAL_STACK = 1 << 1,       /* an IPv6 wildcard that takes IPv4 too */
	WHY_LISTENING = 1 << 2,
	WHY_TIME_WAIT = 1 << 3,
	WHY_OUTGOING = 1 << 4,	       /* a connection whose port the kernel chose */
	WHY_REUSEADDR_HERE = 1 << 5,   /* SO_REUSEADDR is missing on the socket that asks */
	WHY_REUSEADDR_THERE = 1 << 6,  /* ... on the holder */
	WHY_REUSEPORT_HERE = 1 << 7,   /* SO_REUSEPORT is missing, while the other has it */
	WHY_REUSEPORT_THERE = 1 << 8,
	WHY_REUSEPORT_USER = 1 << 9,   /* both have it, but belong to different users */
	WHY_FOUR_TUPLE = 1 << 10,      /* connect() wanted the holder's own */
};
#define HOLDER_WHYS 11

struct event_holder {
	const struct process *process; /* NULL: unknown */
	const struct process *bound_by; /* who bound it and has it open no more; NULL: nobody else is known to */
	uint16_t protocol;	       /* IPPROTO_ */
	enum family family;
	bool mapped, has_peer;
	bool ended; /* who bound it has: `bound_by`, where nobody else did `process` */
	struct endpoint local, peer;
	enum tcp_state state;	       /* CLOSE: bound only; STATE_NONE where the protocol has none */
	uint64_t since_ns;	       /* 0 unknown */
	uint32_t why;		       /* enum holder_why */
	uint32_t socket_uid;	       /* of who made the socket, INET_NO_UID unknown */
	bool unheld;		       /* no process has it open, and it is not the kernel's: on its way over a Unix socket */
	bool kernel;		       /* the kernel's own, which belongs to no process: */
	uint32_t kernel_device;	       /* the interface that receives through it, 0 none or unknown */
};

/* What a failed call needs to be understood. */
struct event_trouble {
	bool has_holders;	       /* EADDRINUSE: the list below is all that is known */
	const struct event_holder *holders; /* listeners first */
	size_t holder_count;
	uint64_t holders_more;	       /* not in the list */
	uint64_t holders_as_of_ns;     /* the kernel was not asked: what was known at that time; 0: asked just now */
	bool has_range;		       /* no port was left: the four below */
	uint16_t low, high, reserved;
	uint32_t used;		       /* ports of the range that this call could not take, as far as known */
	uint32_t unprivileged_from;    /* EACCES: lower ports need CAP_NET_BIND_SERVICE; else 0 */
};

struct event {
	enum event_kind kind;
	uint64_t time_ns;
	const char *
		host; /* of a fleet, any bytes; NULL: this one, or that of a store, which does not name it */
	uint16_t protocol;	/* IPPROTO_; 0 for EVENT_LOST */
	enum family family;
	bool mapped;		/* an IPv6 socket with IPv4 addresses */
	bool has_local;
	bool has_peer;
	uint32_t netns;		/* inode */
	const char *netns_name;	/* of another namespace than the observer's own: "" it has none; NULL: its own, or not known */
	uint64_t cookie;	/* 0 unknown */
	struct endpoint local;
	struct endpoint peer;
	bool has_asked;		/* a program changed the destination that connect() was given: */
	struct endpoint asked;
	const struct process *process;	/* NULL: truly unknown, or */
	bool kernel;		/* the kernel's own socket, which belongs to no process */
	bool passive;		/* it came to a listener; false: it did not, or nobody knows */
	int error;		/* positive errno, 0 none */
	const struct event_trouble *trouble; /* NULL: no more is known of the error */
	uint64_t repeated;	/* the same failure as one told before, so many times more, the last at time_ns; else 0 */
	uint64_t since_ns;	/* the first of these */
	union {
		struct {
			bool autobind;	/* no bind() was called: sendto() made the kernel choose a port */
		} bind;
		struct {
			uint32_t backlog;
		} listen;
		struct {
			bool autobind;	/* the kernel chose the port */
			bool no_source;	/* EADDRNOTAVAIL for want of an address to send from, not of a port */
		} connect;
		struct {
			const struct process *listener; /* its binder where another process, else NULL */
		} accept;
		struct {
			enum tcp_state from;
			enum tcp_state to;
			enum tcp_state substate; /* of a TIME_WAIT minisock: FIN_WAIT2, else STATE_NONE */
			bool after_known;
			uint64_t after_ns;	 /* time spent in `from` */
		} state;
		struct event_close close;
		struct event_lost lost;
		struct event_overflow overflow;
	};
};

/* Receives each event in order; returns nothing because a slow or broken reader must not bend the table. */
typedef void (*event_sink_fn)(void *ctx, const struct event *event);

const char *event_kind_name(enum event_kind kind);	/* "bind" */
const char *event_reason_name(enum close_reason reason); /* "local-close" */
const char *event_how_name(enum close_how how);		 /* "linger"; NULL for HOW_UNKNOWN */
bool event_reason_is_failure(enum close_reason reason);	 /* nobody asked for such an end */
/* No source port was left; not for want of a source address. */
bool event_is_exhaustion(const struct event *e);
/* Of a life that has ended, or of a connect() that failed; REASONS for other events. */
enum close_reason event_reason(const struct event *e);
const char *event_why_name(unsigned int bit);		/* "wildcard" for 0 */
/* -1 when no kind has that name. */
int event_kind_parse(const char *name, size_t len);
int event_reason_parse(const char *name, size_t len);

#endif
