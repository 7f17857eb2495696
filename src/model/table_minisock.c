// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_minisock.c - TIME_WAIT from its first moment to its last.
 *
 *     WIRE_TIME_WAIT      marks the socket, so that its CLOSED is known to enter TIME_WAIT, and
 *                         makes a record of the minisock under the minisock's own pointer
 *     WIRE_TIME_WAIT_END  tells TIME_WAIT -> CLOSE and drops that record
 *
 * The record is in no chain of ports: table_ports.c knows the ports in TIME_WAIT by itself.  To every other
 * fact it is stale (socket_is_stale()): one whose end was lost goes when its pointer is used again.
 */
#include "table_record.h"

/* tcp_fin_timeout is at most 2 minutes, and 1 more follows the peer's FIN. */
#define LONGEST_NS (180ull * 1000000000)

bool minisock_is_over(const struct socket *s, uint64_t now_ns)
{
	return now_ns > s->since_ns + LONGEST_NS;
}

/* `s` is kept in the table. */
static void keep(struct table *t, const struct socket *s, const struct fact *f)
{
	struct socket *w = table_find(t, f->listener);

	if (w) {
		if (w == s || w->touched_ns > f->time_ns)
			return;
		t->stats.stale++;
		table_forget(t, w, f->time_ns);
	}
	w = table_insert(t, f->listener);
	if (w == &t->spare)
		return;
	w->cookie = s->cookie;
	w->since_ns = w->touched_ns = f->time_ns;
	w->local = s->local;
	w->peer = s->peer;
	w->netns = s->netns;
	w->protocol = s->protocol;
	w->family = s->family;
	w->state = STATE_TIME_WAIT;
	w->flags =
		SOCKET_MINISOCK | (s->flags & (SOCKET_MAPPED | SOCKET_PASSIVE | SOCKET_ACCEPTED));
	table_set_owner(t, w, s->owner);
}

void minisock_enter(struct table *t, const struct fact *f)
{
	struct socket *s = socket_of(t, f);

	t->sees_time_wait = true;
	socket_update(s, f);
	if (s == &t->spare)
		return;
	s->flags |= f->to == STATE_FIN_WAIT2 ? SOCKET_TO_FIN_WAIT2 : SOCKET_TO_TIME_WAIT;
	keep(t, s, f);
}

void minisock_leave(struct table *t, const struct fact *f)
{
	struct socket *w = table_find(t, f->sk), unknown = {0};
	struct event e;

	if (w && !(w->flags & SOCKET_MINISOCK))
		w = NULL;
	if (w && w->cookie && f->cookie && w->cookie != f->cookie) {
		t->stats.stale++;
		table_remove(t, w);
		w = NULL;
	}
	if (!w)
		socket_update(&unknown, f); /* older than the trace, or its start was lost */
	event_of_socket(&e, w ? w : &unknown, EVENT_STATE, f->time_ns);
	e.state.from = STATE_TIME_WAIT;
	e.state.to = STATE_CLOSE;
	e.state.substate = STATE_NONE;
	e.state.after_known = w && f->time_ns >= w->since_ns;
	e.state.after_ns = e.state.after_known ? f->time_ns - w->since_ns : 0;
	ports_no_time_wait(t, &e);
	t->sink(t->ctx, &e);
	if (w)
		table_remove(t, w);
}
