// SPDX-License-Identifier: GPL-2.0-only
/* table.c - storage: records, their index by kernel pointer, and the listeners by port. */
#include "table_ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_INDEX 4096

static size_t hash(const struct table *t, uint64_t sk)
{
	/* Socket addresses differ from bit 6 on; the multiplier is 2^64 / phi. */
	return (size_t)((sk >> 6) * 0x9e3779b97f4a7c15ull >> 20) & (t->index_size - 1);
}

struct socket *table_slot(const struct table *t, uint32_t slot)
{
	return &t->chunk[slot / CHUNK][slot % CHUNK];
}

size_t table_slots(const struct table *t)
{
	return t->chunk_count * CHUNK;
}

struct table *table_new(size_t max, struct process_set *processes, event_sink_fn sink, void *ctx)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->max = max;
	t->processes = processes;
	t->sink = sink;
	t->ctx = ctx;
	t->free_slot = NO_SLOT;
	t->index_size = FIRST_INDEX;
	t->index = malloc(t->index_size * sizeof(*t->index));
	if (!t->index) {
		free(t);
		errno = ENOMEM;
		return NULL;
	}
	memset(t->index, 0xff, t->index_size * sizeof(*t->index));
	memset(t->listener, 0xff, sizeof(t->listener));
	memset(t->port, 0xff, sizeof(t->port));
	if (!ports_init(t) || !repeat_init(t)) {
		if (t->ports)
			ports_done(t);
		free(t->index);
		free(t);
		errno = ENOMEM;
		return NULL;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	ports_done(t);
	repeat_done(t);
	for (size_t i = 0; i < table_slots(t); i++) {
		struct socket *s = table_slot(t, (uint32_t)i);

		process_release(t->processes, s->owner);
		process_release(t->processes, s->listener);
	}
	process_release(t->processes, t->spare.owner);
	process_release(t->processes, t->spare.listener);
	held_drop(t);
	table_seed_drop(t);
	for (size_t i = 0; i < t->chunk_count; i++)
		free(t->chunk[i]);
	free(t->chunk);
	free(t->index);
	free(t);
}

static size_t position(const struct table *t, uint64_t sk)
{
	size_t at = hash(t, sk);

	while (t->index[at] != NO_SLOT && table_slot(t, t->index[at])->sk != sk)
		at = (at + 1) & (t->index_size - 1);
	return at;
}

uint32_t table_slot_of(const struct table *t, const struct socket *s)
{
	return t->index[position(t, s->sk)];
}

struct socket *table_find(const struct table *t, uint64_t sk)
{
	uint32_t slot = t->index[position(t, sk)];

	return slot == NO_SLOT ? NULL : table_slot(t, slot);
}

static bool grow_index(struct table *t)
{
	uint32_t *old = t->index;
	size_t old_size = t->index_size;
	uint32_t *grown = malloc(old_size * 2 * sizeof(*grown));

	if (!grown)
		return false;
	memset(grown, 0xff, old_size * 2 * sizeof(*grown));
	t->index = grown;
	t->index_size = old_size * 2;
	for (size_t i = 0; i < old_size; i++) {
		if (old[i] != NO_SLOT)
			t->index[position(t, table_slot(t, old[i])->sk)] = old[i];
	}
	free(old);
	return true;
}

static bool grow_slab(struct table *t)
{
	struct socket **grown = realloc(t->chunk, (t->chunk_count + 1) * sizeof(*grown));
	uint32_t first = (uint32_t)(t->chunk_count * CHUNK);
	struct socket *chunk;

	if (!grown)
		return false;
	t->chunk = grown;
	chunk = calloc(CHUNK, sizeof(*chunk));
	if (!chunk)
		return false;
	for (uint32_t i = CHUNK; i-- > 0;) {
		chunk[i].next_listener = t->free_slot;
		t->free_slot = first + i;
	}
	grown[t->chunk_count++] = chunk;
	return true;
}

struct socket *table_insert(struct table *t, uint64_t sk)
{
	struct socket *s;
	uint32_t slot;

	if (!sk || t->stats.sockets >= t->max ||
	    (t->stats.sockets * 2 >= t->index_size && !grow_index(t)) ||
	    (t->free_slot == NO_SLOT && !grow_slab(t))) {
		t->stats.full += sk != 0;
		process_release(t->processes, t->spare.owner);
		process_release(t->processes, t->spare.listener);
		memset(&t->spare, 0, sizeof(t->spare));
		t->spare.sk = sk;
		return &t->spare;
	}
	slot = t->free_slot;
	s = table_slot(t, slot);
	t->free_slot = s->next_listener;
	memset(s, 0, sizeof(*s));
	s->sk = sk;
	s->state = STATE_CLOSE;
	s->next_listener = NO_SLOT;
	t->index[position(t, sk)] = slot;
	t->stats.sockets++;
	return s;
}

