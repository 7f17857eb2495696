/* SPDX-License-Identifier: GPL-2.0-only */
/* text_private.h - a row of text before it is written: text.c collects it and lays it out, text_detail.c words its DETAIL. */
#ifndef SOCKWATCH_OUTPUT_TEXT_PRIVATE_H
#define SOCKWATCH_OUTPUT_TEXT_PRIVATE_H

#include "line.h"
#include "title.h"
#include "units.h"
#include "walk.h"

/* Holders shown, and reasons for each. */
#define MAX_HOLDERS 8
#define MAX_WHY	    8

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
	const struct process *process;	/* NULL: unknown, or */
	bool kernel, unheld;		/* the kernel's own; open in no process */
	char device[INET_INTERFACE_MAX + 1]; /* the interface that it is for, "" none */
	const struct process *bound_by; /* NULL: the same, or not known */
	struct place_text local, peer;	/* len 0: none */
	bool ended;			/* of `bound_by`, where that is NULL of `process` */
	const char *state;		/* NULL: the protocol has none */
	uint64_t since_ns;		/* CLOCK_REALTIME; 0 unknown */
	const char *why[MAX_WHY];
	unsigned int why_count;
};

/* What processes are called, by their serial: one has many events. */
#define TITLES 64
struct title {
	uint64_t serial; /* 0 none */
	size_t len;
	char text[TITLE_SIZE];
};

/* Bytes of a host's name. */
#define HOST_SHOWN 64

/* The columns of an event. */
enum { TEXT_TIME, TEXT_MARK, TEXT_EVENT, TEXT_RESULT, TEXT_PROTO, TEXT_PROCESS, TEXT_LOCAL, TEXT_PEER, TEXT_DETAIL };

/* Columns have an order of their own: the walk fills a row, its end prints it. */
struct text_writer {
	struct writer base;
	struct units_clock_cache clock;
	struct units_clock_cache since_clock;
	struct layout layout;
	bool has[FIELDS];
	union value value[FIELDS];
	struct place_text local, peer, asked;
	char netns[4 * NETNS_NAME_SIZE + 2]; /* the word of FIELD_NETNS_NAME */
	char host[4 * HOST_SHOWN + 2];
	unsigned int before; /* columns before those of an event: that of its host */
	struct holder_text holder[MAX_HOLDERS];
	uint64_t holders; /* in the list */
	bool in_holder;	  /* its fields are walked */
	struct title title[TITLES];
};

static inline bool row_has(const struct text_writer *t, enum field field)
{
	return t->has[field];
}

/* Everything behind the columns. */
void text_detail(struct line *line, struct text_writer *t);

#endif
