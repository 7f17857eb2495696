/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * layout.h - the columns of a table for people, and lines that end where the terminal does.
 *
 * Owns: how wide a column is, and where a line goes on in the next.  Refuses to know: what a cell says.  A column is as wide as
 * its widest cell so far, as long as none that the terminal has room for leaves it for that; a cell that is wider still is written whole.
 *
 *     static const struct layout_column columns[] = {LAYOUT_RIGHT("PID"), LAYOUT_LEFT("NAME", 15)};
 *     struct layout layout;
 *     layout_init(&layout, LAYOUT_OF(columns), 80);
 */
#ifndef SOCKWATCH_LAYOUT_H
#define SOCKWATCH_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

#define LAYOUT_COLUMNS 12
/* One cell that is wider does not make all others so. */
#define LAYOUT_WIDEST 100

struct layout_column {
	const char *name; /* at its head */
	unsigned int least;
	bool right; /* numbers */
};

#define LAYOUT_LEFT(text, wide)                                                                    \
	{                                                                                          \
		.name = text, .least = wide                                                        \
	}
#define LAYOUT_RIGHT(text)                                                                         \
	{                                                                                          \
		.name = text, .right = true                                                        \
	}

struct layout {
	const struct layout_column *column;
	size_t count;
	unsigned int limit; /* columns of the terminal, 0: a pipe */
	unsigned int changes; /* of the widths so far */
	size_t first;	    /* so many columns stay in the first line */
	unsigned int width[LAYOUT_COLUMNS];
};

#define LAYOUT_OF(columns) columns, sizeof(columns) / sizeof((columns)[0])
/* The columns must outlive `l`. */
void layout_init(struct layout *l, const struct layout_column *columns, size_t count,
		 unsigned int limit);
/* The terminal has another size: widths begin anew. */
void layout_resize(struct layout *l, unsigned int limit);
/* Where column `i` begins. */
unsigned int layout_begin(const struct layout *l, size_t i);
unsigned int layout_widen(struct layout *l, size_t i, unsigned int used);
/* A cell of column `i` takes so many columns; returns how wide it is to be. */
static inline unsigned int layout_fit(struct layout *l, size_t i, unsigned int used)
{
	return used <= l->width[i] ? l->width[i] : layout_widen(l, i, used);
}

/*
 * Breaks lines from out->data + start on at spaces where they are wider than `limit` (0: nothing is done); what follows
 * begins with `indent` spaces.  Only a word that no line has room for is broken itself.  Sequences of colour take no column.
 */
void layout_fold(struct buffer *out, size_t start, unsigned int limit, unsigned int indent);

#endif
