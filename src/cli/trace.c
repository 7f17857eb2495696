// SPDX-License-Identifier: GPL-2.0-only
/* trace.c - `sockwatch trace`: facts through the table and the filter to the reader. */
#include "commands.h"
#include "log.h"
#include "output.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAIN_MAX     4096 /* facts between two looks at signals and time */
#define FLUSH_BYTES   (256u << 10)
#define MAX_PROCESSES 1000000
#define IDLE_MS	      500
#define HELD_MS	      1
#define CLOCK_STEP_NS 100000
#define LOSS_CHECK_NS (NSEC_PER_SEC / 4)

struct trace {
	const struct options *options;
	struct kernel *kernel;
	struct process_set *processes;
	struct table *table;
	struct writer *writer;
	struct buffer buffer;
	struct output output;
	int64_t wall_offset_ns;
	uint64_t end_ns; /* CLOCK_BOOTTIME, UINT64_MAX never */
	uint64_t shown;
	bool done; /* --count reached, or no reader */

	/* Loss: what was counted when last looked, and what the reader has been told. */
	uint64_t lost, lost_told, full_told;
	uint64_t lost_since_ns, lost_checked_ns;
};

static void on_event(void *ctx, const struct event *event)
{
	struct trace *t = ctx;

	if (t->done || !filter_match(&t->options->filter, event))
		return;
	writer_event(t->writer, &t->buffer, event);
	t->shown++;
	if (t->buffer.len >= FLUSH_BYTES && !output_flush(&t->output, &t->buffer))
		t->done = true;
	if (t->options->count && t->shown == t->options->count)
		t->done = true;
}

static void on_fact(void *ctx, const struct fact *fact)
{
	struct trace *t = ctx;

	table_apply(t->table, fact);
}

static void on_seed(void *ctx, const struct fact *fact)
{
	struct trace *t = ctx;

	table_seed(t->table, fact);
}

/* Follows steps of the wall clock, not the nanoseconds by which two readings differ: one moment
 * prints as one time. */
static void follow_clock(struct trace *t)
{
	int64_t offset = kernel_wall_offset();

	if (llabs(offset - t->wall_offset_ns) > CLOCK_STEP_NS)
		t->wall_offset_ns = offset;
}

static size_t drain(struct trace *t)
{
	follow_clock(t);
	return kernel_drain(t->kernel, DRAIN_MAX, on_fact, t);
}

/* Looks at every socket there is; after a loss, what is not found is forgotten. */
static int look(struct trace *t, bool repair, uint64_t *ret_added, uint64_t *ret_removed)
{
	struct kernel_error error = {""};
	int err;

	table_seed_begin(t->table, kernel_now());
	err = kernel_seed(t->kernel, on_seed, t, &error);
	if (err < 0)
		log_error("%s; sockets older than the trace stay unknown", error.text);
	/* What ended during the look is told by its facts, which must come before the search for
	 * ghosts. */
	if (repair) {
		while (!t->done && drain(t) == DRAIN_MAX)
			;
	}
	table_seed_end(t->table, repair && err == 0, ret_added, ret_removed);
	return err;
}

/* ---- loss ---- */

static void tell_lost(struct trace *t, uint64_t now_ns)
{
	struct event e = {.kind = EVENT_LOST, .time_ns = now_ns};

	e.lost.count = t->lost - t->lost_told;
	e.lost.since_ns = t->lost_since_ns;
	look(t, true, &e.lost.added, &e.lost.removed);
	e.time_ns = kernel_now();
	on_event(t, &e);
	t->lost_told = t->lost;
}

static void check_loss(struct trace *t, bool idle)
{
	uint64_t by_kind[WIRE_KINDS], now = kernel_now(), lost;
	struct table_stats stats;

	if (!idle && now - t->lost_checked_ns < LOSS_CHECK_NS)
		return;
	lost = kernel_lost(t->kernel, by_kind);
	if (lost > t->lost) {
		if (t->lost == t->lost_told) {
			t->lost_since_ns = t->lost_checked_ns;
			log_error("losing events: the ring buffer of %llu KiB is full; a larger "
				  "--ring or a faster reader helps",
				  (unsigned long long)t->options->ring_bytes / 1024);
		}
		t->lost = lost;
	} else if (t->lost > t->lost_told && idle) {
		tell_lost(t, now);
	}
	t->lost_checked_ns = now;
	table_get_stats(t->table, &stats);
	if (stats.full && !t->full_told)
		log_error("the table of %llu sockets is full: more are shown without their past; "
			  "see --sockets",
			  (unsigned long long)t->options->max_sockets);
	t->full_told = stats.full;
}

/* ---- life ---- */

