// SPDX-License-Identifier: GPL-2.0-only
/* Rows that go elsewhere and come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sample_events.h"
#include "store_budget.h"
#include "store_case.h"
#include "store_copy.h"
#include "writer.h"

static int64_t no_offset;

static struct store_reader *open_reader(void)
{
	struct store_error error = {""};
	struct store_reader *r = store_reader_open(path, WALL + 1000 * SEC, &error);

	if (!r)
		fail_msg("store_reader_open: %s", error.text);
	return r;
}

/* ---- what a store tells, as text ---- */

struct telling {
	struct buffer out;
	struct writer *json;
	size_t events;
};

static bool on_event(void *ctx, const struct event *event)
{
	struct telling *t = ctx;

	writer_event(t->json, &t->out, event);
	t->events++;
	return true;
}

static void tell(struct store_reader *r, struct store_query q, struct telling *t)
{
	struct writer_options options = {.wall_offset_ns = &no_offset};
	struct store_error error = {""};
	uint64_t last;

	*t = (struct telling){.json = writer_json_new(&options)};
	assert_int_equal(buffer_init(&t->out, 1 << 20), 0);
	if (store_read(r, &q, on_event, t, &last, &error) < 0)
		fail_msg("store_read: %s", error.text);
	writer_free(t->json);
	assert_false(t->out.failed);
}

static void assert_same(struct store_reader *a, struct store_reader *b, struct store_query q,
			size_t least)
{
	struct telling one, other;

	tell(a, q, &one);
	tell(b, q, &other);
	assert_true(one.events >= least);
	assert_int_equal(one.events, other.events);
	if (one.out.len != other.out.len ||
	    memcmp(one.out.data, other.out.data, one.out.len) != 0) {
		size_t at = 0;

		while (one.out.data[at] == other.out.data[at])
			at++;
		at = at > 600 ? at - 600 : 0;
		fail_msg("one: %.900s\nother: %.900s", one.out.data + at, other.out.data + at);
	}
	buffer_done(&one.out);
	buffer_done(&other.out);
}

/* ---- the way there and back ---- */

struct way {
	struct store_reader *to;
	enum copy_table table;
	bool poor; /* has no unknown values, and one form of address */
	size_t rows;
};

static bool on_row(void *ctx, const struct copy_value *values)
{
	struct way *w = ctx;
	struct copy_value poor[COPY_COLUMNS_MAX];
	uint8_t wide[COPY_COLUMNS_MAX][16];
	size_t count;
	const struct copy_column *column = copy_columns(w->table, &count);

	w->rows++;
	for (size_t i = 0; i < count && w->poor; i++) {
		poor[i] = values[i];
		poor[i].known = true;
		if (!values[i].known)
			poor[i].bytes = "";
		if (column[i].kind != COPY_ADDRESS)
			continue;
		memset(wide[i], 0, 16);
		if (values[i].known && values[i].len == 4)
			wide[i][10] = wide[i][11] = 0xff;
		memcpy(wide[i] + 16 - values[i].len, poor[i].bytes, values[i].len);
		poor[i].bytes = wide[i];
		poor[i].len = 16;
	}
	assert_int_equal(store_paste(w->to, w->table, w->poor ? poor : values), 0);
	return true;
}

static void copy_all(struct store_reader *from, struct store_reader *to, bool poor)
{
	struct store_error error = {""};

	for (int table = COPY_TABLES - 1; table >= 0; table--) {
		struct way way = {.to = to, .table = (enum copy_table)table, .poor = poor};

		if (store_copy(from, way.table, 0, UINT64_MAX, on_row, &way, &error) < 0)
			fail_msg("%s: %s", copy_name(way.table), error.text);
	}
}

struct dump {
	struct buffer out;
	const struct copy_column *column;
	size_t count, rows;
};

static bool on_dump(void *ctx, const struct copy_value *values)
{
	struct dump *d = ctx;

	for (size_t i = 0; i < d->count; i++) {
		const struct copy_value *v = &values[i];

		buffer_print(&d->out, " %s=", d->column[i].name);
		if (!v->known)
			buffer_print(&d->out, "?");
		else if (d->column[i].kind <= COPY_TIME)
			buffer_print(&d->out, "%lld", (long long)v->number);
		for (size_t k = 0; v->known && d->column[i].kind > COPY_TIME && k < v->len; k++)
			buffer_print(&d->out, "%02x", ((const uint8_t *)v->bytes)[k]);
	}
	buffer_print(&d->out, "\n");
	d->rows++;
	return true;
}

/* Every value of every row, but of what a reader makes for itself. */
static void dump(struct store_reader *r, enum copy_table table, struct dump *d)
{
	struct store_error error = {""};

	*d = (struct dump){0};
	d->column = copy_columns(table, &d->count);
	assert_int_equal(buffer_init(&d->out, 1 << 16), 0);
	if (store_copy(r, table, 0, UINT64_MAX, on_dump, d, &error) < 0)
		fail_msg("%s: %s", copy_name(table), error.text);
}

