// SPDX-License-Identifier: GPL-2.0-only
/* What is told of processes: the bytes from the kernel, those of a store, and the filter on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/store/record.h"
#include "fact.h"
#include "filter.h"

struct bytes {
	struct wire_process head;
	char text[64];
};

static const char texts[] = "curl\0-s\0curl\0bin\0usr\0web.service\0system.slice";

static struct bytes make_exec(void)
{
	struct bytes b = {
		.head = {.kind = WIRE_PROCESS_EXEC,
			 .flags = WIRE_PROCESS_ARGS | WIRE_PROCESS_EXE | WIRE_PROCESS_CGROUP,
			 .pid = 7,
			 .parent = 6,
			 .start_ns = 5,
			 .args_len = 8,
			 .exe_len = 13,
			 .cgroup_len = 25,
			 .name = "curl"}};

	memcpy(b.text, texts, sizeof(texts));
	b.head.size = sizeof(b.head) + sizeof(texts);
	assert_int_equal(sizeof(texts), 8 + 13 + 25);
	return b;
}

static int decode(struct process_fact *ret, const struct bytes *b, size_t len)
{
	char *exact = malloc(len);
	int err;

	memcpy(exact, b, len);
	err = process_fact_decode(ret, exact, len);
	free(exact);
	return err;
}

static void test_exec(void **state)
{
	struct bytes b = make_exec();
	struct process_fact f;

	(void)state;
	assert_int_equal(process_fact_decode(&f, &b, b.head.size), 0);
	assert_string_equal(f.exe, "/usr/bin/curl");
	assert_string_equal(f.cgroup, "/system.slice/web.service");
	assert_memory_equal(f.args, "curl\0-s", 8);
	assert_int_equal(f.args_len, 8);
	assert_string_equal(f.name, "curl");
	b.head.exe_len = b.head.cgroup_len = 0;
	b.head.size = sizeof(b.head) + 8;
	assert_int_equal(process_fact_decode(&f, &b, b.head.size), 0);
	assert_string_equal(f.exe, "/");
	assert_string_equal(f.cgroup, "/");
}

static void test_what_makes_no_sense(void **state)
{
	struct process_fact f;
	struct bytes b;

	(void)state;
#define BUT(change)                                                                                \
	b = make_exec();                                                                           \
	change;                                                                                    \
	assert_int_equal(process_fact_decode(&f, &b, sizeof(b.head) + sizeof(texts)), -EBADMSG)
	BUT(b.head.kind = 0);
	BUT(b.head.kind = WIRE_PROCESS_KINDS);
	BUT(b.head.kind = WIRE_PROCESS_FORK);
	BUT(b.head.pid = 0);
	BUT(b.head.size--);
	BUT(b.head.flags |= WIRE_PROCESS_FLAGS + 1);
	BUT(b.head.flags &= ~WIRE_PROCESS_ARGS);
	BUT(b.head.flags &= ~WIRE_PROCESS_EXE);
	BUT(b.head.flags &= ~WIRE_PROCESS_CGROUP);
	BUT(b.head.args_len++);
	BUT(b.head.cgroup_len--; b.head.exe_len++);
	BUT(b.text[sizeof(texts) - 1] = 'x');
#undef BUT
	b = make_exec();
	for (size_t len = 1; len < b.head.size; len++)
		assert_int_equal(decode(&f, &b, len), -EBADMSG);
}

static void test_random_bytes(void **state)
{
	const size_t len = sizeof(struct wire_process) + sizeof(texts);
	struct process_fact f;

	(void)state;
	srandom(3);
	for (int i = 0; i < 100000; i++) {
		struct bytes b = make_exec();

		for (int k = 0; k < 1 + i % 4; k++)
			((uint8_t *)&b)[(size_t)random() % len] = (uint8_t)random();
		if (decode(&f, &b, len) == 0)
			assert_true(strlen(f.exe) <= WIRE_PATH_MAX && strlen(f.name) < 16);
	}
}

/* ---- the store's bytes ---- */

static const struct program shell = {
	.pid = 5, .start_ns = 100, .name = "sh", .args = "sh\0-c\0job", .args_len = 10};
