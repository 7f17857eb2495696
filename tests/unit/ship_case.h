/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ship_case.h - a database that lives in the test: it takes inserts as ClickHouse does, knows tokens, and fails as it is told.
 *
 * A suite that uses it is linked with --wrap of ship_http_open, ship_http_do and ship_http_close.
 */
#ifndef SHIP_CASE_H
#define SHIP_CASE_H

#include "ship.h"

#define LINE_MAX_BYTES 8192

/* What becomes of a request. */
enum fault {
	FAULT_NONE,
	FAULT_LOST,	 /* it does not arrive */
	FAULT_UNANSWERED, /* it is taken, and the answer does not arrive */
	FAULT_BUSY,	 /* 503, and later */
	FAULT_BROKEN,	 /* 500 */
	FAULTS,
};

struct line {
	char *table, *text;
	unsigned int count; /* how often it was taken */
};

struct model {
	enum fault (*fault)(void); /* NULL: none */
	struct ship_http_answer (*answer)(const char *query); /* NULL: by the fault; a status of 0: likewise */
	bool ignores_tokens;
	bool old; /* knows no settings of its time */
	unsigned int requests, inserts; /* those taken */
	char last_query[2000], last_target[6000];
};
extern struct model model;

void model_clear(void);
/* Lines of a table, in the order in which they came; `ret` holds `most`. */
size_t model_lines(const char *table, const struct line **ret, size_t most);
/* A column of a line, from 0; lives until the next call. */
const char *model_column(const struct line *line, unsigned int column);
/* Parts that were taken, by table: how many, and whether each had rows of one day only. */
bool model_days_are_apart(void);

/* Lives number `from` to `to`, `every` so many seconds, into the store; the number is the cookie. */
void record(uint64_t from, uint64_t to, double every);
/* Those up to `count` have come, each `times` times. */
void assert_lives(uint64_t count, unsigned int times);

struct ship *ship_case_open(struct ship_options o);
/* Steps until all is sent, with a clock that jumps over pauses; false after `most` steps. */
bool ship_case_flush(struct ship *s, unsigned int most);
extern struct ship_now ship_case_now;
extern struct ship_step ship_case_step;
int ship_case_teardown(void **state);

#endif
