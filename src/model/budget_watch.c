// SPDX-License-Identifier: GPL-2.0-only
#include "budget_watch.h"

#include "hash.h"
#include "port_search.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS	   16384
#define PROCESSES  4096
#define NAMESPACES 256
#define FIRST	   1000

struct pair {
	uint64_t taken; /* never 0; in an index of rows, the row's place and one */
	uint32_t netns, vrf; /* vrf: of a row */
	bool udp;
	enum family family;
	struct endpoint local, peer; /* local.port is 0 */
};

struct watched {
	const struct process *process;
	uint32_t netns;
	uint64_t taken, bound;
};

static uint32_t hash_pair(const struct pair *p)
{
	uint64_t h = p->netns * 31ull + p->peer.port + (p->udp ? 65536 : 0);

	for (int i = 0; i < 16; i++)
		h = h * 1099511628211ull ^ p->local.addr[i] ^ (uint64_t)p->peer.addr[i] << 8;
	return hash_u64(h);
}

HASH_TYPE(pairs, struct pair);
HASH_FUNCTIONS(pairs, struct pair, item->taken, hash_pair(item))
HASH_TYPE(takers, struct watched);
HASH_FUNCTIONS(takers, struct watched, item->process, hash_u64(item->process->pid))
HASH_TYPE(spaces, struct watch_namespace);
HASH_FUNCTIONS(spaces, struct watch_namespace, item->netns, hash_u64(item->netns))

struct budget_watch {
	struct process_set *processes;
	struct pairs pairs;
	struct takers takers;
	struct spaces spaces;
	struct port_search search;
	uint64_t uncounted;
};

struct budget_watch *budget_watch_new(struct process_set *processes)
{
	struct budget_watch *w = calloc(1, sizeof(*w));

	if (w)
		w->processes = processes;
	return w;
}

void budget_watch_free(struct budget_watch *w)
{
	if (!w)
		return;
	for (struct watched *i = takers_each(&w->takers, NULL); i; i = takers_each(&w->takers, i))
		process_release(w->processes, i->process);
	pairs_done(&w->pairs);
	takers_done(&w->takers);
	spaces_done(&w->spaces);
	free(w);
}

uint64_t budget_watch_uncounted(const struct budget_watch *w)
{
	return w->uncounted;
}

/* As a look spells it: mapped ends as IPv4. */
static void set_pair(struct pair *p, uint32_t netns, uint16_t protocol, enum family family,
		     bool mapped, const struct endpoint *local, const struct endpoint *peer)
{
	*p = (struct pair){.netns = netns,
			   .udp = inet_is_udp(protocol),
			   .family = mapped ? FAMILY_IPV4 : family};
	memcpy(p->local.addr, local->addr + (mapped ? 12 : 0), p->family == FAMILY_IPV4 ? 4 : 16);
	memcpy(p->peer.addr, peer->addr + (mapped ? 12 : 0), p->family == FAMILY_IPV4 ? 4 : 16);
	p->peer.port = peer->port;
}

static bool same_pair(const struct pair *a, const struct pair *b)
{
	return a->netns == b->netns && a->vrf == b->vrf && a->udp == b->udp &&
	       a->family == b->family && a->peer.port == b->peer.port &&
	       memcmp(a->local.addr, b->local.addr, 16) == 0 &&
	       memcmp(a->peer.addr, b->peer.addr, 16) == 0;
}

static struct pair *find_pair(const struct pairs *pairs, const struct pair *wanted)
{
	struct pair *p = pairs_first(pairs, hash_pair(wanted));

	while (p && !same_pair(p, wanted))
		p = pairs_next(pairs, p);
	return p;
}

static struct watched *find_taker(const struct budget_watch *w, uint32_t pid, uint32_t netns)
{
	struct watched *p = takers_first(&w->takers, hash_u64(pid));

	while (p && (p->process->pid != pid || p->netns != netns))
		p = takers_next(&w->takers, p);
	return p;
}

static struct watch_namespace *find_space(const struct budget_watch *w, uint32_t netns)
{
	struct watch_namespace *ns = spaces_first(&w->spaces, hash_u64(netns));

	while (ns && ns->netns != netns)
		ns = spaces_next(&w->spaces, ns);
	return ns;
}

static struct watch_namespace *namespace_of(struct budget_watch *w, uint32_t netns)
{
	struct watch_namespace *ns = find_space(w, netns);

	if (!ns && w->spaces.count < NAMESPACES)
		ns = spaces_add(&w->spaces, (struct watch_namespace){.netns = netns});
	w->uncounted += !ns;
	return ns;
}

const struct watch_namespace *budget_watch_namespace(const struct budget_watch *w, uint32_t netns)
{
	return find_space(w, netns);
}

void budget_watch_select(struct budget_watch *w, uint32_t netns)
{
	struct watch_namespace *ns = namespace_of(w, netns);

	if (ns)
		ns->selected = true;
}

static void take_failure(struct budget_watch *w, const struct event *e)
{
	struct watch_namespace *ns = namespace_of(w, e->netns);
	struct watch_failure *f;

	uint64_t before = ns ? ns->failures : 0;

	if (ns)
		ns->failures += e->repeated ? e->repeated : 1;
	if (!ns || before)
		return;
	f = &ns->first;
	f->time_ns = e->time_ns;
	f->family = e->family;
	f->mapped = e->mapped;
	f->has_peer = e->has_peer;
	f->local = e->local;
	f->peer = e->peer;
	f->error = e->error;
	f->has_process = e->process != NULL;
	if (e->process)
		f->process = process_key(e->process);
}

