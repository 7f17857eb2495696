// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/ship/cursor.h"

#define STORE "00112233445566778899aabbccddeeff"
#define OTHER "ffeeddccbbaa99887766554433221100"

static char directory[] = "/tmp/sockwatch-cursor-XXXXXX";
static char path[64], file[80];
static struct ship_error error;

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/store", directory);
	snprintf(file, sizeof(file), "%s-ship", path);
	return 0;
}

static int remove_directory(void **state)
{
	static const char *const endings[] = {"",	   "-wal",	"-shm",
					      "-lock",	   "-journal",	".real",
					      ".real-wal", ".real-shm", ".real-lock"};
	char name[200];

	(void)state;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", file, endings[i]);
		unlink(name);
	}
	return rmdir(directory);
}

static struct cursor *open_cursor(void)
{
	struct cursor *c = cursor_open(path, &error);

	if (!c)
		fail_msg("%s", error.text);
	return c;
}

static void freeze(struct cursor *c, uint64_t first, uint64_t last, size_t parts)
{
	struct cursor_batch b = {STORE, first, last, 77, last * 3};

	assert_int_equal(cursor_freeze_begin(c, &error), 0);
	for (size_t i = 0; i < parts; i++) {
		char token[32], body[64];
		struct cursor_part p = {.table = "life",
					.columns = "a,b",
					.token = token,
					.rows = i + 1,
					.body = body};

		snprintf(token, sizeof(token), "token %zu", i);
		p.len = (size_t)snprintf(body, sizeof(body), "body%c%zu of %llu", '\0', i,
					 (unsigned long long)last);
		assert_int_equal(cursor_freeze_part(c, &p, &error), 0);
	}
	assert_int_equal(cursor_freeze_end(c, &b, &error), 0);
}

static uint64_t sent(struct cursor *c, const char *store)
{
	uint64_t n = UINT64_MAX;

	assert_int_equal(cursor_sent(c, store, &n, &error), 0);
	return n;
}

static void test_begins_at_nothing(void **state)
{
	struct cursor *c = open_cursor();
	struct cursor_batch b;
	struct cursor_part p;

	(void)state;
	assert_int_equal(sent(c, STORE), 0);
	assert_int_equal(cursor_batch(c, &b, &error), 0);
	assert_int_equal(b.last, 0);
	assert_int_equal(cursor_part(c, &p, &error), 0);
	assert_string_equal(cursor_directory(c), directory);
	cursor_close(c);
}

/* Each part is the same after the file was opened anew, at every step. */
static void test_batch(void **state)
{
	struct cursor *c = open_cursor();
	struct cursor_batch b;
	struct cursor_part p;

	(void)state;
	freeze(c, 5, 9, 3);
	for (int i = 0; i < 3; i++) {
		char body[64];
		size_t len;

		cursor_close(c);
		c = open_cursor();
		assert_int_equal(cursor_batch(c, &b, &error), 0);
		assert_string_equal(b.store, STORE);
		assert_int_equal(b.first, 5);
		assert_int_equal(b.last, 9);
		assert_int_equal(b.frozen_ns, 77);
		assert_int_equal(sent(c, STORE), 0);
		assert_int_equal(cursor_part(c, &p, &error), 1);
		assert_string_equal(p.table, "life");
		assert_string_equal(p.columns, "a,b");
		assert_int_equal(p.token[6], '0' + i);
		assert_int_equal(p.rows, i + 1);
		len = (size_t)snprintf(body, sizeof(body), "body%c%d of 9", '\0', i);
		assert_int_equal(p.len, len);
		assert_memory_equal(p.body, body, len);
		assert_int_equal(cursor_taken(c, p.number, 88, &error), 0);
	}
	assert_int_equal(cursor_part(c, &p, &error), 0);
	assert_int_equal(cursor_batch(c, &b, &error), 0);
	assert_int_equal(b.last, 0);
	assert_int_equal(sent(c, STORE), 9);
	assert_int_equal(sent(c, OTHER), 0);
	cursor_close(c);
}

/* What was begun and not ended is not there, nor is any of it. */
static void test_unfinished(void **state)
{
	struct cursor *c = open_cursor();
	struct cursor_part p = {
		.table = "life", .columns = "a", .token = "t", .rows = 1, .body = "x", .len = 1};

	(void)state;
	assert_int_equal(cursor_freeze_begin(c, &error), 0);
	assert_int_equal(cursor_freeze_part(c, &p, &error), 0);
	cursor_freeze_drop(c);
	assert_int_equal(cursor_part(c, &p, &error), 0);
	assert_int_equal(cursor_freeze_begin(c, &error), 0);
	p = (struct cursor_part){
		.table = "life", .columns = "a", .token = "t", .rows = 1, .body = "x", .len = 1};
	assert_int_equal(cursor_freeze_part(c, &p, &error), 0);
	cursor_close(c);
	c = open_cursor();
	assert_int_equal(cursor_part(c, &p, &error), 0);
	assert_int_equal(sent(c, STORE), 0);
	cursor_close(c);
}

