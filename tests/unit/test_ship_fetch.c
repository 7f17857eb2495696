// SPDX-License-Identifier: GPL-2.0-only
/* Answers of a server, hostile ones among them, and what it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/ship/fetch_private.h"
#include "ship_schema.h"

/* A row of table loss: its host and store, then id, at, since, count, added, removed, what, first, last, has. */
#define LOSS "6131\t3161\t7\t1795723200000000001\t0\t42\t0\t4\tfa\\tc\\\\ts\\0\\n\t0\t0\t111\n"

static bool next(const char *text, size_t len, enum copy_table table,
		 struct copy_value values[COPY_COLUMNS_MAX], struct lines *l)
{
	*l = (struct lines){.table = table};
	assert_true(lines_take(l, text, len));
	return lines_next(l, false, values);
}

static void a_row_comes_as_it_was(void **state)
{
	struct copy_value v[COPY_COLUMNS_MAX];
	struct lines l;
	const char *key;
	size_t len;

	(void)state;
	l = (struct lines){.table = COPY_LOSS};
	assert_false(lines_peek(&l, &key, &len));
	assert_true(lines_take(&l, LOSS, 10) &&
		    lines_take(&l, LOSS LOSS + 10, sizeof(LOSS LOSS) - 11));
	assert_true(lines_peek(&l, &key, &len));
	assert_int_equal(len, 9);
	assert_memory_equal(key, "6131\t3161", 9);
	for (int i = 0; i < 2; i++) {
		assert_true(lines_next(&l, false, v));
		assert_int_equal(v[0].number, 7);
		assert_int_equal(v[1].number, 1795723200000000001);
		assert_true(v[0].known && v[3].known && v[5].known && v[6].known);
		assert_false(v[4].known);
		assert_int_equal(v[3].number, 42);
		assert_int_equal(v[6].len, 9);
		assert_memory_equal(v[6].bytes, "fa\tc\\ts\0\n", 9);
	}
	assert_false(lines_peek(&l, &key, &len));
	lines_done(&l);
}

static void every_cut_of_a_row_is_none(void **state)
{
	struct copy_value v[COPY_COLUMNS_MAX];
	struct lines l;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(LOSS) - 1; i++) {
		assert_false(next(LOSS, i, COPY_LOSS, v, &l));
		lines_done(&l);
	}
	/* The right table is another one. */
	for (enum copy_table t = 0; t < COPY_TABLES; t++) {
		assert_int_equal(next(LOSS, sizeof(LOSS) - 1, t, v, &l), t == COPY_LOSS);
		lines_done(&l);
	}
}

static void what_is_no_value_is_refused(void **state)
{
	static const char *const bad[] = {
		"6131\t3161\t-7\t1\t0\t42\t0\t4\tf\t0\t0\t111\n",
		"6131\t3161\t18446744073709551616\t1\t0\t42\t0\t4\tf\t0\t0\t111\n",
		"6131\t3161\t\t1\t0\t42\t0\t4\tf\t0\t0\t111\n",
		"6131\t3161\t7\t1.5\t0\t42\t0\t4\tf\t0\t0\t111\n",
		"6131\t3161\t7\t1\t0\t42\t0\t4\tf\\\t0\t0\t111\n",
		"6131\t3161\t7\t1\t0\t42\t0\t4\tf\t0\t0\t111\textra\n",
		"6131\t3161\t7\t1\t0\t42\t0\t4\tf\t0\t111\n",
		"Code: 241. DB::Exception: Memory limit\n",
		"\n",
		"\t\t\t\t\t\t\t\t\t\t\t\n",
	};
	static const char most[] =
		"6131\t3161\t18446744073709551615\t1\t0\t42\t0\t4\tf\t0\t0\t111\n";
	struct copy_value v[COPY_COLUMNS_MAX];
	struct lines l;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (next(bad[i], strlen(bad[i]), COPY_LOSS, v, &l))
			fail_msg("taken: %s", bad[i]);
		lines_done(&l);
	}
	assert_true(next(most, strlen(most), COPY_LOSS, v, &l));
	assert_int_equal((uint64_t)v[0].number, UINT64_MAX);
	lines_done(&l);
}

