// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "owner.h"

/* ---- the rule ---- */

static int compare_pids(const void *a, const void *b)
{
	const struct owner_holder *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static const struct owner_holder *find_pid(const struct owner_holder *h, size_t count, uint32_t pid)
{
	const struct owner_holder wanted = {.pid = pid};

	return pid ? bsearch(&wanted, h, count, sizeof(*h), compare_pids) : NULL;
}

/*
 * The holder whose parent does not hold the socket.  NULL when there are several, for instance
 * because a process between two holders has ended: then nobody knows which was first.
 */
static const struct owner_holder *find_elder(const struct owner_holder *h, size_t count)
{
	const struct owner_holder *elder = NULL;

	for (size_t i = 0; i < count; i++) {
		if (find_pid(h, count, h[i].parent))
			continue;
		if (elder && elder->pid != h[i].pid)
			return NULL;
		elder = &h[i];
	}
	return elder;
}

const struct owner_holder *owner_choose(struct owner_holder *h, size_t count, uint32_t named)
{
	const struct owner_holder *found;

	if (count == 1)
		return h;
	qsort(h, count, sizeof(*h), compare_pids);
	found = find_pid(h, count, named);
	for (size_t i = 0; i < count && !found; i++) {
		if (h[i].maker)
			found = &h[i];
	}
	return found ? found : find_elder(h, count);
}

/* ---- a look ---- */

#define NONE	  UINT32_MAX
#define MIN_SLOTS 1024

struct held {
	const struct process *process; /* NULL without room */
	uint32_t pid, parent;
	uint32_t next; /* another holder of the socket, NONE at the end */
	bool maker;
};

/* Sockets by key, open addressing; each leads to the chain of its holders. */
struct owner_look {
	struct process_set *processes;
	struct slot {
		uint64_t key; /* 0 empty */
		uint32_t first, count;
	} * slot;
	size_t slots, used; /* slots: a power of two */
	struct held *held;
	size_t count, cap;
	struct owner_holder *choice; /* room for the largest chain that was asked for */
	size_t choices;
};

struct owner_look *owner_look_new(struct process_set *processes)
{
	struct owner_look *look = calloc(1, sizeof(*look));

	if (!look)
		return NULL;
	look->processes = processes;
	look->slots = MIN_SLOTS;
	look->slot = calloc(look->slots, sizeof(*look->slot));
	if (!look->slot) {
		free(look);
		return NULL;
	}
	return look;
}

void owner_look_free(struct owner_look *look)
{
	if (!look)
		return;
	for (size_t i = 0; i < look->count; i++)
		process_release(look->processes, look->held[i].process);
	free(look->slot);
	free(look->held);
	free(look->choice);
	free(look);
}

static struct slot *slot_of(struct slot *slot, size_t slots, uint64_t key)
{
	size_t at = (size_t)((key >> 6) * 0x9e3779b97f4a7c15ull >> 20);

	for (at &= slots - 1; slot[at].key && slot[at].key != key; at = (at + 1) & (slots - 1))
		;
	return &slot[at];
}

static bool grow_slots(struct owner_look *look)
{
	size_t slots = look->slots * 2;
	struct slot *grown;

	if (look->used * 2 < look->slots)
		return true;
	grown = calloc(slots, sizeof(*grown));
	if (!grown)
		return false;
	for (size_t i = 0; i < look->slots; i++) {
		if (look->slot[i].key)
			*slot_of(grown, slots, look->slot[i].key) = look->slot[i];
	}
	free(look->slot);
	look->slot = grown;
	look->slots = slots;
	return true;
}

static bool grow_held(struct owner_look *look)
{
	size_t cap = look->cap ? look->cap * 2 : MIN_SLOTS;
	struct held *grown;

	if (look->count < look->cap)
		return true;
	if (look->count >= NONE)
		return false;
	grown = realloc(look->held, cap * sizeof(*grown));
	if (!grown)
		return false;
	look->held = grown;
	look->cap = cap;
	return true;
}

bool owner_look_add(struct owner_look *look, uint64_t key, const struct process *task,
		    uint32_t parent, bool maker)
{
	struct slot *slot;

	if (!grow_slots(look) || !grow_held(look))
		return false;
	slot = slot_of(look->slot, look->slots, key);
	if (!slot->key) {
		slot->key = key;
		slot->first = NONE;
		look->used++;
	} else if (look->held[slot->first].pid == task->pid) {
		return true; /* its descriptors come one after the other */
	}
	look->held[look->count] = (struct held){
		.process = process_intern(look->processes, task),
		.pid = task->pid,
		.parent = parent,
		.next = slot->first,
		.maker = maker,
	};
	slot->first = (uint32_t)look->count++;
	slot->count++;
	return true;
}

bool owner_look_knows(const struct owner_look *look, uint64_t key)
{
	return slot_of(look->slot, look->slots, key)->key != 0;
}

bool owner_look_each(const struct owner_look *look, uint64_t key,
		     bool (*fn)(void *ctx, const struct process *), void *ctx)
{
	const struct slot *slot = slot_of(look->slot, look->slots, key);

	if (!slot->key)
		return true;
	for (uint32_t i = slot->first; i != NONE; i = look->held[i].next) {
		if (!fn(ctx, look->held[i].process))
			return false;
	}
	return true;
}

static bool grow_choice(struct owner_look *look, size_t count)
{
	struct owner_holder *grown;

	if (count <= look->choices)
		return true;
	grown = realloc(look->choice, count * sizeof(*grown));
	if (!grown)
		return false;
	look->choice = grown;
	look->choices = count;
	return true;
}

bool owner_look_choose(struct owner_look *look, uint64_t key, uint32_t named,
		       const struct process **ret)
{
	const struct slot *slot = slot_of(look->slot, look->slots, key);
	const struct owner_holder *chosen = NULL;
	size_t n = 0;

	if (!slot->key)
		return false;
	if (grow_choice(look, slot->count)) {
		for (uint32_t i = slot->first; i != NONE; i = look->held[i].next)
			look->choice[n++] = (struct owner_holder){.pid = look->held[i].pid,
								  .parent = look->held[i].parent,
								  .maker = look->held[i].maker,
								  .index = i};
		chosen = owner_choose(look->choice, n, named);
	}
	*ret = chosen ? look->held[chosen->index].process : NULL;
	return true;
}
