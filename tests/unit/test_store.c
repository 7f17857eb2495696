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
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store.h"

#define SEC  1000000000ull
#define MSEC 1000000ull
/* 2026-11-20T12:00:00Z; boot was an hour before. */
#define WALL	  (1795176000ull * SEC)
#define BOOT	  (3600 * SEC)
#define OFFSET	  ((int64_t)(WALL - BOOT))
#define FOUND_MAX 4096

static char dir[] = "/tmp/sockwatch-store-XXXXXX";
static char path[64];

static const struct process nginx = {
	.pid = 901,
	.tid = 901,
	.uid = 33,
	.cgroup_id = 77,
	.name = "nginx",
	.cgroup = "/system.slice/docker-4f1e.scope",
	.container = "4f1e",
};
static const struct process curl = {.pid = 17, .tid = 18, .name = "cu\xffrl \"", .cgroup = ""};

static struct event found[FOUND_MAX];
static struct process found_process[FOUND_MAX];
static size_t found_count;

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/store", dir);
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char name[80];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
	return 0;
}

static struct store *open_store(struct store_options o)
{
	struct store_error error = {""};
	struct store *s;

	o.path = path;
	if (!o.queue_bytes)
		o.queue_bytes = 8 << 20;
	if (!o.now_ns)
		o.now_ns = WALL;
	if (!o.boot_id)
		o.boot_id = "boot-a";
	s = store_open(&o, &error);
	if (!s)
		fail_msg("store_open: %s", error.text);
	return s;
}

#define OPEN() open_store((struct store_options){0})

/* A life from `from` to `to` seconds after 12:00. */
static struct event life(double from, double to, uint16_t port, uint64_t cookie)
{
	struct event e = {
		.kind = EVENT_CLOSE,
		.time_ns = BOOT + (uint64_t)(int64_t)(to * 1e9),
		.protocol = IPPROTO_TCP,
		.family = FAMILY_IPV4,
		.has_local = true,
		.has_peer = true,
		.netns = 4026531833,
		.cookie = cookie,
		.local = {.addr = {127, 0, 0, 1}, .port = port},
		.peer = {.addr = {10, 1, 2, 255}, .port = 443},
		.process = &nginx,
	};

	e.close.opened_ns = BOOT + (uint64_t)(int64_t)(from * 1e9);
	e.close.duration_ns = e.time_ns - e.close.opened_ns;
	e.close.counted = true;
	e.close.sent_bytes = 1ull << 40;
	e.close.received_bytes = 2;
	e.close.retransmits = 3;
	e.close.rtt_us = 444;
	e.close.reason = REASON_PEER_RESET;
	e.close.span_count = 2;
	e.close.spans[0] = (struct event_span){STATE_SYN_SENT, 0};
	e.close.spans[1] = (struct event_span){STATE_ESTABLISHED, e.close.duration_ns};
	return e;
}

static bool on_found(void *ctx, const struct event *event)
{
	(void)ctx;
	assert_true(found_count < FOUND_MAX);
	found[found_count] = *event;
	if (event->process) {
		found_process[found_count] = *event->process;
		found[found_count].process = &found_process[found_count];
		found_process[found_count].cgroup = found_process[found_count].container = NULL;
	}
	found_count++;
	return true;
}

static struct store_query all(const struct filter *f)
{
	return (struct store_query){.filter = f, .to_ns = UINT64_MAX};
}

/* What the store says; the count. */
static size_t ask(struct store_query q)
{
	struct store_error error = {""};
	struct store_reader *r = store_reader_open(path, WALL + 1000 * SEC, &error);
	uint64_t last = 0;

	if (!r)
		fail_msg("store_reader_open: %s", error.text);
	found_count = 0;
	if (store_read(r, &q, on_found, NULL, &last, &error) < 0)
		fail_msg("store_read: %s", error.text);
	store_reader_close(r);
	return found_count;
}

static size_t ask_at(const struct filter *f, double at)
{
	struct store_query q = all(f);

	q.from_ns = q.to_ns = WALL + (uint64_t)(int64_t)(at * 1e9);
	q.lives_only = true;
	return ask(q);
}

static size_t ask_all(void)
{
	struct filter none;

	filter_init(&none);
	return ask(all(&none));
}

static int64_t sql(const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	int64_t value;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return value;
}

