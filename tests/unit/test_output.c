// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "golden.h"
#include "sample_events.h"
#include "writer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Boot was at 2026-11-20T11:00:00Z. */
#define BOOT 1795172400ll

static int64_t wall_offset_ns = BOOT * 1000000000ll;

static const char *interface_name(void *ctx, uint32_t netns, uint32_t ifindex)
{
	(void)ctx;
	assert_int_equal(netns, 4026532001);
	return ifindex == 2 ? "eth0" : ifindex == 3 ? "e\x1b[1m\"\xff" : NULL;
}

static struct writer_options options(void)
{
	return (struct writer_options){
		.wall_offset_ns = &wall_offset_ns,
		.interface_name = interface_name,
		.zone = "UTC",
	};
}

static struct buffer write_events(struct writer *w, bool lines)
{
	struct buffer out;

	assert_non_null(w);
	assert_int_equal(buffer_init(&out, 16), 0);
	writer_header(w, &out);
	for (size_t i = 0; i < sample_event_count; i++) {
		struct event e = sample_events[i];
		size_t start = out.len;

		e.time_ns = SAMPLE_BEGIN + i * 1001 * SAMPLE_MSEC;
		writer_event(w, &out, &e);
		assert_true(out.len > start);
		if (lines)
			assert_ptr_equal(memchr(out.data + start, '\n', out.len - start),
					 out.data + out.len - 1);
	}
	assert_false(out.failed);
	writer_free(w);
	return out;
}

static struct buffer write_all(struct writer *w)
{
	return write_events(w, true);
}

static void check_golden(struct writer *w, const char *name)
{
	struct buffer out = write_all(w);

	assert_true(golden_matches(name, out.data, out.len));
	buffer_done(&out);
}

static void json_writes_every_event_as_recorded(void **state)
{
	struct writer_options o = options();

	(void)state;
	check_golden(writer_json_new(&o), "events.json");
}

static const struct writer_host host = {"web1 \"a\"", "x86_64", "6.1.0-31-amd64"};

/* tests/e2e/names.py has the names, and what they say, against events.json. */
static void ecs_writes_every_event_as_recorded(void **state)
{
	struct writer_options o = options();

	(void)state;
	o.host = &host;
	check_golden(writer_ecs_new(&o), "events.ecs");
}

static void otel_writes_every_event_as_recorded(void **state)
{
	struct writer_options o = options();

	(void)state;
	o.host = &host;
	check_golden(writer_otel_new(&o), "events.otel");
}

/* Names and arguments of which each byte takes six, and more holders than have room. */
static void lines_of_hostile_processes_are_bounded(void **state)
{
	static char args[PROCESS_ARGS_MAX], path[5000], name[400];
	struct program program = {.pid = 9, .exe = path, .args = args, .args_len = sizeof(args)};
	struct process all = {
		.pid = 9,
		.tid = 9,
		.name = "\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b",
		.program = &program,
		.parents_known = true,
		.parent_count = PROCESS_PARENTS,
		.cgroup = path,
		.container = name,
		.container_name = name,
		.pod = name,
		.unit = name};
	struct event_trouble many = {.has_holders = true, .holder_count = 2000};
	struct event_holder *crowd = calloc(many.holder_count, sizeof(*crowd));
	struct writer_options o = options();
	struct writer *writers[] = {writer_json_new(&o), writer_ecs_new(&o), writer_otel_new(&o)};
	struct event e = sample_events[0];
	struct buffer out;

	(void)state;
	memset(args, '\x1b', sizeof(args) - 1);
	memset(path, '\x1b', sizeof(path) - 1);
	memset(name, '\x1b', sizeof(name) - 1);
	for (int i = 0; i < PROCESS_PARENTS; i++)
		all.parent[i] = &program;
	assert_non_null(crowd);
	for (size_t i = 0; i < many.holder_count; i++)
		crowd[i] = (struct event_holder){
			.process = &all, .bound_by = &all, .family = FAMILY_IPV4};
	many.holders = crowd;
	e.trouble = &many;
	e.process = &all;
	for (size_t i = 0; i < COUNT(writers); i++) {
		assert_int_equal(buffer_init(&out, 4096), 0);
		writer_event(writers[i], &out, &e);
		assert_in_range(out.len, 40000, 65535);
		buffer_append(&out, "", 1);
		assert_non_null(strstr(out.data, "holders_more\":19"));
		buffer_done(&out);
		writer_free(writers[i]);
	}
	free(crowd);
}

