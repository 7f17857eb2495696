// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_holders.c - who keeps somebody from a port, and why, by the kernel's own rule of conflicts.
 *
 * Facts tell which sockets there are and who left a TIME_WAIT.  Which TIME_WAITs there are is asked
 * of the kernel, because it drops some early (a reset, a new SYN, tcp_max_tw_buckets) and keeps
 * others for seconds longer (the timer wheel).
 */
#include "ports_private.h"

#include <netinet/in.h>
#include <string.h>

/* What a holder that is shown costs a writer, in steps of a search. */
#define STEPS_SHOWN 32
/* The kernel tells when a TIME_WAIT began in milliseconds. */
#define STAMP_NS 2000000u

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

static bool is_full(const struct port_state *p)
{
	return p->listeners + p->others >= MAX_SHOWN;
}

/* Listeners come before the others, in whatever order they are found. */
static void add_holder(struct port_state *p, const struct event_holder *h)
{
	bool listens = h->state == STATE_LISTEN;
	size_t *count = listens ? &p->listeners : &p->others;

	if (*count == MAX_SHOWN) {
		p->trouble.holders_more++;
		return;
	}
	p->holder[(listens ? 0 : MAX_SHOWN) + (*count)++] = *h;
	p->has_mptcp |= h->protocol == IPPROTO_MPTCP;
	p->credit -= STEPS_SHOWN;
}

/* Puts both kinds together. */
static void join_holders(struct port_state *p)
{
	size_t fit = MAX_SHOWN - p->listeners;
	size_t others = p->others < fit ? p->others : fit;

	memmove(&p->holder[p->listeners], &p->holder[MAX_SHOWN], others * sizeof(p->holder[0]));
	p->trouble.holders = p->holder;
	p->trouble.holder_count = p->listeners + others;
	p->trouble.holders_more += p->others - others;
}

/* Completes `h` and keeps it when it stands in the way. */
static void consider(struct table *t, const struct asker *a, struct event_holder *h,
		     uint8_t options, uint32_t device)
{
	if (a->fact->device && device && a->fact->device != device)
		return;
	if (!claims_meet(a->claim, claim_of(h->family, &h->local, options), &h->why) ||
	    !options_conflict(a, h, options, &h->why))
		return;
	add_holder(t->ports, h);
}

/* An MPTCP socket and the TCP socket it works through are one holder. */
static bool is_subflow(struct table *t, const struct event_holder *h)
{
	struct port_state *p = t->ports;
	bool listens = h->state == STATE_LISTEN;
	const struct event_holder *first = &p->holder[listens ? 0 : MAX_SHOWN];
	size_t count = listens ? p->listeners : p->others;

	if (h->protocol != IPPROTO_MPTCP && !p->has_mptcp)
		return false;
	p->credit -= (int64_t)count;
	for (size_t i = 0; i < count; i++) {
		const struct event_holder *other = &first[i];

		if (other->protocol != h->protocol && other->process == h->process &&
		    same_place(&other->local, &h->local) && same_place(&other->peer, &h->peer) &&
		    other->state == h->state)
			return true;
	}
	return false;
}

/* Who holds it is called and runs what it does now; the events before have told who it was. */
static void renew_owner(struct table *t, struct socket *s)
{
	const struct process *now = process_now(t->processes, s->owner);

	if (now && now != s->owner)
		table_set_owner(t, s, now);
	process_release(t->processes, now);
}