static void test_a_life_comes_back_as_it_was(void **state)
{
	struct event in = life(1, 3.5, 41234, 99), six = life(4, 4.25, 50000, 100), *out = found;
	struct store *s = OPEN();

	(void)state;
	in.error = ECONNRESET;
	in.close.time_wait = true;
	six.family = FAMILY_IPV6;
	six.local.addr[0] = 0xfe;
	six.local.addr[1] = 0x80;
	six.local.ifindex = 7;
	six.has_peer = false;
	six.peer = (struct endpoint){0};
	six.process = NULL;
	six.close.counted = false;
	six.protocol = 300;
	store_event(s, &in, OFFSET);
	store_event(s, &six, OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 2);
	assert_int_equal(out->time_ns, WALL + 3500 * MSEC);
	assert_int_equal(out->close.opened_ns, WALL + 1 * SEC);
	assert_int_equal(out->close.duration_ns, in.close.duration_ns);
	assert_int_equal(out->protocol, IPPROTO_TCP);
	assert_int_equal(out->netns, in.netns);
	assert_int_equal(out->cookie, 99);
	assert_int_equal(out->error, ECONNRESET);
	assert_memory_equal(&out->local, &in.local, sizeof(in.local));
	assert_memory_equal(&out->peer, &in.peer, sizeof(in.peer));
	assert_int_equal(out->close.sent_bytes, in.close.sent_bytes);
	assert_int_equal(out->close.received_bytes, 2);
	assert_int_equal(out->close.retransmits, 3);
	assert_int_equal(out->close.rtt_us, 444);
	assert_int_equal(out->close.reason, REASON_PEER_RESET);
	assert_int_equal(out->close.end, EVENT_END_SEEN);
	assert_true(out->close.time_wait && out->close.counted);
	assert_int_equal(out->close.span_count, 2);
	assert_memory_equal(out->close.spans, in.close.spans, 2 * sizeof(in.close.spans[0]));
	assert_int_equal(out->process->pid, 901);
	assert_int_equal(out->process->uid, 33);
	assert_string_equal(out->process->name, "nginx");
	out = &found[1];
	assert_memory_equal(&out->local, &six.local, sizeof(six.local));
	assert_int_equal(out->family, FAMILY_IPV6);
	assert_int_equal(out->protocol, 300);
	assert_true(out->has_local && !out->has_peer && !out->close.counted);
	assert_null(out->process);
}

static void test_calls_and_losses(void **state)
{
	struct event bind = life(0, 1, 80, 5), listen = bind, ok = bind, failed = bind;
	struct event state_change = bind, lost = {.kind = EVENT_LOST, .time_ns = BOOT + 9 * SEC};
	struct store *s = OPEN();

	(void)state;
	bind.kind = EVENT_BIND;
	bind.error = EADDRINUSE;
	listen.kind = EVENT_LISTEN;
	listen.listen.backlog = 511;
	ok.kind = EVENT_CONNECT;
	failed.kind = EVENT_CONNECT;
	failed.error = ENETUNREACH;
	failed.connect.autobind = true;
	state_change.kind = EVENT_STATE;
	lost.lost = (struct event_lost){42, BOOT + 8 * SEC, 3, 4};
	store_event(s, &bind, OFFSET);
	store_event(s, &listen, OFFSET);
	store_event(s, &ok, OFFSET);
	store_event(s, &state_change, OFFSET);
	store_event(s, &failed, OFFSET);
	store_event(s, &lost, OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 4);
	assert_int_equal(found[0].kind, EVENT_BIND);
	assert_int_equal(found[0].error, EADDRINUSE);
	assert_int_equal(found[1].listen.backlog, 511);
	assert_int_equal(found[2].kind, EVENT_CONNECT);
	assert_true(found[2].connect.autobind);
	assert_int_equal(found[3].kind, EVENT_LOST);
	assert_int_equal(found[3].lost.count, 42);
	assert_int_equal(found[3].lost.since_ns, WALL + 8 * SEC);
	assert_int_equal(found[3].lost.added, 3);
	assert_int_equal(found[3].lost.removed, 4);
}

/* Lives of every length against the plain rule: opened before, closed after. */
static void test_at_any_moment(void **state)
{
	static struct {
		double from, to;
	} lives[600];
	struct store *s = OPEN();
	struct filter f;

	(void)state;
	srandom(7);
	filter_init(&f);
	for (size_t i = 0; i < 600; i++) {
		static const double scales[] = {0.001, 0.5, 1, 5, 20, 200, 3000, 40000};
		struct event e;

		lives[i].to = (double)i * 100;
		lives[i].from =
			lives[i].to - scales[random() % 8] * (double)(random() % 1000) / 1e3;
		if (lives[i].from < -3000)
			lives[i].from = -3000;
		e = life(lives[i].from, lives[i].to, 80, i + 1);
		store_event(s, &e, OFFSET);
	}
	store_close(s, NULL);
	for (double at = -50; at < 61000; at += 1237.3) {
		size_t expected = 0;

		for (size_t i = 0; i < 600; i++)
			expected += lives[i].from <= at && lives[i].to >= at;
		assert_int_equal(ask_at(&f, at), expected);
	}
	assert_int_equal(units_parse_ranges("81", 65535, &f.ports), 0);
	assert_int_equal(ask_at(&f, 30000), 0);
	filter_done(&f);
}

