// SPDX-License-Identifier: GPL-2.0-only
/* trace.c - `sockwatch trace`: facts through the table and the filter to the reader. */
#include "by.h"
#include "commands.h"
#include "format.h"
#include "launch.h"
#include "log.h"
#include "output.h"
#include "procinfo.h"
#include "session.h"
#include "two.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FLUSH_BYTES (256u << 10)
/* The other side answers the last FIN of a command that has ended. */
#define LINGER_NS     NSEC_PER_SEC
#define LINGER_MIN_MS 5

struct trace {
	const struct options *options;
	struct options own; /* of a command that is started: its process is filtered for */
	struct launch launch;
	uint64_t linger_until_ns, linger_look_ns; /* since the command has ended */
	int linger_ms;
	struct session session;
	struct writer *writer;
	struct groups *groups; /* NULL: a line each */
	uint64_t counted_from_ns, interval_end_ns; /* what they hold; 0: until the end */
	bool counts_told, counted; /* some were printed; something was counted since */
	struct buffer buffer;
	struct output output;
	uint64_t shown, over_ns;
};

static void flush(struct trace *t)
{
	if (output_flush(&t->output, &t->buffer))
		return;
	t->session.done = true;
	t->session.failed = t->output.error != 0;
}

/* ---- groups ---- */

static void print_groups(struct trace *t, uint64_t end_ns)
{
	const struct group_style style = {
		.columns = output_columns(&t->output),
		.span_ns = end_ns - t->counted_from_ns,
		.end_ns = t->interval_end_ns ? end_ns + (uint64_t)t->session.wall_offset_ns : 0,
		.zone = command_zone(),
		.goes_on = t->counts_told,
	};
	size_t before = t->buffer.len;

	by_write(t->options, t->groups, &style, &t->buffer);
	t->counts_told |= t->buffer.len > before;
	t->counted = false;
}

/* An interval that has just begun and holds nothing is not told. */
static void print_last_groups(struct trace *t, uint64_t end_ns)
{
	if (t->counted || !t->counts_told)
		print_groups(t, end_ns > t->counted_from_ns ? end_ns : t->counted_from_ns);
}

/* Up to seen_ns everything has been counted.  Where that is late, times of which nothing was counted are left out. */
static void end_interval(struct trace *t, uint64_t seen_ns)
{
	uint64_t length_ns = t->options->interval_ns;

	if (!t->interval_end_ns || seen_ns < t->interval_end_ns)
		return;
	print_groups(t, t->interval_end_ns);
	groups_clear(t->groups);
	t->counted_from_ns = seen_ns - (seen_ns - t->interval_end_ns) % length_ns;
	t->interval_end_ns = t->counted_from_ns + length_ns;
	flush(t);
}

/* Wakes for the end of an interval; the session by itself does so twice a second. */
static int wait_of_interval(const struct trace *t, uint64_t now_ns)
{
	uint64_t left_ns = t->interval_end_ns > now_ns ? t->interval_end_ns - now_ns : 0;

	if (!t->interval_end_ns || left_ns >= NSEC_PER_SEC / 2)
		return t->linger_ms;
	return t->linger_ms && t->linger_ms < (int)(left_ns / 1000000)
		       ? t->linger_ms
		       : (int)(left_ns / 1000000) + 1;
}

static void on_event(void *ctx, const struct event *event)
{
	struct trace *t = ctx;

	if (output_take_resize())
		writer_resize(t->writer, output_columns(&t->output));
	end_interval(t, event->time_ns);
	t->counted = true;
	if (t->groups)
		groups_add_event(t->groups, event);
	else
		writer_event(t->writer, &t->buffer, event);
	t->shown += event->repeated ? event->repeated : 1;
	if (t->buffer.len >= (t->output.journal ? 1 : FLUSH_BYTES))
		flush(t);
	if (t->options->count && t->shown >= t->options->count)
		t->session.done = true;
}

/* ---- a command that is started ---- */

struct open_lives {
	size_t closing, kept;
};

