/* SPDX-License-Identifier: GPL-2.0-only */
/* options_set.h - how each row of options_table.c stores its value; see options_row.set. */
#ifndef SOCKWATCH_OPTIONS_SET_H
#define SOCKWATCH_OPTIONS_SET_H

#include "options_table.h"

/* The least size of a store, the log beside it included. */
#define KEEP_MIN (UINT64_C(16) << 20)

typedef int options_set_fn(struct options_parse *p, const struct options_row *row, const char *arg);

options_set_fn set_nothing, set_help, set_version, set_flag, set_json, set_word, set_format,
	set_hooks, set_file, set_pids, set_ports, set_args, set_name, set_cgroup, set_addr,
	set_state, set_tcp_state, set_events, set_user, set_netns, set_duration, set_count,
	set_batch, set_fail_at, set_sockets, set_ring, set_size, set_inet, set_keep, set_keep_files,
	set_listen, set_labels, set_time, set_at, set_by, set_reason, set_database_name,
	set_cluster, set_server, set_host, set_asked_host, set_rows;

#endif
