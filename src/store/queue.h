/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * queue.h - chunks of records between the thread that drains the kernel and the one that writes.
 *
 * Owns: the bound on memory.  A chunk is the producer's until it is handed over, the consumer's from queue_take() to
 * queue_release(); the lock is held for a pointer's time only.
 */
#ifndef SOCKWATCH_STORE_QUEUE_H
#define SOCKWATCH_STORE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_BYTES (128u << 10)

struct chunk {
	struct chunk *next;
	size_t used;
	uint64_t born_ns; /* CLOCK_MONOTONIC of the first record, a moment earlier at most */
	uint32_t rows;	  /* that count as lost when dropped */
	_Alignas(8) uint8_t data[CHUNK_BYTES];
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct chunk *first, *last; /* handed over, not yet taken */
	size_t handed;		    /* how many these are */
	size_t waiting;		    /* chunks alive: being filled, handed over, or not safe yet */
	size_t max;
	bool stop;
	struct chunk *spare;   /* kept for reuse, because fresh memory costs a page fault for each 4 KiB */
	size_t spares;
	struct chunk *filling; /* the producer's */
};

int queue_init(struct queue *q, size_t bytes);
void queue_done(struct queue *q);
/* Room for a record of `size` bytes, NULL when memory is full; the producer's thread. */
void *queue_reserve(struct queue *q, size_t size);
/* There is room for `size` bytes, and half of the memory is left then. */
bool queue_has_half(struct queue *q, size_t size);
void queue_commit(struct queue *q, size_t size, bool is_row);
/* What is being filled, and wakes who takes it; a chunk that is full wakes only with others before it. */
void queue_hand_over(struct queue *q);
void queue_stop(struct queue *q);
/* The next chunk, NULL after timeout_ms or when stopped and empty (*ret_stopped then). */
struct chunk *queue_take(struct queue *q, int timeout_ms, bool *ret_stopped);
void queue_release(struct queue *q, struct chunk *list);
/* Nothing comes: what is kept for reuse goes. */
void queue_rest(struct queue *q);

#endif
