/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.h - what every command that watches sockets does alike: open the kernel side, look at
 * what is there, drain facts into the table, count losses and repair them, stop on a signal.
 *
 * Owns: the kernel side, the table, the processes, the wall clock's offset.  Refuses to know: what
 * becomes of an event; it goes through the filter to the command's sink.  One thread.
 *
 *     struct session s;
 *     if (session_open(&s, options, on_event, ctx) == 0 && session_start(&s) == 0) {
 *             session_announce(&s, "");
 *             session_run(&s, on_turn, ctx);
 *             session_finish(&s);
 *     }
 *     session_close(&s);
 */
#ifndef SOCKWATCH_SESSION_H
#define SOCKWATCH_SESSION_H

#include "answer.h"
#include "kernel.h"
#include "left_ports.h"
#include "options.h"
#include "serve.h"
#include "table.h"

struct session {
	const struct options *options;
	event_sink_fn sink; /* events that pass the filter */
	void *ctx;
	uint32_t kinds; /* set by the command: bit per enum event_kind that it has a use for; all */
	struct kernel *kernel;
	struct process_set *processes;
	struct table *table;
	struct answers answers;
	/* Set by the command before session_start(): what it writes to; NULL: nothing of that kind. */
	struct output *output;
	struct store *store;
	struct serve *serve; /* answers `ls`, `who` and `status`; NULL: cannot */
	status_fn status; /* set by the command: what it tells of itself, with `ctx`; NULL: nothing */
	uint32_t own_netns;	/* 0: not known */
	int64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME, kept current */
	uint64_t seen_ns; /* CLOCK_BOOTTIME up to which facts were read */
	uint64_t started_ns;	/* CLOCK_BOOTTIME: every hook was attached */
	size_t sockets;		/* found at the start */
	struct left_ports left;
	int wait_ms; /* set by the command: its next turn comes sooner; 0: when there is something */
	bool done;		/* set by the command: no more events are wanted */
	bool over;		/* likewise: no more, but for those of what has happened */
	bool failed;		/* likewise: they are, but cannot be told */
	uint64_t untold;	/* events since `done` */

	/* Loss: what was counted when last looked, and what the reader has been told. */
	uint64_t lost, lost_told;	      /* facts */
	uint64_t withheld, withheld_told;     /* of them, what the kernel ran no program for */
	uint64_t full, full_told;	      /* sockets that the table had no room for */
	uint64_t unfollowed, unfollowed_told; /* of processes: what was not followed or kept */
	uint64_t lost_since_ns, lost_checked_ns;
	uint64_t rest_until_ns; /* no repair before */
	uint64_t listeners_ns; /* when listeners were looked at */
	uint64_t rested_ns; /* when memory was looked at */
	uint64_t facts, most_facts; /* since then, and most between two looks since memory was given back */
	uint64_t kernel_lost; /* what the kernel side counted when last looked */
	uint64_t lost_for[KERNEL_WANTS]; /* ... of it */
	uint64_t unseen;      /* ... and the table: ends that were not told */
	bool explained;	      /* by what the kernel side has counted */
	uint64_t processes_lost, processes_full; /* likewise of what processes did */
	uint64_t repairs, repair_added, repair_removed; /* of those not told yet */
	unsigned int repair_tries;
	struct kernel_error never_seen; /* by the first look */

	char lacks[128]; /* capabilities, when it began; "" none */
	char unseen_text[512]; /* what no hook tells here: "; not seen: ..." or "" */
};

/* Loads the kernel side and makes an empty table.  0, or the exit code after saying why; session_close() in
 * either case. */
int session_open(struct session *s, const struct options *options, event_sink_fn sink, void *ctx);
/* Attaches and looks at what is there.  0, or the exit code after saying why. */
int session_start(struct session *s);
/* table_each_open() through the filter, to the sink given here. */
bool session_each_open(struct session *s, struct table_telling *telling, size_t max,
		       open_sink_fn sink, void *ctx);
/* Those that listen now, as table_each_listener() tells them, through the filter. */
void session_each_listener(struct session *s, event_sink_fn sink, void *ctx);
/* Fills a zeroed status; its texts live until the next call. */
void session_get_status(const struct session *s, struct status *ret);
/* Says that tracing runs, and what the command adds to that. */
void session_announce(struct session *s, const char *more);
/*
 * Until a stop signal, --for or `done`.  `on_turn` is called between two drains, at least every half second,
 * with CLOCK_BOOTTIME; `idle` when nothing more is to be drained at once.
 */
void session_run(struct session *s, void (*on_turn)(void *ctx, uint64_t now_ns, bool idle), void *ctx);
/* ", 7 of them withheld by the kernel ..." and what else was lost beside facts and sockets; "" nothing.  Until the next call. */
const char *session_more_lost(const struct session *s);
bool session_has_lost(const struct session *s);
/* For `status`: who asks is in another directory.  NULL is NULL; lives until the next call. */
const char *session_full_path(const char *path);
/* Detaches; everything that happened before still reaches the sink. */
void session_finish(struct session *s);
void session_close(struct session *s);

#endif
