// SPDX-License-Identifier: GPL-2.0-only
/* slots.c - a cache of processes: sets of four, the place that was filled longest ago goes first. */
#include "store_private.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 4
#define SETS (SLOTS / WAYS)

struct slot {
	uint64_t cgroup_id;
	uint64_t start_ns, program; /* CLOCK_BOOTTIME; the program's hash */
	uint32_t pid, tid, uid;
	bool used;
	char name[PROCESS_NAME_SIZE];
};

struct slots {
	struct slot slot[SLOTS];
	uint8_t turn[SETS];
};

struct slots *slots_new(void)
{
	return calloc(1, sizeof(struct slots));
}

void slots_free(struct slots *s)
{
	free(s);
}

static bool is_process(const struct slot *slot, const struct process *p)
{
	uint64_t start_ns = p->program ? p->program->start_ns : 0;
	uint64_t program = p->program ? p->program->hash : 0;

	return slot->used && slot->start_ns == start_ns && slot->program == program && slot->pid == p->pid && slot->tid == p->tid && slot->uid == p->uid &&
	       slot->cgroup_id == p->cgroup_id && !memcmp(slot->name, p->name, sizeof(slot->name));
}

uint32_t slots_find(struct slots *s, const struct process *p, bool *ret_new)
{
	uint64_t hash = ((uint64_t)p->pid << 32 | p->tid) * 0x9e3779b97f4a7c15ull;
	size_t set = (size_t)(hash >> 40) % SETS;
	struct slot *slot = &s->slot[set * WAYS];
	unsigned int way;

	*ret_new = false;
	for (way = 0; way < WAYS; way++) {
		if (is_process(&slot[way], p))
			return (uint32_t)(set * WAYS + way + 1);
	}
	way = s->turn[set]++ % WAYS;
	slot += way;
	*slot = (struct slot){
		.cgroup_id = p->cgroup_id,
		.pid = p->pid,
		.tid = p->tid,
		.uid = p->uid,
		.start_ns = p->program ? p->program->start_ns : 0,
		.program = p->program ? p->program->hash : 0,
		.used = true,
	};
	memcpy(slot->name, p->name, sizeof(slot->name));
	*ret_new = true;
	return (uint32_t)(set * WAYS + way + 1);
}

void slots_forget(struct slots *s, uint32_t slot)
{
	s->slot[slot - 1].used = false;
}
