// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "title.h"
#include "units.h"
#include "utf8.h"
#include "walk.h"

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
	const struct process *process; /* NULL: unknown */
	const struct process *bound_by; /* NULL: the same, or not known */
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
	bool has[FIELDS];
	union value value[FIELDS];
	struct place_text local, peer, asked;
	struct holder_text holder[MAX_HOLDERS];
	uint64_t holders; /* in the list */
	bool in_holder;	  /* its fields are walked */
};

static bool row_has(const struct text_writer *t, enum field field)
{
	return t->has[field];
}

static union value *row_set(struct writer *w, enum field field)
{
	struct text_writer *t = (struct text_writer *)w;

	t->has[field] = true;
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
	char name[TITLE_SIZE];
	char pid[20];
	unsigned int columns;
	size_t len;

	if (!row_has(t, FIELD_PROCESS)) {
		line_cell(line, NULL, "-", 1, PID_WIDTH);
		put_word_cell(line, NULL, row_has(t, FIELD_KERNEL) ? "kernel" : "-", COMM_WIDTH);
		return;
	}
	line_cell(line, NULL, pid, inet_format_number(pid, process->pid), PID_WIDTH);
	len = title_format(name, process);
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

static void detail_holder(struct line *line, const struct text_writer *t,
			  const struct holder_text *h)
{
	const char *between = "; ";

	if (h->process)
		line_process(line, h->process);
	else
		line_word(line, NULL, "an unknown process");
	line_word(line, NULL, " ");
	line_put(line, NULL, h->local.text, h->local.len);
	if (h->peer.len) {
		line_word(line, NULL, "->");
		line_put(line, NULL, h->peer.text, h->peer.len);
	}
	if (h->state) {
		line_word(line, NULL, " ");
		line_word(line, NULL, strcmp(h->state, "CLOSE") == 0 ? "bound" : h->state);
	}
	if (h->since_ns) {
		line_word(line, NULL, ", ");
		line_duration(line, t->value[FIELD_TIME].number - h->since_ns);
	}
	if (h->bound_by) {
		line_word(line, NULL, ", bound by ");
		line_process(line, h->bound_by);
	}
	for (unsigned int i = 0; i < h->why_count; i++) {
		const char *text = why_text(h->why[i]);

		if (!text)
			continue;
		line_word(line, NULL, between);
		line_word(line, NULL, text);
		between = ", ";
	}
}

static void detail_holders(struct line *line, const struct text_writer *t)
{
	uint64_t shown = t->holders < MAX_HOLDERS ? t->holders : MAX_HOLDERS;
	uint64_t more = t->holders - shown;

	more += row_has(t, FIELD_MORE) ? t->value[FIELD_MORE].number : 0;
	if (t->holders == 0)
		line_word(line, NULL, ": holder not known");
	for (uint64_t i = 0; i < shown; i++) {
		line_word(line, NULL, i ? "; and by " : ": held by ");
		detail_holder(line, t, &t->holder[i]);
	}
	if (more > 0) {
		line_word(line, NULL, "; and by ");
		line_number(line, more);
		line_word(line, NULL, " more");
	}
	if (row_has(t, FIELD_AS_OF)) {
		line_word(line, NULL, "; as of ");
		line_duration(line, t->value[FIELD_TIME].number - t->value[FIELD_AS_OF].number);
		line_word(line, NULL, " ago");
	}
}

static void detail_range(struct line *line, const struct text_writer *t)
{
	line_word(line, NULL, ": ");
	line_number(line, t->value[FIELD_USED].number);
	line_word(line, NULL, " of ports ");
	line_number(line, t->value[FIELD_LOW].number);
	line_word(line, NULL, "-");
	line_number(line, t->value[FIELD_HIGH].number);
	line_word(line, NULL, " in use");
	if (t->value[FIELD_RESERVED].number) {
		line_word(line, NULL, ", ");
		line_number(line, t->value[FIELD_RESERVED].number);
		line_word(line, NULL, " reserved");
	}
}

/* What was in the way of a call, behind its errno. */
static void detail_trouble(struct line *line, const struct text_writer *t)
{
	if (row_has(t, FIELD_HOLDERS))
		detail_holders(line, t);
	else if (row_has(t, FIELD_RANGE))
		detail_range(line, t);
	if (row_has(t, FIELD_UNPRIVILEGED_FROM)) {
		line_word(line, NULL, ": ports below ");
		line_number(line, t->value[FIELD_UNPRIVILEGED_FROM].number);
		line_word(line, NULL,
			  " need CAP_NET_BIND_SERVICE (net.ipv4.ip_unprivileged_port_start)");
	} else if (row_has(t, FIELD_MISSING)) {
		line_word(line, NULL, ": no source address for this destination");
	}
}

/* How often the failure has been repeated since it was told. */
static void detail_repeated(struct line *line, const struct text_writer *t)
{
	uint64_t times = t->value[FIELD_REPEATED].number;

	line_word(line, NULL, " (repeated ");
	line_number(line, times);
	line_word(line, NULL, times == 1 ? " time in " : " times in ");
	line_duration(line, t->value[FIELD_TIME].number - t->value[FIELD_SINCE].number);
	line_word(line, NULL, ")");
}

static void detail_call(struct line *line, const struct text_writer *t)
{
	if (row_has(t, FIELD_ASKED)) {
		line_piece(line);
		line_word(line, NULL, "asked for ");
		line_put(line, NULL, t->asked.text, t->asked.len);
	}
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
	if (row_has(t, FIELD_LOCAL) && row_has(t, FIELD_PEER) && t->local.len == t->peer.len &&
	    memcmp(t->local.text, t->peer.text, t->local.len) == 0) {
		line_piece(line);
		line_word(line, NULL, "connected to itself");
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

static void piece_number(struct line *line, const struct text_writer *t, enum field field,
			 const char *what)
{
	if (!row_has(t, field))
		return;
	line_piece(line);
	line_word(line, NULL, what);
	line_number(line, t->value[field].number);
}

static void piece_time(struct line *line, const struct text_writer *t, enum field field,
		       const char *what, uint64_t unit_ns)
{
	if (!row_has(t, field))
		return;
	line_piece(line);
	line_word(line, NULL, what);
	line_duration(line, t->value[field].number * unit_ns);
}

static void detail_reason(struct line *line, const struct text_writer *t)
{
	const char *reason = t->value[FIELD_REASON].word;

	line_word(line, reason_color(reason), reason);
	if (!row_has(t, FIELD_HOW))
		return;
	line_word(line, NULL, " (");
	line_word(line, NULL, t->value[FIELD_HOW].word);
	line_word(line, NULL, ")");
}

static void detail_close(struct line *line, const struct text_writer *t)
{
	bool sent = row_has(t, FIELD_SENT_BYTES) &&
		    (!row_has(t, FIELD_SYNS) || t->value[FIELD_SENT_BYTES].number);

	line_piece(line);
	if (row_has(t, FIELD_END))
		line_word(line, NULL, "end unknown, last seen then");
	else if (row_has(t, FIELD_REASON))
		detail_reason(line, t);
	else
		line_word(line, NULL, row_has(t, FIELD_STATE) ? t->value[FIELD_STATE].word : "-");
	detail_call(line, t);
	piece_time(line, t, FIELD_DURATION_NS, "", 1);
	piece_number(line, t, FIELD_SYNS, "SYNs ");
	if (sent) {
		piece_number(line, t, FIELD_SENT_BYTES, "sent ");
		line_word(line, NULL, " received ");
		line_number(line, t->value[FIELD_RECEIVED_BYTES].number);
	}
	piece_number(line, t, FIELD_UNACKED_BYTES, "unacknowledged ");
	piece_time(line, t, FIELD_LAST_HEARD_NS, "silent for ", 1);
	piece_time(line, t, FIELD_RTT_US, "rtt ", 1000);
	if (row_has(t, FIELD_RETRANSMITS) && t->value[FIELD_RETRANSMITS].number &&
	    !row_has(t, FIELD_SYNS))
		piece_number(line, t, FIELD_RETRANSMITS, "retransmits ");
	if (row_has(t, FIELD_TIME_WAIT)) {
		line_piece(line);
		line_word(line, NULL,
			  t->value[FIELD_TIME_WAIT].number ? "TIME_WAIT" : "perhaps TIME_WAIT");
	}
}

static void detail_overflow(struct line *line, const struct text_writer *t)
{
	piece_number(line, t, FIELD_RECEIVE, "queue ");
	line_word(line, NULL, " of ");
	line_number(line, t->value[FIELD_BACKLOG].number);
	line_word(line, NULL, ", ");
	line_number(line, t->value[FIELD_DROPPED].number);
	line_word(line, RED, " dropped");
	if (row_has(t, FIELD_SINCE)) {
		line_word(line, NULL, " in ");
		line_duration(line, t->value[FIELD_TIME].number - t->value[FIELD_SINCE].number);
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
	if (lost)
		detail_lost(&line, t);
	else if (row_has(t, FIELD_PHASE))
		detail_overflow(&line, t);
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
	row_set(w, field)->number = value;
}

static void text_absent(struct writer *w, enum field field)
{
	if (field == FIELD_TIME_WAIT) /* which nobody misses elsewhere */
		row_set(w, field)->number = false;
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

static void text_process(struct writer *w, enum field field, const struct process *process)
{
	struct text_writer *t = (struct text_writer *)w;
	struct holder_text *h = t->in_holder ? holder_of(t) : NULL;

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
