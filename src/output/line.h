/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * line.h - one line of a table for people under construction: cells, words, colours, what does not fit.
 *
 * Owns: where the line is cut and that it ends in no space.  Refuses to know: what the words mean.
 */
#ifndef SOCKWATCH_OUTPUT_LINE_H
#define SOCKWATCH_OUTPUT_LINE_H

#include "writer.h"

#define RED   "\033[31m"
#define GREEN "\033[32m"
#define BOLD  "\033[1m"
#define DIM   "\033[2m"
#define RESET "\033[0m"

/* A line under construction.  Spaces wait for what follows them, so that no line ends in one. */
struct line {
	struct buffer *out;
	bool color;
	unsigned int limit;  /* columns, UINT_MAX: no end */
	unsigned int column; /* of the next character, waiting spaces included; not counted where there is no end */
	unsigned int spaces; /* waiting */
	bool in_detail;	     /* the next piece of DETAIL is not the first */
};

/* Appends what still fits into the line, whose first cut is its end; `color` may be NULL. */
void line_put(struct line *line, const char *color, const char *text, size_t len);
void line_word(struct line *line, const char *color, const char *word);
void line_number(struct line *line, uint64_t value);
void line_duration(struct line *line, uint64_t ns);
/* "nginx[901]" */
void line_process(struct line *line, const struct process *process);
/* Text and the spaces that fill `width` and one more. */
void line_cell(struct line *line, const char *color, const char *text, size_t len,
	       unsigned int width);
/* Before each piece of DETAIL. */
void line_piece(struct line *line);
void line_end(struct line *line);

/* What stands behind a word of the list "why"; NULL for what the line says already.  In why.c. */
const char *why_text(const char *word);

#endif
