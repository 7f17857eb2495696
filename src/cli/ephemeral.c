// SPDX-License-Identifier: GPL-2.0-only
/* ephemeral.c - `sockwatch ephemeral`: a look at local ports, with what happened to them while watching. */
#include "budget_look.h"
#include "budget_writer.h"
#include "commands.h"
#include "log.h"
#include "output.h"
#include "rights.h"
#include "session.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#define MAX_SAMPLES 241
#define REPEAT_MS   2000
#define EXIT_SHORT  5 /* --fail-at reached */

struct ephemeral {
	const struct options *options;
	struct options watched; /* every event counts: numbers are those of all sockets */
	struct session session;
	struct budget_watch *watch;
	struct budget *before;
	struct budget_look look;
	struct output output;
	struct buffer buffer;
	uint64_t begin_ns, end_ns;
	struct budget_sample sample[MAX_SAMPLES];
	size_t sample_count;
};

static void on_event(void *ctx, const struct event *event)
{
	struct ephemeral *e = ctx;

	if (budget_watch_event(e->watch, event) && filter_match(&e->options->filter, event))
		budget_watch_select(e->watch, event->netns);
}

static void take_sample(struct ephemeral *e)
{
	struct budget_sample *s = &e->sample[e->sample_count];
	const struct budget *b = e->look.budget;
	bool known = false;

	if (e->sample_count == MAX_SAMPLES)
		return;
	*s = (struct budget_sample){.time_ns = kernel_now()};
	for (size_t i = 0; i < b->ns_count; i++) {
		if (!budget_knows(b->ns[i], IPPROTO_TCP))
			continue;
		for (int state = 1; state < STATES; state++)
			s->in_use += b->ns[i]->in_use[state];
		s->time_wait += b->ns[i]->in_use[STATE_TIME_WAIT];
	}
	for (size_t i = b->ns_count; i-- > 0;) {
		if (!budget_knows_left(b->ns[i], IPPROTO_TCP))
			continue;
		s->available = b->ns[i]->usable - b->ns[i]->blocked;
		known = true;
	}
	for (size_t i = b->row_count; i-- > 0;) {
		if (!budget_shows(b, b->row[i].selected) ||
		    !budget_knows_left(b->row[i].ns, b->row[i].protocol))
			continue;
		s->available = b->row[i].available;
		known = true;
	}
	/* A chart has no place for what is not known. */
	e->sample_count += known;
}

/* A page shows the use over the time watched. */
static void on_turn(void *ctx, uint64_t now_ns, bool idle)
{
	struct ephemeral *e = ctx;
	uint64_t apart_ns = e->options->for_ns / (MAX_SAMPLES - 1);

	if (!idle || e->options->format != FORMAT_HTML || e->sample_count == MAX_SAMPLES)
		return;
	apart_ns = apart_ns < NSEC_PER_SEC / 2 ? NSEC_PER_SEC / 2 : apart_ns;
	if (e->sample_count && now_ns - e->sample[e->sample_count - 1].time_ns < apart_ns)
		return;
	if (!budget_look_take(&e->look))
		return;
	take_sample(e);
	budget_free(e->look.budget);
	e->look.budget = NULL;
}

/* 0, or the exit code after saying why; likewise attach_look(). */
static int watch(struct ephemeral *e)
{
	int code = session_start(&e->session);

	if (code)
		return code;
	e->before = budget_look_take(&e->look);
	if (!e->before)
		return 1;
	session_announce(&e->session, "; the report follows");
	e->begin_ns = kernel_now();
	session_run(&e->session, on_turn, e);
	e->end_ns = kernel_now();
	return 0;
}

static int attach_look(struct ephemeral *e)
{
	struct kernel_error error = {""};

	if (kernel_attach(e->session.kernel, &error) == 0)
		return 0;
	log_error("%s", error.text);
	return 1;
}

static void print_report(struct ephemeral *e)
{
	struct budget_report report = {
		.budget = e->look.budget,
		.watch = e->watch,
		.watched_ns = e->end_ns - e->begin_ns,
		.time_ns = kernel_now(),
		.wall_offset_ns = kernel_wall_offset(),
		.map = e->options->map,
		.sample = e->sample,
		.sample_count = e->sample_count,
		.columns = output_columns(&e->output),
		.zone = command_zone(),
	};

	if (e->options->format == FORMAT_JSON)
		budget_write_json(&e->buffer, &report);
	else if (e->options->format == FORMAT_HTML)
		budget_write_html(&e->buffer, &report);
	else
		budget_write_text(&e->buffer, &report);
}

/* An empty answer wants a word. */
static void say_empty(const struct ephemeral *e)
{
	if (e->look.budget->partial && e->buffer.len == 0)
		log_say("no socket with a local port meets what was asked for%s",
			e->look.unseen_said ? ", of what could be looked at" : "");
}