/* Takes the next field off `*at`; its value may hold newlines. */
static struct field_text {
	const char *name, *value;
	size_t name_len, len;
} next_field(const char **at, const char *end)
{
	const char *line = memchr(*at, '\n', (size_t)(end - *at)), *equals;
	struct field_text f = {.name = *at};

	assert_non_null(line);
	equals = memchr(*at, '=', (size_t)(line - *at));
	f.value = (equals ? equals : line) + 1;
	f.name_len = (size_t)(f.value - 1 - *at);
	f.len = equals ? (size_t)(line - f.value) : 0;
	if (!equals) {
		assert_true(end - f.value > 8);
		for (int i = 7; i >= 0; i--)
			f.len = f.len << 8 | (unsigned char)f.value[i];
		f.value += 8;
		assert_true(f.len < (size_t)(end - f.value));
	}
	*at = f.value + f.len + 1;
	assert_int_equal(f.value[f.len], '\n');
	return f;
}

/* As journald takes it: at most 64 letters, capitals, digits and "_". */
static void journal_names_every_field_of_every_event(void **state)
{
	struct writer_options o = options();
	struct buffer out = write_events(writer_journal_new(&o), false);

	(void)state;
	for (const char *at = out.data; at < out.data + out.len;) {
		struct field_text f = next_field(&at, out.data + out.len);

		assert_in_range(f.name_len, 1, 64);
		for (size_t i = 0; i < f.name_len; i++)
			assert_non_null(
				memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", f.name[i], 37));
		assert_true(f.name[f.name_len - 1] != '_');
	}
	assert_true(golden_matches("events.journal", out.data, out.len));
	buffer_done(&out);
}

/* One datagram is an entry, and a socket's buffer holds some 200 KB. */
static void journal_counts_the_holders_that_it_leaves_out(void **state)
{
	struct event_trouble many = {.has_holders = true, .holder_count = 2000, .holders_more = 5};
	struct writer_options o = options();
	struct writer *w = writer_journal_new(&o);
	struct event_holder *crowd = calloc(many.holder_count, sizeof(*crowd));
	struct event e = sample_events[0];
	struct buffer out;
	size_t pids = 0;

	(void)state;
	assert_non_null(crowd);
	assert_int_equal(buffer_init(&out, 4096), 0);
	for (size_t i = 0; i < many.holder_count; i++)
		crowd[i] = (struct event_holder){.process = &sample_nginx, .family = FAMILY_IPV4};
	many.holders = crowd;
	e.trouble = &many;
	writer_event(w, &out, &e);
	buffer_append(&out, "", 1);
	for (const char *at = out.data; (at = strstr(at, "\nSOCKWATCH_HOLDERS_PID=901\n")); at++)
		pids++;
	assert_int_equal(pids, 64);
	assert_non_null(strstr(out.data, "\nSOCKWATCH_HOLDERS_MORE=1941\n"));
	assert_true(out.len < 100000);
	buffer_done(&out);
	writer_free(w);
	free(crowd);
}

static void text_in_a_pipe_is_never_cut(void **state)
{
	struct writer_options o = options();

	(void)state;
	check_golden(writer_text_new(&o), "events.txt");
}

/* At 80 columns, where next to nothing fits, and at 140. */
static void text_on_a_terminal_goes_on_in_the_next_line(void **state)
{
	struct writer_options o = options();
	struct buffer out;

	(void)state;
	o.columns = 80;
	out = write_events(writer_text_new(&o), false);
	assert_true(golden_matches("events-80.txt", out.data, out.len));
	buffer_done(&out);
	o.columns = 140;
	out = write_events(writer_text_new(&o), false);
	assert_true(golden_matches("events-140.txt", out.data, out.len));
	buffer_done(&out);
}

static void text_marks_errors_in_colour(void **state)
{
	struct writer_options o = options();

	(void)state;
	o.color = true;
	check_golden(writer_text_new(&o), "events-color.txt");
}

/* Columns of one line without its colours; fails on a colour left open or an escape cut short. */
static unsigned int visible_columns(const char *line, size_t len)
{
	unsigned int columns = 0;
	bool open = false;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\033') {
			size_t end = i + 1 + strspn(line + i + 1, "[0123456789");

			assert_true(end < len && line[end] == 'm');
			open = strncmp(line + i, "\033[0m", 4) != 0;
			i = end;
		} else if ((line[i] & 0xc0) != 0x80) {
			/* Of three bytes are only the mark, one column, and the wide letters. */
			columns +=
				(line[i] & 0xf0) == 0xe0 && memcmp(line + i, "…", 3) != 0 ? 2 : 1;
		}
	}
	assert_false(open);
	return columns;
}

/* What is left of a text when spaces and ends of lines are taken away. */
static char *squeeze(const struct buffer *b)
{
	char *text = malloc(b->len + 1), *p = text;

	assert_non_null(text);
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != ' ' && b->data[i] != '\n')
			*p++ = b->data[i];
	*p = '\0';
	return text;
}

