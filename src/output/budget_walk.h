/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * budget_walk.h - one walk over a report for every writer: what is shown, and in which order.
 *
 * Owns: the choice of what the user asked for.  Refuses to know: formats.  Pure.
 *
 *     budget_walk(report, &visitor, out);    // begin(NAMESPACES, 2), namespace, namespace, begin(ROWS, 1), row ...
 */
#ifndef SOCKWATCH_BUDGET_WALK_H
#define SOCKWATCH_BUDGET_WALK_H

#include "budget_writer.h"

enum budget_part { BUDGET_NAMESPACES, BUDGET_ROWS, BUDGET_PROCESSES };

struct budget_visitor {
	/* Before the first of a part, of which `count` come, never 0.  NULL: nothing to do. */
	void (*begin)(void *ctx, enum budget_part part, size_t count);
	/* `seen`: what happened in it while watched, NULL nothing or not watched. */
	void (*space)(void *ctx, const struct budget_namespace *ns,
		      const struct watch_namespace *seen);
	/* NULL: passed over.  `i` counts those shown. */
	void (*row)(void *ctx, size_t i, const struct budget_row *row);
	void (*process)(void *ctx, size_t i, const struct budget_process *process);
};

void budget_walk(const struct budget_report *report, const struct budget_visitor *visitor,
		 void *ctx);

#endif
