/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * status_writer.h - how a running trace or recorder fares, in words or as JSON.
 *
 * Owns: the words.  Refuses to know: how it was asked.  Texts of the status may be any bytes.
 */
#ifndef SOCKWATCH_STATUS_WRITER_H
#define SOCKWATCH_STATUS_WRITER_H

#include "status.h"
#include "writer.h"

/* Some lines, `now_ns` and its times CLOCK_BOOTTIME. */
void status_write_text(struct buffer *out, const struct status *s, uint64_t now_ns,
		       int64_t wall_offset_ns);
/* One object and a newline; `w` is writer_json_new()'s. */
void writer_status(struct writer *w, struct buffer *out, const struct status *s, uint64_t now_ns);

#endif
