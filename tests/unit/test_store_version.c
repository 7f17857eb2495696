// SPDX-License-Identifier: GPL-2.0-only
/* What tells stores apart, and stores of the version before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "store_case.h"
#include "store_copy.h"

static struct store_reader *open_reader(void)
{
	struct store_error error = {""};
	struct store_reader *r = store_reader_open(path, WALL + 1000 * SEC, &error);

	if (!r)
		fail_msg("store_reader_open: %s", error.text);
	return r;
}

struct seen {
	size_t count;
};

static bool on_id(void *ctx, const struct copy_value *values)
{
	struct seen *seen = ctx;

	(void)values;
	seen->count++;
	return true;
}

static void name_of(char *ret)
{
	struct store_reader *r = open_reader();

	snprintf(ret, 40, "%s", store_id(r));
	store_reader_close(r);
}

static void test_each_store_has_a_name(void **state)
{
	char first[40], again[40], other[40];

	(void)state;
	store_close(OPEN(), NULL);
	name_of(first);
	assert_int_equal(strlen(first), 32);
	assert_int_equal(strspn(first, "0123456789abcdef"), 32);
	store_close(OPEN(), NULL);
	name_of(again);
	assert_string_equal(first, again);
	store_teardown(NULL);
	assert_int_equal(store_setup(NULL), 0);
	store_close(OPEN(), NULL);
	name_of(other);
	assert_string_not_equal(first, other);
	craft("UPDATE identity SET id='0'");
	name_of(other);
	assert_string_equal(other, "");
}

/* As a sockwatch before this one left it. */
static void make_old(void)
{
	assert_true(craft(
		"DROP VIEW budgets; DROP VIEW losses; CREATE VIEW losses AS SELECT id FROM loss;"
		"DROP TABLE budget; DROP TABLE identity; DROP TABLE unsent;"
		"PRAGMA user_version=3"));
}

static void test_a_store_of_the_version_before(void **state)
{
	struct store_error error = {""};
	char before[40], after[40];
	struct seen seen = {0};
	struct store_reader *r;
	size_t events;

	(void)state;
	sample_store();
	events = ask_all();
	make_old();
	assert_int_equal(ask_all(), events);
	name_of(before);
	assert_int_equal(strlen(before), 32);
	r = open_reader();
	assert_int_equal(store_copy(r, COPY_LOSS, 0, UINT64_MAX, on_id, &seen, &error), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(store_copy(r, COPY_BUDGET, 0, UINT64_MAX, on_id, &seen, &error), 0);
	assert_int_equal(seen.count, 1);
	store_close(OPEN(), NULL);
	assert_int_equal(sql("PRAGMA user_version"), 4);
	assert_int_equal(ask_all(), events);
	name_of(after);
	assert_string_equal(before, after);
	assert_int_equal(sql("SELECT count(*) FROM losses WHERE what='facts'"), 1);
	assert_int_equal(sql("SELECT count(*) FROM budgets"), 0);
	/* Who read it meanwhile is told what has come since. */
	craft("INSERT INTO budget VALUES(90,5,80,6,1,1,1,NULL,NULL,1,2,0,2,1,1,1,0,0)");
	assert_int_equal(store_copy(r, COPY_BUDGET, 0, UINT64_MAX, on_id, &seen, &error), 0);
	assert_int_equal(seen.count, 2);
	assert_string_equal(store_id(r), before);
	store_reader_close(r);
}

/* Whatever went before: a number that was sent somewhere stands for one row for ever. */
static void test_numbers_are_given_once(void **state)
{
	struct store_options keep = {.keep_ns = SEC, .now_ns = WALL + 5000 * SEC};
	struct event e = life(0, 1, 80, 1);
	struct store_reader *r;
	int64_t last;

	(void)state;
	for (int round = 1; round <= 3; round++) {
		struct store *s = open_store(keep);

		store_event(s, &e, OFFSET);
		store_event(s, &e, OFFSET);
		store_close(s, NULL);
		for (int i = 0; i < 3 && sql("SELECT count(*) FROM life"); i++)
			store_close(open_store(keep), NULL);
		r = open_reader();
		last = (int64_t)store_last(r);
		store_reader_close(r);
		if (last != round * 2)
			fail_msg("%lld is the last row of %d", (long long)last, round * 2);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_each_store_has_a_name),
		TEST(test_a_store_of_the_version_before),
		TEST(test_numbers_are_given_once),
	};

	return cmocka_run_group_tests_name("store version", tests, NULL, NULL);
}
