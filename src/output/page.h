/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * page.h - one web page that needs nothing else: its look, charts over time, maps of ports.
 *
 * Owns: colours (light, dark, print), how wide things may be, that a page runs no script and loads nothing, and that whatever
 * others named stays text.  Refuses to know: what is shown.  Nothing in a page but page_put() takes bytes that are not the program's own.
 *
 *     page_begin(out, "sockwatch: local ports");
 *     page_put(out, process->name, strlen(process->name));
 *     page_end(out);
 */
#ifndef SOCKWATCH_OUTPUT_PAGE_H
#define SOCKWATCH_OUTPUT_PAGE_H

#include "writer.h"

/* `title` is the program's own. */
void page_begin(struct buffer *out, const char *title);
void page_end(struct buffer *out);
/* Any bytes, on one line. */
void page_put(struct buffer *out, const char *bytes, size_t len);
/* Text that a writer of text has made: what others named is escaped in it for a line, not yet for a page. */
void page_put_lines(struct buffer *out, const char *text, size_t len);

/* A class of the page's look ("s1" ...), and what it stands for. */
struct page_key {
	const char *class, *words;
};
void page_keys(struct buffer *out, const struct page_key *key, size_t count);

/* What is known of each step. */
enum page_known {
	PAGE_KNOWN,
	PAGE_LOSSY = 1,	  /* a bit: some of it was lost */
	PAGE_NOTHING = 2, /* a bit: nobody looked */
	PAGE_PARTLY = 4,  /* a bit: somebody looked for a part of it only */
};

struct page_series {
	const char *class, *words;
	const uint64_t *value; /* of each step, `count` of them */
};

/* Steps of time of equal width, each a bar of what all series add up to. */
struct page_bars {
	const char *title; /* the program's own, as all words here */
	uint64_t begin_ns, step_ns; /* CLOCK_REALTIME */
	size_t count;
	const uint8_t *known; /* of each step */
	const struct page_series *series;
	size_t series_count;
	uint64_t line;	       /* a level to compare with, 0 none */
	const char *line_words;
};
void page_put_bars(struct buffer *out, const struct page_bars *bars);

/* A table that is wider than the page moves by itself.  `head` are its columns; one that begins with '>' has numbers. */
void page_table_begin(struct buffer *out, const char *caption, const char *const *columns,
		      size_t count);
void page_table_end(struct buffer *out);
/* A cell with a number, and one with a bar as long as `part` of `whole`. */
void page_number(struct buffer *out, uint64_t value);
void page_bar(struct buffer *out, const char *class, uint64_t part, uint64_t whole);

/*
 * Ports low to high by `step`, MAP_COLUMNS a line, each in the class "m0" to "m5" that `mark` has for it; 0 is the ground.  `words` tell
 * whoever does not see it.
 */
#define PAGE_MAP_COLUMNS 400
void page_map(struct buffer *out, const uint8_t *mark, unsigned int low, unsigned int high,
	      unsigned int step, const char *words);

#endif
