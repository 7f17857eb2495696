// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_replay.c - recorded facts through the decoder, the table and both writers, compared with what
 * they have printed before: tests/golden/replay.facts is in the words of story.h, replay.json and
 * replay.txt are its output.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "story.h"
#include "writer.h"

/* 2026-11-20T12:00:00Z when the story's clock says 0. */
static int64_t wall_offset_ns = 1795176000ll * 1000000000 - 1000000000;

struct replay {
	struct writer *writer;
	struct buffer out;
	uint64_t events;
};

static void on_event(void *ctx, const struct event *e)
{
	struct replay *r = ctx;

	writer_event(r->writer, &r->out, e);
	r->events++;
}

static void replay(struct writer *(*open)(const struct writer_options *), const char *golden)
{
	const struct writer_options options = {.wall_offset_ns = &wall_offset_ns,
						.zone = "UTC"};
	struct replay r = {.writer = open(&options)};
	struct story s;
	char line[256];
	FILE *facts = fopen("tests/golden/replay.facts", "r");
	size_t lines = 0;
	bool clean;

	assert_non_null(facts);
	assert_non_null(r.writer);
	assert_int_equal(buffer_init(&r.out, 1 << 16), 0);
	story_init(&s, 1000, 1000);
	s.sink = on_event;
	s.sink_ctx = &r;
	writer_header(r.writer, &r.out);
	while (fgets(line, sizeof(line), facts)) {
		line[strcspn(line, "\n")] = '\0';
		story_tell(&s, line);
		assert_null(s.complaint);
		lines++;
	}
	table_release(s.table, UINT64_MAX);
	fclose(facts);
	clean = story_done(&s);
	assert_true(lines > 50);
	assert_true(r.events > 40);
	assert_true(clean);
	assert_false(r.out.failed);
	assert_true(golden_matches(golden, r.out.data, r.out.len));
	buffer_done(&r.out);
	writer_free(r.writer);
}

static void test_json(void **state)
{
	(void)state;
	replay(writer_json_new, "replay.json");
}

static void test_text(void **state)
{
	(void)state;
	replay(writer_text_new, "replay.txt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_text),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
