// SPDX-License-Identifier: GPL-2.0-only
#include "port_search.h"

uint64_t port_search_event(struct port_search *s, const struct event *e)
{
	size_t at = e->cookie % PORT_SEARCHES;

	if (!e->cookie)
		return PORT_SEARCH_NONE;
	if (e->kind == EVENT_STATE && e->state.from == STATE_CLOSE &&
	    e->state.to == STATE_SYN_SENT) {
		s->open[at].cookie = e->cookie;
		s->open[at].time_ns = e->time_ns;
	}
	if (e->kind != EVENT_CONNECT || e->error || s->open[at].cookie != e->cookie)
		return PORT_SEARCH_NONE;
	s->open[at].cookie = 0;
	return e->time_ns - s->open[at].time_ns;
}
