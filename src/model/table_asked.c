// SPDX-License-Identifier: GPL-2.0-only
/* table_asked.c - what a connect() asked for before a program changed it. */
#include "table_record.h"

#include <string.h>

void asked_apply(struct table *t, const struct fact *f)
{
	struct socket *s = socket_of(t, f);

	/* A new record, also where another socket had the pointer. */
	if (!s->family) {
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

void asked_of_failure(struct socket *ret, const struct socket *s, const struct fact *f)
{
	bool opened = f->flags & WIRE_F_OPENED;

	if (!(s->flags & (opened ? SOCKET_ASKED : SOCKET_ASKED_NEXT)))
		return;
	ret->flags |= SOCKET_ASKED;
	ret->asked_port = s->asked_port;
	memcpy(ret->asked, s->asked, sizeof(s->asked));
	if (opened)
		ret->peer = s->peer;
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
