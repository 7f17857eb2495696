/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * owner.h - who owns a socket: the one rule of every command and filter.  docs/ownership.md says it to users.
 *
 * Owns: the choice among the processes that have a socket open, and for one look at the kernel the collection of them.
 * Refuses to know: where they were found, tables, listings, formats.  One thread.
 *
 *     of those that have it open:  who bound, connected, listened on or accepted it, where a call told (`named`)
 *                                  else who made it, where its file tells
 *                                  else the one all others inherited it from, parent by parent
 *                                  else nobody
 *     nobody has it open:          the caller's part: a child before accept() is its listener's, what is left after the
 *                                  last close() is its last owner's
 *
 * So a process that has ended, or has closed its descriptor, owns nothing that others have open.
 */
#ifndef SOCKWATCH_OWNER_H
#define SOCKWATCH_OWNER_H

#include <stdbool.h>

#include "process.h"

struct owner_holder {
	uint32_t pid; /* one that occurs again is the same holder: more descriptors, or threads */
	uint32_t parent; /* pid, 0 unknown */
	bool maker;	 /* its credentials are those that the file was made with */
	uint32_t index;	 /* the caller's */
};

/* O(count log count), sorts `h`.  `named` is a pid, 0 none.  Points into `h`; NULL: nobody. */
const struct owner_holder *owner_choose(struct owner_holder *h, size_t count, uint32_t named);

/* ---- who has what open, in one look ---- */

struct owner_look;

/* NULL without memory.  The set must outlive the look. */
struct owner_look *owner_look_new(struct process_set *processes);
/* NULL is ignored. */
void owner_look_free(struct owner_look *look);

/* A process was found holding the socket `key` (not 0).  O(1) amortized.  False without memory: it is not kept. */
bool owner_look_add(struct owner_look *look, uint64_t key, const struct process *task,
		    uint32_t parent, bool maker);
/* Somebody was found holding it.  O(1). */
bool owner_look_knows(const struct owner_look *look, uint64_t key);
/* Visits each that holds `key`, a process once for each time it was added.  False as soon as `fn` says so. */
bool owner_look_each(const struct owner_look *look, uint64_t key,
		     bool (*fn)(void *ctx, const struct process *), void *ctx);
/*
 * The owner by the rule, without a reference; NULL: nobody, or no room for a process.  False when nobody was found holding
 * it (`ret` untouched).  O(holders log holders).
 */
bool owner_look_choose(struct owner_look *look, uint64_t key, uint32_t named,
		       const struct process **ret);

#endif
