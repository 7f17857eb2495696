/* SPDX-License-Identifier: GPL-2.0-only */
/* process_json.h - a process as a JSON object, the same in events, listings and reports. */
#ifndef SOCKWATCH_OUTPUT_PROCESS_JSON_H
#define SOCKWATCH_OUTPUT_PROCESS_JSON_H

#include "walk.h"

/* Appends the object: 32 KiB at most, a short one 2 KiB.  Times become wall time by the offset. */
void process_json(struct buffer *out, const struct process *p, enum telling telling,
		  int64_t wall_offset_ns);
/* When a process began, in wall time: the same in every command and run, which know the offset to a few nanoseconds. */
uint64_t process_start(uint64_t start_ns, int64_t wall_offset_ns);

#endif
