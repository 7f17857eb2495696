// SPDX-License-Identifier: GPL-2.0-only
/* report.c - `sockwatch report`: a record counted, as tables, objects or a page. */
#include "commands.h"
#include "log.h"
#include "output.h"
#include "report_writer.h"
#include "rights.h"
#include "store.h"

#include <errno.h>

struct counting {
	const struct options *options;
	struct store_reader *reader;
	struct report *report;
	struct buffer buffer;
	struct output output;
	uint64_t kept_ns; /* what is older was removed */
};

static bool on_row(void *ctx, const struct event *event)
{
	struct counting *c = ctx;

	report_add(c->report, event);
	return !output_stop && !c->report->no_memory;
}

static void on_run(void *ctx, uint64_t from_ns, uint64_t to_ns)
{
	const struct counting *c = ctx;

	if (to_ns >= c->kept_ns)
		report_add_run(c->report, from_ns > c->kept_ns ? from_ns : c->kept_ns, to_ns);
}

/* 0, or the exit code after saying why. */
static int choose_span(struct counting *c)
{
	const struct options *o = c->options;
	uint64_t from, to;

	if (!store_span(c->reader, &from, &to)) {
		log_say("%s holds no record yet", o->store_file);
		return EXIT_NOT_FOUND;
	}
	if (o->since_ns > to || o->until_ns < from) {
		log_say("the record %s",
			o->since_ns > to ? "ends before that" : "begins after that");
		return EXIT_NOT_FOUND;
	}
	c->kept_ns = from;
	from = o->since_ns ? o->since_ns : from;
	to = o->until_ns < to ? o->until_ns : to;
	c->report = report_new(from, to > from ? to : from);
	if (c->report)
		return 0;
	log_error("no memory");
	return 1;
}

/* Whether anything but all is asked for. */
static bool is_chosen(const struct filter *f)
{
	return f->tcp || f->udp || f->ipv4 || f->ipv6 || f->pids.count || f->ports.count ||
	       f->local_ports.count || f->peer_ports.count || f->cidr_count || f->states ||
	       f->has_uid || f->comm || f->args || f->unit || f->has_netns || f->cgroup ||
	       f->container || f->reasons || f->failed;
}

static int count(struct counting *c)
{
	struct store_error error = {""};
	struct store_query q = {.filter = &c->options->filter,
				.from_ns = c->report->from_ns,
				.to_ns = c->report->to_ns,
				.any_order = true};
	uint64_t last;
	int err = store_read_runs(c->reader, on_run, c, &error);

	if (err == 0)
		err = store_read(c->reader, &q, on_row, c, &last, &error);
	if (output_stop)
		return -EINTR;
	if (err < 0)
		log_error("%s", error.text);
	else if (report_finish(c->report) < 0)
		log_error("no memory for the report");
	return err < 0 || c->report->no_memory ? -EIO : 0;
}

static int print(struct counting *c)
{
	const struct options *o = c->options;
	const struct report_page page = {.report = c->report,
					 .store = o->store_file,
					 .zone = command_zone(),
					 .chosen = is_chosen(&o->filter),
					 .columns = output_columns(&c->output)};

	if (o->format == FORMAT_JSON)
		report_write_json(&c->buffer, &page);
	else if (o->format == FORMAT_HTML)
		report_write_html(&c->buffer, &page);
	else
		report_write_text(&c->buffer, &page);
	if (c->buffer.failed) {
		log_error("no memory for the report");
		return 1;
	}
	if (output_flush(&c->output, &c->buffer))
		output_finish(&c->output);
	return c->output.error ? output_complain(&c->output, c->buffer.len) : 0;
}

static int run(struct counting *c)
{
	int code, err;

	if (rights_end(c->options, CONFINE_HISTORY, 0))
		return 1;
	code = choose_span(c);
	if (code)
		return code;
	err = count(c);
	/* A part of the rows would be a wrong report: what was there stays. */
	if (err == -EINTR)
		return 0;
	return err < 0 ? 1 : print(c);
}

static bool open_all(struct counting *c)
{
	struct store_error error = {""};

	c->reader = command_open_store(c->options, c->options->store_file, &error);
	if (!c->reader) {
		if (!output_stop)
			log_error("%s", error.text);
		return false;
	}
	if (output_open_report(&c->output, c->options->output_file) < 0)
		return false;
	if (buffer_init(&c->buffer, 1u << 16) == 0)
		return true;
	log_error("no memory");
	return false;
}

int command_report(const struct options *given)
{
	struct options options = *given;
	struct counting c = {.options = &options, .output.fd = -1};
	int code = 1;

	output_catch_signals();
	if (!options.store_file && !(options.store_file = command_find_store()))
		return EXIT_USAGE;
	rights_to_open(0);
	if (open_all(&c))
		code = run(&c);
	else if (output_stop)
		code = 0;
	report_free(c.report);
	buffer_done(&c.buffer);
	store_reader_close(c.reader);
	output_close(&c.output);
	return code;
}
