// SPDX-License-Identifier: GPL-2.0-only
/* A report: numbers against what was added, bounds, what is not known, names that stay text, and its three spellings. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "report_writer.h"

#define SEC   1000000000ull
#define BEGIN (1795176000ull * SEC) /* 2026-11-20T12:00:00Z */

static const struct process web = {
	.pid = 901, .tid = 901, .name = "nginx", .unit = "nginx.service"};
static const struct process hostile = {.pid = 7,
				       .tid = 7,
				       .name = "<script>\"\n",
				       .container = "4f1e",
				       .container_name = "a&b</td>"};

/* A connection from `from` to `to` seconds after the begin. */
static struct event life(double from, double to, uint16_t port, enum close_reason reason)
{
	struct event e = {.kind = EVENT_CLOSE,
			  .time_ns = BEGIN + (uint64_t)(to * 1e9),
			  .protocol = IPPROTO_TCP,
			  .family = FAMILY_IPV4,
			  .has_local = true,
			  .has_peer = true,
			  .netns = 5,
			  .local = {.addr = {10, 0, 0, 1}, .port = port},
			  .peer = {.addr = {10, 0, 0, 2}, .port = 443},
			  .process = &web};

	e.close.opened_ns = BEGIN + (uint64_t)(from * 1e9);
	e.close.duration_ns = e.time_ns - e.close.opened_ns;
	e.close.counted = true;
	e.close.sent_bytes = 10;
	e.close.received_bytes = 1000;
	e.close.reason = reason;
	e.close.span_count = 1;
	e.close.spans[0] = (struct event_span){STATE_SYN_SENT, e.close.duration_ns};
	return e;
}

static struct event call(enum event_kind kind, double at, uint16_t port, int error)
{
	struct event e = life(at, at, port, REASON_UNKNOWN);

	e.kind = kind;
	e.has_peer = kind == EVENT_CONNECT;
	e.error = error;
	memset(&e.close, 0, sizeof(e.close));
	return e;
}

static void add(struct report *r, struct event e)
{
	report_add(r, &e);
}

static struct report *an_hour(void)
{
	struct report *r = report_new(BEGIN, BEGIN + 3600 * SEC);

	assert_non_null(r);
	return r;
}

static void steps_are_ones_that_people_count_in(void **state)
{
	static const struct {
		uint64_t seconds, step;
	} cases[] = {{0, 1},
		     {1, 1},
		     {100, 1},
		     {600, 10},
		     {3600, 60},
		     {86400, 900},
		     {604800, 7200},
		     {31536000, 604800},
		     {9000000000, 0 /* any */}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t from = 1795176123ull * SEC;
		struct report *r = report_new(cases[i].step ? from : 0,
					      (cases[i].step ? from : 0) + cases[i].seconds * SEC);

		if (cases[i].step)
			assert_int_equal(r->bucket_ns, cases[i].step * SEC);
		assert_in_range(r->bucket_count, 1, REPORT_BUCKETS);
		assert_true(r->begin_ns <= r->from_ns &&
			    r->begin_ns + r->bucket_count * r->bucket_ns > r->to_ns);
		report_free(r);
	}
}

