// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_ports.c - who holds a port: chains of sockets by local port, the ports in TIME_WAIT, and what a failed call
 * ran into.
 *
 *     port[P]          ──▶ record ⇄ record ⇄ ...      every socket whose local port is P
 *     ports->newest[P] ──▶ ring of TIME_WAITs, each leads to the one before on the same port.  Numbers count up and
 *                          are never reused, so one that was overwritten is known by its number.
 */
#include "table_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_RING 1024
#define MAX_RING   (1u << 18) /* of 112 bytes; the kernel's own limit is often the same */
#define MAX_SHOWN  64
#define NEAR	   64 /* on the chain of a port: what has just been added */
/* TCP_TIMEWAIT_LEN, include/net/tcp.h; FIN_WAIT2 may come before it for as long again by default (tcp_fin_timeout). */
#define TIME_WAIT_NS (60ull * 1000000000)
/* A range is counted anew after so long: a program that keeps failing must not keep us from reading. */
#define USED_FRESH_NS 100000000u

struct time_wait {
	uint64_t number;   /* 0 empty or ended */
	uint64_t before;   /* the number of the one before on this port */
	uint64_t since_ns; /* 0 unknown */
	uint64_t end_ns;
	uint64_t cookie;
	const struct process *owner;
	struct endpoint local, peer;
	uint32_t netns, device;
	uint16_t protocol;
	uint8_t family, options, mapped, outgoing;
};

struct port_state {
	struct time_wait *ring;
	size_t size;   /* a power of two */
	uint64_t last; /* number of the newest */
	uint64_t newest[PORTS];

	port_range_fn range_fn;
	void *range_ctx;

	/* Of the last failed call. */
	struct event_trouble trouble;
	struct event_holder holder[MAX_SHOWN];
	struct port_range range;
	struct {
		uint32_t netns, used;
		struct endpoint local, peer;
		uint64_t counted_ns;
	} used;
};

bool ports_init(struct table *t)
{
	t->ports = calloc(1, sizeof(*t->ports));
	return t->ports != NULL;
}

void ports_done(struct table *t)
{
	for (size_t i = 0; i < t->ports->size; i++)
		process_release(t->processes, t->ports->ring[i].owner);
	free(t->ports->ring);
	free(t->ports);
}

void table_set_ranges(struct table *t, port_range_fn fn, void *ctx)
{
	t->ports->range_fn = fn;
	t->ports->range_ctx = ctx;
}

/* ---- chains ---- */

void ports_unlink(struct table *t, struct socket *s)
{
	if (!s->chained)
		return;
	if (s->prev_port == NO_SLOT)
		t->port[s->chained] = s->next_port;
	else
		table_slot(t, s->prev_port)->next_port = s->next_port;
	if (s->next_port != NO_SLOT)
		table_slot(t, s->next_port)->prev_port = s->prev_port;
	s->chained = 0;
}

void ports_link(struct table *t, struct socket *s)
{
	uint32_t slot, first;

	if (s->chained == s->local.port || s == &t->spare)
		return;
	ports_unlink(t, s);
	if (!s->local.port)
		return;
	slot = table_slot_of(t, s);
	first = t->port[s->local.port];
	s->chained = s->local.port;
	s->prev_port = NO_SLOT;
	s->next_port = first;
	if (first != NO_SLOT)
		table_slot(t, first)->prev_port = slot;
	t->port[s->local.port] = slot;
}

/* ---- TIME_WAIT ---- */

static bool ring_grow(struct port_state *p)
{
	size_t size = p->size ? p->size * 2 : FIRST_RING;
	struct time_wait *grown = calloc(size, sizeof(*grown));

	if (!grown)
		return false;
	for (size_t i = 0; i < p->size; i++)
		if (p->ring[i].number)
			grown[p->ring[i].number & (size - 1)] = p->ring[i];
	free(p->ring);
	p->ring = grown;
	p->size = size;
	return true;
}

static struct time_wait *ring_at(const struct port_state *p, uint64_t number)
{
	struct time_wait *w = p->size ? &p->ring[number & (p->size - 1)] : NULL;

	return w && number && w->number == number ? w : NULL;
}

/* The place of the next one, which may have to go over the oldest.  NULL without memory. */
static struct time_wait *ring_push(struct table *t, uint16_t port, uint64_t now_ns)
{
	struct port_state *p = t->ports;
	struct time_wait *w = p->size ? &p->ring[(p->last + 1) & (p->size - 1)] : NULL;

	if (!w || (w->number && w->end_ns > now_ns && p->size < MAX_RING)) {
		if (!ring_grow(p) && !w)
			return NULL;
		w = &p->ring[(p->last + 1) & (p->size - 1)];
	}
	process_release(t->processes, w->owner);
	*w = (struct time_wait){.number = ++p->last, .before = p->newest[port]};
	p->newest[port] = w->number;
	return w;
}

