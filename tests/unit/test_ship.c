// SPDX-License-Identifier: GPL-2.0-only
/* What a store has arrives in the database once, whatever becomes of requests, answers and the sender. */
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

#define DAY   86400.0
#define STEPS 100000

static const struct line *got[FOUND_MAX];
static uint64_t chance;

static uint64_t next_chance(void)
{
	chance = chance * 6364136223846793005u + 1442695040888963407u;
	return chance >> 33;
}

static void test_all_of_it(void **state)
{
	struct ship *s;

	(void)state;
	record(1, 1000, 1);
	s = ship_case_open((struct ship_options){.batch_rows = 300});
	assert_true(ship_case_flush(s, STEPS));
	assert_lives(1000, 1);
	/* Four batches, and the run. */
	assert_int_equal(model.inserts, 5);
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model.inserts, 5);
	ship_close(s);
	record(1001, 1500, 1);
	s = ship_case_open((struct ship_options){0});
	assert_true(ship_case_flush(s, STEPS));
	assert_lives(1500, 1);
	ship_close(s);
}

static void test_every_table(void **state)
{
	static const char *const of[] = {"life", "call", "holder", "loss", "run", "open"};
	struct ship *s;

	(void)state;
	sample_store();
	s = ship_case_open((struct ship_options){0});
	assert_true(ship_case_flush(s, STEPS));
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		char query[100];

		snprintf(query, sizeof(query), "SELECT count(*) FROM %s", of[i]);
		assert_true(sql(query) > 0);
		assert_int_equal(model_lines(of[i], got, FOUND_MAX), sql(query));
		assert_string_equal(model_column(got[0], 0), "host-a");
		assert_string_equal(model_column(got[0], 1), "0123");
		assert_int_equal(strlen(model_column(got[0], 2)), 32);
	}
	ship_close(s);
}

/* "curl" of the sample is `cu\xffrl "`: bytes go as they are, what would end a column is escaped. */
static void test_rows_as_text(void **state)
{
	struct store *store = OPEN();
	const struct program program = {.hash = 9, .exe = "/bin/a\tb\\c\nd"};
	struct process odd = nginx;
	struct event e = life(1, 2.5, 5000, 7);
	struct ship *s;

	(void)state;
	odd.program = &program;
	e.process = &odd;
	e.family = FAMILY_IPV6;
	memcpy(e.local.addr, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	memcpy(e.peer.addr, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
	assert_true(store_event(store, &e, OFFSET));
	e = life(2, 3, 5001, 8);
	assert_true(store_event(store, &e, OFFSET));
	store_close(store, NULL);
	s = ship_case_open((struct ship_options){0});
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("life", got, FOUND_MAX), 2);
	assert_string_equal(model_column(got[0], 3), "1");
	assert_string_equal(model_column(got[0], 4), "1795176002.500000000");
	assert_string_equal(model_column(got[0], 5), "1500000000");
	assert_non_null(strstr(got[0]->text, "\tfe80::1\t"));
	assert_non_null(strstr(got[0]->text, "\t2001:db8::2\t"));
	assert_non_null(strstr(got[0]->text, "\t/bin/a\\tb\\\\c\\nd\t"));
	assert_non_null(strstr(got[1]->text, "\t::ffff:127.0.0.1\t"));
	/* A start that is not known. */
	assert_non_null(strstr(got[1]->text, "\t0000000000.000000000\t"));
	ship_close(s);
}

/* Days alternate from row to row: each part has those of one. */
static void test_days(void **state)
{
	struct store *store = OPEN();
	struct ship *s;

	(void)state;
	for (uint64_t i = 1; i <= 600; i++) {
		double at = DAY * (double)(i % 3) + (double)i;
		struct event e = life(at - 1, at, 80, i);

		assert_true(store_event(store, &e, OFFSET));
	}
	store_close(store, NULL);
	s = ship_case_open((struct ship_options){.batch_rows = 200});
	assert_true(ship_case_flush(s, STEPS));
	assert_lives(600, 1);
	assert_true(model_days_are_apart());
	assert_int_equal(model.inserts, 3 * 3 + 1);
	ship_close(s);
}

/* More days than a batch may have: it is made shorter. */
static void test_many_days(void **state)
{
	struct store *store = OPEN();
	struct ship *s;

	(void)state;
	for (uint64_t i = 1; i <= 100; i++) {
		double at = DAY * (double)i;
		struct event e = life(at - 1, at, 80, i);

		assert_true(store_event(store, &e, OFFSET));
	}
	store_close(store, NULL);
	s = ship_case_open((struct ship_options){0});
	assert_true(ship_case_flush(s, STEPS));
	assert_lives(100, 1);
	assert_true(model_days_are_apart());
	ship_close(s);
}

/* ---- faults ---- */

static enum fault any_fault(void)
{
	return (enum fault)(next_chance() % 3 ? (uint64_t)FAULT_NONE : next_chance() % FAULTS);
}

/* The sender is ended at any step, and begun again while more is recorded; the clock jumps. */
static void run_faults(uint64_t seed)
{
	uint64_t recorded = 0;
	struct ship *s = NULL;

	chance = seed;
	model.fault = any_fault;
	for (int i = 0; i < 30 || recorded < 400; i++) {
		if (next_chance() % 2 && recorded < 400) {
			uint64_t more = next_chance() % 60 + 1;

			record(recorded + 1, recorded + more, 200);
			recorded += more;
		}
		if (!s)
			s = ship_case_open(
				(struct ship_options){.batch_rows = next_chance() % 40 + 5});
		if (!recorded)
			continue;
		ship_case_flush(s, (unsigned int)(next_chance() % 12));
		ship_case_now.wall_ns = WALL + next_chance() * SEC;
		if (next_chance() % 2) {
			ship_close(s);
			s = NULL;
		}
	}
	if (!s)
		s = ship_case_open((struct ship_options){0});
	model.fault = NULL;
	assert_true(ship_case_flush(s, STEPS));
	ship_close(s);
	assert_lives(recorded, 1);
	assert_true(model_days_are_apart());
}

static void test_faults(void **state)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		run_faults(seed);
		ship_case_teardown(state);
		assert_int_equal(store_setup(state), 0);
	}
}

