// SPDX-License-Identifier: GPL-2.0-only
/* table_open.c - the lives that go on, for whoever keeps them or asks. */
#include "table_ports.h"

/* A minisock's life has ended, and its close is out. */
static bool goes_on(const struct socket *s)
{
	return s->sk && !(s->flags & SOCKET_MINISOCK) &&
	       (s->state != STATE_CLOSE || (s->flags & SOCKET_BOUND));
}

static bool is_due(const struct socket *s, uint64_t now_ns, uint64_t min_age_ns)
{
	if (!goes_on(s) || (s->flags & SOCKET_TOLD))
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

bool table_walk(struct table *t, struct table_walk *walk, size_t max,
		bool (*wanted)(void *ctx, uint64_t cookie), event_sink_fn fn, void *ctx)
{
	struct event e;

	for (; max && walk->slot < table_slots(t); walk->slot++, max--) {
		const struct socket *s = table_slot(t, (uint32_t)walk->slot);

		if (!s->cookie || !goes_on(s) || !wanted(ctx, s->cookie))
			continue;
		event_of_close(&e, s, s->touched_ns);
		e.close.end = EVENT_END_OPEN;
		e.close.state = (enum tcp_state)s->state;
		fn(ctx, &e);
	}
	for (; max && ports_next_time_wait(t, &walk->number, &e); max--) {
		if (e.cookie && wanted(ctx, e.cookie))
			fn(ctx, &e);
	}
	return max == 0;
}