static enum open_answer on_open(void *ctx, const struct event *life)
{
	struct open_lives *open = ctx;

	switch (life->close.state) {
	case STATE_FIN_WAIT1:
	case STATE_FIN_WAIT2:
	case STATE_CLOSING:
	case STATE_LAST_ACK: open->closing++; break;
	default: open->kept++;
	}
	return OPEN_LATER;
}

/* O(sockets). */
static struct open_lives count_open(struct trace *t)
{
	struct table_telling all = {.again = true};
	struct open_lives open = {0};

	session_each_open(&t->session, &all, SIZE_MAX, on_open, &open);
	return open;
}

/* It has ended; its connections have not until the other side has answered. */
static void linger(struct trace *t, uint64_t now_ns)
{
	struct open_lives open;

	if (!t->linger_until_ns)
		t->linger_until_ns = now_ns + LINGER_NS;
	if (now_ns < t->linger_look_ns)
		return;
	open = count_open(t);
	t->session.over = !open.closing || now_ns >= t->linger_until_ns;
	t->linger_ms = t->linger_ms ? t->linger_ms * 2 : LINGER_MIN_MS;
	t->linger_look_ns = now_ns + (uint64_t)t->linger_ms * 1000000;
	if (t->session.over && open.kept)
		log_say("%zu sockets stay open in processes that %s has left: they are followed no "
			"longer",
			open.kept, t->launch.name);
}

/* 0, or the exit code after saying why. */
static int open_launch(struct trace *t)
{
	char pid[12];
	int code;

	t->launch = (struct launch){.fd = -1, .epoll = -1};
	if (!t->options->run)
		return 0;
	code = launch_open(&t->launch, t->options);
	if (code)
		return code;
	t->own = *t->options;
	t->own.filter.children = true;
	snprintf(pid, sizeof(pid), "%d", (int)t->launch.pid);
	if (units_parse_ranges(pid, UINT32_MAX, &t->own.filter.pids)) {
		log_error("no memory");
		return 1;
	}
	t->options = &t->own;
	return 0;
}

/* Whose its children are does not depend on what the kernel leaves out: it is known before it runs. */
static void know_command(struct trace *t)
{
	struct process_reading r = {0};
	struct process_fact begins = {
		.kind = WIRE_PROCESS_FORK, .pid = (uint32_t)t->launch.pid, .time_ns = kernel_now()};

	if (procinfo_read_process(NULL, begins.pid, &r)) {
		begins.start_ns = r.start_ns;
		begins.parent = r.parent;
		memcpy(begins.name, r.name, sizeof(begins.name));
		process_follow(t->session.processes, &begins);
	}
	free(r.exe);
	free(r.args);
}

static int begin_launch(struct trace *t)
{
	struct serve *serve = t->session.serve;
	int fd = launch_wait_fd(&t->launch, serve ? serve_fd(serve) : -1);

	if (fd < 0) {
		log_error("cannot wait for %s: out of descriptors or memory", t->launch.name);
		return 1;
	}
	kernel_wait_also(t->session.kernel, fd);
	know_command(t);
	if (!output_stop)
		launch_begin(&t->launch);
	return 0;
}

/* Whatever ended the trace. */
static void end_launch(struct trace *t)
{
	int by = output_stop_signal;

	if (by)
		launch_end(&t->launch, by < 0 ? -by : by, by < 0);
	else
		launch_end(&t->launch, SIGTERM, false);
}

/* ---- all ---- */

static void on_turn(void *ctx, uint64_t now_ns, bool idle)
{
	struct trace *t = ctx;

	if (idle)
		output_follow_hangup(&t->output);
	if (idle && t->buffer.len)
		flush(t);
	if (idle && t->launch.begun && launch_has_ended(&t->launch))
		linger(t, now_ns);
	end_interval(t, t->session.seen_ns);
	t->session.wait_ms = wait_of_interval(t, now_ns);
}

