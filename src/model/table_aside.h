/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table_aside.h - two sockets with one pointer, for src/model/table*.c only.
 *
 * A look finds what has a pointer now, while facts of the socket before wait to be read.  Until they are, both have a record: the one
 * that is found by its pointer, and one aside, under a key that is no pointer.
 *
 *     look begins     A ends and B begins     look finds B     A's facts, maybe B's     look ends
 *                                             A aside          A found, B aside         B found
 *
 * To tell A's end at once would tell it twice; to drop B for A's sake would lose it where the facts that made it are lost.
 */
#ifndef SOCKWATCH_TABLE_ASIDE_H
#define SOCKWATCH_TABLE_ASIDE_H

#include "table_private.h"

/* All are O(1), none allocates. */
/* False where there is no room for both, or one is aside already. */
bool aside_put(struct table *t, struct socket *s);
/* The record aside of this pointer; NULL. */
struct socket *aside_find(const struct table *t, uint64_t sk);
/* What it had before it was put aside. */
uint64_t aside_pointer(const struct socket *s);
/* Its pointer finds it again: no other record may have it. */
void aside_take(struct table *t, struct socket *s);
/* Its pointer finds it instead of `other`, which is aside from now on. */
void aside_swap(struct table *t, struct socket *s, struct socket *other);
/* It is about to be removed. */
void aside_leave(struct table *t, struct socket *s);

/* table.c, for these: another key, which no record has; the keys of two for each other. */
void table_rename(struct table *t, struct socket *s, uint64_t sk);
void table_swap(struct table *t, struct socket *a, struct socket *b);

#endif
