/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * top_writer.h - a frame of `sockwatch top` as lines of text, the same on a terminal, in a file and in a test; or as JSON.
 *
 * Owns: what stands where, words and widths.  Refuses to know: terminals and keys, the clock.  Pure.
 *
 *     struct top_frame f = {.top = t, .list = &list, .view = TOP_PEERS, .columns = 80, .rows = 24, ...};
 *     top_draw(&out, &f, style);
 */
#ifndef SOCKWATCH_TOP_WRITER_H
#define SOCKWATCH_TOP_WRITER_H

#include "top.h"
#include "writer.h"

enum top_page {
	TOP_TABLE,
	TOP_DETAIL, /* of the selected row */
	TOP_TEXT,   /* `text`, from line `first` on */
	TOP_HELP,
};

/* How a line is shown. */
enum top_style { TOP_PLAIN, TOP_BOLD, TOP_REVERSE, TOP_RED, TOP_DIM };

#define TOP_SORTS 7

struct top_frame {
	const struct top *top;
	const struct top_list *list; /* of the view, sorted */
	enum top_view view;
	enum top_page page;
	enum top_column sort;
	bool reverse, paused;
	bool looked;	      /* the view of ports: there is a budget */
	bool screen;	      /* a row is selected, and the last line tells keys */
	size_t selected, first; /* of the list */
	size_t scroll;	      /* TOP_DETAIL: lines that stand above */
	const char *filter;   /* words; NULL none */
	const char *message;  /* for the last line; NULL: the keys */
	const char *text;
	size_t text_len;
	uint64_t begin_ns, now_ns;
	int64_t wall_offset_ns;
	uint64_t lost;
	unsigned int columns; /* 0: lines are whole */
	unsigned int rows;    /* 0: as many as there are */
	bool color;
	const char *zone;
};

/* Whole lines; `style` (NULL: colours of a terminal, if any) takes one of each line and holds `rows`.  True: there are more than have room. */
bool top_draw(struct buffer *out, const struct top_frame *f, uint8_t *style);
/* Rows of the list that a frame of so many lines has room for. */
size_t top_body(unsigned int rows);
/* An object a row; *begun, false at first, is whether one of the stream has told the schema's number. */
void top_write_json(struct buffer *out, const struct top_frame *f, bool *begun);

/* "processes"; NULL for no view. */
const char *top_view_name(unsigned int view);
/* The columns by which a view is sorted, the first if nothing is said; returns how many. */
size_t top_sorts(enum top_view view, enum top_column ret[TOP_SORTS]);
/* As the head of the column, "new/10s", for --sort; -1: the view has none of that name. */
int top_sort_parse(enum top_view view, const char *name);
/* What the row is about, escaped, without a NUL: returns the length, at most TOP_NAME_SIZE. */
#define TOP_NAME_SIZE 4096
size_t top_name(char *out, const struct top_shown *s);

#endif
