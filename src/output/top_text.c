// SPDX-License-Identifier: GPL-2.0-only
#include "top_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "inet.h"
#include "line.h"
#include "title.h"
#include "units.h"
#include "utf8.h"

/* Above the rows, and below them. */
#define HEAD_LINES 4
/* Spaces before what goes on. */
#define CONTINUED 4

static const char *const view_names[TOP_VIEWS] = {"processes", "peers", "failures", "listeners",
						  "ports"};

static const struct {
	const char *name;
	unsigned int width;
} columns[TOP_COLUMNS] = {
	[TOP_BY_NEW_1S] = {"NEW/1s", 6},   [TOP_BY_NEW_10S] = {"/10s", 5},
	[TOP_BY_NEW_60S] = {"/60s", 5},	   [TOP_BY_FAILED_1S] = {"FAIL/1s", 7},
	[TOP_BY_FAILED_10S] = {"FAIL", 5}, [TOP_BY_FAILED_60S] = {"FULL", 5},
	[TOP_BY_FAILED] = {"FAILED", 6},   [TOP_BY_SENT] = {"SENT/s", 6},
	[TOP_BY_RECEIVED] = {"RECV/s", 6}, [TOP_BY_OPEN] = {"OPEN", 5},
	[TOP_BY_LAST] = {"LAST", 5},	   [TOP_BY_LEFT] = {"LEFT", 6},
	[TOP_BY_USED] = {"TAKEN", 6},	   [TOP_BY_TIME_WAIT] = {"TIME_WAIT", 9},
};

/* In the order in which they stand; the name is the last. */
static const struct {
	enum top_column column[TOP_SORTS];
	unsigned int count;
	enum top_column first; /* that it is sorted by */
	const char *name;
} views[TOP_VIEWS] = {
	{{TOP_BY_NEW_1S, TOP_BY_NEW_10S, TOP_BY_NEW_60S, TOP_BY_FAILED_10S, TOP_BY_OPEN,
	  TOP_BY_SENT, TOP_BY_RECEIVED},
	 7,
	 TOP_BY_NEW_10S,
	 "PROCESS"},
	{{TOP_BY_NEW_1S, TOP_BY_NEW_10S, TOP_BY_NEW_60S, TOP_BY_FAILED_10S, TOP_BY_OPEN},
	 5,
	 TOP_BY_NEW_10S,
	 "PEER"},
	{{TOP_BY_FAILED, TOP_BY_FAILED_1S, TOP_BY_FAILED_10S, TOP_BY_FAILED_60S, TOP_BY_LAST},
	 5,
	 TOP_BY_FAILED_10S,
	 "FAILURE"},
	{{TOP_BY_NEW_1S, TOP_BY_NEW_10S, TOP_BY_NEW_60S, TOP_BY_FAILED_60S, TOP_BY_OPEN},
	 5,
	 TOP_BY_NEW_10S,
	 "LISTENER"},
	{{TOP_BY_LEFT, TOP_BY_USED, TOP_BY_TIME_WAIT}, 3, TOP_BY_LEFT, "DESTINATION"},
};

const char *top_view_name(unsigned int view)
{
	return view < TOP_VIEWS ? view_names[view] : NULL;
}

/* Windows of failures have the names of windows where no column of new ones stands before them. */
static const char *column_name(enum top_view view, enum top_column column)
{
	if (view == TOP_FAILURES && column == TOP_BY_FAILED_10S)
		return "/10s";
	if (view == TOP_FAILURES && column == TOP_BY_FAILED_60S)
		return "/60s";
	return columns[column].name;
}

size_t top_sorts(enum top_view view, enum top_column ret[TOP_SORTS])
{
	size_t n = 0;

	ret[n++] = views[view].first;
	for (unsigned int i = 0; i < views[view].count; i++) {
		if (views[view].column[i] != views[view].first)
			ret[n++] = views[view].column[i];
	}
	return n;
}

