// SPDX-License-Identifier: GPL-2.0-only
/* What a store has arrives in the database once, whatever becomes of requests, answers, the sender and the store. */
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

/* Lives number `from` to `to`, which end each second after 12:00. */
static void record(uint64_t from, uint64_t to, double every)
{
	struct store *s = OPEN();

	for (uint64_t i = from; i <= to; i++) {
		struct event e = life((double)i * every - 0.5, (double)i * every,
				      (uint16_t)(i % 60000 + 1), i);

		assert_true(store_event(s, &e, OFFSET));
	}
	store_close(s, NULL);
}

/* Cookies number 1 to `count`, each in `times` rows of lives; what was taken twice is counted twice. */
static void assert_lives(uint64_t count, unsigned int times)
{
	static unsigned int seen[FOUND_MAX];
	size_t n = model_lines("life", got, FOUND_MAX);

	assert_int_equal(n, count);
	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < n; i++) {
		uint64_t cookie = strtoull(model_column(got[i], 3 + 9), NULL, 10);

		assert_in_range(cookie, 1, count);
		seen[cookie] += got[i]->count;
	}
	for (uint64_t i = 1; i <= count; i++) {
		if (seen[i] != times)
			fail_msg("life %llu is there %u times", (unsigned long long)i, seen[i]);
	}
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
		TEST(test_all_of_it),  TEST(test_every_table),	    TEST(test_rows_as_text),
		TEST(test_days),       TEST(test_many_days),	    TEST(test_faults),
		TEST(test_same_rows),  TEST(test_refused),	    TEST(test_old_server),
		TEST(test_settings),   TEST(test_waits_for_others), TEST(test_call_at_the_end),
		TEST(test_begun_anew), TEST(test_put_back),	    TEST(test_gone),
		TEST(test_no_store),   TEST(test_cursor_is_busy),   TEST(test_open_lives),
		TEST(test_runs),       TEST(test_no_args),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
