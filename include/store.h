/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - every life kept in one SQLite file, and asked for later.
 *
 * Owns: the file, its schema, who may write it, how long rows stay.  Refuses to know: libbpf, formats of
 * output, the command line; it does not log: failures come back as a text for the user.
 *
 * Writing never blocks the caller: events are packed into chunks of memory and a thread of the store's own puts
 * them into the file, in transactions at most half a second long, each synced before it counts.  When the file takes
 * nothing (disk full), chunks wait up to `queue_bytes`; what comes then is counted as lost.
 *
 *     struct store *s = store_open(&options, &error);
 *     store_event(s, event, wall_offset_ns);      // one thread
 *     store_pulse(s, now_ns);                     // a few times a second
 *     store_close(s, &stats);
 *
 * Times in the file are CLOCK_REALTIME nanoseconds as the clock stood when the event came; durations are true
 * even when that clock is set, and rows are numbered in the order of events.
 */
#ifndef SOCKWATCH_STORE_H
#define SOCKWATCH_STORE_H

#include "event.h"
#include "filter.h"

#define STORE_ERROR_SIZE 512

/* One line for the user. */
struct store_error {
	char text[STORE_ERROR_SIZE];
};

struct store_options {
	const char *path;
	uint64_t keep_ns;	/* lives that ended longer ago go; 0: all stay */
	uint64_t keep_bytes;	/* the oldest go so that the file and its log stay below; 0: unbounded */
	size_t queue_bytes;	/* memory for what waits to be written */
	uint64_t now_ns;	/* CLOCK_REALTIME */
	const char *boot_id;	/* of this boot, any text */
	bool starts_later;	/* see store_start() */
	uint64_t unsent_bytes;	/* up to this size what is not sent stays longer; 0: a default */
};

struct store_stats {
	uint64_t stored;	/* lives and calls committed */
	uint64_t dropped;	/* lost because the file took nothing and memory was full */
	uint64_t waiting_bytes;	/* in memory */
	uint64_t file_bytes;	/* of the file, without its log */
	uint64_t unsent;	/* rows that went before they were sent */
	bool stuck;		/* the file takes nothing now; see `why` */
	bool broken;		/* and never will: the run must end */
	char why[256];
};

struct store;
/* The least that --keep takes as a size: the log beside the file needs room too. */
#define STORE_KEEP_MIN (16u << 20)

/*
 * Makes the file or opens one that is a store; any other file is refused and left as it is.  A second store_open()
 * for writing is refused while the first lasts.  NULL with the error filled.
 */
struct store *store_open(const struct store_options *options, struct store_error *error);

/* With `starts_later` nothing is written before this, by a thread with the rights that its caller has now.  0 or -EAGAIN. */
int store_start(struct store *s);

/* Bit per enum event_kind of those that may become a row. */
#define STORE_KINDS (UINT32_MAX & ~(UINT32_C(1) << EVENT_STATE))

/*
 * Keeps an event that becomes a row: close, bind, listen, failed connect, lost.  O(1), copies;
 * other kinds are ignored.  False when memory is full: it is lost and counted.
 */
bool store_event(struct store *s, const struct event *event, int64_t wall_offset_ns);
/*
 * Keeps a life that goes on, given as a close event (EVENT_END_OPEN).  It replaces what was given
 * of this life before; the end of the life must come with `told`.  False when half of the memory is
 * in use, because the other half is for events: call again later.
 */
bool store_open_life(struct store *s, const struct event *life, int64_t wall_offset_ns);
/*
 * To be called when every life that goes on was given since since_boot_ns (CLOCK_BOOTTIME): the
 * others that are open in the file have ended unseen, those of this run at alive_ns
 * (CLOCK_REALTIME).  False when memory is full: call again later.
 */
bool store_sweep(struct store *s, uint64_t since_boot_ns, uint64_t alive_ns);
/* Hands over what has waited long enough; now_ns is any steady clock. */
void store_pulse(struct store *s, uint64_t now_ns);
void store_get_stats(struct store *s, struct store_stats *ret);
/* Writes what waits, for a few seconds at most when the file takes nothing; NULL is ignored, ret_stats may be NULL. */
void store_close(struct store *s, struct store_stats *ret_stats);

/* ---- reading ---- */

struct store_query {
	const struct filter *filter;
	uint64_t from_ns, to_ns; /* lives and calls that touch this span; 0 and UINT64_MAX: all */
	bool lives_only;	/* who held it: no binds, failures, losses */
	uint64_t after;		/* rows numbered above this; for following */
	bool no_open;		/* leave out what is still open */
	bool any_order;		/* nothing is sorted, so none of it is kept in memory or in a file */
	bool by_time;		/* rows in the order of their times, what is still open where it opened */
};

struct store_reader;
/* Opens for reading only; takes no lock that a writer would wait for.  NULL with the error filled. */
struct store_reader *store_reader_open(const char *path, uint64_t now_ns, struct store_error *error);
void store_reader_close(struct store_reader *r);
/*
 * Readers opened from now on call `stop` while they search, and fail when it returns other than 0:
 * so even an endless search can be stopped.
 */
void store_read_until(int (*stop)(void *unused));
/* CLOCK_REALTIME moves on while a reader follows. */
/* Arguments of processes are unknown from now on. */
void store_reader_leave_out_args(struct store_reader *r);
void store_reader_set_now(struct store_reader *r, uint64_t now_ns);

/*
 * Hands every matching row to `fn` in the order it happened, those still open last, unless it is to be `by_time`.  The events' times are
 * CLOCK_REALTIME.  `fn` returns false to end.  0 or -errno with the error filled; *ret_last is the number of the last row
 * there was, matching or not.
 */
int store_read(struct store_reader *r, const struct store_query *query,
	       bool (*fn)(void *ctx, const struct event *event), void *ctx, uint64_t *ret_last,
	       struct store_error *error);

/*
 * For a look at the sockets of boot `boot_id`.  Hands lives recorded in that boot to `fn` until it
 * returns false: those that ended in TIME_WAIT since from_ns (CLOCK_REALTIME) and whose owner is
 * known, newest first; or with `open` those that go on or were not seen to end.  0 or -errno with
 * the error filled.
 */
int store_read_past(struct store_reader *r, const char *boot_id, bool open, uint64_t from_ns,
		    bool (*fn)(void *ctx, const struct event *event), void *ctx, struct store_error *error);

/* The number of the last row, 0 when there is none. */
uint64_t store_last(struct store_reader *r);
/* True while a writer has the file open. */
bool store_is_recording(const struct store_reader *r);
/* The span for which the store has anything to say: false when nothing was ever recorded. */
bool store_span(struct store_reader *r, uint64_t *ret_from_ns, uint64_t *ret_to_ns);
/* True when a recorder ran at that moment. */
bool store_ran_at(struct store_reader *r, uint64_t time_ns);
/* Hands from when to when a recorder ran to `fn`, run after run; the one that goes on ends now.  0 or -errno with the error filled. */
int store_read_runs(struct store_reader *r, void (*fn)(void *ctx, uint64_t from_ns, uint64_t to_ns), void *ctx,
		    struct store_error *error);

#endif
