// SPDX-License-Identifier: GPL-2.0-only
/* table_open.c - a life as an event, and those that go on, for whoever keeps them or asks. */
#include "table_ports.h"

/* A minisock's life has ended, and its close is out. */
static bool goes_on(const struct socket *s)
{
	return s->sk && !(s->flags & SOCKET_MINISOCK) &&
	       (s->state != STATE_CLOSE || (s->flags & SOCKET_BOUND));
}

static bool is_due(const struct socket *s, const struct table_telling *telling, uint64_t now_ns)
{
	if (!goes_on(s) || (!telling->again && (s->flags & SOCKET_TOLD)))
		return false;
	return !s->opened_ns || s->opened_ns + telling->min_age_ns <= now_ns;
}

void event_of_close(struct event *e, const struct socket *s, uint64_t time_ns)
{
	struct event_close *c = &e->close;

	event_of_socket(e, s, EVENT_CLOSE, time_ns);
	c->end = EVENT_END_SEEN;
	c->told = s->flags & SOCKET_TOLD_OPEN;
	c->opened_ns = s->opened_ns;
	c->duration_ns =
		s->opened_ns && time_ns >= s->opened_ns ? time_ns - s->opened_ns : UINT64_MAX;
	c->counted = false;
	c->sent_bytes = c->received_bytes = 0;
	c->retransmits = c->rtt_us = 0;
	c->reason = REASON_UNKNOWN;
	c->how = HOW_UNKNOWN;
	c->syns = 0;
	c->silent = c->time_wait = c->time_wait_unknown = false;
	c->span_count = s->span_count;
	for (unsigned int i = 0; i < s->span_count; i++) {
		c->spans[i].state = (enum tcp_state)s->span_state[i];
		c->spans[i].ns = s->span_ns[i];
	}
}

static void event_of_open(struct event *e, const struct socket *s, uint64_t now_ns)
{
	struct event_close *c = &e->close;

	event_of_close(e, s, now_ns);
	c->end = EVENT_END_OPEN;
	c->state = (enum tcp_state)s->state;
	if (s->since_ns && now_ns >= s->since_ns && c->span_count < EVENT_MAX_STATES) {
		c->spans[c->span_count].state = (enum tcp_state)s->state;
		c->spans[c->span_count++].ns = now_ns - s->since_ns;
	}
}

bool table_each_open(struct table *t, struct table_telling *telling, size_t max, uint64_t now_ns,
		     open_sink_fn fn, void *ctx)
{
	struct event e;

	for (; max && telling->slot < table_slots(t); telling->slot++, max--) {
		struct socket *s = table_slot(t, (uint32_t)telling->slot);

		if (!is_due(s, telling, now_ns))
			continue;
		event_of_open(&e, s, now_ns);
		switch (fn(ctx, &e)) {
		case OPEN_LATER: return false;
		case OPEN_TAKEN: s->flags |= SOCKET_TOLD | SOCKET_TOLD_OPEN; break;
		case OPEN_UNWANTED: s->flags |= SOCKET_TOLD; break;
		}
	}
	return telling->slot >= table_slots(t);
}

bool table_each_known(struct table *t, struct table_steps *steps, size_t max,
		      bool (*wanted)(void *ctx, uint64_t cookie), event_sink_fn fn, void *ctx)
{
	struct event e;

	for (; max && steps->slot < table_slots(t); steps->slot++, max--) {
		const struct socket *s = table_slot(t, (uint32_t)steps->slot);

		if (!s->cookie || !goes_on(s) || !wanted(ctx, s->cookie))
			continue;
		event_of_close(&e, s, s->touched_ns);
		e.close.end = EVENT_END_OPEN;
		e.close.state = (enum tcp_state)s->state;
		fn(ctx, &e);
	}
	for (; max && ports_next_time_wait(t, &steps->number, &e); max--) {
		if (e.cookie && wanted(ctx, e.cookie))
			fn(ctx, &e);
	}
	return max == 0;
}
