// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_holders.c - who keeps somebody from a port, and why, by the kernel's own rule of conflicts.
 *
 * Facts tell which sockets there are and who left a TIME_WAIT.  The kernel is asked who has a socket open now, because a
 * descriptor is handed over without a fact, and which TIME_WAITs there are, because it drops some early (a reset, a new
 * SYN, tcp_max_tw_buckets) and keeps others for seconds longer (the timer wheel).
 *
 *     holders_find()                     sockets, by one walk through the chain of the port
 *     holders_add_time_wait() ...        the kernel's TIME_WAITs; or
 *     holders_recall_time_waits()        those that facts told
 *     holders_join()                     the list that is shown
 */
#include "ports_private.h"

#include <errno.h>
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

bool holders_by_four_tuple(const struct fact *f)
{
	return f->kind == WIRE_CONNECT && f->result == -EADDRNOTAVAIL && f->local.port &&
	       !inet_is_udp(f->protocol) && !ports_lack_source(f);
}

struct asker {
	const struct fact *fact;
	struct claim claim;
	bool known;   /* its options are */
	bool connects; /* see holders_by_four_tuple() */
	uint32_t vrf; /* of its device, 0 none or not known */
};

/*
 * The VRF that the asker's device is in.  The socket has no port, and so no bucket to say; in a VRF it is another one on the same
 * device that keeps it from the port.
 */
static uint32_t vrf_of(const struct table *t, const struct fact *f)
{
	for (uint32_t i = t->port[port_bucket(f->netns, f->local.port)]; f->device && i != NO_SLOT;
	     i = table_slot(t, i)->next_port) {
		const struct socket *s = table_slot(t, i);

		t->ports->credit--;
		if (s->netns == f->netns && s->local.port == f->local.port &&
		    s->device == f->device && s->vrf)
			return s->vrf;
	}
	return 0;
}

static struct asker asker_of(const struct port_state *p, const struct fact *f)
{
	return (struct asker){
		.fact = f,
		.claim = claim_of(f->family, &f->local, f->options),
		.known = f->options & WIRE_O_KNOWN,
		.connects = holders_by_four_tuple(f),
		.vrf = p->vrf,
	};
}

