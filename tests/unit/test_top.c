// SPDX-License-Identifier: GPL-2.0-only
/* What top counts of events, for how long, within which bounds; and its frames, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "sample_events.h"
#include "top_writer.h"
#include "units.h"
#include "../../src/output/utf8.h"

#define SEC   NSEC_PER_SEC
#define BEGIN (1000 * SEC)
#define WALL  INT64_C(1795176000000000000)
#define NETNS 4026531840u

static struct process_set *processes;

static int set_up(void **state)
{
	processes = process_set_new(10000, NULL, NULL);
	assert_non_null(processes);
	*state = top_new(processes, BEGIN);
	assert_non_null(*state);
	return 0;
}

static int tear_down(void **state)
{
	top_free(*state);
	/* Rows held what they named, and no more. */
	assert_int_equal(process_set_count(processes), 0);
	process_set_free(processes);
	return 0;
}

static struct endpoint end4(uint32_t addr, uint16_t port)
{
	struct endpoint e = {.port = port};

	addr = htonl(addr);
	memcpy(e.addr, &addr, sizeof(addr));
	return e;
}

/* As the table tells it: an entry that lives while the event does. */
static void tell(struct top *t, struct event e, uint32_t pid, const char *name)
{
	struct process key = {.pid = pid, .tid = pid};
	const struct process *p = NULL;

	strncpy(key.name, name, sizeof(key.name) - 1);
	if (pid)
		p = process_intern(processes, &key);
	e.process = p;
	e.protocol = e.protocol ? e.protocol : IPPROTO_TCP;
	e.family = e.family ? e.family : FAMILY_IPV4;
	e.netns = NETNS;
	if (e.kind == EVENT_CLOSE && e.close.end == EVENT_END_OPEN)
		top_open(t, &e);
	else
		top_event(t, &e);
	process_release(processes, p);
}

static struct event call(enum event_kind kind, uint64_t time_ns, uint16_t peer_port, int error)
{
	return (struct event){
		.kind = kind,
		.time_ns = time_ns,
		.has_local = true,
		.has_peer = kind != EVENT_BIND && kind != EVENT_LISTEN,
		.local = end4(0x7f000001, kind == EVENT_CONNECT ? 40000 : 80),
		.peer = end4(0x0a000005, peer_port),
		.error = error,
	};
}

static struct event life(uint64_t time_ns, uint16_t peer_port, enum close_reason reason,
			 enum tcp_state first)
{
	struct event e = call(EVENT_CLOSE, time_ns, peer_port, 0);

	e.close.counted = true;
	e.close.sent_bytes = 1000;
	e.close.received_bytes = 2000;
	e.close.reason = reason;
	e.close.duration_ns = 1500000;
	e.close.spans[0].state = first;
	e.close.span_count = 1;
	return e;
}

static const struct top_shown *find(struct top_list *list, const char *name)
{
	static char text[TOP_NAME_SIZE + 1];

	for (size_t i = 0; i < list->count; i++) {
		text[top_name(text, &list->item[i])] = '\0';
		if (strstr(text, name))
			return &list->item[i];
	}
	return NULL;
}

static void test_rates_are_those_of_whole_seconds(void **state)
{
	struct top *t = *state;
	const struct top_row *all = top_all(t);

	/* One in the first second, two in the second ..., 100 in the 100th. */
	for (uint64_t s = 0; s < 100; s++) {
		for (uint64_t i = 0; i <= s; i++)
			tell(t, call(EVENT_CONNECT, BEGIN + s * SEC + i, 5432, 0), 901, "web");
	}
	for (uint64_t s = 1; s <= 100; s++) {
		uint64_t now = BEGIN + s * SEC + SEC / 3, sum = 0;

		if (s < 41)
			continue; /* what is younger than the newest by 64 is kept only */
		assert_float_equal(top_rate(t, all, TOP_NEW, TOP_1S, now), s, 0.001);
		for (uint64_t i = 0; i < 10; i++)
			sum += s - i;
		if (s > 46)
			assert_float_equal(top_rate(t, all, TOP_NEW, TOP_10S, now), sum / 10.0,
					   0.001);
	}
	assert_float_equal(top_rate(t, all, TOP_NEW, TOP_60S, BEGIN + 100 * SEC), (41 + 100) / 2.0,
			   0.001);
	assert_float_equal(top_rate(t, all, TOP_NEW, TOP_60S, BEGIN + 200 * SEC), 0, 0.001);
	assert_int_equal(all->total[TOP_NEW], 5050);
}

