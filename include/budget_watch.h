/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * budget_watch.h - what happens to local ports while somebody watches: ports taken per second, failures, and how long
 * connect() searches.
 *
 * Owns: counters made of events.  Refuses to know: what is there (include/budget.h), the clock.  Bounded: what finds no
 * place is counted in `uncounted`.  One thread.
 *
 *     budget_watch_event(w, event);                    // every event
 *     budget_watch_apply(w, budget, before, watched_ns);       // fills churn and process columns
 */
#ifndef SOCKWATCH_BUDGET_WATCH_H
#define SOCKWATCH_BUDGET_WATCH_H

#include "budget.h"
#include "event.h"

struct watch_failure {
	uint64_t time_ns; /* CLOCK_BOOTTIME; 0 none */
	enum family family;
	bool mapped, has_peer, has_process;
	struct endpoint local, peer;
	struct process process; /* strings NULL */
	int error;
};

/* From SYN_SENT to the chosen port: the search for one. */
struct watch_latency {
	uint64_t count, sum_ns, max_ns;
	uint64_t first_count, first_sum_ns; /* of the first 1,000 */
	uint64_t last_ns;		    /* sliding mean of about the last 1,000 */
};

struct watch_namespace {
	uint32_t netns;
	bool selected; /* a failure the user asked for */
	uint64_t failures;
	struct watch_failure first;
	struct watch_latency latency;
};

struct budget_watch;

struct budget_watch *budget_watch_new(struct process_set *processes);
void budget_watch_free(struct budget_watch *w);
/* O(1).  True for a failure for want of a port. */
bool budget_watch_event(struct budget_watch *w, const struct event *event);
/* The user asked for this failure, so its namespace is to be shown. */
void budget_watch_select(struct budget_watch *w, uint32_t netns);
/* What happened in a namespace; NULL: nothing. */
const struct watch_namespace *budget_watch_namespace(const struct budget_watch *w, uint32_t netns);
/* Fills churn_per_s, exhausted_in_s and the processes' counters of a finished budget; `before` is the one from when
 * watching began, NULL without. */
void budget_watch_apply(const struct budget_watch *w, struct budget *b, const struct budget *before,
			uint64_t watched_ns);
uint64_t budget_watch_uncounted(const struct budget_watch *w);

#endif
