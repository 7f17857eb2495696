// SPDX-License-Identifier: GPL-2.0-only
/* How a trace fares: as bytes of its socket, in words and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "past_wire.h"
#include "status_writer.h"
#include "units.h"

#define WALL_NS INT64_C(1795176000000000000)

static struct status whole(void)
{
	struct status s = {
		.pid = 901,
		.text = {"record", "1.2.3", "tracepoints", "/var/lib/my store\x1b[2J",
			 "calls of io_uring", "database or disk is full"},
	};

	s.number[STATUS_SINCE_NS] = NSEC_PER_SEC;
	for (int i = STATUS_SOCKETS; i < STATUS_NUMBERS; i++)
		s.number[i] = 1000000u << i;
	for (int i = 0; i < STATUS_LOSSES; i++)
		s.lost[i] = (uint64_t)i + 1;
	return s;
}

static void test_it_comes_back_as_it_was(void **state)
{
	const struct status empty = {.pid = 1}, all = whole();
	uint8_t bytes[PAST_RECORD_MAX];
	struct past_answer a;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct status *s = i ? &all : &empty;
		size_t len = past_write_status(bytes, s);

		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(past_read(bytes, cut, &a), 0);
		assert_int_equal(past_read(bytes, len, &a), len);
		assert_int_equal(a.kind, PAST_STATUS);
		assert_int_equal(a.status.pid, s->pid);
		assert_memory_equal(a.status.number, s->number, sizeof(s->number));
		assert_memory_equal(a.status.lost, s->lost, sizeof(s->lost));
		for (int t = 0; t < STATUS_TEXTS; t++) {
			if (s->text[t])
				assert_string_equal(a.status.text[t], s->text[t]);
			else
				assert_null(a.status.text[t]);
		}
	}
}

static void test_a_long_name_is_left_out(void **state)
{
	char name[PAST_TEXT_MAX + 2];
	struct status s = whole();
	uint8_t bytes[PAST_RECORD_MAX];
	struct past_answer a;

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	s.text[STATUS_FILE] = name;
	assert_true(past_read(bytes, past_write_status(bytes, &s), &a) > 0);
	assert_null(a.status.text[STATUS_FILE]);
	assert_string_equal(a.status.text[STATUS_UNSEEN], s.text[STATUS_UNSEEN]);
	name[PAST_TEXT_MAX] = '\0';
	assert_true(past_read(bytes, past_write_status(bytes, &s), &a) > 0);
	assert_string_equal(a.status.text[STATUS_FILE], name);
}

static void test_bytes_that_make_no_sense(void **state)
{
	const struct status s = whole();
	uint8_t good[PAST_RECORD_MAX], bytes[PAST_RECORD_MAX];
	size_t len = past_write_status(good, &s);
	struct past_status *w = (struct past_status *)(void *)bytes;
	struct past_answer a;

	(void)state;
#define BUT(change)                                                                                \
	memcpy(bytes, good, len);                                                                  \
	change;                                                                                    \
	assert_int_equal(past_read(bytes, len, &a), -EBADMSG)
	BUT(w->head.kind = PAST_LIFE);
	BUT(w->head.kind = PAST_END);
	BUT(w->head.size = sizeof(*w) - 1);
	BUT(w->pid = 0);
	BUT(w->pad[3] = 1);
	BUT(w->texts |= 1u << STATUS_TEXTS);
	BUT(w->texts &= ~(1u << STATUS_FILE));
	BUT(w->len[STATUS_FILE]++);
	BUT(w->len[STATUS_FILE] = UINT16_MAX);
	BUT(bytes[sizeof(*w)] = 0);
#undef BUT
}

static void test_random_bytes(void **state)
{
	const struct status s = whole();
	uint8_t good[PAST_RECORD_MAX];
	size_t len = past_write_status(good, &s);
	struct past_answer a;
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint8_t *bytes = malloc(len); /* what is read behind it is seen */
		long n;

		assert_non_null(bytes);
		memcpy(bytes, good, len);
		for (int k = 0; k < 1 + i % 3; k++) {
			seed = seed * 1664525 + 1013904223;
			bytes[(seed >> 8) % len] = (uint8_t)(seed >> 24);
		}
		n = past_read(bytes, len, &a);
		assert_true(n == -EBADMSG || (n >= 0 && (size_t)n <= len));
		free(bytes);
	}
}

static void expect(const struct status *s, const char *text, const char *json)
{
	int64_t offset = WALL_NS;
	struct writer *w = writer_json_new(&(struct writer_options){.wall_offset_ns = &offset});
	struct buffer out = {0};

	status_write_text(&out, s, 3700 * NSEC_PER_SEC, WALL_NS);
	assert_false(out.failed);
	assert_true(golden_matches(text, out.data, out.len));
	out.len = 0;
	writer_status(w, &out, s, 3700 * NSEC_PER_SEC);
	assert_false(out.failed);
	assert_true(golden_matches(json, out.data, out.len));
	writer_free(w);
	buffer_done(&out);
}

static void test_words(void **state)
{
	const struct status_sending sending = {
		"http://db:8123\x1b[2J", "no table", 12345, 678, 0, 0, 9};
	const struct status_sending well = {"https://db:8443",
					    NULL,
					    12345,
					    6,
					    WALL_NS + 3694 * NSEC_PER_SEC,
					    WALL_NS + 3698 * NSEC_PER_SEC,
					    0};
	struct status all = whole();
	struct status calm = {.pid = 77, .text = {"trace", "1.2.3", "trampolines"}};

	(void)state;
	calm.number[STATUS_SINCE_NS] = 3600 * NSEC_PER_SEC;
	calm.number[STATUS_SOCKETS] = 12;
	calm.number[STATUS_TABLE_BYTES] = 3000;
	expect(&all, "status.txt", "status.json");
	expect(&calm, "status-calm.txt", "status-calm.json");
	all.sending = &sending;
	expect(&all, "status-refused.txt", "status-refused.json");
	calm.sending = &well;
	expect(&calm, "status-sent.txt", "status-sent.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_comes_back_as_it_was),
		cmocka_unit_test(test_a_long_name_is_left_out),
		cmocka_unit_test(test_bytes_that_make_no_sense),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_words),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