/* Whether a destination that --fail-at is asked about may be shorter of ports than any that is shown. */
static bool may_be_short(const struct ephemeral *e)
{
	const struct filter *f = &e->options->filter;
	bool unseen = e->look.elsewhere_unseen;

	for (size_t i = 0; i < e->look.budget->ns_count; i++) {
		const struct budget_namespace *ns = e->look.budget->ns[i];

		unseen |= (f->tcp || !f->udp) && !budget_knows_left(ns, IPPROTO_TCP);
		unseen |= (f->udp || !f->tcp) && !ns->vrf && !budget_knows_left(ns, IPPROTO_UDP);
	}
	return unseen;
}

static int judge(const struct ephemeral *e)
{
	const struct budget *b = e->look.budget;

	for (size_t i = 0; i < b->row_count; i++) {
		const struct budget_row *row = &b->row[i];

		if (budget_shows(b, row->selected) && budget_knows_left(row->ns, row->protocol) &&
		    budget_percent(row) >= e->options->fail_at)
			return EXIT_SHORT;
	}
	if (!may_be_short(e))
		return 0;
	log_error("--fail-at %u%% cannot be answered: what could not be looked at may be short of "
		  "ports",
		  e->options->fail_at);
	return 1;
}

static int exit_code(struct ephemeral *e)
{
	if (e->buffer.failed) {
		log_error("no memory for the report");
		return 1;
	}
	if (output_flush(&e->output, &e->buffer))
		output_finish(&e->output);
	if (e->output.error)
		return output_complain(&e->output, e->buffer.len);
	if (e->session.lost || e->session.full) {
		log_error("%llu facts lost: what was counted while watching is too low",
			  (unsigned long long)e->session.lost);
		return EXIT_LOST;
	}
	if (e->watch && budget_watch_uncounted(e->watch))
		log_error("%llu calls found no place in the count of destinations, processes and "
			  "namespaces",
			  (unsigned long long)budget_watch_uncounted(e->watch));
	return e->options->fail_at ? judge(e) : 0;
}

/* The next look, on a terminal over the one before; 0 once it is time to stop. */
static int repeat(struct ephemeral *e)
{
	static const char home[] = "\033[H\033[J";

	if (isatty(e->output.fd) == 1)
		buffer_append(&e->buffer, home, sizeof(home) - 1);
	budget_look_name(e->look.budget);
	print_report(e);
	if (!output_flush(&e->output, &e->buffer) || output_stop)
		return 0;
	poll(NULL, 0, REPEAT_MS);
	if (output_stop)
		return 0;
	budget_free(e->look.budget);
	return budget_look_take(&e->look) ? 1 : -EIO;
}

static void on_status(void *ctx, struct status *ret)
{
	const struct ephemeral *e = ctx;

	ret->text[STATUS_COMMAND] = "ephemeral";
	ret->text[STATUS_FILE] = session_full_path(e->output.path);
}

/* What is reported is known; a thread may read what the kernel tells until it is closed. */
static int end_looking(struct ephemeral *e)
{
	kernel_close(e->session.kernel);
	e->session.kernel = NULL;
	if (split_is_used())
		return 0; /* it has none since it began to watch */
	return rights_end(e->options, CONFINE_LISTING, 0);
}

static int run(struct ephemeral *e)
{
	const struct options *o = e->options;
	int code, err = o->watch ? output_open(&e->output, o->output_file)
				 : output_open_report(&e->output, o->output_file);

	if (err < 0)
		return 1;
	/* With --for it is there itself; with --watch it keeps its rights, and so reads nothing that others have written. */
	e->look = (struct budget_look){
		.session = &e->session, .filter = &o->filter, .asks = !o->for_ns && !o->watch};
	e->watched = *o;
	filter_init(&e->watched.filter);
	e->watched.filter.has_netns = o->filter.has_netns;
	e->watched.filter.netns = o->filter.netns;
	code = session_open(&e->session, &e->watched, on_event, e);
	e->session.output = &e->output;
	if (code)
		return code;
	e->session.status = on_status;
	if (o->for_ns)
		e->watch = budget_watch_new(e->session.processes);
	if (buffer_init(&e->buffer, 1u << 16) < 0 || (o->for_ns && !e->watch)) {
		log_error("no memory");
		return 1;
	}
	code = e->watch ? watch(e) : attach_look(e);
	if (code)
		return code;
	if (!budget_look_take(&e->look))
		return 1;
	if (e->watch) {
		session_finish(&e->session);
		budget_watch_apply(e->watch, e->look.budget, e->before, e->end_ns - e->begin_ns);
	}
	if (o->watch) {
		while ((err = repeat(e)) > 0)
			;
		if (err < 0)
			return 1;
	} else {
		budget_look_name(e->look.budget);
		if (end_looking(e) || budget_look_ask(&e->look))
			return 1;
		print_report(e);
		say_empty(e);
	}
	return exit_code(e);
}

int command_ephemeral(const struct options *options)
{
	struct ephemeral e = {.options = options, .output.fd = -1};
	int code;

	output_catch_signals();
	code = run(&e);
	budget_free(e.before);
	budget_look_done(&e.look);
	budget_watch_free(e.watch);
	buffer_done(&e.buffer);
	output_close(&e.output);
	session_close(&e.session);
	return code;
}
