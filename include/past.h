/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * past.h - what a trace or a record knows of the sockets of a listing: since when they live, which
 * of their holders owns them, and who left the sockets that no process has open any more.
 *
 * Owns: the sockets by cookie, and the test whether a life that was seen is that of a listed
 * socket.  Refuses to know: where the past comes from, the wall clock.  One thread.
 *
 *     past_init(&p, &listing);
 *     past_apply(&p, &life, wall_offset_ns);   // any number of lives, in any order
 *     past_done(&p);
 *
 * A cookie is never given twice while a machine runs: the caller hands in lives of this boot only.
 */
#ifndef SOCKWATCH_PAST_H
#define SOCKWATCH_PAST_H

#include "event.h"
#include "listing.h"

#define PAST_CHAINS 1024

struct past {
	struct listing *listing;
	uint32_t *bucket;	/* index of a socket + 1, by cookie; 0 empty */
	size_t bucket_count;	/* a power of two */
	size_t unknown;		/* sockets of which nothing has been told yet */
	size_t left_unknown;	/* ... of them those in TIME_WAIT */
	uint32_t *next_maker;	/* of each task added here, by index - first_maker */
	size_t first_maker, maker_cap;
	uint32_t chain[PAST_CHAINS]; /* makers by pid, LISTING_NONE at the end */
};

/* O(sockets); the listing must be joined and gets no more sockets.  0 or -ENOMEM, nothing to be freed then. */
int past_init(struct past *p, struct listing *l);
void past_done(struct past *p);

/* The cookie of the socket at `index`, where it has one and something about it is unknown; else 0. */
uint64_t past_wants(const struct past *p, uint32_t index);

/*
 * Takes the close event of a life that goes on (EVENT_END_OPEN, EVENT_END_UNSEEN) or that ended in TIME_WAIT.  It counts
 * only for a socket with the same cookie, namespace, protocol and ends, and an ended one only for a TIME_WAIT.  What is
 * known already stays.  `offset_ns` is taken off the event's times to get CLOCK_BOOTTIME.  True when something was new.
 */
bool past_apply(struct past *p, const struct event *life, int64_t offset_ns);

#endif
