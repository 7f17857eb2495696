/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rows.h - records into rows and the oldest rows away, inside transactions that store.c begins and ends.
 *
 * Owns: the prepared statements and what the writer remembers of the file.  The writer's thread only.
 */
#ifndef SOCKWATCH_STORE_ROWS_H
#define SOCKWATCH_STORE_ROWS_H

#include <sqlite3.h>

#include "queue.h"
#include "record.h"
#include "value.h"

#define SLOTS 16384 /* processes that a record can name */

enum statement {
	PUT_LIVES,
	PUT_OPEN,
	PUT_CALL,
	PUT_LOSS,
	PUT_TROUBLE,
	PUT_HOLDER,
	PUT_BUDGET,
	PUT_UNSENT,
	PUT_PROCESS,
	FIND_PROCESS,
	COUNT_PROCESS,
	PUT_NETNS,
	FIND_NETNS,
	NAME_NETNS,
	FIND_OPEN,
	DELETE_OPEN,
	PUT_BLOCK,
	ALIVE,
	STATEMENTS,
};

/* Far above any that is reached, and far below where sums overflow. */
#define ROW_MAX (INT64_C(1) << 60)

struct touched {
	uint32_t slot;
	int64_t process; /* row before, 0 none */
};

/* The block under construction: consecutive rows and the span of time they touch. */
struct block {
	int64_t first, last;
	int64_t oldest, newest; /* times of ends */
	int64_t earliest;	/* start of a life shorter than a second */
	int64_t rows;
};

#define BATCH_ROWS  256
#define LIFE_VALUES 22 /* columns, with the id */

/* A life that is to become a row. */
struct life_row {
	const struct record *e; /* of a chunk, but for what follows */
	uint64_t facts, lived_ns;
	int64_t id, netns, process; /* rows, 0 none */
};

struct rows {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	int64_t boot, run;
	int64_t next_id;
	struct block block;
	int64_t process[SLOTS + 1]; /* row of a slot */
	uint32_t lives[SLOTS + 1];  /* rows of this transaction that name it */
	bool is_named[SLOTS + 1];
	uint32_t *named; /* slots that had lives */
	size_t named_count;
	struct touched *undo; /* slots that changed in this transaction */
	size_t undo_count, undo_cap;
	int64_t undo_next_id;
	int64_t call, undo_call; /* the last one's row: what follows belongs to it */
	int64_t holders;	 /* of it so far */
	uint32_t follow,
		undo_follow; /* records of its trouble that are to come: without them it is no whole row */
	struct block undo_block;
	uint32_t netns_inode[256]; /* direct mapped */
	int64_t netns_row[256];
	uint64_t count; /* rows of this transaction */
	uint64_t opened; /* likewise, of lives that go on */
	struct life_row batch[BATCH_ROWS]; /* not in the file yet; empty between two chunks */
	size_t batch_count;
};

int rows_init(struct rows *r, sqlite3 *db, int64_t boot, int64_t run);
void rows_done(struct rows *r);
void rows_begin(struct rows *r);
/* SQLITE_OK or an error, after which rows_rollback() restores what rows_begin() found. */
int rows_apply(struct rows *r, const struct chunk *chunk);
int rows_finish(struct rows *r, uint64_t now_ns); /* before COMMIT */
void rows_rollback(struct rows *r);
int rows_lost(struct rows *r, uint64_t count, uint64_t since_ns, uint64_t now_ns);
/*
 * Ends lives that are open in the file.  With `until` those that were not told since its since_boot_ns:
 * lives of this run end at its alive_ns, those of earlier runs when the run was last heard of.  With
 * NULL those of other boots.
 */
int rows_sweep(struct rows *r, const struct record *until);

/* The first and the last row of a block that a file names, in order. */
static inline bool rows_are_numbers(int64_t first, int64_t last)
{
	return first > 0 && last >= first && last < ROW_MAX;
}

/* rows.c: for those who fill rows. */
int rows_run(sqlite3_stmt *s); /* a statement that gives no row */
int rows_process(struct rows *r, const struct record_process *p);
int rows_netns(struct rows *r, uint32_t inode, int64_t *ret);
int rows_name_netns(struct rows *r, const struct record_netns *n);
/* The number of the next row; nearby numbers have nearby times, and of a long life the index knows when it began. */
int rows_new_id(struct rows *r, uint64_t time_ns, uint64_t lived_ns, int64_t *ret);
/* NULL for what is not known. */
void rows_bind_known(sqlite3_stmt *s, int at, bool known, int64_t value);
void rows_bind_ends(sqlite3_stmt *s, int ports_at, int addresses_at, const struct record *e);
/* The row of the process that a row names, which is counted; 0 none. */
int64_t rows_name_process(struct rows *r, uint32_t slot);
void rows_bind_process(struct rows *r, sqlite3_stmt *s, int at, uint32_t slot);

/* lives.c: a life that has ended, and one that goes on; what the file knows of its start is added.  `e` stays until batch_flush(). */
int rows_life(struct rows *r, const struct record *e);
int rows_open_life(struct rows *r, const struct record *e);

/* batch.c: lives that wait to be put into the file together. */
int batch_init(struct rows *r);
int batch_flush(struct rows *r);
/* Of a column of LIFE_COLUMNS; the id is column 0. */
void life_value(struct value *ret, const struct life_row *row, int column);

/* insert.c: a row of the rows that went unsent and of which none tells yet; *ret: there were some. */
int rows_tell_unsent(struct rows *r, uint64_t now_ns, bool *ret);

#endif
