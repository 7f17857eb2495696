/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table_later.h - what a look finds too early, for src/model/table*.c only.
 *
 * A look finds B behind a pointer while facts of A, which had it before, wait to be read.  To tell A's end at once would tell it twice; to
 * drop B for A's sake would lose it where the facts that made it are lost.  So B waits until all facts of the look's time are applied:
 *
 *     look begins     A ends and B begins     look finds B: it waits     A's facts, maybe B's     look ends: B by its facts, or by the look
 *
 * The same where B was the first behind its pointer, has its record by the look alone, and a fact of another socket comes.
 */
#ifndef SOCKWATCH_TABLE_LATER_H
#define SOCKWATCH_TABLE_LATER_H

#include "table_private.h"

/* While a look goes on.  False: no room, and nothing is remembered.  O(1) amortized, may allocate. */
bool later_put(struct table *t, const struct fact *seed);
/* Removes what the look has found and nobody was told of, which waits. */
void later_give_back(struct table *t, struct socket *s);
/* `f` was applied while something waits (`t->later`).  O(seeds of one pointer) */
void later_note_fact(struct table *t, const struct fact *f);
/* The next that the facts of its time have left to the look; false: no more.  O(1). */
bool later_take(struct table *t, struct fact *ret);
void later_drop(struct table *t);

/* table_moved.c: what a look puts into another state; the facts that say so may wait to be read */
void moved_note(struct table *t, const struct socket *s);
/* Since when it has been in a state from which the look took it; 0: unknown, or it did not. */
uint64_t moved_since(const struct table *t, uint64_t sk, enum tcp_state from);
void moved_drop(struct table *t);

#endif
