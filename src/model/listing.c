/* SPDX-License-Identifier: GPL-2.0-only */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "owner.h"

/* Memory not touched costs nothing, moving it while another thread runs does. */
#define MIN_SOCKETS 65536

/* What no descriptor leads to has no key. */
static uint32_t hash_of(uint64_t key, uint64_t sk)
{
	return hash_u64(key ? key : sk);
}

HASH_FUNCTIONS(listing_index, struct listing_place, item->index, hash_of(item->key, item->sk))

void listing_init(struct listing *l)
{
	*l = (struct listing){0};
}

void listing_done(struct listing *l)
{
	for (size_t i = 0; i < l->task_count; i++) {
		if (l->tasks[i].resolved)
			process_copy_done(&l->tasks[i].process);
	}
	free(l->tasks);
	free(l->sockets);
	free(l->holders);
	free(l->netns);
	listing_index_done(&l->index);
	free(l->listeners);
	listing_init(l);
}

/* Room for one more of `size` bytes in *array. */
static bool grow(struct listing *l, void *array, size_t count, size_t *cap, size_t size)
{
	void **at = array, *grown;
	size_t want = *cap ? *cap * 2 : MIN_SOCKETS;

	if (count < *cap)
		return true;
	grown = realloc(*at, want * size);
	if (!grown) {
		l->failed = true;
		return false;
	}
	*at = grown;
	*cap = want;
	return true;
}

uint32_t listing_add_task(struct listing *l, const struct listing_task *task)
{
	if (!grow(l, &l->tasks, l->task_count, &l->task_cap, sizeof(*l->tasks)))
		return LISTING_NONE;
	l->tasks[l->task_count] = *task;
	l->has_threads |= task->process.tid != task->process.pid;
	return (uint32_t)l->task_count++;
}

void listing_add_netns(struct listing *l, const struct listing_netns *netns)
{
	if (listing_netns_of(l, netns->inode) ||
	    !grow(l, &l->netns, l->netns_count, &l->netns_cap, sizeof(*l->netns)))
		return;
	l->netns[l->netns_count++] = *netns;
}

const struct listing_netns *listing_netns_of(const struct listing *l, uint32_t inode)
{
	for (size_t i = 0; i < l->netns_count; i++) {
		if (l->netns[i].inode == inode)
			return &l->netns[i];
	}
	return NULL;
}

static struct listing_netns *netns_entry(struct listing *l, uint32_t inode)
{
	for (size_t i = 0; i < l->netns_count; i++) {
		if (l->netns[i].inode == inode)
			return &l->netns[i];
	}
	return NULL;
}

void listing_add_away(struct listing *l, uint32_t inode)
{
	struct listing_netns *at;

	listing_add_netns(l, &(struct listing_netns){.inode = inode});
	at = netns_entry(l, inode);
	if (at)
		at->away = true;
}

void listing_name_netns(struct listing *l, uint32_t own, listing_netns_fn name_of)
{
	struct listing_netns *at = NULL;

	for (size_t i = 0; i < l->socket_count; i++) {
		const struct listing_socket *s = &l->sockets[i];

		if (s->netns == own)
			continue;
		if (!at || at->inode != s->netns) {
			listing_add_away(l, s->netns);
			at = netns_entry(l, s->netns);
		}
		if (!at)
			return;
		if (s->first != LISTING_NONE)
			at->holder = s->first + 1;
	}
	for (size_t i = 0; i < l->netns_count; i++) {
		at = &l->netns[i];
		if (at->away)
			name_of(at->inode,
				at->holder ? &l->tasks[l->holders[at->holder - 1].task] : NULL, at->name,
				sizeof(at->name));
	}
}

/* ---- sockets by key ---- */

uint32_t listing_find(const struct listing *l, uint64_t key, uint64_t sk)
{
	const struct listing_index *h = &l->index;

	for (struct listing_place *i = listing_index_first(h, hash_of(key, sk)); i;
	     i = listing_index_next(h, i)) {
		if (i->key == key && (!sk || i->sk == sk))
			return i->index - 1;
	}
	return LISTING_NONE;
}

