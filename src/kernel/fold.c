// SPDX-License-Identifier: GPL-2.0-only
/*
 * fold.c - failed calls that bpf/fold.h counted instead of telling each.
 *
 * There are two maps.  Programs count in one while the other is left alone for FOLD_QUIET_NS, so that nobody is still
 * inside it when it is emptied: every call is told once.
 */
#include "kernel_private.h"

#include <errno.h>
#include <stdlib.h>

#define FOLD_QUIET_NS 100000000u

struct folds {
	struct wire_fold_key key[FOLD_SLOTS];
	struct wire_fold fold[FOLD_SLOTS];
};

static uint64_t counted(const struct kernel *k)
{
	return *(volatile __u64 *)&k->skel->bss->fold_count;
}

bool fold_is_waiting(const struct kernel *k)
{
	return counted(k) != k->folds_told;
}

static void tell(struct kernel *k, const struct wire_fold *fold, kernel_fact_fn fn, void *ctx)
{
	struct fact fact;

	if (!fold->count || fact_decode(&fact, &fold->first, sizeof(fold->first)) < 0)
		return;
	k->folds_told += fold->count;
	fact.repeated = fold->count - 1;
	fact.since_ns = fact.time_ns;
	if (fold->last_ns > fact.time_ns)
		fact.time_ns = fold->last_ns;
	fn(ctx, &fact);
}

static void take(struct kernel *k, const struct bpf_map *map, kernel_fact_fn fn, void *ctx)
{
	__u32 place, count = FOLD_SLOTS;
	int err = bpf_map_lookup_and_delete_batch(bpf_map__fd(map), NULL, &place, k->folds->key,
						  k->folds->fold, &count, NULL);

	if (err < 0 && err != -ENOENT)
		return;
	for (__u32 i = 0; i < count; i++)
		tell(k, &k->folds->fold[i], fn, ctx);
}

void fold_drain(struct kernel *k, kernel_fact_fn fn, void *ctx)
{
	const struct bpf_map *maps[] = {k->skel->maps.folded_even, k->skel->maps.folded_odd};
	volatile __u32 *turn = &k->skel->bss->fold_turn;
	uint64_t now;

	if (!fold_is_waiting(k))
		return;
	now = kernel_now();
	if (!k->detached && now - k->folds_taken_ns < FOLD_QUIET_NS)
		return;
	if (!k->folds)
		k->folds = malloc(sizeof(*k->folds));
	if (!k->folds)
		return;
	take(k, maps[~*turn & 1], fn, ctx);
	k->folds_taken_ns = now;
	if (!k->detached) {
		*(volatile __u32 *)&k->skel->bss->fold_keys = 0;
		++*turn;
		return;
	}
	take(k, maps[*turn & 1], fn, ctx);
	k->malformed += counted(k) - k->folds_told;
	k->folds_told = counted(k);
}
