/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * submit.h - the only place that reserves and submits ring-buffer records and counts what found no
 * room.
 *
 * A wake-up per record costs five times the record itself, so the reader is woken only when it said
 * that it sleeps; while facts flow it comes by itself every few milliseconds.
 */
#ifndef SOCKWATCH_BPF_SUBMIT_H
#define SOCKWATCH_BPF_SUBMIT_H

#include "maps.h"

static __always_inline void record_lost(enum wire_kind kind)
{
	__sync_fetch_and_add(&lost[kind & (LOST_KINDS - 1)], 1);
}

/*
 * Of the `room`, of which `used` is full up to the ring's position `written`.  What is counted goes with the reader's coming past
 * since_pos, so it is never more than what waits.
 */
static __always_inline bool has_room(struct share *s, __u64 size, __u64 written, __u64 used,
				     __u64 room)
{
	if (s->since_pos + used <= written) {
		s->since_pos = written;
		s->bytes = 0;
	}
	if (s->bytes + size + used > room)
		return false;
	__sync_fetch_and_add(&s->bytes, size);
	return true;
}

/*
 * Beyond its half no user may have more of the ring, nor of it and the memory behind it, than he leaves to all others: his flood
 * hides facts of his own sockets only.
 */
static __always_inline bool has_share(struct sock *sk, __u64 size, __u64 in_ring, __u64 waiting)
{
	__u64 written = bpf_ringbuf_query(&facts, BPF_RB_PROD_POS);
	struct allowance fresh = {0}, *a;
	__u32 uid = NOBODYS;

	if (sk)
		uid = BPF_CORE_READ(sk, sk_uid.val);
	a = bpf_map_lookup_elem(&allowances, &uid);
	if (!a) {
		bpf_map_update_elem(&allowances, &uid, &fresh, BPF_NOEXIST);
		return true;
	}
	if ((in_ring <= ring_bytes / 2 || has_room(&a->ring, size, written, in_ring, ring_bytes)) &&
	    (waiting <= all_bytes / 2 || has_room(&a->all, size, written, waiting, all_bytes)))
		return true;
	__sync_fetch_and_add(&over_share, 1);
	return false;
}

/* `sk` is whose fact it is; NULL for a minisock, which has no user. */
static __always_inline void *record_reserve(enum wire_kind kind, __u64 size, struct sock *sk)
{
	__u64 in_ring = bpf_ringbuf_query(&facts, BPF_RB_AVAIL_DATA);
	__u64 waiting = in_ring + moved_bytes;
	struct wire_fact *f = NULL;

	if ((in_ring <= ring_bytes / 2 && waiting <= all_bytes / 2) ||
	    has_share(sk, size, in_ring, waiting))
		f = bpf_ringbuf_reserve(&facts, size, 0);
	if (!f) {
		record_lost(kind);
		return NULL;
	}
	f->kind = kind;
	f->size = size;
	/* After the reservation: records are then in time order wherever their order matters. */
	f->time_ns = bpf_ktime_get_boot_ns();
	return f;
}

static __always_inline void record_submit(void *record)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (reader_asleep) {
		reader_asleep = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(record, flags);
}

#endif
