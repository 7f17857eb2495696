// SPDX-License-Identifier: GPL-2.0-only
#include "text_private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"
#include "utf8.h"

#define TIME_WIDTH  15
#define DAY_WIDTH   11
#define EVENT_WIDTH 8
#define PROTO_WIDTH 5
#define PID_WIDTH   7
#define COMM_WIDTH  16
/* "255.255.255.255:65535" and one; the longest "[IPv6]:65535". */
#define PLACE_MIN 22
#define PLACE_MAX 47
/* What a terminal keeps for DETAIL before its address columns grow. */
#define DETAIL_MIN 30

static union value *row_set(struct writer *w, enum field field)
{
	struct text_writer *t = (struct text_writer *)w;

	t->has |= 1ull << field;
	return &t->value[field];
}

static bool is_terminal(const struct text_writer *t)
{
	return t->base.options.columns > 0;
}

static void line_begin(struct line *line, const struct text_writer *t)
{
	*line = (struct line){
		.out = t->base.out,
		.color = t->base.options.color,
		.limit = is_terminal(t) ? t->base.options.columns : UINT_MAX,
	};
}

/* Writes the spaces that waited, and text that is known to fit. */
static void line_write(struct line *line, const char *color, const char *text, size_t len)
{
	char *p = buffer_reserve(line->out, line->spaces + len + sizeof(RED RESET));

	if (!p)
		return;
	memset(p, ' ', line->spaces);
	p += line->spaces;
	line->spaces = 0;
	if (color && line->color)
		p = stpcpy(p, color);
	memcpy(p, text, len);
	p += len;
	if (color && line->color)
		p = stpcpy(p, RESET);
	line->out->len = (size_t)(p - line->out->data);
}

unsigned int line_put(struct line *line, const char *color, const char *text, size_t len)
{
	unsigned int used, trailing = 0;
	size_t fits;

	if (line->column >= line->limit)
		return 0;
	fits = utf8_fit(text, len, line->limit - line->column, &used);
	line->column = fits < len ? line->limit : line->column + used;
	for (; fits > 0 && text[fits - 1] == ' '; fits--)
		trailing++;
	if (fits)
		line_write(line, color, text, fits);
	line->spaces += trailing;
	return used;
}

void line_word(struct line *line, const char *color, const char *word)
{
	line_put(line, color, word, strlen(word));
}

void line_number(struct line *line, uint64_t value)
{
	char digits[20];

	line_put(line, NULL, digits, inet_format_number(digits, value));
}

void line_duration(struct line *line, uint64_t ns)
{
	char text[32];

	line_put(line, NULL, text, units_format_duration(text, ns));
}

void line_process(struct line *line, const struct process *process)
{
	char name[4 * PROCESS_NAME_SIZE];

	line_put(line, NULL, name,
		 text_escape(name, process->name, strnlen(process->name, sizeof(process->name))));
	line_word(line, NULL, "[");
	line_number(line, process->pid);
	line_word(line, NULL, "]");
}

static void line_pad(struct line *line, unsigned int spaces)
{
	line->spaces += spaces;
	line->column += spaces;
}

static void line_cell(struct line *line, const char *color, const char *text, size_t len,
		      unsigned int width)
{
	unsigned int used = line_put(line, color, text, len);

	line_pad(line, (used < width ? width - used : 0) + 1);
}

/* Before each piece of DETAIL. */
static void line_piece(struct line *line)
{
	if (line->in_detail)
		line_put(line, NULL, ", ", 2);
	line->in_detail = true;
}

