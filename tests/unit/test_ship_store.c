// SPDX-License-Identifier: GPL-2.0-only
/* A sender whose store is begun anew, put back from a copy, shortened or not there; and rows that change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ship_case.h"
#include "store_case.h"

#define STEPS 100000

static const struct line *got[FOUND_MAX];
/* ---- the store ---- */

static void remove_store(void)
{
	char name[100];

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, store_files[i]);
		unlink(name);
	}
}

/* What was frozen of the store before arrives, under its name. */
static void test_begun_anew(void **state)
{
	char first[40];
	struct ship *s;

	(void)state;
	record(1, 10, 1);
	s = ship_case_open((struct ship_options){0});
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_SENT);
	remove_store();
	record(11, 20, 1);
	assert_true(ship_case_flush(s, STEPS));
	assert_lives(20, 1);
	model_lines("life", got, FOUND_MAX);
	snprintf(first, sizeof(first), "%s", model_column(got[0], 2));
	assert_string_equal(model_column(got[9], 2), first);
	assert_string_not_equal(model_column(got[10], 2), first);
	assert_string_equal(model_column(got[10], 3), "1");
	ship_close(s);
}

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 20];
	int in = open(from, O_RDONLY | O_CLOEXEC),
	    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	close(in);
	close(out);
}

/*
 * The store as it was after `kept` lives is put back after `sent` were sent, and `more` come: each life arrives, and those that
 * arrive twice are the same row.
 */
static void put_back(uint64_t kept, uint64_t sent, uint64_t more, uint64_t batch)
{
	char copy[100];
	struct ship *s = NULL;
	size_t n;

	snprintf(copy, sizeof(copy), "%s-copy", path);
	for (uint64_t i = 0; i < sent; i += 10) {
		record(i + 1, i + 10, 1);
		if (i + 10 == kept)
			copy_file(path, copy);
		s = ship_case_open((struct ship_options){.batch_rows = batch});
		assert_true(ship_case_flush(s, STEPS));
		ship_close(s);
	}
	assert_lives(sent, 1);
	remove_store();
	copy_file(copy, path);
	record(sent + 1, sent + more, 1);
	s = ship_case_open((struct ship_options){.batch_rows = batch});
	assert_true(ship_case_flush(s, STEPS));
	record(sent + more + 1, sent + more + 5, 1);
	assert_true(ship_case_flush(s, STEPS));
	n = model_lines("life", got, FOUND_MAX);
	assert_int_equal(n, sent + more + 5);
	for (size_t i = 0; i < n; i++) {
		if (got[i]->count > 1)
			assert_in_range(strtoull(model_column(got[i], 12), NULL, 10), 1, kept);
	}
	ship_close(s);
}

static void test_put_back(void **state)
{
	static const uint64_t cases[][4] = {
		/* kept, sent, more, of a batch */
		{10, 30, 5, 100}, {10, 30, 20, 100}, {10, 30, 21, 100}, {10, 20, 100, 100},
		{20, 40, 7, 7},	  {20, 30, 50, 3},   {30, 50, 70, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_back(cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
		ship_case_teardown(state);
		assert_int_equal(store_setup(state), 0);
	}
}

/* The oldest have gone, some of which were sent and some not. */
static void test_gone(void **state)
{
	struct ship *s;

	(void)state;
	record(1, 100, 1);
	s = ship_case_open((struct ship_options){0});
	assert_true(ship_case_flush(s, STEPS));
	record(101, 200, 1);
	assert_true(craft("DELETE FROM life WHERE id<=150"));
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("life", NULL, 0), 150);
	record(201, 210, 1);
	assert_true(craft("DELETE FROM life"));
	assert_true(ship_case_flush(s, STEPS));
	record(211, 220, 1);
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("life", NULL, 0), 160);
	ship_close(s);
}

/* The number that FILE-sent has; its columns are fixed. */
static uint64_t told(void)
{
	char name[100], line[128] = "";
	int fd;

	snprintf(name, sizeof(name), "%s-sent", path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, line, sizeof(line) - 1) > 60);
	close(fd);
	return strtoull(line + strlen("sockwatch-sent 1 ") + 33, NULL, 10);
}

static void test_recorder_is_told(void **state)
{
	struct ship *s;

	(void)state;
	record(1, 10, 1);
	s = ship_case_open((struct ship_options){.batch_rows = 4});
	assert_null(ship_untold(s));
	assert_int_equal(told(), 0);
	/* Frozen, and so safe; then sent. */
	ship_case_flush(s, 1);
	assert_int_equal(model.requests, 0);
	assert_int_equal(told(), 4);
	ship_case_flush(s, 1);
	assert_int_equal(told(), 4);
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(told(), 10);
	ship_close(s);
	/* The cursor is what counts. */
	record(11, 20, 1);
	s = ship_case_open((struct ship_options){0});
	assert_int_equal(told(), 10);
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(told(), 20);
	remove_store();
	record(21, 25, 1);
	ship_case_now.steady_ns += 6 * SEC;
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(told(), 5);
	ship_close(s);
}

