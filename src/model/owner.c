// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "hash.h"
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

#define NONE	 UINT32_MAX
#define MIN_HELD 1024

struct held {
	const struct process *process; /* NULL without room */
	uint32_t pid, parent;
	uint32_t next; /* another holder of the socket, NONE at the end */
	bool maker;
};

struct slot {
	uint64_t key;
	uint32_t first, count;
};
HASH_TYPE(slots, struct slot);
HASH_FUNCTIONS(slots, struct slot, item->key, hash_u64(item->key))

/* Sockets by key; each leads to the chain of its holders. */
struct owner_look {
	struct process_set *processes;
	struct slots slots;
	struct held *held;
	size_t count, cap;
	struct owner_holder *choice; /* room for the largest chain that was asked for */
	size_t choices;
};

struct owner_look *owner_look_new(struct process_set *processes)
{
	struct owner_look *look = calloc(1, sizeof(*look));

	if (look)
		look->processes = processes;
	return look;
}

void owner_look_free(struct owner_look *look)
{
	if (!look)
		return;
	for (size_t i = 0; i < look->count; i++)
		process_release(look->processes, look->held[i].process);
	slots_done(&look->slots);
	free(look->held);
	free(look->choice);
	free(look);
}

static struct slot *slot_of(const struct owner_look *look, uint64_t key)
{
	struct slot *slot = slots_first(&look->slots, hash_u64(key));

	while (slot && slot->key != key)
		slot = slots_next(&look->slots, slot);
	return slot;
}

static bool grow_held(struct owner_look *look)
{
	size_t cap = look->cap ? look->cap * 2 : MIN_HELD;
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
	struct slot *slot = slot_of(look, key);

	if (slot && look->held[slot->first].pid == task->pid)
		return true; /* its descriptors come one after the other */
	if (!grow_held(look))
		return false;
	if (!slot)
		slot = slots_add(&look->slots, (struct slot){.key = key, .first = NONE});
	if (!slot)
		return false;
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
	return slot_of(look, key) != NULL;
}

bool owner_look_each(const struct owner_look *look, uint64_t key,
		     bool (*fn)(void *ctx, const struct process *), void *ctx)
{
	const struct slot *slot = slot_of(look, key);

	if (!slot)
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
	const struct slot *slot = slot_of(look, key);
	const struct owner_holder *chosen = NULL;
	size_t n = 0;

	if (!slot)
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
