// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "text_private.h"

/* What a terminal keeps for DETAIL, for it to go on below itself. */
#define DETAIL_LEAST 40
#define INDENT	     4

/* Where all are of one host its column is left out. */
static const struct layout_column columns[] = {
	LAYOUT_LEFT("HOST", 8),
	[1 + TEXT_TIME] = LAYOUT_LEFT("TIME", 15),
	[1 + TEXT_MARK] = LAYOUT_LEFT("", 1),
	[1 + TEXT_EVENT] = LAYOUT_LEFT("EVENT", 7),
	[1 + TEXT_RESULT] = LAYOUT_LEFT("RESULT", 11),
	[1 + TEXT_PROTO] = LAYOUT_LEFT("PROTO", 0),
	[1 + TEXT_PROCESS] = LAYOUT_LEFT("PROCESS", 14),
	[1 + TEXT_LOCAL] = LAYOUT_LEFT("LOCAL", 15),
	[1 + TEXT_PEER] = LAYOUT_LEFT("PEER", 15),
	[1 + TEXT_DETAIL] = LAYOUT_LEFT("DETAIL", 0),
};
/* "2026-11-20 12:00:00.123456" */
#define DATED_WIDTH 26

static union value *row_set(struct writer *w, enum field field)
{
	struct text_writer *t = (struct text_writer *)w;

	t->has[field] = true;
	return &t->value[field];
}

static struct line line_begin(struct text_writer *t)
{
	if (t->layout.limit != t->base.options.columns)
		layout_resize(&t->layout, t->base.options.columns);
	if (t->base.options.dates)
		layout_fit(&t->layout, t->before + TEXT_TIME, DATED_WIDTH);
	return (struct line){
		.out = t->base.out,
		.layout = &t->layout,
		.color = t->base.options.color,
	};
}

static bool is_open(const struct text_writer *t)
{
	return row_has(t, FIELD_STATE) && !row_has(t, FIELD_REASON);
}

/* A life that goes on stands at its beginning. */
static void put_time(struct line *line, struct text_writer *t)
{
	enum field field = is_open(t) ? FIELD_OPENED : FIELD_TIME;
	char text[32];
	uint64_t ns = t->value[field].number;
	size_t len;

	if (!row_has(t, field)) {
		line_cell(line, NULL, "-", 1);
		return;
	}
	len = t->base.options.dates ? units_format_day(text, ns) : 0;
	if (len > 0)
		text[len++] = ' ';
	len += units_format_clock(text + len, &t->clock, ns);
	line_cell(line, DIM, text, len);
}

/* An end that nobody who works with the socket had asked for. */
static bool is_failure(const char *reason)
{
	static const enum close_reason calm[] = {REASON_UNKNOWN, REASON_LOCAL_CLOSE,
						 REASON_PEER_CLOSE};

	for (size_t i = 0; i < sizeof(calm) / sizeof(calm[0]); i++)
		if (strcmp(reason, event_reason_name(calm[i])) == 0)
			return false;
	return true;
}

/* How it went, in a word: an errno, why a life ended, in which state it goes on. */
static void put_result(struct line *line, const struct text_writer *t)
{
	const char *word = "ok";
	bool failed = false;

	if (row_has(t, FIELD_END)) {
		word = "unknown";
	} else if (row_has(t, FIELD_REASON)) {
		word = t->value[FIELD_REASON].word;
		failed = is_failure(word);
	} else if (row_has(t, FIELD_STATE)) {
		word = t->value[FIELD_STATE].word;
	} else if (row_has(t, FIELD_ERROR)) {
		word = t->value[FIELD_ERROR].word;
		failed = true;
	} else if (row_has(t, FIELD_PHASE)) {
		word = t->value[FIELD_PHASE].word;
		failed = true;
	} else if (row_has(t, FIELD_COUNT)) {
		word = "-";
		failed = true;
	} else if (row_has(t, FIELD_FROM) || row_has(t, FIELD_TO)) {
		word = "-";
	}
	line_cell_word(line, RED, failed ? "!" : "");
	line_cell_word(line, failed ? RED : BOLD, t->value[FIELD_EVENT].word);
	line_cell_word(line, failed ? RED : NULL, word);
}

static const struct title *title_of(struct text_writer *t, const struct process *process)
{
	struct title *title = &t->title[process->serial % TITLES];

	if (process->serial && title->serial == process->serial)
		return title;
	title->serial = process->serial;
	title->len = title_format(title->text, process, true);
	return title;
}

static void put_process(struct line *line, struct text_writer *t)
{
	const struct title *title;

	if (!row_has(t, FIELD_PROCESS)) {
		line_cell_word(line, NULL, row_has(t, FIELD_KERNEL) ? "kernel" : "-");
		return;
	}
	title = title_of(t, t->value[FIELD_PROCESS].process);
	line_cell(line, NULL, title->text, title->len);
}

static void put_place(struct line *line, const struct text_writer *t, enum field field)
{
	const struct place_text *place = field == FIELD_LOCAL ? &t->local : &t->peer;

	if (row_has(t, field))
		line_cell(line, NULL, place->text, place->len);
	else
		line_cell(line, NULL, "-", 1);
}

static void text_begin(struct writer *w)
{
	struct text_writer *t = (struct text_writer *)w;

	memset(t->has, 0, sizeof(t->has));
	t->holders = 0;
	t->in_holder = false;
}

