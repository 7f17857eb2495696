/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk_budget.h - one walk over a report for every writer: what is shown, in which order, and which fields it has.
 *
 * Owns: the choice of what the user asked for; which numbers are known.  Refuses to know: formats.  Pure.
 *
 *     budget_walk(report, &visitor, ctx);    // begin(NAMESPACES, 2), space, space, begin(ROWS, 1), row ...
 *
 *     static void row(void *ctx, size_t i, const struct budget_row *row)
 *     {
 *             walk_row(writer, report, row);       // begin(), every field, end()
 *     }
 */
#ifndef SOCKWATCH_WALK_BUDGET_H
#define SOCKWATCH_WALK_BUDGET_H

#include "budget_writer.h"
#include "walk.h"

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

/* The writer's wall_offset_ns is not used: the report has its own. */
void walk_namespace(struct writer *w, const struct budget_report *r,
		    const struct budget_namespace *ns, const struct watch_namespace *seen);
void walk_row(struct writer *w, const struct budget_report *r, const struct budget_row *row);
void walk_process_row(struct writer *w, const struct budget_report *r,
		      const struct budget_process *p);

#endif
