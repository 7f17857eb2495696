// SPDX-License-Identifier: GPL-2.0-only
/* table_ports.c - the ports in TIME_WAIT, and what searches may cost. */
#include "ports_private.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_RING 1024
#define MAX_RING   (1u << 18) /* of 88 bytes; the kernel's own limit is often the same */
#define REST_STEPS 16384
#define NEAR	   64 /* newest TIME_WAITs of a port that are searched */
/* TCP_TIMEWAIT_LEN, include/net/tcp.h; FIN_WAIT2 may come before it for as long again by default (tcp_fin_timeout). */
#define TIME_WAIT_NS (60ull * 1000000000)
/*
 * A search takes one step, some ten nanoseconds, for each record it looks at.  At most CREDIT_MAX
 * steps are saved up; four more are earned each microsecond.
 */
#define CREDIT_MAX 400000
#define CREDIT_NS  250

bool ports_init(struct table *t)
{
	t->ports = calloc(1, sizeof(*t->ports));
	if (t->ports) {
		t->ports->credit = CREDIT_MAX;
		t->ports->max = MAX_RING;
	}
	return t->ports != NULL;
}

void table_bound_time_waits(struct table *t, size_t max)
{
	t->ports->max = max < MAX_RING ? max : MAX_RING;
}

void ports_done(struct table *t)
{
	for (size_t i = 0; i < t->ports->size; i++)
		process_release(t->processes, t->ports->ring[i].owner);
	free(t->ports->ring);
	free(t->ports);
}

bool ports_have_credit(struct table *t, uint64_t now_ns)
{
	struct port_state *p = t->ports;
	uint64_t passed_ns = now_ns > p->credit_ns ? now_ns - p->credit_ns : 0;

	/* Less time than a step costs adds up until it pays for one. */
	if (passed_ns >= CREDIT_NS) {
		p->credit_ns = now_ns;
		p->credit += passed_ns < (uint64_t)CREDIT_NS * CREDIT_MAX * 1000
				     ? (int64_t)(passed_ns / CREDIT_NS)
				     : CREDIT_MAX * 1000ll;
		if (p->credit > CREDIT_MAX)
			p->credit = CREDIT_MAX;
	}
	return p->credit > 0;
}

/* ---- TIME_WAIT ---- */

/* To a size that has room for all that are not forgotten. */
static bool ring_resize(struct port_state *p, size_t size)
{
	struct time_wait *ring = calloc(size, sizeof(*ring));

	if (!ring)
		return false;
	for (size_t i = 0; i < p->size; i++)
		if (p->ring[i].there)
			ring[p->ring[i].number & (size - 1)] = p->ring[i];
	free(p->ring);
	p->ring = ring;
	p->size = size;
	return true;
}

/* The place of the next one, which may have to go over the oldest.  NULL without memory. */
static struct time_wait *ring_push(struct table *t, uint16_t port, uint64_t now_ns)
{
	struct port_state *p = t->ports;
	uint64_t distance;
	struct time_wait *w = p->size ? &p->ring[(p->last + 1) & (p->size - 1)] : NULL;

	if (!w || (w->there && w->end_ns > now_ns && p->size < p->max)) {
		if (!ring_resize(p, p->size ? p->size * 2 : FIRST_RING) && !w)
			return NULL;
		w = &p->ring[(p->last + 1) & (p->size - 1)];
	}
	process_release(t->processes, w->owner);
	p->last++;
	distance = p->newest[port] ? p->last - p->newest[port] : 0;
	*w = (struct time_wait){
		.number = (uint32_t)p->last,
		.before = distance < p->size ? (uint32_t)distance : 0,
		.there = true,
	};
	p->newest[port] = p->last;
	return w;
}

bool ports_rest(struct table *t, uint64_t now_ns)
{
	struct port_state *p = t->ports;
	size_t size = p->size;

	if (p->last > p->over + p->size)
		p->over = p->last - p->size;
	for (int i = 0; i < REST_STEPS && p->over < p->last; i++, p->over++) {
		struct time_wait *w = ring_at(p, p->over + 1);

		/* The kernel begins one anew when a late segment comes. */
		if (w && w->end_ns + TIME_WAIT_NS > now_ns)
			break;
		if (!w)
			continue;
		process_release(t->processes, w->owner);
		*w = (struct time_wait){0};
	}
	/* It grew for what comes in a minute; what came in two has half of it: the rest would be touched in turn, for nothing. */
	while (size > FIRST_RING && (p->last - p->over) * 2 <= size)
		size /= 2;
	return size < p->size && ring_resize(p, size);
}

