// SPDX-License-Identifier: GPL-2.0-only
/* table.c - storage: records, their index by kernel pointer, the chains by port and the listeners among them. */
#include "table_ports.h"

#include <stdlib.h>
#include <string.h>

HASH_FUNCTIONS(table_index, struct table_place, item->slot, item->hash)

struct socket *table_slot(const struct table *t, uint32_t slot)
{
	return &t->chunk[slot / CHUNK][slot % CHUNK];
}

size_t table_slots(const struct table *t)
{
	return t->chunk_count * CHUNK;
}

void table_init(struct table *t)
{
	t->fresh_slot = NO_SLOT + 1;
}

static void release_processes(struct table *t, struct socket *s)
{
	process_release(t->processes, s->owner);
	process_release(t->processes, s->listener);
	process_release(t->processes, s->binder);
	s->owner = s->listener = s->binder = NULL;
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < table_slots(t); i++)
		release_processes(t, table_slot(t, (uint32_t)i));
	release_processes(t, &t->spare);
	for (size_t i = 0; i < t->chunk_count; i++)
		free(t->chunk[i]);
	free(t->chunk);
	table_index_done(&t->index);
}

static struct table_place *place_of(const struct table *t, uint64_t sk)
{
	uint32_t hash = hash_u64(sk);
	struct table_place *i = table_index_first(&t->index, hash);

	while (i && (i->hash != hash || table_slot(t, i->slot)->sk != sk))
		i = table_index_next(&t->index, i);
	return i;
}

/* Where a record that is not the spare one lies. */
static uint32_t slot_of(const struct table *t, const struct socket *s)
{
	return place_of(t, s->sk)->slot;
}

struct socket *table_find(const struct table *t, uint64_t sk)
{
	const struct table_place *place = place_of(t, sk);

	return place ? table_slot(t, place->slot) : NULL;
}

static bool grow_slab(struct table *t)
{
	struct socket **grown = realloc(t->chunk, (t->chunk_count + 1) * sizeof(*grown));
	struct socket *chunk;

	if (!grown)
		return false;
	t->chunk = grown;
	chunk = calloc(CHUNK, sizeof(*chunk));
	if (!chunk)
		return false;
	grown[t->chunk_count++] = chunk;
	return true;
}

/* One that is free, NO_SLOT without memory. */
static uint32_t next_slot(struct table *t)
{
	if (t->free_slot != NO_SLOT)
		return t->free_slot;
	return t->fresh_slot < table_slots(t) || grow_slab(t) ? t->fresh_slot : NO_SLOT;
}

struct socket *table_insert(struct table *t, uint64_t sk)
{
	uint32_t slot = sk && t->stats.sockets < t->max ? next_slot(t) : NO_SLOT;
	struct table_place place = {.hash = hash_u64(sk), .slot = slot};
	struct socket *s = NULL;

	if (slot != NO_SLOT && table_index_add(&t->index, place))
		s = table_slot(t, slot);
	if (!s) {
		t->stats.full += sk != 0;
		release_processes(t, &t->spare);
		memset(&t->spare, 0, sizeof(t->spare));
		t->spare.sk = sk;
		return &t->spare;
	}
	if (slot == t->fresh_slot)
		t->fresh_slot++;
	else
		t->free_slot = s->next_listener;
	memset(s, 0, sizeof(*s));
	s->sk = sk;
	s->state = STATE_CLOSE;
	s->next_listener = NO_SLOT;
	t->stats.sockets++;
	return s;
}

/* Slots that are free, in their order, from `fresh_slot` down. */
static void chain_free(struct table *t)
{
	t->free_slot = NO_SLOT;
	for (uint32_t slot = t->fresh_slot - 1; slot > NO_SLOT; slot--) {
		struct socket *s = table_slot(t, slot);

		if (s->sk)
			continue;
		s->next_listener = t->free_slot;
		t->free_slot = slot;
	}
}

bool table_rest(struct table *t, uint64_t now_ns)
{
	uint32_t end = (uint32_t)table_slots(t), kept;
	bool given = ports_rest(t, now_ns);

	table_index_reserve(&t->index, t->index.count);

	while (end > NO_SLOT + 1 && !table_slot(t, end - 1)->sk)
		end--;
	kept = (end + CHUNK - 1) / CHUNK;
	if (kept >= t->chunk_count)
		return given;
	while (t->chunk_count > kept)
		free(t->chunk[--t->chunk_count]);
	t->fresh_slot = end > NO_SLOT ? end : NO_SLOT + 1;
	chain_free(t);
	return true;
}

static void unlink_port(struct table *t, struct socket *s)
{
	if (!s->chained)
		return;
	ports_changed(t, s);
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
	uint16_t bucket = port_bucket(s->netns, s->local.port);
	uint32_t slot, first;

	if (s == &t->spare)
		return;
	if (s->chained == bucket) {
		ports_changed(t, s);
		return;
	}
	unlink_port(t, s);
	if (!bucket)
		return;
	slot = slot_of(t, s);
	first = t->port[bucket];
	s->chained = bucket;
	ports_changed(t, s);
	s->prev_port = NO_SLOT;
	s->next_port = first;
	if (first != NO_SLOT)
		table_slot(t, first)->prev_port = slot;
	t->port[bucket] = slot;
}

void table_remove(struct table *t, struct socket *s)
{
	struct table_place *place;

	release_processes(t, s);
	if (s == &t->spare)
		return;
	table_remove_listener(t, s);
	unlink_port(t, s);
	place = place_of(t, s->sk);
	memset(s, 0, sizeof(*s));
	s->next_listener = t->free_slot;
	t->free_slot = place->slot;
	table_index_remove(&t->index, place);
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
	*first = slot_of(t, s);
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

	if (!listener_cookie && (child->flags & SOCKET_STEERED))
		return NULL;
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
		    l->protocol != child->protocol ||
		    ((child->flags & SOCKET_MAPPED) && (l->options & WIRE_O_V6ONLY)))
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

const struct process *table_owner(const struct table *t, uint64_t sk, uint64_t cookie)
{
	const struct socket *s = table_find(t, sk);

	return s && cookie && s->cookie == cookie ? s->owner : NULL;
}

void table_get_stats(const struct table *t, struct table_stats *ret)
{
	*ret = t->stats;
	ret->bytes = table_slots(t) * sizeof(struct socket) + ports_bytes(t);
}
