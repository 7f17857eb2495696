/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ship.h - what a store has, into the tables of a ClickHouse, each row once: while it is recorded, or all that there is.
 *
 * Owns: the order of things: a batch is frozen in the cursor's file, sent until it is taken, and forgotten there in the moment in which
 * the store counts as taken so far.  Refuses to know: signals, the command line; nothing is logged, and it never waits: the caller does.
 *
 *     struct ship *s = ship_open(&options, &error);        // opens what needs rights
 *     for (;;) {
 *             state = ship_step(s, &now, &step);
 *             ... step.words is news ... wait for step.pause_ns, or less ...
 *     }
 *     ship_close(s);
 *
 * One thread.  Whenever the process ends, by whatever signal, nothing is lost and nothing counted twice.
 */
#ifndef SOCKWATCH_SHIP_H
#define SOCKWATCH_SHIP_H

#include "ship_http.h"

struct ship_options {
	const char *store;
	struct ship_place to;
	const char *prefix; /* of tables, "" none */
	const char *host, *machine_id;
	const char *user, *password, *ca_file; /* as ship_http_options has them */
	bool no_args;	     /* arguments of processes stay here */
	uint64_t batch_rows; /* 0: 50,000 */
	uint64_t batch_ns;   /* how long rows wait for others, 0: 5 s */
	/* Called about once a second while a request goes on; false gives it up. */
	bool (*go_on)(void *ctx);
	void *ctx;
};

enum ship_state {
	SHIP_IDLE,    /* nothing to do before the pause is over */
	SHIP_SENT,    /* something was taken, there may be more */
	SHIP_TROUBLE, /* not taken now: again after the pause */
	SHIP_REFUSED, /* likewise, and it will not be until somebody changes something */
	SHIP_STOPPED, /* go_on() wanted it */
};

struct ship_now {
	uint64_t steady_ns, wall_ns;
	uint64_t random; /* 64 bits of chance */
	bool flush;	 /* what waits for others does not wait any more */
};

struct ship_step {
	uint64_t pause_ns;
	bool news;		 /* the words are others than before */
	char words[SHIP_HTTP_WORDS]; /* what is wrong; "" nothing is */
};

/* What has become of it, since the cursor's file was made. */
struct ship_tally {
	uint64_t rows, batches, bytes, failures;
	uint64_t sent_ns;   /* CLOCK_REALTIME of the last part that was taken, 0 never */
	uint64_t waiting;   /* rows that are not sent, when last looked at */
	uint64_t oldest_ns; /* CLOCK_REALTIME since which some wait, 0 none does */
	char place[300];
	char why[SHIP_HTTP_WORDS]; /* "" it goes on */
};

/* NULL with the error filled.  The store need not be there yet, and the server is not asked. */
struct ship *ship_open(const struct ship_options *options, struct ship_error *error);
void ship_close(struct ship *s);
/* The directory of the cursor's file, for who allows writing there alone; lives as long as the ship. */
const char *ship_directory(const struct ship *s);
/* Why the recorder cannot be told how far it is, and so keeps nothing longer for it; NULL it can.  The store is to be there. */
const char *ship_untold(const struct ship *s);
/* At most one request. */
enum ship_state ship_step(struct ship *s, const struct ship_now *now, struct ship_step *ret);
/* All that is there has been taken, and the store could be read. */
bool ship_is_done(const struct ship *s);
void ship_get_tally(struct ship *s, struct ship_tally *ret);

/* Of the sender of the store `path`, whether it runs or not; 0, or -errno where nothing is known of one. */
int ship_read_tally(const char *path, struct ship_tally *ret);

#endif
