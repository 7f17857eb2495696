/* SPDX-License-Identifier: GPL-2.0-only */
/* top_run.h - a running `sockwatch top`: between top.c, which counts and draws, and top_keys.c, which does what keys ask for. */
#ifndef SOCKWATCH_TOP_RUN_H
#define SOCKWATCH_TOP_RUN_H

#include "budget_look.h"
#include "output.h"
#include "session.h"
#include "store.h"
#include "top_writer.h"

#define PROMPT_MAX 200

struct top_run {
	struct options options;	  /* of the session; the filter may be changed */
	bool own_filter;	  /* it was */
	const char *sort;	  /* as given */
	struct session session;
	struct output output;
	bool has_output;
	bool json_begun; /* the first object is written */
	struct buffer buffer, text;
	struct top *top;
	struct top_list list;
	struct top_frame frame;
	uint8_t *style; /* of rows */
	unsigned int styles;
	bool on_screen;
	enum top_column sorted[TOP_VIEWS];
	char filter[PROMPT_MAX + 1], prompt[PROMPT_MAX + 3], message[PROMPT_MAX + 1];
	bool asking;	  /* the prompt is open */
	uint64_t message_ns; /* when it was said; 0: none */
	bool stale;	  /* the list is of another view, or not sorted so */
	bool more;	  /* the page has more lines than the terminal */
	bool dirty;	  /* another frame is due now */

	struct budget_look look;
	uint64_t look_ns, look_took_ns;
	struct table_telling telling;
	bool is_telling;
	uint64_t told_ns, next_ns, frames;

	struct store_reader *store; /* NULL: there is none */
	const char *store_file;
};

/* Takes every key that waits. */
void top_take_keys(struct top_run *t);
/* For the last line; lives a few seconds. */
__attribute__((format(printf, 2, 3))) void top_say(struct top_run *t, const char *format, ...);

#endif
