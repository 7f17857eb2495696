/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * intake.h - the way of records from small rings in the kernel into ordinary memory, by a thread that is not kept from it.
 *
 *     ring of facts ──────┐  moved every millisecond or two,  ┌─▶ lane 0 ─▶ kernel_drain()
 *     ring of processes ──┘  oldest first, all under a lock   └─▶ lane 1 ─▶ follow_until()
 *
 * A ring is memory of the kernel's that nobody gives back, is mapped twice by whoever reads it, and is slow to write where it is
 * larger than a cache.  So it is only as large as the thread needs between two turns; who reads slowly lets a lane grow, which is
 * ordinary memory and is given back.
 *
 * Owns: the thread, the lanes.  Refuses to know: what a record means.  The caller is one thread; intake_fd() may be polled.
 */
#ifndef SOCKWATCH_INTAKE_H
#define SOCKWATCH_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTAKE_LANES 2

struct intake;

/*
 * Reads the rings `map_fds`, of which the first is the one that `asleep` is of: programs wake whoever polls it when that is set.
 * `limit` bytes wait at most in each lane: a ring is not read while its lane is full.  NULL with errno.
 */
struct intake *intake_open(const int map_fds[INTAKE_LANES], size_t limit,
			   volatile uint32_t *asleep);
/* NULL is ignored. */
void intake_close(struct intake *in);

/* Moves what is in the rings now; false where a lane is full. */
bool intake_move(struct intake *in);
/* The oldest record of a lane, aligned to 8 bytes, until intake_drop(); NULL: none. */
const void *intake_peek(struct intake *in, int lane, size_t *ret_size);
/* Forgets the record that was peeked at last. */
void intake_drop(struct intake *in, int lane);

/* Sleeps until the lanes may have records, `also_fd` (-1 none) can be read, a signal came or timeout_ms passed. */
void intake_wait(struct intake *in, int also_fd, int timeout_ms);

#endif
