// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_overflow.c - listeners whose queue is full, by what the kernel counts.
 *
 * The counter of a listener grows with each SYN or ACK that finds the queue full, and with stray packets that no queue has to do with
 * (net/ipv4/tcp_input.c tcp_rcv_state_process()).  So it grows for an overflow only where the queue was full at a look, too.
 */
#include "table_record.h"

#include "wire_listener.h"

#include <netinet/in.h>

/* Who is dropped asks again after 1, 2, 4 ... seconds: a pause shorter than this ends nothing. */
#define PAUSE_NS 10000000000ull

size_t table_listeners(const struct table *t, struct table_round *round, struct wire_listener *list,
		       size_t max)
{
	size_t count = 0;

	for (; round->port < PORTS; round->port++, round->seen = 0) {
		uint32_t at = 0;

		for (uint32_t i = t->listener[round->port]; i != NO_SLOT;) {
			const struct socket *s = table_slot(t, i);

			i = s->next_listener;
			if (at++ < round->seen || s->protocol != IPPROTO_TCP)
				continue;
			if (count == max)
				return count;
			round->seen = at;
			list[count++] = (struct wire_listener){.sk = s->sk};
		}
	}
	return count;
}

static void tell(struct table *t, const struct socket *s, bool ended, uint64_t time_ns)
{
	const struct listener_queue *q = &s->queue;
	struct event e;

	event_of_socket(&e, s, EVENT_OVERFLOW, time_ns);
	e.overflow = (struct event_overflow){
		.ended = ended,
		.waiting = q->waiting,
		.limit = q->limit,
		.dropped = q->dropped - q->before,
		.since_ns = q->begun_ns,
	};
	t->sink(t->ctx, &e);
}

void overflow_end(struct table *t, struct socket *s, uint64_t time_ns)
{
	if ((s->flags & SOCKET_LOOKED_AT) && s->queue.begun_ns)
		tell(t, s, true, time_ns);
	s->flags &= ~(uint32_t)SOCKET_LOOKED_AT;
}

static void see(struct table *t, struct socket *s, const struct wire_listener *l, uint64_t now_ns)
{
	struct listener_queue *q = &s->queue;
	bool was_full, full = l->waiting > l->limit, grown;

	if (!(s->flags & SOCKET_LOOKED_AT)) {
		/* What was dropped before the trace belongs to no overflow that it tells. */
		s->span_count = 0; /* of a life whose end was lost */
		*q = (struct listener_queue){.dropped = s->opened_ns ? 0 : l->dropped};
		s->flags |= SOCKET_LOOKED_AT;
	}
	was_full = q->waiting > q->limit;
	grown = l->dropped != q->dropped;
	q->waiting = l->waiting;
	q->limit = l->limit;
	if (grown)
		q->grown_ns = now_ns;
	if (!q->begun_ns) {
		q->before = q->dropped;
		q->dropped = l->dropped;
		if (grown && (full || was_full)) {
			q->begun_ns = now_ns;
			tell(t, s, false, now_ns);
		}
		return;
	}
	q->dropped = l->dropped;
	if (grown || (full && now_ns - q->grown_ns < PAUSE_NS))
		return;
	tell(t, s, true, now_ns);
	q->begun_ns = 0;
}

void table_listeners_seen(struct table *t, const struct wire_listener *list, size_t count,
			  uint64_t now_ns)
{
	for (size_t i = 0; i < count; i++) {
		struct socket *s = table_find(t, list[i].sk);

		if (s && s->state == STATE_LISTEN && list[i].state == STATE_LISTEN &&
		    (!s->cookie || s->cookie == list[i].cookie))
			see(t, s, &list[i], now_ns);
	}
}
