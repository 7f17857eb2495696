/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * line.h - one line of a table for people under construction: cells, words, colours.
 *
 * Owns: the spaces between cells, and that the line ends in none.  Refuses to know: what the words mean.
 */
#ifndef SOCKWATCH_OUTPUT_LINE_H
#define SOCKWATCH_OUTPUT_LINE_H

#include <string.h>

#include "layout.h"
#include "writer.h"

#define RED   "\033[31m"
#define GREEN "\033[32m"
#define BOLD  "\033[1m"
#define DIM   "\033[2m"
#define RESET "\033[0m"

/* A line under construction.  Spaces wait for what follows them, so that no line ends in one. */
struct line {
	struct buffer *out;
	struct layout *layout;
	bool color;
	size_t cell;	     /* the next */
	unsigned int spaces; /* waiting */
	bool in_detail;	     /* the next piece of DETAIL is not the first */
};

/* Appends; `color` may be NULL. */
void line_put(struct line *line, const char *color, const char *text, size_t len);
void line_word(struct line *line, const char *color, const char *word);
void line_number(struct line *line, uint64_t value);
void line_duration(struct line *line, uint64_t ns);
/* "nginx[901]" */
void line_process(struct line *line, const struct process *process);
/* Text that ends in no space as the next column's, and the spaces up to the one after it. */
void line_cell(struct line *line, const char *color, const char *text, size_t len);
static inline void line_cell_word(struct line *line, const char *color, const char *word)
{
	line_cell(line, color, word, strlen(word));
}
/* ASCII, at the right of it: a number. */
void line_cell_right(struct line *line, const char *text, size_t len);
/* The names of all columns; that of times, `time`, with the zone that they are in. */
void line_header(struct line *line, size_t time, const char *zone);
/* Before each piece of DETAIL. */
void line_piece(struct line *line);
/* Ends what began at out->data + start; a terminal gets as many lines as it takes, which begin with `indent` spaces. */
void line_end(struct line *line, size_t start, unsigned int indent);

/* What stands behind a word of the list "why"; NULL for what the line says already.  In why.c. */
const char *why_text(const char *word);

#endif