void ports_time_wait(struct table *t, const struct socket *s, uint64_t time_ns,
		     enum tcp_state substate)
{
	struct time_wait *w;

	if (!s->local.port)
		return;
	w = ring_push(t, s->local.port, time_ns);
	if (!w)
		return;
	w->since_ns = time_ns;
	w->end_ns = time_ns + (substate == STATE_FIN_WAIT2 ? 2 : 1) * TIME_WAIT_NS;
	w->cookie = s->cookie;
	w->owner = process_hold(s->owner);
	w->local = s->local;
	w->peer = s->peer;
	w->netns = s->netns;
	w->device = s->device;
	w->protocol = s->protocol;
	w->family = s->family;
	w->options = s->options;
	w->mapped = (s->flags & SOCKET_MAPPED) != 0;
	w->outgoing = (s->flags & SOCKET_AUTOBIND) != 0;
}

static bool same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

static struct time_wait *find_time_wait(const struct table *t, uint32_t netns,
					const struct endpoint *local, const struct endpoint *peer)
{
	const struct port_state *p = t->ports;
	struct time_wait *w = ring_at(p, p->newest[local->port]);

	for (unsigned int i = 0; w && i < NEAR; w = ring_at(p, w->before), i++) {
		if (w->netns == netns && same_place(&w->local, local) && same_place(&w->peer, peer))
			return w;
	}
	return NULL;
}

void ports_no_time_wait(struct table *t, const struct event *close)
{
	struct time_wait *w = find_time_wait(t, close->netns, &close->local, &close->peer);

	if (w)
		w->end_ns = 0;
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
	w->local = f->local;
	w->peer = f->peer;
	w->netns = f->netns;
	w->device = f->device;
	w->protocol = f->protocol;
	w->family = (uint8_t)f->family;
	w->options = f->options;
	w->mapped = f->family == FAMILY_IPV6 && inet_is_mapped(f->local.addr);
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
		.protocol = w->protocol,
		.family = (enum family)w->family,
		.mapped = w->mapped,
		.has_local = true,
		.has_peer = true,
		.netns = w->netns,
		.cookie = w->cookie,
		.local = w->local,
		.peer = w->peer,
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
	for (const struct time_wait *w = ring_at(p, p->newest[port]); w; w = ring_at(p, w->before)) {
		if (w->cookie == cookie)
			return w->owner;
	}
	return NULL;
}

const struct process *table_owner(const struct table *t, uint64_t sk, uint64_t cookie)
{
	const struct socket *s = table_find(t, sk);

	return s && cookie && s->cookie == cookie ? s->owner : NULL;
}

/* ---- conflicts ---- */

/* What a bound address covers, by family. */
struct claim {
	bool v4, v6, any;
	const uint8_t *addr; /* of v4: 4 bytes */
};

static struct claim claim_of(enum family family, const struct endpoint *e, uint8_t options)
{
	struct claim c = {.v4 = family == FAMILY_IPV4, .addr = e->addr};

	if (c.v4 || inet_is_mapped(e->addr)) {
		c.addr = c.v4 ? e->addr : e->addr + 12;
		c.v4 = true;
		c.any = inet_is_any(FAMILY_IPV4, c.addr);
		return c;
	}
	c.v6 = true;
	c.any = inet_is_any(family, e->addr);
	c.v4 = c.any && !(options & WIRE_O_V6ONLY);
	return c;
}

static bool claims_meet(struct claim a, struct claim b, uint32_t *ret_why)
{
	bool v4 = a.v4 && b.v4, v6 = a.v6 && b.v6;

	if (!v4 && !v6)
		return false;
	if (!a.any && !b.any && memcmp(a.addr, b.addr, v4 ? 4 : 16) != 0)
		return false;
	if (a.any != b.any)
		*ret_why |= WHY_WILDCARD;
	if (a.v6 != b.v6)
		*ret_why |= WHY_DUAL_STACK;
	return true;
}

/* TCP and MPTCP share their ports. */
static bool same_ports(uint16_t a, uint16_t b)
{
	return a == b || (!inet_is_udp(a) && !inet_is_udp(b));
}

struct asker {
	const struct fact *fact;
	struct claim claim;
	bool known; /* its options are */
};

