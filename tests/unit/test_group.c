// SPDX-License-Identifier: GPL-2.0-only
/* Events and sockets counted by what they have in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "golden.h"
#include "group_writer.h"
#include "host.h"
#include "sample_events.h"
#include "units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct groups *groups_by_words(const char *list)
{
	struct group_by by;
	struct groups *g;
	const char *bad;

	assert_int_equal(group_parse(&by, list, &bad), 0);
	g = groups_new(&by, 1000, 1 << 20);
	assert_non_null(g);
	return g;
}

static void test_words(void **state)
{
	static const char *const bad_words[] = {
		"",	 "comm,",     ",comm",	     "com",
		"comms", "comm,comm", "error,errno", "comm,pid,unit,user,proto,local,peer"};
	struct group_by by;
	const char *bad;

	(void)state;
	for (size_t i = 0; i < COUNT(bad_words); i++) {
		bad = NULL;
		by = (struct group_by){.count = 77};
		assert_int_equal(group_parse(&by, bad_words[i], &bad), -EINVAL);
		assert_non_null(bad);
		assert_int_equal(by.count, 77);
	}
	assert_string_equal(bad, "peer"); /* one too many */
	assert_int_equal(group_parse(&by, "kind,errno,uid", &bad), 0);
	assert_int_equal(by.count, 3);
	assert_int_equal(by.field[0], GROUP_EVENT);
	assert_int_equal(by.field[1], GROUP_ERROR);
	assert_int_equal(by.field[2], GROUP_USER);
	for (enum group_field field = 0; field < GROUP_FIELDS; field++) {
		assert_int_equal(group_parse(&by, group_field_name(field), &bad), 0);
		assert_int_equal(by.field[0], field);
	}
}

/* The value of the only group, "?" unknown, "-" absent. */
static const char *value_of(const char *field, const struct event *e)
{
	static char text[GROUP_TEXT_MAX + 1];
	struct groups *g = groups_by_words(field);
	const struct group *const *list;
	const char *at, *value;
	size_t count;
	enum group_known known;

	groups_add_event(g, e);
	list = groups_sort(g, &count);
	assert_int_equal(count, 1);
	at = list[0]->key;
	known = group_value(&at, &value);
	snprintf(text, sizeof(text), "%s",
		 known == GROUP_KNOWN	  ? value
		 : known == GROUP_UNKNOWN ? "?"
					  : "-");
	assert_ptr_equal(at, list[0]->key + list[0]->key_len);
	groups_free(g);
	return text;
}

static void test_the_servers_port(void **state)
{
	struct event e = {.protocol = IPPROTO_TCP,
			  .family = FAMILY_IPV4,
			  .has_local = true,
			  .has_peer = true,
			  .local = {.port = 40000},
			  .peer = {.port = 443}};
	static const struct {
		enum tcp_state state;
		const char *port;
	} first[] = {{STATE_SYN_SENT, "443"},	    {STATE_SYN_RECV, "40000"},
		     {STATE_NEW_SYN_RECV, "40000"}, {STATE_LISTEN, "40000"},
		     {STATE_ESTABLISHED, "?"},	    {STATE_CLOSE_WAIT, "?"}};

	(void)state;
	e.kind = EVENT_CONNECT;
	assert_string_equal(value_of("port", &e), "443");
	e.kind = EVENT_ACCEPT;
	assert_string_equal(value_of("port", &e), "40000");
	/* Which end it will be is not known yet. */
	e.kind = EVENT_BIND;
	assert_string_equal(value_of("port", &e), "?");
	e.kind = EVENT_CLOSE;
	assert_string_equal(value_of("port", &e), "?");
	for (size_t i = 0; i < COUNT(first); i++) {
		e.close.span_count = 2;
		e.close.spans[0].state = first[i].state;
		e.close.spans[1].state = STATE_ESTABLISHED;
		assert_string_equal(value_of("port", &e), first[i].port);
	}
	e.close.spans[0].state = STATE_SYN_SENT;
	e.has_peer = false;
	assert_string_equal(value_of("port", &e), "?");
}

