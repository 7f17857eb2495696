/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * port_search.h - how long connect() takes to find a source port: from the change to SYN_SENT until the port is known.
 *
 * Owns: the calls under way, the last PORT_SEARCHES of them.  Refuses to know: what becomes of the time.  Pure.
 *
 *     ns = port_search_event(&search, event);   // each
 */
#ifndef SOCKWATCH_PORT_SEARCH_H
#define SOCKWATCH_PORT_SEARCH_H

#include "event.h"

#define PORT_SEARCHES	 1024
#define PORT_SEARCH_NONE UINT64_MAX

struct port_search { /* all zero: nothing under way */
	struct {
		uint64_t cookie, time_ns;
	} open[PORT_SEARCHES];
};

/* Nanoseconds where the event ends a search, else PORT_SEARCH_NONE.  O(1). */
uint64_t port_search_event(struct port_search *s, const struct event *e);

#endif
