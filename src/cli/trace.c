// SPDX-License-Identifier: GPL-2.0-only
/* trace.c - `sockwatch trace`: facts through the table and the filter to the reader. */
#include "commands.h"
#include "log.h"
#include "output.h"
#include "session.h"
#include "two.h"

#include <string.h>
#include <sys/stat.h>

#define FLUSH_BYTES (256u << 10)

struct trace {
	const struct options *options;
	struct session session;
	struct writer *writer;
	struct buffer buffer;
	struct output output;
	uint64_t shown;
};

static void flush(struct trace *t)
{
	if (output_flush(&t->output, &t->buffer))
		return;
	t->session.done = true;
	t->session.failed = t->output.error != 0;
}

static void on_event(void *ctx, const struct event *event)
{
	struct trace *t = ctx;

	if (output_take_resize())
		writer_resize(t->writer, output_columns(&t->output));
	writer_event(t->writer, &t->buffer, event);
	t->shown += event->repeated ? event->repeated : 1;
	if (t->buffer.len >= (t->output.journal ? 1 : FLUSH_BYTES))
		flush(t);
	if (t->options->count && t->shown >= t->options->count)
		t->session.done = true;
}

static void on_turn(void *ctx, uint64_t now_ns, bool idle)
{
	struct trace *t = ctx;

	(void)now_ns;
	if (idle)
		output_follow_hangup(&t->output);
	if (idle && t->buffer.len)
		flush(t);
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
		t->writer = o->format == FORMAT_JSON ? writer_json_new(&w) : writer_text_new(&w);
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
	t->output.rotate_bytes = t->options->rotate_bytes;
	t->output.keep = (unsigned int)t->options->keep_files;
	code = session_open(&t->session, t->options, on_event, t);
	t->session.status = on_status;
	t->session.output = &t->output;
	if (code == 0)
		code = open_writer(t);
	if (code == 0)
		code = session_start(&t->session);
	if (code)
		return code;
	writer_header(t->writer, &t->buffer);
	flush(t);
	session_announce(&t->session, "");
	return 0;
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

	output_catch_signals();
	code = open_trace(&t);
	if (code == 0) {
		session_run(&t.session, on_turn, &t);
		session_finish(&t.session);
		if (!t.output.closed)
			output_flush(&t.output, &t.buffer);
		code = exit_code(&t);
	}
	writer_free(t.writer);
	buffer_done(&t.buffer);
	session_close(&t.session);
	output_close(&t.output);
	return code;
}
