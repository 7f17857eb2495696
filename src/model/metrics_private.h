/* SPDX-License-Identifier: GPL-2.0-only */
/* metrics_private.h - how series are found and changed, for src/model/metric*.c only. */
#ifndef SOCKWATCH_METRICS_PRIVATE_H
#define SOCKWATCH_METRICS_PRIVATE_H

#include "failed_once.h"
#include "hash.h"
#include "metrics.h"
#include "port_search.h"

HASH_TYPE(metric_index, struct metric_series *);

/* What a namespace is called in labels. */
struct metric_netns {
	uint32_t inode; /* never 0 */
	bool seen;	/* at the last look */
	uint8_t rank;	/* of the name: the higher the better */
	uint16_t low, high; /* its range; 0 not known */
	char name[128];
};
HASH_TYPE(metric_spaces, struct metric_netns);

/* What was in the way of a port that was asked for. */
#define METRIC_CONFLICTS 256
struct metric_conflict {
	uint32_t netns;
	uint16_t protocol, port;
	const char *why; /* NULL: none */
};

struct metrics {
	struct metrics_options options;
	uint64_t now_ns;
	struct metric_index index;
	size_t samples; /* lines of all */
	unsigned int count[METRICS]; /* series */
	uint64_t dropped;
	struct metric_series **sorted;
	size_t sorted_count;
	struct metric_spaces spaces;
	struct port_search search;
	struct failed_once once;
	struct metric_conflict conflict[METRIC_CONFLICTS]; /* the last of each place, by hash */
};

/* FNV-1a, spread. */
static inline uint32_t metrics_hash(const char *bytes, size_t len, uint64_t seed)
{
	uint64_t h = 1469598103934665603ull + seed;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)bytes[i]) * 1099511628211ull;
	return hash_u64(h);
}

unsigned int metric_label_count(const struct metric_family *f);
unsigned int metric_bucket_count(const struct metric_family *f);

/* A counter: makes it where it is missing. */
void metrics_add(struct metrics *m, enum metric metric, double more, const char *const *labels);

/*
 * What the namespace is called: the observer's own, a pod, a container, a name of `ip netns`, else its inode.  `name`: as in an
 * event; `process`: who is in it, or NULL.  Lives until the next call.
 */
const char *metrics_netns(struct metrics *m, uint32_t netns, const char *name,
			  const struct process *process);
/* NULL: not known. */
struct metric_netns *metrics_find_netns(const struct metrics *m, uint32_t netns);
/* Forgets those that were not seen since the last call. */
void metrics_sweep_netns(struct metrics *m);

#endif
