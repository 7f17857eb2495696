/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table_ports.h - who holds a port, what a failed call met, and the same failure again; for src/model/table*.c only.
 */
#ifndef SOCKWATCH_TABLE_PORTS_H
#define SOCKWATCH_TABLE_PORTS_H

#include "table_private.h"

/* The chain of a port in a namespace: the ports of one namespace never meet.  0: no port. */
static inline uint16_t port_bucket(uint32_t netns, uint16_t port)
{
	uint16_t bucket = (uint16_t)(port ^ (netns * 0x9e3779b1u >> 16));

	if (!port)
		return 0;
	return bucket ? bucket : 1;
}

bool ports_init(struct table *t);
void ports_done(struct table *t);
/* The kernel keeps the port of `s` in TIME_WAIT from time_ns on.  Remembered up to a bounded number, the newest. */
void ports_time_wait(struct table *t, const struct socket *s, uint64_t time_ns, enum tcp_state substate);
/* Lets go of TIME_WAITs that have ended, some at each call: true when their room has become less.  Its bytes. */
bool ports_rest(struct table *t, uint64_t now_ns);
size_t ports_bytes(const struct table *t);
/* The last TIME_WAIT between these ends is over, or was none because a reset ended the socket. */
void ports_no_time_wait(struct table *t, const struct event *close);
/* The TIME_WAIT *number or later, counted on, as a close event (cookie 0: nothing to tell); false at the end. */
bool ports_next_time_wait(const struct table *t, uint64_t *number, struct event *e);
/* The first look found a minisock; what later looks find is ignored. */
void ports_seed_time_wait(struct table *t, const struct fact *f);
/* To be called when the holders of the port of `s` may change or have changed. */
static inline void ports_changed(struct table *t, const struct socket *s)
{
	t->change[s->chained]++;
}
/*
 * connect() found no address to send from: it looks for one before SYN_SENT and for a port after it (net/ipv4/tcp_ipv4.c
 * tcp_v4_connect(), net/ipv6/tcp_ipv6.c tcp_v6_connect()), UDP the other way round, where no port is EAGAIN.
 */
bool ports_lack_source(const struct fact *f);
/*
 * Whether a search for holders or used ports may begin: they take a bounded number of steps a second of the facts' time,
 * however many calls fail.
 */
bool ports_have_credit(struct table *t, uint64_t now_ns);

/* The kernel made it for itself, and no process has it. */
static inline bool socket_is_kernels(const struct socket *s)
{
	return !s->owner && (s->options & WIRE_O_KERNEL);
}

/* table_repeat.c: the same failure again, told at once and then with a count */
bool repeat_init(struct table *t);
void repeat_done(struct table *t);
/* False: the caller tells `e`, the failure of `f`, now.  True: a later count will include it. */
bool repeat_take(struct table *t, const struct event *e, const struct fact *f);
/* What the event is about to tell has changed by its own search. */
void repeat_learned(struct table *t, const struct event *e, const struct fact *f);
/* Tells the counts that are due by now_ns. */
void repeat_release(struct table *t, uint64_t now_ns);

#endif
