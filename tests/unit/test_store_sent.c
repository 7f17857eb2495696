// SPDX-License-Identifier: GPL-2.0-only
/* Rows that wait to be sent, how long, and what is told of those that could not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_case.h"
#include "store_copy.h"
#include "store_sent.h"

static char sent_file[80];

static int setup(void **state)
{
	int err = store_setup(state);

	snprintf(sent_file, sizeof(sent_file), "%s-sent", path);
	return err;
}

static int teardown(void **state)
{
	unlink(sent_file);
	return store_teardown(state);
}

/* A store of which everything is due. */
static struct store_options due(void)
{
	return (struct store_options){.keep_ns = SEC, .now_ns = WALL + 5000 * SEC};
}

static void put_lives(struct store *s, int count)
{
	for (int i = 0; i < count; i++) {
		struct event e = life(i / 1e4, i / 1e4 + 0.01, 80, (uint64_t)i + 1);

		store_event(s, &e, OFFSET);
	}
}

/* One row more, with whose commit others go. */
static void commit_one(struct store_options o)
{
	struct store *s = open_store(o);

	put_lives(s, 1);
	store_close(s, NULL);
}

static void name_of(char name[40])
{
	struct store_error error = {""};
	struct store_reader *r = store_reader_open(path, WALL, &error);

	assert_non_null(r);
	snprintf(name, 40, "%s", store_id(r));
	store_reader_close(r);
}

static void tell(uint64_t sent)
{
	char name[40];

	name_of(name);
	assert_int_equal(store_tell_sent(path, name, sent), 0);
}

static void test_rows_wait_until_they_are_sent(void **state)
{
	struct store *s = OPEN();

	(void)state;
	put_lives(s, 10);
	store_close(s, NULL);
	tell(0);
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 11);
	tell(4);
	commit_one(due());
	assert_int_equal(sql("SELECT min(id)*100+max(id) FROM life"), 512);
	assert_int_equal(sql("SELECT count(*) FROM life"), 8);
	tell(4);
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 9);
	tell(13);
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 1);
	assert_int_equal(sql("SELECT count(*) FROM loss"), 0);
	/* What is younger than --keep stays, sent or not. */
	tell(1000);
	commit_one((struct store_options){.keep_ns = 1ull << 60});
	assert_int_equal(sql("SELECT count(*) FROM life"), 2);
	unlink(sent_file);
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 0);
}

/* It goes on while nobody opens anything anew. */
static void test_a_recorder_hears_of_it(void **state)
{
	struct store *s = OPEN();

	(void)state;
	store_close(s, NULL);
	tell(0);
	s = open_store(due());
	put_lives(s, 3);
	wait_stored(s, 3);
	assert_int_equal(sql("SELECT count(*) FROM life"), 3);
	tell(2);
	for (int i = 0; i < 1000 && sql("SELECT count(*) FROM life WHERE id<=2"); i++) {
		put_lives(s, 1);
		store_pulse(s, UINT64_MAX / 2 + (uint64_t)i * SEC);
		pause_ms(20);
	}
	assert_int_equal(sql("SELECT count(*) FROM life WHERE id<=2"), 0);
	assert_int_equal(sql("SELECT count(*) FROM life WHERE id=3"), 1);
	store_close(s, NULL);
}

static void write_sent(const char *text)
{
	FILE *file = fopen(sent_file, "we");

	assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_what_is_not_believed(void **state)
{
	char line[200] = "", other[80], mine[40];
	struct store *s = OPEN();
	struct stat st;
	FILE *file;

	(void)state;
	put_lives(s, 5);
	store_close(s, NULL);
	/* Another store's number. */
	name_of(mine);
	assert_int_equal(store_tell_sent(path, "00000000000000000000000000000000", 0), 0);
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 0);
	assert_int_equal(store_tell_sent(path, "no name", 0), -EINVAL);
	/* Half of two lines, and no line at all. */
	assert_int_equal(store_tell_sent(path, mine, 1000000), 0);
	file = fopen(sent_file, "re");
	assert_true(file && fgets(line, sizeof(line), file));
	fclose(file);
	line[sizeof("sockwatch-sent 1 ") - 1 + 32 + 5] = '7';
	write_sent(line);
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 0);
	write_sent("sockwatch-sent 1\n");
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 0);
	/* No file that could hold anything up, or show what is not for all to read. */
	unlink(sent_file);
	assert_int_equal(mkfifo(sent_file, 0600), 0);
	commit_one(due());
	unlink(sent_file);
	snprintf(other, sizeof(other), "%s-other", path);
	assert_int_equal(store_tell_sent(path, mine, 0), 0);
	assert_int_equal(rename(sent_file, other), 0);
	assert_int_equal(symlink(other, sent_file), 0);
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 0);
	unlink(sent_file);
	assert_int_equal(link(other, sent_file), 0);
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 0);
	unlink(other);
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 1);
	/* Who tells writes into no pipe, and leaves one line. */
	write_sent("sockwatch-sent 1 and much more than there is in a line, which a file of "
		   "another version may have: it is cut, and whole");
	assert_int_equal(store_tell_sent(path, mine, 0), 0);
	assert_int_equal(stat(sent_file, &st), 0);
	commit_one(due());
	assert_int_equal(sql("SELECT count(*) FROM life"), 2);
	assert_int_equal(st.st_size, 88);
	unlink(sent_file);
	assert_int_equal(mkfifo(sent_file, 0600), 0);
	assert_true(store_tell_sent(path, mine, 0) < 0);
}