static void assert_same_rows(struct store_reader *a, struct store_reader *b)
{
	for (int t = 0; t < COPY_TABLES; t++) {
		struct dump one, other;

		dump(a, (enum copy_table)t, &one);
		dump(b, (enum copy_table)t, &other);
		assert_true(one.rows > 0);
		if (one.out.len != other.out.len ||
		    memcmp(one.out.data, other.out.data, one.out.len) != 0) {
			size_t at = 0;

			while (one.out.data[at] == other.out.data[at])
				at++;
			at = at > 300 ? at - 300 : 0;
			fail_msg("%s: one: %.400s\nother: %.400s", copy_name((enum copy_table)t),
				 one.out.data + at, other.out.data + at);
		}
		buffer_done(&one.out);
		buffer_done(&other.out);
	}
}

static struct store_reader *memory(uint64_t alive_ns)
{
	struct store_error error = {""};
	struct store_reader *r = store_reader_new(WALL + 1000 * SEC, alive_ns, &error);

	if (!r)
		fail_msg("store_reader_new: %s", error.text);
	return r;
}

/* Every event there is a sample of, and lives that go on. */
static size_t put_samples(struct store *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < sample_event_count; i++) {
		struct event e = sample_events[i];

		if (!e.time_ns)
			e.time_ns = SAMPLE_BEGIN + i * SAMPLE_SEC;
		if (e.since_ns > e.time_ns)
			e.since_ns = e.time_ns;
		kept += e.kind != EVENT_STATE &&
			(e.error || (e.kind != EVENT_CONNECT && e.kind != EVENT_ACCEPT));
		store_event(s, &e, OFFSET);
		if (e.kind != EVENT_CLOSE)
			continue;
		e.close.end = EVENT_END_OPEN;
		e.close.state = STATE_ESTABLISHED;
		e.cookie = i + 1000;
		store_open_life(s, &e, OFFSET);
		kept++;
	}
	return kept;
}

static void put_budgets(struct store *s)
{
	char name[] = "blue";
	struct budget_namespace ns = {.netns = 4026532001,
				      .usable = 98,
				      .range = {.low = 40000, .high = 40099, .reserved_count = 2}};
	struct budget_row row = {.ns = &ns,
				 .protocol = IPPROTO_TCP,
				 .family = FAMILY_IPV4,
				 .local = {.addr = {127, 0, 0, 1}},
				 .peer = {.addr = {10, 0, 0, 9}, .port = 5432},
				 .taken = 90,
				 .available = 3,
				 .uncertain = 1,
				 .time_wait = 40,
				 .drain_ms = 59000};

	assert_true(store_budget(s, &row, BOOT + 3 * SEC, &nginx, 77, OFFSET));
	ns.name = name;
	row.family = FAMILY_IPV6;
	row.protocol = IPPROTO_UDP;
	row.local = (struct endpoint){.addr = {0xfe, 0x80, [15] = 1}, .ifindex = 3};
	assert_true(store_budget(s, &row, BOOT + 4 * SEC, NULL, 0, OFFSET));
}

static void test_budgets(void **state)
{
	struct store_options keep = {.keep_ns = SEC, .now_ns = WALL + 5000 * SEC};
	struct event e = life(0, 1, 80, 1);
	struct store *s = OPEN();

	(void)state;
	put_budgets(s);
	store_close(s, NULL);
	assert_int_equal(sql("SELECT count(*) FROM budgets"), 2);
	assert_int_equal(
		sql("SELECT count(*) FROM budgets WHERE id=1 AND time='2026-11-20 12:00:03.000' "
		    "AND "
		    "proto='tcp' AND family='ipv4' AND netns=4026532001 AND "
		    "local_addr='127.0.0.1' AND peer_addr='10.0.0.9' AND peer_port=5432 AND "
		    "low=40000 AND high=40099 AND reserved=2 AND usable=98 AND used=90 AND bound=4 "
		    "AND time_wait=40 AND available=3 AND uncertain=1 AND drain_ms=59000 AND "
		    "held=77 AND comm='nginx' AND pid=901 AND container='4f1e'"),
		1);
	assert_int_equal(
		sql("SELECT count(*) FROM budgets WHERE id=2 AND proto='udp' AND family='ipv6' "
		    "AND local_addr='fe80:0000:0000:0000:0000:0000:0000:0001' AND held IS NULL "
		    "AND comm IS NULL"),
		1);
	assert_int_equal(sql("SELECT count(*) FROM netns_name WHERE name='blue'"), 1);
	assert_int_equal(sql("SELECT lives FROM process"), 1);
	assert_int_equal(ask_all(), 0); /* no event */
	/* They go as others do, and take their process along. */
	s = open_store(keep);
	e.process = &curl;
	store_event(s, &e, OFFSET);
	store_close(s, NULL);
	for (int i = 0; i < 3 && sql("SELECT count(*) FROM budget"); i++)
		store_close(open_store(keep), NULL);
	assert_int_equal(sql("SELECT count(*) FROM budget"), 0);
	assert_int_equal(sql("SELECT count(*) FROM process WHERE pid=901"), 0);
}

