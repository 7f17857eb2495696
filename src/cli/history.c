// SPDX-License-Identifier: GPL-2.0-only
/* history.c - `sockwatch history`: what a record says of a port, a process, a moment. */
#include "by.h"
#include "commands.h"
#include "fleet.h"
#include "format.h"
#include "log.h"
#include "moment.h"
#include "output.h"
#include "rights.h"
#include "running.h"
#include "store.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define FLUSH_BYTES (64u << 10)
#define FOLLOW_MS   200

struct history {
	const struct options *options;
	struct store_reader *reader;
	struct writer *writer;
	struct groups *groups; /* NULL: a line each */
	struct buffer buffer;
	struct output output;
	int64_t wall_offset_ns; /* 0: stored times are wall times already */
	uint64_t shown, found;
};

static bool on_event(void *ctx, const struct event *event)
{
	struct history *h = ctx;

	if (h->shown++ == 0 && !h->groups)
		writer_header(h->writer, &h->buffer);
	if (output_take_resize())
		writer_resize(h->writer, output_columns(&h->output));
	if (h->groups)
		groups_add_event(h->groups, event);
	else
		writer_event(h->writer, &h->buffer, event);
	h->found += event->kind != EVENT_LOST;
	if (h->buffer.len >= FLUSH_BYTES && !output_flush(&h->output, &h->buffer))
		return false;
	return !output_stop && !(h->options->count && h->shown == h->options->count);
}

static int open_writer(struct history *h)
{
	const struct options *o = h->options;
	struct writer_options w = {
		.wall_offset_ns = &h->wall_offset_ns,
		.columns = output_columns(&h->output),
		.color = output_has_color(&h->output, o->color),
		.zone = command_zone(),
		.dates = true,
	};

	/* A store may be of another host, which it does not name. */
	h->writer = format_writer(o, &w, false);
	if (!h->writer || buffer_init(&h->buffer, FLUSH_BYTES * 2) < 0) {
		log_error("no memory");
		return -ENOMEM;
	}
	return 0;
}

static int is_stopped(void *unused)
{
	(void)unused;
	return output_stop;
}

struct store_reader *command_open_store(const struct options *options, const char *path,
					struct store_error *error)
{
	struct store_reader *reader;

	store_read_until(is_stopped);
	reader = store_reader_open(path, moment(CLOCK_REALTIME), error);
	if (reader && options->no_args)
		store_reader_leave_out_args(reader);
	return reader;
}

static int open_history(struct history *h)
{
	struct store_error error = {""};
	int err;

	h->reader = command_open_store(h->options, h->options->store_file, &error);
	if (!h->reader && output_stop)
		return -EINTR;
	if (!h->reader) {
		log_error("%s", error.text);
		return -ENOENT;
	}
	err = h->options->follow ? output_open(&h->output, h->options->output_file)
				 : output_open_report(&h->output, h->options->output_file);
	if (err >= 0 && by_open(h->options, &h->groups))
		err = -ENOMEM;
	return err < 0 ? err : open_writer(h);
}

/* The end of what was asked for: the reader's end, --count, a signal. */
static bool is_over(const struct history *h)
{
	return output_stop || h->output.closed || h->output.error ||
	       (h->options->count && h->shown == h->options->count);
}

/* Rates are of what was recorded of the time asked for. */
static void print_groups(struct history *h)
{
	const struct options *o = h->options;
	struct group_style style = {.columns = output_columns(&h->output)};
	uint64_t from, to;

	if (store_span(h->reader, &from, &to) && !o->has_at) {
		from = o->since_ns > from ? o->since_ns : from;
		to = o->until_ns < to ? o->until_ns : to;
		style.span_ns = to > from ? to - from : 0;
	}
	by_write(o, h->groups, &style, &h->buffer);
}

static int read_once(struct history *h, struct store_query *q)
{
	struct store_error error = {""};
	uint64_t last = 0;
	int err;

	store_reader_set_now(h->reader, moment(CLOCK_REALTIME));
	err = store_read(h->reader, q, on_event, h, &last, &error);
	/* A stop signal ends the reading, too. */
	if (err < 0 && output_stop)
		err = 0;
	else if (err < 0)
		log_error("%s", error.text);
	else if (last > q->after)
		q->after = last;
	if (h->groups && err == 0 && h->found)
		print_groups(h);
	if (h->buffer.len)
		output_flush(&h->output, &h->buffer);
	return err;
}

static int follow(struct history *h, struct store_query *q)
{
	const struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000};
	int err = 0;

	if (q->from_ns == 0)
		q->after = store_last(h->reader);
	q->no_open = true;
	while (err == 0 && !is_over(h)) {
		err = read_once(h, q);
		if (!is_over(h))
			nanosleep(&pause, NULL);
	}
	return err;
}

/* Nothing was found: because nobody looked then, or because there was nothing. */
static void explain_nothing(const struct history *h)
{
	const struct options *o = h->options;
	uint64_t from, to;

	if (!store_span(h->reader, &from, &to))
		log_say("nothing found: %s holds no record yet", o->store_file);
	else if (o->since_ns > to)
		log_say("nothing found: the record ends before that");
	else if (o->until_ns < from)
		log_say("nothing found: the record begins after that");
	else if (o->has_at && !store_ran_at(h->reader, o->since_ns))
		log_say("nothing found, but no sockwatch was recording at that moment");
	else
		log_say("nothing found");
}

static int run(struct history *h)
{
	const struct options *o = h->options;
	struct store_query q = {
		.filter = &o->filter,
		.from_ns = o->since_ns,
		.to_ns = o->until_ns,
		.lives_only = o->has_at,
		.by_time = !o->follow && o->format == FORMAT_TEXT && !o->by.count,
	};
	int err;

	err = o->follow ? follow(h, &q) : read_once(h, &q);
	if (h->output.closed)
		return 0;
	if (err == 0 && !output_stop)
		output_finish(&h->output);
	if (h->output.error)
		return output_complain(&h->output, h->buffer.len);
	if (err < 0)
		return 1;
	if (o->follow || h->found || output_stop)
		return 0;
	explain_nothing(h);
	return EXIT_NOT_FOUND;
}

const char *command_find_store(void)
{
	static char path[PAST_TEXT_MAX + 1];

	if (access(STORE_DEFAULT, F_OK) == 0)
		return STORE_DEFAULT;
	if (running_store(path, sizeof(path)))
		return path;
	log_error("there is no %s, and no recorder runs here; start one with sockwatch record, or "
		  "name its "
		  "file with --store FILE",
		  STORE_DEFAULT);
	return NULL;
}

int command_history(const struct options *given)
{
	struct options options = *given;
	struct history h = {.options = &options};
	int code = 1, err;

	output_catch_signals();
	if (options.fleet.from)
		return fleet_history(&options);
	if (!options.store_file && !(options.store_file = command_find_store()))
		return EXIT_USAGE;
	rights_to_open(0);
	err = open_history(&h);
	if (err == 0 && !rights_end(&options, CONFINE_HISTORY, 0))
		code = run(&h);
	else if (err == -EINTR)
		code = 0;
	writer_free(h.writer);
	groups_free(h.groups);
	buffer_done(&h.buffer);
	store_reader_close(h.reader);
	output_close(&h.output);
	return code;
}
