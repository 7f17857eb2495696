// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_case.h"

static void write_file(const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void assert_refused(const char *why)
{
	struct store_options o = {
		.path = path, .now_ns = WALL, .boot_id = "b", .queue_bytes = 1 << 20};
	struct store_error error = {""};
	static char before[1 << 20], after[1 << 20];
	int fd = open(path, O_RDONLY);
	ssize_t len = read(fd, before, sizeof(before));
	struct stat st, now;

	fstat(fd, &st);
	close(fd);
	assert_null(store_open(&o, &error));
	if (!strstr(error.text, why))
		fail_msg("not '%s' but '%s'", why, error.text);
	assert_int_equal(stat(path, &now), 0);
	assert_memory_equal(&now.st_mtim, &st.st_mtim, sizeof(st.st_mtim));
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, after, sizeof(after)), len);
	assert_memory_equal(before, after, (size_t)len);
	close(fd);
}

static void test_foreign_files_are_refused_untouched(void **state)
{
	static char zero[4096];
	sqlite3 *db;

	(void)state;
	write_file("hello\n", 6);
	assert_refused("is not a store");
	write_file(zero, sizeof(zero));
	assert_refused("is not a store");
	unlink(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, "CREATE TABLE mail(x); INSERT INTO mail VALUES(1)", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_refused("is not a store");
	unlink(path);
	store_close(OPEN(), NULL);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA user_version=9", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_refused("version 9");
}

static void test_damage_is_refused_untouched(void **state)
{
	struct store *s = OPEN();
	struct stat st;
	char junk[4096];
	int fd;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct event e = life(i, i + 2, 80, (uint64_t)i + 1);

		store_event(s, &e, OFFSET);
	}
	store_close(s, NULL);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 8192), 0);
	assert_refused("cut short");
	assert_int_equal(truncate(path, st.st_size), 0);
	memset(junk, 0x5a, sizeof(junk));
	fd = open(path, O_WRONLY);
	for (off_t at = 5 * 4096; at < 40 * 4096; at += 4096)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
	assert_refused("damaged");
}

static void test_a_second_writer_is_refused(void **state)
{
	struct store_options o = {
		.path = path, .now_ns = WALL, .boot_id = "b", .queue_bytes = 1 << 20};
	struct store_error error = {""};
	struct store_reader *r;
	struct store *s = OPEN();

	(void)state;
	assert_null(store_open(&o, &error));
	assert_non_null(strstr(error.text, "another sockwatch is recording"));
	r = store_reader_open(path, WALL, &error);
	assert_non_null(r);
	assert_true(store_is_recording(r));
	store_close(s, NULL);
	assert_false(store_is_recording(r));
	store_reader_close(r);
	store_close(OPEN(), NULL);
}

/* Whoever may read the store may lock it, too. */
static void test_readers_keep_no_recorder_out(void **state)
{
	struct flock all = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	struct store_error error = {""};
	struct store_reader *r;
	struct store *s;
	int fd;

	(void)state;
	store_close(OPEN(), NULL);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	all.l_start =
		1ll << 40; /* a lock where SQLite has its own delays that, as any reader may */
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &all), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	s = OPEN();
	r = store_reader_open(path, WALL, &error);
	assert_non_null(r);
	assert_false(store_is_recording(r)); /* unknown */
	close(fd);
	store_pulse(s, UINT64_MAX / 2);
	assert_true(store_is_recording(r));
	store_close(s, NULL);
	assert_false(store_is_recording(r));
	store_reader_close(r);
}

/* Beside a store in a directory where all may write. */
static void test_files_of_strangers_are_not_used(void **state)
{
	struct store_options o = {
		.path = path, .now_ns = WALL, .boot_id = "b", .queue_bytes = 1 << 20};
	char dir[80], name[100];
	struct stat st;

	(void)state;
	if (geteuid())
		skip();
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	for (size_t i = 0; i < STORE_FILES; i++) {
		for (int is_link = 0; is_link < 2; is_link++) {
			struct store_error error = {""};
			int fd = -1;

			store_close(OPEN(), NULL);
			snprintf(name, sizeof(name), "%s%s", path, store_files[i]);
			unlink(name);
			if (is_link)
				assert_int_equal(symlink("secret", name), 0);
			else
				fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
			if (fd >= 0)
				close(fd);
			assert_int_equal(lchown(name, 65534, 65534), 0);
			chmod(dir, 01777);
			assert_null(store_open(&o, &error));
			chmod(dir, 0700);
			assert_non_null(strstr(error.text, "another user"));
			assert_int_equal(lstat(name, &st), 0);
			assert_int_equal(st.st_size, is_link ? 6 : 0);
			snprintf(name, sizeof(name), "%s/secret", dir);
			assert_int_equal(stat(name, &st), -1);
			snprintf(name, sizeof(name), "%s%s", path, store_files[i]);
			unlink(name);
		}
	}
	chmod(dir, 01777);
	store_close(OPEN(), NULL);
	chmod(dir, 0700);
}