static int open_writer(struct trace *t)
{
	const struct options *o = t->options;
	struct writer_options w = {
		.wall_offset_ns = &t->wall_offset_ns,
		.interface_name = kernel_interface_name,
		.ctx = t->kernel,
		.ipv4_only = o->filter.ipv4 && !o->filter.ipv6,
	};
	struct winsize size;
	bool terminal = isatty(t->output.fd) == 1;

	if (terminal && ioctl(t->output.fd, TIOCGWINSZ, &size) == 0)
		w.columns = size.ws_col;
	w.color = o->color == COLOR_ALWAYS || (o->color == COLOR_AUTO && terminal);
	t->writer = o->format == FORMAT_JSON ? writer_json_new(&w) : writer_text_new(&w);
	if (!t->writer || buffer_init(&t->buffer, FLUSH_BYTES * 2) < 0)
		return -ENOMEM;
	return 0;
}

static int open_trace(struct trace *t)
{
	struct kernel_error error = {""};
	uint64_t added, removed;
	size_t sockets;
	int err = output_open(&t->output, t->options->output_file);

	if (err < 0) {
		log_error("cannot write to %s: %s", t->options->output_file, strerror(-err));
		return err;
	}
	t->kernel = command_open_kernel(t->options);
	if (!t->kernel)
		return -EPERM;
	t->processes = process_set_new(MAX_PROCESSES, kernel_resolve_process, t->kernel);
	t->table =
		t->processes ? table_new(t->options->max_sockets, t->processes, on_event, t) : NULL;
	if (!t->table || open_writer(t) < 0) {
		log_error("no memory");
		return -ENOMEM;
	}
	err = kernel_attach(t->kernel, &error);
	if (err < 0) {
		log_error("%s", error.text);
		return err;
	}
	look(t, false, &added, &removed);
	sockets = (size_t)added;
	t->lost_checked_ns = kernel_now();
	writer_header(t->writer, &t->buffer);
	output_flush(&t->output, &t->buffer);
	log_say("tracing every TCP and UDP socket in every network namespace by %s; %zu were there before",
		kernel_tier_chosen(t->kernel) == TIER_TRAMPOLINES ? "trampolines" : "tracepoints",
		sockets);
	return 0;
}

static void run(struct trace *t)
{
	if (t->options->for_ns)
		t->end_ns = kernel_now() + t->options->for_ns;
	while (!t->done && !output_stop && kernel_now() < t->end_ns) {
		size_t n = drain(t);
		uint64_t now = kernel_now(), left;
		bool held;
		int wait_ms;

		check_loss(t, n < DRAIN_MAX);
		if (n == DRAIN_MAX)
			continue;
		held = table_release(t->table, now);
		if (t->buffer.len && !output_flush(&t->output, &t->buffer))
			t->done = true;
		if (t->done)
			break;
		left = t->end_ns > now ? (t->end_ns - now) / 1000000 + 1 : 0;
		wait_ms = held ? HELD_MS : IDLE_MS;
		kernel_wait(t->kernel, left < (uint64_t)wait_ms ? (int)left : wait_ms);
	}
}

/* Everything that happened before the stop is still shown. */
static void finish(struct trace *t)
{
	kernel_detach(t->kernel);
	while (!t->done && drain(t) > 0)
		;
	table_release(t->table, UINT64_MAX);
	check_loss(t, true);
	if (t->lost > t->lost_told) {
		struct event e = {.kind = EVENT_LOST, .time_ns = kernel_now()};

		e.lost.count = t->lost - t->lost_told;
		e.lost.since_ns = t->lost_since_ns;
		on_event(t, &e);
	}
	if (!t->output.closed)
		output_flush(&t->output, &t->buffer);
}

static int exit_code(const struct trace *t)
{
	if (t->output.closed)
		return 0;
	if (t->output.error) {
		log_error("cannot write the output: %s; %zu bytes of lines were lost",
			  strerror(t->output.error), t->buffer.len);
		return t->output.error == ETIMEDOUT ? EXIT_LOST : 1;
	}
	if (t->lost || t->full_told) {
		log_error("%llu events shown, %llu facts lost, %llu sockets not kept",
			  (unsigned long long)t->shown, (unsigned long long)t->lost,
			  (unsigned long long)t->full_told);
		return EXIT_LOST;
	}
	log_say("%llu events, none lost", (unsigned long long)t->shown);
	return 0;
}

int command_trace(const struct options *options)
{
	struct trace t = {.options = options, .end_ns = UINT64_MAX};
	int code = 1;

	output_catch_signals();
	if (open_trace(&t) == 0) {
		run(&t);
		finish(&t);
		code = exit_code(&t);
	}
	table_free(t.table);
	process_set_free(t.processes);
	writer_free(t.writer);
	buffer_done(&t.buffer);
	kernel_close(t.kernel);
	output_close(&t.output);
	return code;
}
