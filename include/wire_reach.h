/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_reach.h - what the programs of bpf/reach.bpf.c leave behind after each run.
 *
 * Owns: the layout of the one such place there is.  Refuses to know: what the records say (wire_look.h).
 * The loader runs a program and reads `reach` before it runs the next; nobody else writes it.
 */
#ifndef SOCKWATCH_WIRE_REACH_H
#define SOCKWATCH_WIRE_REACH_H

#include "wire_look.h"

#define REACH_CHILDREN 64
#define REACH_SLOTS    64 /* of a ring's table, looked at in one run */

struct wire_reach {
	__u32 count; /* children, or 1: a registered socket was found */
	__u32 slots; /* of the ring's table */
	__u32 next_slot;
	__u32 pad;
	__u64 next; /* the request to go on with, 0: the end of the queue */
	union {
		__u64 child[REACH_CHILDREN]; /* sk */
		struct wire_look_first held; /* `fd` is the slot */
	};
};

#endif
