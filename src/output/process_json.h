/* SPDX-License-Identifier: GPL-2.0-only */
/* process_json.h - a process as a JSON object, the same in events, listings and reports. */
#ifndef SOCKWATCH_OUTPUT_PROCESS_JSON_H
#define SOCKWATCH_OUTPUT_PROCESS_JSON_H

#include "walk.h"

/* Appends the object: 32 KiB at most, a short one 2 KiB.  Times become wall time by the offset. */
void process_json(struct buffer *out, const struct process *p, enum telling telling,
		  int64_t wall_offset_ns);
/*
 * Its parts, each the value alone and bounded as there: null where it is unknown.  args: true where that is not all.  parents:
 * what is known of them.
 */
bool process_json_args(struct buffer *out, const struct program *program, enum telling telling);
void process_json_name(struct buffer *out, const char *name);
void process_json_path(struct buffer *out, const char *path, enum telling telling);
void process_json_start(struct buffer *out, uint64_t start_ns, int64_t wall_offset_ns);
void process_json_parents(struct buffer *out, const struct process *p, int64_t wall_offset_ns);
/* When a process began, in wall time: the same in every command and run, which know the offset to a few nanoseconds. */
uint64_t process_start(uint64_t start_ns, int64_t wall_offset_ns);

#endif