int top_sort_parse(enum top_view view, const char *name)
{
	for (unsigned int i = 0; i < views[view].count; i++) {
		enum top_column column = views[view].column[i];

		if (strcasecmp(name, column_name(view, column)) == 0)
			return (int)column;
	}
	return -1;
}

size_t top_body(unsigned int rows)
{
	return rows > HEAD_LINES + 1 ? rows - HEAD_LINES - 1 : 1;
}

/* ---- lines ---- */

/* Ends in "…" where it is too wide. */
static void cut(struct draw *d)
{
	static const char more[] = "…";
	unsigned int used;
	size_t len = d->line.len;

	if (!d->f->columns || utf8_fit(d->line.data, len, d->f->columns, &used) == len)
		return;
	d->line.len = utf8_fit(d->line.data, len, d->f->columns - 1, &used);
	buffer_append(&d->line, more, strlen(more));
}

static void put_line(struct draw *d, enum top_style style, const char *text, size_t len)
{
	static const char *const colors[] = {
		[TOP_BOLD] = BOLD, [TOP_REVERSE] = "\033[7m", [TOP_RED] = RED, [TOP_DIM] = DIM};
	bool color = !d->style && d->f->color && style != TOP_PLAIN;

	if (d->skip) {
		d->skip--;
		return;
	}
	if (d->limit && d->lines >= d->limit) {
		d->over = true;
		return;
	}
	while (len && text[len - 1] == ' ')
		len--;
	if (color)
		buffer_append(d->out, colors[style], strlen(colors[style]));
	buffer_append(d->out, text, len);
	if (color)
		buffer_append(d->out, RESET, strlen(RESET));
	buffer_append(d->out, "\n", 1);
	if (d->style)
		d->style[d->lines] = (uint8_t)style;
	d->lines++;
}

void draw_line(struct draw *d, enum top_style style)
{
	unsigned int used;

	if (!d->whole)
		cut(d);
	/* What has no room goes on in the next line. */
	while (d->f->columns && d->line.len) {
		size_t fits = utf8_fit(d->line.data, d->line.len, d->f->columns, &used);

		if (fits == d->line.len || fits <= CONTINUED)
			break;
		put_line(d, style, d->line.data, fits);
		memset(d->line.data, ' ', CONTINUED);
		memmove(d->line.data + CONTINUED, d->line.data + fits, d->line.len - fits);
		d->line.len -= fits - CONTINUED;
	}
	put_line(d, style, d->line.data, d->line.len);
	d->line.len = 0;
}

/* ---- numbers ---- */

void draw_amount(char *out, size_t size, double value)
{
	static const char units[] = " kMGTP";
	size_t unit = 0;

	while (value >= 9999.5 && units[unit + 1]) {
		value /= 1000;
		unit++;
	}
	if (unit == 0 && value >= 999.5)
		snprintf(out, size, "%.0f", value);
	else if (unit == 0)
		snprintf(out, size,
			 value > 0 && value < 9.95 && value != floor(value) ? "%.1f" : "%.0f",
			 value > 0 && value < 0.05 ? 0.1 : value);
	else
		snprintf(out, size, "%.0f%c", value, units[unit]);
}

static void draw_ago(char *out, size_t size, uint64_t since_ns, uint64_t now_ns)
{
	uint64_t s = now_ns > since_ns ? (now_ns - since_ns) / NSEC_PER_SEC : 0;

	if (!since_ns)
		snprintf(out, size, "-");
	else if (s < 1000)
		snprintf(out, size, "%us", (unsigned int)s);
	else
		snprintf(out, size, "%um", (unsigned int)(s / 60 % 10000));
}

/* ---- the head ---- */