static void test_filters(void **state)
{
	static const struct {
		const char *ports, *pids, *comm, *container;
		uint32_t reasons;
		size_t count;
	} cases[] = {
		{.count = 3},
		{.ports = "41000", .count = 1},
		{.ports = "443", .count = 3},
		{.ports = "1-400", .count = 0},
		{.pids = "900-902", .count = 2},
		{.pids = "18", .count = 0},
		{.comm = "cu\xff", .count = 1},
		{.comm = "ngi", .count = 2},
		{.comm = "it's", .count = 0},
		{.container = "4f", .count = 2},
		{.reasons = 1u << REASON_REFUSED, .count = 1},
		{.reasons = 1u << REASON_REFUSED | 1u << REASON_PEER_RESET, .count = 3},
	};
	struct event e[] = {life(0, 1, 41000, 1), life(0, 2, 42000, 2), life(0, 3, 43000, 3)};
	struct store *s = OPEN();

	(void)state;
	e[1].process = &curl;
	e[2].close.reason = REASON_REFUSED;
	for (size_t i = 0; i < 3; i++)
		store_event(s, &e[i], OFFSET);
	store_close(s, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter f;
		struct store_query q;

		filter_init(&f);
		if (cases[i].ports)
			units_parse_ranges(cases[i].ports, 65535, &f.ports);
		if (cases[i].pids)
			units_parse_ranges(cases[i].pids, 65535, &f.pids);
		f.comm = cases[i].comm ? strdup(cases[i].comm) : NULL;
		f.container = cases[i].container ? strdup(cases[i].container) : NULL;
		q = all(&f);
		q.reasons = cases[i].reasons;
		if (ask(q) != cases[i].count)
			fail_msg("case %zu: %zu found", i, found_count);
		filter_done(&f);
	}
}

static void test_processes_are_kept_once(void **state)
{
	struct store *s = OPEN();

	(void)state;
	for (int run = 0; run < 2; run++) {
		for (int i = 0; i < 50; i++) {
			struct event e = life(i, i + 0.5, 80, (uint64_t)i + 1);

			if (i % 2)
				e.process = &curl;
			store_event(s, &e, OFFSET);
		}
		store_close(s, NULL);
		s = run ? NULL : OPEN();
	}
	assert_int_equal(sql("SELECT count(*) FROM process"), 2);
	assert_int_equal(sql("SELECT count(*) FROM netns"), 1);
	assert_int_equal(sql("SELECT min(lives) FROM process"), 50);
	assert_int_equal(sql("SELECT count(*) FROM lives WHERE comm='nginx' AND container='4f1e' "
			     "AND peer_addr='10.1.2.255' AND reason='peer-reset' AND opened "
			     "LIKE '2026-11-20 12:00:%'"),
			 50);
	assert_int_equal(sql("SELECT sum(ns) FROM life_states WHERE state='ESTABLISHED'"),
			 100 * 500 * MSEC);
}

static struct event open_life(double from, double now, uint16_t port, uint64_t cookie)
{
	struct event e = life(from, now, port, cookie);

	e.close.end = EVENT_END_OPEN;
	e.close.counted = false;
	return e;
}

static void test_what_is_open(void **state)
{
	struct event a = open_life(0, 5, 80, 1), b = open_life(1, 5, 81, 2), end;
	struct store *s = OPEN();
	struct filter f;

	(void)state;
	filter_init(&f);
	b.close.opened_ns = 0;
	b.close.duration_ns = UINT64_MAX;
	store_open_life(s, &a, OFFSET);
	store_open_life(s, &b, OFFSET);
	store_open_life(s, &a, OFFSET);
	/* The end of the one whose start nobody saw, ten seconds after it was first seen. */
	end = life(0, 15, 81, 2);
	end.close.opened_ns = 0;
	end.close.duration_ns = UINT64_MAX;
	store_event(s, &end, OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 2);
	assert_int_equal(found[0].local.port, 81);
	assert_int_equal(found[0].close.opened_ns, 0);
	assert_int_equal(found[1].local.port, 80);
	assert_int_equal(found[1].close.end, EVENT_END_UNSEEN); /* the record has ended */
	assert_int_equal(ask_at(&f, 3), 1);
	assert_int_equal(ask_at(&f, 10), 2);
	assert_int_equal(ask_at(&f, -1), 0);
}

