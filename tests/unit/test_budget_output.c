// SPDX-License-Identifier: GPL-2.0-only
/* The report in its three spellings: numbers, order, advice that applies, and names that stay text. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "budget_writer.h"

static struct process hostile = {.pid = 7, .tid = 7, .name = "<script>\"\n"};

/* Ten ports: `connected` to one destination in TIME_WAIT, one bound, the last reserved. */
static struct budget *make(unsigned int connected, uint8_t reuse)
{
	struct port_range r = {.low = 40000,
			       .high = 40009,
			       .tw_reuse = reuse,
			       .tw_reuse_delay_ms = 1000,
			       .reserved_count = 1};
	struct port_use u = {
		.netns = 5, .protocol = IPPROTO_TCP, .family = FAMILY_IPV4, .owner = &hostile};
	struct budget *b = budget_new();

	r.reserved[40009 / 8] |= 1u << 40009 % 8;
	budget_add_namespace(b, 5, &r);
	u.local.port = 40008;
	u.state = STATE_CLOSE;
	budget_add(b, &u);
	u.bucket_open = true;
	u.minisock = true;
	u.state = STATE_TIME_WAIT;
	memcpy(u.local.addr, "\x0a\0\0\1", 4);
	memcpy(u.peer.addr, "\x0a\0\0\2", 4);
	u.peer.port = 443;
	u.tw_age_ms = 20000;
	for (unsigned int i = 0; i < connected; i++) {
		u.local.port = (uint16_t)(40000 + i);
		budget_add(b, &u);
	}
	assert_int_equal(budget_finish(b), 0);
	return b;
}

static char *spell(void (*write)(struct buffer *, const struct budget_report *),
		   const struct budget *b, bool map)
{
	struct budget_report report = {.budget = b, .time_ns = 1, .map = map, .columns = 80};
	struct buffer out;

	assert_int_equal(buffer_init(&out, 64), 0);
	write(&out, &report);
	buffer_append(&out, "", 1);
	assert_false(out.failed);
	return out.data;
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}

static void json_has_the_three_objects(void **state)
{
	struct budget *b = make(8, 2);
	char *json = spell(budget_write_json, b, false);

	(void)state;
	expect(json, "\"event\":\"namespace\",\"netns\":5,\"range\":{\"low\":40000,\"high\":40009,"
		     "\"reserved\":1,");
	expect(json, "\"usable\":9,\"bound\":1");
	expect(json,
	       "\"local\":{\"addr\":\"10.0.0.1\"},\"peer\":{\"addr\":\"10.0.0.2\",\"port\":443},"
	       "\"in_use\":{\"TIME_WAIT\":8},\"available\":0,\"time_wait_drain_s\":40.000,\"churn_"
	       "per_s\":null");
	expect(json, "\"name\":\"<script>\\\"\\n\",\"uid\":0");
	expect(json, "\"held\":9,\"time_wait\":8,");
	free(json);
	budget_free(b);
}

static void text_advises_what_applies(void **state)
{
	struct budget *tight = make(8, 2), *reusing = make(8, 1), *easy = make(2, 2);
	char *text = spell(budget_write_text, tight, true);

	(void)state;
	expect(text, "8 of 9 are in TIME_WAIT");
	expect(text, "net.ipv4.tcp_tw_reuse = 2 here");
	expect(text, "adds 64502 ports");
	expect(text, "40000 wwwwB\n        wwww#\n");
	assert_null(strstr(text, "IP_BIND_ADDRESS_NO_PORT"));
	free(text);
	text = spell(budget_write_text, reusing,
		     false); /* every TIME_WAIT may be reused: nothing is short */
	assert_null(strstr(text, "what would help"));
	free(text);
	text = spell(budget_write_text, easy, false);
	assert_null(strstr(text, "what would help"));
	free(text);
	budget_free(tight);
	budget_free(reusing);
	budget_free(easy);
}

static void html_keeps_names_as_text(void **state)
{
	struct budget *b = make(8, 2);
	char *html = spell(budget_write_html, b, false);

	(void)state;
	expect(html, "&lt;script&gt;");
	assert_null(strstr(html, "<script"));
	expect(html, "<svg role=\"img\"");
	expect(html, "class=\"m2\" x=\"0\" y=\"20\" width=\"12\"");
	expect(html, "</html>");
	assert_null(strstr(html, "src="));
	assert_null(strstr(html, "href="));
	free(html);
	budget_free(b);
}

static struct event connect_event(uint64_t time_ns, uint16_t port, int error)
{
	struct event e = {
		.kind = EVENT_CONNECT,
		.time_ns = time_ns,
		.protocol = IPPROTO_TCP,
		.family = FAMILY_IPV4,
		.netns = 5,
		.has_peer = true,
		.local.port = port,
		.peer = {.addr = {10, 0, 0, 2}, .port = 443},
		.error = error,
	};

	if (!error)
		memcpy(e.local.addr, "\x0a\0\0\1", 4);
	e.connect.autobind = true;
	return e;
}

static void watching_counts_churn_and_the_first_failure(void **state)
{
	struct process_set *processes = process_set_new(10, NULL, NULL);
	struct budget_watch *w = budget_watch_new(processes);
	struct budget *before = make(2, 2), *b = make(4, 2);
	struct event e;

	(void)state;
	for (int i = 0; i < 6; i++) {
		e = connect_event(100, (uint16_t)(40000 + i), 0);
		budget_watch_event(w, &e);
	}
	for (int i = 0; i < 3; i++) {
		e = connect_event(200 + (uint64_t)i, 0, EADDRNOTAVAIL);
		budget_watch_event(w, &e);
	}
	e = connect_event(300, 40000, ECONNREFUSED);
	budget_watch_event(w, &e);
	budget_watch_apply(w, b, before, 2000000000);
	assert_int_equal(budget_watch_namespace(w, 5)->failures, 3);
	assert_int_equal(budget_watch_namespace(w, 5)->first.time_ns, 200);
	assert_null(budget_watch_namespace(w, 6));
	assert_true(b->row[0].churn_per_s == 3.0);
	assert_true(b->row[0].available == 4 &&
		    b->row[0].exhausted_in_s == 4.0); /* 6 to 4 in two seconds */
	budget_watch_free(w);
	process_set_free(processes);
	budget_free(before);
	budget_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_the_three_objects),
		cmocka_unit_test(text_advises_what_applies),
		cmocka_unit_test(html_keeps_names_as_text),
		cmocka_unit_test(watching_counts_churn_and_the_first_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
