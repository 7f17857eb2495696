// SPDX-License-Identifier: GPL-2.0-only
/* table_failure.c - calls that fail, and what a connect() asked for before a program changed it. */
#include "table_ports.h"

#include <string.h>

void asked_apply(struct table *t, const struct fact *f)
{
	bool known = table_find(t, f->sk) != NULL;
	struct socket *s = socket_of(t, f);

	if (!known) {
		s->netns = f->netns;
		s->family = (uint8_t)f->family;
		s->protocol = f->protocol;
		s->cookie = f->cookie;
		if (inet_is_udp(f->protocol)) {
			s->opened_ns = f->time_ns;
			s->state = STATE_CLOSE;
		}
	}
	s->touched_ns = f->time_ns;
	s->flags |= SOCKET_ASKED_NEXT;
	s->asked_port = f->peer.port;
	memcpy(s->asked, f->peer.addr, sizeof(s->asked));
}

/* Of a connect() that failed: both destinations, although one tier's call tells the one and the other tier's the other. */
static void ask_failure(struct socket *asked, const struct socket *s, const struct fact *f)
{
	bool opened = f->flags & WIRE_F_OPENED;

	if (!(s->flags & (opened ? SOCKET_ASKED : SOCKET_ASKED_NEXT)))
		return;
	asked->flags |= SOCKET_ASKED;
	asked->asked_port = s->asked_port;
	memcpy(asked->asked, s->asked, sizeof(s->asked));
	if (opened)
		asked->peer = s->peer;
}

/* The record was made for what the call asked, and the socket has done nothing since: no fact will tell of its end. */
void asked_forget(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);

	if (!s || !(s->flags & SOCKET_ASKED_NEXT))
		return;
	s->flags &= ~(uint32_t)SOCKET_ASKED_NEXT;
	if (s->state == STATE_CLOSE && !s->owner && !s->local.port &&
	    !(s->flags & (SOCKET_BOUND | SOCKET_HELD)))
		table_remove(t, s);
}

/* Who listens, where somebody else fails to accept; NULL: the same, or not known. */
static const struct process *other_listener(const struct table *t, const struct fact *f,
					    const struct process *acceptor)
{
	const struct socket *s = table_find(t, f->sk);
	const struct process *p = s && !socket_is_stale(s, f) ? s->owner : NULL;

	return p && acceptor && p->pid != acceptor->pid ? p : NULL;
}

void emit_failure(struct table *t, const struct fact *f, enum event_kind kind)
{
	const struct process *p = f->has_task ? process_intern(t->processes, &f->task) : NULL;
	struct socket asked = {.owner = p};
	const struct socket *s;
	struct event e = {0};

	socket_update(&asked, f);
	s = kind == EVENT_CONNECT ? table_find(t, f->sk) : NULL;
	if (s && !socket_is_stale(s, f))
		ask_failure(&asked, s, f);
	event_of_socket(&e, &asked, kind, f->time_ns);
	e.error = -f->result;
	e.has_local |= kind == EVENT_BIND && !fact_is_of_various(f);
	if (kind == EVENT_BIND)
		e.bind.autobind = f->arg != 0;
	if (kind == EVENT_LISTEN)
		e.listen.backlog = f->arg;
	if (kind == EVENT_ACCEPT)
		e.accept.listener = other_listener(t, f, p);
	if (kind == EVENT_CONNECT) {
		e.has_local = f->local.port != 0;
		e.connect.autobind =
			s && !socket_is_stale(s, f) && e.has_local && (s->flags & SOCKET_AUTOBIND);
		e.connect.no_source = ports_lack_source(f);
	}
	if (!repeat_take(t, &e, f)) {
		e.trouble = ports_explain(t, f, kind);
		t->sink(t->ctx, &e);
	}
	process_release(t->processes, p);
}