static void test_a_copy_tells_what_the_original_tells(void **state)
{
	struct store *s = OPEN();
	struct event other_boot = open_life(0, 9, 81, 3), link = life(1, 2, 80, 4);
	struct store_query q;
	struct store_reader *from, *to;
	struct filter f;
	size_t kept;

	(void)state;
	store_open_life(s, &other_boot, OFFSET);
	store_close(s, NULL);
	s = open_store((struct store_options){.boot_id = "boot-b"});
	link.family = FAMILY_IPV6;
	link.local = (struct endpoint){.addr = {0xfe, 0x80, [15] = 1}, .port = 80, .ifindex = 7};
	store_event(s, &link, OFFSET);
	kept = put_samples(s);
	put_budgets(s);
	store_close(s, NULL);
	from = open_reader();
	filter_init(&f);
	for (int poor = 0; poor < 2; poor++) {
		to = memory(UINT64_MAX);
		q = all(&f);
		copy_all(from, to, poor);
		assert_same_rows(from, to);
		assert_same(from, to, q, kept);
		q.by_time = true;
		assert_same(from, to, q, kept);
		q.from_ns = q.to_ns = WALL + 10 * SEC;
		assert_same(from, to, q, 1);
		q.lives_only = true;
		assert_same(from, to, q, 0);
		assert_int_equal(store_last(to), store_last(from));
		/* Twice is once. */
		copy_all(from, to, poor);
		q = all(&f);
		assert_same(from, to, q, kept);
		/* And another's rows after it are not mixed with them. */
		store_paste_clear(to);
		assert_int_equal(store_last(to), 0);
		copy_all(from, to, poor);
		assert_same(from, to, q, kept);
		store_reader_close(to);
	}
	filter_done(&f);
	store_reader_close(from);
}

static void test_what_goes_on_elsewhere(void **state)
{
	struct event a = open_life(0, 5, 80, 1);
	struct store *s = OPEN();
	struct store_reader *from, *to;
	struct filter f;

	(void)state;
	filter_init(&f);
	store_open_life(s, &a, OFFSET);
	store_pulse(s, UINT64_MAX / 2);
	for (int i = 0; i < 1000 && sql("SELECT count(*) FROM open") == 0; i++)
		pause_ms(10);
	from = open_reader();
	to = memory(0);
	copy_all(from, to, true);
	assert_same(from, to, all(&f), 1);
	store_close(s, NULL);
	store_paste_clear(to);
	copy_all(from, to, true);
	assert_same(from, to, all(&f), 1);
	store_reader_close(to);
	store_reader_close(from);
}

struct seen {
	uint64_t ids[100];
	size_t count, most;
};

static bool on_id(void *ctx, const struct copy_value *values)
{
	struct seen *seen = ctx;

	seen->ids[seen->count++] = (uint64_t)values[0].number;
	return seen->count < seen->most;
}

static void test_a_range_of_rows(void **state)
{
	struct store_error error = {""};
	struct seen seen = {.most = 100};
	struct store *s = OPEN();
	struct store_reader *r;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct event e = life(i, i + 0.5, 80, (uint64_t)i + 1);

		e.kind = i % 2 ? EVENT_CLOSE : EVENT_LISTEN;
		store_event(s, &e, OFFSET);
	}
	store_close(s, NULL);
	r = open_reader();
	assert_int_equal(store_copy(r, COPY_LIFE, 3, 9, on_id, &seen, &error), 0);
	assert_int_equal(seen.count, 3); /* 4, 6, 8 */
	assert_int_equal(seen.ids[0], 4);
	assert_int_equal(seen.ids[2], 8);
	assert_int_equal(store_copy(r, COPY_CALL, 9, 9, on_id, &seen, &error), 0);
	assert_int_equal(seen.count, 4);
	assert_int_equal(store_copy(r, COPY_CALL, 21, UINT64_MAX, on_id, &seen, &error), 0);
	assert_int_equal(seen.count, 4);
	seen = (struct seen){.most = 2};
	assert_int_equal(store_copy(r, COPY_LIFE, 1, 20, on_id, &seen, &error), 0);
	assert_int_equal(seen.count, 2);
	store_reader_close(r);
}

