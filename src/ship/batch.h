/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * batch.h - the next rows of a store that have not been sent, into the cursor's frozen batch.
 *
 * Owns: where a batch ends and what its parts are: a range of the numbers that lives, calls, losses and budgets share, and of each table
 * and each day in it one part.  A part lies inside one day because a database that is divided by days takes one day at once or not at
 * all, and knows it again by its token.  Refuses to know: HTTP, clocks.
 */
#ifndef SOCKWATCH_SHIP_BATCH_H
#define SOCKWATCH_SHIP_BATCH_H

#include "cursor.h"
#include "encode.h"

#define BATCH_ROWS 50000
/* Before they are compressed, of one batch. */
#define BATCH_BYTES (UINT64_C(64) << 20)
/* Of one table in one batch. */
#define BATCH_DAYS 8

/*
 * Freezes what is behind number `after` up to `last`, at most `rows` numbers.  1 where a batch was frozen, 0 where there was nothing (the
 * cursor stands at `last` then), or -errno with the error filled and nothing changed.  *ret_oldest_ns: the time of the first row, 0 none.
 */
int batch_freeze(struct cursor *c, struct store_reader *r, const struct encode_who *who, uint64_t after, uint64_t last,
		 uint64_t rows, uint64_t now_ns, uint64_t *ret_oldest_ns, struct ship_error *error);

/*
 * Is what the cursor has sent of this store still in it?  Where it was taken back to an earlier state, what came since has numbers
 * that were sent: the cursor goes back to the last mark that is the same, *ret_back says so.  A row that was sent and is sent again is the
 * same row to the database's tables.  0 or -errno with the error filled.
 */
int batch_check(struct cursor *c, struct store_reader *r, const char *store, uint64_t last, bool *ret_back,
		struct ship_error *error);

#endif
