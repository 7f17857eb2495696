/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_copy.h - a store's rows as they are, to be kept elsewhere, and back into a store that reads as the one they came from.
 *
 * Owns: which columns a row has that lies elsewhere: those of its table, and what the numbers of other rows stand for (its process,
 * its network namespace, its boot) in their place.  Refuses to know: where rows go, and how they look there.
 *
 *     r = store_reader_open(path, now_ns, &error);
 *     store_copy(r, COPY_LIFE, 1, store_last(r), send, NULL, &error);
 *
 *     there = store_reader_new(now_ns, UINT64_MAX, &error);
 *     store_paste(there, COPY_LIFE, values);               // each row
 *     store_read(there, &query, fn, ctx, &last, &error);   // the events that the other store tells
 *     store_paste_clear(there);
 *
 * What is not known has no value.  Where rows go that keep 0 or an empty text for it, the last column, "has", tells: its bit i is
 * set where column i is known, and store_paste() believes that alone.
 */
#ifndef SOCKWATCH_STORE_COPY_H
#define SOCKWATCH_STORE_COPY_H

#include "store.h"

enum copy_table {
	COPY_LIFE,
	COPY_CALL,
	COPY_HOLDER,
	COPY_LOSS,
	COPY_BUDGET,
	COPY_RUN,
	COPY_OPEN,
	COPY_TABLES,
};

enum copy_kind {
	COPY_NUMBER, /* any 64 bits, most of them small and none less than 0 */
	COPY_TIME,   /* CLOCK_REALTIME, nanoseconds */
	COPY_TEXT,   /* any bytes but NUL, mostly UTF-8 */
	COPY_BYTES,
	COPY_ADDRESS, /* 4 bytes of IPv4, 16 of IPv6; the column behind it is its interface */
};

#define COPY_COLUMNS_MAX 62

struct copy_column {
	const char *name; /* of SQL, no word that needs quotes */
	enum copy_kind kind;
};

struct copy_value {
	bool known;
	int64_t number;	   /* COPY_NUMBER, COPY_TIME */
	const void *bytes; /* the other kinds */
	size_t len;
};

/* "life", "call", "holder", "loss", "budget", "run", "open": as in the file. */
const char *copy_name(enum copy_table table);
/* Column 0 is the number of the row (of a holder: of its call), the last one is "has". */
const struct copy_column *copy_columns(enum copy_table table, size_t *ret_count);
/*
 * Lives, calls, losses and budgets are numbered together, each number once in the life of the store, whatever goes; a row has its
 * number before store_last() tells it, and does not change.  Rows of open and run change and have numbers of their own.
 *
 * Hands rows with first <= number <= last to `fn` in the order of their numbers, until it returns false.  A value lives until `fn`
 * returns.  O(log n + rows).  0 or -errno with the error filled.
 */
int store_copy(struct store_reader *r, enum copy_table table, uint64_t first, uint64_t last,
	       bool (*fn)(void *ctx, const struct copy_value *values), void *ctx,
	       struct store_error *error);
/*
 * 32 hexadecimal digits that tell this store from others, made with the file; of stores made before there were any, of what
 * its first run was.  "" where nothing was recorded yet.  Lives as long as the reader.
 */
const char *store_id(struct store_reader *r);

/*
 * A store in memory, empty: rows come by store_paste() alone.  Of its runs the last one goes on where it was not stopped and was
 * alive at alive_ns or later: what is open in it goes on.  NULL with the error filled; ends with store_reader_close().
 */
struct store_reader *store_reader_new(uint64_t now_ns, uint64_t alive_ns,
				      struct store_error *error);
/*
 * Takes a row as store_copy() gave it, of one and the same store; another one of its number is replaced.  Values of a stranger do
 * no harm: what makes no sense is refused here or when it is read.  A row of `open` wants that of its run.  0, -EINVAL or -ENOMEM.
 */
int store_paste(struct store_reader *r, enum copy_table table, const struct copy_value *values);
/* Empty again. */
void store_paste_clear(struct store_reader *r);

#endif
