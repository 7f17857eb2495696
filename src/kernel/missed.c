// SPDX-License-Identifier: GPL-2.0-only
/*
 * missed.c - what the kernel did not tell: it runs no program on a CPU where that program was interrupted, and counts how often.
 *
 * Where a hook has a second copy (bpf/core.h), what the first missed is lost only as far as the second did not do its work.
 */
#include "kernel_private.h"
#include "split_private.h"

#include <string.h>

#define READ_NS 1000000000

uint64_t missed_of(const struct kernel *k, size_t row)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	if (k->program_fd[row] < 0 || bpf_obj_get_info_by_fd(k->program_fd[row], &info, &size) < 0)
		return 0;
	return info.recursion_misses;
}

/* Of each row; false where nobody can tell any more. */
static bool count_misses(const struct kernel *k, uint64_t *ret)
{
	if (split_is_used())
		return split_misses(ret, k->hook_count);
	for (size_t i = 0; i < k->hook_count; i++)
		ret[i] = k->hooks[i].nested ? 0 : missed_of(k, i);
	return true;
}

static uint64_t rescued(const struct kernel *k, enum nested_hook nested)
{
	return *(volatile __u64 *)&k->skel->bss->rescued[nested];
}

void missed_begin(struct kernel *k)
{
	memset(k->missed, 0, sizeof(k->missed));
	for (int i = 0; i < NESTED_HOOKS; i++)
		k->rescued_before[i] = rescued(k, (enum nested_hook)i);
}

void missed_read(struct kernel *k)
{
	uint64_t now = kernel_now(), missed[MAX_HOOKS];

	if (!k->skel || (!k->detached && now - k->missed_ns < READ_NS))
		return;
	k->missed_ns = now;
	if (!count_misses(k, missed))
		return;
	k->missed_calls = k->missed_processes = 0;
	for (size_t i = 0; i < k->hook_count; i++) {
		const struct kernel_hook *h = &k->hooks[i], *copy = h + h->twin;
		struct missed *m = &k->missed[i];
		bool covered = copy != h && copy->status == HOOK_ATTACHED;
		uint64_t misses, told, done;

		if (h->nested)
			continue;
		misses = missed[i];
		done = covered ? rescued(k, copy->nested) - k->rescued_before[copy->nested] : 0;
		/* Of the last ones the second copy may be still to come. */
		told = covered && !k->detached ? m->misses : misses;
		if (told > done + m->lost)
			m->lost = told - done;
		m->misses = misses;
		*(strcmp(h->fact, "process") == 0 ? &k->missed_processes : &k->missed_calls) +=
			m->lost;
	}
}
