/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * story.h - facts and events as lines of text, so that a test of the socket table reads like what the
 * kernel said and what a user sees.
 *
 *     0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
 *     = state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
 *
 * A fact: microseconds, kind, socket (a letter: its address, cookie 1 for A, 2 for B...), then words in any
 * order.  FROM>TO or a STATE, LOCAL>PEER and cookie=N stay with the socket until said again; p100 or p100.7 is
 * the calling process (and thread); err= res= arg= parent= listener= sk= ns= sent= received= retransmits= rtt= heard=
 * unacked= user-timeout= syns= probes= and the names of flags hold for their line.  The facts go through the wire and fact_decode().
 *
 * Instead of a kind: `look`, `found` (ends the look, keeps), `repair` (ends the look, removes), `release`, `lives`.
 * Lines that begin with = are the events the line above made, in order.
 */
#ifndef SOCKWATCH_STORY_H
#define SOCKWATCH_STORY_H

#include "table.h"

#define STORY_SOCKETS 26

union story_record {
	struct wire_fact fact;
	struct wire_call call;
	struct wire_closed closed;
};

struct story {
	struct table *table;
	struct process_set *processes;
	event_sink_fn sink; /* in place of the lines, where set */
	void *sink_ctx;
	char *out; /* the story told again: each line with the events it made */
	size_t out_len, out_cap;
	const char *complaint; /* a line that is no fact, or an event that breaks a rule; NULL */
	struct story_socket {
		uint64_t cookie;
		uint8_t family, state;
		uint8_t local[16], peer[16];
		uint16_t local_port_be, peer_port_be;
	} socket[STORY_SOCKETS];
};

/* A table of `max` sockets and `max_processes`. */
void story_init(struct story *s, size_t max, size_t max_processes);
/* Tells one line; lines that begin with = or # are passed over, the latter kept in `out`. */
void story_tell(struct story *s, const char *line);
/* The wire record of a line; 0 when it is none.  The socket's words are kept in `s`. */
size_t story_encode(struct story *s, const char *line, union story_record *ret);
/* Frees the table; false when it kept a reference to a process. */
bool story_done(struct story *s);

#endif