/* Linear probing without tombstones: what follows in the run moves back over the hole. */
static uint32_t index_remove(struct table *t, uint64_t sk)
{
	size_t mask = t->index_size - 1, hole = position(t, sk), at = hole;
	uint32_t slot = t->index[hole];

	for (;;) {
		size_t home;

		at = (at + 1) & mask;
		if (t->index[at] == NO_SLOT)
			break;
		home = hash(t, table_slot(t, t->index[at])->sk);
		if (((at - home) & mask) >= ((at - hole) & mask)) {
			t->index[hole] = t->index[at];
			hole = at;
		}
	}
	t->index[hole] = NO_SLOT;
	return slot;
}

void table_remove(struct table *t, struct socket *s)
{
	uint32_t slot;

	process_release(t->processes, s->owner);
	process_release(t->processes, s->listener);
	s->owner = s->listener = NULL;
	if (s == &t->spare)
		return;
	table_remove_listener(t, s);
	ports_unlink(t, s);
	slot = index_remove(t, s->sk);
	memset(s, 0, sizeof(*s));
	s->next_listener = t->free_slot;
	t->free_slot = slot;
	t->stats.sockets--;
}

void table_set_owner(struct table *t, struct socket *s, const struct process *p)
{
	ports_changed(t, s);
	process_hold(p);
	process_release(t->processes, s->owner);
	s->owner = p;
	s->flags &= ~(uint32_t)SOCKET_TOLD;
}

void table_add_listener(struct table *t, struct socket *s)
{
	uint32_t *first;

	if ((s->flags & SOCKET_LISTENER) || s == &t->spare)
		return;
	first = &t->listener[port_bucket(s->netns, s->local.port)];
	s->next_listener = *first;
	*first = t->index[position(t, s->sk)];
	s->flags |= SOCKET_LISTENER;
}

void table_remove_listener(struct table *t, struct socket *s)
{
	uint32_t *link = &t->listener[port_bucket(s->netns, s->local.port)];

	if (!(s->flags & SOCKET_LISTENER))
		return;
	while (table_slot(t, *link) != s)
		link = &table_slot(t, *link)->next_listener;
	*link = s->next_listener;
	s->next_listener = NO_SLOT;
	s->flags &= ~(uint32_t)SOCKET_LISTENER;
}

/* The threads of a process that listen on one port are one owner. */
static bool same_process(const struct process *a, const struct process *b)
{
	return a == b || (a && b && a->pid == b->pid);
}

/* Bound to 0.0.0.0, :: or ::ffff:0.0.0.0. */
static bool takes_any(const struct socket *l)
{
	static const uint8_t mapped_any[16] = {[10] = 0xff, [11] = 0xff};

	return inet_is_any((enum family)l->family, l->local.addr) ||
	       memcmp(l->local.addr, mapped_any, sizeof(mapped_any)) == 0;
}

const struct process *table_listener_owner(const struct table *t, const struct socket *child,
					   uint64_t listener_cookie)
{
	const struct process *owner = NULL;
	bool found = false, found_exact = false;

	for (uint32_t i = t->listener[port_bucket(child->netns, child->local.port)]; i != NO_SLOT;
	     i = table_slot(t, i)->next_listener) {
		const struct socket *l = table_slot(t, i);
		bool exact;

		if (l->local.port != child->local.port)
			continue;
		if (listener_cookie && l->cookie == listener_cookie)
			return l->owner;
		if (listener_cookie && l->cookie)
			continue;
		if (l->netns != child->netns || l->family != child->family ||
		    l->protocol != child->protocol)
			continue;
		exact = memcmp(l->local.addr, child->local.addr, sizeof(l->local.addr)) == 0;
		if (!exact && !takes_any(l))
			continue;
		if (found_exact && !exact)
			continue;
		if (found && exact == found_exact && !same_process(l->owner, owner))
			owner = NULL; /* several listeners of different owners: nobody is named */
		else
			owner = l->owner;
		found = true;
		found_exact = exact;
	}
	return owner;
}

void table_get_stats(const struct table *t, struct table_stats *ret)
{
	*ret = t->stats;
}
