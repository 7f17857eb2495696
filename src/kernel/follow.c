// SPDX-License-Identifier: GPL-2.0-only
/*
 * follow.c - reads the ring of processes in step with that of facts.
 *
 *     processes  fork@1 exec@2        exit@5          rename@9
 *     facts                  connect@4       close@6            --> fork exec connect exit close
 *
 * A fact of a socket names a process by its number, and what that process was called and ran just then is what happened
 * before it and not after.  libbpf cannot look at a record without taking it, so that one is kept.
 */
#include "kernel_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct followed {
	struct ring_buffer *ring;
	kernel_process_fn fn;
	void *ctx;
	uint64_t until_ns;
	uint64_t malformed;
	size_t kept; /* bytes of a record that comes later, 0 none */
	_Alignas(8) uint8_t record[WIRE_PROCESS_MAX];
};

/* False for a record that comes later. */
static bool hand_out(struct followed *f, const void *data, size_t size)
{
	struct process_fact fact;

	if (process_fact_decode(&fact, data, size) < 0) {
		f->malformed++;
		return true;
	}
	if (fact.time_ns > f->until_ns)
		return false;
	f->fn(f->ctx, &fact);
	return true;
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct followed *f = ctx;

	if (hand_out(f, data, size))
		return 0;
	memcpy(f->record, data, size);
	f->kept = size;
	return -ECANCELED;
}

void kernel_follow_processes(struct kernel *k, kernel_process_fn fn, void *ctx)
{
	follow_close(k);
	k->followed = calloc(1, sizeof(*k->followed));
	if (!k->followed)
		return;
	k->followed->fn = fn;
	k->followed->ctx = ctx;
	if (k->skel)
		k->followed->ring = ring_buffer__new(bpf_map__fd(k->skel->maps.processes),
						     on_record, k->followed, NULL);
}

void follow_until(struct kernel *k, uint64_t time_ns)
{
	struct followed *f = k->followed;

	if (!f || !f->ring || time_ns < f->until_ns)
		return;
	f->until_ns = time_ns;
	if (f->kept && !hand_out(f, f->record, f->kept))
		return;
	f->kept = 0;
	ring_buffer__consume(f->ring);
	/* Empty now: nothing is told later of what was before this drain, which most facts are of. */
	if (!f->kept && f->until_ns < k->drain_ns)
		f->until_ns = k->drain_ns;
}

void follow_close(struct kernel *k)
{
	if (k->followed)
		ring_buffer__free(k->followed->ring);
	free(k->followed);
	k->followed = NULL;
}

int follow_fd(const struct kernel *k)
{
	return k->followed && k->followed->ring ? bpf_map__fd(k->skel->maps.processes) : -1;
}

uint64_t kernel_processes_lost(const struct kernel *k)
{
	return (k->skel ? *(volatile __u64 *)&k->skel->bss->processes_lost : 0) +
	       k->missed_processes + (k->followed ? k->followed->malformed : 0);
}
