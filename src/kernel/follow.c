// SPDX-License-Identifier: GPL-2.0-only
/*
 * follow.c - reads the ring of processes in step with that of facts.
 *
 *     processes  fork@1 exec@2        exit@5          rename@9
 *     facts                  connect@4       close@6            --> fork exec connect exit close
 *
 * A fact of a socket names a process by its number, and what that process was called and ran just then is what happened
 * before it and not after.
 */
#include "kernel_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct followed {
	kernel_process_fn fn;
	void *ctx;
	uint64_t until_ns;
	uint64_t malformed;
};

void kernel_follow_processes(struct kernel *k, kernel_process_fn fn, void *ctx)
{
	follow_close(k);
	k->followed = calloc(1, sizeof(*k->followed));
	if (!k->followed)
		return;
	k->followed->fn = fn;
	k->followed->ctx = ctx;
}

void follow_until(struct kernel *k, uint64_t time_ns)
{
	struct followed *f = k->followed;
	const void *data;
	size_t size;

	/* What nobody asked for must not fill the memory. */
	while (!f && intake_peek(k->intake, INTAKE_PROCESSES, &size))
		intake_drop(k->intake, INTAKE_PROCESSES);
	if (!f || time_ns < f->until_ns)
		return;
	f->until_ns = time_ns;
	while ((data = intake_peek(k->intake, INTAKE_PROCESSES, &size))) {
		struct process_fact fact;

		if (process_fact_decode(&fact, data, size) < 0)
			f->malformed++;
		else if (fact.time_ns > time_ns)
			return;
		else
			f->fn(f->ctx, &fact);
		intake_drop(k->intake, INTAKE_PROCESSES);
	}
	/* Nothing is told later of what was before, which most facts are of; a drain may begin with facts that were moved long ago. */
	if (f->until_ns < k->moved_ns)
		f->until_ns = k->moved_ns;
}

void follow_close(struct kernel *k)
{
	free(k->followed);
	k->followed = NULL;
}

uint64_t kernel_processes_lost(const struct kernel *k, uint64_t *withheld)
{
	*withheld = k->missed_processes;
	return (k->skel ? *(volatile __u64 *)&k->skel->bss->processes_lost : 0) +
	       k->missed_processes + (k->followed ? k->followed->malformed : 0);
}