void listing_expect(const struct listing *l, uint64_t key, uint64_t sk)
{
	listing_index_expect(&l->index, hash_of(key, sk));
}

static uint32_t add_socket(struct listing *l, const struct listing_socket *socket)
{
	struct listing_place place = {.key = socket->key, .sk = socket->sk};
	struct listing_socket *s;

	place.index = (uint32_t)l->socket_count + 1;
	if (!grow(l, &l->sockets, l->socket_count, &l->socket_cap, sizeof(*l->sockets)))
		return LISTING_NONE;
	if ((!l->index.size && !listing_index_reserve(&l->index, MIN_SOCKETS)) ||
	    !listing_index_add(&l->index, place)) {
		l->failed = true;
		return LISTING_NONE;
	}
	s = &l->sockets[l->socket_count];
	*s = *socket;
	s->first = s->last = s->owner = LISTING_NONE;
	s->holder_count = 0;
	return (uint32_t)l->socket_count++;
}

/*
 * A process is one holder, though its threads may have descriptors of their own, and a ring hold what a descriptor leads to as
 * well.  The first thread's descriptor is the one to tell.
 */
static bool is_held_already(struct listing *l, const struct listing_socket *s, uint32_t task,
			    uint32_t fd)
{
	const struct process *p = &l->tasks[task].process;

	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		struct listing_holder *other = &l->holders[h];

		if (l->tasks[other->task].process.pid != p->pid ||
		    (other->task == task && fd != LOOK_NO_FD))
			continue;
		if (p->tid == p->pid && fd != LOOK_NO_FD) {
			other->task = task;
			other->fd = fd;
		}
		return true;
	}
	return false;
}

uint32_t listing_add_holder(struct listing *l, uint32_t task, uint32_t fd, bool maker,
			    const struct listing_socket *socket)
{
	uint32_t index = listing_find(l, socket->key, socket->sk), h = (uint32_t)l->holder_count;
	struct listing_socket *s;

	if (index == LISTING_NONE)
		index = add_socket(l, socket);
	if (index != LISTING_NONE && (fd == LOOK_NO_FD || l->has_threads) &&
	    is_held_already(l, &l->sockets[index], task, fd))
		return index;
	if (index == LISTING_NONE ||
	    !grow(l, &l->holders, l->holder_count, &l->holder_cap, sizeof(*l->holders)))
		return LISTING_NONE;
	l->holder_count++;
	l->holders[h] = (struct listing_holder){
		.task = task, .fd = fd, .socket = index, .next = LISTING_NONE, .maker = maker};
	s = &l->sockets[index];
	if (s->last == LISTING_NONE)
		s->first = h;
	else
		l->holders[s->last].next = h;
	s->last = h;
	s->holder_count++;
	return index;
}

uint32_t listing_add_loose(struct listing *l, const struct listing_socket *socket)
{
	uint32_t index = listing_find(l, socket->key, socket->sk);

	return index != LISTING_NONE ? index : add_socket(l, socket);
}

/* ---- who ---- */

static int compare_listeners(const void *a, const void *b, void *ctx)
{
	const struct listing *l = ctx;
	const struct listing_socket *x = &l->sockets[*(const uint32_t *)a];
	const struct listing_socket *y = &l->sockets[*(const uint32_t *)b];

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	return (int)x->local.port - (int)y->local.port;
}

static void share_holders(struct listing *l, struct listing_socket *s)
{
	uint32_t index;

	if (s->holder_count || !s->key)
		return;
	index = listing_find(l, s->key, 0);
	if (index == LISTING_NONE)
		return;
	/* A subflow of MPTCP: the descriptor leads to the connection it is part of. */
	s->first = l->sockets[index].first;
	s->last = l->sockets[index].last;
	s->holder_count = l->sockets[index].holder_count;
}

/* `choice` has room for every holder of `s`. */
static uint32_t choose_owner(const struct listing *l, const struct listing_socket *s,
			     struct owner_holder *choice)
{
	const struct owner_holder *chosen;
	size_t n = 0;

	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		const struct listing_task *task = &l->tasks[l->holders[h].task];

