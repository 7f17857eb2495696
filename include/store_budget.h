/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_budget.h - how many ports were left for a destination, kept beside the lives.
 *
 * Owns: what such a row has.  Refuses to know: which destinations deserve one, and when.  The thread of store_event().
 *
 *     most = budget_row_owner(budget, &budget->row[0], &held);
 *     store_budget(store, &budget->row[0], now_ns, most, held, wall_offset_ns);
 */
#ifndef SOCKWATCH_STORE_BUDGET_H
#define SOCKWATCH_STORE_BUDGET_H

#include "budget.h"
#include "store.h"

/*
 * Keeps a row of a finished budget with names as it was at time_ns (CLOCK_BOOTTIME); `most` has `held` of its ports, NULL: nobody is
 * known.  Its numbers must be known: budget_knows_left().  O(1), copies.  False when memory is full: it is lost and counted.
 */
bool store_budget(struct store *s, const struct budget_row *row, uint64_t time_ns,
		  const struct process *most, uint32_t held, int64_t wall_offset_ns);

#endif
