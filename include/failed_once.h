/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * failed_once.h - a connect() that fails is told twice, by the call and by the life that it ends: which of the two to count.
 *
 * Owns: the cookies of calls whose lives are still to end, FAILED_ONCE of them.  Pure.
 *
 *     if (failure && !failed_before(&once, event)) count
 */
#ifndef SOCKWATCH_FAILED_ONCE_H
#define SOCKWATCH_FAILED_ONCE_H

#include "event.h"

#define FAILED_ONCE 4096

struct failed_once { /* all zero: nothing told */
	uint64_t cookie[FAILED_ONCE]; /* by their hash */
};

/* The event is the end of a life whose failed call was told.  Each event once.  O(1). */
bool failed_before(struct failed_once *once, const struct event *e);

#endif
