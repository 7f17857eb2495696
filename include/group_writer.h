/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * group_writer.h - groups as a table, or as one JSON object each; the largest first.
 *
 * Owns: columns.  Refuses to know: files, how groups were made.  Appends whole lines.
 */
#ifndef SOCKWATCH_GROUP_WRITER_H
#define SOCKWATCH_GROUP_WRITER_H

#include "group.h"
#include "writer.h"

struct group_style {
	bool sockets;	      /* of a listing: they have neither rates, failures nor lives */
	uint64_t span_ns;     /* in which events were counted; 0 unknown */
	uint64_t end_ns;      /* of it, CLOCK_REALTIME; 0: there is no other span */
	const char *zone;     /* text: of that time */
	unsigned int columns; /* of the terminal, 0 for a pipe */
	bool no_header;
	bool goes_on; /* something came before; JSON: with the schema's number */
};

void group_write_text(struct buffer *out, struct groups *g, const struct group_style *style);
void group_write_json(struct buffer *out, struct groups *g, const struct group_style *style);

#endif