static void line_end(struct line *line)
{
	buffer_append(line->out, "\n", 1);
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

static void put_process(struct line *line, const struct text_writer *t)
{
	const struct process *process = t->value[FIELD_PROCESS].process;
	char name[4 * PROCESS_NAME_SIZE];
	char pid[20];
	unsigned int columns;
	size_t len;

	if (!row_has(t, FIELD_PROCESS)) {
		line_cell(line, NULL, "-", 1, PID_WIDTH);
		line_cell(line, NULL, "-", 1, COMM_WIDTH);
		return;
	}
	line_cell(line, NULL, pid, inet_format_number(pid, process->pid), PID_WIDTH);
	len = text_escape(name, process->name, strnlen(process->name, sizeof(process->name)));
	if (is_terminal(t))
		len = utf8_fit(name, len, COMM_WIDTH, &columns);
	line_cell(line, NULL, len ? name : "-", len ? len : 1, COMM_WIDTH);
}

static void put_place(struct line *line, const struct text_writer *t, enum field field)
{
	const struct place_text *place = field == FIELD_LOCAL ? &t->local : &t->peer;

	if (row_has(t, field))
		line_cell(line, NULL, place->text, place->len, t->place_width);
	else
		line_cell(line, NULL, "-", 1, t->place_width);
}

static const char *state_color(const char *state)
{
	return strcmp(state, "ESTABLISHED") == 0 || strcmp(state, "LISTEN") == 0 ? GREEN : NULL;
}

/* An end that nobody who works with the socket had asked for. */
static const char *reason_color(const char *reason)
{
	static const enum close_reason calm[] = {REASON_UNKNOWN, REASON_LOCAL_CLOSE,
						 REASON_PEER_CLOSE};

	for (size_t i = 0; i < sizeof(calm) / sizeof(calm[0]); i++)
		if (strcmp(reason, event_reason_name(calm[i])) == 0)
			return NULL;
	return RED;
}

static void detail_call(struct line *line, const struct text_writer *t)
{
	if (row_has(t, FIELD_ERROR)) {
		line_piece(line);
		line_word(line, RED, t->value[FIELD_ERROR].word);
		detail_trouble(line, t);
		if (row_has(t, FIELD_REPEATED))
			detail_repeated(line, t);
	} else if (row_has(t, FIELD_AUTOBIND) && t->value[FIELD_AUTOBIND].number) {
		line_piece(line);
		line_word(line, NULL, "autobind");
	}
	if (row_has(t, FIELD_BACKLOG)) {
		line_piece(line);
		line_word(line, NULL, "backlog ");
		line_number(line, t->value[FIELD_BACKLOG].number);
	}
	if (row_has(t, FIELD_LISTENER)) {
		line_piece(line);
		line_word(line, NULL, "listener ");
		line_process(line, t->value[FIELD_LISTENER].process);
	}
}

static void detail_state(struct line *line, const struct text_writer *t)
{
	const char *from = row_has(t, FIELD_FROM) ? t->value[FIELD_FROM].word : "-";
	const char *to = row_has(t, FIELD_TO) ? t->value[FIELD_TO].word : "-";

	line_piece(line);
	line_word(line, NULL, from);
	line_word(line, NULL, " -> ");
	line_word(line, state_color(to), to);
	if (row_has(t, FIELD_SUBSTATE)) {
		line_word(line, NULL, " (");
		line_word(line, NULL, t->value[FIELD_SUBSTATE].word);
		line_word(line, NULL, ")");
	}
	if (row_has(t, FIELD_AFTER_NS)) {
		line_piece(line);
		line_duration(line, t->value[FIELD_AFTER_NS].number);
	}
}

static void detail_close(struct line *line, const struct text_writer *t)
{
	const char *reason = t->value[FIELD_REASON].word;

	line_piece(line);
	if (row_has(t, FIELD_END))
		line_word(line, NULL, "end unknown, last seen then");
	else if (row_has(t, FIELD_REASON))
		line_word(line, reason_color(reason), reason);
	else
		line_word(line, NULL, row_has(t, FIELD_STATE) ? t->value[FIELD_STATE].word : "-");
	detail_call(line, t);
	if (row_has(t, FIELD_DURATION_NS)) {
		line_piece(line);
		line_duration(line, t->value[FIELD_DURATION_NS].number);
	}
	if (row_has(t, FIELD_SENT_BYTES)) {
		line_piece(line);
		line_word(line, NULL, "sent ");
		line_number(line, t->value[FIELD_SENT_BYTES].number);
		line_word(line, NULL, " received ");
		line_number(line, t->value[FIELD_RECEIVED_BYTES].number);
	}
	if (row_has(t, FIELD_RTT_US)) {
		line_piece(line);
		line_word(line, NULL, "rtt ");
		line_duration(line, t->value[FIELD_RTT_US].number * 1000);
	}
	if (row_has(t, FIELD_RETRANSMITS) && t->value[FIELD_RETRANSMITS].number) {
		line_piece(line);
		line_word(line, NULL, "retransmits ");
		line_number(line, t->value[FIELD_RETRANSMITS].number);
	}
	if (row_has(t, FIELD_TIME_WAIT)) {
		line_piece(line);
		line_word(line, NULL, "TIME_WAIT");
	}
}

static void detail_lost(struct line *line, struct text_writer *t)
{
	uint64_t count = t->value[FIELD_COUNT].number;
	uint64_t added = t->value[FIELD_ADDED].number;
	char since[32];
	char digits[20];

	line_put(line, RED, digits, inet_format_number(digits, count));
	line_word(line, RED, count == 1 ? " event lost" : " events lost");
	line_word(line, NULL, " since ");
	line_put(line, NULL, since,
		 units_format_clock(since, &t->since_clock, t->value[FIELD_SINCE].number));
	line_word(line, NULL, "; ");
	line_number(line, added);
	line_word(line, NULL, added == 1 ? " socket found again, " : " sockets found again, ");
	line_number(line, t->value[FIELD_REMOVED].number);
	line_word(line, NULL, " removed");
}

static void text_begin(struct writer *w)
{
	struct text_writer *t = (struct text_writer *)w;

	t->has = 0;
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
	if (lost)
		detail_lost(&line, t);
	else if (row_has(t, FIELD_REASON) || row_has(t, FIELD_STATE))
		detail_close(&line, t);
	else
		detail_call(&line, t);
	if (row_has(t, FIELD_FROM) || row_has(t, FIELD_TO))
		detail_state(&line, t);
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

	if (h && field == FIELD_HOLDER_SINCE)
		h->since_ns = value;
	else if (!t->in_holder)
		row_set(w, field)->number = value;
}

static void text_word(struct writer *w, enum field field, const char *word)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;

	if (h && field == FIELD_HOLDER_STATE)
		h->state = word;
	else if (h && field == FIELD_NONE && h->why_count < MAX_WHY)
		h->why[h->why_count++] = word;
	else if (!t->in_holder)
		row_set(w, field)->word = word;
}