static const struct program init = {.pid = 1, .name = "init"};
static char filler[300];
static const struct program talker = {
	.pid = 4, .name = "talker", .args = filler, .args_len = sizeof(filler)};

static void test_parents_come_back(void **state)
{
	const struct process p = {.parent = {&shell, &talker, &init}, .parent_count = 3};
	struct process back = {0};
	uint8_t bytes[PARENTS_BYTES];
	size_t len = parents_pack(bytes, &p, 1000);

	(void)state;
	parents_unpack(&back, bytes, len);
	assert_int_equal(back.parent_count, 3);
	assert_int_equal(back.parent[0]->start_ns, 1100);
	assert_string_equal(back.parent[0]->name, "sh");
	assert_memory_equal(back.parent[0]->args, "sh\0-c\0job", 10);
	assert_false(back.parent[0]->args_cut);
	assert_int_equal(back.parent[1]->args_len, PARENT_ARGS);
	assert_true(back.parent[1]->args_cut);
	assert_null(back.parent[2]->args);
	assert_int_equal(back.parent[2]->start_ns, 0);
	process_copy_done(&back);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut + 1);

		memcpy(exact, bytes, cut);
		parents_unpack(&back, exact, cut);
		assert_true(back.parent_count < 3);
		process_copy_done(&back);
		free(exact);
	}
}

/* ---- the filter ---- */

static const struct program program = {
	.exe = "/usr/bin/python3.11", .args = "python3\0web app.py\0--x", .args_len = 23};
static const struct process web = {.pid = 60,
				   .name = "MainThread",
				   .program = &program,
				   .parent = {&shell, &init},
				   .parent_count = 2,
				   .container = "4f1a2b",
				   .container_name = "web",
				   .unit = "web.service"};

static bool args_match(const char *regex)
{
	struct filter f = {0};
	bool match;

	assert_int_equal(filter_set_args(&f, regex), 0);
	match = filter_match_process(&f, &web);
	filter_done(&f);
	return match;
}

static bool words_match(struct filter f)
{
	return filter_match_process(&f, &web);
}

static char *word(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* The kernel keeps 15 bytes of a name, who types it has all. */
static void test_a_long_name(void **state)
{
	const struct process p = {.name = "0123456789abcde"};

	(void)state;
	assert_true(filter_match_process(&(struct filter){.comm = word("0123456789abcdefgh")}, &p));
	assert_false(filter_match_process(&(struct filter){.comm = word("0123456789abcdX")}, &p));
}

static void test_filters(void **state)
{
	struct units_ranges five = {0};
	struct filter bad = {0};

	(void)state;
	assert_true(args_match("^python3 web app\\.py --x$"));
	assert_false(args_match("app.rb"));
	assert_int_equal(filter_set_args(&bad, "("), -EINVAL);
	assert_true(words_match((struct filter){.comm = word("python3")}));
	assert_true(words_match((struct filter){.comm = word("MainT")}));
	assert_false(words_match((struct filter){.comm = word("bin")}));
	assert_true(words_match((struct filter){.unit = word("web")}));
	assert_true(words_match((struct filter){.unit = word("web.service")}));
	assert_false(words_match((struct filter){.unit = word("we")}));
	assert_true(words_match((struct filter){.container = word("web")}));
	assert_true(words_match((struct filter){.container = word("4f1")}));
	assert_false(words_match((struct filter){.container = word("we")}));
	assert_int_equal(units_parse_ranges("5", 100, &five), 0);
	assert_false(words_match((struct filter){.pids = five}));
	assert_true(words_match((struct filter){.pids = five, .children = true}));
	assert_false(filter_match_process(&(struct filter){.unit = word("web")}, NULL));
	assert_true(filter_match_process(&(struct filter){0}, NULL));
	units_ranges_done(&five);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),	     cmocka_unit_test(test_what_makes_no_sense),
		cmocka_unit_test(test_random_bytes), cmocka_unit_test(test_parents_come_back),
		cmocka_unit_test(test_a_long_name),  cmocka_unit_test(test_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
