/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * left_ports.h - ports that a listener has left to its connections, where the programs leave those out.
 *
 * As long as the listener is there they add nothing to what keeps connects from a port (table_range.c); without it they do, and
 * none of their facts has told of them.  So the kernel is asked for what is on that port: the programs tell of it from then on.
 */
#ifndef SOCKWATCH_LEFT_PORTS_H
#define SOCKWATCH_LEFT_PORTS_H

#include "allowance.h"
#include "event.h"
#include "kernel.h"
#include "table.h"

#define LEFT_PORTS 64

struct left_ports {
	struct {
		uint32_t netns, pid;
		uint16_t port;
	} at[LEFT_PORTS];
	size_t count;
	bool more; /* than there is room for */
	bool cut_off; /* the last look was: what is remembered is looked at again */
	struct allowance looks;
};

/* The end of a listener is remembered; of others nothing is. */
void left_ports_note(struct left_ports *l, const struct event *event);
/*
 * Looks at what is remembered, for a tenth of the time; true while something is left to look at.  A look is cut off after 50 ms,
 * and the one after that takes as long as the host's sockets need.
 */
bool left_ports_look(struct left_ports *l, struct table *t, struct kernel *k, uint64_t now_ns);

#endif