static void what_happens_stands_in_its_step(void **state)
{
	struct report *r = an_hour();
	struct event lost = {.kind = EVENT_LOST, .time_ns = BEGIN + 300 * SEC};
	struct event before = life(-100, -50, 1000, REASON_TIMEOUT);

	(void)state;
	report_add_run(r, BEGIN - 100 * SEC, BEGIN + 90 * SEC);
	report_add_run(r, BEGIN + 240 * SEC, BEGIN + 7200 * SEC);
	add(r, life(10, 70, 40000, REASON_LOCAL_CLOSE));
	add(r, life(20, 71, 40001, REASON_REFUSED));
	add(r, life(-30, 250, 40002, REASON_PEER_CLOSE));
	add(r, call(EVENT_BIND, 250, 80, EADDRINUSE));
	add(r, before);
	lost.lost.count = 42;
	lost.lost.since_ns = BEGIN + 250 * SEC;
	add(r, lost);
	assert_int_equal(report_finish(r), 0);
	assert_int_equal(r->bucket_ns, 60 * SEC);
	assert_int_equal(r->bucket_count, 61);
	assert_int_equal(r->bucket[0].opened, 2);
	assert_int_equal(r->bucket[0].closed, 0);
	assert_int_equal(r->bucket[1].closed, 2);
	assert_int_equal(r->bucket[1].failed, 1);
	assert_int_equal(r->bucket[4].closed, 1);
	assert_int_equal(r->bucket[4].calls, 1);
	assert_int_equal(r->bucket[5].lost, 42);
	assert_true(!r->bucket[3].lossy && r->bucket[4].lossy && r->bucket[5].lossy &&
		    !r->bucket[6].lossy);
	assert_int_equal(r->bucket[1].recorded_ns, 30 * SEC);
	assert_int_equal(r->bucket[2].recorded_ns, 0);
	assert_int_equal(r->bucket[3].recorded_ns, 0);
	assert_int_equal(r->bucket[4].recorded_ns, 60 * SEC);
	assert_int_equal(r->recorded_ns, (90 + 3360) * SEC);
	assert_int_equal(r->lives, 4);
	assert_int_equal(r->failed, 2);
	assert_int_equal(r->reason[REASON_REFUSED], 1);
	report_free(r);
}

static void lives_of_which_less_is_known(void **state)
{
	struct report *r = an_hour();
	struct event open = life(10, 3600, 40000, REASON_UNKNOWN),
		     unseen = life(10, 50, 40001, REASON_UNKNOWN);
	struct event older = life(0, 50, 40002, REASON_PEER_CLOSE);

	(void)state;
	open.close.end = EVENT_END_OPEN;
	open.close.counted = false;
	unseen.close.end = EVENT_END_UNSEEN;
	unseen.close.duration_ns = UINT64_MAX;
	older.close.opened_ns = 0;
	older.close.duration_ns = UINT64_MAX;
	older.close.spans[0].state = STATE_ESTABLISHED;
	add(r, open);
	add(r, unseen);
	add(r, older);
	assert_int_equal(report_finish(r), 0);
	assert_int_equal(r->lives, 3);
	assert_int_equal(r->open, 1);
	assert_int_equal(r->unseen, 1);
	assert_int_equal(r->older, 1);
	assert_int_equal(report_quantile_ns(r, 50), 0);
	assert_int_equal(r->bucket[0].closed, 1);
	assert_int_equal(r->by[REPORT_BY_PROCESS].row[0].uncounted, 1);
	/* Who opened it is not known, so which port is a service's is not either. */
	assert_int_equal(r->by[REPORT_BY_PEER].count, 2);
	assert_int_equal(r->by[REPORT_BY_PEER].row[1].key.way, REPORT_WAY_UNKNOWN);
	assert_int_equal(r->by[REPORT_BY_PEER].row[1].key.port, 0);
	report_free(r);
}

static void repeated_calls_count_as_often_as_they_were_made(void **state)
{
	struct report *r = an_hour();
	struct event first = call(EVENT_BIND, 1, 8080, EADDRINUSE), again = first;
	const struct event_holder holder = {
		.process = &web, .protocol = IPPROTO_TCP, .state = STATE_LISTEN};
	const struct event_trouble trouble = {
		.has_holders = true, .holders = &holder, .holder_count = 1};
	const struct report_group *g;

	(void)state;
	first.process = again.process = &hostile;
	first.trouble = &trouble;
	again.repeated = 999;
	add(r, first);
	add(r, again);
	assert_int_equal(report_finish(r), 0);
	assert_int_equal(r->calls, 1000);
	assert_int_equal(r->call_count, 1);
	assert_int_equal(r->call[0].count, 1000);
	assert_int_equal(r->by[REPORT_BY_CONFLICT].count, 1);
	g = &r->by[REPORT_BY_CONFLICT].row[0];
	assert_int_equal(g->calls, 1000);
	assert_string_equal(g->holder.name, "nginx");
	assert_int_equal(g->holder_pid, 901);
	assert_int_equal(g->holder_state, STATE_LISTEN);
	assert_int_equal(r->by[REPORT_BY_PORT].row[0].calls, 1000);
	report_free(r);
}