static void consider_socket(struct table *t, const struct asker *a, struct socket *s)
{
	struct event_holder h = {
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

	if (s->netns != a->fact->netns || s->local.port != a->fact->local.port ||
	    s->sk == a->fact->sk || !same_ports(s->protocol, a->fact->protocol) || !holds_port(s))
		return;
	renew_owner(t, s);
	h.process = s->owner;
	if (is_subflow(t, &h))
		return;
	if (h.has_peer && (s->flags & SOCKET_AUTOBIND) && !(s->flags & SOCKET_PASSIVE))
		h.why |= WHY_OUTGOING;
	consider(t, a, &h, s->options, s->device);
}

/* Whether the TIME_WAIT is gone early, because a new connection has its four ends. */
static bool lives_again(const struct table *t, const struct time_wait *w)
{
	unsigned int steps = 4096;

	for (uint32_t i = t->port[port_bucket(w->netns, w->local.port)]; i != NO_SLOT && steps--;
	     i = table_slot(t, i)->next_port) {
		const struct socket *s = table_slot(t, i);

		t->ports->credit--;
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
	    !same_ports(w->protocol, a->fact->protocol))
		return;
	/* Once the list is full, the rest is only counted and needs no search. */
	if (!is_full(t->ports) && lives_again(t, w))
		return;
	consider(t, a, &h, w->options, w->device);
}

/* ---- the kernel's own list of TIME_WAITs ---- */

struct question {
	struct table *t;
	const struct asker *asker;
};

/* What was seen of this TIME_WAIT, even where the table expects it to have ended by now. */
static const struct time_wait *recall(struct port_state *p, const struct fact *f)
{
	for (const struct time_wait *w = ring_at(p, p->newest[f->local.port]); w;
	     w = ring_at(p, w->before)) {
		p->credit--;
		if (w->netns == f->netns && same_place(&w->local, &f->local) &&
		    same_place(&w->peer, &f->peer) &&
		    (!w->cookie || !f->cookie || w->cookie == f->cookie))
			return w;
	}
	return NULL;
}

static void on_time_wait(void *ctx, const struct fact *f)
{
	const struct question *question = ctx;
	struct table *t = question->t;
	struct time_wait w = {
		.since_ns = time_wait_since(f),
		.end_ns = UINT64_MAX,
		.local = f->local,
		.peer = f->peer,
		.netns = f->netns,
		.device = f->device,
		.protocol = f->protocol,
		.family = (uint8_t)f->family,
		.options = f->options,
		.mapped = f->family == FAMILY_IPV6 && inet_is_mapped(f->local.addr),
	};

	uint64_t latest = question->asker->fact->time_ns + STAMP_NS;

	t->ports->credit--;
	/* Those that are only counted need no name. */
	if (!is_full(t->ports)) {
		const struct time_wait *known = recall(t->ports, f);

		if (known) {
			w.owner = known->owner;
			w.outgoing = known->outgoing;
			w.since_ns = known->since_ns ? known->since_ns : w.since_ns;
		}
	}
	/* The look comes after the call: a TIME_WAIT that began since then was not in the way. */
	if (w.since_ns <= latest)
		consider_time_wait(t, question->asker, &w);
}

/* False: the kernel cannot be asked. */
static bool ask_kernel(struct table *t, const struct asker *a)
{
	struct port_state *p = t->ports;
	const size_t others = p->others; /* a TIME_WAIT does not listen */
	const uint64_t more = p->trouble.holders_more;
	struct question question = {.t = t, .asker = a};

	if (!p->look_fn)
		return false;
	if (p->look_fn(p->look_ctx, a->fact->netns, a->fact->has_task ? a->fact->task.pid : 0,
		       a->fact->local.port, on_time_wait, &question))
		return true;
	p->others = others;
	p->trouble.holders_more = more;
	return false;
}

void holders_find(struct table *t, const struct fact *f)
{
	struct port_state *p = t->ports;
	struct asker a = {
		.fact = f,
		.claim = claim_of(f->family, &f->local, f->options),
		.known = f->options & WIRE_O_KNOWN,
	};

	p->trouble.has_holders = true;
	p->listeners = p->others = 0;
	p->has_mptcp = false;
	for (uint32_t i = t->port[port_bucket(f->netns, f->local.port)]; i != NO_SLOT;
	     i = table_slot(t, i)->next_port) {
		p->credit--;
		consider_socket(t, &a, table_slot(t, i));
	}
	if (!inet_is_udp(f->protocol) && !ask_kernel(t, &a)) {
		for (const struct time_wait *w = ring_at(p, p->newest[f->local.port]); w;
		     w = ring_at(p, w->before)) {
			p->credit--;
			consider_time_wait(t, &a, w);
		}
	}
	join_holders(p);
}