/* Every width has every character that a pipe has, and the same ones when the width changes on the way. */
static void nothing_is_missing_at_any_width(void **state)
{
	struct writer_options o = options();
	struct buffer out = write_all(writer_text_new(&o));
	char *whole = squeeze(&out);

	(void)state;
	buffer_done(&out);
	for (unsigned int columns = 2; columns < 220; columns++) {
		char *text;

		o.columns = columns;
		out = write_events(writer_text_new(&o), false);
		text = squeeze(&out);
		assert_string_equal(text, whole);
		free(text);
		buffer_done(&out);
	}
	free(whole);
}

static void a_terminal_that_changes_is_followed(void **state)
{
	static const unsigned int widths[] = {200, 60, 120};
	struct writer_options o = options();
	struct writer *w = writer_text_new(&o);
	struct buffer out;

	(void)state;
	assert_int_equal(buffer_init(&out, 16), 0);
	for (size_t turn = 0; turn < COUNT(widths); turn++) {
		unsigned int widest = 0;

		writer_resize(w, widths[turn]);
		for (size_t i = 0; i < sample_event_count; i++) {
			struct event e = sample_events[i];

			e.time_ns = SAMPLE_BEGIN;
			writer_event(w, &out, &e);
		}
		for (size_t at = 0, len; at < out.len; at += len + 1) {
			unsigned int used;

			len = (size_t)((char *)memchr(out.data + at, '\n', out.len - at) - out.data) - at;
			used = visible_columns(out.data + at, len);
			assert_true(used <= widths[turn]);
			widest = used > widest ? used : widest;
		}
		assert_true(widest > widths[turn] - 12);
		out.len = 0;
	}
	buffer_done(&out);
	writer_free(w);
}

/* A character may take two columns. */
static void no_terminal_is_too_narrow(void **state)
{
	(void)state;
	for (unsigned int columns = 2; columns < 220; columns++) {
		struct writer_options o = options();
		struct buffer out;
		size_t start = 0;

		o.columns = columns;
		o.color = columns % 2;
		out = write_events(writer_text_new(&o), false);
		while (start < out.len) {
			size_t len =
				(size_t)((char *)memchr(out.data + start, '\n', out.len - start) -
					 (out.data + start));

			assert_true(visible_columns(out.data + start, len) <= columns);
			assert_true(len == 0 || out.data[start + len - 1] != ' ');
			start += len + 1;
		}
		buffer_done(&out);
	}
}

static void lines_without_memory_are_not_begun(void **state)
{
	struct writer_options o = options();
	struct writer *writers[] = {writer_json_new(&o), writer_text_new(&o), writer_ecs_new(&o),
				    writer_otel_new(&o)};

	(void)state;
	for (size_t i = 0; i < COUNT(writers); i++) {
		struct buffer out;

		assert_int_equal(buffer_init(&out, 8), 0);
		buffer_append(&out, "whole\n", 6);
		assert_null(buffer_reserve(&out, SIZE_MAX / 2 + 1));
		assert_true(out.failed);
		writer_event(writers[i], &out, &sample_events[0]);
		buffer_append(&out, "more", 4);
		assert_int_equal(out.len, 6);
		buffer_done(&out);
		writer_free(writers[i]);
	}
}

static void wall_time_follows_its_offset(void **state)
{
	struct writer_options o = options();
	struct writer *w = writer_json_new(&o);
	struct event e = sample_events[0];
	struct buffer out;

	(void)state;
	assert_int_equal(buffer_init(&out, 4096), 0);
	e.time_ns = SAMPLE_BEGIN;
	wall_offset_ns += 86400 * 1000000000ll;
	writer_event(w, &out, &e);
	wall_offset_ns -= 86400 * 1000000000ll;
	assert_memory_equal(out.data, "{\"time\":\"2026-11-21T12:00:00.123456789Z\"", 40);
	buffer_done(&out);
	writer_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_writes_every_event_as_recorded),
		cmocka_unit_test(ecs_writes_every_event_as_recorded),
		cmocka_unit_test(otel_writes_every_event_as_recorded),
		cmocka_unit_test(lines_of_hostile_processes_are_bounded),
		cmocka_unit_test(journal_names_every_field_of_every_event),
		cmocka_unit_test(journal_counts_the_holders_that_it_leaves_out),
		cmocka_unit_test(text_in_a_pipe_is_never_cut),
		cmocka_unit_test(text_on_a_terminal_goes_on_in_the_next_line),
		cmocka_unit_test(text_marks_errors_in_colour),
		cmocka_unit_test(no_terminal_is_too_narrow),
		cmocka_unit_test(nothing_is_missing_at_any_width),
		cmocka_unit_test(a_terminal_that_changes_is_followed),
		cmocka_unit_test(lines_without_memory_are_not_begun),
		cmocka_unit_test(wall_time_follows_its_offset),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
