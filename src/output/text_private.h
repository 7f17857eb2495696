/* SPDX-License-Identifier: GPL-2.0-only */
/* text_private.h - a row of columns and the line made of it, for src/output/text*.c only. */
#ifndef SOCKWATCH_OUTPUT_TEXT_PRIVATE_H
#define SOCKWATCH_OUTPUT_TEXT_PRIVATE_H

#include "units.h"
#include "walk.h"

/* Holders shown, and reasons for each. */
#define MAX_HOLDERS 8
#define MAX_WHY	    8

#define RED   "\033[31m"
#define GREEN "\033[32m"
#define BOLD  "\033[1m"
#define DIM   "\033[2m"
#define RESET "\033[0m"

/* A line under construction.  Spaces wait for what follows them, so that no line ends in one. */
struct line {
	struct buffer *out;
	bool color;
	unsigned int limit;  /* columns */
	unsigned int column; /* of the next character, waiting spaces included */
	unsigned int spaces; /* waiting */
	bool in_detail;	     /* the next piece of DETAIL is not the first */
};

union value {
	uint64_t number;
	const char *word;
	const struct process *process;
};

struct place_text {
	size_t len;
	char text[INET_ENDPOINT_SIZE];
};

struct holder_text {
	const struct process *process; /* NULL: unknown */
	struct place_text local, peer; /* len 0: none */
	const char *state;	       /* NULL: the protocol has none */
	uint64_t since_ns;	       /* CLOCK_REALTIME; 0 unknown */
	const char *why[MAX_WHY];
	unsigned int why_count;
};

/* Columns have an order of their own: the walk fills a row, its end prints it. */
struct text_writer {
	struct writer base;
	struct units_clock_cache clock;
	struct units_clock_cache since_clock;
	unsigned int place_width;
	uint64_t has; /* bit per field */
	union value value[FIELDS];
	struct place_text local, peer;
	struct holder_text holder[MAX_HOLDERS];
	uint64_t holders; /* in the list */
	bool in_holder;	  /* its fields are walked */
};

_Static_assert(FIELDS <= 64, "text_writer.has holds a bit for every field");

static inline bool row_has(const struct text_writer *t, enum field field)
{
	return t->has >> field & 1;
}

/* text.c */
/* Appends what still fits into the line, whose first cut is its end; `color` may be NULL.  Columns used. */
unsigned int line_put(struct line *line, const char *color, const char *text, size_t len);
void line_word(struct line *line, const char *color, const char *word);
void line_number(struct line *line, uint64_t value);
void line_duration(struct line *line, uint64_t ns);
/* "nginx[901]" */
void line_process(struct line *line, const struct process *process);

/* text_trouble.c: what was in the way of a call, behind its errno. */
void detail_trouble(struct line *line, const struct text_writer *t);
/* How often the failure has been repeated since it was told. */
void detail_repeated(struct line *line, const struct text_writer *t);

#endif
