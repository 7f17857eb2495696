/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * look_beside.h - tables of namespaces that are read in a thread of their own while descriptors are, for src/kernel/look*.c only.
 *
 *     the caller's thread    descriptors are read and handed out ── tasks_told ─▶         what waits is handed out
 *     the tour's             tables are read into `data`; where that is full: waits ──▶ hands it out, reads on
 *
 * So the memory of a look is bounded, whatever the host has.
 */
#ifndef SOCKWATCH_LOOK_BESIDE_H
#define SOCKWATCH_LOOK_BESIDE_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct look_reader;

struct look_beside {
	char *data; /* raw records, one after the other; NULL: never needed */
	size_t len, size;
	uint64_t told;	   /* counts how often they were handed out */
	uint64_t begin_ns; /* of the look: what waits may be as old */
	sem_t tasks_told;  /* posted once; after that no other thread hands out */
	bool may_tell;	   /* it was waited for */
};

/* Hands out what waits, once the descriptors were; a record that is not whole stays.  0 or -EBADMSG. */
int look_tell_tables(struct look_reader *r);

#endif