/* inet_bind_conflict() and sk_reuseport_match(), net/ipv4/inet_connection_sock.c. */
static bool options_conflict(const struct asker *a, const struct event_holder *h, uint8_t options,
			     uint32_t *ret_why)
{
	const uint8_t mine = a->fact->options;
	bool waits = h->state == STATE_TIME_WAIT;
	bool both_port = mine & options & WIRE_O_REUSEPORT;
	bool other_user = h->process && a->fact->has_task && h->process->uid != a->fact->task.uid;

	if (h->state == STATE_LISTEN)
		*ret_why |= WHY_LISTENING;
	if (waits)
		*ret_why |= WHY_TIME_WAIT;
	if (!a->known || !(options & WIRE_O_KNOWN))
		return true;
	if ((mine & options & WIRE_O_REUSEADDR) && h->state != STATE_LISTEN)
		return false;
	if (both_port && (waits || !other_user))
		return false;
	if (both_port)
		*ret_why |= WHY_REUSEPORT_USER;
	else if (mine & WIRE_O_REUSEPORT)
		*ret_why |= WHY_REUSEPORT_THERE;
	else if (options & WIRE_O_REUSEPORT)
		*ret_why |= WHY_REUSEPORT_HERE;
	if (h->state == STATE_LISTEN)
		return true;
	if (!(mine & WIRE_O_REUSEADDR))
		*ret_why |= WHY_REUSEADDR_HERE;
	if (!(options & WIRE_O_REUSEADDR))
		*ret_why |= WHY_REUSEADDR_THERE;
	return true;
}

/* Completes `h` and keeps it when it stands in the way. */
static void consider(struct table *t, const struct asker *a, struct event_holder *h,
		     uint8_t options, uint32_t device)
{
	struct event_trouble *trouble = &t->ports->trouble;

	if (a->fact->device && device && a->fact->device != device)
		return;
	if (!claims_meet(a->claim, claim_of(h->family, &h->local, options), &h->why) ||
	    !options_conflict(a, h, options, &h->why))
		return;
	if (trouble->holder_count < MAX_SHOWN)
		t->ports->holder[trouble->holder_count++] = *h;
	else
		trouble->holders_more++;
}

static bool holds_port(const struct socket *s)
{
	return s->state != STATE_CLOSE || (s->flags & SOCKET_BOUND) ||
	       (s->options & WIRE_O_KEEPS_PORT) || inet_is_udp(s->protocol);
}

/* An MPTCP socket and the TCP socket it works through are one holder. */
static bool is_subflow(const struct table *t, const struct event_holder *h)
{
	const struct event_trouble *trouble = &t->ports->trouble;

	for (size_t i = 0; i < trouble->holder_count; i++) {
		const struct event_holder *other = &t->ports->holder[i];

		if (other->protocol != h->protocol && other->process == h->process &&
		    same_place(&other->local, &h->local) && same_place(&other->peer, &h->peer) &&
		    other->state == h->state)
			return true;
	}
	return false;
}

static void consider_socket(struct table *t, const struct asker *a, const struct socket *s)
{
	struct event_holder h = {
		.process = s->owner,
		.protocol = s->protocol,
		.family = (enum family)s->family,
		.mapped = (s->flags & SOCKET_MAPPED) != 0,
		.has_peer =
			s->peer.port != 0 && s->state != STATE_LISTEN && s->state != STATE_CLOSE,
		.local = s->local,
		.peer = s->peer,
		.state = inet_is_udp(s->protocol) ? STATE_NONE : (enum tcp_state)s->state,
		.since_ns = s->since_ns,
	};

	if (s->netns != a->fact->netns || s->sk == a->fact->sk ||
	    !same_ports(s->protocol, a->fact->protocol) || !holds_port(s) || is_subflow(t, &h))
		return;
	if (h.has_peer && (s->flags & SOCKET_AUTOBIND) && !(s->flags & SOCKET_PASSIVE))
		h.why |= WHY_OUTGOING;
	consider(t, a, &h, s->options, s->device);
}

/* Gone before its time, when its four ends live again. */
static bool lives_again(const struct table *t, const struct time_wait *w)
{
	unsigned int steps = 4096;

	for (uint32_t i = t->port[w->local.port]; i != NO_SLOT && steps--;
	     i = table_slot(t, i)->next_port) {
		const struct socket *s = table_slot(t, i);

		if (s->netns == w->netns && s->state != STATE_CLOSE &&
		    same_place(&s->local, &w->local) && same_place(&s->peer, &w->peer))
			return true;
	}
	return false;
}

static void consider_time_wait(struct table *t, const struct asker *a, const struct time_wait *w)
{
	struct event_holder h = {
		.process = w->owner,
		.protocol = w->protocol,
		.family = (enum family)w->family,
		.mapped = w->mapped,
		.has_peer = true,
		.local = w->local,
		.peer = w->peer,
		.state = STATE_TIME_WAIT,
		.since_ns = w->since_ns,
		.why = w->outgoing ? WHY_OUTGOING : 0,
	};

	if (w->netns != a->fact->netns || w->end_ns <= a->fact->time_ns ||
	    !same_ports(w->protocol, a->fact->protocol) || lives_again(t, w))
		return;
	consider(t, a, &h, w->options, w->device);
}

