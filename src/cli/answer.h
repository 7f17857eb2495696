/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * answer.h - answers what a table asks, within a budget of time.
 *
 * Owns: the time that looks have taken.  Refuses to know: how a look is taken (look_source.h), what an answer changes
 * (table.h).  One thread.
 *
 *     table_apply(table, &fact);
 *     answer_questions(&answers, table, kernel);
 */
#ifndef SOCKWATCH_ANSWER_H
#define SOCKWATCH_ANSWER_H

#include "allowance.h"
#include "kernel.h"
#include "table.h"

/* Zeroed to begin with. */
struct answers {
	struct allowance looks, ranges;
};

/*
 * Facts wait meanwhile: each of the two looks of an answer takes no longer than 50 ms, but for a read that has begun, and all
 * of them a tenth of the time; at once no more than a second of what was not taken.  A look that took longer than was left of that is
 * paid back before the next begins.  Ranges, which take little, have a tenth of their own: they need not wait until looks are paid for.
 * Without credit, or when the time is over, the table goes on with what it knows.
 */
void answer_questions(struct answers *a, struct table *t, struct kernel *k);

#endif
