/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scarce.h - once a minute the destinations that have fewest source ports left, with who has most of them, into a store.
 *
 * Owns: when to look, and which destinations are worth a row.  Refuses to know: how a store keeps them.  The session's thread.
 *
 *     scarce_begin(&s, &session, store);          // session_start() was called
 *     scarce_happened(&s);                        // each event: without any nothing can have changed
 *     scarce_turn(&s, now_ns);                    // each turn of the session
 *     scarce_end(&s);
 */
#ifndef SOCKWATCH_SCARCE_H
#define SOCKWATCH_SCARCE_H

#include "budget_look.h"
#include "store_budget.h"

struct scarce {
	struct budget_look look;
	struct store *store; /* NULL: not begun */
	uint64_t looked_ns;  /* CLOCK_BOOTTIME, 0 never */
	uint64_t took_ns;    /* the last one */
	uint64_t happened;   /* events since then */
};

void scarce_begin(struct scarce *s, struct session *session, struct store *store);
static inline void scarce_happened(struct scarce *s)
{
	s->happened++;
}
void scarce_turn(struct scarce *s, uint64_t now_ns);
/* One that was not begun is ignored. */
void scarce_end(struct scarce *s);

#endif