static void find_holders(struct table *t, const struct fact *f)
{
	struct port_state *p = t->ports;
	struct asker a = {
		.fact = f,
		.claim = claim_of(f->family, &f->local, f->options),
		.known = f->options & WIRE_O_KNOWN,
	};

	p->trouble.has_holders = true;
	p->trouble.holders = p->holder;
	for (int listening = 1; listening >= 0; listening--) {
		for (uint32_t i = t->port[f->local.port]; i != NO_SLOT;
		     i = table_slot(t, i)->next_port) {
			const struct socket *s = table_slot(t, i);

			if ((s->state == STATE_LISTEN) == listening)
				consider_socket(t, &a, s);
		}
	}
	for (const struct time_wait *w = ring_at(p, p->newest[f->local.port]); w;
	     w = ring_at(p, w->before))
		consider_time_wait(t, &a, w);
}

/* ---- ranges ---- */

/* Sockets that connect() may share a port with: those whose port connect() chose for them. */
static bool is_shareable(const struct socket *s)
{
	return s->peer.port && s->state != STATE_LISTEN &&
	       !(s->flags & (SOCKET_PASSIVE | SOCKET_BOUND)) && !(s->options & WIRE_O_KEEPS_PORT);
}

static bool ends_meet(const struct fact *f, const struct endpoint *local,
		      const struct endpoint *peer)
{
	return same_place(&f->peer, peer) &&
	       (inet_is_any(f->family, f->local.addr) ||
		memcmp(f->local.addr, local->addr, sizeof(local->addr)) == 0);
}

static bool is_used(const struct table *t, const struct fact *f, unsigned int port, bool bind)
{
	const struct port_state *p = t->ports;

	for (uint32_t i = t->port[port]; i != NO_SLOT; i = table_slot(t, i)->next_port) {
		const struct socket *s = table_slot(t, i);

		if (s->netns != f->netns || s->sk == f->sk ||
		    !same_ports(s->protocol, f->protocol) || !holds_port(s))
			continue;
		if (bind || inet_is_udp(s->protocol) || !is_shareable(s) ||
		    ends_meet(f, &s->local, &s->peer))
			return true;
	}
	for (const struct time_wait *w = ring_at(p, p->newest[port]); w;
	     w = ring_at(p, w->before)) {
		if (w->netns == f->netns && w->end_ns > f->time_ns &&
		    (bind || (w->options & WIRE_O_KEEPS_PORT) || ends_meet(f, &w->local, &w->peer)))
			return true;
	}
	return false;
}

static uint32_t count_used(struct table *t, const struct fact *f, bool bind)
{
	struct port_state *p = t->ports;
	uint32_t used = 0;

	if (p->used.counted_ns && p->used.netns == f->netns &&
	    same_place(&p->used.peer, &f->peer) && same_place(&p->used.local, &f->local) &&
	    f->time_ns - p->used.counted_ns < USED_FRESH_NS)
		return p->used.used;
	for (unsigned int port = p->range.low; port <= p->range.high; port++)
		used += !port_is_reserved(&p->range, port) && is_used(t, f, port, bind);
	p->used.netns = f->netns;
	p->used.used = used;
	p->used.local = f->local;
	p->used.peer = f->peer;
	p->used.counted_ns = f->time_ns;
	return used;
}

static bool read_range(struct table *t, const struct fact *f)
{
	struct port_state *p = t->ports;

	return p->range_fn &&
	       p->range_fn(p->range_ctx, f->netns, f->has_task ? f->task.pid : 0, &p->range);
}

static void describe_range(struct table *t, const struct fact *f, bool bind)
{
	struct event_trouble *trouble = &t->ports->trouble;
	const struct port_range *r = &t->ports->range;

	if (!read_range(t, f))
		return;
	trouble->has_range = true;
	trouble->low = r->low;
	trouble->high = r->high;
	trouble->reserved = r->reserved_count;
	trouble->used = count_used(t, f, bind);
}

const struct event_trouble *ports_explain(struct table *t, const struct fact *f,
					  enum event_kind kind)
{
	struct event_trouble *trouble = &t->ports->trouble;
	int error = -f->result;

	*trouble = (struct event_trouble){0};
	if (error == EADDRINUSE && f->local.port)
		find_holders(t, f);
	else if (error == EADDRINUSE && kind != EVENT_CONNECT)
		describe_range(t, f, true);
	else if (error == EADDRNOTAVAIL && kind == EVENT_CONNECT && !f->local.port)
		describe_range(t, f, false);
	else if (error == EACCES && kind == EVENT_BIND && f->local.port && read_range(t, f) &&
		 f->local.port < t->ports->range.unprivileged_from)
		trouble->unprivileged_from = t->ports->range.unprivileged_from;
	return trouble->has_holders || trouble->has_range || trouble->unprivileged_from ? trouble
											: NULL;
}
