// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_seed.c - what was there before, and repair after a loss.
 *
 * A look tells which processes have a socket open.  Its owner is chosen among them by the rule
 * (owner.h) when the look ends, because a parent may have a higher pid than its children and come
 * later.
 */
#include "budget.h"
#include "look.h"
#include "table_bound.h"
#include "table_later.h"
#include "table_record.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* A connection that waits for accept(), and its listener: both sk. */
struct seed_queued {
	uint64_t child, listener;
};

struct unlooked_place {
	uint32_t netns;
	unsigned int what; /* enum budget_unseen, never 0 */
};
HASH_TYPE(unlooked, struct unlooked_place);
HASH_FUNCTIONS(unlooked, struct unlooked_place, item->what != 0, hash_u64(item->netns))

void table_seed_drop(struct table *t)
{
	if (t->unlooked)
		unlooked_done(t->unlooked);
	free(t->unlooked);
	t->unlooked = NULL;
	t->unlooked_everywhere = 0;
	owner_look_free(t->look);
	t->look = NULL;
	free(t->queued);
	t->queued = NULL;
	t->queued_count = 0;
	moved_drop(t);
	later_drop(t);
}

void table_seed_begin(struct table *t, uint64_t begin_ns)
{
	table_seed_drop(t);
	t->look = owner_look_new(t->processes);
	t->generation++;
	t->look_begin_ns = begin_ns;
	t->look_added = 0;
	t->defers = true;
}

void table_seed_unseen(struct table *t, uint32_t netns, unsigned int what)
{
	struct unlooked_place *place = NULL;

	if (!t->unlooked)
		t->unlooked = calloc(1, sizeof(*t->unlooked));
	if (netns && netns != LOOK_EVERY_NETNS && what && t->unlooked)
		place = unlooked_add(t->unlooked, (struct unlooked_place){netns, what});
	/* Of one that is not known, or for which there is no memory, it may be anybody's. */
	if (!place)
		t->unlooked_everywhere |= what;
}

/* The look would have found it, if it were there: by the table of its namespace, or by a descriptor. */
static bool was_looked_for(struct table *t, const struct socket *s)
{
	const bool in_table = s->protocol == IPPROTO_TCP && s->state != STATE_CLOSE;
	const unsigned int needs = UNSEEN_RANGE | (in_table ? UNSEEN_TCP : UNSEEN_BOUND);

	if (t->unlooked_everywhere & needs)
		return false;
	if (!t->unlooked)
		return true;
	for (struct unlooked_place *i = unlooked_first(t->unlooked, hash_u64(s->netns)); i;
	     i = unlooked_next(t->unlooked, i)) {
		if (i->netns == s->netns && (i->what & needs))
			return false;
	}
	return true;
}

static void choose_owners(struct table *t)
{
	for (size_t i = 0; t->look && i < table_slots(t); i++) {
		struct socket *s = table_slot(t, (uint32_t)i);

		if (s->sk && s->generation == t->generation)
			table_choose_owner(t, t->look, s, t->look_begin_ns);
	}
}

static bool is_idle(const struct fact *f)
{
	return f->to == STATE_CLOSE && f->local.port == 0;
}

/* Without memory its owner stays unknown. */
static void note_queued(struct table *t, const struct fact *f)
{
	struct seed_queued *grown;

	if (!f->listener)
		return;
	/* Doubled at each power of two. */
	if ((t->queued_count & (t->queued_count - 1)) == 0) {
		grown = realloc(t->queued,
				(t->queued_count ? 2 * t->queued_count : 1) * sizeof(*grown));
		if (!grown)
			return;
		t->queued = grown;
	}
	t->queued[t->queued_count++] =
		(struct seed_queued){.child = f->sk, .listener = f->listener};
}

static bool differ(uint16_t port, uint16_t other)
{
	return port && other && port != other;
}

/* A child has no cookie at its birth: its ends tell it from the next socket behind its pointer. */
static bool is_another(const struct socket *s, const struct fact *f)
{
	return socket_is_stale(s, f) ||
	       (!s->cookie && f->cookie &&
		(differ(s->local.port, f->local.port) || differ(s->peer.port, f->peer.port)));
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
	if (s && is_another(s, f)) {
		if (s->touched_ns > f->time_ns || later_put(t, f))
			return;
		/* Nobody was told of what this look alone has seen. */
		if (table_has_only_found(t, s)) {
			table_remove(t, s);
			t->look_added--;
		} else {
			t->stats.stale++;
			table_forget(t, s, t->look_begin_ns);
		}
		s = NULL;
	}
	fresh = !s;
	if (s && s->generation != t->generation)
		s->flags &= ~(uint32_t)SOCKET_FOUND;
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
		s->flags |= SOCKET_FOUND;
		t->look_added += s != &t->spare;
	} else if (s->touched_ns <= f->time_ns) {
		table_remove_listener(t, s);
		ports_changed(t, s);
		if (s->state != f->to) {
			moved_note(t, s);
			s->since_ns = 0;
		}
		s->state = (uint8_t)f->to;
		socket_update(s, f);
	}
	/* What is not kept is nobody's: a look at more than there is room for costs no more. */
	if (s == &t->spare)
		return;
	if (s->flags & SOCKET_QUEUED)
		note_queued(t, f);
	if (inet_is_udp(f->protocol))
		udp_seeded(s, f, fresh);
	else
		bound_seeded(s, f);
	s->generation = t->generation;
	if (s->state == STATE_LISTEN && s->local.port)
		table_add_listener(t, s);
	/* Calls that came later know better. */
	if (f->kind == WIRE_SEED_FILE && f->has_task && t->look &&
	    (s->touched_ns <= f->time_ns || !socket_named_owner(s)))
		owner_look_add(t->look, f->sk, &f->task, f->parent, f->arg);
	ports_link(t, s);
}

/* Facts have told who had their pointers before. */
static void seed_waiting(struct table *t)
{
	struct fact seed;

	t->defers = false;
	while (later_take(t, &seed))
		table_seed(t, &seed);
}

/* What waits for accept() is its listener's, which is known by now. */
static void give_to_listeners(struct table *t)
{
	for (size_t i = 0; i < t->queued_count; i++) {
		struct socket *s = table_find(t, t->queued[i].child);
		const struct socket *l = table_find(t, t->queued[i].listener);

		if (!s || !l || !(s->flags & SOCKET_QUEUED) || s->owner)
			continue;
		table_set_owner(t, s, l->owner);
		process_release(t->processes, s->listener);
		s->listener = process_hold(s->owner);
	}
}

void table_seed_end(struct table *t, bool repair, uint64_t *ret_added, uint64_t *ret_removed)
{
	uint64_t removed = 0;

	seed_waiting(t);
	choose_owners(t);
	for (size_t i = 0; i < table_slots(t); i++) {
		struct socket *s = table_slot(t, (uint32_t)i);

		if (!s->sk)
			continue;
		if (repair) /* all facts of its time are applied */
			s->flags &= ~(uint32_t)SOCKET_FOUND;
		if ((s->flags & SOCKET_MINISOCK) && !minisock_is_over(s, t->look_begin_ns))
			continue; /* a look does not find them by their pointer */
		if (repair && s->generation != t->generation && s->touched_ns < t->look_begin_ns &&
		    was_looked_for(t, s)) {
			/* What was not found is gone. */
			table_forget(t, s, t->look_begin_ns);
			removed++;
		}
	}
	give_to_listeners(t);
	table_seed_drop(t);
	*ret_added = t->look_added;
	*ret_removed = removed;
}