static enum fault each_lost(void)
{
	return model.requests % 2 ? FAULT_UNANSWERED : FAULT_NONE;
}

/* A database without a memory for tokens: each row comes twice and is the same both times, so the tables' keys make one of it. */
static void test_same_rows(void **state)
{
	struct ship *s;

	(void)state;
	record(1, 500, 1);
	model.fault = each_lost;
	model.ignores_tokens = true;
	model.requests = 1;
	s = ship_case_open((struct ship_options){.batch_rows = 100});
	assert_true(ship_case_flush(s, STEPS));
	assert_lives(500, 2);
	ship_close(s);
}

/* ---- what is said ---- */

static struct ship_http_answer answer;

static struct ship_http_answer on_query(const char *query)
{
	(void)query;
	return answer;
}

static void test_refused(void **state)
{
	struct ship_tally tally;
	struct ship *s;

	(void)state;
	record(1, 10, 1);
	model.answer = on_query;
	answer = (struct ship_http_answer){
		.status = 404, .code = 60, .text = "Code: 60. no such table"};
	s = ship_case_open((struct ship_options){0});
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_SENT); /* frozen */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_REFUSED);
		assert_in_range(ship_case_step.pause_ns, 30 * SEC, 60 * SEC);
		assert_int_equal(ship_case_step.news, i == 0);
		assert_non_null(strstr(ship_case_step.words, "no table fleet.life"));
	}
	assert_int_equal(ship_read_tally(path, &tally), 0);
	assert_int_equal(tally.failures, 3);
	assert_int_equal(tally.waiting, 10);
	assert_int_equal(tally.rows, 0);
	assert_int_equal(tally.oldest_ns, WALL + SEC);
	assert_string_equal(tally.place, "http://db:8123");
	assert_non_null(strstr(tally.why, "no table"));
	answer = (struct ship_http_answer){0};
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_SENT);
	assert_true(ship_case_step.news);
	assert_string_equal(ship_case_step.words, "");
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(ship_read_tally(path, &tally), 0);
	assert_int_equal(tally.waiting, 0);
	assert_int_equal(tally.rows, 10);
	assert_int_equal(tally.oldest_ns, 0);
	assert_string_equal(tally.why, "");
	assert_lives(10, 1);
	ship_close(s);
}

