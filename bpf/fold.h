/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fold.h - failed calls, which cost their caller next to nothing.  Beyond an allowance for each
 * user, those that are alike are counted in a map, so that one user's failures do not take the ring
 * from the facts of others.
 */
#ifndef SOCKWATCH_BPF_FOLD_H
#define SOCKWATCH_BPF_FOLD_H

#include "fill.h"
#include "submit.h"

/* Key: what alike failures have in common.  Value: their number, and one of them.  Written by fold.h into the map that
 * fold_turn names, emptied by the loader, which changes fold_turn before it takes the other.  Full: the call is counted in `lost`
 * and in `unfolded`. */
#define FOLDED_MAP(name)                                                                           \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, FOLD_SLOTS);                                                   \
		__type(key, struct wire_fold_key);                                                 \
		__type(value, struct wire_fold);                                                   \
	} name SEC(".maps") __weak
FOLDED_MAP(folded_even);
FOLDED_MAP(folded_odd);

/* Set by the loader: the lowest bit names the map. */
__u32 fold_turn SEC(".bss") __weak;
/* Calls that went into these maps, and keys in the one it names, which the loader sets back. */
__u64 fold_count SEC(".bss") __weak;
__u32 fold_keys SEC(".bss") __weak;
__u64 unfolded SEC(".bss") __weak;

/* Puts a sockaddr the caller passed into one end of a fact: what was asked for when the call
 * failed. */
static __always_inline void fill_asked(__u8 addr[16], __u16 *port_be, __u8 family,
				       const __u8 *asked)
{
	__u16 asked_family = *(const __u16 *)asked;

	if (asked_family == AF_INET) {
		*port_be = *(const __u16 *)(asked + 2);
		copy_v4(addr, *(const __be32 *)(asked + 4), family == AF_INET6);
	} else if (asked_family == AF_INET6) {
		*port_be = *(const __u16 *)(asked + 2);
		__builtin_memcpy(addr, asked + 8, 16);
	}
}

/* The allowance of this task's user has room for one more failure told by itself. */
static __always_inline bool has_allowance(__u64 now_ns)
{
	__u32 uid = bpf_get_current_uid_gid();
	struct allowance fresh = {.since_ns = now_ns, .calls = 1};
	struct allowance *a = bpf_map_lookup_elem(&allowances, &uid);

	if (!a) {
		bpf_map_update_elem(&allowances, &uid, &fresh, BPF_ANY);
		return true;
	}
	if (now_ns - a->since_ns > FOLD_NS) {
		a->since_ns = now_ns;
		a->calls = 0;
	}
	if (a->calls >= FOLD_CALLS)
		return false;
	__sync_fetch_and_add(&a->calls, 1);
	return true;
}

static __always_inline void fold_into(void *map, const struct wire_call *c)
{
	struct wire_fold_key key = {
		.pid = c->task.pid,
		.netns = c->fact.netns,
		.ifindex = c->fact.ifindex,
		.result = c->result,
		.local_port_be = c->fact.local_port_be,
		.peer_port_be = c->fact.peer_port_be,
		.protocol = c->fact.protocol,
		.kind = c->fact.kind | c->fact.family << 4,
		.options = c->fact.options,
	};
	struct wire_fold *fold;
	__u8 flags = c->fact.flags;

	__builtin_memcpy(key.local, c->fact.local, sizeof(key.local));
	__builtin_memcpy(key.peer, c->fact.peer, sizeof(key.peer));
	fold = bpf_map_lookup_elem(map, &key);
	if (!fold && fold_keys >= FOLD_APART) {
		flags |= WIRE_F_VARIOUS;
		key.ifindex = key.local_port_be = key.peer_port_be = key.options = 0;
		__builtin_memset(key.local, 0, sizeof(key.local));
		__builtin_memset(key.peer, 0, sizeof(key.peer));
		fold = bpf_map_lookup_elem(map, &key);
	}
	if (!fold) {
		struct wire_fold fresh = {.first = *c};

		fresh.first.fact.flags = flags;
		/* Another CPU may have been faster. */
		if (bpf_map_update_elem(map, &key, &fresh, BPF_NOEXIST) == 0)
			__sync_fetch_and_add(&fold_keys, 1);
		fold = bpf_map_lookup_elem(map, &key);
	}
	if (!fold) {
		record_lost(c->fact.kind);
		__sync_fetch_and_add(&unfolded, 1);
		return;
	}
	__sync_fetch_and_add(&fold->count, 1);
	fold->last_ns = c->fact.time_ns;
	__sync_fetch_and_add(&fold_count, 1);
}

static __always_inline void failure_submit(const struct wire_call *c)
{
	struct wire_call *record;
	__u64 time_ns;

	/* Where the call has changed the socket's state, other facts tell of it already. */
	if (!(c->fact.flags & WIRE_F_OPENED) && !has_allowance(c->fact.time_ns)) {
		if (fold_turn & 1)
			fold_into(&folded_odd, c);
		else
			fold_into(&folded_even, c);
		return;
	}
	record = record_reserve(c->fact.kind, sizeof(*record), (struct sock *)c->fact.sk);
	if (!record)
		return;
	time_ns = record->fact.time_ns;
	*record = *c;
	record->fact.time_ns = time_ns;
	record_submit(record);
}

#endif
