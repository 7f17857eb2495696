// SPDX-License-Identifier: GPL-2.0-only
/* metric_families.c - what each metric is called, means and is told apart by. */
#include "metrics_private.h"

#include <string.h>

static const double connect_bounds[METRIC_BUCKETS] = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05,
						      0.1,    0.5,    1,     5,	    30};
static const double search_bounds[METRIC_BUCKETS] = {0.000001, 0.00001, 0.0001, 0.001, 0.01, 0.1, 1};
static const double life_bounds[METRIC_BUCKETS] = {0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 86400};

/* clang-format off */
static const struct metric_family families[METRICS] = {
	[METRIC_CONNECTS] = {"sockwatch_connects", METRIC_COUNTER, NULL,
		"Calls of connect(), those that failed too.", {"proto", "family"}, MERGE_SUM, 0, NULL},
	[METRIC_CONNECT_ERRORS] = {"sockwatch_connect_errors", METRIC_COUNTER, NULL,
		"Connections that came to nothing, by the error that told it: of the call, or later.", {"errno"}, MERGE_SUM, 0, NULL},
	[METRIC_CONNECT_DURATION] = {"sockwatch_connect_duration_seconds", METRIC_HISTOGRAM, "seconds",
		"Time from the first SYN until the connection was established.", {"family"}, MERGE_SUM, 0, connect_bounds},
	[METRIC_PORT_SEARCH_DURATION] = {"sockwatch_port_search_duration_seconds", METRIC_HISTOGRAM, "seconds",
		"Time that connect() took to find a source port.", {NULL}, MERGE_SUM, 0, search_bounds},
	[METRIC_ACCEPTS] = {"sockwatch_accepts", METRIC_COUNTER, NULL,
		"Connections taken by accept(), and calls of it that failed.", {"proto", "family"}, MERGE_SUM, 0, NULL},
	[METRIC_ACCEPT_ERRORS] = {"sockwatch_accept_errors", METRIC_COUNTER, NULL,
		"Calls of accept() that failed.", {"errno"}, MERGE_SUM, 0, NULL},
	[METRIC_ACCEPT_QUEUE_DROPS] = {"sockwatch_accept_queue_drops", METRIC_COUNTER, NULL,
		"Packets dropped because the queue of a listener was full, counted when the overflow ends.", {"comm"},
		MERGE_SUM, METRICS_PROCESSES, NULL},
	[METRIC_ACCEPT_QUEUE_LENGTH] = {"sockwatch_accept_queue_length", METRIC_GAUGE, NULL,
		"Connections that wait for accept().", {"netns", "proto", "address", "port", "comm"}, MERGE_SUM, 150, NULL},
	[METRIC_ACCEPT_QUEUE_LIMIT] = {"sockwatch_accept_queue_limit", METRIC_GAUGE, NULL,
		"So many may wait; one more does.", {"netns", "proto", "address", "port", "comm"}, MERGE_SUM, 150, NULL},
	[METRIC_LISTENERS] = {"sockwatch_listeners", METRIC_GAUGE, NULL,
		"Sockets that listen.", {"netns", "proto", "address", "port", "comm"}, MERGE_SUM, 150, NULL},
	[METRIC_BIND_ERRORS] = {"sockwatch_bind_errors", METRIC_COUNTER, NULL,
		"Calls of bind() and listen() that failed.", {"errno"}, MERGE_SUM, 0, NULL},
	[METRIC_BIND_CONFLICTS] = {"sockwatch_bind_conflicts", METRIC_COUNTER, NULL,
		"Ports that were asked for and that somebody had, by what was in the way.", {"why"}, MERGE_SUM, 0, NULL},
	[METRIC_CLOSES] = {"sockwatch_closes", METRIC_COUNTER, NULL,
		"Lives of sockets that ended.", {"proto", "reason"}, MERGE_SUM, 0, NULL},
	[METRIC_LIFE_DURATION] = {"sockwatch_life_duration_seconds", METRIC_HISTOGRAM, "seconds",
		"How long sockets lived.", {"proto"}, MERGE_SUM, 0, life_bounds},
	[METRIC_SENT_BYTES] = {"sockwatch_sent_bytes", METRIC_COUNTER, "bytes",
		"Sent by sockets, counted when they end.", {"proto"}, MERGE_SUM, 0, NULL},
	[METRIC_RECEIVED_BYTES] = {"sockwatch_received_bytes", METRIC_COUNTER, "bytes",
		"Received by sockets, counted when they end.", {"proto"}, MERGE_SUM, 0, NULL},
	[METRIC_RETRANSMITS] = {"sockwatch_retransmits", METRIC_COUNTER, NULL,
		"Segments sent again, counted when their connection ends.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_TIME_WAITS] = {"sockwatch_time_waits", METRIC_COUNTER, NULL,
		"Connections that left their port in TIME_WAIT, by who had them.", {"comm"}, MERGE_SUM, METRICS_PROCESSES, NULL},
	[METRIC_SOCKETS] = {"sockwatch_sockets", METRIC_GAUGE, NULL,
		"Sockets with a port.", {"proto", "state"}, MERGE_SUM, 0, NULL},
	[METRIC_PROCESS_SOCKETS] = {"sockwatch_process_sockets", METRIC_GAUGE, NULL,
		"Sockets with a port, by the name of their owner.", {"comm", "state"}, MERGE_SUM, 400, NULL},
	[METRIC_EXHAUSTED] = {"sockwatch_ephemeral_exhausted", METRIC_COUNTER, NULL,
		"Calls that failed because no source port was left.", {"netns", "proto"}, MERGE_SUM, 2 * METRICS_NAMESPACES, NULL},
	[METRIC_PORTS] = {"sockwatch_ephemeral_ports", METRIC_GAUGE, NULL,
		"Ports of the range that are not reserved.", {"netns"}, MERGE_MIN, METRICS_NAMESPACES, NULL},
	[METRIC_PORTS_BOUND] = {"sockwatch_ephemeral_ports_bound", METRIC_GAUGE, NULL,
		"Of these, taken from every destination by a bind() (TCP).", {"netns"}, MERGE_APART, METRICS_NAMESPACES, NULL},
	[METRIC_RANGE_PORT] = {"sockwatch_ephemeral_range_port", METRIC_GAUGE, NULL,
		"The ends of ip_local_port_range.", {"netns", "end"}, MERGE_APART, 2 * METRICS_NAMESPACES, NULL},
	[METRIC_PORTS_AVAILABLE_MIN] = {"sockwatch_ephemeral_ports_available_min", METRIC_GAUGE, NULL,
		"So many connects succeed towards the destination that has fewest ports left.", {"netns", "proto"},
		MERGE_MIN, 2 * METRICS_NAMESPACES, NULL},
	[METRIC_DESTINATION_AVAILABLE] = {"sockwatch_ephemeral_destination_ports_available", METRIC_GAUGE, NULL,
		"So many connects from here to there succeed; of the destinations that have fewest.",
		{"netns", "proto", "source", "destination"}, MERGE_MIN, METRICS_SCARCEST, NULL},
	[METRIC_DESTINATION_USED] = {"sockwatch_ephemeral_destination_ports_used", METRIC_GAUGE, NULL,
		"Ports that connections from here to there hold.",
		{"netns", "proto", "source", "destination"}, MERGE_SUM, METRICS_SCARCEST, NULL},
	[METRIC_PORTS_AGE] = {"sockwatch_ports_age_seconds", METRIC_GAUGE, "seconds",
		"How long ago sockets and ports were looked at.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_LOST] = {"sockwatch_lost", METRIC_COUNTER, NULL,
		"What was lost: facts, and by the causes sockets, rows and processes these.", {"cause"}, MERGE_SUM, 0, NULL},
	[METRIC_REPAIRS] = {"sockwatch_repairs", METRIC_COUNTER, NULL,
		"Looks at all sockets after something was lost.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_TRACKED_SOCKETS] = {"sockwatch_tracked_sockets", METRIC_GAUGE, NULL,
		"Sockets in the table.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_TABLE_BYTES] = {"sockwatch_table_bytes", METRIC_GAUGE, "bytes",
		"Memory of the table.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_RING_BYTES] = {"sockwatch_ring_bytes", METRIC_GAUGE, "bytes",
		"What may wait to be read, of facts.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_RING_USED_BYTES] = {"sockwatch_ring_used_bytes", METRIC_GAUGE, "bytes",
		"What waits of it, read from the kernel and not looked at yet.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_HOOKS] = {"sockwatch_hooks", METRIC_GAUGE, NULL,
		"Kernel hooks, by what became of them.", {"tier", "state"}, MERGE_SUM, 0, NULL},
	[METRIC_STORE_BYTES] = {"sockwatch_store_bytes", METRIC_GAUGE, "bytes",
		"Size of the record's file.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_STORE_QUEUE_BYTES] = {"sockwatch_store_queue_bytes", METRIC_GAUGE, "bytes",
		"What waits to be written to it.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_STORE_ROWS] = {"sockwatch_store_rows", METRIC_COUNTER, NULL,
		"Rows written to it.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_SHIP_ROWS] = {"sockwatch_ship_rows", METRIC_COUNTER, NULL,
		"Rows of the record that the fleet's database has taken.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_SHIP_BATCHES] = {"sockwatch_ship_batches", METRIC_COUNTER, NULL,
		"Batches of them.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_SHIP_FAILURES] = {"sockwatch_ship_failures", METRIC_COUNTER, NULL,
		"Tries that it did not take, or that it did not answer.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_SHIP_WAITING] = {"sockwatch_ship_waiting_rows", METRIC_GAUGE, "rows",
		"Rows of the record that it has not taken yet.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_SHIP_LAG] = {"sockwatch_ship_lag_seconds", METRIC_GAUGE, "seconds",
		"How old the oldest of these is.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_SERIES] = {"sockwatch_series", METRIC_GAUGE, NULL,
		"Lines of this answer that have a value.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_SERIES_DROPPED] = {"sockwatch_series_dropped", METRIC_COUNTER, NULL,
		"How often a value found no room, and was left out or counted under other.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_BUILD] = {"sockwatch_build", METRIC_INFO, NULL, "Which sockwatch this is.", {"version"}, MERGE_SUM, 0, NULL},
	[METRIC_PROCESS_CPU] = {"process_cpu_seconds", METRIC_COUNTER, "seconds",
		"CPU time of the process that reads and tells, user and system.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_PROCESS_START] = {"process_start_time_seconds", METRIC_GAUGE, "seconds",
		"When it began, since the epoch.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_PROCESS_RESIDENT] = {"process_resident_memory_bytes", METRIC_GAUGE, "bytes",
		"Its resident memory.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_PROCESS_VIRTUAL] = {"process_virtual_memory_bytes", METRIC_GAUGE, "bytes",
		"Its virtual memory.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_PROCESS_FDS] = {"process_open_fds", METRIC_GAUGE, NULL, "Its open descriptors.", {NULL}, MERGE_SUM, 0, NULL},
	[METRIC_PROCESS_MAX_FDS] = {"process_max_fds", METRIC_GAUGE, NULL, "So many it may have.", {NULL}, MERGE_SUM, 0, NULL},
};
/* clang-format on */

/* Those that can be left out: what they tell apart still makes sense together. */
static const char *const optional[] = {"comm",   "netns",       "address", "port",
				       "source", "destination", "family"};

const struct metric_family *metric_family(enum metric metric)
{
	return &families[metric];
}

uint32_t metric_label_parse(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		if (strlen(optional[i]) == len && memcmp(optional[i], name, len) == 0)
			return 1u << i;
	}
	return 0;
}

unsigned int metric_label_count(const struct metric_family *f)
{
	unsigned int n = 0;

	while (n < METRIC_LABELS && f->label[n])
		n++;
	return n;
}

unsigned int metric_bucket_count(const struct metric_family *f)
{
	unsigned int n = 0;

	while (n < METRIC_BUCKETS && f->bound[n] > 0)
		n++;
	return n;
}
