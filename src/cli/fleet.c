// SPDX-License-Identifier: GPL-2.0-only
/*
 * fleet.c - `sockwatch history --from`: the same questions to a fleet's database.
 *
 * A portion comes host by host and is printed in the order of time, so its lines wait in memory until it is whole.
 */
#include "fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "by.h"
#include "commands.h"
#include "format.h"
#include "log.h"
#include "moment.h"
#include "output.h"
#include "rights.h"
#include "sender.h"
#include "ship_fetch.h"
#include "ship_schema.h"

#define FLUSH_BYTES  (64u << 10)
#define PASSWORD_MAX 1024

struct line {
	uint64_t time_ns;
	size_t start, len, place; /* in the portion */
};

struct fleet {
	const struct options *options;
	struct ship_fetch *fetch;
	struct store_query query;
	struct writer *writer;
	struct groups *groups; /* NULL: a line each */
	struct buffer portion, buffer;
	struct line *line;
	size_t lines, room;
	struct output output;
	int64_t wall_offset_ns; /* 0: the database's times are wall times already */
	uint64_t shown, found;
	unsigned int widths; /* of the writer, when the portion began */
	char password[PASSWORD_MAX];
};

static bool go_on(void *ctx)
{
	(void)ctx;
	return !output_stop;
}

static int open_fetch(struct fleet *f)
{
	const struct options_fleet *o = &f->options->fleet;
	struct ship_error error = {""};
	struct ship_fetch_options fetch = {
		.prefix = o->table_prefix ? o->table_prefix : "",
		.user = o->user,
		.password = o->password_file ? f->password : NULL,
		.ca_file = o->ca_file,
		.now_ns = moment(CLOCK_REALTIME),
		.no_args = f->options->no_args,
		.go_on = go_on,
	};

	ship_place_parse(o->from, &fetch.from);
	if (!fetch.from.database[0])
		strcpy(fetch.from.database, SHIP_DATABASE);
	f->fetch = ship_fetch_open(&fetch, &error);
	if (f->fetch)
		return 0;
	log_error("%s", error.text);
	return 1;
}

/* ---- a portion ---- */

static int by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* What goes on stands where it began. */
static uint64_t time_of(const struct event *event)
{
	bool is_open = event->kind == EVENT_CLOSE && event->close.end == EVENT_END_OPEN;

	return is_open && event->close.opened_ns ? event->close.opened_ns : event->time_ns;
}

static bool on_event(void *ctx, const struct event *event)
{
	struct fleet *f = ctx;
	struct line *line;

	f->found += event->kind != EVENT_LOST;
	if (f->groups) {
		f->shown++;
		groups_add_event(f->groups, event);
		return !output_stop && !(f->options->count && f->shown == f->options->count);
	}
	if (f->lines == f->room) {
		line = realloc(f->line, (f->room = 2 * f->room + 1024) * sizeof(*line));
		if (!line) {
			f->portion.failed = true;
			return false;
		}
		f->line = line;
	}
	line = &f->line[f->lines];
	*line = (struct line){
		.time_ns = time_of(event), .start = f->portion.len, .place = f->lines};
	writer_event(f->writer, &f->portion, event);
	line->len = f->portion.len - line->start;
	f->lines++;
	return !output_stop && !f->portion.failed;
}

/* The stream's first object tells the schema's number; which one it is, is known when they are in order. */
static void put_line(struct fleet *f, const char *text, size_t len)
{
	if (f->shown || f->options->format != FORMAT_JSON || len < 2) {
		buffer_append(&f->buffer, text, len);
		return;
	}
	buffer_append(&f->buffer, text, len - 2);
	buffer_print(&f->buffer, ",\"schema\":%d}\n", WRITER_SCHEMA);
}

/* A column that became wider on the way leaves lines of other hosts narrow that stand between: once more, all alike. */
static bool is_ragged(struct fleet *f)
{
	unsigned int widths = f->writer ? writer_widths(f->writer) : 0;
	bool ragged = f->lines && !f->groups && widths != f->widths;

	f->widths = widths;
	return ragged;
}

static enum ship_fetch_next on_portion(void *ctx, bool mixed)
{
	struct fleet *f = ctx;
	uint64_t most = f->options->count;

