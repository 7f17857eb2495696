/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ship_fetch.h - what a fleet's database has of its hosts, as the events that their own stores would tell.
 *
 * Owns: which rows are asked for and in which portions; they are put into a store in memory (store_copy.h), whose reader tells the
 * events.  Refuses to know: output, the command line.  One thread.
 *
 *     struct ship_fetch *f = ship_fetch_open(&options, &error);
 *     ship_fetch(f, &query, &sink, &error);        // event, event, ..., portion, event, ...
 *     ship_fetch_close(f);
 *
 * A portion is a span of time with not many more than 20,000 rows of all hosts, so memory does not grow with the answer; within it events come
 * host by host.  What users gave reaches the server as parameters of a query, never as a part of it.
 */
#ifndef SOCKWATCH_SHIP_FETCH_H
#define SOCKWATCH_SHIP_FETCH_H

#include "ship_http.h"
#include "store.h"

struct ship_fetch_options {
	struct ship_place from;
	const char *prefix;		       /* of tables, "" none; a name of ship_is_name() */
	const char *user, *password, *ca_file; /* as ship_http_options has them */
	uint64_t now_ns;		       /* CLOCK_REALTIME */
	bool no_args;			       /* arguments of processes are not asked for */
	/* Called about once a second while a request goes on; false gives it up. */
	bool (*go_on)(void *ctx);
	void *ctx;
};

struct ship_fetch_query {
	const struct store_query *query; /* of it `after` and `any_order` do not count */
	const char *host;		 /* any bytes; NULL: every host */
};

enum ship_fetch_next {
	SHIP_FETCH_ON,
	SHIP_FETCH_AGAIN, /* the same events once more */
	SHIP_FETCH_END,
};

struct ship_fetch_sink {
	/* Its `host` says whose it is.  False ends. */
	bool (*event)(void *ctx, const struct event *event);
	/* The events since the last portion are all that there is of a span of time; `mixed`: of more than one store. */
	enum ship_fetch_next (*portion)(void *ctx, bool mixed);
	void *ctx;
};

struct ship_fetch;

/* NULL with the error filled.  The server is not asked. */
struct ship_fetch *ship_fetch_open(const struct ship_fetch_options *options,
				   struct ship_error *error);
void ship_fetch_close(struct ship_fetch *f);
/*
 * 0, -EINTR where go_on() or the sink ended it, or another -errno with the error filled.  What goes on comes last, unless the query is
 * by_time: then it comes in its place.
 */
int ship_fetch(struct ship_fetch *f, const struct ship_fetch_query *query,
	       const struct ship_fetch_sink *sink, struct ship_error *error);
/* Of the last ship_fetch(): how many stores of that host, or of all, have ever sent. */
size_t ship_fetch_stores(const struct ship_fetch *f);

#endif
