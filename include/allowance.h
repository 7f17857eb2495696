/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * allowance.h - a share of the time for work that others wait for.
 *
 * Owns: what was taken of the share.  Refuses to know: the clock (times are arguments), what the work is.  Pure; one thread.
 *
 *     credit  burst ─────╮            ╭─── quiet: no more than this is saved
 *                 0 ─────┼──╮──╭──────╯    above: work begins
 *             -debt      ╰──╯──╯           work took longer than there was: a debt, paid back first
 *
 *     if (allowance_is_open(&a, now_ns)) {
 *             work();
 *             allowance_take(&a, later_ns - now_ns);
 *     }
 */
#ifndef SOCKWATCH_ALLOWANCE_H
#define SOCKWATCH_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

struct allowance {
	uint64_t share;	   /* one part in so many of the time */
	uint64_t burst_ns; /* the most that is saved */
	uint64_t debt_ns;  /* the most that is owed */
	uint64_t seen_ns;  /* up to when time was counted, 0 never: all is saved then */
	int64_t credit_ns;
};

/* Work may begin at now_ns.  A time before the last one counts nothing.  O(1). */
bool allowance_is_open(struct allowance *a, uint64_t now_ns);
/*
 * Work took so long.  What it took beyond `debt_ns` is not owed: who was stopped in the middle, or whose machine slept, would be
 * kept from work for ten times as long.  O(1).
 */
void allowance_take(struct allowance *a, uint64_t took_ns);

#endif