static void text_flag(struct writer *w, enum field field, bool value)
{
	row_set(w, field)->number = value;
}

static void text_absent(struct writer *w, enum field field)
{
	(void)w;
	(void)field;
}

/*
 * A place too long for its column loses the middle of its address; the port stays:
 *
 *     [2001:db8:85a3:1:8a2e:370:7334]:44420  ->  [2001:db8:8…34]:44420
 */
static void elide_middle(struct place_text *place, unsigned int width)
{
	static const char mark[] = "…";
	unsigned int columns;
	size_t head = utf8_fit(place->text, place->len, width / 2, &columns);
	/* No character has fewer bytes than columns, so that this many bytes fit. */
	size_t tail = place->len - (width - columns - 1);

	while ((place->text[tail] & 0xc0) == 0x80)
		tail++;
	memmove(place->text + head + strlen(mark), place->text + tail, place->len - tail);
	memcpy(place->text + head, mark, strlen(mark));
	place->len = head + strlen(mark) + place->len - tail;
}

static void text_place(struct writer *w, enum field field, const struct place *place)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;
	struct place_text *text = field == FIELD_LOCAL ? &t->local : &t->peer;
	char interface[INET_INTERFACE_MAX + 1];
	unsigned int columns;

	if (t->in_holder && !h)
		return;
	if (h)
		text = field == FIELD_HOLDER_LOCAL ? &h->local : &h->peer;
	row_set(w, field);
	if (place->interface) {
		size_t len = strnlen(place->interface, INET_INTERFACE_MAX / 4);

		interface[text_escape(interface, place->interface, len)] = '\0';
	}
	text->len = inet_format_endpoint(text->text, place->family, place->mapped, place->endpoint,
					 place->interface ? interface : NULL);
	if (is_terminal(t) && utf8_fit(text->text, text->len, t->place_width, &columns) < text->len)
		elide_middle(text, t->place_width);
}

static void text_process(struct writer *w, enum field field, const struct process *process)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;

	if (h)
		h->process = process;
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