static void test_missing_store_is_not_made_by_a_reader(void **state)
{
	struct store_error error = {""};

	(void)state;
	assert_null(store_reader_open(path, WALL, &error));
	assert_non_null(strstr(error.text, "no such store"));
	assert_int_equal(access(path, F_OK), -1);
}

static void test_keep_for_a_time(void **state)
{
	struct store *s = open_store((struct store_options){.keep_ns = 60 * SEC});
	struct timespec now;
	uint64_t wall;
	int64_t offset;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &now);
	wall = (uint64_t)now.tv_sec * SEC;
	offset = (int64_t)(wall - BOOT);
	for (int i = 0; i < 5000; i++) {
		struct event e = life(-1000 + i / 10.0, -999.9 + i / 10.0, 80, (uint64_t)i + 1);

		e.process = &curl;
		store_event(s, &e, offset);
	}
	for (int i = 0; i < 10; i++) {
		struct event e = life(-5, -1, 80, (uint64_t)i + 1);

		store_event(s, &e, offset);
	}
	wait_stored(s, 5010);
	for (int i = 0; i < 100 && sql("SELECT count(*) FROM life") > 10; i++)
		pause_ms(100);
	store_close(s, NULL);
	assert_int_equal(sql("SELECT count(*) FROM life"), 10);
	assert_int_equal(sql("SELECT count(*) FROM block"), 1);
	assert_int_equal(sql("SELECT lives FROM process WHERE pid=901"), 10);
}

static uint64_t size_of(const char *end)
{
	char name[80];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, end);
	return stat(name, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

static void test_keep_below_a_size(void **state)
{
	const uint64_t bound = STORE_KEEP_MIN;
	struct store *s = open_store((struct store_options){.keep_bytes = bound});
	uint64_t stored = 0, largest = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 20000; i++) {
			struct event e = life(round * 100 + i / 1e4, round * 100 + i / 1e4 + 0.01,
					      80, ++stored);

			store_event(s, &e, OFFSET);
		}
		wait_stored(s, stored);
		if (size_of("") + size_of("-wal") > largest)
			largest = size_of("") + size_of("-wal");
	}
	store_close(s, NULL);
	if (largest > bound)
		fail_msg("%llu bytes", (unsigned long long)largest);
	assert_true(sql("SELECT count(*) FROM life") > 20000);
	assert_true(sql("SELECT count(*) FROM life") < 300000);
	assert_int_equal(sql("SELECT max(id) FROM life"), stored);
	assert_int_equal(sql("SELECT max(id)-min(id)+1-count(*) FROM life"), 0);
	assert_int_equal(sql("SELECT lives-(SELECT count(*) FROM life) FROM process"), 0);
}

/* A writer that is killed; what it said more than a second before must be there. */
static void record_until_killed(int out)
{
	struct store *s = OPEN();

	for (uint64_t i = 1;; i++) {
		struct timespec now;
		struct event e = life(0, 0.1, 80, i);

		store_event(s, &e, OFFSET);
		clock_gettime(CLOCK_MONOTONIC, &now);
		store_pulse(s, (uint64_t)now.tv_sec * SEC + (uint64_t)now.tv_nsec);
		if (write(out, &i, sizeof(i)) < 0)
			_exit(1);
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
}

static uint64_t last_said(int in, long until_ms)
{
	struct timespec begin, now;
	uint64_t number = 0;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		if (read(in, &number, sizeof(number)) <= 0)
			break;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 <
		 until_ms);
	return number;
}