static uint64_t size_of(const char *end)
{
	char name[80];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, end);
	return stat(name, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

/* Every number that was ever given: it is there, or counted as one that went. */
static void assert_counted(void)
{
	int64_t given =
		sql("SELECT max((SELECT max(last) FROM block),(SELECT last FROM identity))");
	int64_t there = sql("SELECT (SELECT count(*) FROM life)+(SELECT count(*) FROM loss)");
	int64_t told = sql("SELECT ifnull(sum(count),0) FROM losses WHERE what='unsent'");
	int64_t to_tell = sql("SELECT unsent FROM identity");

	if (given != there + told + to_tell)
		fail_msg("%lld rows, %lld there, %lld told as unsent, %lld to be told",
			 (long long)given, (long long)there, (long long)told, (long long)to_tell);
}

static void record_a_lot(uint64_t kept, int until, uint64_t *largest)
{
	struct store *s = open_store((struct store_options){
		.keep_ns = kept ? 0 : SEC, .keep_bytes = kept, .unsent_bytes = 2 * STORE_KEEP_MIN});
	uint64_t stored = 0;

	for (int round = 0; round < until; round++) {
		put_lives(s, 20000);
		stored += 20000;
		wait_stored(s, stored);
		if (size_of("") + size_of("-wal") > *largest)
			*largest = size_of("") + size_of("-wal");
	}
	store_close(s, NULL);
}

static void test_beyond_the_cap_the_oldest_go(void **state)
{
	uint64_t largest = 0;

	(void)state;
	store_close(OPEN(), NULL);
	tell(0);
	record_a_lot(STORE_KEEP_MIN, 20, &largest);
	assert_in_range(largest, STORE_KEEP_MIN, 2 * STORE_KEEP_MIN);
	assert_true(sql("SELECT count(*) FROM losses WHERE what='unsent'") > 0);
	assert_counted();
	assert_int_equal(sql("SELECT min(first) FROM unsent"), 1);
	assert_int_equal(sql("SELECT max(last)+1=(SELECT min(id) FROM life) FROM unsent"), 1);
	assert_int_equal(sql("SELECT min(since)=1795176000010000000 FROM loss"), 1);
	/* Sent, they go as ever, and nobody is told of it. */
	tell(1ull << 50);
	for (int i = 0; i < 200 && size_of("") + size_of("-wal") > STORE_KEEP_MIN; i++)
		record_a_lot(STORE_KEEP_MIN, 1, &largest);
	assert_in_range(size_of(""), 0, STORE_KEEP_MIN);
	assert_true(sql("SELECT max(last)+1<(SELECT min(id) FROM life) FROM unsent"));
}

static size_t unsent_told;

static bool on_event(void *ctx, const struct event *event)
{
	(void)ctx;
	if (event->kind == EVENT_LOST) {
		assert_int_equal(event->lost.unsent, event->lost.count);
		unsent_told++;
	}
	return true;
}

/* A recorder that is killed again and again: what went is counted, each row once. */
static void test_killed_while_rows_go(void **state)
{
	struct store_error error = {""};
	struct store_reader *r;
	struct filter none;
	struct store_query q;
	uint64_t last;

	(void)state;
	store_close(OPEN(), NULL);
	tell(0);
	srandom(5);
	for (int round = 0;
	     round < 8 ||
	     (round < 48 && !sql("SELECT unsent+(SELECT count(*) FROM unsent) FROM identity"));
	     round++) {
		pid_t pid = fork();
		uint64_t largest = 0;

		if (pid == 0) {
			record_a_lot(0, 1000, &largest);
			_exit(0);
		}
		/* On a busy host, where nothing has gone in some rounds, it gets further in longer ones. */
		pause_ms((700 + random() % 1500) << round / 8);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		assert_counted();
	}
	commit_one((struct store_options){.keep_ns = SEC, .unsent_bytes = 2 * STORE_KEEP_MIN});
	assert_counted();
	assert_int_equal(sql("SELECT unsent FROM identity"), 0);
	r = store_reader_open(path, WALL, &error);
	filter_init(&none);
	q = all(&none);
	assert_int_equal(store_read(r, &q, on_event, NULL, &last, &error), 0);
	store_reader_close(r);
	filter_done(&none);
	assert_int_equal(unsent_told, sql("SELECT count(*) FROM unsent"));
	assert_true(unsent_told > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_rows_wait_until_they_are_sent), TEST(test_a_recorder_hears_of_it),
		TEST(test_what_is_not_believed),	  TEST(test_beyond_the_cap_the_oldest_go),
		TEST(test_killed_while_rows_go),
	};

	return cmocka_run_group_tests_name("store sent", tests, NULL, NULL);
}
