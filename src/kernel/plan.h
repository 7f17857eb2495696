/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan.h - which rows of the hook table to use, when some of them fail.
 *
 * Owns: the rule.  For each fact that both tiers give there are two ways, all its rows of one tier;
 * one way is taken whole, because a mixture within a fact would tell some calls twice and others
 * never.  The trampolines are taken where every row of them works; else the tracepoints, as many as
 * work; else the trampolines that work.  "send" by a trampoline needs the notes that the
 * trampolines of bind and connect leave, to tell a port that a send chose from theirs: where either
 * of the two is told by tracepoints, so is "send".
 *
 * A row that adds to a fact ("bind denied") goes with its way and decides nothing.
 *
 * Refuses to know: libbpf, the kernel, why a row fails.  O(rows^2), allocates nothing.
 *
 *     do {
 *             plan_make(&plan, hooks, needless, count, HOOKS_AUTO);
 *             ... load and attach the rows of plan.load, give those that fail HOOK_FAILED ...
 *     } while (one failed);
 */
#ifndef SOCKWATCH_PLAN_H
#define SOCKWATCH_PLAN_H

#include "kernel.h"

#define PLAN_ROWS 112

struct plan {
	bool in_use[PLAN_ROWS]; /* rows of the ways taken, also those that fail */
	bool load[PLAN_ROWS];	/* of these, the ones that do not */
	enum kernel_tier
		tier; /* what the facts with two ways are told by; TIER_BOTH: some by either */
	const struct kernel_hook *hooks;
	const bool *needless;
	size_t count;
	enum kernel_choice choice;
};

/*
 * `needless` rows are left out and fail no way.  A row fails whose status is HOOK_FAILED or HOOK_REPLACED.  `hooks` and
 * `needless` must outlive the plan; count <= PLAN_ROWS.
 */
void plan_make(struct plan *ret, const struct kernel_hook *hooks, const bool *needless,
	       size_t count, enum kernel_choice choice);

/* Whether `fact` is told by the rows of `tier`. */
bool plan_gives(const struct plan *p, const char *fact, enum kernel_tier tier);

#endif
