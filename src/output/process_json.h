/* SPDX-License-Identifier: GPL-2.0-only */
/* process_json.h - a process as a JSON object, the same in events, listings and reports. */
#ifndef SOCKWATCH_OUTPUT_PROCESS_JSON_H
#define SOCKWATCH_OUTPUT_PROCESS_JSON_H

#include "writer.h"

/* Arguments of a parent: enough to know it by. */
#define PARENT_ARGS_MAX 128

/* Appends the object.  Times become wall time by the offset. */
void process_json(struct buffer *out, const struct process *p, int64_t wall_offset_ns);

#endif
