/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report_words.h - what the rows of a report are called, in text and on a page alike.
 *
 * Owns: words.  All of it is escaped for a line (writer.h); a page escapes that once more (page_put_lines()).
 */
#ifndef SOCKWATCH_OUTPUT_REPORT_WORDS_H
#define SOCKWATCH_OUTPUT_REPORT_WORDS_H

#include "report_writer.h"

/* Rows of a table for people; JSON has them all. */
#define REPORT_ROWS 25


/* "python3 web-app.py (web.service)"; "-" nobody is known. */
void words_who(struct buffer *out, const struct report_who *who);
/* "nginx[901] LISTEN" */
void words_holder(struct buffer *out, const struct report_group *g);
/* "to 10.0.0.2:443", "from 10.0.0.7", and where it is not known "10.0.0.9" */
void words_peer(struct buffer *out, const struct report_key *key);
/* "tcp 8080", and where it is not the recorder's own " in web" */
void words_port(struct buffer *out, const struct report *r, const struct report_key *key);
/* " in web", " in 4026532281", "" */
void words_space(struct buffer *out, const struct report *r, uint32_t netns);
/* "bind EADDRINUSE" */
void words_call(struct buffer *out, const struct report_call *call);
/* "below 1ms", "1 to 10ms", "1d and longer" */
void words_length(struct buffer *out, size_t i);
/* What is not known, or not whole: a line each, handed to `say` without a newline. */
void words_unknown(const struct report_page *page,
		   void (*say)(struct buffer *out, const char *line, size_t len), struct buffer *out);
/* "2026-11-26 12:00:00 to 2026-11-26 13:00:00 (UTC)" */
void words_span(struct buffer *out, const struct report_page *page);
/* Of what of a step is known: enum page_known. */
unsigned int report_known(const struct report *r, size_t bucket);

#endif
