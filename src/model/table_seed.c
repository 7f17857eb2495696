// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_seed.c - what was there before, and repair after a loss.
 *
 * A look names holders, not makers.  One holder is the owner; of several, the one that is an
 * ancestor of the others by a chain of holders, because a descriptor inherited by fork was its
 * parent's first; of unrelated ones, none.
 */
#include "table_private.h"

#include <stdlib.h>
#include <string.h>

/* The (socket, pid) pairs of one look: open addressing, only grows, freed at its end. */
struct holder_set {
	struct holder {
		uint64_t sk;
		uint32_t pid; /* 0 empty */
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

static bool holder_add(struct holder_set *set, uint64_t sk, uint32_t pid)
{
	size_t at;

	if (set->count * 2 >= set->size) {
		struct holder_set grown = {.size = set->size * 2};

		grown.item = calloc(grown.size, sizeof(*grown.item));
		if (!grown.item)
			return false;
		for (size_t i = 0; i < set->size; i++) {
			const struct holder *h = &set->item[i];

			if (h->pid)
				grown.item[holder_position(&grown, h->sk, h->pid)] = *h;
		}
		free(set->item);
		set->item = grown.item;
		set->size = grown.size;
	}
	at = holder_position(set, sk, pid);
	if (set->item[at].pid)
		return true;
	set->item[at] = (struct holder){.sk = sk, .pid = pid};
	set->count++;
	return true;
}

static void holders_free(struct holder_set *set)
{
	if (set)
		free(set->item);
	free(set);
}

void table_seed_begin(struct table *t, uint64_t begin_ns)
{
	holders_free(t->holders);
	t->holders = calloc(1, sizeof(*t->holders));
	if (t->holders) {
		t->holders->size = 1024;
		t->holders->item = calloc(t->holders->size, sizeof(*t->holders->item));
	}
	t->generation++;
	t->look_begin_ns = begin_ns;
	t->look_added = 0;
}

/* Called for each holder found, in the order of pids. */
static void take_holder(struct table *t, struct socket *s, const struct fact *f)
{
	bool parent_holds, first;
	const struct process *p;

	if (!t->holders || !t->holders->item)
		return;
	parent_holds = holder_is(t->holders, s->sk, f->arg);
	holder_add(t->holders, s->sk, f->task.pid);
	if (s->owner && !(s->flags & SOCKET_SEED_OWNER))
		return; /* seen live: better than any look */
	if (s->owner && (s->owner->pid == f->task.pid || parent_holds))
		return;
	first = !s->owner && !(s->flags & SOCKET_AMBIGUOUS);
	p = first ? process_intern(t->processes, &f->task) : NULL;
	table_set_owner(t, s, p);
	process_release(t->processes, p);
	s->flags |= first ? SOCKET_SEED_OWNER : SOCKET_AMBIGUOUS;
}

static bool is_idle(const struct fact *f)
{
	return f->to == STATE_CLOSE && f->local.port == 0;
}

void table_seed(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);

	if (s && s->cookie && f->cookie && s->cookie != f->cookie) {
		if (s->touched_ns > f->time_ns)
			return;
		t->stats.stale++;
		table_remove(t, s);
		s = NULL;
	}
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
		t->look_added++;
	} else if (s->touched_ns <= f->time_ns && s->state != f->to) {
		/* The fact that said so was lost. */
		s->state = (uint8_t)f->to;
		s->since_ns = 0;
		socket_update(s, f);
	}
	s->generation = t->generation;
	if (f->to == STATE_LISTEN && s->local.port)
		table_list(t, s);
	if (f->kind == WIRE_SEED_FILE && f->has_task)
		take_holder(t, s, f);
}

/* What was not found is gone, and its end went unseen. */
static void drop_ghost(struct table *t, struct socket *s)
{
	struct event e;

	if (s->state != STATE_CLOSE || (s->flags & SOCKET_BOUND)) {
		event_of_close(&e, s, t->look_begin_ns);
		e.close.duration_ns = UINT64_MAX;
		e.close.end = EVENT_END_UNSEEN;
		t->sink(t->ctx, &e);
	}
	table_remove(t, s);
}

void table_seed_end(struct table *t, bool repair, uint64_t *ret_added, uint64_t *ret_removed)
{
	uint64_t removed = 0;

	for (size_t i = 0; i < table_slots(t); i++) {
		struct socket *s = table_slot(t, (uint32_t)i);

		if (!s->sk)
			continue;
		if (repair && s->generation != t->generation && s->touched_ns < t->look_begin_ns) {
			drop_ghost(t, s);
			removed++;
		} else if ((s->flags & SOCKET_QUEUED) && !s->owner) {
			table_set_owner(t, s, table_listener_owner(t, s, 0));
			process_release(t->processes, s->listener);
			s->listener = process_hold(s->owner);
		}
	}
	holders_free(t->holders);
	t->holders = NULL;
	*ret_added = t->look_added;
	*ret_removed = removed;
}
