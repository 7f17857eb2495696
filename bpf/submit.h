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

static __always_inline void *record_reserve(enum wire_kind kind, __u64 size)
{
	struct wire_fact *f = bpf_ringbuf_reserve(&facts, size, 0);

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
