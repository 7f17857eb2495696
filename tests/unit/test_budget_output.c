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
#include "golden.h"

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
	struct budget_report report = {.budget = b, .time_ns = 1, .map = map, .zone = "UTC"};
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
	       "\"in_use\":{\"TIME_WAIT\":8},\"available\":0,\"uncertain\":0,\"time_wait_drain_s\":"
	       "40.000,\"churn_"
	       "per_s\":null");
	expect(json, "\"name\":\"<script>\\\"\\n\",\"uid\":0");
	expect(json, "\"held\":9,\"time_wait\":8,");
	free(json);
	budget_free(b);
}

/* TCP has ports of its own in a VRF; the same ends outside of it are another row. */
static void a_vrf_is_told_apart(void **state)
{
	struct port_range r = {.low = 40000, .high = 40009};
	struct port_use u = {.netns = 5,
			     .protocol = IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .state = STATE_ESTABLISHED,
			     .bucket_open = true,
			     .local = {.addr = {10, 0, 0, 1}, .port = 40000},
			     .peer = {.addr = {10, 0, 0, 2}, .port = 443},
			     .owner = &hostile};
	struct budget *b = budget_new();
	char *json, *text;

	(void)state;
	budget_add_namespace(b, 5, &r);
	budget_add(b, &u);
	u.vrf = 9;
	budget_add(b, &u);
	u.local.port = 40001;
	budget_add(b, &u);
	assert_int_equal(budget_finish(b), 0);
	assert_int_equal(b->ns_count, 2);
	assert_int_equal(b->row_count, 2);
	budget_find_namespace(b, 5, 9)->vrf_name = strdup("red\x1b");
	json = spell(budget_write_json, b, false);
	text = spell(budget_write_text, b, false);
	expect(json, "\"netns\":5,\"vrf\":\"red\\u001b\",\"range\":{\"low\":40000,\"high\":40009,");
	expect(json, "\"in_use\":{\"ESTABLISHED\":2},\"usable\":10,\"bound\":0,\"available\":10,"
		     "\"uncertain\":0,\"udp_available\":{\"ipv4\":null,\"ipv6\":null}");
	expect(json, "\"netns\":5,\"vrf\":\"red\\u001b\",\"proto\":\"tcp\"");
	expect(json, "\"netns\":5,\"vrf\":\"red\\u001b\",\"process\"");
	expect(text, "network namespace 5, VRF red\\x1b\n");
	expect(text, "5%red\\x1b");
	assert_null(strchr(text, '\x1b'));
	free(text);
	free(json);
	budget_free(b);
}