static void test_unknown_is_not_absent(void **state)
{
	const struct process nowhere = {.pid = 7, .name = "?", .cgroup = "/"}, unread = {.pid = 7};
	struct event e = {.kind = EVENT_CLOSE};

	(void)state;
	assert_string_equal(value_of("comm", &e), "?");
	assert_string_equal(value_of("unit", &e), "?");
	assert_string_equal(value_of("reason", &e), "?");
	assert_string_equal(value_of("peer", &e), "-");
	assert_string_equal(value_of("error", &e), "-");
	e.kernel = true;
	assert_string_equal(value_of("comm", &e), "kernel");
	assert_string_equal(value_of("pid", &e), "-");
	e.process = &nowhere;
	assert_string_equal(value_of("unit", &e), "-");
	assert_string_equal(value_of("container", &e), "-");
	e.process = &unread;
	assert_string_equal(value_of("unit", &e), "?");
	e.close.reason = REASON_REFUSED;
	assert_string_equal(value_of("reason", &e), "refused");
	assert_string_equal(value_of("result", &e), "refused");
	e.error = ECONNREFUSED;
	assert_string_equal(value_of("result", &e), "ECONNREFUSED");
	e.close.end = EVENT_END_OPEN;
	e.close.state = STATE_CLOSE_WAIT;
	assert_string_equal(value_of("reason", &e), "-");
	assert_string_equal(value_of("state", &e), "CLOSE_WAIT");
}

/* One called "?" is no unknown one. */
static void test_a_name_is_no_word_of_ours(void **state)
{
	const struct process odd = {.pid = 7, .name = "?"}, dash = {.pid = 8, .name = "-"};
	const struct event e[] = {{.kind = EVENT_BIND},
				  {.kind = EVENT_BIND, .process = &odd},
				  {.kind = EVENT_BIND, .process = &dash}};
	struct groups *g = groups_by_words("comm");
	size_t count;

	(void)state;
	for (size_t i = 0; i < COUNT(e); i++)
		groups_add_event(g, &e[i]);
	groups_sort(g, &count);
	assert_int_equal(count, 3);
	groups_free(g);
}

/* Against a plain count: 5,000 events of 300 groups. */
static void test_counts(void **state)
{
	struct groups *g = groups_by_words("peer-port,event");
	uint64_t count[300] = {0}, failed[300] = {0}, sent[300] = {0}, last = UINT64_MAX, sum = 0;
	const struct group *const *list;
	uint32_t random = 12345;
	size_t n;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct event e = {.has_peer = true};
		uint32_t port;

		random = random * 1664525 + 1013904223;
		port = (random >> 16) % 300;
		e.peer.port = (uint16_t)port;
		e.kind = port % 2 ? EVENT_CONNECT : EVENT_CLOSE;
		e.repeated = port % 7 ? 0 : 3;
		e.error = port % 2 && i % 3 ? ECONNREFUSED : 0;
		e.close.reason = REASON_LOCAL_CLOSE;
		if (e.kind == EVENT_CLOSE) {
			e.close.counted = i % 4 != 0;
			e.close.sent_bytes = (uint64_t)i;
			sent[port] += e.close.counted ? (uint64_t)i : 0;
		}
		count[port] += e.repeated ? 3 : 1;
		failed[port] += e.error ? e.repeated ? 3 : 1 : 0;
		groups_add_event(g, &e);
	}
	groups_add_event(g, &(struct event){.kind = EVENT_LOST, .lost.count = 7});
	list = groups_sort(g, &n);
	for (size_t i = 0; i < n; i++) {
		const char *at = list[i]->key, *value;
		int port;

		group_value(&at, &value);
		assert_int_equal(sscanf(value, "%d", &port), 1);
		assert_int_equal(list[i]->count, count[port]);
		assert_int_equal(list[i]->failed, failed[port]);
		assert_int_equal(list[i]->sent, sent[port]);
		assert_true(list[i]->count <= last);
		last = list[i]->count;
		sum += count[port];
		count[port] = 0;
	}
	for (size_t i = 0; i < COUNT(count); i++)
		assert_int_equal(count[i], 0);
	assert_true(sum >= 5000);
	assert_int_equal(groups_rest(g)->count, 0);
	groups_free(g);
}