static void a_connect_that_finds_no_port_is_counted_once(void **state)
{
	const struct event_trouble range = {
		.has_range = true, .low = 40000, .high = 40009, .reserved = 1, .used = 9};
	struct report *r = an_hour();
	struct event failed = call(EVENT_CONNECT, 1, 0, EADDRNOTAVAIL);
	struct event end = life(1, 1, 0, REASON_PORT_EXHAUSTED);
	const struct report_space *s;

	(void)state;
	failed.trouble = &range;
	add(r, failed);
	add(r, end);
	for (uint16_t i = 0; i < 9; i++)
		add(r, life(1, 2, (uint16_t)(40000 + i), REASON_LOCAL_CLOSE));
	add(r, life(100, 101, 40003, REASON_LOCAL_CLOSE));
	add(r, life(1, 2, 50000, REASON_LOCAL_CLOSE));
	assert_int_equal(report_finish(r), 0);
	assert_int_equal(r->exhausted, 1);
	assert_int_equal(r->failed + r->calls, 1);
	s = report_space(r, 5);
	assert_true(s && s->has_range && s->low == 40000 && s->high == 40009 && s->used == 9);
	assert_int_equal(s->exhausted, 1);
	assert_int_equal(s->in_use[0], 9);
	assert_int_equal(s->in_use[1], 1);
	assert_int_equal(s->in_use[2], 0);
	assert_int_equal(s->distinct, 9);
	assert_int_equal(s->in_use_most, 9);
	report_free(r);
}

static void a_long_life_holds_its_port_all_the_time(void **state)
{
	struct report *r = an_hour();
	const struct report_space *s;

	(void)state;
	add(r, life(-1000, 1800, 40000, REASON_LOCAL_CLOSE));
	add(r, life(4000, 5000, 40001, REASON_LOCAL_CLOSE));
	assert_int_equal(report_finish(r), 0);
	s = report_space(r, 5);
	assert_false(s->has_range);
	for (size_t i = 0; i < r->bucket_count; i++)
		assert_int_equal(s->in_use[i], i <= 30);
	assert_int_equal(s->distinct, 1);
	report_free(r);
}

static void ports_have_their_listener(void **state)
{
	struct report *r = an_hour();
	struct event accepted = life(1, 2, 80, REASON_PEER_RESET),
		     listener = life(0, 3600, 80, REASON_UNKNOWN);
	struct event overflow = {.kind = EVENT_OVERFLOW,
				 .netns = 5,
				 .protocol = IPPROTO_TCP,
				 .has_local = true,
				 .local.port = 80,
				 .time_ns = BEGIN,
				 .process = &web};
	const struct report_group *g;

	(void)state;
	accepted.close.spans[0].state = STATE_SYN_RECV;
	accepted.process = &hostile;
	listener.has_peer = false;
	listener.close.end = EVENT_END_OPEN;
	listener.close.state = STATE_LISTEN;
	add(r, listener);
	add(r, accepted);
	add(r, accepted);
	overflow.overflow.dropped = 3;
	add(r, overflow);
	overflow.overflow = (struct event_overflow){.ended = true, .dropped = 10};
	add(r, overflow);
	overflow.overflow = (struct event_overflow){.dropped = 2};
	add(r, overflow);
	assert_int_equal(report_finish(r), 0);
	assert_int_equal(r->by[REPORT_BY_PORT].count, 1);
	g = &r->by[REPORT_BY_PORT].row[0];
	assert_int_equal(g->lives, 2);
	assert_int_equal(g->failed, 2);
	assert_int_equal(g->dropped + g->dropping, 12);
	assert_string_equal(g->holder.name, "nginx");
	assert_int_equal(report_space(r, 5)->mark[80], MARK_LISTENING);
	report_free(r);
}

