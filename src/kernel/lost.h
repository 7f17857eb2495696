/* SPDX-License-Identifier: GPL-2.0-only */
/* lost.h - counters of what was lost, read while others count on: what was lost, and for want of what, as of one moment. */
#ifndef SOCKWATCH_KERNEL_LOST_H
#define SOCKWATCH_KERNEL_LOST_H

#include "kernel.h"

struct lost {
	uint64_t by_kind[WIRE_KINDS];
	uint64_t want[KERNEL_WANTS];
};

/* A kind, or WIRE_KINDS and a want. */
typedef uint64_t (*lost_count_fn)(void *ctx, unsigned int which);

/*
 * For want of what is counted before it is counted as lost.  This process may be stopped between any two reads, so both are read
 * until nothing was lost meanwhile; where that never ends, `want` is the older.
 */
void lost_read(struct lost *ret, lost_count_fn count, void *ctx);

#endif
