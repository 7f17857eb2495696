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

/* One moment while watching. */
struct budget_sample {
	uint64_t time_ns;
	uint64_t in_use, time_wait; /* TCP sockets with a port of a range */
	uint32_t available;	    /* towards the destination that has least */
};

struct budget_report {
	const struct budget *budget;	  /* finished */
	const struct budget_watch *watch; /* NULL: one look */
	uint64_t watched_ns;
	uint64_t time_ns;		  /* of the look, CLOCK_BOOTTIME */
	int64_t wall_offset_ns;
	const struct budget_sample *sample; /* in order of time; html */
	size_t sample_count;
	bool map;			  /* text: draw each range */
	unsigned int columns;		  /* of the terminal; 0: a pipe, and a map of 80 */
	const char *zone;		  /* text: what the time zone is called */
};

void budget_write_text(struct buffer *out, const struct budget_report *report);
void budget_write_json(struct buffer *out, const struct budget_report *report);
/* One page that needs nothing else: the text report's tables, a map of each range and the use over the time watched. */
void budget_write_html(struct buffer *out, const struct budget_report *report);

/* Ports of a row in use, in percent of the usable ones, rounded down: what no connect() to that destination can take. */
unsigned int budget_percent(const struct budget_row *row);

#endif
