/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ask.h - what `ls`, `who` and `ephemeral` learn from those who were there: running traces and records, and a store.
 *
 * Owns: the connections to them, with short deadlines; a listing never waits for one that hangs.  What is not learnt stays
 * unknown.
 *
 *     struct ask ask;
 *     code = ask_open(&ask, options);       // with the right to open the file
 *     code = ask_fill(&ask, &listing);      // after the look; needs no right
 *     ask_close(&ask);
 */
#ifndef SOCKWATCH_ASK_H
#define SOCKWATCH_ASK_H

#include "listing.h"
#include "options.h"

struct store_reader;

struct ask {
	struct store_reader *store; /* NULL none */
	const char *store_file;
	bool no_args; /* nor are they taken from those that have them */
};

/* 0, or the exit code after saying why; ask_close() either way. */
int ask_open(struct ask *a, const struct options *options);
/* Likewise; the listing is joined and stays whole whatever happens. */
int ask_fill(struct ask *a, struct listing *l);
void ask_close(struct ask *a);

#endif
