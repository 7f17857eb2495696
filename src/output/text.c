// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "text_private.h"
#include "utf8.h"

#define TIME_WIDTH  15
#define DAY_WIDTH   11
#define EVENT_WIDTH 8
#define PROTO_WIDTH 5
#define PID_WIDTH   7
#define COMM_WIDTH  TITLE_COLUMNS
/* "255.255.255.255:65535" and one; the longest "[IPv6]:65535". */
#define PLACE_MIN 22
#define PLACE_MAX 47
/* What a terminal keeps for DETAIL before its address columns grow. */
#define DETAIL_MIN 30

static union value *row_set(struct writer *w, enum field field)
{
	struct text_writer *t = (struct text_writer *)w;

	t->has[field] = true;
	return &t->value[field];
}

static void line_begin(struct line *line, const struct text_writer *t)
{
	*line = (struct line){
		.out = t->base.out,
		.color = t->base.options.color,
		.limit = is_terminal(t) ? t->base.options.columns : UINT_MAX,
	};
}

static unsigned int time_width(const struct writer_options *options)
{
	return TIME_WIDTH + (options->dates ? DAY_WIDTH : 0);
}

static void put_time(struct line *line, struct text_writer *t)
{
	char text[32];
	uint64_t ns = t->value[FIELD_TIME].number;
	size_t len = t->base.options.dates ? units_format_day(text, ns) : 0;

	if (len > 0)
		text[len++] = ' ';
	len += units_format_clock(text + len, &t->clock, ns);
	line_cell(line, DIM, text, len, time_width(&t->base.options));
}

static void put_word_cell(struct line *line, const char *color, const char *word,
			  unsigned int width)
{
	line_cell(line, color, word, strlen(word), width);
}

static const struct title *title_of(struct text_writer *t, const struct process *process)
{
	struct title *title = &t->title[process->serial % TITLES];
	unsigned int columns;

	if (process->serial && title->serial == process->serial)
		return title;
	title->serial = process->serial;
	title->len = title_format(title->text, process);
	if (is_terminal(t))
		title->len = utf8_fit(title->text, title->len, COMM_WIDTH, &columns);
	return title;
}

static void put_process(struct line *line, struct text_writer *t)
{
	const struct process *process = t->value[FIELD_PROCESS].process;
	const struct title *title;
	char pid[20];

	if (!row_has(t, FIELD_PROCESS)) {
		line_cell(line, NULL, "-", 1, PID_WIDTH);
		put_word_cell(line, NULL, row_has(t, FIELD_KERNEL) ? "kernel" : "-", COMM_WIDTH);
		return;
	}
	line_cell(line, NULL, pid, inet_format_number(pid, process->pid), PID_WIDTH);
	title = title_of(t, process);
	line_cell(line, NULL, title->len ? title->text : "-", title->len ? title->len : 1,
		  COMM_WIDTH);
}

static void put_place(struct line *line, const struct text_writer *t, enum field field)
{
	const struct place_text *place = field == FIELD_LOCAL ? &t->local : &t->peer;

	if (row_has(t, field))
		line_cell(line, NULL, place->text, place->len, t->place_width);
	else
		line_cell(line, NULL, "-", 1, t->place_width);
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
	bool lost = row_has(t, FIELD_COUNT);
	struct line line;

	line_begin(&line, t);
	put_time(&line, t);
	put_word_cell(&line, lost ? RED : BOLD, t->value[FIELD_EVENT].word, EVENT_WIDTH);
	put_word_cell(&line, NULL, lost ? "-" : t->value[FIELD_PROTO].word, PROTO_WIDTH);
	put_process(&line, t);
	put_place(&line, t, FIELD_LOCAL);
	put_place(&line, t, FIELD_PEER);
	text_detail(&line, t);
	line_end(&line);
}

static void text_header(struct writer *w)
{
	struct text_writer *t = (struct text_writer *)w;
	struct line line;

	line_begin(&line, t);
	put_word_cell(&line, NULL, "TIME", time_width(&t->base.options));
	put_word_cell(&line, NULL, "EVENT", EVENT_WIDTH);
	put_word_cell(&line, NULL, "PROTO", PROTO_WIDTH);
	put_word_cell(&line, NULL, "PID", PID_WIDTH);
	put_word_cell(&line, NULL, "COMM", COMM_WIDTH);
	put_word_cell(&line, NULL, "LOCAL", t->place_width);
	put_word_cell(&line, NULL, "PEER", t->place_width);
	line_word(&line, NULL, "DETAIL");
	line_end(&line);
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

/* Names of interfaces and namespaces. */
static void text_text(struct writer *w, enum field field, const char *text, size_t len)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;

	if (h) {
		len = len < INET_INTERFACE_MAX / 4 ? len : INET_INTERFACE_MAX / 4;
		h->device[text_escape(h->device, text, len)] = '\0';
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

		interface[text_escape(interface, place->interface, len)] = '\0';
	}
	text->len = inet_format_endpoint(text->text, place->family, place->mapped, place->endpoint,
					 place->interface ? interface : NULL);
	if (is_terminal(t) && field != FIELD_ASKED)
		text->len = utf8_fit_middle(text->text, text->len, t->place_width);
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

static unsigned int place_width(const struct writer_options *options)
{
	const unsigned int before =
		time_width(options) + EVENT_WIDTH + PROTO_WIDTH + PID_WIDTH + COMM_WIDTH + 5;
	const unsigned int needed = before + 2 * (PLACE_MIN + 1) + DETAIL_MIN;
	unsigned int width;

	if (options->ipv4_only)
		return PLACE_MIN;
	if (options->columns == 0)
		return PLACE_MAX;
	if (options->columns <= needed)
		return PLACE_MIN;
	width = PLACE_MIN + (options->columns - needed) / 2;
	return width < PLACE_MAX ? width : PLACE_MAX;
}

struct writer *writer_text_new(const struct writer_options *options)
{
	struct text_writer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->base.spelling = &text_spelling;
	t->base.options = *options;
	t->place_width = place_width(options);
	units_clock_init(&t->clock);
	units_clock_init(&t->since_clock);
	return &t->base;
}