static void test_a_short_watch_is_divided_by_what_it_was(void **state)
{
	struct top *t = *state;

	for (int i = 0; i < 30; i++)
		tell(t, call(EVENT_CONNECT, BEGIN + (uint64_t)i * SEC / 10, 5432, 0), 901, "web");
	for (int w = 0; w < TOP_WINDOWS; w++)
		assert_float_equal(
			top_rate(t, top_all(t), TOP_NEW, (enum top_window)w, BEGIN + 3 * SEC), 10,
			0.001);
}

static void test_late_events_count_in_their_second(void **state)
{
	struct top *t = *state;

	tell(t, call(EVENT_CONNECT, BEGIN + 5 * SEC, 5432, 0), 901, "web");
	tell(t, call(EVENT_CONNECT, BEGIN + 4 * SEC, 5432, 0), 901, "web");
	assert_float_equal(top_rate(t, top_all(t), TOP_NEW, TOP_1S, BEGIN + 5 * SEC), 1, 0.001);
	assert_float_equal(top_rate(t, top_all(t), TOP_NEW, TOP_1S, BEGIN + 6 * SEC), 1, 0.001);
}

static void test_a_failed_connect_is_counted_once(void **state)
{
	struct top *t = *state;
	struct top_list list = {0};
	struct event failed = call(EVENT_CONNECT, BEGIN, 81, ECONNREFUSED),
		     ended = life(BEGIN + 1, 81, REASON_REFUSED, STATE_SYN_SENT);

	failed.cookie = ended.cookie = 77;
	tell(t, failed, 901, "web");
	tell(t, ended, 901, "web");
	assert_int_equal(top_all(t)->total[TOP_FAILED], 1);
	/* A later life of another socket, and one that nobody has called for. */
	ended.cookie = 78;
	tell(t, ended, 901, "web");
	assert_int_equal(top_all(t)->total[TOP_FAILED], 2);
	/* Told as so many more. */
	failed.cookie = 0;
	failed.repeated = 10;
	tell(t, failed, 901, "web");
	assert_int_equal(top_all(t)->total[TOP_FAILED], 12);
	assert_int_equal(top_all(t)->total[TOP_NEW], 11);
	top_take(t, TOP_FAILURES, BEGIN + SEC, &list);
	assert_int_equal(list.count, 2);
	assert_float_equal(
		find(&list, "ECONNREFUSED connect web[901] 10.0.0.5:81")->value[TOP_BY_FAILED], 11,
		0.001);
	assert_float_equal(find(&list, "refused close web[901] 10.0.0.5:81")->value[TOP_BY_FAILED],
			   1, 0.001);
	top_list_done(&list);
}

static void test_peers_by_who_began(void **state)
{
	struct top *t = *state;
	struct top_list list = {0};

	tell(t, call(EVENT_CONNECT, BEGIN, 5432, 0), 901, "web");
	for (uint16_t port = 50000; port < 50010; port++)
		tell(t, call(EVENT_ACCEPT, BEGIN, port, 0), 901, "web");
	tell(t, life(BEGIN, 5432, REASON_LOCAL_CLOSE, STATE_SYN_SENT), 901, "web");
	tell(t, life(BEGIN, 50000, REASON_LOCAL_CLOSE, STATE_SYN_RECV), 901, "web");
	/* Older than the trace: which of the two ports is a choice of the kernel's nobody knows. */
	tell(t, life(BEGIN, 5432, REASON_LOCAL_CLOSE, STATE_ESTABLISHED), 901, "web");
	top_take(t, TOP_PEERS, BEGIN + SEC, &list);
	top_sort(&list, TOP_BY_NEW_1S, false);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.item[0].row->total[TOP_NEW], 10);
	assert_int_equal(list.item[0].row->total[TOP_SENT], 2000);
	assert_int_equal(list.item[0].row->key.port, 0);
	assert_int_equal(list.item[1].row->key.port, 5432);
	assert_int_equal(list.item[1].row->total[TOP_SENT], 1000);
	top_list_done(&list);
}

