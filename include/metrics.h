/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * metrics.h - what is counted for a monitoring system: series of counters, gauges and histograms, at most METRICS_SAMPLES lines of them.
 *
 * Owns: the series and their labels.  Refuses to know: the clock (CLOCK_BOOTTIME is an argument), formats (metrics_writer.h), HTTP.
 * Labels are names that stay: never a pid, a cookie or a port that the kernel chose.  What finds no room is counted
 * (METRIC_SERIES_DROPPED), under the label "other" where there is one.  One thread.
 *
 *     struct metrics *m = metrics_new(&options, now_ns);
 *     metrics_event(m, event);                          // each
 *     metrics_gauges_begin(m);                          // before each answer: what is now
 *     metrics_look(m, budget); metrics_listener(m, event); metrics_status(m, &status); metrics_set(m, METRIC_..., value, NULL);
 *     metrics_gauges_end(m, now_ns);
 *     for (i = 0; (s = metrics_sorted(m, i)); i++) ...
 *     metrics_free(m);
 */
#ifndef SOCKWATCH_METRICS_H
#define SOCKWATCH_METRICS_H

#include "budget.h"
#include "event.h"
#include "status.h"

#define METRICS_SAMPLES	   2000 /* lines of all series */
#define METRICS_PROCESSES  100	/* names in one family */
#define METRICS_NAMESPACES 100
#define METRICS_SCARCEST   20 /* destinations */
#define METRIC_LABELS	   5  /* of one series */
#define METRIC_BUCKETS	   11

enum metric {
	METRIC_CONNECTS,
	METRIC_CONNECT_ERRORS,
	METRIC_CONNECT_DURATION,
	METRIC_PORT_SEARCH_DURATION,
	METRIC_ACCEPTS,
	METRIC_ACCEPT_ERRORS,
	METRIC_ACCEPT_QUEUE_DROPS,
	METRIC_ACCEPT_QUEUE_LENGTH,
	METRIC_ACCEPT_QUEUE_LIMIT,
	METRIC_LISTENERS,
	METRIC_BIND_ERRORS,
	METRIC_BIND_CONFLICTS,
	METRIC_CLOSES,
	METRIC_LIFE_DURATION,
	METRIC_SENT_BYTES,
	METRIC_RECEIVED_BYTES,
	METRIC_RETRANSMITS,
	METRIC_TIME_WAITS,
	METRIC_SOCKETS,
	METRIC_PROCESS_SOCKETS,
	METRIC_EXHAUSTED,
	METRIC_PORTS,
	METRIC_PORTS_BOUND,
	METRIC_RANGE_PORT,
	METRIC_PORTS_AVAILABLE_MIN,
	METRIC_DESTINATION_AVAILABLE,
	METRIC_DESTINATION_USED,
	METRIC_PORTS_AGE,
	METRIC_LOST,
	METRIC_REPAIRS,
	METRIC_TRACKED_SOCKETS,
	METRIC_TABLE_BYTES,
	METRIC_RING_BYTES,
	METRIC_RING_USED_BYTES,
	METRIC_HOOKS,
	METRIC_STORE_BYTES,
	METRIC_STORE_QUEUE_BYTES,
	METRIC_STORE_ROWS,
	METRIC_SHIP_ROWS,
	METRIC_SHIP_BATCHES,
	METRIC_SHIP_FAILURES,
	METRIC_SHIP_WAITING,
	METRIC_SHIP_LAG,
	METRIC_SERIES,
	METRIC_SERIES_DROPPED,
	METRIC_BUILD,
	METRIC_PROCESS_CPU,
	METRIC_PROCESS_START,
	METRIC_PROCESS_RESIDENT,
	METRIC_PROCESS_VIRTUAL,
	METRIC_PROCESS_FDS,
	METRIC_PROCESS_MAX_FDS,
	METRICS,
};

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

/* What becomes of series that differ only in a label that is left out.  APART: they make no sense together, and are not told. */
enum metric_merge { MERGE_SUM, MERGE_MIN, MERGE_APART };

struct metric_family {
	const char *name; /* without "_total" or "_info" */
	enum metric_type type;
	const char *unit; /* "seconds", "bytes"; NULL none: the name ends with it */
	const char *help;
	const char *label[METRIC_LABELS]; /* NULL ends them */
	enum metric_merge merge;
	unsigned int most;   /* series; 0: no bound of its own */
	const double *bound; /* of a histogram: METRIC_BUCKETS at most, 0 ends them */
};
const struct metric_family *metric_family(enum metric metric);
/* A bit for each label that has this name, 0 none. */
uint32_t metric_label_parse(const char *name, size_t len);

struct metric_series {
	enum metric metric;
	uint32_t hash;
	bool fixed;	     /* does not go */
	bool level;	     /* set, not added to, and */
	bool seen;	     /* in this round */
	uint64_t touched_ns; /* of what is added to */
	double value;	     /* of a histogram the sum */
	uint64_t bucket[METRIC_BUCKETS + 1]; /* of a histogram: how many in each alone */
	uint16_t labels_len;
	char labels[]; /* values in the family's order, each with its NUL; "" is not told */
};

struct metrics_options {
	uint32_t without;	    /* labels to leave out, bits of metric_label_parse() */
	const char *own_netns_name; /* what the observer's own namespace is called; must outlive */
};

struct metrics;

/* NULL with errno.  What nothing is added to for an hour goes, but for series that are there from the beginning. */
struct metrics *metrics_new(const struct metrics_options *options, uint64_t now_ns);
void metrics_free(struct metrics *m);
/* O(1). */
void metrics_event(struct metrics *m, const struct event *event);

void metrics_gauges_begin(struct metrics *m);
/* Values of labels in the family's order; NULL, and what is missing, is not told. */
void metrics_set(struct metrics *m, enum metric metric, double value, const char *const *labels);
/* Sockets, ports and the budget, of a finished one with names.  O(sockets). */
void metrics_look(struct metrics *m, const struct budget *budget);
/* A listener, of table_each_listener(). */
void metrics_listener(struct metrics *m, const struct event *event);
void metrics_status(struct metrics *m, const struct status *status);
void metrics_gauges_end(struct metrics *m, uint64_t now_ns);

/* By family, then by labels; NULL at the end.  They live until the next call of another function. */
const struct metric_series *metrics_sorted(struct metrics *m, size_t i);

#endif
