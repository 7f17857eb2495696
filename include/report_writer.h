/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report_writer.h - a report (report.h) as tables, as JSON objects, one a line, and as a page.
 *
 * Owns: what is shown, in which order; all words.  Refuses to know: the store, files, the clock.  Pure.
 */
#ifndef SOCKWATCH_REPORT_WRITER_H
#define SOCKWATCH_REPORT_WRITER_H

#include "report.h"
#include "writer.h"

struct report_page {
	const struct report *report; /* finished */
	const char *store;	     /* its file, any bytes */
	const char *zone;	     /* what the time zone is called, of text and pages */
	bool chosen;		     /* by a filter: not all that was recorded */
	unsigned int columns;	     /* text: of the terminal; 0: a pipe */
};

void report_write_text(struct buffer *out, const struct report_page *page);
void report_write_json(struct buffer *out, const struct report_page *page);
void report_write_html(struct buffer *out, const struct report_page *page);

#endif
