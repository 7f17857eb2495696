// SPDX-License-Identifier: GPL-2.0-only
#include "budget_watch.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS	   16384 /* powers of two */
#define PROCESSES  4096
#define NAMESPACES 256
#define OPENS	   1024
#define FIRST	   1000

struct pair {
	uint64_t taken; /* 0 empty */
	uint32_t netns;
	bool udp;
	enum family family;
	struct endpoint local, peer; /* local.port is 0 */
};

struct watched {
	const struct process *process; /* NULL empty */
	uint32_t netns;
	uint64_t taken, bound;
};

struct budget_watch {
	struct process_set *processes;
	struct pair pair[PAIRS];
	struct watched watched[PROCESSES];
	struct watch_namespace ns[NAMESPACES];
	size_t ns_count;
	struct {
		uint64_t cookie, time_ns;
	} open[OPENS]; /* connects that search for a port */
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
	for (size_t i = 0; w && i < PROCESSES; i++)
		process_release(w->processes, w->watched[i].process);
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
	return a->netns == b->netns && a->udp == b->udp && a->family == b->family &&
	       a->peer.port == b->peer.port && memcmp(a->local.addr, b->local.addr, 16) == 0 &&
	       memcmp(a->peer.addr, b->peer.addr, 16) == 0;
}

/* The place of a pair, or the empty one where it would be; NULL when all are taken. */
static struct pair *find_pair(const struct budget_watch *w, const struct pair *wanted)
{
	uint64_t h = wanted->netns * 31ull + wanted->peer.port + (wanted->udp ? 65536 : 0);

	for (int i = 0; i < 16; i++)
		h = h * 1099511628211ull ^ wanted->local.addr[i] ^
		    (uint64_t)wanted->peer.addr[i] << 8;
	for (size_t i = 0; i < PAIRS; i++) {
		const struct pair *p = &w->pair[((h >> 16) + i) & (PAIRS - 1)];

		if (!p->taken || same_pair(p, wanted))
			return (struct pair *)(uintptr_t)p;
	}
	return NULL;
}

static struct watched *find_process(const struct budget_watch *w, uint32_t pid, uint32_t netns)
{
	for (size_t i = 0; i < PROCESSES; i++) {
		const struct watched *p = &w->watched[(pid * 2654435761u + i) & (PROCESSES - 1)];

		if (!p->process || (p->process->pid == pid && p->netns == netns))
			return (struct watched *)(uintptr_t)p;
	}
	return NULL;
}

static struct watch_namespace *namespace_of(struct budget_watch *w, uint32_t netns)
{
	for (size_t i = 0; i < w->ns_count; i++) {
		if (w->ns[i].netns == netns)
			return &w->ns[i];
	}
	if (w->ns_count == NAMESPACES) {
		w->uncounted++;
		return NULL;
	}
	w->ns[w->ns_count].netns = netns;
	return &w->ns[w->ns_count++];
}

const struct watch_namespace *budget_watch_namespace(const struct budget_watch *w, uint32_t netns)
{
	for (size_t i = 0; i < w->ns_count; i++) {
		if (w->ns[i].netns == netns)
			return &w->ns[i];
	}
	return NULL;
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
	struct watch_namespace *ns = namespace_of(w, e->netns);
	struct watch_latency *l = ns ? &ns->latency : NULL;
	size_t at = e->cookie % OPENS;
	uint64_t ns_taken;

	if (!l || !e->cookie || w->open[at].cookie != e->cookie)
		return;
	ns_taken = e->time_ns - w->open[at].time_ns;
	w->open[at].cookie = 0;
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
	struct pair wanted, *p;
	struct watched *owner = e->process ? find_process(w, e->process->pid, e->netns) : NULL;

	set_pair(&wanted, e->netns, e->protocol, e->family, e->mapped, &e->local, &e->peer);
	p = find_pair(w, &wanted);
	if (p) {
		wanted.taken = p->taken + 1;
		*p = wanted;
	} else {
		w->uncounted++;
	}
	if (!owner)
		return;
	if (!owner->process) {
		owner->process = process_hold(e->process);
		owner->netns = e->netns;
	}
	owner->taken++;
	owner->bound += !e->connect.autobind && !inet_is_udp(e->protocol);
}

