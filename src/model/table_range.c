// SPDX-License-Identifier: GPL-2.0-only
/* table_range.c - how much of a range of ports a call could not take. */
#include "ports_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* A range is counted anew after so long: a program that keeps failing must not keep us from reading. */
#define USED_FRESH_NS 100000000u

/*
 * Sockets that connect() may share a port with: those whose port connect() chose for them.  An MPTCP socket takes the ports
 * of the TCP sockets under it, which are records of their own.
 */
static bool is_shareable(const struct socket *s)
{
	return s->peer.port && s->state != STATE_LISTEN &&
	       !(s->flags & (SOCKET_PASSIVE | SOCKET_BOUND)) && !(s->options & WIRE_O_KEEPS_PORT) &&
	       ((s->flags & SOCKET_AUTOBIND) || (s->options & WIRE_O_SHARES_PORT) ||
		s->protocol == IPPROTO_MPTCP);
}

static bool comes_from(const struct fact *f, const uint8_t local[16])
{
	return inet_is_any(f->family, f->local.addr) || memcmp(f->local.addr, local, 16) == 0;
}

static bool is_used(const struct table *t, const struct fact *f, unsigned int port, bool bind)
{
	struct port_state *p = t->ports;

	for (uint32_t i = t->port[port_bucket(f->netns, (uint16_t)port)]; i != NO_SLOT;
	     i = table_slot(t, i)->next_port) {
		const struct socket *s = table_slot(t, i);

		p->credit--;
		if (s->netns != f->netns || s->local.port != port || s->sk == f->sk ||
		    !same_ports(s->protocol, f->protocol) || !holds_port(s))
			continue;
		if (bind || inet_is_udp(s->protocol) || !is_shareable(s) ||
		    (same_place(&f->peer, &s->peer) && comes_from(f, s->local.addr)))
			return true;
	}
	for (const struct time_wait *w = ring_at(p, p->newest[port]); w; w = ring_before(p, w)) {
		p->credit--;
		if (w->netns == f->netns && w->end_ns > f->time_ns &&
		    (bind || !w->outgoing ||
		     (is_place(&w->peer, &f->peer) && comes_from(f, w->local.addr))))
			return true;
	}
	return false;
}

/* The count that is fresh enough for `f`; else the place for a new one. */
static struct used_ports *find_used(struct port_state *p, const struct fact *f, bool bind,
				    bool *ret_fresh)
{
	struct used_ports *oldest = &p->used[0];

	*ret_fresh = true;
	for (size_t i = 0; i < USED_KEPT; i++) {
		struct used_ports *u = &p->used[i];

		if (u->counted_ns && u->netns == f->netns && u->protocol == f->protocol &&
		    u->bind == bind && f->time_ns - u->counted_ns < USED_FRESH_NS &&
		    (bind || (same_place(&u->peer, &f->peer) && same_place(&u->local, &f->local))))
			return u;
		if (u->counted_ns < oldest->counted_ns)
			oldest = u;
	}
	*ret_fresh = false;
	return oldest;
}

static uint32_t count_used(struct table *t, const struct fact *f, const struct port_range *range,
			   bool bind)
{
	struct port_state *p = t->ports;
	bool fresh;
	struct used_ports *u = find_used(p, f, bind, &fresh);
	uint32_t used = 0;

	if (fresh)
		return u->used;
	for (unsigned int port = range->low; port <= range->high; port++)
		used += !port_is_reserved(range, port) && is_used(t, f, port, bind);
	p->credit -= range->high - range->low;
	*u = (struct used_ports){
		.netns = f->netns,
		.used = used,
		.protocol = f->protocol,
		.bind = bind,
		.local = f->local,
		.peer = f->peer,
		.counted_ns = f->time_ns,
	};
	return used;
}

void range_describe(struct table *t, const struct fact *f, const struct port_range *range,
		    bool bind)
{
	struct event_trouble *trouble = &t->ports->trouble;

	trouble->has_range = true;
	trouble->low = range->low;
	trouble->high = range->high;
	trouble->reserved = range->reserved_count;
	trouble->used = count_used(t, f, range, bind);
}

bool ports_lack_source(const struct fact *f)
{
	return f->kind == WIRE_CONNECT && f->result == -EADDRNOTAVAIL &&
	       !(f->flags & (WIRE_F_OPENED | WIRE_F_FILTERED));
}
