// SPDX-License-Identifier: GPL-2.0-only
#include "status_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "units.h"
#include "walk.h"

/* ---- as fields ---- */

static void give(struct writer *w, enum field field, const char *text)
{
	if (text)
		w->spelling->text(w, field, text, strlen(text));
	else
		w->spelling->absent(w, field);
}

static void walk_lost(struct writer *w, const struct status *s)
{
	static const enum field field_of[STATUS_LOSSES] = {
		[STATUS_LOST_RING] = FIELD_RING,	   [STATUS_LOST_SHARE] = FIELD_SHARE,
		[STATUS_LOST_CALLS] = FIELD_CALLS,	   [STATUS_LOST_FOLDS] = FIELD_FOLDS,
		[STATUS_LOST_WITHHELD] = FIELD_WITHHELD,   [STATUS_LOST_ENDS] = FIELD_ENDS,
		[STATUS_LOST_SOCKETS] = FIELD_SOCKETS,	   [STATUS_LOST_ROWS] = FIELD_ROWS,
		[STATUS_LOST_PROCESSES] = FIELD_PROCESSES,
	};

	w->spelling->open(w, FIELD_LOST, NEST_OBJECT);
	w->spelling->number(w, FIELD_COUNT, status_lost(s));
	for (int i = 0; i < STATUS_LOSSES; i++)
		w->spelling->number(w, field_of[i], s->lost[i]);
	w->spelling->close(w, NEST_OBJECT);
}

static void give_time(struct writer *w, enum field field, uint64_t realtime_ns)
{
	if (realtime_ns)
		w->spelling->time(w, field, realtime_ns);
	else
		w->spelling->absent(w, field);
}

static void walk_sending(struct writer *w, const struct status_sending *s)
{
	if (!s) {
		w->spelling->absent(w, FIELD_SENDING);
		return;
	}
	w->spelling->open(w, FIELD_SENDING, NEST_OBJECT);
	give(w, FIELD_TO, s->to);
	w->spelling->number(w, FIELD_ROWS, s->rows);
	w->spelling->number(w, FIELD_WAITING, s->waiting);
	give_time(w, FIELD_OLDEST, s->oldest_ns);
	give_time(w, FIELD_LAST_SENT, s->sent_ns);
	w->spelling->number(w, FIELD_FAILURES, s->failures);
	give(w, FIELD_WHY, s->why);
	w->spelling->close(w, NEST_OBJECT);
}

void writer_status(struct writer *w, struct buffer *out, const struct status *s, uint64_t now_ns)
{
	static const enum field field_of[STATUS_NUMBERS] = {
		[STATUS_SOCKETS] = FIELD_SOCKETS,
		[STATUS_TABLE_BYTES] = FIELD_TABLE_BYTES,
		[STATUS_RING_BYTES] = FIELD_RING_BYTES,
		[STATUS_TOLD] = FIELD_TOLD,
		[STATUS_FILE_BYTES] = FIELD_FILE_BYTES,
		[STATUS_WAITING_BYTES] = FIELD_WAITING_BYTES,
		[STATUS_REPAIRS] = FIELD_REPAIRS,
	};
	const uint64_t offset = (uint64_t)*w->options.wall_offset_ns;

	w->out = out;
	w->spelling->begin(w);
	w->spelling->time(w, FIELD_TIME, now_ns + offset);
	w->spelling->word(w, FIELD_EVENT, "status");
	w->spelling->number(w, FIELD_PID, s->pid);
	give(w, FIELD_COMMAND, s->text[STATUS_COMMAND]);
	give(w, FIELD_VERSION, s->text[STATUS_VERSION]);
	w->spelling->time(w, FIELD_SINCE, s->number[STATUS_SINCE_NS] + offset);
	give(w, FIELD_HOOKS, s->text[STATUS_HOOKS]);
	give(w, FIELD_UNSEEN, s->text[STATUS_UNSEEN]);
	give(w, FIELD_FILE, s->text[STATUS_FILE]);
	give(w, FIELD_STUCK, s->text[STATUS_STUCK]);
	for (int i = STATUS_SOCKETS; i < STATUS_NUMBERS; i++)
		w->spelling->number(w, field_of[i], s->number[i]);
	walk_lost(w, s);
	walk_sending(w, s->sending);
	w->spelling->end(w);
}

/* ---- as words ---- */

static void print_bytes(struct buffer *out, uint64_t bytes)
{
	if (bytes < 1000000)
		buffer_print(out, "%.1f kB", (double)bytes / 1e3);
	else if (bytes < 1000000000)
		buffer_print(out, "%.1f MB", (double)bytes / 1e6);
	else
		buffer_print(out, "%.1f GB", (double)bytes / 1e9);
}

static void print_text(struct buffer *out, const char *label, const char *text)
{
	buffer_print(out, "  %-8s ", label);
	buffer_escape_line(out, text, strlen(text));
}