static void draw_title(struct draw *d)
{
	const struct top_frame *f = d->f;
	struct units_clock_cache cache;
	char clock[16], text[32];

	units_clock_init(&cache);
	units_format_clock(clock, &cache, f->now_ns + (uint64_t)f->wall_offset_ns);
	units_format_duration(text, f->now_ns - f->begin_ns);
	buffer_print(&d->line, "sockwatch top  %.8s %s  for %s  %llu open  ", clock,
		     f->zone ? f->zone : "", text, (unsigned long long)top_all(f->top)->open);
	if (f->lost)
		buffer_print(&d->line, "%llu LOST", (unsigned long long)f->lost);
	else
		buffer_print(&d->line, "none lost");
	if (f->paused)
		buffer_print(&d->line, "  PAUSED");
	if (f->filter && *f->filter) {
		buffer_print(&d->line, "  filter ");
		buffer_escape_line(&d->line, f->filter, strlen(f->filter));
	}
	draw_line(d, f->lost ? TOP_RED : TOP_BOLD);
}

static void draw_totals(struct draw *d)
{
	static const char *const names[] = {"new", "failed", "sent", "recv"};
	const struct top_frame *f = d->f;

	buffer_print(&d->line, "/s in 1, 10, 60 s:");
	for (int c = 0; c < TOP_COUNTS; c++) {
		buffer_print(&d->line, " %s", names[c]);
		for (int w = 0; w < TOP_WINDOWS; w++) {
			char text[32];

			/* Bytes are told at the end of a life: the longest window says most. */
			if (c >= TOP_SENT && w < TOP_60S)
				continue;
			draw_amount(text, sizeof(text),
				    top_rate(f->top, top_all(f->top), (enum top_count)c,
					     (enum top_window)w, f->now_ns));
			buffer_print(&d->line, " %s", text);
		}
	}
	draw_line(d, TOP_PLAIN);
}

static void draw_views(struct draw *d)
{
	const struct top_frame *f = d->f;

	for (unsigned int i = 0; i < TOP_VIEWS; i++)
		buffer_print(&d->line, i == f->view ? "[%u %s] " : "%u %s ", i + 1, view_names[i]);
	buffer_print(&d->line, " by %s%s", column_name(f->view, f->sort),
		     f->reverse ? " reversed" : "");
	draw_line(d, TOP_PLAIN);
}

static void draw_column_names(struct draw *d)
{
	const struct top_frame *f = d->f;

	for (unsigned int i = 0; i < views[f->view].count; i++) {
		enum top_column column = views[f->view].column[i];

		buffer_print(&d->line, "%*s ", (int)columns[column].width,
			     column_name(f->view, column));
	}
	buffer_print(&d->line, "%s", views[f->view].name);
	draw_line(d, TOP_BOLD);
}

/* ---- rows ---- */

/* What a look could not see is not known. */
static bool is_known(const struct top_shown *s, enum top_column column)
{
	uint16_t protocol = s->ports ? s->ports->protocol : IPPROTO_TCP;

	if (s->row)
		return true;
	if (column == TOP_BY_LEFT)
		return budget_knows_left(s->ns, protocol);
	return budget_knows(s->ns, protocol) && (s->ports || column != TOP_BY_USED);
}

static void draw_cell(struct draw *d, const struct top_shown *s, enum top_column column)
{
	char text[32];

	if (!is_known(s, column))
		snprintf(text, sizeof(text), "-");
	else if (column == TOP_BY_LAST)
		draw_ago(text, sizeof(text), s->row->last_ns, d->f->now_ns);
	else
		draw_amount(text, sizeof(text), s->value[column]);
	buffer_print(&d->line, "%*s ", (int)columns[column].width, text);
}

static bool is_bad(const struct top_shown *s)
{
	return s->row ? s->value[TOP_BY_FAILED_10S] > 0 : s->ports && s->ports->available == 0;
}

static void draw_row(struct draw *d, size_t i)
{
	const struct top_shown *s = &d->f->list->item[i];
	enum top_style style = is_bad(s) ? TOP_RED : TOP_PLAIN;
	char *name;

	for (unsigned int c = 0; c < views[d->f->view].count; c++)
		draw_cell(d, s, views[d->f->view].column[c]);
	name = buffer_reserve(&d->line, TOP_NAME_SIZE);
	if (name)
		d->line.len += top_name(name, s);
	draw_line(d, d->f->screen && i == d->f->selected ? TOP_REVERSE : style);
}

