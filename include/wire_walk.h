/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_walk.h - what the programs of bpf/walk.bpf.c leave behind after each run: records, and where to go on.
 *
 * Owns: the layout of the one such place there is.  Refuses to know: what the records say (wire_look.h).
 * The loader runs a program and reads `walk` before it runs the next; nobody else writes it.
 */
#ifndef SOCKWATCH_WIRE_WALK_H
#define SOCKWATCH_WIRE_WALK_H

#include "wire_look.h"

#define WALK_RECORDS 64

enum walk_table { WALK_TCP, WALK_LISTENERS, WALK_UDP };

struct wire_walk {
	__u32 count;  /* records */
	__u32 mask;   /* of the table's buckets, their number - 1 */
	__u64 table;  /* kernel address of its buckets, 0 none */
	__u64 node;   /* the next one in `bucket`, 0: begin with its first */
	__u32 bucket; /* past `mask`: the end */
	__u32 again;  /* how often this bucket was begun in vain */
	__u32 first;  /* its first record, WALK_RECORDS where that was handed out already */
	__u32 broken; /* buckets that changed all the time: what they hold was not seen in full */
	union {
		struct wire_look_first held;		/* of a descriptor */
		struct wire_look loose[WALK_RECORDS]; /* of a table */
	};
};

#endif
