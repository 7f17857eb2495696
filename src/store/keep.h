/* SPDX-License-Identifier: GPL-2.0-only */
/* keep.h - the oldest rows away, a few with each transaction.  The writer's thread only. */
#ifndef SOCKWATCH_STORE_KEEP_H
#define SOCKWATCH_STORE_KEEP_H

#include "rows.h"

struct keep {
	uint64_t ns, bytes;
	uint64_t page_bytes;
	uint64_t log_bytes;    /* set aside for the log */
	uint64_t unsent_bytes; /* above this also rows go that were not sent */
	uint64_t sent;	       /* rows up to here were, UINT64_MAX: nobody sends */
};

struct kept {
	bool more;	 /* others are due */
	uint64_t unsent; /* went before they were sent */
};

/* Deletes up to `max` of the oldest rows that are due, inside the open transaction. */
int keep_step(const struct keep *k, struct rows *r, uint64_t now_ns, int64_t max, struct kept *ret);

#endif