static void open_all(struct top *t, size_t listeners, size_t connections)
{
	struct event e = call(EVENT_CLOSE, BEGIN, 50000, 0);

	e.close.end = EVENT_END_OPEN;
	top_open_begin(t);
	e.close.state = STATE_ESTABLISHED;
	for (size_t i = 0; i < connections; i++)
		tell(t, e, 901, "web");
	e.close.state = STATE_LISTEN;
	e.has_peer = false;
	e.local = end4(0, 80);
	for (size_t i = 0; i < listeners; i++)
		tell(t, e, 901, "web");
	top_open_end(t);
}

static void test_what_is_open_is_what_was_seen_last(void **state)
{
	struct top *t = *state;
	struct top_list list = {0};

	open_all(t, 2, 3);
	open_all(t, 1, 5);
	assert_int_equal(top_all(t)->open, 5);
	/* An accept names its listener by the port alone where that has no address. */
	tell(t, call(EVENT_ACCEPT, BEGIN, 50000, 0), 902, "worker");
	top_take(t, TOP_LISTENERS, BEGIN + SEC, &list);
	assert_int_equal(list.count, 1);
	assert_non_null(find(&list, "tcp 0.0.0.0:80 web[901]"));
	assert_int_equal(list.item[0].row->open, 1);
	assert_int_equal(list.item[0].row->total[TOP_NEW], 1);
	open_all(t, 0, 0);
	top_take(t, TOP_LISTENERS, BEGIN + SEC, &list);
	assert_int_equal(list.count, 0);
	top_list_done(&list);
}

static void test_tables_are_bounded_and_lose_no_count(void **state)
{
	struct top *t = *state;
	struct top_list list = {0};
	uint64_t sum = 0;

	for (uint32_t pid = 1; pid <= 3 * TOP_ROWS; pid++)
		tell(t, call(EVENT_CONNECT, BEGIN, 443, 0), pid, "one");
	top_take(t, TOP_PROCESSES, BEGIN + SEC, &list);
	assert_int_equal(list.count, TOP_ROWS + 1);
	for (size_t i = 0; i < list.count; i++)
		sum += list.item[i].row->total[TOP_NEW];
	assert_int_equal(sum, 3 * TOP_ROWS);
	for (int column = 0; column < TOP_COLUMNS; column++) {
		for (int reverse = 0; reverse < 2; reverse++) {
			top_sort(&list, (enum top_column)column, reverse);
			assert_true(list.item[list.count - 1].others);
		}
	}
	top_list_done(&list);
}

static void test_the_busy_stay_when_room_is_made(void **state)
{
	struct top *t = *state;
	struct top_list list = {0};

	for (uint32_t pid = 1; pid <= TOP_ROWS; pid++) {
		for (uint32_t n = 0; n < (pid % 100 == 0 ? 50u : 1u); n++)
			tell(t, call(EVENT_CONNECT, BEGIN, 443, 0), pid, "one");
	}
	top_tick(t, BEGIN + SEC);
	top_take(t, TOP_PROCESSES, BEGIN + SEC, &list);
	assert_int_equal(list.count, TOP_ROWS / 2);
	top_sort(&list, TOP_BY_NEW_1S, false);
	for (size_t i = 0; i < TOP_ROWS / 100; i++)
		assert_int_equal(list.item[i].row->total[TOP_NEW], 50);
	/* Who comes now has a row. */
	tell(t, call(EVENT_CONNECT, BEGIN + SEC, 443, 0), 90000, "late");
	top_take(t, TOP_PROCESSES, BEGIN + 2 * SEC, &list);
	assert_non_null(find(&list, "late[90000]"));
	/* The idle go. */
	top_tick(t, BEGIN + 100 * SEC);
	top_take(t, TOP_PROCESSES, BEGIN + 100 * SEC, &list);
	assert_int_equal(list.count, 0);
	top_list_done(&list);
}

