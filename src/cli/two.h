/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * two.h - makes two processes of one that goes on watching: the reader, which has no rights, and the helper, which has those that
 * looks need.
 *
 *     sockwatch record (pid 901)     reads facts, keeps the table, prints, stores, answers `ls`: no capability, another user
 *      └─ sockwatch record (902)     answers requests that are numbers (split.h): some capabilities, the user that started it
 *
 * Owns: the fork, what either keeps, the end of the helper.  Refuses to know: what is asked.  The reader has the pid that was
 * started.  When either ends, by whatever signal, the other does: the reader with what it has read.  Call it before the first thread.
 *
 *     kernel_attach(k, &error);
 *     if (two_begin(&wish) == 0)
 *             kernel_start(k, &error);
 *     ... while (!two_is_over()) ...
 *     two_end();
 */
#ifndef SOCKWATCH_TWO_H
#define SOCKWATCH_TWO_H

#include "options.h"
#include "output.h"
#include "serve.h"
#include "store.h"

struct kernel;

struct two_wish {
	const struct options *options;
	struct kernel *kernel;
	struct output *output; /* NULL: none */
	struct serve *serve;   /* NULL: none */
	struct store *store;   /* NULL: none */
};

/* 0, or the exit code after saying why: only with --strict is it fatal that a part cannot be had. */
int two_begin(const struct two_wish *wish);
/* The helper has ended although nobody told it to; said once. */
bool two_is_over(void);
/* Ends the helper, if there is one, and waits for that. */
void two_end(void);

#endif
