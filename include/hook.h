/* SPDX-License-Identifier: GPL-2.0-only */
/* hook.h - what the kernel room knows of its hooks, as data: which there are and what became of each. */
#ifndef SOCKWATCH_HOOK_H
#define SOCKWATCH_HOOK_H

#include "nested.h"

enum kernel_tier {
	TIER_BOTH,	  /* needed by either; of a choice: some facts by one, some by the other */
	TIER_TRAMPOLINES,
	TIER_TRACEPOINTS,
};

enum hook_status {
	HOOK_ATTACHED,
	HOOK_UNUSED,	/* not tried: another row gives the fact, or its tier was not chosen */
	HOOK_FAILED,	/* and no other row gives the fact */
	HOOK_REPLACED,	/* failed, and others do */
};

/* A row of the hook table (src/kernel/hooks.c) and what became of it. */
struct kernel_hook {
	const char *fact;	/* "state", "bind" ... */
	const char *program;	/* in the BPF object */
	const char *hook;	/* the kernel's name: "tp_btf/inet_sock_set_state" */
	enum kernel_tier tier;
	const char *covers;
	const char *misses;	/* what stays uncovered with this row; "" nothing */
	enum hook_status status;
	char why[128];		/* of a row that is not attached */
	enum nested_hook nested; /* of a second copy: what it counts under; else NESTED_NONE */
	int twin;		/* rows from here to its second copy, or from that to it; 0 there is none */
};

#define HOOK_ROW(fact, program, hook, tier, covers, misses)                                        \
	{                                                                                          \
		fact, program, hook, tier, covers, misses, HOOK_UNUSED, "", NESTED_NONE, 0         \
	}

#endif
