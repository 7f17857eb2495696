/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_closed.h - the record of a change of state to CLOSE: what was counted, and what shows why it came.
 *
 * Owns: the layout of that one record.  Refuses to know: which reason follows (src/model/reason.c).
 */
#ifndef SOCKWATCH_WIRE_CLOSED_H
#define SOCKWATCH_WIRE_CLOSED_H

#include "wire.h"

/* wire_closed.end: what else shows why a connection ended; each is read only where it may matter */
enum wire_end {
	WIRE_E_KNOWN = 1 << 0,	 /* read: what is not set is not so */
	WIRE_E_LINGER = 1 << 1,	 /* SO_LINGER with no time: close() resets */
	WIRE_E_UNREAD = 1 << 2,	 /* received data that nobody read */
	WIRE_E_REPAIR = 1 << 3,	 /* TCP_REPAIR: nothing is sent */
	WIRE_E_HEARD = 1 << 4,	 /* last_heard_ms is known */
	WIRE_E_TW_TOLD = 1 << 5, /* a hook tells who enters TIME_WAIT: WIRE_TIME_WAIT came before */
	WIRE_E_TW_FULL = 1 << 6, /* there are all that may be, perhaps this one, too */
	WIRE_E_TW_NONE = 1 << 7, /* it has no room for this one */
};

struct wire_closed {
	struct wire_fact fact;
	__u64 sent_bytes;     /* payload sent at least once, without retransmissions */
	__u64 received_bytes; /* payload received in order */
	__u32 retransmits;    /* segments */
	__u32 rtt_us;	      /* smoothed round trip time; 0 not measured */
	/* Given up, or never answered (from SYN_SENT): else 0. */
	__u32 unacked_bytes;   /* not acknowledged, sent or not; SYN and FIN count */
	__u32 last_heard_ms;   /* since the last segment of the peer */
	__u32 user_timeout_ms; /* TCP_USER_TIMEOUT, 0 none */
	__u16 syns;	       /* sent, from SYN_SENT */
	__u8 probes;	       /* of keepalive or of a closed window, not answered */
	__u8 end;	       /* enum wire_end */
};

_Static_assert(sizeof(struct wire_closed) == 128, "wire_closed has no hidden padding");

#endif