/* A peer of which half of the rows are, and as many others as make the table full several times. */
static void many_groups_are_folded_and_nothing_is_missing(void **state)
{
	const size_t others = 5 * REPORT_GROUPS;
	struct report *r = an_hour();
	const struct report_table *t = &r->by[REPORT_BY_PEER];
	uint64_t sum;

	(void)state;
	for (size_t i = 0; i < others; i++) {
		struct event e = life(1, 2, 40000, REASON_LOCAL_CLOSE);

		add(r, e);
		e.peer.addr[1] = 1;
		e.peer.addr[2] = (uint8_t)(i >> 8);
		e.peer.addr[3] = (uint8_t)i;
		add(r, e);
	}
	assert_int_equal(report_finish(r), 0);
	assert_in_range(t->count, 1, REPORT_GROUPS);
	assert_int_equal(t->row[0].lives, others);
	sum = t->folded;
	for (size_t i = 0; i < t->count; i++) {
		sum += t->row[i].rows;
		assert_true(t->row[i].rows + t->may_lack >= 1);
	}
	assert_int_equal(sum, 2 * others);
	assert_in_range(t->may_lack, 1, others / REPORT_GROUPS + 4);
	assert_int_equal(r->by[REPORT_BY_PROCESS].row[0].lives, 2 * others);
	report_free(r);
}