static void test_nothing_between(void **state)
{
	struct cursor *c = open_cursor();
	struct cursor_batch b;

	(void)state;
	freeze(c, 1, 20, 0);
	assert_int_equal(cursor_batch(c, &b, &error), 0);
	assert_int_equal(b.last, 0);
	assert_int_equal(sent(c, STORE), 20);
	assert_int_equal(cursor_skip(c, STORE, 30, &error), 0);
	assert_int_equal(sent(c, STORE), 30);
	cursor_close(c);
}

struct list {
	uint64_t number[3000], hash[3000];
	size_t count, most;
};

static bool on_number(void *ctx, uint64_t number, uint64_t hash)
{
	struct list *l = ctx;

	l->number[l->count] = number;
	l->hash[l->count++] = hash;
	return l->count < l->most;
}

static void finish(struct cursor *c)
{
	struct cursor_part p;

	while (cursor_part(c, &p, &error) > 0)
		assert_int_equal(cursor_taken(c, p.number, 1, &error), 0);
}

static void test_marks(void **state)
{
	static struct list l;
	struct cursor *c = open_cursor();

	(void)state;
	for (uint64_t i = 1; i <= 4; i++) {
		freeze(c, i * 10 - 9, i * 10, 1);
		finish(c);
	}
	l = (struct list){.most = SIZE_MAX};
	assert_int_equal(cursor_marks(c, STORE, on_number, &l, &error), 0);
	assert_int_equal(l.count, 4);
	assert_int_equal(l.number[0], 40);
	assert_int_equal(l.hash[0], 120);
	assert_int_equal(l.number[3], 10);
	assert_int_equal(cursor_rewind(c, STORE, 20, &error), 0);
	assert_int_equal(sent(c, STORE), 20);
	l = (struct list){.most = 1};
	assert_int_equal(cursor_marks(c, STORE, on_number, &l, &error), 0);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.number[0], 20);
	l = (struct list){.most = SIZE_MAX};
	assert_int_equal(cursor_marks(c, OTHER, on_number, &l, &error), 0);
	assert_int_equal(l.count, 0);
	cursor_close(c);
}

static void test_marks_are_bounded(void **state)
{
	static struct list l;
	struct cursor *c = open_cursor();

	(void)state;
	for (uint64_t i = 1; i <= 1100; i++) {
		freeze(c, i, i, 1);
		finish(c);
	}
	l = (struct list){.most = SIZE_MAX};
	assert_int_equal(cursor_marks(c, STORE, on_number, &l, &error), 0);
	assert_int_equal(l.count, 1000);
	assert_int_equal(l.number[0], 1100);
	assert_int_equal(l.number[999], 101);
	cursor_close(c);
}

static void test_known(void **state)
{
	static struct list l;
	struct cursor *c = open_cursor();

	(void)state;
	assert_int_equal(cursor_learn_begin(c, &error), 0);
	assert_int_equal(cursor_learn(c, CURSOR_OPEN, STORE, 7, 70, false, &error), 0);
	assert_int_equal(cursor_learn(c, CURSOR_OPEN, STORE, 3, 30, false, &error), 0);
	assert_int_equal(cursor_learn(c, CURSOR_RUN, STORE, 3, 31, false, &error), 0);
	assert_int_equal(cursor_learn_end(c, &error), 0);
	assert_int_equal(cursor_learn_begin(c, &error), 0);
	assert_int_equal(cursor_learn(c, CURSOR_OPEN, STORE, 3, 0, true, &error), 0);
	assert_int_equal(cursor_learn(c, CURSOR_OPEN, STORE, 7, 71, false, &error), 0);
	assert_int_equal(cursor_learn_end(c, &error), 0);
	l = (struct list){.most = SIZE_MAX};
	assert_int_equal(cursor_known(c, CURSOR_OPEN, STORE, on_number, &l, &error), 0);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.number[0], 7);
	assert_int_equal(l.hash[0], 71);
	l = (struct list){.most = SIZE_MAX};
	assert_int_equal(cursor_known(c, CURSOR_RUN, STORE, on_number, &l, &error), 0);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.hash[0], 31);
	cursor_close(c);
}

/* A clock that is set back takes no version back. */
static void test_versions(void **state)
{
	struct cursor *c = open_cursor();
	uint64_t a, b, d;

	(void)state;
	assert_int_equal(cursor_revision(c, 1000, &a, &error), 0);
	assert_int_equal(a, 1000);
	assert_int_equal(cursor_revision(c, 10, &b, &error), 0);
	assert_int_equal(b, 1001);
	cursor_close(c);
	c = open_cursor();
	assert_int_equal(cursor_revision(c, 1001, &d, &error), 0);
	assert_int_equal(d, 1002);
	cursor_close(c);
}

