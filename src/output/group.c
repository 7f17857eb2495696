// SPDX-License-Identifier: GPL-2.0-only
#include "group_writer.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "line.h"
#include "units.h"

#define INDENT	    4
#define NUMBER_SIZE 32

/* ---- numbers ---- */

enum counted { COUNT, RATE, FAILED, LIVES, SENT, RECEIVED, COUNTS };

static const struct {
	const char *head, *socket_head, *key, *socket_key; /* NULL: a listing has none */
} counts[COUNTS] = {
	[COUNT] = {"EVENTS", "SOCKETS", "events", "sockets"},
	[RATE] = {"PER_S", NULL, "per_s", NULL},
	[FAILED] = {"FAILED", NULL, "failed", NULL},
	[LIVES] = {"LIVES", NULL, "lives", NULL},
	[SENT] = {"SENT", "SEND-Q", "sent_bytes", "send_bytes"},
	[RECEIVED] = {"RECEIVED", "RECV-Q", "received_bytes", "receive_bytes"},
};

static bool is_counted(const struct group_style *style, enum counted i)
{
	return style->sockets ? counts[i].socket_key != NULL : i != RATE || style->span_ns;
}

static size_t format_count(char *out, const struct group *group, enum counted i,
			   const struct group_style *style)
{
	const uint64_t number[COUNTS] = {
		[COUNT] = group->count, [FAILED] = group->failed,     [LIVES] = group->lives,
		[SENT] = group->sent,	[RECEIVED] = group->received,
	};

	if (i == RATE)
		return (size_t)snprintf(out, NUMBER_SIZE, "%.2f",
					(double)group->count * NSEC_PER_SEC /
						(double)style->span_ns);
	return inet_format_number(out, number[i]);
}

/* ---- text ---- */

static void write_row(struct line *line, const struct groups *g, const struct group *group,
		      const struct group_style *style)
{
	const struct group_by *by = groups_by(g);
	const char *at = group->key, *value;
	char text[4 * GROUP_TEXT_MAX + 2];
	size_t start = line->out->len;

	line->cell = line->spaces = 0;
	for (enum counted i = 0; i < COUNTS; i++) {
		if (is_counted(style, i))
			line_cell_right(line, text, format_count(text, group, i, style));
	}
	for (size_t i = 0; i < by->count; i++) {
		enum group_known known = at ? group_value(&at, &value) : GROUP_ABSENT;

		if (!at)
			line_cell_word(line, NULL, i ? "" : "(no room)");
		else if (known != GROUP_KNOWN)
			line_cell_word(line, NULL, known == GROUP_UNKNOWN ? "?" : "-");
		else
			line_cell(line, NULL, text, text_escape(text, value, strlen(value)));
	}
	line_end(line, start, INDENT);
}

static void write_rows(struct line *line, struct groups *g, const struct group_style *style)
{
	size_t count = 0;
	const struct group *const *list = groups_sort(g, &count);

	if (!list)
		line->out->failed = true;
	for (size_t i = 0; i < count; i++)
		write_row(line, g, list[i], style);
	if (groups_rest(g)->count)
		write_row(line, g, groups_rest(g), style);
}

/* "2026-11-20 12:00:00 UTC, 10s" */
static void write_span(struct buffer *out, const struct group_style *style)
{
	char second[24], span[32];

	units_format_second(second, style->end_ns);
	span[units_format_duration(span, style->span_ns)] = '\0';
	buffer_print(out, "%s%s %s, %s\n", style->goes_on ? "\n" : "", second, style->zone, span);
}

void group_write_text(struct buffer *out, struct groups *g, const struct group_style *style)
{
	const struct group_by *by = groups_by(g);
	struct layout_column column[COUNTS + GROUP_MAX];
	char head[GROUP_MAX][16];
	struct layout layout;
	struct line line = {.out = out, .layout = &layout};
	size_t n = 0, start;

	if (style->end_ns)
		write_span(out, style);
	start = out->len;
	_Static_assert(COUNTS + GROUP_MAX <= LAYOUT_COLUMNS, "a table has so many columns");
	for (enum counted i = 0; i < COUNTS; i++) {
		if (is_counted(style, i))
			column[n++] = (struct layout_column){
				.name = style->sockets ? counts[i].socket_head : counts[i].head,
				.right = true};
	}
	for (size_t i = 0; i < by->count; i++) {
		const char *name = group_field_name(by->field[i]);
		size_t len = 0;

		while (name[len] && len < sizeof(head[i]) - 1) {
			head[i][len] = (char)toupper((unsigned char)name[len]);
			len++;
		}
		head[i][len] = '\0';
		column[n++] = (struct layout_column){.name = head[i]};
	}
	layout_init(&layout, column, n, style->columns);
	/* The head is as wide as all that follows. */
	write_rows(&line, g, style);
	out->len = start;
	if (!style->no_header) {
		line.cell = line.spaces = 0;
		line_header(&line, n, NULL);
		line_end(&line, start, INDENT);
	}
	write_rows(&line, g, style);
}

/* ---- JSON ---- */

static void write_group_object(struct buffer *out, const struct group_by *by,
			       const struct group *group)
{
	const char *at = group->key, *value, *comma = "";
	char text[6 * GROUP_TEXT_MAX];

	buffer_print(out, "{");
	for (size_t i = 0; i < by->count; i++) {
		enum group_known known = group_value(&at, &value);
		const char *name = group_field_name(by->field[i]);

		if (known == GROUP_ABSENT)
			continue;
		buffer_print(out, "%s\"%s\":", comma, name);
		comma = ",";
		if (known == GROUP_UNKNOWN) {
			buffer_print(out, "null");
		} else if (group_field_is_number(by->field[i])) {
			buffer_print(out, "%s", value);
		} else {
			buffer_print(out, "\"");
			buffer_append(out, text, json_escape(text, value, strlen(value)));
			buffer_print(out, "\"");
		}
	}
	buffer_print(out, "}");
}

static void write_object(struct buffer *out, const struct groups *g, const struct group *group,
			 const struct group_style *style, bool first)
{
	struct units_clock_cache clock;
	char text[NUMBER_SIZE], time[UNITS_RFC3339_SIZE];

	buffer_print(out, "{");
	if (style->end_ns) {
		units_clock_init(&clock);
		units_format_rfc3339(time, &clock, style->end_ns);
		buffer_print(out, "\"time\":\"%s\",", time);
	}
	buffer_print(out, "\"event\":\"group\",\"group\":");
	if (group->key)
		write_group_object(out, groups_by(g), group);
	else
		buffer_print(out, "null");
	for (enum counted i = 0; i < COUNTS; i++) {
		if (!is_counted(style, i))
			continue;
		buffer_print(out,
			     ",\"%s\":", style->sockets ? counts[i].socket_key : counts[i].key);
		buffer_append(out, text, format_count(text, group, i, style));
	}
	if (first)
		buffer_print(out, ",\"schema\":%d", WRITER_SCHEMA);
	buffer_print(out, "}\n");
}

void group_write_json(struct buffer *out, struct groups *g, const struct group_style *style)
{
	size_t count = 0;
	const struct group *const *list = groups_sort(g, &count);

	if (!list)
		out->failed = true;
	for (size_t i = 0; i < count; i++)
		write_object(out, g, list[i], style, !i && !style->goes_on);
	if (groups_rest(g)->count)
		write_object(out, g, groups_rest(g), style, !count && !style->goes_on);
}