static int open_writer(struct trace *t)
{
	const struct options *o = t->options;
	struct writer_options w = {
		.wall_offset_ns = &t->session.wall_offset_ns,
		.interface_name = kernel_interface_name,
		.ctx = t->session.kernel,
		.columns = output_columns(&t->output),
		.color = output_has_color(&t->output, o->color),
		.zone = command_zone(),
	};

	if (o->journal)
		t->writer = writer_journal_new(&w);
	else
		t->writer = format_writer(o, &w, true);
	if (!t->writer || buffer_init(&t->buffer, FLUSH_BYTES * 2) < 0) {
		log_error("no memory");
		return 1;
	}
	return 0;
}

static void on_status(void *ctx, struct status *ret)
{
	const struct trace *t = ctx;
	const struct output *o = &t->output;
	struct stat file;

	ret->text[STATUS_COMMAND] = "trace";
	ret->text[STATUS_FILE] = o->journal ? "the journal" : session_full_path(o->path);
	ret->number[STATUS_TOLD] = t->shown;
	if (o->path && fstat(o->fd, &file) == 0 && S_ISREG(file.st_mode))
		ret->number[STATUS_FILE_BYTES] = (uint64_t)file.st_size;
}

/* 0, or the exit code after saying why. */
static int open_trace(struct trace *t)
{
	int code, err = t->options->journal ? output_open_journal(&t->output)
					    : output_open(&t->output, t->options->output_file);

	if (err < 0)
		return 1;
	t->output.shared = t->options->run && !t->output.path;
	t->output.rotate_bytes = t->options->rotate_bytes;
	t->output.keep = (unsigned int)t->options->keep_files;
	code = session_open(&t->session, t->options, on_event, t);
	t->session.status = on_status;
	t->session.output = &t->output;
	if (code == 0)
		code = open_writer(t);
	if (code == 0)
		code = by_open(t->options, &t->groups);
	if (code == 0)
		code = session_start(&t->session);
	if (code)
		return code;
	t->counted_from_ns = t->session.started_ns;
	if (t->options->interval_ns)
		t->interval_end_ns = t->counted_from_ns + t->options->interval_ns;
	if (!t->groups)
		writer_header(t->writer, &t->buffer);
	flush(t);
	session_announce(&t->session, "");
	return t->options->run ? begin_launch(t) : 0;
}

static int exit_code(const struct trace *t)
{
	const struct session *s = &t->session;

	if (t->output.closed)
		return 0;
	if (t->output.error) {
		if (s->untold)
			log_error("%llu events that were to follow were lost",
				  (unsigned long long)s->untold);
		return output_complain(&t->output, t->buffer.len);
	}
	if (session_has_lost(s)) {
		log_error("%llu events shown, %llu facts lost, %llu sockets not kept%s",
			  (unsigned long long)t->shown, (unsigned long long)s->lost,
			  (unsigned long long)s->full, session_more_lost(s));
		return two_is_over() ? 1 : EXIT_LOST;
	}
	log_say("%llu events, none lost%s", (unsigned long long)t->shown, s->unseen_text);
	return two_is_over() ? 1 : 0;
}

int command_trace(const struct options *options)
{
	struct trace t = {.options = options};
	int code;

	code = open_launch(&t);
	output_catch_signals();
	if (code == 0)
		code = open_trace(&t);
	if (code == 0) {
		session_run(&t.session, on_turn, &t);
		end_launch(&t);
		t.over_ns = kernel_now();
		session_finish(&t.session);
		if (t.groups)
			print_last_groups(&t, t.over_ns);
		if (!t.output.closed)
			output_flush(&t.output, &t.buffer);
		code = exit_code(&t);
		if (t.launch.begun)
			code = launch_exit_code(&t.launch);
	}
	launch_close(&t.launch);
	units_ranges_done(&t.own.filter.pids);
	writer_free(t.writer);
	groups_free(t.groups);
	buffer_done(&t.buffer);
	session_close(&t.session);
	output_close(&t.output);
	return code;
}
