// SPDX-License-Identifier: GPL-2.0-only
/* table_open.c - the lives that go on, for whoever keeps them. */
#include "table_private.h"

static bool is_due(const struct socket *s, uint64_t now_ns, uint64_t min_age_ns)
{
	/* A minisock's life has ended, and its close is out. */
	if (!s->sk || (s->flags & (SOCKET_TOLD | SOCKET_MINISOCK)))
		return false;
	if (s->state == STATE_CLOSE && !(s->flags & SOCKET_BOUND))
		return false;
	return !s->opened_ns || s->opened_ns + min_age_ns <= now_ns;
}

void table_each_open(struct table *t, uint64_t now_ns, uint64_t min_age_ns, event_sink_fn fn,
		     void *ctx)
{
	for (size_t i = 0; i < table_slots(t); i++) {
		struct socket *s = table_slot(t, (uint32_t)i);
		struct event_close *c;
		struct event e;

		if (!is_due(s, now_ns, min_age_ns))
			continue;
		event_of_close(&e, s, now_ns);
		c = &e.close;
		c->end = EVENT_END_OPEN;
		c->state = (enum tcp_state)s->state;
		if (s->since_ns && now_ns >= s->since_ns && c->span_count < EVENT_MAX_STATES) {
			c->spans[c->span_count].state = (enum tcp_state)s->state;
			c->spans[c->span_count++].ns = now_ns - s->since_ns;
		}
		s->flags |= SOCKET_TOLD;
		fn(ctx, &e);
	}
}