static void test_an_earlier_run_knows_the_start(void **state)
{
	struct event a = open_life(0, 5, 80, 1), gone = open_life(2, 5, 81, 2), end;
	struct store *s = OPEN();

	(void)state;
	store_open_life(s, &a, OFFSET);
	store_open_life(s, &gone, OFFSET);
	store_close(s, NULL);
	s = OPEN();
	a = open_life(0, 20, 80, 1);
	a.close.opened_ns = 0; /* older than this run */
	a.close.duration_ns = UINT64_MAX;
	store_open_life(s, &a, OFFSET);
	store_sweep(s);
	end = life(0, 30, 80, 1);
	end.close.opened_ns = 0;
	end.close.duration_ns = UINT64_MAX;
	store_event(s, &end, OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 2);
	assert_int_equal(found[0].local.port, 81);
	assert_int_equal(found[0].close.end, EVENT_END_UNSEEN);
	assert_int_equal(found[0].close.duration_ns, UINT64_MAX);
	assert_int_equal(found[0].close.opened_ns, WALL + 2 * SEC);
	assert_int_equal(found[1].local.port, 80);
	assert_int_equal(found[1].close.opened_ns, WALL);
	assert_int_equal(found[1].close.duration_ns, 30 * SEC);
}

static void test_another_boot_ends_everything(void **state)
{
	struct event a = open_life(0, 5, 80, 1);
	struct store *s = OPEN();

	(void)state;
	store_open_life(s, &a, OFFSET);
	store_close(s, NULL);
	s = open_store((struct store_options){.boot_id = "boot-b"});
	store_close(s, NULL);
	assert_int_equal(sql("SELECT count(*) FROM open"), 0);
	assert_int_equal(ask_all(), 1);
	assert_int_equal(found[0].close.end, EVENT_END_UNSEEN);
}

/* The clock is set forth and back a day: durations and order stay. */
static void test_clock_steps(void **state)
{
	static const int64_t step[] = {0, 86400, -86400, 3600, 0};
	struct store *s = OPEN();
	struct event o = open_life(0, 1, 90, 50), end;

	(void)state;
	o.close.opened_ns = 0;
	o.close.duration_ns = UINT64_MAX;
	store_open_life(s, &o, OFFSET);
	for (int i = 0; i < 5; i++) {
		struct event e = life(10 * i, 10 * i + 5, (uint16_t)(100 + i), (uint64_t)i + 1);

		store_event(s, &e, OFFSET + step[i] * (int64_t)SEC);
	}
	end = life(0, 61, 90, 50);
	end.close.opened_ns = 0;
	end.close.duration_ns = UINT64_MAX;
	store_event(s, &end, OFFSET - 86400 * (int64_t)SEC);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 6);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(found[i].local.port, 100 + i);
		assert_int_equal(found[i].close.duration_ns, 5 * SEC);
		assert_int_equal(found[i].time_ns,
				 (uint64_t)((int64_t)WALL + (step[i] + 10 * i + 5) * (int64_t)SEC));
	}
	assert_int_equal(sql("SELECT lived FROM life WHERE local_port=90"), 60 * SEC);
}

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

static void test_missing_store_is_not_made_by_a_reader(void **state)
{
	struct store_error error = {""};

	(void)state;
	assert_null(store_reader_open(path, WALL, &error));
	assert_non_null(strstr(error.text, "no such store"));
	assert_int_equal(access(path, F_OK), -1);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Pulses until `count` rows are committed or ten seconds passed. */
static void wait_stored(struct store *s, uint64_t count)
{
	struct store_stats stats = {0};

	for (uint64_t i = 1; i < 1000 && stats.stored < count; i++) {
		store_pulse(s, i * SEC);
		pause_ms(10);
		store_get_stats(s, &stats);
	}
	assert_true(stats.stored >= count);
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

		teardown(NULL);
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_life_comes_back_as_it_was),
		TEST(test_calls_and_losses),
		TEST(test_at_any_moment),
		TEST(test_filters),
		TEST(test_processes_are_kept_once),
		TEST(test_what_is_open),
		TEST(test_an_earlier_run_knows_the_start),
		TEST(test_another_boot_ends_everything),
		TEST(test_clock_steps),
		TEST(test_foreign_files_are_refused_untouched),
		TEST(test_damage_is_refused_untouched),
		TEST(test_a_second_writer_is_refused),
		TEST(test_missing_store_is_not_made_by_a_reader),
		TEST(test_keep_for_a_time),
		TEST(test_keep_below_a_size),
		TEST(test_killed_at_any_moment),
		TEST(test_log_cut_anywhere),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests_name("store", tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