static void test_reverse_is_the_other_way_round(void **state)
{
	struct top *t = *state;
	struct top_list list = {0};

	for (uint32_t pid = 1; pid <= 9; pid++) {
		for (uint32_t n = 0; n < pid; n++)
			tell(t, call(EVENT_CONNECT, BEGIN, 443, 0), pid, "one");
	}
	top_take(t, TOP_PROCESSES, BEGIN + SEC, &list);
	top_sort(&list, TOP_BY_NEW_1S, false);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(list.item[i].row->key.pid, 9 - i);
	top_sort(&list, TOP_BY_NEW_1S, true);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(list.item[i].row->key.pid, i + 1);
	top_list_done(&list);
}

/* Whatever comes, rows add up to all, and every process has one row. */
static void test_every_sample_event(void **state)
{
	struct top *t = *state;
	struct top_list list = {0};

	for (size_t i = 0; i < sample_event_count; i++) {
		struct event e = sample_events[i];

		e.process = NULL;
		top_event(t, &e);
	}
	for (int view = 0; view < TOP_TABLES; view++) {
		uint64_t failed = 0;

		assert_true(top_take(t, (enum top_view)view, SAMPLE_BEGIN + 60 * SEC, &list));
		for (size_t i = 0; i < list.count; i++)
			failed += list.item[i].row->total[TOP_FAILED];
		if (view == TOP_PROCESSES || view == TOP_FAILURES)
			assert_int_equal(failed, top_all(t)->total[TOP_FAILED]);
	}
	top_list_done(&list);
}

/* ---- frames ---- */

static void fill(struct top *t)
{
	struct event e;

	for (uint64_t s = 0; s < 20; s++) {
		for (uint64_t i = 0; i < 12; i++) {
			uint64_t at = BEGIN + s * SEC + i * SEC / 20;

			tell(t, call(EVENT_CONNECT, at, 5432, 0), 901, "web");
			tell(t, life(at + 1, 5432, REASON_LOCAL_CLOSE, STATE_SYN_SENT), 901, "web");
			tell(t, call(EVENT_ACCEPT, at, (uint16_t)(50000 + i), 0), 7,
			     "caf\xc3\xa9 \x1b[2J");
		}
		tell(t, call(EVENT_BIND, BEGIN + s * SEC, 0, EADDRINUSE), 66, "late");
		tell(t, life(BEGIN + s * SEC, 9, REASON_TIMEOUT, STATE_SYN_SENT), 0, "");
	}
	e = call(EVENT_CONNECT, BEGIN + 19 * SEC, 443, ENETUNREACH);
	e.family = FAMILY_IPV6;
	for (int i = 0; i < 16; i++)
		e.peer.addr[i] = (uint8_t)(0x20 + i);
	e.netns_name = "blue";
	tell(t, e, 4194304, "a-long-name-153");
	open_all(t, 1, 4);
}

static struct top_frame frame(struct top *t, struct top_list *list, enum top_view view)
{
	enum top_column sorts[TOP_SORTS];

	top_sorts(view, sorts);
	top_take(t, view, BEGIN + 20 * SEC, list);
	top_sort(list, sorts[0], false);
	return (struct top_frame){
		.top = t,
		.list = list,
		.view = view,
		.sort = sorts[0],
		.begin_ns = BEGIN,
		.now_ns = BEGIN + 20 * SEC,
		.wall_offset_ns = WALL - (int64_t)(BEGIN + 20 * SEC),
		.zone = "UTC",
	};
}

static void on_screen(struct top_frame *f)
{
	f->screen = true;
	f->columns = 80;
	f->rows = 24;
}

