// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_seed.c - what was there before, and repair after a loss.
 *
 * A look names holders, not makers.  One holder is the owner; of several, the one that is an
 * ancestor of the others by a chain of holders, because a descriptor inherited by fork was its
 * parent's first; of unrelated ones, none.  The owners are chosen when the look ends.
 */
#include "table_private.h"

#include <stdlib.h>
#include <string.h>

/* Who holds what in one look, by (socket, pid): open addressing, only grows, freed at its end. */
struct holder_set {
	struct holder {
		uint64_t sk;
		const struct process *process; /* NULL without room */
		uint32_t pid;		       /* 0 empty */
		uint32_t parent;
	} * item;
	size_t size, count;
};

static size_t holder_position(const struct holder_set *set, uint64_t sk, uint32_t pid)
{
	size_t at = (size_t)((sk >> 6) * 0x9e3779b97f4a7c15ull + pid * 0xc2b2ae3d27d4eb4full) >> 20;

	for (at &= set->size - 1; set->item[at].pid; at = (at + 1) & (set->size - 1)) {
		if (set->item[at].sk == sk && set->item[at].pid == pid)
			break;
	}
	return at;
}

static bool holder_is(const struct holder_set *set, uint64_t sk, uint32_t pid)
{
	return pid && set->item[holder_position(set, sk, pid)].pid;
}

static void holder_add(struct table *t, uint64_t sk, const struct fact *f)
{
	struct holder_set *set = t->holders;
	size_t at;

	if (set->count * 2 >= set->size) {
		struct holder_set grown = {.size = set->size * 2};

		grown.item = calloc(grown.size, sizeof(*grown.item));
		if (!grown.item)
			return;
		for (size_t i = 0; i < set->size; i++) {
			const struct holder *h = &set->item[i];

			if (h->pid)
				grown.item[holder_position(&grown, h->sk, h->pid)] = *h;
		}
		free(set->item);
		set->item = grown.item;
		set->size = grown.size;
	}
	at = holder_position(set, sk, f->task.pid);
	if (set->item[at].pid)
		return;
	set->item[at] = (struct holder){
		.sk = sk,
		.process = process_intern(t->processes, &f->task),
		.pid = f->task.pid,
		.parent = f->parent,
	};
	set->count++;
}

void table_seed_drop(struct table *t)
{
	struct holder_set *set = t->holders;

	if (!set)
		return;
	for (size_t i = 0; set->item && i < set->size; i++)
		process_release(t->processes, set->item[i].process);
	free(set->item);
	free(set);
	t->holders = NULL;
}

void table_seed_begin(struct table *t, uint64_t begin_ns)
{
	table_seed_drop(t);
	t->holders = calloc(1, sizeof(*t->holders));
	if (t->holders) {
		t->holders->size = 1024;
		t->holders->item = calloc(t->holders->size, sizeof(*t->holders->item));
	}
	t->generation++;
	t->look_begin_ns = begin_ns;
	t->look_added = 0;
}

/* Seen live is better than any look; a child's owner is its listener's until it is accepted. */
static bool needs_owner(const struct socket *s)
{
	return !s->owner || (s->flags & SOCKET_SEED_OWNER) ||
	       (s->flags & (SOCKET_PASSIVE | SOCKET_ACCEPTED)) == SOCKET_PASSIVE;
}

/*
 * The elders of a socket are the holders whose parent holds it not: one is the owner, of several
 * nobody.  Only the end of the look tells, because a parent may have a higher pid than its children
 * and come later.
 */
static void choose_owners(struct table *t)
{
	struct holder_set *set = t->holders;

	for (size_t i = 0; set && set->item && i < set->size; i++) {
		const struct holder *h = &set->item[i];
		struct socket *s = h->pid ? table_find(t, h->sk) : NULL;
		bool first;

		if (!s || s->generation != t->generation || !needs_owner(s) ||
		    holder_is(set, h->sk, h->parent))
			continue;
		first = s->chosen != t->generation;
		table_set_owner(t, s, first ? h->process : NULL);
		s->chosen = t->generation;
		s->flags |= SOCKET_SEED_OWNER;
		s->flags &= ~(uint32_t)SOCKET_QUEUED;
	}
}

static bool is_idle(const struct fact *f)
{
	return f->to == STATE_CLOSE && f->local.port == 0;
}

void table_seed(struct table *t, const struct fact *f)
{
	struct socket *s;
	bool fresh;

	if (f->to == STATE_TIME_WAIT) {
		ports_seed_time_wait(t, f);
		return;
	}
	s = table_find(t, f->sk);
	if (s && socket_is_stale(s, f)) {
		if (s->touched_ns > f->time_ns)
			return;
		t->stats.stale++;
		table_forget(t, s, t->look_begin_ns);
		s = NULL;
	}
	fresh = !s;
	if (!s) {
		/* Neither bound nor connected: nothing to remember, the next call names its owner.
		 */
		if (is_idle(f))
			return;
		s = table_insert(t, f->sk);
		s->state = (uint8_t)f->to;
		if (f->kind == WIRE_SEED_SOCKET &&
		    (f->flags & (WIRE_F_NO_FILE | WIRE_F_ORPHAN)) == WIRE_F_NO_FILE)
			s->flags |= SOCKET_QUEUED | SOCKET_PASSIVE;
		socket_update(s, f);
		t->look_added += s != &t->spare;
	} else if (s->touched_ns <= f->time_ns) {
		table_unlist(t, s);
		if (s->state != f->to)
			s->since_ns = 0; /* the fact that said so was lost */
		s->state = (uint8_t)f->to;
		socket_update(s, f);
	}
	if (inet_is_udp(f->protocol))
		udp_seeded(s, f, fresh);
	s->generation = t->generation;
	if (s->state == STATE_LISTEN && s->local.port)
		table_list(t, s);
	if (f->kind == WIRE_SEED_FILE && f->has_task && t->holders && t->holders->item)
		holder_add(t, f->sk, f);
	ports_link(t, s);
}

void table_seed_end(struct table *t, bool repair, uint64_t *ret_added, uint64_t *ret_removed)
{
	uint64_t removed = 0;

	choose_owners(t);
	for (size_t i = 0; i < table_slots(t); i++) {
		struct socket *s = table_slot(t, (uint32_t)i);

		if (!s->sk)
			continue;
		if ((s->flags & SOCKET_MINISOCK) && !minisock_is_over(s, t->look_begin_ns))
			continue; /* a look does not find them by their pointer */
		if (repair && s->generation != t->generation && s->touched_ns < t->look_begin_ns) {
			/* What was not found is gone. */
			table_forget(t, s, t->look_begin_ns);
			removed++;
		} else if ((s->flags & SOCKET_QUEUED) && !s->owner) {
			table_set_owner(t, s, table_listener_owner(t, s, 0));
			process_release(t->processes, s->listener);
			s->listener = process_hold(s->owner);
		}
	}
	table_seed_drop(t);
	*ret_added = t->look_added;
	*ret_removed = removed;
}