static void test_tally(void **state)
{
	struct ship_tally t = {.failures = 2,
				 .waiting = 5,
				 .oldest_ns = 6,
				 .place = "http://db:8123",
				 .why = "no"},
			    got;
	struct cursor *c;

	(void)state;
	assert_int_equal(ship_read_tally(path, &got), -ENOENT);
	c = open_cursor();
	assert_int_equal(cursor_tell(c, &t, &error), 0);
	assert_int_equal(cursor_tell(c, &t, &error), 0);
	assert_int_equal(ship_read_tally(path, &got), 0);
	assert_int_equal(got.failures, 4);
	assert_int_equal(got.waiting, 5);
	assert_int_equal(got.oldest_ns, 6);
	assert_string_equal(got.place, "http://db:8123");
	assert_string_equal(got.why, "no");
	freeze(c, 1, 9, 2);
	finish(c);
	assert_int_equal(ship_read_tally(path, &got), 0);
	assert_int_equal(got.rows, 3);
	assert_int_equal(got.batches, 1);
	assert_true(got.bytes > 10);
	assert_int_equal(got.sent_ns, 1);
	assert_string_equal(got.why, "");
	cursor_close(c);
	/* When nobody sends any more. */
	assert_int_equal(ship_read_tally(path, &got), 0);
	assert_int_equal(got.rows, 3);
}

static void test_one_sender(void **state)
{
	struct cursor *c = open_cursor();

	(void)state;
	assert_null(cursor_open(path, &error));
	assert_non_null(strstr(error.text, "another sockwatch sends"));
	cursor_close(c);
	cursor_close(open_cursor());
}

static void write_file(const char *name, const void *bytes, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

/* A file that is something else stays as it is, byte by byte. */
static void test_strangers(void **state)
{
	static char text[3000], found[4000];
	sqlite3 *db;
	struct stat before, after;
	int fd;

	(void)state;
	memset(text, 'x', sizeof(text));
	write_file(file, text, sizeof(text));
	assert_null(cursor_open(path, &error));
	assert_non_null(strstr(error.text, "something else"));
	fd = open(file, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, found, sizeof(found)), sizeof(text));
	close(fd);
	assert_memory_equal(found, text, sizeof(text));
	unlink(file);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE mine(x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(stat(file, &before), 0);
	assert_null(cursor_open(path, &error));
	assert_non_null(strstr(error.text, "something else"));
	assert_int_equal(stat(file, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
		    before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
}

static void test_another_version(void **state)
{
	sqlite3 *db;

	(void)state;
	cursor_close(open_cursor());
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=2", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_null(cursor_open(path, &error));
	assert_non_null(strstr(error.text, "another version"));
}

/* A link leads to the sender's own directory: all that is made is made there. */
static void test_link(void **state)
{
	char real[100], other[120];
	struct cursor *c;

	(void)state;
	snprintf(real, sizeof(real), "%s.real", file);
	assert_int_equal(symlink(real, file), 0);
	c = open_cursor();
	freeze(c, 1, 4, 1);
	snprintf(other, sizeof(other), "%s-lock", file);
	assert_int_equal(access(other, F_OK), -1);
	snprintf(other, sizeof(other), "%s-lock", real);
	assert_int_equal(access(other, F_OK), 0);
	finish(c);
	cursor_close(c);
	c = open_cursor();
	assert_int_equal(sent(c, STORE), 4);
	cursor_close(c);
}

static void test_damaged(void **state)
{
	static const char garbage[8192] = "no page";
	struct cursor *c = open_cursor();
	int fd;

	(void)state;
	freeze(c, 1, 4, 1);
	cursor_close(c);
	/* All pages but the first. */
	fd = open(file, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (off_t at = 4096; at < 65536; at += (off_t)sizeof(garbage))
		assert_int_equal(pwrite(fd, garbage, sizeof(garbage), at),
				 (ssize_t)sizeof(garbage));
	close(fd);
	c = cursor_open(path, &error);
	if (c) {
		struct cursor_part p;

		assert_true(cursor_part(c, &p, &error) < 0);
		cursor_close(c);
	}
	assert_non_null(strstr(error.text, "damaged"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_begins_at_nothing),
		TEST(test_batch),
		TEST(test_unfinished),
		TEST(test_nothing_between),
		TEST(test_marks),
		TEST(test_marks_are_bounded),
		TEST(test_known),
		TEST(test_versions),
		TEST(test_tally),
		TEST(test_one_sender),
		TEST(test_strangers),
		TEST(test_another_version),
		TEST(test_link),
		TEST(test_damaged),
	};

	umask(027);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