static void take_latency(struct budget_watch *w, const struct event *e)
{
	uint64_t ns_taken = port_search_event(&w->search, e);
	struct watch_namespace *ns;
	struct watch_latency *l;

	if (ns_taken == PORT_SEARCH_NONE || !(ns = namespace_of(w, e->netns)))
		return;
	l = &ns->latency;
	l->count++;
	l->sum_ns += ns_taken;
	if (l->max_ns < ns_taken)
		l->max_ns = ns_taken;
	if (l->first_count < FIRST) {
		l->first_count++;
		l->first_sum_ns += ns_taken;
		l->last_ns = l->first_sum_ns / l->first_count;
	} else {
		l->last_ns = l->last_ns - l->last_ns / FIRST + ns_taken / FIRST;
	}
}

static void take_connect(struct budget_watch *w, const struct event *e)
{
	struct watched *owner = e->process ? find_taker(w, e->process->pid, e->netns) : NULL;
	struct pair wanted, *p;

	set_pair(&wanted, e->netns, e->protocol, e->family, e->mapped, &e->local, &e->peer);
	p = find_pair(&w->pairs, &wanted);
	wanted.taken = 1;
	if (p)
		p->taken++;
	else if (w->pairs.count < PAIRS)
		p = pairs_add(&w->pairs, wanted);
	if (!owner && e->process && w->takers.count < PROCESSES) {
		owner = takers_add(&w->takers,
				   (struct watched){.process = e->process, .netns = e->netns});
		if (owner)
			process_hold(e->process);
	}
	if (owner) {
		owner->taken++;
		owner->bound += !e->connect.autobind && !inet_is_udp(e->protocol);
	}
	w->uncounted += !p || (e->process && !owner);
}

bool budget_watch_event(struct budget_watch *w, const struct event *e)
{
	if (event_is_exhaustion(e)) {
		take_failure(w, e);
		return true;
	}
	take_latency(w, e);
	if (e->kind == EVENT_CONNECT && !e->error)
		take_connect(w, e);
	return false;
}

static void set_row_pair(struct pair *p, const struct budget_row *row)
{
	set_pair(p, row->ns->netns, row->protocol, row->family, false, &row->local, &row->peer);
	p->vrf = row->ns->vrf;
}

/* False without memory. */
static bool index_rows(struct pairs *ret, const struct budget *b)
{
	for (size_t i = 0; i < b->row_count; i++) {
		struct pair p;

		set_row_pair(&p, &b->row[i]);
		p.taken = i + 1;
		if (!pairs_add(ret, p))
			return false;
	}
	return true;
}

/* The ports available towards a destination that nobody talks to. */
static uint32_t untouched(const struct budget_row *row, const struct budget_namespace *ns)
{
	if (row->protocol != IPPROTO_UDP)
		return ns->available;
	return row->family == FAMILY_IPV4 ? ns->udp_free4 : ns->udp_free6;
}

static void apply_row(const struct budget_watch *w, struct budget_row *row,
		      const struct budget *before, const struct pairs *index, double seconds)
{
	struct pair wanted;
	const struct pair *p;

	set_row_pair(&wanted, row);
	p = find_pair(&w->pairs, &wanted);
	/* Calls do not tell their VRF. */
	if (!row->ns->vrf)
		row->churn_per_s = p ? (double)p->taken / seconds : w->pairs.count < PAIRS ? 0 : -1;
	if (!budget_knows_left(row->ns, row->protocol))
		return;
	/*
	 * Processes also give ports back, so the forecast uses the loss of available ports, not the
	 * churn.
	 */
	if (before) {
		const struct pair *was = find_pair(index, &wanted);
		const struct budget_namespace *ns =
			budget_find_namespace(before, row->ns->netns, row->ns->vrf);
		uint32_t had = was ? before->row[was->taken - 1].available
				   : untouched(row, ns ? ns : row->ns);

		if (had > row->available && (!ns || budget_knows_left(ns, row->protocol)))
			row->exhausted_in_s = row->available / ((had - row->available) / seconds);
	}
	if (row->available == 0)
		row->exhausted_in_s = 0;
}

void budget_watch_apply(const struct budget_watch *w, struct budget *b, const struct budget *before,
			uint64_t watched_ns)
{
	double seconds = watched_ns ? (double)watched_ns / 1e9 : 1e-9;
	struct pairs index = {0};

	/* Without memory there is no forecast. */
	if (before && !index_rows(&index, before))
		before = NULL;
	for (size_t i = 0; i < b->row_count; i++)
		apply_row(w, &b->row[i], before, &index, seconds);
	pairs_done(&index);
	for (size_t i = 0; i < b->process_count; i++) {
		struct budget_process *p = &b->process[i];
		const struct watched *seen = find_taker(w, p->process->pid, p->ns->netns);

		if (p->ns->vrf)
			continue;
		p->churn_per_s = seen			       ? (double)seen->taken / seconds
				 : w->takers.count < PROCESSES ? 0
							       : -1;
		if (seen && p->bound_before_connect < seen->bound)
			p->bound_before_connect = (uint32_t)seen->bound;
	}
}