	if (is_ragged(f) && !f->portion.failed) {
		f->lines = 0;
		f->portion.len = 0;
		return SHIP_FETCH_AGAIN;
	}
	if (mixed || f->query.by_time)
		qsort(f->line, f->lines, sizeof(*f->line), by_time);
	if (f->lines && !f->shown)
		writer_header(f->writer, &f->buffer);
	for (size_t i = 0; i < f->lines && !(most && f->shown == most); i++) {
		put_line(f, f->portion.data + f->line[i].start, f->line[i].len);
		f->shown++;
		if (f->buffer.len >= FLUSH_BYTES && !output_flush(&f->output, &f->buffer))
			return SHIP_FETCH_END;
	}
	f->lines = 0;
	f->portion.len = 0;
	if (output_take_resize())
		writer_resize(f->writer, output_columns(&f->output));
	return !output_stop && !f->portion.failed && !(most && f->shown == most) ? SHIP_FETCH_ON
										 : SHIP_FETCH_END;
}

/* ---- all of it ---- */

static int open_writer(struct fleet *f)
{
	const struct options *o = f->options;
	struct writer_options w = {
		.wall_offset_ns = &f->wall_offset_ns,
		.columns = output_columns(&f->output),
		.color = output_has_color(&f->output, o->color),
		.zone = command_zone(),
		.dates = true,
		.hosts = true,
		.goes_on = true,
	};

	f->writer = format_writer(o, &w, false);
	if (f->writer && buffer_init(&f->buffer, FLUSH_BYTES * 2) == 0 &&
	    buffer_init(&f->portion, FLUSH_BYTES * 2) == 0)
		return 0;
	log_error("no memory");
	return 1;
}

static void explain_nothing(const struct fleet *f)
{
	const struct options_fleet *o = &f->options->fleet;

	if (ship_fetch_stores(f->fetch))
		log_say("nothing found");
	else if (o->host)
		log_say("nothing found: no host '%s' has sent anything to %s", o->host, o->from);
	else
		log_say("nothing found: no host has sent anything to %s", o->from);
}

static void print_groups(struct fleet *f)
{
	const struct options *o = f->options;
	struct group_style style = {.columns = output_columns(&f->output)};

	if (o->since_ns && o->until_ns != UINT64_MAX)
		style.span_ns = o->until_ns - o->since_ns;
	by_write(o, f->groups, &style, &f->buffer);
}

static int run(struct fleet *f)
{
	const struct ship_fetch_query query = {.query = &f->query, .host = f->options->fleet.host};
	const struct ship_fetch_sink sink = {.event = on_event, .portion = on_portion, .ctx = f};
	struct ship_error error = {""};
	int err = ship_fetch(f->fetch, &query, &sink, &error);

	if (err == -EINTR && !f->portion.failed)
		err = 0;
	else if (err < 0)
		log_error("%s", f->portion.failed ? "no memory" : error.text);
	if (f->groups && err == 0 && f->found)
		print_groups(f);
	if (f->buffer.len)
		output_flush(&f->output, &f->buffer);
	if (f->output.closed)
		return 0;
	if (err == 0 && !output_stop)
		output_finish(&f->output);
	if (f->output.error)
		return output_complain(&f->output, f->buffer.len);
	if (err < 0)
		return 1;
	if (f->found || output_stop)
		return 0;
	explain_nothing(f);
	return EXIT_NOT_FOUND;
}

int fleet_history(const struct options *options)
{
	struct fleet f = {
		.options = options,
		.query =
			{
				.filter = &options->filter,
				.from_ns = options->since_ns,
				.to_ns = options->until_ns,
				.lives_only = options->has_at,
				.by_time = options->format == FORMAT_TEXT && !options->by.count,
			},
	};
	int code = 0;

	rights_to_open(0);
	if (options->fleet.password_file)
		code = sender_read_password(options->fleet.password_file, f.password,
					    sizeof(f.password));
	if (!code)
		code = open_fetch(&f);
	if (!code && output_open_report(&f.output, options->output_file) < 0)
		code = 1;
	if (!code)
		code = by_open(options, &f.groups);
	if (!code)
		code = open_writer(&f);
	if (!code)
		code = rights_end(options, CONFINE_SENDER, 0);
	if (!code)
		code = run(&f);
	writer_free(f.writer);
	groups_free(f.groups);
	buffer_done(&f.buffer);
	buffer_done(&f.portion);
	free(f.line);
	ship_fetch_close(f.fetch);
	output_close(&f.output);
	explicit_bzero(f.password, sizeof(f.password));
	return code;
}
