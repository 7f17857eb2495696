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

#include "store_case.h"
#include "store_copy.h"

static char dir[32];
char path[64];
const char *const store_files[STORE_FILES] = {"", "-wal", "-shm", "-journal", "-lock"};

const struct process nginx = {
	.pid = 901,
	.tid = 901,
	.uid = 33,
	.cgroup_id = 77,
	.name = "nginx",
	.cgroup = "/system.slice/docker-4f1e.scope",
	.container = "4f1e",
};
const struct process curl = {.pid = 17, .tid = 18, .name = "cu\xffrl \"", .cgroup = ""};

struct event found[FOUND_MAX];
static struct process found_process[FOUND_MAX];
static char found_netns[FOUND_MAX][NETNS_NAME_SIZE];
size_t found_count;

int store_setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/sockwatch-store-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/store", dir);
	return 0;
}

int store_teardown(void **state)
{
	char name[80];

	(void)state;
	for (size_t i = 0; i < STORE_FILES; i++) {
		snprintf(name, sizeof(name), "%s%s", path, store_files[i]);
		unlink(name);
	}
	rmdir(dir);
	return 0;
}

struct store *open_store(struct store_options o)
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

struct event life(double from, double to, uint16_t port, uint64_t cookie)
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

static size_t found_most = FOUND_MAX;

static bool on_found(void *ctx, const struct event *event)
{
	(void)ctx;
	assert_true(found_count < FOUND_MAX);
	found[found_count] = *event;
	if (event->netns_name)
		found[found_count].netns_name = strcpy(found_netns[found_count], event->netns_name);
	if (event->process) {
		found_process[found_count] = *event->process;
		found[found_count].process = &found_process[found_count];
		found_process[found_count].cgroup = found_process[found_count].container = NULL;
	}
	found_count++;
	return found_count < found_most;
}

struct store_query all(const struct filter *f)
{
	return (struct store_query){.filter = f, .to_ns = UINT64_MAX};
}

size_t ask(struct store_query q)
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

size_t ask_at(const struct filter *f, double at)
{
	struct store_query q = all(f);

	q.from_ns = q.to_ns = WALL + (uint64_t)(int64_t)(at * 1e9);
	q.lives_only = true;
	return ask(q);
}

size_t ask_all(void)
{
	struct filter none;

	filter_init(&none);
	return ask(all(&none));
}

size_t ask_past(const char *boot, bool open, double from, size_t most)
{
	struct store_error error = {""};
	struct store_reader *r = store_reader_open(path, WALL + 1000 * SEC, &error);

	if (!r)
		fail_msg("store_reader_open: %s", error.text);
	found_count = 0;
	found_most = most;
	if (store_read_past(r, boot, open, WALL + (uint64_t)(int64_t)(from * 1e9), on_found, NULL,
			    &error) < 0)
		fail_msg("store_read_past: %s", error.text);
	found_most = FOUND_MAX;
	store_reader_close(r);
	return found_count;
}

void sample_store(void)
{
	const struct event_holder holder = {
		.process = &curl,
		.protocol = IPPROTO_TCP,
		.family = FAMILY_IPV4,
		.local = {.addr = {127, 0, 0, 1}, .port = 80},
		.state = STATE_LISTEN,
		.since_ns = BOOT + SEC,
		.why = WHY_LISTENING,
	};
	const struct event_trouble taken = {.has_holders = true,
					    .holders = &holder,
					    .holder_count = 1,
					    .has_range = true,
					    .low = 1,
					    .high = 2};
	struct event e = life(1, 5, 41234, 1), call = life(0, 6, 80, 2),
		     open = open_life(0, 9, 81, 3);
	struct event lost = {.kind = EVENT_LOST, .time_ns = BOOT + 9 * SEC};
	struct store *s = OPEN();

	store_event(s, &e, OFFSET);
	e.family = FAMILY_IPV6;
	e.close.time_wait = true;
	store_event(s, &e, OFFSET);
	store_close(s, NULL);
	s = OPEN();
	call.kind = EVENT_BIND;
	call.error = EADDRINUSE;
	call.trouble = &taken;
	store_event(s, &call, OFFSET);
	lost.lost = (struct event_lost){
		.count = 42, .since_ns = BOOT + 8 * SEC, .added = 3, .removed = 4};
	store_event(s, &lost, OFFSET);
	store_open_life(s, &open, OFFSET);
	store_close(s, NULL);
}

bool craft(const char *text)
{
	char *why = NULL;
	sqlite3 *db;
	int rc;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
	rc = sqlite3_exec(db, text, NULL, NULL, &why);
	sqlite3_close(db);
	if (rc != SQLITE_OK && rc != SQLITE_MISMATCH && rc != SQLITE_CONSTRAINT)
		fail_msg("%s: %s", text, why);
	sqlite3_free(why);
	return rc == SQLITE_OK;
}

