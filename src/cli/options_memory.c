// SPDX-License-Identifier: GPL-2.0-only
/*
 * options_memory.c - one ceiling for all memory, split among what grows with the host.
 *
 *     base     the program, its libraries, the kernel's maps, buffers
 *     the rest in sixteenths: 5 sockets, 3 facts that wait, 2 TIME_WAITs, 2 processes, 1 their arguments, 2 the store (of a trace, the groups of --by), 1 a look
 *
 * Each has its share whether or not the others use theirs: what one may take never depends on a flood of another.
 */
#include "options.h"

/* Measured, with room: resident 10 MB idle, 6 MB of maps and programs in the kernel, output and answers 2 MB. */
#define BASE_BYTES OPTIONS_MEMORY_BASE
/* SQLite's cache and the rows of a transaction. */
#define STORE_BYTES (UINT64_C(12) << 20)
#define PARTS	    16

/* A record of 256 bytes, its places in the index while that grows, and what a look keeps of it meanwhile. */
#define SOCKET_BYTES 400
/* While their ring grows the old one is there, too. */
#define TIME_WAIT_BYTES 168
/* One that lives, and one that sockets name: with its programs and words about its place, without arguments. */
#define PROCESS_BYTES 1024
#define RING_LEAST    (UINT64_C(1) << 20)
#define PAGE_BYTES    (UINT64_C(64) << 10) /* the largest */

static void lower(uint64_t *limit, uint64_t to)
{
	if (*limit > to)
		*limit = to;
}

static uint64_t power_below(uint64_t n)
{
	uint64_t power = 1;

	while (power * 2 <= n)
		power *= 2;
	return power;
}

void options_split_memory(struct options *o)
{
	uint64_t base = BASE_BYTES + (o->command == COMMAND_RECORD ? STORE_BYTES : 0);
	uint64_t part = (o->memory_bytes - base) / PARTS, ring;

	if (!o->memory_bytes)
		return;
	/* An eighth more waits of processes. */
	ring = power_below(3 * part * 8 / 9);
	lower(&o->ring_bytes, ring > RING_LEAST ? ring : RING_LEAST);
	lower(&o->queue_bytes, 2 * part);
	lower(&o->max_sockets, 5 * part / SOCKET_BYTES);
	lower(&o->max_time_waits, power_below(2 * part / TIME_WAIT_BYTES));
	lower(&o->max_processes, part / PROCESS_BYTES);
	lower(&o->max_followed, part / PROCESS_BYTES);
	lower(&o->max_text_bytes, part);
	lower(&o->look_bytes, part / PAGE_BYTES * PAGE_BYTES);
}
