// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue.c - chunks of records between the thread that drains the kernel and the one that writes.
 *
 * A lock is taken per chunk, not per record; the producer never waits for the disk.
 */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* A transaction's worth at 10,000 lives a second. */
#define SPARES 12
/* So many full chunks wake the consumer, a quarter of the memory too: it comes by itself to those that wait long. */
#define BATCH 8

/* NULL where there is none; under the lock. */
static struct chunk *take_spare(struct queue *q)
{
	struct chunk *c = q->spare;

	if (c) {
		q->spare = c->next;
		q->spares--;
	}
	return c;
}

int queue_init(struct queue *q, size_t bytes)
{
	pthread_condattr_t steady;

	*q = (struct queue){.max = bytes / CHUNK_BYTES > 2 ? bytes / CHUNK_BYTES : 2};
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->wake, &steady);
	pthread_condattr_destroy(&steady);
	return 0;
}

void queue_done(struct queue *q)
{
	queue_release(q, q->first);
	free(q->filling);
	while (q->spare)
		free(take_spare(q));
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
}

static struct chunk *chunk_new(struct queue *q)
{
	struct chunk *c = NULL;
	bool allowed;

	pthread_mutex_lock(&q->lock);
	allowed = q->waiting < q->max;
	if (allowed) {
		q->waiting++;
		c = take_spare(q);
	}
	pthread_mutex_unlock(&q->lock);
	if (!allowed)
		return NULL;
	if (!c)
		c = malloc(sizeof(*c));
	if (!c) {
		pthread_mutex_lock(&q->lock);
		q->waiting--;
		pthread_mutex_unlock(&q->lock);
		return NULL;
	}
	c->next = NULL;
	c->used = 0;
	c->born_ns = store_clock(false);
	c->rows = 0;
	return c;
}

static void hand_over(struct queue *q, bool full)
{
	struct chunk *c = q->filling;

	if (!c || c->used == 0)
		return;
	q->filling = NULL;
	pthread_mutex_lock(&q->lock);
	if (q->last)
		q->last->next = c;
	else
		q->first = c;
	q->last = c;
	q->handed++;
	if (!full || q->handed >= BATCH || q->waiting * 4 >= q->max)
		pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
}

void queue_hand_over(struct queue *q)
{
	hand_over(q, false);
}

void *queue_reserve(struct queue *q, size_t size)
{
	if (q->filling && CHUNK_BYTES - q->filling->used < size)
		hand_over(q, true);
	if (!q->filling)
		q->filling = chunk_new(q);
	return q->filling ? q->filling->data + q->filling->used : NULL;
}

bool queue_has_half(struct queue *q, size_t size)
{
	bool has;

	if (q->filling && CHUNK_BYTES - q->filling->used < size)
		hand_over(q, true);
	pthread_mutex_lock(&q->lock);
	has = q->waiting + !q->filling <= q->max / 2;
	pthread_mutex_unlock(&q->lock);
	return has;
}

void queue_commit(struct queue *q, size_t size, bool is_row)
{
	q->filling->used += size;
	q->filling->rows += is_row;
}

void queue_stop(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
}

struct chunk *queue_take(struct queue *q, int timeout_ms, bool *ret_stopped)
{
	struct timespec until;
	struct chunk *c;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&q->lock);
	while (!q->first && !q->stop && err == 0)
		err = pthread_cond_timedwait(&q->wake, &q->lock, &until);
	c = q->first;
	if (c) {
		q->first = c->next;
		c->next = NULL;
		if (!q->first)
			q->last = NULL;
		q->handed--;
	}
	*ret_stopped = q->stop && !c;
	pthread_mutex_unlock(&q->lock);
	return c;
}

void queue_release(struct queue *q, struct chunk *list)
{
	while (list) {
		struct chunk *next = list->next, *unwanted = list;

		pthread_mutex_lock(&q->lock);
		q->waiting--;
		if (q->spares < SPARES) {
			list->next = q->spare;
			q->spare = list;
			q->spares++;
			unwanted = NULL;
		}
		pthread_mutex_unlock(&q->lock);
		free(unwanted);
		list = next;
	}
}

void queue_rest(struct queue *q)
{
	struct chunk *c;

	do {
		pthread_mutex_lock(&q->lock);
		c = take_spare(q);
		pthread_mutex_unlock(&q->lock);
		free(c);
	} while (c);
}