static void one_that_has_ended_is_told_so(void **state)
{
	struct budget *b = make(8, 2);
	char *json = spell(budget_write_json, b, false), *text;

	(void)state;
	assert_null(strstr(json, "\"ended\""));
	free(json);
	for (size_t i = 0; i < b->use_count; i++)
		b->use[i].owner_ended = true;
	assert_int_equal(budget_count_owners(b), 0);
	json = spell(budget_write_json, b, false);
	text = spell(budget_write_text, b, false);
	expect(json, ",\"ended\":true,\"held\":9,\"time_wait\":8,");
	expect(text, "[7], ended    9         8 ");
	free(text);
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
	expect(html, "role=\"img\" aria-label=\"even ports from 40000 on\"");
	expect(html, "class=\"m2\" x=\"0\" y=\"0\" width=\"12\"");
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

static void watching_counts_what_finds_no_place(void **state)
{
	struct process_set *processes = process_set_new(8192, NULL, NULL);
	struct budget_watch *w = budget_watch_new(processes);
	struct process key = {.name = "many"};
	struct event e;

	(void)state;
	for (uint32_t i = 0; i < 16384 + 5; i++) {
		e = connect_event(100, 40000, 0);
		memcpy(e.peer.addr + 1, &i, 3);
		budget_watch_event(w, &e);
	}
	assert_int_equal(budget_watch_uncounted(w), 5);
	e = connect_event(100, 40000, 0);
	memset(e.peer.addr + 1, 0, 3);
	budget_watch_event(w, &e); /* the first again */
	assert_int_equal(budget_watch_uncounted(w), 5);
	for (key.pid = 1; key.pid <= 4096 + 3; key.pid++) {
		e.process = process_intern(processes, &key);
		budget_watch_event(w, &e);
		process_release(processes, e.process);
	}
	assert_int_equal(budget_watch_uncounted(w), 5 + 3);
	e = connect_event(100, 0, EADDRNOTAVAIL);
	for (e.netns = 1; e.netns <= 256 + 2; e.netns++)
		budget_watch_event(w, &e);
	assert_int_equal(budget_watch_uncounted(w), 5 + 3 + 2);
	budget_watch_free(w);
	assert_int_equal(process_set_count(processes), 0);
	process_set_free(processes);
}

/* ---- golden: one report, three spellings ---- */

static struct process web = {
	.pid = 901, .tid = 901, .uid = 33, .name = "web", .cgroup = "/web.service"};

static void add_ends(struct port_use *u, const char *local, uint16_t port, const char *peer,
		     uint16_t peer_port)
{
	memset(&u->local, 0, sizeof(u->local));
	memset(&u->peer, 0, sizeof(u->peer));
	memcpy(u->local.addr, local, u->family == FAMILY_IPV4 ? 4 : 16);
	memcpy(u->peer.addr, peer, u->family == FAMILY_IPV4 ? 4 : 16);
	u->local.port = port;
	u->peer.port = peer_port;
}

/* Namespace 5: nine ports, TCP over both families, UDP; 6: ten ports, somebody binds first; 7: nothing. */
static struct budget *make_everything(bool partial)
{
	static const char six[16] = {0x20, 1, 0xd, (char)0xb8, [15] = 1};
	struct port_range odd = {
		.low = 40000, .high = 40008, .tw_reuse = 2, .tw_reuse_delay_ms = 1000};
	struct port_range even = {.low = 40000, .high = 40009, .tw_reuse = 1};
	struct port_use u = {.netns = 5,
			     .protocol = IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .bucket_open = true,
			     .state = STATE_ESTABLISHED,
			     .owner = &web};
	struct budget *b = budget_new();

	b->partial = partial;
	budget_add_namespace(b, 5, &odd);
	budget_add_namespace(b, 6, &even);
	budget_add_namespace(b, 7, &even);
	for (uint16_t i = 0; i < 6; i++) {
		u.minisock = i > 3;
		u.state = u.minisock ? STATE_TIME_WAIT : STATE_ESTABLISHED;
		u.tw_age_ms = 45500;
		add_ends(&u, "\x0a\0\0\1", (uint16_t)(40001 + i), "\x0a\0\0\2", 443);
		budget_add(b, &u);
	}
	u.minisock = false;
	u.state = STATE_SYN_SENT;
	u.family = FAMILY_IPV6;
	u.owner = NULL;
	add_ends(&u, six, 40003, six, 5432);
	budget_add(b, &u);
	u.family = FAMILY_IPV4;
	u.protocol = IPPROTO_UDP;
	u.owner = &hostile;
	u.state = STATE_ESTABLISHED;
	for (uint16_t i = 0; i < 8; i++) {
		add_ends(&u, "\x0a\0\0\1", (uint16_t)(40000 + i), "\x0a\0\0\3", 53);
		budget_add(b, &u);
	}
	u.netns = 6;
	u.protocol = IPPROTO_TCP;
	u.bucket_open = false;
	u.selected = u.owner_selected = true;
	for (uint16_t i = 0; i < 9; i++) {
		add_ends(&u, "\x0a\0\0\1", (uint16_t)(40000 + i), "\x0a\0\0\2", 443);
		budget_add(b, &u);
	}
	assert_int_equal(budget_finish(b), 0);
	return b;
}

static void check_golden(const struct budget_report *report, const char *name,
			 void (*write)(struct buffer *, const struct budget_report *))
{
	struct buffer out;

	assert_int_equal(buffer_init(&out, 64), 0);
	write(&out, report);
	assert_false(out.failed);
	assert_true(golden_matches(name, out.data, out.len));
	buffer_done(&out);
}

static void the_whole_report(void **state)
{
	static const struct budget_sample samples[] = {
		{1000000000, 4, 0, 9}, {2000000000, 14, 2, 0}, {3000000000, 16, 2, 1}};
	struct process_set *processes = process_set_new(10, NULL, NULL);
	struct budget_watch *w = budget_watch_new(processes);
	struct budget *before = make_everything(false), *b = make_everything(false);
	const struct process *p = process_intern(processes, &web);
	struct budget_report report = {.budget = b,
				       .watch = w,
				       .watched_ns = 2000000000,
				       .time_ns = 3000000000,
				       .wall_offset_ns = 1700000000000000000,
				       .sample = samples,
				       .sample_count = 3,
				       .map = true,
				       .zone = "UTC"};
	struct event e;

	(void)state;
	for (uint16_t i = 0; i < 4; i++) {
		struct event syn = {.kind = EVENT_STATE,
				    .netns = 5,
				    .cookie = 1u + i,
				    .time_ns = 100,
				    .state = {.from = STATE_CLOSE, .to = STATE_SYN_SENT}};

		budget_watch_event(w, &syn);
		e = connect_event(5100, (uint16_t)(40001 + i), 0);
		e.cookie = syn.cookie;
		e.process = p;
		budget_watch_event(w, &e);
	}
	e = connect_event(2500000000, 0, EADDRNOTAVAIL);
	e.process = p;
	assert_true(budget_watch_event(w, &e));
	before->row[0].available += 2; /* UDP, in 5 */
	budget_watch_apply(w, b, before, report.watched_ns);
	check_golden(&report, "budget.txt", budget_write_text);
	check_golden(&report, "budget.json", budget_write_json);
	check_golden(&report, "budget.html", budget_write_html);
	process_release(processes, p);
	budget_watch_free(w);
	process_set_free(processes);
	budget_free(before);
	budget_free(b);
}

/* What a filter leaves: the namespace of the rows, or of a failure that was asked for. */
static void the_chosen_part(void **state)
{
	struct process_set *processes = process_set_new(10, NULL, NULL);
	struct budget_watch *w = budget_watch_new(processes);
	struct budget *b = make_everything(true);
	struct budget_report report = {.budget = b, .watch = w, .time_ns = 3000000000};
	struct event e = connect_event(2500000000, 0, EADDRNOTAVAIL);
	struct buffer out;

	(void)state;
	check_golden(&report, "budget-chosen.txt", budget_write_text);
	check_golden(&report, "budget-chosen.json", budget_write_json);
	assert_true(budget_watch_event(w, &e));
	e.connect.no_source = true;
	assert_false(budget_watch_event(w, &e));
	budget_watch_select(w, 5);
	assert_int_equal(buffer_init(&out, 64), 0);
	budget_write_json(&out, &report);
	buffer_append(&out, "", 1);
	expect(out.data, "\"event\":\"namespace\",\"netns\":5");
	buffer_done(&out);
	budget_watch_free(w);
	process_set_free(processes);
	budget_free(b);
}

/* ---- advice: each piece where it applies, and not where it does not ---- */

struct advice_case {
	const char *name;
	uint16_t protocol, low, high;
	unsigned int time_wait, connected, bound, reserved;
	uint8_t tw_reuse;
	bool loopback, bound_in_other; /* another namespace's process binds first */
	const char *has[3], *hasnt[5];
};

#define BIND_FIRST "IP_BIND_ADDRESS_NO_PORT"
#define CLOSE_LAST "let the other end close first"
#define REUSE	   "tcp_tw_reuse ="
#define RANGE	   "ip_local_port_range ="
#define RESERVED   "ip_local_reserved_ports keeps"
#define SOURCES	   "each further source address"
#define SHARE	   "one UDP socket sends to any number"

static const struct advice_case advice_cases[] = {
	{.name = "open connections",
	 .connected = 9,
	 .has = {RANGE, SOURCES},
	 .hasnt = {BIND_FIRST, CLOSE_LAST, REUSE, RESERVED, SHARE}},
	{.name = "TIME_WAIT, no reuse",
	 .time_wait = 9,
	 .has = {CLOSE_LAST, "tcp_tw_reuse = 0", RANGE},
	 .hasnt = {BIND_FIRST, RESERVED, SHARE}},
	{.name = "TIME_WAIT, reuse on loopback only",
	 .time_wait = 9,
	 .tw_reuse = 2,
	 .has = {CLOSE_LAST, "tcp_tw_reuse = 2"},
	 .hasnt = {BIND_FIRST}},
	{.name = "TIME_WAIT on loopback, reuse there",
	 .time_wait = 9,
	 .tw_reuse = 2,
	 .loopback = true,
	 .has = {CLOSE_LAST},
	 .hasnt = {REUSE}},
	{.name = "TIME_WAIT too young, reuse",
	 .time_wait = 9,
	 .tw_reuse = 1,
	 .has = {CLOSE_LAST},
	 .hasnt = {REUSE}},
	{.name = "TIME_WAIT are few",
	 .time_wait = 2,
	 .connected = 7,
	 .has = {SOURCES},
	 .hasnt = {CLOSE_LAST, REUSE}},
	{.name = "bound first",
	 .bound = 9,
	 .has = {BIND_FIRST, "web[901] binds before connect (9)"},
	 .hasnt = {CLOSE_LAST, REUSE}},
	{.name = "bound first elsewhere",
	 .connected = 9,
	 .bound_in_other = true,
	 .has = {SOURCES},
	 .hasnt = {BIND_FIRST, "web[901] binds"}},
	{.name = "reserved",
	 .connected = 5,
	 .reserved = 4,
	 .has = {"keeps 4 ports of the range out"}},
	{.name = "widest range",
	 .low = 1024,
	 .high = 65535,
	 .connected = 60000,
	 .has = {SOURCES},
	 .hasnt = {RANGE}},
	{.name = "UDP",
	 .protocol = IPPROTO_UDP,
	 .connected = 9,
	 .has = {SHARE, RANGE, "UDP to "},
	 .hasnt = {SOURCES, BIND_FIRST, CLOSE_LAST, REUSE, "for each destination"}},
};

static struct budget *make_case(const struct advice_case *c)
{
	struct port_range r = {.low = c->low ? c->low : 40000,
			       .high = c->high ? c->high : 40009,
			       .tw_reuse = c->tw_reuse,
			       .tw_reuse_delay_ms = 1000};
	struct port_use u = {.netns = 5,
			     .protocol = c->protocol ? c->protocol : IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .state = STATE_ESTABLISHED,
			     .owner = &web};
	struct budget *b = budget_new();
	uint16_t port = r.low;

	for (unsigned int i = 0; i < c->reserved; i++) {
		r.reserved[(r.high - i) / 8] |= (uint8_t)(1u << (r.high - i) % 8);
		r.reserved_count++;
	}
	budget_add_namespace(b, 5, &r);
	budget_add_namespace(b, 6, &r);
	for (unsigned int i = 0; i < c->bound + c->connected + c->time_wait; i++) {
		u.bucket_open = i >= c->bound;
		u.minisock = i >= c->bound + c->connected;
		u.state = u.minisock ? STATE_TIME_WAIT : STATE_ESTABLISHED;
		add_ends(&u, c->loopback ? "\x7f\0\0\1" : "\x0a\0\0\1", port++,
			 c->loopback ? "\x7f\0\0\1" : "\x0a\0\0\2", 443);
		budget_add(b, &u);
	}
	u.netns = 6;
	u.bucket_open = false;
	u.minisock = false;
	u.state = STATE_ESTABLISHED;
	if (c->bound_in_other)
		budget_add(b, &u);
	/* Its own namespace has a bound port too, of nobody who then connects. */
	u.netns = 5;
	u.owner = NULL;
	u.state = STATE_CLOSE;
	add_ends(&u, "\x0a\0\0\x9", r.high, "\0\0\0\0", 0);
	if (c->bound_in_other)
		budget_add(b, &u);
	assert_int_equal(budget_finish(b), 0);
	return b;
}

static void advises_what_applies_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(advice_cases) / sizeof(*advice_cases); i++) {
		const struct advice_case *c = &advice_cases[i];
		struct budget *b = make_case(c);
		char *text = spell(budget_write_text, b, false);
		const char *advice = strstr(text, "what would help in 5");

		if (!advice)
			fail_msg("%s: no advice in:\n%s", c->name, text);
		for (size_t n = 0; n < 3 && c->has[n]; n++) {
			if (!strstr(advice, c->has[n]))
				fail_msg("%s: no '%s' in:\n%s", c->name, c->has[n], advice);
		}
		for (size_t n = 0; n < 5 && c->hasnt[n]; n++) {
			if (strstr(advice, c->hasnt[n]))
				fail_msg("%s: '%s' in:\n%s", c->name, c->hasnt[n], advice);
		}
		free(text);
		budget_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_the_three_objects),
		cmocka_unit_test(one_that_has_ended_is_told_so),
		cmocka_unit_test(text_advises_what_applies),
		cmocka_unit_test(html_keeps_names_as_text),
		cmocka_unit_test(watching_counts_churn_and_the_first_failure),
		cmocka_unit_test(watching_counts_what_finds_no_place),
		cmocka_unit_test(a_vrf_is_told_apart),
		cmocka_unit_test(the_whole_report),
		cmocka_unit_test(the_chosen_part),
		cmocka_unit_test(advises_what_applies_and_no_more),
	};

	setenv("TZ", "UTC", 1);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