static void test_killed_at_any_moment(void **state)
{
	(void)state;
	srandom(3);
	for (int round = 0; round < 4; round++) {
		uint64_t safe, had;
		int ends[2], status;
		pid_t pid;

		store_teardown(NULL);
		assert_int_equal(store_setup(NULL), 0);
		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0)
			record_until_killed(ends[1]);
		close(ends[1]);
		safe = last_said(ends[0], 200 + random() % 700);
		last_said(ends[0], 1000); /* a second later */
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		close(ends[0]);
		had = (uint64_t)sql("SELECT ifnull(max(cookie),0) FROM life");
		if (had < safe)
			fail_msg("%llu of %llu", (unsigned long long)had, (unsigned long long)safe);
		assert_int_equal(sql("SELECT max(cookie)-count(*) FROM life"), 0);
		store_close(OPEN(), NULL); /* opens again, whole */
		assert_int_equal(sql("SELECT count(*) FROM life"), had);
	}
}

/* A power cut may leave any beginning of the log: the store opens with some beginning of the rows. */
static void test_log_cut_anywhere(void **state)
{
	char log[80], copy[80], command[512];
	struct store *s = OPEN();
	uint64_t size;

	(void)state;
	snprintf(log, sizeof(log), "%s-wal", path);
	snprintf(copy, sizeof(copy), "%s.copy", path);
	for (uint64_t i = 1; i <= 3000; i++) {
		struct event e = life((double)i, (double)i + 2, 80, i);

		store_event(s, &e, OFFSET);
		if (i % 1000 == 0)
			wait_stored(s, i);
	}
	snprintf(command, sizeof(command), "cp %s %s && cp %s %s-wal", path, copy, log, copy);
	assert_int_equal(system(command), 0);
	store_close(s, NULL);
	size = 0;
	for (int i = 0; i < 12; i++) {
		struct stat st;

		snprintf(command, sizeof(command), "rm -f %s-shm; cp %s %s && cp %s-wal %s", path,
			 copy, path, copy, log);
		assert_int_equal(system(command), 0);
		assert_int_equal(stat(log, &st), 0);
		size = (uint64_t)st.st_size;
		assert_int_equal(truncate(log, (off_t)(size * (uint64_t)i / 11)), 0);
		store_close(OPEN(), NULL);
		assert_int_equal(sql("SELECT ifnull(max(cookie),0)-count(*) FROM life"), 0);
		if (i == 11)
			assert_int_equal(sql("SELECT count(*) FROM life"), 3000);
	}
	unlink(copy);
	snprintf(command, sizeof(command), "%s-wal", copy);
	unlink(command);
}

/* The same pid and name with other arguments is another process; what it ran comes back, or not. */
static void test_what_a_process_ran(void **state)
{
	static const struct program parent = {.pid = 5, .name = "cron"};
	struct program program[] = {
		{.start_ns = 70, .hash = 1, .exe = "/bin/curl", .args = "curl\0a", .args_len = 7},
		{.start_ns = 70, .hash = 3, .exe = "/bin/curl", .args = "curl\0b", .args_len = 7},
	};
	struct store *s = OPEN();

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct process p = curl;
		struct event e = life(i, i + 0.5, 80, (uint64_t)i + 1);

		p.program = &program[i % 2];
		p.parent[0] = &parent;
		p.parent_count = p.parents_known = true;
		p.unit = "cron.service";
		p.container_name = "web";
		e.process = &p;
		store_event(s, &e, OFFSET);
	}
	store_close(s, NULL);
	assert_int_equal(sql("SELECT count(*) FROM process"), 2);
	assert_int_equal(sql("SELECT count(DISTINCT args) FROM lives WHERE exe='/bin/curl' AND "
			     "unit='cron.service' AND container_name='web'"),
			 2);
	assert_int_equal(sql("SELECT count(*) FROM process WHERE start>start_boot AND "
			     "hex(args) IN ('6375726C006100','6375726C006200')"),
			 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_process_ran),
		TEST(test_foreign_files_are_refused_untouched),
		TEST(test_damage_is_refused_untouched),
		TEST(test_a_second_writer_is_refused),
		TEST(test_readers_keep_no_recorder_out),
		TEST(test_files_of_strangers_are_not_used),
		TEST(test_missing_store_is_not_made_by_a_reader),
		TEST(test_keep_for_a_time),
		TEST(test_keep_below_a_size),
		TEST(test_killed_at_any_moment),
		TEST(test_log_cut_anywhere),
	};

	return cmocka_run_group_tests_name("store file", tests, NULL, NULL);
}
