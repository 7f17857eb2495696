/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event_close.h - a life that ended, and why; a queue that overflows.  Part of event.h.
 *
 * Owns: value types.  Refuses to know: how the reason was found (src/model/reason.c).
 */
#ifndef SOCKWATCH_EVENT_CLOSE_H
#define SOCKWATCH_EVENT_CLOSE_H

#include "inet.h"

enum close_reason {
	REASON_UNKNOWN,
	REASON_LOCAL_CLOSE,
	REASON_PEER_CLOSE,
	REASON_LOCAL_RESET,
	REASON_PEER_RESET,
	REASON_REFUSED,
	REASON_TIMEOUT,
	REASON_UNREACHABLE,
	REASON_PORT_EXHAUSTED,
	REASON_ABORTED,
	REASON_ABANDONED,    /* given up by the application before it was connected */
	REASON_KEEPALIVE,    /* probes of an idle connection were not answered */
	REASON_USER_TIMEOUT, /* TCP_USER_TIMEOUT */
	REASONS,
};

/* What made this end reset a connection, or drop it. */
enum close_how {
	HOW_UNKNOWN,
	HOW_LINGER,	/* SO_LINGER with no time */
	HOW_UNREAD,	/* data had come that nobody read */
	HOW_LATE_DATA,	/* data came after close() */
	HOW_LINGER2,	/* TCP_LINGER2 below 0, or over */
	HOW_DISCONNECT, /* connect(AF_UNSPEC) */
	HOW_KILLED,	/* by another process: ss -K */
	HOWS,
};

#define EVENT_MAX_STATES 16

struct event_span {
	enum tcp_state state;
	uint64_t ns;
};

enum event_end {
	EVENT_END_SEEN,
	EVENT_END_OPEN,	  /* the life goes on; the event's time is that of the look */
	EVENT_END_UNSEEN, /* it has ended, nobody knows when; the event's time is when it was last known open */
};

struct event_close {
	enum event_end end;
	enum tcp_state state;	/* of a life that goes on */
	bool told;		/* handed out before as one that goes on */
	uint64_t opened_ns;	/* 0: older than the trace */
	uint64_t duration_ns;	/* UINT64_MAX: unknown, the end itself was not seen */
	bool counted;		/* the four counters below are known */
	uint64_t sent_bytes;
	uint64_t received_bytes;
	uint32_t retransmits;
	uint32_t rtt_us;	/* 0: not measured */
	enum close_reason reason;
	enum close_how how;
	uint32_t syns;		/* sent without an answer; 0: was answered, or not known */
	bool silent;		/* the two below are known: the peer was given up */
	uint64_t last_heard_ns; /* before the end */
	uint32_t unacked_bytes; /* sent or to be sent */
	bool time_wait;		/* the kernel keeps the port in TIME_WAIT */
	bool time_wait_unknown; /* whether it does */
	unsigned int span_count;
	struct event_span spans[EVENT_MAX_STATES]; /* in the order they were entered */
};

struct event_overflow {
	bool ended;
	uint32_t waiting, limit;     /* of the listener's queue now */
	uint64_t dropped, since_ns; /* packets, since it began; ended: when that was */
};

#endif