size_t ports_bytes(const struct table *t)
{
	return t->ports->size * sizeof(*t->ports->ring);
}

void ports_time_wait(struct table *t, const struct socket *s, uint64_t time_ns,
		     enum tcp_state substate)
{
	struct time_wait *w;

	if (!s->local.port)
		return;
	w = ring_push(t, s->local.port, time_ns);
	ports_changed(t, s);
	if (!w)
		return;
	w->since_ns = time_ns;
	w->end_ns = time_ns + (substate == STATE_FIN_WAIT2 ? 2 : 1) * TIME_WAIT_NS;
	w->cookie = s->cookie;
	w->owner = process_hold(s->owner);
	w->local = place_of(&s->local);
	w->peer = place_of(&s->peer);
	w->netns = s->netns;
	w->device = s->device;
	w->mptcp = s->protocol == IPPROTO_MPTCP;
	w->ipv6 = s->family == FAMILY_IPV6;
	w->options = s->options;
	w->mapped = (s->flags & SOCKET_MAPPED) != 0;
	w->outgoing = (s->flags & SOCKET_AUTOBIND) != 0;
}

static struct time_wait *find_time_wait(const struct table *t, uint32_t netns,
					const struct endpoint *local, const struct endpoint *peer)
{
	const struct port_state *p = t->ports;
	struct time_wait *w = ring_at(p, p->newest[local->port]);

	for (unsigned int i = 0; w && i < NEAR; w = ring_before(p, w), i++) {
		if (w->netns == netns && is_place(&w->local, local) && is_place(&w->peer, peer))
			return w;
	}
	return NULL;
}

void ports_no_time_wait(struct table *t, const struct event *close)
{
	struct time_wait *w = find_time_wait(t, close->netns, &close->local, &close->peer);

	if (w)
		w->end_ns = 0;
	t->change[port_bucket(close->netns, close->local.port)]++;
}

void ports_seed_time_wait(struct table *t, const struct fact *f)
{
	struct time_wait *w;

	/* Later looks would have to compare each with all: a busy server leaves tens of thousands on one port. */
	if (t->generation > 1 || !f->local.port)
		return;
	w = find_time_wait(t, f->netns, &f->local, &f->peer);
	if (w && w->end_ns > f->time_ns)
		return;
	w = ring_push(t, f->local.port, f->time_ns);
	if (!w)
		return;
	w->end_ns = f->time_ns + TIME_WAIT_NS;
	w->since_ns = time_wait_since(f);
	w->cookie = f->cookie;
	w->local = place_of(&f->local);
	w->peer = place_of(&f->peer);
	w->netns = f->netns;
	w->device = f->device;
	w->mptcp = f->protocol == IPPROTO_MPTCP;
	w->ipv6 = f->family == FAMILY_IPV6;
	w->options = f->options;
	w->mapped = f->family == FAMILY_IPV6 && inet_is_mapped(f->local.addr);
	w->outgoing = (f->options & WIRE_O_SHARES_PORT) != 0;
}

bool ports_next_time_wait(const struct table *t, uint64_t *number, struct event *e)
{
	const struct port_state *p = t->ports;
	uint64_t first = p->last >= p->size ? p->last - p->size + 1 : 1;
	const struct time_wait *w;

	if (*number < first)
		*number = first;
	if (*number > p->last)
		return false;
	w = ring_at(p, (*number)++);
	e->cookie = w && w->since_ns ? w->cookie : 0;
	if (!e->cookie)
		return true;
	*e = (struct event){
		.kind = EVENT_CLOSE,
		.time_ns = w->since_ns,
		.protocol = time_wait_protocol(w),
		.family = time_wait_family(w),
		.mapped = w->mapped,
		.has_local = true,
		.has_peer = true,
		.netns = w->netns,
		.cookie = w->cookie,
		.local = time_wait_end(w, &w->local),
		.peer = time_wait_end(w, &w->peer),
		.process = w->owner,
		.close.time_wait = true,
	};
	return true;
}

const struct process *table_time_wait_owner(const struct table *t, uint16_t port, uint64_t cookie)
{
	const struct port_state *p = t->ports;

	if (!cookie)
		return NULL;
	for (const struct time_wait *w = ring_at(p, p->newest[port]); w; w = ring_before(p, w)) {
		if (w->cookie == cookie)
			return w->owner;
	}
	return NULL;
}