/* Bytes turned over at random: no row, or values that lie inside the text. */
static void garbage_does_no_harm(void **state)
{
	uint64_t x = 88172645463325252ull;
	struct copy_value v[COPY_COLUMNS_MAX];
	struct lines l;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[] = LOSS LOSS;
		size_t count;

		for (int n = 0; n < 3; n++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			text[x % (sizeof(text) - 1)] = "\t\n\\0Aa9-\xff"[(x >> 32) % 10];
		}
		l = (struct lines){.table = COPY_LOSS};
		assert_true(lines_take(&l, text, sizeof(text) - 1));
		copy_columns(COPY_LOSS, &count);
		while (lines_next(&l, true, v)) {
			for (size_t c = 0; c < count; c++) {
				if (v[c].len)
					assert_true((const char *)v[c].bytes >= l.data &&
						    (const char *)v[c].bytes + v[c].len <=
							    l.data + l.len);
			}
		}
		lines_done(&l);
	}
}

/* All that is typed stands in parameters, escaped as a field of TabSeparated. */
static void what_is_typed_is_a_parameter(void **state)
{
	struct filter f;
	struct store_query q = {.filter = &f, .from_ns = 5, .to_ns = 1795723200000000000};
	struct ship_fetch_query query = {.query = &q, .host = "a'\t\\b"};
	struct ship_fetch_options options = {.prefix = "", .from.database = "sockwatch"};
	struct ask a;
	const char *found = NULL;
	char *target;

	(void)state;
	filter_init(&f);
	f.comm = strdup("evil'); DROP TABLE x; --");
	f.container = strdup("'");
	assert_int_equal(filter_add_cidr(&f, "10.0.3.0/24,2001:db8::/33"), 0);
	ask_begin(&a, &options, &query);
	ask_rows(&a, COPY_LIFE, 0, &(struct span){1, 2});
	target = ask_target(&a);
	assert_non_null(target);
	assert_null(strstr(a.text, "evil"));
	assert_null(strstr(a.text, "DROP"));
	assert_non_null(strstr(a.text, "FROM sockwatch.life FINAL"));
	for (size_t i = 0; i < a.count; i += 2) {
		if (!strcmp(a.parameter[i + 1], "a'\\t\\\\b"))
			found = a.parameter[i];
	}
	assert_non_null(found);
	assert_non_null(strstr(target, "a%27%5Ct%5C%5Cb"));
	assert_non_null(strstr(target, "00000000000000000000ffff0a0003ff"));
	assert_non_null(strstr(target, "20010db87fffffffffffffffffffffff"));
	free(target);
	ask_done(&a);
	filter_done(&f);
}

static void a_schema_has_its_names(void **state)
{
	char *sql = ship_schema(&(struct ship_schema){.database = "net",
						      .prefix = "p_",
						      .cluster = "c",
						      .ttl_ns = 90 * 3600 * UINT64_C(1000000000)});

	(void)state;
	assert_non_null(sql);
	assert_non_null(strstr(sql, "CREATE DATABASE IF NOT EXISTS net ON CLUSTER 'c';\n"));
	assert_non_null(strstr(sql, "net.p_life_local ON CLUSTER 'c'"));
	assert_non_null(strstr(sql, "Distributed('c', 'net', 'p_life_local', cityHash64(store))"));
	assert_non_null(strstr(sql, "TTL toDateTime(closed) + INTERVAL 90 HOUR"));
	assert_non_null(strstr(sql, "VIEW net.p_lives ON CLUSTER 'c'"));
	assert_null(strstr(sql, "$"));
	assert_null(strstr(sql, "@"));
	free(sql);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_comes_as_it_was),
		cmocka_unit_test(every_cut_of_a_row_is_none),
		cmocka_unit_test(what_is_no_value_is_refused),
		cmocka_unit_test(garbage_does_no_harm),
		cmocka_unit_test(what_is_typed_is_a_parameter),
		cmocka_unit_test(a_schema_has_its_names),
	};

	return cmocka_run_group_tests_name("ship_fetch", tests, NULL, NULL);
}
