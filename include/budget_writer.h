/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * budget_writer.h - a budget as a report for people or as JSON objects, one a line.
 *
 * Owns: the order of the report and its advice.  Refuses to know: files, terminals, the clock.  Pure.
 */
#ifndef SOCKWATCH_BUDGET_WRITER_H
#define SOCKWATCH_BUDGET_WRITER_H

#include "budget_watch.h"
#include "writer.h"

struct budget_report {
	const struct budget *budget;	  /* finished */
	const struct budget_watch *watch; /* NULL: one look */
	uint64_t watched_ns;
	uint64_t time_ns;		  /* of the look, CLOCK_BOOTTIME */
	int64_t wall_offset_ns;
	bool map;			  /* text: draw each range */
	unsigned int columns;		  /* of the map; 0: 80 */
};

void budget_write_text(struct buffer *out, const struct budget_report *report);
void budget_write_json(struct buffer *out, const struct budget_report *report);

/* Ports of a row in use, in percent of the usable ones, rounded down: what no connect() to that destination can take. */
unsigned int budget_percent(const struct budget_row *row);

/* Appends like printf. */
__attribute__((format(printf, 2, 3))) void buffer_print(struct buffer *b, const char *format, ...);

#endif