static void test_no_store(void **state)
{
	struct ship *s = ship_case_open((struct ship_options){0});

	(void)state;
	assert_false(ship_case_flush(s, STEPS));
	assert_non_null(strstr(ship_case_step.words, "no such store"));
	assert_true(ship_case_step.news);
	assert_false(ship_case_flush(s, STEPS));
	assert_false(ship_case_step.news);
	record(1, 10, 1);
	assert_true(ship_case_flush(s, STEPS));
	assert_lives(10, 1);
	ship_close(s);
}

/* The server has it, the cursor cannot be told: it is told later, and nothing is sent again. */
static void test_cursor_is_busy(void **state)
{
	char name[100];
	sqlite3 *db;
	struct ship *s;

	(void)state;
	record(1, 10, 1);
	s = ship_case_open((struct ship_options){0});
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_SENT);
	snprintf(name, sizeof(name), "%s-ship", path);
	assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_TROUBLE);
	assert_non_null(strstr(ship_case_step.words, "locked"));
	assert_int_equal(model.requests, 1);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_true(ship_case_flush(s, STEPS));
	assert_lives(10, 1);
	/* The batch, and the run. */
	assert_int_equal(model.requests, 2);
	ship_close(s);
}

/* ---- rows that change ---- */

static void test_open_lives(void **state)
{
	struct store *store = OPEN();
	struct event e = open_life(0, 5, 80, 1);
	struct ship *s;

	(void)state;
	assert_true(store_open_life(store, &e, OFFSET));
	e = open_life(0, 5, 81, 2);
	assert_true(store_open_life(store, &e, OFFSET));
	store_close(store, NULL);
	assert_int_equal(sql("SELECT count(*) FROM open"), 2);
	s = ship_case_open((struct ship_options){0});
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("open", got, FOUND_MAX), 2);
	assert_non_null(strstr(model.last_query, ",has,gone,revision) FORMAT"));
	/* Nothing has changed. */
	ship_case_now.steady_ns += 61 * SEC;
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("open", got, FOUND_MAX), 2);
	assert_true(craft("DELETE FROM open WHERE id=1"));
	assert_true(craft("UPDATE open SET sent=77 WHERE id=2"));
	ship_case_now.steady_ns += 61 * SEC;
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("open", got, FOUND_MAX), 4);
	for (size_t i = 0; i < 4; i++) {
		const char *end = strrchr(got[i]->text, '\t');

		assert_int_equal(end[-1], i == 2 ? '1' : '0');
		assert_true(strtoull(end + 1, NULL, 10) >= WALL);
	}
	assert_string_equal(model_column(got[2], 3), "1");
	assert_string_equal(model_column(got[3], 3), "2");
	ship_case_now.steady_ns += 61 * SEC;
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("open", got, FOUND_MAX), 4);
	ship_close(s);
}

/* One that is sent again has a higher revision, though the clock was set back. */
static void test_runs(void **state)
{
	uint64_t before;
	struct ship *s;

	(void)state;
	record(1, 10, 1);
	s = ship_case_open((struct ship_options){0});
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("run", got, FOUND_MAX), 1);
	before = strtoull(strrchr(got[0]->text, '\t') + 1, NULL, 10);
	assert_true(craft("UPDATE run SET alive=alive+1"));
	ship_case_now.steady_ns += 61 * SEC;
	ship_case_now.wall_ns = WALL - 1000 * SEC;
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("run", got, FOUND_MAX), 2);
	assert_true(strtoull(strrchr(got[1]->text, '\t') + 1, NULL, 10) > before);
	ship_close(s);
}

static void test_no_args(void **state)
{
	struct store *store = OPEN();
	const struct program program = {.hash = 9, .args = "secret", .args_len = 7};
	struct process with = nginx;
	struct event e = life(1, 2, 80, 1);
	struct ship *s;

	(void)state;
	with.program = &program;
	e.process = &with;
	assert_true(store_event(store, &e, OFFSET));
	store_close(store, NULL);
	s = ship_case_open((struct ship_options){.no_args = true});
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("life", got, FOUND_MAX), 1);
	assert_null(strstr(got[0]->text, "secret"));
	ship_close(s);
}

static int setup(void **state)
{
	model_clear();
	return store_setup(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, ship_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_begun_anew), TEST(test_put_back),	  TEST(test_gone),	TEST(test_recorder_is_told),
		TEST(test_no_store),   TEST(test_cursor_is_busy), TEST(test_open_lives),
		TEST(test_runs),       TEST(test_no_args),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