static void test_bounds(void **state)
{
	const struct group_by by = {{GROUP_PEER_PORT}, 1};
	static const struct {
		size_t max, bytes;
	} bound[] = {{100, 1 << 20}, {100000, 20000}};

	(void)state;
	for (size_t b = 0; b < COUNT(bound); b++) {
		struct groups *g = groups_new(&by, bound[b].max, bound[b].bytes);
		const struct group *const *list;
		uint64_t sum = 0;
		size_t n;

		for (int i = 0; i < 60000; i++) {
			struct event e = {.kind = EVENT_CONNECT,
					  .has_peer = true,
					  .peer.port = (uint16_t)(i % 30000)};

			groups_add_event(g, &e);
		}
		list = groups_sort(g, &n);
		assert_true(n > 50 && n <= bound[b].max && n < 1000);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(list[i]->count, 2);
			sum += list[i]->count;
		}
		assert_int_equal(sum + groups_rest(g)->count, 60000);
		assert_null(groups_rest(g)->key);
		groups_free(g);
	}
}

/* Each shape of event in each field, in both formats. */
static void test_golden(void **state)
{
	static const char *const lists[] = {"comm,user,event", "peer,port,result",
					    "unit,container,reason,error,state,netns",
					    "local,local-port,peer-port,pid,proto"};
	struct group_style style = {.span_ns = 10 * NSEC_PER_SEC};
	struct process hostile = {.pid = 5, .name = "a\x1b[2J\" b"};
	struct event odd = {.kind = EVENT_BIND, .process = &hostile};
	struct buffer text, json;

	(void)state;
	assert_int_equal(buffer_init(&text, 64), 0);
	assert_int_equal(buffer_init(&json, 64), 0);
	for (size_t i = 0; i < COUNT(lists); i++) {
		struct groups *g = groups_by_words(lists[i]);

		for (size_t e = 0; e < sample_event_count; e++)
			groups_add_event(g, &sample_events[e]);
		groups_add_event(g, &odd);
		group_write_text(&text, g, &style);
		group_write_json(&json, g, &style);
		style.goes_on = true;
		groups_free(g);
	}
	assert_false(text.failed || json.failed);
	assert_true(golden_matches("groups.txt", text.data, text.len));
	assert_true(golden_matches("groups.json", json.data, json.len));
	buffer_done(&text);
	buffer_done(&json);
}

static void test_no_room_is_said(void **state)
{
	const struct group_by by = {{GROUP_PEER_PORT, GROUP_EVENT}, 2};
	struct groups *g = groups_new(&by, 0, 1 << 20);
	const struct group_style style = {.no_header = true};
	struct event e = {.kind = EVENT_CONNECT};
	struct buffer out;

	(void)state;
	assert_int_equal(buffer_init(&out, 64), 0);
	groups_add_event(g, &e);
	group_write_text(&out, g, &style);
	group_write_json(&out, g, &style);
	buffer_append(&out, "", 1);
	assert_string_equal(
		out.data,
		"     1      0     0    0        0 (no room)\n"
		"{\"event\":\"group\",\"group\":null,\"events\":1,\"failed\":0,\"lives\":0,"
		"\"sent_bytes\":0,\"received_bytes\":0,\"schema\":1}\n");
	groups_free(g);
	buffer_done(&out);
}

