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
 *             walk_row(ctx, i, row);       // begin(), every field, end() of the writer
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

/* Sockets use ports of its range. */
bool budget_has_ports(const struct budget_namespace *ns);
void budget_walk(const struct budget_report *report, const struct budget_visitor *visitor,
		 void *ctx);

/* Where fields go, of which report: the ctx of a visitor of these three. */
struct budget_fields {
	struct writer *w;
	const struct budget_report *report;
};

void walk_namespace(void *fields, const struct budget_namespace *ns,
		    const struct watch_namespace *seen);
void walk_row(void *fields, size_t i, const struct budget_row *row);
void walk_process(void *fields, size_t i, const struct budget_process *p);

#endif