static void on_run(void *ctx, uint64_t from_ns, uint64_t to_ns)
{
	(void)ctx;
	assert_true(from_ns <= to_ns && to_ns <= INT64_MAX);
}

/* Touches what a writer of output would. */
static bool on_any(void *ctx, const struct event *event)
{
	(void)ctx;
	if (event->kind == EVENT_CLOSE) {
		assert_non_null(event_reason_name(event->close.reason));
		assert_true(event->close.state < STATES);
		for (unsigned int i = 0; i < event->close.span_count; i++)
			assert_true(event->close.spans[i].state < STATES);
	}
	if (event->process)
		assert_true(strlen(event->process->name) < PROCESS_NAME_SIZE);
	for (size_t i = 0; event->trouble && i < event->trouble->holder_count; i++)
		assert_true(event->trouble->holders[i].state < STATES);
	return true;
}

struct copying {
	struct store_reader *to;
	enum copy_table table;
};

static bool on_copy(void *ctx, const struct copy_value *values)
{
	struct copying *c = ctx;

	store_paste(c->to, c->table, values);
	return true;
}

/* All of it elsewhere, and told there. */
static bool copy_store(struct store_reader *r, const struct store_query *q,
		       struct store_error *error)
{
	static struct store_reader
		*to; /* one for all tests: to make it takes longer than to fill it */
	struct copying c;
	struct store_error of_copy;
	uint64_t last;
	bool ok = true;

	if (!to)
		to = store_reader_new(WALL, 0, error);
	assert_non_null(to);
	c.to = to;
	store_paste_clear(to);
	for (int t = 0; ok && t < COPY_TABLES; t++) {
		c.table = (enum copy_table)t;
		ok = store_copy(r, c.table, 0, UINT64_MAX, on_copy, &c, error) == 0;
	}
	store_read(c.to, q, on_any, NULL, &last, &of_copy);
	return ok;
}

bool read_store(char *why)
{
	struct store_error error = {""};
	struct store_reader *r = store_reader_open(path, WALL + 1000 * SEC, &error);
	uint64_t last, from, to;
	struct filter none;
	struct store_query q;
	bool ok = r != NULL;

	filter_init(&none);
	q = all(&none);
	ok = ok && store_read(r, &q, on_any, NULL, &last, &error) == 0;
	ok = ok && copy_store(r, &q, &error);
	q.from_ns = q.to_ns = WALL + 5 * SEC;
	ok = ok && store_read(r, &q, on_any, NULL, &last, &error) == 0;
	ok = ok && store_read_past(r, "boot-a", true, 0, on_any, NULL, &error) == 0;
	ok = ok && store_read_past(r, "boot-a", false, 0, on_any, NULL, &error) == 0;
	ok = ok && store_read_runs(r, on_run, NULL, &error) == 0;
	if (ok) {
		store_span(r, &from, &to);
		store_ran_at(r, WALL);
	}
	store_reader_close(r);
	memcpy(why, error.text, STORE_ERROR_SIZE);
	return ok;
}

bool write_to(char *why)
{
	struct store_options o = {.path = path,
				  .keep_ns = SEC,
				  .queue_bytes = 1 << 20,
				  .now_ns = WALL,
				  .boot_id = "boot-a"};
	struct store_error error = {""};
	struct store *s = store_open(&o, &error);
	struct event end = life(0, 20, 81, 3), open = open_life(0, 20, 82, 4);
	struct store_stats stats;

	memcpy(why, error.text, STORE_ERROR_SIZE);
	if (!s)
		return false;
	end.close.opened_ns = 0;
	store_event(s, &end, OFFSET);
	end.process = &curl;
	store_event(s, &end, OFFSET);
	store_open_life(s, &open, OFFSET);
	store_sweep(s, BOOT + 20 * SEC, 0);
	store_close(s, &stats);
	if (stats.dropped == 0)
		return true;
	snprintf(why, STORE_ERROR_SIZE, "%s", stats.why);
	return false;
}

int64_t sql(const char *text)
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

struct event open_life(double from, double now, uint16_t port, uint64_t cookie)
{
	struct event e = life(from, now, port, cookie);

	e.close.end = EVENT_END_OPEN;
	e.close.counted = false;
	return e;
}

void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

void wait_stored(struct store *s, uint64_t count)
{
	struct store_stats stats = {0};

	for (uint64_t i = 1; i < 1000 && stats.stored < count; i++) {
		store_pulse(s, i * SEC);
		pause_ms(10);
		store_get_stats(s, &stats);
	}
	assert_true(stats.stored >= count);
}