static void text_end(struct writer *w)
{
	struct text_writer *t = (struct text_writer *)w;
	unsigned int detail, limit = w->options.columns;
	size_t start = w->out->len;
	struct line line = line_begin(t);

	if (t->before)
		line_cell_word(&line, NULL, row_has(t, FIELD_HOST) ? t->host : "-");
	put_time(&line, t);
	put_result(&line, t);
	line_cell_word(&line, NULL, row_has(t, FIELD_PROTO) ? t->value[FIELD_PROTO].word : "-");
	put_process(&line, t);
	put_place(&line, t, FIELD_LOCAL);
	put_place(&line, t, FIELD_PEER);
	text_detail(&line, t);
	detail = limit ? layout_begin(&t->layout, t->before + TEXT_DETAIL) : 0;
	line_end(&line, start, detail + DETAIL_LEAST <= limit ? detail : INDENT);
}

static void text_header(struct writer *w)
{
	struct text_writer *t = (struct text_writer *)w;
	size_t start = w->out->len;
	struct line line = line_begin(t);

	line_header(&line, t->before + TEXT_TIME, w->options.zone);
	line_end(&line, start, INDENT);
}

static unsigned int text_widths(struct writer *w)
{
	return ((struct text_writer *)w)->layout.changes;
}

/* The holder that is walked; NULL for one that is only counted. */
static struct holder_text *holder_of(struct text_writer *t)
{
	return t->holders <= MAX_HOLDERS ? &t->holder[t->holders - 1] : NULL;
}

static void text_number(struct writer *w, enum field field, uint64_t value)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;

	if (h && field == FIELD_SINCE)
		h->since_ns = value;
	else if (!t->in_holder)
		row_set(w, field)->number = value;
}

static void text_word(struct writer *w, enum field field, const char *word)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;

	if (h && field == FIELD_STATE)
		h->state = word;
	else if (h && field == FIELD_NONE && h->why_count < MAX_WHY)
		h->why[h->why_count++] = word;
	else if (!t->in_holder)
		row_set(w, field)->word = word;
}

static void text_flag(struct writer *w, enum field field, bool value)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;

	if (h) {
		h->kernel |= field == FIELD_KERNEL;
		h->unheld |= field == FIELD_UNHELD;
		h->ended |= field == FIELD_ENDED && value;
	} else if (!t->in_holder) {
		row_set(w, field)->number = value;
	}
}

/* Names of interfaces, namespaces and hosts. */
static void text_text(struct writer *w, enum field field, const char *text, size_t len)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;

	if (h) {
		len = len < INET_INTERFACE_MAX / 4 ? len : INET_INTERFACE_MAX / 4;
		h->device[line_escape(h->device, text, len)] = '\0';
	} else if (field == FIELD_HOST) {
		t->host[text_escape(t->host, text, len < HOST_SHOWN ? len : HOST_SHOWN)] = '\0';
		row_set(w, field);
	} else if (field == FIELD_NETNS_NAME) {
		len = len < NETNS_NAME_SIZE ? len : NETNS_NAME_SIZE - 1;
		t->netns[text_escape(t->netns, text, len)] = '\0';
		row_set(w, field)->word = t->netns;
	}
}

static void text_absent(struct writer *w, enum field field)
{
	if (field == FIELD_TIME_WAIT) /* which nobody misses elsewhere */
		row_set(w, field)->number = false;
	else if (field == FIELD_NETNS_NAME)
		row_set(w, field)->word = NULL;
}

static void text_place(struct writer *w, enum field field, const struct place *place)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;
	struct place_text *text = field == FIELD_LOCAL ? &t->local : &t->peer;
	char interface[INET_INTERFACE_MAX + 1];

	if (t->in_holder && !h)
		return;
	if (field == FIELD_ASKED)
		text = &t->asked;
	if (h)
		text = field == FIELD_LOCAL ? &h->local : &h->peer;
	else
		row_set(w, field);
	if (place->interface) {
		size_t len = strnlen(place->interface, INET_INTERFACE_MAX / 4);

		interface[line_escape(interface, place->interface, len)] = '\0';
	}
	text->len = inet_format_endpoint(text->text, place->family, place->mapped, place->endpoint,
					 place->interface ? interface : NULL);
}

static void text_process(struct writer *w, enum field field, const struct process *process,
			 enum telling telling)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;

	(void)telling;
	if (h)
		*(field == FIELD_BOUND_BY ? &h->bound_by : &h->process) = process;
	else if (!t->in_holder)
		row_set(w, field)->process = process;
}

static void text_open(struct writer *w, enum field field, enum nest nest)
{
	struct text_writer *t = (struct text_writer *)w;

	if (field != FIELD_NONE)
		row_set(w, field);
	if (field != FIELD_NONE || nest != NEST_OBJECT || !row_has(t, FIELD_HOLDERS))
		return;
	t->in_holder = true;
	if (++t->holders <= MAX_HOLDERS)
		*holder_of(t) = (struct holder_text){0};
}

static void text_close(struct writer *w, enum nest nest)
{
	if (nest == NEST_OBJECT)
		((struct text_writer *)w)->in_holder = false;
}

static const struct spelling text_spelling = {
	.header = text_header,
	.widths = text_widths,
	.begin = text_begin,
	.end = text_end,
	.time = text_number,
	.word = text_word,
	.text = text_text,
	.number = text_number,
	.flag = text_flag,
	.absent = text_absent,
	.place = text_place,
	.process = text_process,
	.open = text_open,
	.close = text_close,
};

struct writer *writer_text_new(const struct writer_options *options)
{
	struct text_writer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->base.spelling = &text_spelling;
	t->base.options = *options;
	t->before = options->hosts;
	layout_init(&t->layout, columns + !t->before,
		    sizeof(columns) / sizeof(columns[0]) - !t->before, options->columns);
	units_clock_init(&t->clock);
	units_clock_init(&t->since_clock);
	return &t->base;
}