		choice[n++] = (struct owner_holder){.pid = task->process.pid,
						    .parent = task->parent,
						    .maker = l->holders[h].maker,
						    .index = l->holders[h].task};
	}
	chosen = owner_choose(choice, n, 0);
	return chosen ? chosen->index : LISTING_NONE;
}

static void choose_owners(struct listing *l)
{
	struct owner_holder *choice;
	size_t most = 1;

	for (size_t i = 0; i < l->socket_count; i++) {
		if (l->sockets[i].holder_count > most)
			most = l->sockets[i].holder_count;
	}
	choice = malloc(most * sizeof(*choice));
	if (!choice) {
		l->failed = true;
		return;
	}
	for (size_t i = 0; i < l->socket_count; i++) {
		struct listing_socket *s = &l->sockets[i];

		if (s->holder_count)
			s->owner = choose_owner(l, s, choice);
	}
	free(choice);
}

bool listing_serves(const struct listing_socket *to, const struct listing_socket *s)
{
	/* A listener on :: takes IPv4 connections as mapped IPv6 sockets only. */
	if (to->netns != s->netns || to->local.port != s->local.port ||
	    to->protocol != s->protocol || to->family != s->family)
		return false;
	if (inet_is_any((enum family)to->family, to->local.addr))
		return to->mapped ? s->mapped : !s->mapped || to->local.takes != TAKES_IPV6;
	return memcmp(to->local.addr, s->local.addr, 16) == 0;
}

static bool is_held_by(const struct listing *l, const struct listing_socket *s, uint32_t pid)
{
	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		if (l->tasks[l->holders[h].task].process.pid == pid)
			return true;
	}
	return false;
}

/* Who has the connection open, or its parent, has the listener open. */
static bool are_related(const struct listing *l, const struct listing_socket *to,
			const struct listing_socket *s)
{
	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		const struct listing_task *task = &l->tasks[l->holders[h].task];

		if (is_held_by(l, to, task->process.pid) || is_held_by(l, to, task->parent))
			return true;
	}
	return false;
}

bool listing_may_serve(const struct listing *l, const struct listing_socket *to,
		       const struct listing_socket *s)
{
	if (s->state == STATE_LISTEN || !listing_has_peer(s) || !s->local.port)
		return false;
	if (s->flags & LOOK_QUEUED)
		return s->listener && &l->sockets[s->listener - 1] == to;
	return listing_serves(to, s) && (s->first == LISTING_NONE || are_related(l, to, s));
}

static bool serves_address(const struct listing *l, const struct listing_socket *to,
			   const struct listing_socket *s)
{
	(void)l;
	return listing_serves(to, s);
}

/* The only listener on the port of `s` that `fits`. */
static const struct listing_socket *find_only(const struct listing *l,
					      const struct listing_socket *s,
					      bool (*fits)(const struct listing *l,
							   const struct listing_socket *to,
							   const struct listing_socket *s))
{
	const struct listing_socket *found = NULL;
	size_t low = 0, high = l->listener_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct listing_socket *at = &l->sockets[l->listeners[middle]];

		if (at->netns < s->netns ||
		    (at->netns == s->netns && at->local.port < s->local.port))
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < l->listener_count; low++) {
		const struct listing_socket *at = &l->sockets[l->listeners[low]];

		if (at->netns != s->netns || at->local.port != s->local.port)
			break;
		if (!fits(l, at, s))
			continue;
		if (found)
			return NULL;
		found = at;
	}
	return found;
}

const struct listing_socket *listing_listener(const struct listing *l,
					      const struct listing_socket *s)
{
	if (s->state == STATE_LISTEN || !listing_has_peer(s) || !s->local.port)
		return NULL;
	if (s->flags & LOOK_QUEUED)
		return s->listener ? &l->sockets[s->listener - 1] : NULL;
	return s->first != LISTING_NONE ? find_only(l, s, listing_may_serve) : NULL;
}