/* inet_bind_conflict() and sk_reuseport_match(), net/ipv4/inet_connection_sock.c. */
static bool options_conflict(const struct asker *a, const struct event_holder *h, uint8_t options,
			     uint32_t *ret_why)
{
	const uint8_t mine = a->fact->options;
	bool waits = h->state == STATE_TIME_WAIT;
	bool both_port = mine & options & WIRE_O_REUSEPORT;
	/* Of who made the sockets: the processes may be others', or have changed their user since. */
	bool other_user = h->socket_uid != INET_NO_UID && a->fact->socket_uid != INET_NO_UID &&
			  h->socket_uid != a->fact->socket_uid;

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

/* Listeners come before the others, in whatever order they are found.  `id`: see holder_id. */
static void add_holder(struct port_state *p, const struct event_holder *h, uint64_t id)
{
	bool listens = h->state == STATE_LISTEN;
	size_t *count = listens ? &p->listeners : &p->others;

	if (*count == MAX_SHOWN) {
		p->trouble.holders_more++;
		return;
	}
	p->holder_id[(listens ? 0 : MAX_SHOWN) + *count] = id;
	p->holder[(listens ? 0 : MAX_SHOWN) + (*count)++] = *h;
	p->has_mptcp |= h->protocol == IPPROTO_MPTCP;
	p->credit -= STEPS_SHOWN;
}

static bool is_same_end(enum family one, const struct endpoint *a, enum family other,
			const struct endpoint *b)
{
	struct claim ours = claim_of(one, a, 0), theirs = claim_of(other, b, 0);

	return a->port == b->port && !ours.any && !theirs.any && ours.v4 == theirs.v4 &&
	       memcmp(ours.addr, theirs.addr, ours.v4 ? 4 : 16) == 0;
}

/* __inet_check_established(), net/ipv4/inet_hashtables.c: of one device, or of none. */
static bool has_four_tuple(const struct asker *a, struct event_holder *h, uint32_t device)
{
	const struct fact *f = a->fact;

	if ((device && device != f->device) || !h->has_peer ||
	    !is_same_end(f->family, &f->local, h->family, &h->local) ||
	    !is_same_end(f->family, &f->peer, h->family, &h->peer))
		return false;
	h->why |= WHY_FOUR_TUPLE | (h->state == STATE_TIME_WAIT ? WHY_TIME_WAIT : 0);
	return true;
}

/* Completes `h`. */
static bool stands_in_the_way(const struct asker *a, struct event_holder *h, uint8_t options,
			      uint32_t device, uint32_t vrf)
{
	if (a->connects)
		return has_four_tuple(a, h, device);
	if (a->fact->device && device && a->fact->device != device)
		return false;
	/* A VRF has ports of TCP of its own, which who is bound to no device does not meet. */
	if (!a->fact->device != !device && (a->vrf || vrf) && !inet_is_udp(a->fact->protocol))
		return false;
	return claims_meet(a->claim, claim_of(h->family, &h->local, options), &h->why) &&
	       options_conflict(a, h, options, &h->why);
}

static bool same_process(const struct process *a, const struct process *b)
{
	return a && b && a->pid == b->pid;
}

/* The binder of one may have been found with the other, which descriptors lead to. */
static bool same_owner(const struct event_holder *a, const struct event_holder *b)
{
	return a->process == b->process || same_process(a->process, b->process) ||
	       same_process(a->bound_by, b->process) || same_process(b->bound_by, a->process);
}

/*
 * An MPTCP socket and the TCP socket it works through are one holder: the first, because descriptors lead to it.  True when `h`
 * is in the list that way.
 */
static bool join_subflow(struct table *t, const struct event_holder *h, struct socket *s)
{
	struct port_state *p = t->ports;
	bool listens = h->state == STATE_LISTEN;
	size_t first = listens ? 0 : MAX_SHOWN, count = listens ? p->listeners : p->others;

	if (h->protocol != IPPROTO_MPTCP && !p->has_mptcp)
		return false;
	p->credit -= (int64_t)count;
	for (size_t i = first; i < first + count; i++) {
		struct event_holder *other = &p->holder[i];
		struct socket *subflow;

		if (other->protocol == h->protocol || !same_owner(other, h) ||
		    !same_place(&other->local, &h->local) || !same_place(&other->peer, &h->peer) ||
		    other->state != h->state)
			continue;
		if (h->protocol != IPPROTO_MPTCP)
			return true;
		subflow = table_find(t, p->holder_id[i]);
		if (subflow)
			subflow->flags &= ~(uint32_t)SOCKET_IN_QUESTION;
		other->process = h->process;
		other->bound_by = h->bound_by;
		other->protocol = h->protocol;
		p->holder_id[i] = s->sk;
		s->flags |= SOCKET_IN_QUESTION;
		p->has_mptcp = true;
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
	struct port_state *p = t->ports;
	size_t before = p->listeners + p->others;
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
		.socket_uid = s->uid,
		.kernel = socket_is_kernels(s),
	};

	if (s->netns != a->fact->netns || s->local.port != a->fact->local.port ||
	    s->sk == a->fact->sk || !same_ports(s->protocol, a->fact->protocol) || !holds_port(s))
		return;
	renew_owner(t, s);
	h.process = s->owner;
	h.bound_by = s->binder;
	if (join_subflow(t, &h, s))
		return;
	if (h.has_peer && (s->flags & SOCKET_AUTOBIND) && !(s->flags & SOCKET_PASSIVE))
		h.why |= WHY_OUTGOING;
	if (!stands_in_the_way(a, &h, s->options, s->device, s->vrf))
		return;
	add_holder(p, &h, s->sk);
	if (p->listeners + p->others > before)
		s->flags |= SOCKET_IN_QUESTION;
}

void holders_find(struct table *t, const struct fact *f)
{
	struct port_state *p = t->ports;
	struct asker a;

	p->vrf = vrf_of(t, f);
	a = asker_of(p, f);
	p->trouble.has_holders = true;
	p->listeners = p->others = 0;
	p->has_mptcp = false;
	for (uint32_t i = t->port[port_bucket(f->netns, f->local.port)]; i != NO_SLOT;
	     i = table_slot(t, i)->next_port) {
		p->credit--;
		consider_socket(t, &a, table_slot(t, i));
	}
	p->sockets = p->others;
	p->sockets_more = p->trouble.holders_more;
}

/* ---- TIME_WAITs, after the sockets ---- */

/* The TIME_WAIT is gone early, because a new connection has its four ends. */
static bool lives_again(struct port_state *p, const struct event_holder *w)
{
	p->credit -= (int64_t)p->sockets;
	for (size_t i = 0; i < p->sockets; i++) {
		const struct event_holder *h = &p->holder[MAX_SHOWN + i];

		if (h->has_peer && same_place(&h->local, &w->local) &&
		    same_place(&h->peer, &w->peer))
			return true;
	}
	return false;
}

static void consider_time_wait(struct port_state *p, const struct asker *a, struct event_holder *h,
			       uint64_t cookie, uint8_t options, uint32_t device)
{
	p->credit--;
	h->has_peer = true;
	h->state = STATE_TIME_WAIT;
	if (!stands_in_the_way(a, h, options, device, 0))
		return;
	/* Once the list is full, the rest is only counted and needs no search. */
	if (is_full(p) || !lives_again(p, h))
		add_holder(p, h, cookie);
}

void holders_add_time_wait(struct table *t, const struct fact *asking, const struct fact *f)
{
	const struct asker a = asker_of(t->ports, asking);
	struct event_holder h = {
		.socket_uid = INET_NO_UID,
		.protocol = f->protocol,
		.family = f->family,
		.mapped = f->family == FAMILY_IPV6 && inet_is_mapped(f->local.addr),
		.local = f->local,
		.peer = f->peer,
		.since_ns = time_wait_since(f),
	};

	/* The look comes after the call: a TIME_WAIT that began since then was not in the way. */
	if (f->netns == asking->netns && same_ports(f->protocol, asking->protocol) &&
	    h.since_ns <= asking->time_ns + STAMP_NS)
		consider_time_wait(t->ports, &a, &h, f->cookie, f->options, f->device);
}

void holders_recall_time_waits(struct table *t, const struct fact *f)
{
	struct port_state *p = t->ports;
	const struct asker a = asker_of(p, f);

	p->others = p->sockets;
	p->trouble.holders_more = p->sockets_more;
	for (const struct time_wait *w = ring_at(p, p->newest[f->local.port]); w;
	     w = ring_before(p, w)) {
		struct event_holder h = {
			.socket_uid = INET_NO_UID,
			.process = w->owner,
			.protocol = time_wait_protocol(w),
			.family = time_wait_family(w),
			.mapped = w->mapped,
			.local = time_wait_end(w, &w->local),
			.peer = time_wait_end(w, &w->peer),
			.since_ns = w->since_ns,
			.why = w->outgoing ? WHY_OUTGOING : 0,
		};

		if (w->netns == f->netns && w->end_ns > f->time_ns && !inet_is_udp(f->protocol))
			consider_time_wait(p, &a, &h, w->cookie, w->options, w->device);
	}
}

/* The listed TIME_WAITs by the peer's port: each walk through the ring finds its own in a step. */
struct waits {
	uint8_t first[256], next[MAX_SHOWN]; /* index + 1, 0 none */
	bool named[MAX_SHOWN];
	size_t unnamed;
};

static void name_time_wait(struct port_state *p, struct waits *waits, const struct time_wait *w)
{
	for (uint8_t n = waits->first[(uint8_t)w->peer.port]; n; n = waits->next[n - 1]) {
		struct event_holder *h = &p->holder[MAX_SHOWN + n - 1];
		uint64_t cookie = p->holder_id[MAX_SHOWN + n - 1];

		if (waits->named[n - 1] || !is_place(&w->local, &h->local) ||
		    !is_place(&w->peer, &h->peer) || (cookie && w->cookie && cookie != w->cookie))
			continue;
		h->process = w->owner;
		h->why |= w->outgoing ? WHY_OUTGOING : 0;
		h->since_ns = w->since_ns ? w->since_ns : h->since_ns;
		waits->named[n - 1] = true;
		waits->unnamed--;
		return;
	}
}

void holders_name_time_waits(struct table *t, const struct fact *f)
{
	struct port_state *p = t->ports;
	struct waits waits = {.unnamed = p->others - p->sockets};

	for (size_t i = p->sockets; i < p->others; i++) {
		uint8_t *first = &waits.first[(uint8_t)p->holder[MAX_SHOWN + i].peer.port];

		waits.next[i] = *first;
		*first = (uint8_t)(i + 1);
	}
	for (const struct time_wait *w = ring_at(p, p->newest[f->local.port]); w && waits.unnamed;
	     w = ring_before(p, w)) {
		p->credit--;
		if (w->netns == f->netns)
			name_time_wait(p, &waits, w);
	}
}

/* ---- what the table does not know ---- */

bool holders_fill_found(struct table *t, struct event_holder *ret, const struct fact *asking,
			const struct fact *f)
{
	const struct asker a = asker_of(t->ports, asking);
	bool udp = inet_is_udp(f->protocol);

	*ret = (struct event_holder){
		.protocol = f->protocol,
		.family = f->family,
		.mapped = f->family == FAMILY_IPV6 && inet_is_mapped(f->local.addr),
		.has_peer = f->peer.port && f->to != STATE_LISTEN && f->to != STATE_CLOSE,
		.local = f->local,
		.peer = f->peer,
		.state = udp ? STATE_NONE : f->to,
		.socket_uid = f->options & WIRE_O_KNOWN ? f->socket_uid : INET_NO_UID,
		.unheld = holders_is_alive(f) && !(f->options & WIRE_O_KERNEL),
		.kernel = (f->options & WIRE_O_KERNEL) != 0,
		.kernel_device = f->kernel_device,
	};
	return f->netns == asking->netns && f->local.port == asking->local.port &&
	       f->sk != asking->sk && same_ports(f->protocol, asking->protocol) &&
	       (udp || f->to != STATE_CLOSE || (f->options & WIRE_O_KEEPS_PORT)) &&
	       stands_in_the_way(&a, ret, f->options, f->device, f->vrf);
}

/* No table leads to an MPTCP socket, but to the TCP socket that it works through. */
static bool is_subflow_of(const struct event_holder *h, const struct fact *f)
{
	return h->protocol == IPPROTO_MPTCP && f->protocol == IPPROTO_TCP && h->state == f->to &&
	       same_place(&h->local, &f->local) && same_place(&h->peer, &f->peer);
}

void holders_note_loose(struct table *t, const struct fact *f)
{
	struct port_state *p = t->ports;

	for (size_t i = 0; i < MAX_SHOWN + p->sockets; i++) {
		struct event_holder *h = &p->holder[i];

		if ((i >= p->listeners && i < MAX_SHOWN) ||
		    (p->holder_id[i] != f->sk && !is_subflow_of(h, f)))
			continue;
		h->unheld = holders_is_alive(f);
		h->kernel_device = f->kernel_device;
	}
}

void holders_add_found(struct table *t, const struct event_holder *h)
{
	add_holder(t->ports, h, 0);
}

/* ---- the list ---- */

void holders_join(struct table *t)
{
	struct port_state *p = t->ports;
	size_t fit = MAX_SHOWN - p->listeners;
	size_t others = p->others < fit ? p->others : fit;

	memmove(&p->holder[p->listeners], &p->holder[MAX_SHOWN], others * sizeof(p->holder[0]));
	p->trouble.holders = p->holder;
	p->trouble.holder_count = p->listeners + others;
	p->trouble.holders_more += p->others - others;
	for (size_t i = 0; i < p->trouble.holder_count; i++) {
		struct event_holder *h = &p->holder[i];

		h->ended = process_has_ended(h->bound_by ? h->bound_by : h->process);
	}
}