/* Whenever somebody looks, and sends what he sees: what is told of a call later would never be sent. */
static void test_a_call_comes_with_its_holders(void **state)
{
	static struct event_holder holders[64];
	const struct event_trouble held = {
		.has_holders = true, .holders = holders, .holder_count = 64};
	struct event bind = life(0, 1, 80, 5);
	struct store *s = OPEN();
	int64_t seen = 0, looks = 0;

	(void)state;
	for (size_t i = 0; i < 64; i++)
		holders[i] = (struct event_holder){.process = i % 2 ? &nginx : NULL,
						   .protocol = IPPROTO_TCP,
						   .local = {.port = 80},
						   .state = STATE_LISTEN};
	bind.kind = EVENT_BIND;
	bind.error = EADDRINUSE;
	bind.trouble = &held;
	for (uint64_t i = 0; i < 4000 && seen < 3000; i++) {
		store_event(s, &bind, OFFSET);
		store_pulse(s, UINT64_MAX / 2 + i * MSEC);
		pause_ms(1);
		if (i % 40)
			continue;
		looks += seen != sql("SELECT max(id) FROM call");
		seen = sql("SELECT max(id) FROM call");
		if (sql("SELECT count(*) FROM call WHERE (SELECT count(*) FROM holder WHERE "
			"holder.call=call.id)<>64"))
			fail_msg("call %lld has %lld holders",
				 (long long)sql("SELECT max(id) FROM call"),
				 (long long)sql(
					 "SELECT count(*) FROM holder WHERE call=(SELECT max(id) "
					 "FROM call)"));
	}
	store_close(s, NULL);
	assert_true(looks > 3);
	assert_int_equal(sql("SELECT count(*)*64-(SELECT count(*) FROM holder) FROM call"), 0);
}

/* Other programs have columns of these names. */
static void test_columns(void **state)
{
	(void)state;
	for (int t = 0; t < COPY_TABLES; t++) {
		size_t count;
		const struct copy_column *c = copy_columns((enum copy_table)t, &count);

		assert_true(count > 2 && count <= COPY_COLUMNS_MAX);
		assert_string_equal(c[0].name, t == COPY_HOLDER ? "call" : "id");
		assert_string_equal(c[count - 1].name, "has");
		for (size_t i = 0; i < count; i++) {
			for (size_t k = 0; k < i; k++)
				assert_string_not_equal(c[i].name, c[k].name);
			if (c[i].kind == COPY_ADDRESS) {
				char interface[20];

				snprintf(interface, sizeof(interface), "%s_if", c[i].name);
				assert_string_equal(c[i + 1].name, interface);
			}
		}
	}
}

/* What a stranger's server gives. */
static void test_rows_that_make_no_sense(void **state)
{
	struct copy_value v[COPY_COLUMNS_MAX];
	struct store_reader *r = memory(0);
	struct store_error error;
	struct telling t = {0};
	struct filter f;
	struct store_query q;
	uint64_t last;

	(void)state;
	filter_init(&f);
	q = all(&f);
	for (int table = 0; table < COPY_TABLES; table++) {
		size_t count;
		const struct copy_column *c = copy_columns((enum copy_table)table, &count);

		for (unsigned int seed = 0; seed < 300; seed++) {
			static const int64_t numbers[] = {
				0, 1, -1, 6, 2048 | 4096 | 6, INT64_MAX, INT64_MIN, 1ll << 33};
			static const char bytes[64] = "a\0\xff";

			srandom(seed);
			for (size_t i = 0; i < count; i++)
				v[i] = (struct copy_value){
					.known = random() % 2,
					.number = numbers[random() % 8],
					.bytes = random() % 8 ? bytes : NULL,
					.len = c[i].kind == COPY_ADDRESS && random() % 8
						       ? (random() % 2 ? 4 : 16)
						       : (size_t)(random() % 40)};
			v[0].number = seed + 1;
			v[count - 1].number = seed % 3 ? -1 : random();
			store_paste(r, (enum copy_table)table, v);
		}
	}
	assert_int_equal(buffer_init(&t.out, 1 << 20), 0);
	t.json = writer_json_new(&(struct writer_options){.wall_offset_ns = &no_offset});
	store_read(r, &q, on_event, &t, &last, &error);
	q.no_open = true;
	q.from_ns = 5;
	store_read(r, &q, on_event, &t, &last, &error);
	writer_free(t.json);
	buffer_done(&t.out);
	store_reader_close(r);
	filter_done(&f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_copy_tells_what_the_original_tells),
		TEST(test_budgets),
		TEST(test_what_goes_on_elsewhere),
		TEST(test_a_range_of_rows),
		TEST(test_a_call_comes_with_its_holders),
		TEST(test_columns),
		TEST(test_rows_that_make_no_sense),
	};

	return cmocka_run_group_tests_name("store copy", tests, NULL, NULL);
}