static void draw_table(struct draw *d)
{
	const struct top_frame *f = d->f;
	size_t end = f->list->count, first = f->screen ? f->first : 0;

	draw_column_names(d);
	if (f->rows && end > first + top_body(f->rows))
		end = first + top_body(f->rows);
	for (size_t i = first; i < end; i++)
		draw_row(d, i);
	if (f->list->count)
		return;
	buffer_print(&d->line, "%s",
		     f->view == TOP_PORTS && !f->looked ? "  (looking at ports)"
							: "  (nothing so far)");
	draw_line(d, TOP_DIM);
}

/* ---- pages ---- */

static void draw_text(struct draw *d)
{
	const struct top_frame *f = d->f;
	const char *p = f->text, *end = p + f->text_len;
	size_t skip = f->first, room = top_body(f->rows) + 2;

	while (p < end && room) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((newline ? newline : end) - p);

		if (skip) {
			skip--;
		} else {
			buffer_append(&d->line, p, len);
			draw_line(d, TOP_PLAIN);
			room--;
		}
		p += len + 1;
	}
}

static void draw_help(struct draw *d)
{
	static const char *const lines[] = {
		"Keys",
		"  1 2 3 4 5, tab      processes, peers, failures, listeners, ports",
		"  up down, k j        the row before, the next; page up, page down, home, end",
		"  enter               all of a row: its parents, arguments, last lives; esc goes "
		"back",
		"  s, S, r             sort by the next column, the one before; reverse",
		"  f, /                filter, by the words of sockwatch trace: -c nginx --port "
		"443",
		"  F                   no filter",
		"  space, p            pause: the frame stays, counting goes on",
		"  h                   what the record (--store) has of the row",
		"  w                   append the view to the file of --output, a JSON object a "
		"row",
		"  q, ctrl-c           end",
		"Columns",
		"  NEW                 connect() and accept() a second, failed ones too",
		"  FAIL, FULL          failures a second in 10 s; full queues a second in 60 s",
		"  OPEN                sockets that have a peer, or listen there",
		"  SENT/s, RECV/s      bytes of lives that ended, a second in 10 s",
		"  LEFT, TAKEN         ports that connect() can still take there, and has taken",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		buffer_print(&d->line, "%s", lines[i]);
		draw_line(d, lines[i][0] == ' ' ? TOP_PLAIN : TOP_BOLD);
	}
}

static void draw_last(struct draw *d)
{
	const struct top_frame *f = d->f;

	/* The last line is its own, whatever there is above it. */
	d->limit = f->rows;
	while (d->lines + 1 < f->rows)
		draw_line(d, TOP_PLAIN);
	if (f->message)
		buffer_print(&d->line, "%s", f->message);
	else if (f->page != TOP_TABLE)
		buffer_print(&d->line, "esc back  q quit");
	else
		buffer_print(&d->line,
			     "q quit 1-5 view s sort f filter enter row space pause h history "
			     "w save ? help");
	draw_line(d, TOP_REVERSE);
}

bool top_draw(struct buffer *out, const struct top_frame *f, uint8_t *style)
{
	bool over;
	struct draw d = {.out = out, .f = f, .style = style};

	d.limit = f->screen && f->rows ? f->rows - 1 : f->rows;

	if (buffer_init(&d.line, 256) < 0)
		out->failed = true;
	draw_title(&d);
	switch (f->page) {
	case TOP_TABLE:
		draw_totals(&d);
		draw_views(&d);
		draw_table(&d);
		break;
	case TOP_DETAIL:
		d.whole = true;
		d.skip = f->scroll;
		draw_detail(&d);
		d.whole = false;
		d.skip = 0;
		break;
	case TOP_TEXT: draw_text(&d); break;
	case TOP_HELP: draw_help(&d); break;
	}
	over = d.over;
	if (f->screen)
		draw_last(&d);
	buffer_done(&d.line);
	return over;
}