static void test_old_server(void **state)
{
	struct ship *s;

	(void)state;
	record(1, 10, 1);
	model.old = true;
	s = ship_case_open((struct ship_options){0});
	assert_true(ship_case_flush(s, STEPS));
	assert_lives(10, 1);
	assert_null(strstr(model.last_target, "async_insert"));
	ship_close(s);
}

static void test_settings(void **state)
{
	struct ship *s;

	(void)state;
	record(1, 10, 1);
	s = ship_case_open((struct ship_options){0});
	ship_step(s, &ship_case_now, &ship_case_step);
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_SENT);
	assert_non_null(strstr(model.last_target, "&async_insert=1&wait_for_async_insert=1&"));
	assert_non_null(strstr(model.last_target, "&insert_distributed_sync=1&"));
	assert_non_null(strstr(model.last_query,
			       "INSERT INTO `fleet`.`life` (host,machine_id,store,id,closed,"));
	assert_non_null(strstr(model.last_query, ",has) FORMAT TabSeparated"));
	ship_close(s);
	record(11, 2000, 1);
	s = ship_case_open((struct ship_options){0});
	ship_step(s, &ship_case_now, &ship_case_step);
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_SENT);
	assert_non_null(strstr(model.last_target, "&async_insert=0&"));
	ship_close(s);
}

/* ---- when ---- */

/* What comes within five seconds goes together. */
static void test_waits_for_others(void **state)
{
	struct ship *s;

	(void)state;
	record(1, 10, 1);
	s = ship_case_open((struct ship_options){0});
	while (ship_step(s, &ship_case_now, &ship_case_step) == SHIP_SENT)
		;
	assert_in_range(ship_case_step.pause_ns, 4 * SEC, 5 * SEC);
	record(11, 20, 1);
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_IDLE);
	assert_lives(10, 1);
	ship_case_now.steady_ns += ship_case_step.pause_ns;
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_SENT);
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_SENT);
	assert_lives(20, 1);
	record(21, 30, 1);
	assert_int_equal(ship_step(s, &ship_case_now, &ship_case_step), SHIP_IDLE);
	ship_close(s);
}

static struct event failed_call(void)
{
	struct event e = life(0, 5, 80, 3);

	e.kind = EVENT_BIND;
	e.has_peer = false;
	e.error = 98;
	memset(&e.close, 0, sizeof(e.close));
	return e;
}

/* Its holders may come with the next transaction; a row behind it says that they are there. */
static void test_call_at_the_end(void **state)
{
	struct store *store = OPEN();
	struct event e = life(0, 1, 80, 1);
	struct ship *s;

	(void)state;
	assert_true(store_event(store, &e, OFFSET));
	e = failed_call();
	assert_true(store_event(store, &e, OFFSET));
	wait_stored(store, 2);
	s = ship_case_open((struct ship_options){0});
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("life", NULL, 0), 1);
	assert_int_equal(model_lines("call", NULL, 0), 0);
	ship_case_now.steady_ns += 11 * SEC;
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("call", NULL, 0), 1);
	assert_true(store_event(store, &e, OFFSET));
	wait_stored(store, 3);
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("call", NULL, 0), 1);
	e = life(0, 9, 80, 2);
	assert_true(store_event(store, &e, OFFSET));
	wait_stored(store, 4);
	assert_true(ship_case_flush(s, STEPS));
	assert_int_equal(model_lines("call", NULL, 0), 2);
	ship_close(s);
	store_close(store, NULL);
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
		TEST(test_all_of_it), TEST(test_every_table),	   TEST(test_rows_as_text),
		TEST(test_days),      TEST(test_many_days),	   TEST(test_faults),
		TEST(test_same_rows), TEST(test_refused),	   TEST(test_old_server),
		TEST(test_settings),  TEST(test_waits_for_others), TEST(test_call_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
