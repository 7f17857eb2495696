/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * intake.h - the way of records from small rings in the kernel into ordinary memory, by a thread that is not kept from it.
 *
 *     ring of facts ──────┐  moved every few milliseconds,   ┌─▶ lane 0 ─▶ kernel_drain()
 *     ring of processes ──┘  oldest first, all under a lock  └─▶ lane 1 ─▶ follow_until()
 *
 * A ring is memory of the kernel's that nobody gives back, and is slow to write where it is
 * larger than a cache.  So it is only as large as the thread needs between two turns; who reads slowly lets a lane grow, which is
 * ordinary memory and is given back.
 *
 * The thread runs before all ordinary ones (SCHED_FIFO, or a nice value) where that is allowed, about half of a processor's time at most.
 *
 * Owns: the thread, the lanes.  Refuses to know: what a record means.  The caller is one thread.
 */
#ifndef SOCKWATCH_INTAKE_H
#define SOCKWATCH_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTAKE_LANES 2

/* Least limit of a lane: what is read and what is written. */
#define INTAKE_LEAST (256u << 10)

struct intake_source {
	int ring_fd;
	size_t ring_bytes;
	size_t limit; /* bytes that wait at most in the lane: a ring is not read while its lane is full */
	volatile uint64_t *moved; /* where the programs read how many wait there; NULL: they do not */
};

struct intake;

/*
 * Maps these rings.  `asleep` is of the first: programs wake whoever polls it when that is set.  NULL with errno.
 */
struct intake *intake_open(const struct intake_source sources[INTAKE_LANES],
			   volatile uint32_t *asleep);
/* The calling thread goes first until intake_start(), whose thread inherits that: for a caller that has no right to it any more then. */
void intake_raise(struct intake *in);
/* The thread begins, with the rights that its caller has now.  0 or -errno. */
int intake_start(struct intake *in);
/* NULL is ignored. */
void intake_close(struct intake *in);

/* Moves what is in the rings now, which takes a turn of the thread; false where something is left. */
bool intake_move(struct intake *in);
/* The oldest record of a lane, aligned to 8 bytes, until intake_drop(); NULL: none. */
const void *intake_peek(struct intake *in, int lane, size_t *ret_size);
/* Forgets the record that was peeked at last. */
void intake_drop(struct intake *in, int lane);

/* Sleeps until the lanes may have records, `also_fd` (-1 none) can be read, a signal came or timeout_ms passed. */
void intake_wait(struct intake *in, int also_fd, int timeout_ms);

#endif
