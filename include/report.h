/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - what a record says of a span of time, in numbers: how many connections and failures when, whose, to whom, why,
 * how long they lived, which ports.
 *
 * Owns: counters, bounded whatever is added.  Refuses to know: the store, the clock, formats.  Times are those of the events
 * (CLOCK_REALTIME).  A connection is a life that has a peer; each end on this host is one.  One thread.
 *
 *     struct report *r = report_new(from_ns, to_ns);
 *     report_add_run(r, started_ns, ended_ns);  // somebody recorded then
 *     report_add(r, event);                     // every row
 *     report_finish(r);
 *     for (i = 0; i < r->bucket_count; i++) ... r->bucket[i].opened ...
 *     report_free(r);
 */
#ifndef SOCKWATCH_REPORT_H
#define SOCKWATCH_REPORT_H

#include "report_group.h"

#define REPORT_BUCKETS 120
#define REPORT_SPACES  8    /* namespaces whose ports are kept apart */
#define REPORT_CALLS   64   /* kinds of failed calls, by errno */
#define REPORT_LENGTHS 12

struct report_bucket {
	uint64_t recorded_ns;	   /* of it; 0: nothing is known of this time */
	uint64_t opened, closed;   /* connections; those that failed are among the closed */
	uint64_t failed, calls;	   /* connections that ended so, and calls that failed */
	uint64_t time_waits;	   /* left by a connection that closed */
	uint64_t exhausted;	   /* calls and connections that found no port */
	uint64_t lost;		   /* events, told then */
	bool lossy;		   /* some of it was lost: numbers may be too low */
};

/* What a port was seen to be, the last that applies. */
enum report_mark { MARK_UNSEEN, MARK_CONNECTED, MARK_TIME_WAIT, MARK_BOUND, MARK_LISTENING, REPORT_MARKS };

struct report_space {
	uint32_t netns;
	bool away; /* of another namespace than the recorder's own: called `name`, "" it has none */
	char name[NETNS_NAME_SIZE];
	bool has_range, ranges_differ; /* told by calls that found no port: the last is kept */
	uint16_t low, high, reserved;
	uint32_t used;	    /* the most that such a call could not take */
	uint64_t range_ns;  /* when it was told */
	uint64_t exhausted;
	uint8_t *mark;	    /* of 65536, enum report_mark: the most that each port was seen to be */
	uint8_t *bits[REPORT_BUCKETS];
	uint32_t in_use[REPORT_BUCKETS]; /* TCP ports (of the range where it is known) that a socket had at some time in it */
	uint32_t in_use_most, distinct;
};

struct report_call {
	enum event_kind kind;
	int error;
	uint64_t count;
};

struct report {
	uint64_t from_ns, to_ns;
	uint64_t bucket_ns, begin_ns; /* of each; of the first */
	size_t bucket_count;
	struct report_bucket bucket[REPORT_BUCKETS];
	uint64_t recorded_ns;

	uint64_t lives, failed, open, unseen; /* connections: all, ended so, still open, ended nobody knows when */
	uint64_t older;			      /* ... opened before anybody recorded */
	uint64_t calls, time_waits, exhausted;
	uint64_t losses, lost;		      /* times, events */
	uint64_t reason[REASONS];	      /* of connections that ended */
	struct report_call call[REPORT_CALLS];
	size_t call_count;
	uint64_t calls_more;		      /* of kinds beyond these */
	/* How long they lived, [1] those that failed: shorter than report_length_ns(i); the last: any longer. */
	uint64_t length[REPORT_LENGTHS][2];
	uint64_t lengths[64 * 16];	      /* fine, for report_quantile_ns() */
	struct report_table by[REPORT_KINDS];
	struct report_space *space[REPORT_SPACES];
	size_t space_count;
	struct report_space *here;	      /* of the row that is added */
	uint64_t spaceless;		      /* rows of namespaces beyond these */
	bool no_memory;			      /* numbers would be wrong */
};

/* from_ns <= to_ns.  NULL without memory. */
struct report *report_new(uint64_t from_ns, uint64_t to_ns);
void report_free(struct report *r);
void report_add_run(struct report *r, uint64_t started_ns, uint64_t ended_ns);
/* O(1) but for a long life of which each bucket is told: O(REPORT_BUCKETS). */
void report_add(struct report *r, const struct event *e);
/* Sorts.  0 or -ENOMEM. */
int report_finish(struct report *r);

uint64_t report_length_ns(size_t i); /* UINT64_MAX for the last */
/* `percent` of the lives whose length is known were not longer, to a sixteenth; 0 where there is none. */
uint64_t report_quantile_ns(const struct report *r, unsigned int percent);
/* NULL where it is none of these. */
struct report_space *report_space(const struct report *r, uint32_t netns);

#endif
