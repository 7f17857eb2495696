// SPDX-License-Identifier: GPL-2.0-only
/*
 * fold.c - failed calls that bpf/fold.h counted instead of telling each.
 *
 * There are two maps.  Programs count in one while the other is left alone for FOLD_QUIET_NS, so that nobody is still
 * inside it when it is emptied: every call is told once.
 */
#include "kernel_private.h"
#include "split_private.h"

#include <sched.h>
#include <stdlib.h>

#define FOLD_QUIET_NS 100000000u

struct folds {
	struct wire_fold_key key[FOLD_SLOTS];
};

static uint64_t counted(const struct kernel *k)
{
	return *(volatile __u64 *)&k->skel->bss->fold_count;
}

bool fold_is_waiting(const struct kernel *k)
{
	return counted(k) != k->folds_told;
}

struct telling {
	struct kernel *k;
	kernel_fact_fn fn;
	void *ctx;
};

static void tell(void *ctx, const struct wire_fold *fold)
{
	const struct telling *t = ctx;
	struct kernel *k = t->k;
	struct fact fact;

	if (!fold->count || fact_decode(&fact, &fold->first, sizeof(fold->first)) < 0)
		return;
	k->folds_told += fold->count;
	fact.repeated = fold->count - 1;
	fact.since_ns = fact.time_ns;
	if (fold->last_ns > fact.time_ns)
		fact.time_ns = fold->last_ns;
	t->fn(t->ctx, &fact);
}

/* A call that modifies or copies what is in a map keeps the kernel from running tracepoint programs on this CPU. */
static void take_keys(struct kernel *k, int map, split_fold_fn fn, void *ctx)
{
	struct wire_fold_key *key = k->folds->key;
	struct wire_fold fold;
	size_t count = 0;

	while (count < FOLD_SLOTS &&
	       bpf_map_get_next_key(map, count ? &key[count - 1] : NULL, &key[count]) == 0)
		count++;
	for (size_t i = 0; i < count; i++) {
		if (bpf_map_lookup_elem(map, &key[i], &fold) == 0 &&
		    bpf_map_delete_elem(map, &key[i]) == 0)
			fn(ctx, &fold);
	}
}

/* So this thread asks to run there alone; where that is refused, calls of these microseconds are lost. */
void fold_take(struct kernel *k, unsigned int which, split_fold_fn fn, void *ctx)
{
	const struct bpf_map *maps[] = {k->skel->maps.folded_even, k->skel->maps.folded_odd};
	const struct sched_param fifo = {.sched_priority = 1};
	struct sched_param before;
	int policy = sched_getscheduler(0);
	bool raised = policy >= 0 && sched_getparam(0, &before) == 0 &&
		      sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo) == 0;

	if (!k->folds)
		k->folds = malloc(sizeof(*k->folds));
	if (k->folds)
		take_keys(k, bpf_map__fd(maps[which]), fn, ctx);
	if (raised)
		sched_setscheduler(0, policy, &before);
}

static void take(struct telling *t, unsigned int which)
{
	if (split_is_used())
		split_folds(which, tell, t);
	else
		fold_take(t->k, which, tell, t);
}

void fold_drain(struct kernel *k, kernel_fact_fn fn, void *ctx)
{
	struct telling t = {k, fn, ctx};
	volatile __u32 *turn = &k->skel->bss->fold_turn;
	uint64_t now;

	if (!fold_is_waiting(k))
		return;
	now = kernel_now();
	if (!k->detached && now - k->folds_taken_ns < FOLD_QUIET_NS)
		return;
	take(&t, ~*turn & 1);
	k->folds_taken_ns = now;
	if (!k->detached) {
		*(volatile __u32 *)&k->skel->bss->fold_keys = 0;
		++*turn;
		return;
	}
	take(&t, *turn & 1);
	k->malformed += counted(k) - k->folds_told;
	k->folds_told = counted(k);
}