static bool is_failure(const struct event *e)
{
	if (e->local.port)
		return false;
	if (e->kind == EVENT_CONNECT)
		return e->error == (inet_is_udp(e->protocol) ? EAGAIN : EADDRNOTAVAIL);
	return (e->kind == EVENT_BIND || e->kind == EVENT_LISTEN) &&
	       (e->error == EADDRINUSE || e->error == EAGAIN);
}

bool budget_watch_event(struct budget_watch *w, const struct event *e)
{
	if (is_failure(e)) {
		take_failure(w, e);
		return true;
	}
	switch (e->kind) {
	case EVENT_STATE:
		if (e->state.from == STATE_CLOSE && e->state.to == STATE_SYN_SENT && e->cookie) {
			w->open[e->cookie % OPENS].cookie = e->cookie;
			w->open[e->cookie % OPENS].time_ns = e->time_ns;
		}
		break;
	case EVENT_CONNECT:
		if (e->error)
			break;
		take_latency(w, e);
		take_connect(w, e);
		break;
	case EVENT_BIND:
	case EVENT_LISTEN:
	case EVENT_ACCEPT:
	case EVENT_CLOSE:
	case EVENT_LOST:
	case EVENT_KINDS: break;
	}
	return false;
}

static const struct budget_row *find_row(const struct budget *b, const struct budget_row *like)
{
	for (size_t i = 0; i < b->row_count; i++) {
		const struct budget_row *row = &b->row[i];

		if (row->ns->netns == like->ns->netns && row->protocol == like->protocol &&
		    row->family == like->family && row->peer.port == like->peer.port &&
		    memcmp(row->local.addr, like->local.addr, 16) == 0 &&
		    memcmp(row->peer.addr, like->peer.addr, 16) == 0)
			return row;
	}
	return NULL;
}

/* The ports available towards a destination that nobody talks to. */
static uint32_t untouched(const struct budget_row *row, const struct budget_namespace *ns)
{
	if (row->protocol != IPPROTO_UDP)
		return ns->available;
	return row->family == FAMILY_IPV4 ? ns->udp_free4 : ns->udp_free6;
}

static const struct budget_namespace *find_namespace(const struct budget *b, uint32_t netns)
{
	for (size_t i = 0; i < b->ns_count; i++) {
		if (b->ns[i]->netns == netns)
			return b->ns[i];
	}
	return NULL;
}

static void apply_row(const struct budget_watch *w, struct budget_row *row,
		      const struct budget *before, double seconds)
{
	struct pair wanted;
	const struct pair *p;

	set_pair(&wanted, row->ns->netns, row->protocol, row->family, false, &row->local,
		 &row->peer);
	p = find_pair(w, &wanted);
	row->churn_per_s = p ? (double)p->taken / seconds : -1;
	if (!budget_knows_left(row->ns, row->protocol))
		return;
	/*
	 * Processes also give ports back, so the forecast uses the loss of available ports, not the
	 * churn.
	 */
	if (before) {
		const struct budget_row *was = find_row(before, row);
		const struct budget_namespace *ns = find_namespace(before, row->ns->netns);
		uint32_t had = was ? was->available : untouched(row, ns ? ns : row->ns);

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

	for (size_t i = 0; i < b->row_count; i++)
		apply_row(w, &b->row[i], before, seconds);
	for (size_t i = 0; i < b->process_count; i++) {
		struct budget_process *p = &b->process[i];
		const struct watched *seen = find_process(w, p->process->pid, p->ns->netns);

		p->churn_per_s = seen ? (double)seen->taken / seconds : -1;
		if (seen && p->bound_before_connect < seen->bound)
			p->bound_before_connect = (uint32_t)seen->bound;
	}
}
