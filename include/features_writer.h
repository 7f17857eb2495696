/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * features_writer.h - the hook table as it was chosen, in words or as JSON.
 *
 * Owns: the words.  Refuses to know: how hooks are chosen.  O(rows).
 *
 *     struct features f = {.hooks = hooks, .hook_count = n, .tier = TIER_TRAMPOLINES, ...};
 *     features_write_text(&out, &f);
 */
#ifndef SOCKWATCH_FEATURES_WRITER_H
#define SOCKWATCH_FEATURES_WRITER_H

#include <stddef.h>

#include "hook.h"
#include "writer.h"

struct features {
	const char *version, *kernel, *machine;
	enum kernel_tier tier; /* what tells the calls */
	const char *cgroup_place, *tracefs_place; /* NULL: nowhere */
	const char *btf_place;
	const struct kernel_hook *hooks;
	size_t hook_count;
	unsigned int columns; /* of the terminal, 0: a pipe */
};

const char *features_tier_name(enum kernel_tier tier);     /* "tracepoints" */
const char *features_status_name(enum hook_status status); /* "attached" */

void features_write_text(struct buffer *out, const struct features *f);
/* One object for the host, one for each hook. */
void features_write_json(struct buffer *out, const struct features *f);

#endif
