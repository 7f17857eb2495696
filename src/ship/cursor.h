/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cursor.h - what has been sent of a store, and what is being sent: a small SQLite file beside the store, which belongs to the sender.
 *
 * Owns: the file FILE-ship, its lock, how far each store has been taken, the frozen batch.  Refuses to know: how rows look, HTTP.
 *
 * A batch is frozen whole before its first part is sent, and stays in the file byte by byte until the server has taken all of it:
 * every try sends the same, whatever ends this process meanwhile, and even when the store is gone.  How far the store is taken moves in the
 * transaction in which the last part goes.
 *
 *     cursor_freeze_begin(c); cursor_freeze_part(c, &part) ...; cursor_freeze_end(c, &batch);
 *     while (cursor_part(c, &part) > 0)
 *             ... send it ... cursor_taken(c, &part);
 *
 * Functions return 0 or -errno with the error filled, unless they say otherwise; after an error nothing is changed.  Every change is
 * on the disk when they return.  One thread.
 */
#ifndef SOCKWATCH_SHIP_CURSOR_H
#define SOCKWATCH_SHIP_CURSOR_H

#include "ship.h"

#define CURSOR_ID_SIZE 33 /* of a store: 32 digits */

struct cursor;

/* A part of a batch: one INSERT.  Texts and bytes that the cursor gives live until its next call. */
struct cursor_part {
	int64_t number;
	const char *table, *columns, *token;
	uint64_t rows;
	const void *body; /* gzip */
	size_t len;
};

/* The numbers first to last of a store; `last` of the file is 0 where there is none. */
struct cursor_batch {
	char store[CURSOR_ID_SIZE];
	uint64_t first, last;
	uint64_t frozen_ns; /* CLOCK_REALTIME */
	uint64_t mark;	    /* a hash of row `last` */
};

/*
 * Opens, or makes, the file of the store `path` and locks out other senders.  NULL with the error filled: a stranger's file, damaged,
 * another sender.  Nothing else has to be opened later: a process without rights goes on with it.
 */
struct cursor *cursor_open(const char *path, struct ship_error *error);
void cursor_close(struct cursor *c);
/* Its directory, links followed. */
const char *cursor_directory(const struct cursor *c);

/* The last number of this store of which all before have been taken, 0 none; makes the store known. */
int cursor_sent(struct cursor *c, const char *store, uint64_t *ret, struct ship_error *error);
/* There was nothing between: without a batch. */
int cursor_skip(struct cursor *c, const char *store, uint64_t last, struct ship_error *error);

/* ---- the batch ---- */

int cursor_batch(struct cursor *c, struct cursor_batch *ret, struct ship_error *error);
int cursor_freeze_begin(struct cursor *c, struct ship_error *error);
/* `number` is ignored. */
int cursor_freeze_part(struct cursor *c, const struct cursor_part *part, struct ship_error *error);
/* Without a part nothing is frozen, and the numbers are skipped. */
int cursor_freeze_end(struct cursor *c, const struct cursor_batch *batch, struct ship_error *error);
void cursor_freeze_drop(struct cursor *c);
/* 1 with the next part, 0 without one, -errno. */
int cursor_part(struct cursor *c, struct cursor_part *ret, struct ship_error *error);
/* It goes, and after the last one the batch. */
int cursor_taken(struct cursor *c, int64_t number, uint64_t now_ns, struct ship_error *error);

/* ---- marks: by which a store is known that was taken back to an earlier state ---- */

/* Hands out the marks of a store, the newest first, until `fn` returns false. */
int cursor_marks(struct cursor *c, const char *store, bool (*fn)(void *ctx, uint64_t number, uint64_t hash), void *ctx,
		 struct ship_error *error);
/* What is behind this number is to be sent (again); no batch of this store may be frozen. */
int cursor_rewind(struct cursor *c, const char *store, uint64_t last, struct ship_error *error);

/* ---- rows that change: what was sent of them ---- */

enum cursor_kind { CURSOR_RUN, CURSOR_OPEN };
/* Hands out every number in order, with the hash of what was sent. */
int cursor_known(struct cursor *c, enum cursor_kind kind, const char *store, bool (*fn)(void *ctx, uint64_t number, uint64_t hash),
		 void *ctx, struct ship_error *error);
/* In one transaction: what is now known.  `gone`: not any more.  Between begin and end. */
int cursor_learn_begin(struct cursor *c, struct ship_error *error);
int cursor_learn(struct cursor *c, enum cursor_kind kind, const char *store, uint64_t number, uint64_t hash, bool gone,
		 struct ship_error *error);
int cursor_learn_end(struct cursor *c, struct ship_error *error);
/* Above every one before, and near now_ns: the revision of rows that are sent again. */
int cursor_revision(struct cursor *c, uint64_t now_ns, uint64_t *ret, struct ship_error *error);

/* ---- for status ---- */

/* Keeps waiting, oldest_ns, place, why; adds to the failures. */
int cursor_tell(struct cursor *c, const struct ship_tally *tally, struct ship_error *error);
/* Of the cursor that is open; ship_read_tally() is for others. */
int cursor_tally(struct cursor *c, struct ship_tally *ret);

#endif