/* Where the look does not tell (/proc does not), as many must match as the only listener that could have them says. */
static void find_queues(struct listing *l)
{
	uint32_t *waiting = calloc(l->socket_count + 1, sizeof(*waiting));

	for (size_t i = 0; waiting && i < 2 * l->socket_count; i++) {
		struct listing_socket *s = &l->sockets[i % l->socket_count];
		const struct listing_socket *only;
		uint32_t index;

		if (!(s->flags & LOOK_QUEUED) || s->listener ||
		    s->state == STATE_SYN_RECV)
			continue;
		only = find_only(l, s, serves_address);
		if (!only)
			continue;
		index = (uint32_t)(only - l->sockets);
		if (i < l->socket_count)
			waiting[index]++;
		else if (waiting[index] == only->receive)
			s->listener = index + 1;
	}
	l->failed |= !waiting;
	free(waiting);
}

void listing_join(struct listing *l)
{
	bool guess = false;
	size_t count = 0;

	for (size_t i = 0; i < l->socket_count; i++) {
		struct listing_socket *s = &l->sockets[i];

		share_holders(l, s);
		if (s->holder_count)
			s->flags &= (uint16_t)~LOOK_KERNEL;
		guess |= (s->flags & LOOK_QUEUED) && !s->listener;
		count += s->state == STATE_LISTEN;
	}
	choose_owners(l);
	free(l->listeners);
	l->listeners = calloc(count + 1, sizeof(*l->listeners));
	l->listener_count = 0;
	if (!l->listeners) {
		l->failed = true;
		return;
	}
	for (size_t i = 0; i < l->socket_count; i++) {
		if (l->sockets[i].state == STATE_LISTEN)
			l->listeners[l->listener_count++] = (uint32_t)i;
	}
	qsort_r(l->listeners, l->listener_count, sizeof(*l->listeners), compare_listeners, l);
	if (guess)
		find_queues(l);
}

const struct listing_task *listing_owner(const struct listing *l, const struct listing_socket *s)
{
	if (s->owner != LISTING_NONE)
		return &l->tasks[s->owner];
	if ((s->flags & LOOK_QUEUED) && s->listener)
		return listing_owner(l, &l->sockets[s->listener - 1]);
	return NULL;
}

const struct listing_task *listing_binder(const struct listing *l, const struct listing_socket *s)
{
	const struct listing_socket *listener = listing_listener(l, s);

	for (uint32_t h = (listener ? listener : s)->first; h != LISTING_NONE;
	     h = l->holders[h].next) {
		if (l->holders[h].maker)
			return &l->tasks[l->holders[h].task];
	}
	return NULL;
}

/* ---- words ---- */

enum direction listing_direction(const struct listing_socket *s)
{
	if (s->flags & LOOK_BUCKET_OPEN)
		return DIRECTION_OUTGOING;
	return s->flags & LOOK_ACCEPTED ? DIRECTION_ACCEPTED : DIRECTION_UNKNOWN;
}

bool listing_is_to_itself(const struct listing_socket *s)
{
	return s->peer.port && s->local.port == s->peer.port &&
	       memcmp(s->local.addr, s->peer.addr, sizeof(s->local.addr)) == 0;
}

bool listing_knows_limit(const struct listing_socket *s)
{
	return !(s->flags & LOOK_LIMITLESS);
}

bool listing_is_full(const struct listing_socket *s)
{
	return s->state == STATE_LISTEN && listing_knows_limit(s) && s->receive > s->backlog;
}

bool listing_has_peer(const struct listing_socket *s)
{
	return s->peer.port || !inet_is_any((enum family)s->family, s->peer.addr);
}

enum tcp_state listing_state(const struct listing_socket *s)
{
	switch (s->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP: return (enum tcp_state)s->state;
	default: return s->state == STATE_ESTABLISHED ? STATE_ESTABLISHED : STATE_NONE;
	}
}

bool listing_has_port(const struct listing_socket *s)
{
	return s->local.port || s->protocol == IPPROTO_RAW;
}
