/* SPDX-License-Identifier: GPL-2.0-only */
/* told.h - what the first copy of a hook leaves for the second, see core.h. */
#ifndef SOCKWATCH_BPF_TOLD_H
#define SOCKWATCH_BPF_TOLD_H

#include "maps.h"
#include "nested.h"

struct told {
	__u64 sk;
	__u64 change; /* of state: from << 8 | to; of calls: pid_tgid; 0 nothing was told */
};

/* Key: enum nested_hook.  Value: what the hook's first copy told last on this CPU.  Never full. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NESTED_CALLS);
	__type(key, __u32);
	__type(value, struct told);
} told SEC(".maps") __weak;

/* Threads whose numbers are as far apart share a note: two of them inside one hook may be told twice. */
#define CALLS_TOLD 1024

/* Key: the number of a thread.  Value: what the first copy of a hook of calls told last in it, wherever it ran.  Never full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CALLS_TOLD);
	__type(key, __u32);
	__type(value, struct told);
} calls_told SEC(".maps") __weak;

/* By enum nested_hook: runs of the second copy where the first had not run. */
__u64 rescued[NESTED_HOOKS] SEC(".bss") __weak;

/*
 * Whether the second copy of a hook has nothing to do: the first ran, and left a note of it in `last`.  A note serves once: the
 * next socket at this address may make the same change in a run that the first copy misses.
 */
static __always_inline bool by_note(struct told *last, enum nested_hook hook, const void *sk,
				    __u64 change, const bool again)
{
	if (!last)
		return false;
	if (!again) {
		last->sk = (__u64)sk;
		last->change = change;
		return false;
	}
	if (last->change == change && last->sk == (__u64)sk) {
		last->change = 0;
		return true;
	}
	__sync_fetch_and_add(&rescued[hook], 1);
	return false;
}

/* To be asked first of all, by both copies (core.h): whatever comes before it counts as lost where the first is missed. */
static __always_inline bool is_told(const enum nested_hook hook, const void *sk, __u32 change,
				    const bool again)
{
	__u32 key = hook;

	return by_note(bpf_map_lookup_elem(&told, &key), hook, sk, change | 1ULL << 32, again);
}

/* Likewise where a task calls, which may go on elsewhere between the copies. */
static __always_inline bool is_call_told(const enum nested_hook hook, const void *sock,
					 const bool again)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 key = id & (CALLS_TOLD - 1);

	/* The hook is in the highest bits, which no number of a process reaches (PID_MAX_LIMIT is 1 << 22). */
	return by_note(bpf_map_lookup_elem(&calls_told, &key), hook, sock, id | (__u64)hook << 56,
		       again);
}

#endif
