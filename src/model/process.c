/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

#define MIN_BUCKETS 64
#define MAX_BUCKETS ((size_t)1 << 20)

/* The process comes first, so that the pointer users hold is the entry's. */
struct entry {
	struct process process;
	uint64_t hash;
	size_t references;
	struct entry *next; /* in the same bucket */
};

struct process_set {
	size_t count, max;
	size_t mask; /* buckets - 1, a power of two less one */
	process_resolve_fn resolve;
	void *ctx;
	struct entry *bucket[];
};

static struct entry *entry_of(const struct process *p)
{
	return (struct entry *)(uintptr_t)p;
}

static void entry_free(struct entry *e)
{
	free((void *)(uintptr_t)e->process.cgroup);
	free((void *)(uintptr_t)e->process.container);
	free(e);
}

struct process_set *process_set_new(size_t max, process_resolve_fn resolve, void *ctx)
{
	size_t buckets = MIN_BUCKETS;
	struct process_set *set;

	while (buckets < max && buckets < MAX_BUCKETS)
		buckets *= 2;
	set = calloc(1, sizeof(*set) + buckets * sizeof(set->bucket[0]));
	if (!set)
		return NULL;
	set->max = max;
	set->mask = buckets - 1;
	set->resolve = resolve;
	set->ctx = ctx;
	return set;
}

void process_set_free(struct process_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i <= set->mask; i++) {
		struct entry *next;

		for (struct entry *e = set->bucket[i]; e; e = next) {
			next = e->next;
			entry_free(e);
		}
	}
	free(set);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

/* Starts from the set's address, so that names cannot be chosen to fall into one bucket. */
static uint64_t process_hash(const struct process_set *set, const struct process *p)
{
	uint64_t name[PROCESS_NAME_SIZE / 8];
	uint64_t hash = mix((uintptr_t)set, (uint64_t)p->pid << 32 | p->tid);

	memcpy(name, p->name, sizeof(name));
	hash = mix(hash, (uint64_t)p->uid << 32 | p->ruid);
	hash = mix(hash, p->cgroup_id);
	hash = mix(hash, name[0]);
	return mix(hash, name[1]);
}

static bool process_equals(const struct process *a, const struct process *b)
{
	return a->pid == b->pid && a->tid == b->tid && a->uid == b->uid && a->ruid == b->ruid &&
	       a->cgroup_id == b->cgroup_id && !memcmp(a->name, b->name, sizeof(a->name));
}

/* The part of `key` that identifies, with nothing behind the name's NUL. */
static struct process process_normalize(const struct process *key)
{
	struct process p = {
		.pid = key->pid,
		.tid = key->tid,
		.uid = key->uid,
		.ruid = key->ruid,
		.cgroup_id = key->cgroup_id,
	};

	memcpy(p.name, key->name, strnlen(key->name, sizeof(p.name) - 1));
	return p;
}

static struct entry *entry_new(const struct process_set *set, const struct process *p)
{
	char *cgroup = NULL, *container = NULL;
	struct entry *e;

	if (set->count >= set->max) {
		errno = ENOSPC;
		return NULL;
	}
	e = malloc(sizeof(*e));
	if (!e)
		return NULL;
	if (set->resolve)
		set->resolve(set->ctx, p->pid, p->cgroup_id, &cgroup, &container);
	*e = (struct entry){.process = *p};
	e->process.cgroup = cgroup;
	e->process.container = container;
	return e;
}

const struct process *process_intern(struct process_set *set, const struct process *key)
{
	struct process p = process_normalize(key);
	uint64_t hash = process_hash(set, &p);
	struct entry **bucket = &set->bucket[hash & set->mask];
	struct entry *e;

	for (e = *bucket; e; e = e->next) {
		if (e->hash == hash && process_equals(&e->process, &p)) {
			e->references++;
			return &e->process;
		}
	}
	e = entry_new(set, &p);
	if (!e)
		return NULL;
	e->hash = hash;
	e->references = 1;
	e->next = *bucket;
	*bucket = e;
	set->count++;
	return &e->process;
}

const struct process *process_hold(const struct process *p)
{
	if (p)
		entry_of(p)->references++;
	return p;
}

void process_release(struct process_set *set, const struct process *p)
{
	struct entry *e = entry_of(p);
	struct entry **link;

	if (!e || --e->references > 0)
		return;
	link = &set->bucket[e->hash & set->mask];
	while (*link != e)
		link = &(*link)->next;
	*link = e->next;
	set->count--;
	entry_free(e);
}

size_t process_set_count(const struct process_set *set)
{
	return set->count;
}