static void namespaces_beyond_the_kept_are_counted(void **state)
{
	struct report *r = an_hour();

	(void)state;
	for (uint32_t i = 0; i < REPORT_SPACES + 3; i++) {
		struct event e = life(1, 2, 40000, REASON_LOCAL_CLOSE);

		e.netns = 100 + i;
		add(r, e);
	}
	assert_int_equal(report_finish(r), 0);
	assert_int_equal(r->space_count, REPORT_SPACES);
	assert_int_equal(r->spaceless, 3);
	assert_int_equal(r->lives, REPORT_SPACES + 3);
	report_free(r);
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void lengths_are_right_to_a_sixteenth(void **state)
{
	uint64_t length[5000], random = 12345;
	struct report *r = an_hour();
	const size_t count = sizeof(length) / sizeof(length[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct event e = life(0, 0, 40000, REASON_LOCAL_CLOSE);

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		length[i] = (random >> 20) >> (random % 40);
		e.close.duration_ns = length[i];
		add(r, e);
	}
	qsort(length, count, sizeof(length[0]), by_size);
	for (unsigned int percent = 1; percent <= 100; percent++) {
		uint64_t is = length[(count * percent + 99) / 100 - 1],
			 told = report_quantile_ns(r, percent);

		assert_true(told >= is && told - is <= is / 16);
	}
	report_free(r);
}

static struct report *everything(void)
{
	static const struct event_trouble range = {
		.has_range = true, .low = 40000, .high = 40009, .reserved = 1, .used = 9};
	static const struct event_holder holder = {
		.process = &hostile, .protocol = IPPROTO_TCP, .state = STATE_LISTEN};
	static const struct event_trouble held = {
		.has_holders = true, .holders = &holder, .holder_count = 1};
	struct report *r = report_new(BEGIN, BEGIN + 600 * SEC);
	struct event e, lost = {.kind = EVENT_LOST, .time_ns = BEGIN + 400 * SEC};

	report_add_run(r, BEGIN, BEGIN + 200 * SEC);
	report_add_run(r, BEGIN + 305 * SEC, BEGIN + 600 * SEC);
	for (uint16_t i = 0; i < 20; i++) {
		e = life(i * 7.5, i * 7.5 + 0.01 * i * i, (uint16_t)(40000 + i % 9),
			 i % 5 ? REASON_LOCAL_CLOSE : REASON_REFUSED);
		e.close.time_wait = i % 5;
		add(r, e);
	}
	e = life(310, 320, 8080, REASON_PEER_RESET);
	e.process = &hostile;
	e.netns = 6;
	e.netns_name = "<b>blue\"";
	e.family = FAMILY_IPV6;
	e.close.spans[0].state = STATE_SYN_RECV;
	memcpy(e.peer.addr, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	add(r, e);
	e.has_peer = false;
	e.close.end = EVENT_END_OPEN;
	e.close.state = STATE_LISTEN;
	add(r, e);
	e = life(100, 101, 40001, REASON_LOCAL_CLOSE);
	e.process = NULL;
	e.close.counted = false;
	e.peer.addr[3] = 9;
	e.close.opened_ns = 0;
	e.close.duration_ns = UINT64_MAX;
	e.close.spans[0].state = STATE_ESTABLISHED;
	add(r, e);
	e = call(EVENT_BIND, 330, 8080, EADDRINUSE);
	e.trouble = &held;
	e.repeated = 3;
	add(r, e);
	e = call(EVENT_CONNECT, 350, 0, EADDRNOTAVAIL);
	e.trouble = &range;
	add(r, e);
	add(r, life(350, 350, 0, REASON_PORT_EXHAUSTED));
	add(r, call(EVENT_CONNECT, 360, 0, ENETUNREACH));
	lost.lost.count = 42;
	lost.lost.since_ns = BEGIN + 390 * SEC;
	add(r, lost);
	assert_int_equal(report_finish(r), 0);
	return r;
}

static char *spell(void (*write)(struct buffer *, const struct report_page *),
		   const struct report *r, const char *golden)
{
	const struct report_page page = {
		.report = r, .store = "/var/<i>store</i>\n&", .zone = "UTC", .chosen = true};
	struct buffer out;

	assert_int_equal(buffer_init(&out, 64), 0);
	write(&out, &page);
	assert_false(out.failed);
	if (golden)
		assert_true(golden_matches(golden, out.data, out.len));
	buffer_append(&out, "", 1);
	return out.data;
}

static void the_three_spellings(void **state)
{
	struct report *r = everything();
	char *html;

	(void)state;
	free(spell(report_write_text, r, "report.txt"));
	free(spell(report_write_json, r, "report.json"));
	html = spell(report_write_html, r, "report.html");
	assert_null(strstr(html, "<script"));
	assert_null(strstr(html, "<b>blue"));
	assert_null(strstr(html, "<i>store"));
	assert_null(strstr(html, "b</td>"));
	assert_null(strstr(html, "src="));
	assert_null(strstr(html, "href="));
	assert_non_null(strstr(html, "&lt;b&gt;blue"));
	assert_non_null(strstr(html, "Content-Security-Policy"));
	assert_non_null(strstr(html, "nobody recorded"));
	assert_non_null(strstr(html, "The range of local ports is not known"));
	free(html);
	report_free(r);
}

static void a_page_stays_small(void **state)
{
	struct report *r = an_hour();
	char *html;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		struct event e = life((double)i / 28, (double)i / 28 + 1, (uint16_t)(i * 2),
				      REASON_LOCAL_CLOSE);

		e.peer.port = (uint16_t)i;
		e.netns = (uint32_t)(i % 5);
		add(r, e);
	}
	assert_int_equal(report_finish(r), 0);
	html = spell(report_write_html, r, NULL);
	assert_in_range(strlen(html), 10000, 16u << 20);
	free(html);
	report_free(r);
}

static void nothing_recorded_is_no_zero(void **state)
{
	struct report *r = an_hour();
	char *text, *json, *html;

	(void)state;
	assert_int_equal(report_finish(r), 0);
	text = spell(report_write_text, r, NULL);
	json = spell(report_write_json, r, NULL);
	html = spell(report_write_html, r, NULL);
	assert_non_null(strstr(text, "nobody recorded"));
	assert_non_null(strstr(json, "\"begun\":null"));
	assert_null(strstr(json, "\"begun\":0"));
	assert_non_null(strstr(html, "unknown"));
	free(text);
	free(json);
	free(html);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_ones_that_people_count_in),
		cmocka_unit_test(what_happens_stands_in_its_step),
		cmocka_unit_test(lives_of_which_less_is_known),
		cmocka_unit_test(repeated_calls_count_as_often_as_they_were_made),
		cmocka_unit_test(a_connect_that_finds_no_port_is_counted_once),
		cmocka_unit_test(a_long_life_holds_its_port_all_the_time),
		cmocka_unit_test(ports_have_their_listener),
		cmocka_unit_test(many_groups_are_folded_and_nothing_is_missing),
		cmocka_unit_test(namespaces_beyond_the_kept_are_counted),
		cmocka_unit_test(lengths_are_right_to_a_sixteenth),
		cmocka_unit_test(the_three_spellings),
		cmocka_unit_test(a_page_stays_small),
		cmocka_unit_test(nothing_recorded_is_no_zero),
	};

	setenv("TZ", "UTC0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
