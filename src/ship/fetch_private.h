/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fetch_private.h - for fetch*.c only: a question, and the rows of its answer.
 *
 *     fetch.c       portions of time, whose rows go through a store in memory
 *     fetch_ask.c   SQL and its parameters
 *     fetch_lines.c  TabSeparated, turned into what store_paste() takes
 */
#ifndef SOCKWATCH_SHIP_FETCH_PRIVATE_H
#define SOCKWATCH_SHIP_FETCH_PRIVATE_H

#include <stdio.h>

#include "ship_fetch.h"
#include "store_copy.h"

/* ---- fetch_ask.c ---- */

#define ASK_PARAMETERS 200

struct ask {
	FILE *sql; /* into `text` */
	char *text;
	size_t len;
	const struct ship_fetch_options *options;
	const struct ship_fetch_query *query;
	char *parameter[2 * ASK_PARAMETERS + 1]; /* names and values in turn */
	size_t count;
	bool failed; /* no memory */
};

/* A span of CLOCK_REALTIME: first <= t < end. */
struct span {
	uint64_t first_ns, end_ns;
};

void ask_begin(struct ask *a, const struct ship_fetch_options *options,
	       const struct ship_fetch_query *query);
/* How many rows each minute has (each second of `span`, where one is given), of lives, calls and losses, or of what goes on, or both. */
void ask_counts(struct ask *a, bool ended, bool open, uint64_t alive_ns, const struct span *span);
/* Rows of a table: of their host and store, in hexadecimal, and their columns; in the order of these, and then of their numbers. */
void ask_rows(struct ask *a, enum copy_table table, uint64_t alive_ns, const struct span *span);
void ask_runs(struct ask *a);
/* The path and parameters of its request; NULL without memory.  To be freed. */
char *ask_target(struct ask *a);
void ask_done(struct ask *a);

/* ---- fetch_lines.c ---- */

/* The lines of one answer, which are changed where they are read. */
struct lines {
	enum copy_table table;
	char *data;
	size_t len, size, at;
	bool failed; /* no memory */
};

bool lines_take(void *ctx, const void *bytes, size_t len);
/* Of the row that is next: its host and store, in hexadecimal.  False at the end. */
bool lines_peek(const struct lines *r, const char **ret_key, size_t *ret_len);
/* Reads it, arguments aside where `no_args`.  Values live as long as the rows.  False where it is no row of the table. */
bool lines_next(struct lines *r, bool no_args, struct copy_value values[COPY_COLUMNS_MAX]);
void lines_clear(struct lines *r);
void lines_done(struct lines *r);

#endif