static void test_frames(void **state)
{
	struct top_list list = {0};
	struct buffer text, json, screen;
	bool begun = false;
	uint8_t style[24];

	setenv("TZ", "UTC0", 1);
	fill(*state);
	assert_int_equal(buffer_init(&text, 1) | buffer_init(&json, 1) | buffer_init(&screen, 1),
			 0);
	for (int view = 0; view < TOP_TABLES; view++) {
		struct top_frame f = frame(*state, &list, (enum top_view)view);

		top_draw(&text, &f, NULL);
		buffer_append(&text, "\n", 1);
		top_write_json(&json, &f, &begun);
		on_screen(&f);
		f.filter = view ? "-c web --port 443" : NULL;
		f.lost = view == TOP_PEERS ? 7 : 0;
		f.paused = view == TOP_FAILURES;
		top_draw(&screen, &f, style);
		f.page = TOP_DETAIL;
		top_draw(&screen, &f, style);
	}
	assert_true(golden_matches("top.txt", text.data, text.len));
	assert_true(golden_matches("top.json", json.data, json.len));
	assert_true(golden_matches("top-80x24.txt", screen.data, screen.len));
	buffer_done(&text);
	buffer_done(&json);
	buffer_done(&screen);
	top_list_done(&list);
}

/* A terminal of any size has exactly its lines, none wider than it. */
static void test_frames_of_every_size(void **state)
{
	static const char words[] = "one\ntwo\nthree\n";
	struct top_list list = {0};
	struct buffer out;
	uint8_t style[60];

	fill(*state);
	assert_int_equal(buffer_init(&out, 1), 0);
	for (unsigned int size = 0; size < 5 * 4 * 4 * 3; size++) {
		static const unsigned int rows[] = {4, 6, 24, 60}, columns[] = {20, 40, 80, 200};
		struct top_frame f = frame(*state, &list, (enum top_view)(size % TOP_TABLES));
		size_t lines = 0;

		on_screen(&f);
		f.page = (enum top_page)(size / TOP_TABLES % 4);
		f.rows = rows[size / 16 % 4];
		f.columns = columns[size / 64 % 4];
		f.text = words;
		f.text_len = strlen(words);
		f.message =
			size % 3 ? NULL : "a message that is much longer than the terminal is wide";
		out.len = 0;
		top_draw(&out, &f, style);
		for (char *p = out.data, *end = p + out.len; p < end; lines++) {
			char *newline = memchr(p, '\n', (size_t)(end - p));
			unsigned int used;

			assert_non_null(newline);
			assert_int_equal(utf8_fit(p, (size_t)(newline - p), f.columns, &used),
					 newline - p);
			p = newline + 1;
		}
		assert_int_equal(lines, f.rows);
	}
	buffer_done(&out);
	top_list_done(&list);
}

static void test_columns_by_name(void **state)
{
	(void)state;
	assert_int_equal(top_sort_parse(TOP_PROCESSES, "open"), TOP_BY_OPEN);
	assert_int_equal(top_sort_parse(TOP_PROCESSES, "new/1S"), TOP_BY_NEW_1S);
	assert_int_equal(top_sort_parse(TOP_FAILURES, "/60s"), TOP_BY_FAILED_60S);
	assert_int_equal(top_sort_parse(TOP_PORTS, "left"), TOP_BY_LEFT);
	assert_int_equal(top_sort_parse(TOP_PORTS, "open"), -1);
	assert_int_equal(top_sort_parse(TOP_PEERS, ""), -1);
	assert_null(top_view_name(TOP_VIEWS));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(test_rates_are_those_of_whole_seconds),
		WITH(test_a_short_watch_is_divided_by_what_it_was),
		WITH(test_late_events_count_in_their_second),
		WITH(test_a_failed_connect_is_counted_once),
		WITH(test_peers_by_who_began),
		WITH(test_what_is_open_is_what_was_seen_last),
		WITH(test_tables_are_bounded_and_lose_no_count),
		WITH(test_the_busy_stay_when_room_is_made),
		WITH(test_reverse_is_the_other_way_round),
		WITH(test_every_sample_event),
		WITH(test_frames),
		WITH(test_frames_of_every_size),
		cmocka_unit_test(test_columns_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