/* Each span says which it is, and only the first object the schema's number. */
static void test_spans(void **state)
{
	struct group_style style = {
		.span_ns = 2 * NSEC_PER_SEC, .end_ns = 1795521600 * NSEC_PER_SEC, .zone = "UTC"};
	struct groups *g = groups_by_words("peer-port");
	struct event e = {.kind = EVENT_CONNECT, .has_peer = true, .peer.port = 80};
	struct buffer text, json;

	(void)state;
	setenv("TZ", "UTC0", 1);
	assert_int_equal(buffer_init(&text, 64) | buffer_init(&json, 64), 0);
	for (int i = 0; i < 2; i++) {
		groups_add_event(g, &e);
		group_write_text(&text, g, &style);
		group_write_json(&json, g, &style);
		groups_clear(g);
		style.goes_on = true;
		style.end_ns += style.span_ns;
		e.peer.port = 443;
	}
	buffer_append(&text, "", 1);
	buffer_append(&json, "", 1);
	assert_string_equal(text.data, "2026-11-24 12:00:00 UTC, 2.0s\n"
				       "EVENTS PER_S FAILED LIVES SENT RECEIVED PEER-PORT\n"
				       "     1  0.50      0     0    0        0 80\n"
				       "\n"
				       "2026-11-24 12:00:02 UTC, 2.0s\n"
				       "EVENTS PER_S FAILED LIVES SENT RECEIVED PEER-PORT\n"
				       "     1  0.50      0     0    0        0 443\n");
	assert_string_equal(
		json.data,
		"{\"time\":\"2026-11-24T12:00:00.000000000Z\",\"event\":\"group\",\"group\":{"
		"\"peer-port\":80},\"events\":1,"
		"\"per_s\":0.50,\"failed\":0,\"lives\":0,\"sent_bytes\":0,\"received_bytes\":0,"
		"\"schema\":1}\n"
		"{\"time\":\"2026-11-24T12:00:02.000000000Z\",\"event\":\"group\",\"group\":{"
		"\"peer-port\":443},\"events\":1,"
		"\"per_s\":0.50,\"failed\":0,\"lives\":0,\"sent_bytes\":0,\"received_bytes\":0}\n");
	groups_free(g);
	buffer_done(&text);
	buffer_done(&json);
}

/* Of a host whose sockets are known: a listener, what it accepted, a connection out. */
static void test_sockets(void **state)
{
	struct groups *g = groups_by_words("comm,port,state");
	const struct group_style style = {.sockets = true};
	struct listing l;
	struct buffer out;
	struct listing_socket s = tcp4(10, STATE_LISTEN, 0, 80, 0, 0);
	const int task = 0;

	(void)state;
	listing_init(&l);
	for (int i = 0; i < HOST_TASKS; i++)
		listing_add_task(&l, &host_tasks[i]);
	s.receive = 3;
	listing_add_holder(&l, task, 3, true, &s);
	for (uint16_t i = 0; i < 2; i++) {
		s = tcp4(20 + i, STATE_ESTABLISHED, 0, 80, 0, (uint16_t)(40000 + i));
		s.send = 100;
		listing_add_holder(&l, task, 4 + i, true, &s);
	}
	s = tcp4(30, STATE_SYN_SENT, 0, 50000, 0, 443);
	listing_add_holder(&l, task, 9, true, &s);
	s = tcp4(40, STATE_TIME_WAIT, 0, 50001, 0, 443);
	s.key = 0;
	listing_add_loose(&l, &s);
	listing_join(&l);
	for (size_t i = 0; i < l.socket_count; i++)
		groups_add_socket(g, &l, &l.sockets[i]);
	assert_int_equal(buffer_init(&out, 64), 0);
	group_write_text(&out, g, &style);
	assert_true(golden_matches("groups-listing.txt", out.data, out.len));
	buffer_done(&out);
	groups_free(g);
	listing_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_the_servers_port),
		cmocka_unit_test(test_unknown_is_not_absent),
		cmocka_unit_test(test_a_name_is_no_word_of_ours),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_no_room_is_said),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