static void print_head(struct buffer *out, const struct status *s, uint64_t now_ns,
		       int64_t wall_offset_ns)
{
	const uint64_t since_ns = s->number[STATUS_SINCE_NS];
	time_t since = (time_t)((since_ns + (uint64_t)wall_offset_ns) / NSEC_PER_SEC);
	char when[32], for_how_long[32];
	struct tm local;

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&since, &local));
	for_how_long[units_format_duration(for_how_long,
					   now_ns > since_ns ? now_ns - since_ns : 0)] = '\0';
	if (s->text[STATUS_COMMAND])
		buffer_escape_line(out, s->text[STATUS_COMMAND], strlen(s->text[STATUS_COMMAND]));
	buffer_print(out, "[%" PRIu32 "] since %s (%s)", s->pid, when, for_how_long);
	if (s->text[STATUS_VERSION]) {
		buffer_print(out, ", sockwatch ");
		buffer_escape_line(out, s->text[STATUS_VERSION], strlen(s->text[STATUS_VERSION]));
	}
	buffer_print(out, "\n");
}

static void print_file(struct buffer *out, const struct status *s)
{
	print_text(out, "into", s->text[STATUS_FILE] ? s->text[STATUS_FILE] : "stdout");
	if (s->number[STATUS_FILE_BYTES]) {
		buffer_print(out, ", ");
		print_bytes(out, s->number[STATUS_FILE_BYTES]);
	}
	buffer_print(out, ", %" PRIu64 " told", s->number[STATUS_TOLD]);
	if (s->number[STATUS_WAITING_BYTES]) {
		buffer_print(out, ", ");
		print_bytes(out, s->number[STATUS_WAITING_BYTES]);
		buffer_print(out, " wait to be written");
	}
	buffer_print(out, "\n");
	if (s->text[STATUS_STUCK]) {
		print_text(out, "stuck", s->text[STATUS_STUCK]);
		buffer_print(out, "\n");
	}
}

static void print_ago(struct buffer *out, uint64_t since_ns, uint64_t now_ns)
{
	char text[32];

	text[units_format_duration(text, now_ns > since_ns ? now_ns - since_ns : 0)] = '\0';
	buffer_print(out, "%s", text);
}

/* `now_ns` is CLOCK_REALTIME. */
static void print_sending(struct buffer *out, const struct status_sending *s, uint64_t now_ns)
{
	print_text(out, "sent", s->to);
	buffer_print(out, ", %" PRIu64 " rows", s->rows);
	if (s->sent_ns) {
		buffer_print(out, ", last ");
		print_ago(out, s->sent_ns, now_ns);
		buffer_print(out, " ago");
	}
	if (s->waiting)
		buffer_print(out, ", %" PRIu64 " wait", s->waiting);
	if (s->waiting && s->oldest_ns) {
		buffer_print(out, ", the oldest of them ");
		print_ago(out, s->oldest_ns, now_ns);
		buffer_print(out, " old");
	}
	buffer_print(out, "\n");
	if (s->why) {
		print_text(out, "refused", s->why);
		buffer_print(out, "\n");
	}
}

static void print_lost(struct buffer *out, const struct status *s)
{
	static const char *const cause[STATUS_LOSSES] = {
		[STATUS_LOST_RING] =
			"for want of room in the ring buffer (--ring, or a faster reader)",
		[STATUS_LOST_SHARE] = "beyond one user's share of the ring buffer (--ring)",
		[STATUS_LOST_CALLS] = "calls, too many were under way at once",
		[STATUS_LOST_FOLDS] = "failed calls, too different to be counted together",
		[STATUS_LOST_WITHHELD] =
			"left out by the kernel, which runs no program where the same one was "
			"interrupted",
		[STATUS_LOST_ENDS] = "ends of sockets that the kernel did not tell",
		[STATUS_LOST_SOCKETS] = "sockets not kept, the table is full (--sockets)",
		[STATUS_LOST_ROWS] = "rows not written, memory was full (--queue)",
		[STATUS_LOST_PROCESSES] = "begun, executed or ended processes (they stay less "
					  "known; no event is lost)",
	};
	uint64_t sum = status_lost(s);

	if (sum)
		buffer_print(out, "  lost     %" PRIu64, sum);
	else
		buffer_print(out, "  lost     none");
	if (s->number[STATUS_REPAIRS])
		buffer_print(out, ", the table was looked up anew %" PRIu64 " times",
			     s->number[STATUS_REPAIRS]);
	buffer_print(out, "\n");
	for (int i = 0; i < STATUS_LOSSES; i++) {
		if (s->lost[i])
			buffer_print(out, "           %" PRIu64 " %s\n", s->lost[i], cause[i]);
	}
}

void status_write_text(struct buffer *out, const struct status *s, uint64_t now_ns,
		       int64_t wall_offset_ns)
{
	print_head(out, s, now_ns, wall_offset_ns);
	print_file(out, s);
	if (s->sending)
		print_sending(out, s->sending, now_ns + (uint64_t)wall_offset_ns);
	buffer_print(out, "  sockets  %" PRIu64 " remembered, ", s->number[STATUS_SOCKETS]);
	print_bytes(out, s->number[STATUS_TABLE_BYTES]);
	buffer_print(out, "\n");
	print_lost(out, s);
	if (s->text[STATUS_HOOKS]) {
		print_text(out, "hooks", s->text[STATUS_HOOKS]);
		buffer_print(out, "\n");
	}
	if (s->text[STATUS_UNSEEN]) {
		print_text(out, "unseen", s->text[STATUS_UNSEEN]);
		buffer_print(out, "\n");
	}
}
