/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * courier.h - the process that sends what a recorder keeps: `record --to`.
 *
 *     sockwatch record (pid 901)     records
 *      └─ sockwatch record (903)     reads the store and sends it: no capability, another user, no descriptor of the recorder's
 *
 * Owns: the fork, the child, what it tells of itself.  Refuses to know: what is recorded.  It reads the store as any other process would, so
 * it holds up nothing.  When the recorder ends, by whatever signal, the child sends what is left for a few seconds and ends, too; when the
 * child ends, recording goes on.  Call courier_begin() before the first thread, and before the store is opened: SQLite's memory of a file that
 * is open must not be had by two.
 *
 *     courier_begin(&c, options);
 *     courier_go(&c);                  // the store is there
 *     ... courier_ready(&c) ... courier_is_over(&c) ...
 *     courier_end(&c);                 // the store is closed
 */
#ifndef SOCKWATCH_COURIER_H
#define SOCKWATCH_COURIER_H

#include "options.h"
#include "ship.h"

struct courier {
	pid_t child; /* 0 none */
	int channel;
	bool over_said;
	const struct ship_tally *tally; /* shared with the child, which writes it */
};

/* 0, or the exit code after saying why. */
int courier_begin(struct courier *c, const struct options *options);
/* The child may open the store. */
void courier_go(struct courier *c);
/* Waits until the child has what it needs: 0, or the exit code after the child has said why. */
int courier_ready(struct courier *c);
/* It has ended although nobody told it to; said once. */
bool courier_is_over(struct courier *c);
/* What has become of it so far; false without a child. */
bool courier_get_tally(const struct courier *c, struct ship_tally *ret);
/* Lets it send what is left, and waits for that some seconds.  One that was not begun is ignored. */
void courier_end(struct courier *c);

#endif
