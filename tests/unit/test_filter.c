/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "filter.h"

#define BIT(n) (1u << (n))

static const struct process nginx = {
	.pid = 901,
	.tid = 902,
	.uid = 33,
	.name = "nginx",
	.cgroup = "/system.slice/nginx.service",
	.container = "4f1a2b3c",
};
static const struct process kthread = {.pid = 2, .tid = 2, .name = "kthreadd", .cgroup = ""};

static struct endpoint endpoint(const char *address, uint16_t port)
{
	struct endpoint e = {.port = port};

	if (inet_pton(AF_INET, address, e.addr) != 1)
		assert_int_equal(inet_pton(AF_INET6, address, e.addr), 1);
	return e;
}

/* 10.0.0.1:44420 to 192.0.2.7:443, nginx, namespace 77. */
static struct event make_event(enum event_kind kind)
{
	return (struct event){
		.kind = kind,
		.protocol = IPPROTO_TCP,
		.family = FAMILY_IPV4,
		.has_local = true,
		.has_peer = true,
		.netns = 77,
		.local = endpoint("10.0.0.1", 44420),
		.peer = endpoint("192.0.2.7", 443),
		.process = &nginx,
	};
}

static struct event make_ipv6_event(const char *local, const char *peer, bool mapped)
{
	struct event e = make_event(EVENT_CONNECT);

	e.family = FAMILY_IPV6;
	e.mapped = mapped;
	e.local = endpoint(local, 44420);
	e.peer = endpoint(peer, 443);
	return e;
}

static void test_empty_matches_everything(void **state)
{
	struct event e = {0};
	struct filter f;

	(void)state;
	filter_init(&f);
	for (int kind = 0; kind < EVENT_KINDS; kind++) {
		e.kind = kind;
		assert_true(filter_match(&f, &e));
	}
	filter_done(&f);
	filter_done(&f);
}

static void test_lost_always_passes(void **state)
{
	struct event e = {.kind = EVENT_LOST};
	struct filter f = {.tcp = true,
			   .has_uid = true,
			   .uid = 1,
			   .kinds = BIT(EVENT_BIND),
			   .states = BIT(STATE_LISTEN),
			   .has_netns = true,
			   .netns = 1};

	(void)state;
	assert_true(filter_match(&f, &e));
}

static void test_protocol(void **state)
{
	static const struct {
		bool tcp, udp;
		uint16_t protocol;
		bool match;
	} cases[] = {
		{true, false, IPPROTO_TCP, true},     {true, false, IPPROTO_MPTCP, true},
		{true, false, IPPROTO_UDP, false},    {true, false, IPPROTO_SCTP, false},
		{false, true, IPPROTO_UDP, true},     {false, true, IPPROTO_TCP, false},
		{true, true, IPPROTO_TCP, true},      {true, true, IPPROTO_UDP, true},
		{false, true, IPPROTO_UDPLITE, true}, {true, false, IPPROTO_UDPLITE, false},
		{true, true, IPPROTO_SCTP, false},    {false, false, IPPROTO_SCTP, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter f = {.tcp = cases[i].tcp, .udp = cases[i].udp};
		struct event e = make_event(EVENT_CONNECT);

		e.protocol = cases[i].protocol;
		assert_int_equal(filter_match(&f, &e), cases[i].match);
	}
}

static void test_family(void **state)
{
	struct event ipv4 = make_event(EVENT_CONNECT);
	struct event ipv6 = make_ipv6_event("::1", "::1", false);
	struct event mapped = make_ipv6_event("::ffff:10.0.0.1", "::ffff:10.0.0.2", true);
	struct filter only4 = {.ipv4 = true}, only6 = {.ipv6 = true};
	struct filter both = {.ipv4 = true, .ipv6 = true};

	(void)state;
	assert_true(filter_match(&only4, &ipv4));
	assert_false(filter_match(&only4, &ipv6));
	assert_true(filter_match(&only4, &mapped));
	assert_false(filter_match(&only6, &ipv4));
	assert_true(filter_match(&only6, &ipv6));
	assert_true(filter_match(&only6, &mapped));
	assert_true(filter_match(&both, &ipv4));
	assert_true(filter_match(&both, &ipv6));
}

static void test_ports(void **state)
{
	static const struct {
		const char *either, *local, *peer;
		bool match;
	} cases[] = {
		{"443", NULL, NULL, true},
		{"44420", NULL, NULL, true},
		{"80", NULL, NULL, false},
		{"80,400-500", NULL, NULL, true},
		{NULL, "44420", NULL, true},
		{NULL, "443", NULL, false},
		{NULL, NULL, "443", true},
		{NULL, NULL, "44420", false},
		{NULL, "44420", "443", true},
		{NULL, "44420", "80", false},
		{"443", "44000-45000", "1-1023", true},
		{"80", "44420", "443", false},
	};
	struct event e = make_event(EVENT_CONNECT);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter f;

		filter_init(&f);
		if (cases[i].either)
			assert_int_equal(units_parse_ranges(cases[i].either, 65535, &f.ports), 0);
		if (cases[i].local)
			assert_int_equal(units_parse_ranges(cases[i].local, 65535, &f.local_ports),
					 0);
		if (cases[i].peer)
			assert_int_equal(units_parse_ranges(cases[i].peer, 65535, &f.peer_ports),
					 0);
		assert_int_equal(filter_match(&f, &e), cases[i].match);
		filter_done(&f);
	}
}

static void test_absent_end_matches_nothing(void **state)
{
	struct event e = make_event(EVENT_LISTEN);
	struct filter f;

	(void)state;
	e.has_peer = false;
	filter_init(&f);
	assert_int_equal(units_parse_ranges("443", 65535, &f.ports), 0);
	assert_false(filter_match(&f, &e));
	filter_done(&f);
	assert_int_equal(units_parse_ranges("443", 65535, &f.peer_ports), 0);
	assert_false(filter_match(&f, &e));
	filter_done(&f);
	assert_int_equal(filter_add_cidr(&f, "192.0.2.7"), 0);
	assert_false(filter_match(&f, &e));
	e.has_peer = true;
	assert_true(filter_match(&f, &e));
	e.has_local = e.has_peer = false;
	assert_false(filter_match(&f, &e));
	filter_done(&f);
}

static void test_cidr(void **state)
{
	static const struct {
		const char *list;
		bool ipv4, ipv6,
			mapped; /* 10.0.0.1/192.0.2.7; fe80::1/2001:db8::2; ::ffff:10.0.0.1/:: */
	} cases[] = {
		{"10.0.0.0/8", true, false, true},
		{"10.0.0.1", true, false, true},
		{"10.0.0.1/32", true, false, true},
		{"10.0.0.2", false, false, false},
		{"10.0.0.0/31", true, false, true},
		{"10.0.0.2/31", false, false, false},
		{"192.0.2.0/29", true, false, false},
		{"192.0.2.8/29", false, false, false},
		{"10.255.255.255/8", true, false, true},
		{"0.0.0.0/0", true, false, true},
		{"0.0.0.0", false, false, true},
		{"::", false, false, true},
		{"::/0", false, true, true},
		{"fe80::/10", false, true, false},
		{"fec0::/10", false, false, false},
		{"2001:db8::2", false, true, false},
		{"2001:db8::/127", false, false, false},
		{"::ffff:10.0.0.0/104", true, false, true},
		{"::ffff:10.0.0.1", true, false, true},
		{"::ffff:0:0/96", true, false, true},
		{"172.16.0.0/12,fe80::1", false, true, false},
	};
	struct event ipv4 = make_event(EVENT_CONNECT);
	struct event ipv6 = make_ipv6_event("fe80::1", "2001:db8::2", false);
	struct event mapped = make_ipv6_event("::ffff:10.0.0.1", "::", true);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter f;

		filter_init(&f);
		assert_int_equal(filter_add_cidr(&f, cases[i].list), 0);
		if (filter_match(&f, &ipv4) != cases[i].ipv4 ||
		    filter_match(&f, &ipv6) != cases[i].ipv6 ||
		    filter_match(&f, &mapped) != cases[i].mapped)
			fail_msg("%s", cases[i].list);
		filter_done(&f);
	}
}

static void test_cidr_refused(void **state)
{
	static const char *const refused[] = {
		"",
		",",
		"10.0.0.0/8,",
		",10.0.0.0/8",
		"10.0.0.0/33",
		"::/129",
		"10.0.0.0/",
		"10.0.0.0/-1",
		"10.0.0.0/8x",
		"10.0.0",
		"10.0.0.256",
		"localhost",
		"fe80::1%lo",
		"10.0.0.0/8/8",
		"/8",
		"::ffff:10.0.0.1/129",
		"0000:0000:0000:0000:0000:ffff:255.255.255.255/0000000000000128",
	};
	struct filter f;

	(void)state;
	filter_init(&f);
	assert_int_equal(filter_add_cidr(&f, "10.0.0.0/8"), 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (filter_add_cidr(&f, refused[i]) != -EINVAL || f.cidr_count != 1)
			fail_msg("'%s' is accepted", refused[i]);
	}
	assert_int_equal(filter_add_cidr(&f, "::1,::2"), 0);
	assert_int_equal(f.cidr_count, 3);
	filter_done(&f);
}

static void test_states(void **state)
{
	struct filter f = {.states = BIT(STATE_LISTEN) | BIT(STATE_TIME_WAIT)};
	struct event change = make_event(EVENT_STATE), close = make_event(EVENT_CLOSE);
	struct event listening = make_event(EVENT_LISTEN);

	(void)state;
	change.state.from = STATE_SYN_SENT;
	change.state.to = STATE_ESTABLISHED;
	assert_false(filter_match(&f, &change));
	change.state.to = STATE_LISTEN;
	assert_true(filter_match(&f, &change));
	change.state.from = STATE_LISTEN;
	change.state.to = STATE_CLOSE;
	assert_true(filter_match(&f, &change));

	close.close.span_count = 2;
	close.close.spans[0].state = STATE_SYN_SENT;
	close.close.spans[1].state = STATE_ESTABLISHED;
	assert_false(filter_match(&f, &close));
	close.close.time_wait = true;
	assert_true(filter_match(&f, &close));
	close.close.time_wait = false;
	close.close.spans[1].state = STATE_LISTEN;
	assert_true(filter_match(&f, &close));
	f.states = BIT(STATE_CLOSE);
	assert_true(filter_match(&f, &close));
	assert_false(filter_match(&f, &listening));
	f.states = BIT(STATE_LISTEN);
	assert_true(filter_match(&f, &listening));
}

static void test_states_drop_events_without_one(void **state)
{
	static const enum event_kind kinds[] = {EVENT_BIND, EVENT_CONNECT, EVENT_ACCEPT};
	struct filter f = {.states = ~0u};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct event e = make_event(kinds[i]);

		assert_false(filter_match(&f, &e));
	}
}

static void test_words(void **state)
{
	static const char bad_states[] = "listen,foo,bar", bad_kinds[] = "bind,";
	const char *bad = NULL;
	struct filter f;

	(void)state;
	filter_init(&f);
	assert_int_equal(filter_add_states(&f, "LISTEN,time-wait", &bad), 0);
	assert_int_equal(f.states, BIT(STATE_LISTEN) | BIT(STATE_TIME_WAIT));
	assert_int_equal(filter_add_states(&f, "established", &bad), 0);
	assert_int_equal(f.states,
			 BIT(STATE_LISTEN) | BIT(STATE_TIME_WAIT) | BIT(STATE_ESTABLISHED));
	assert_null(bad);
	assert_int_equal(filter_add_states(&f, bad_states, &bad), -EINVAL);
	assert_ptr_equal(bad, bad_states + 7);
	assert_int_equal(filter_add_states(&f, "", &bad), -EINVAL);
	assert_int_equal(f.states,
			 BIT(STATE_LISTEN) | BIT(STATE_TIME_WAIT) | BIT(STATE_ESTABLISHED));

	assert_int_equal(filter_add_kinds(&f, "bind,close", &bad), 0);
	assert_int_equal(f.kinds, BIT(EVENT_BIND) | BIT(EVENT_CLOSE));
	assert_int_equal(filter_add_kinds(&f, bad_kinds, &bad), -EINVAL);
	assert_ptr_equal(bad, bad_kinds + 5);
	filter_done(&f);
}

/* A connect() that failed at once has no life: its errno says what a life would. */
static void test_reasons(void **state)
{
	static const struct event_trouble range = {.has_range = true}, address = {0};
	static const struct {
		enum event_kind kind;
		int error;
		uint16_t protocol, port;
		const struct event_trouble *trouble;
		enum close_reason reason, is;
		bool failed;
	} cases[] = {
		{EVENT_CLOSE, 0, 0, 0, NULL, REASON_LOCAL_CLOSE, REASON_LOCAL_CLOSE, false},
		{EVENT_CLOSE, 0, 0, 0, NULL, REASON_PEER_CLOSE, REASON_PEER_CLOSE, false},
		{EVENT_CLOSE, 0, 0, 0, NULL, REASON_UNKNOWN, REASON_UNKNOWN, false},
		{EVENT_CLOSE, 0, 0, 0, NULL, REASON_ABANDONED, REASON_ABANDONED, true},
		{EVENT_CLOSE, 0, 0, 0, NULL, REASON_LOCAL_RESET, REASON_LOCAL_RESET, true},
		{EVENT_CONNECT, ENETUNREACH, 0, 0, NULL, 0, REASON_UNREACHABLE, true},
		{EVENT_CONNECT, EHOSTUNREACH, 0, 0, NULL, 0, REASON_UNREACHABLE, true},
		{EVENT_CONNECT, ECONNREFUSED, 0, 80, NULL, 0, REASON_REFUSED, true},
		{EVENT_CONNECT, ETIMEDOUT, 0, 80, NULL, 0, REASON_TIMEOUT, true},
		{EVENT_CONNECT, EADDRNOTAVAIL, 0, 0, NULL, 0, REASON_PORT_EXHAUSTED, true},
		{EVENT_CONNECT, EADDRNOTAVAIL, 0, 0, &range, 0, REASON_PORT_EXHAUSTED, true},
		{EVENT_CONNECT, EADDRNOTAVAIL, 0, 0, &address, 0, REASONS, true},
		{EVENT_CONNECT, EADDRNOTAVAIL, 0, 80, NULL, 0, REASONS, true},
		{EVENT_CONNECT, EAGAIN, IPPROTO_UDP, 0, NULL, 0, REASON_PORT_EXHAUSTED, true},
		{EVENT_CONNECT, EACCES, 0, 0, NULL, 0, REASONS, true},
		{EVENT_CONNECT, 0, 0, 80, NULL, 0, REASONS, false},
		{EVENT_BIND, EADDRINUSE, 0, 80, NULL, 0, REASONS, true},
		{EVENT_ACCEPT, EMFILE, 0, 80, NULL, 0, REASONS, true},
		{EVENT_STATE, 0, 0, 80, NULL, 0, REASONS, false},
		{EVENT_OVERFLOW, 0, 0, 80, NULL, 0, REASONS, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct event e = make_event(cases[i].kind);
		struct filter failed = {.failed = true};

		e.error = cases[i].error;
		e.local.port = cases[i].port;
		e.trouble = cases[i].trouble;
		if (cases[i].protocol)
			e.protocol = cases[i].protocol;
		if (e.kind == EVENT_CLOSE)
			e.close.reason = cases[i].reason;
		for (int reason = 0; reason < REASONS; reason++) {
			struct filter f = {.reasons = BIT(reason)};

			if (filter_match(&f, &e) != (reason == (int)cases[i].is))
				fail_msg("case %zu: reason %d", i, reason);
		}
		if (filter_match(&failed, &e) != cases[i].failed)
			fail_msg("case %zu: failed", i);
	}
}

/* It has not ended yet. */
static void test_reasons_of_an_open_life(void **state)
{
	struct event e = make_event(EVENT_CLOSE);
	struct filter unknown = {.reasons = BIT(REASON_UNKNOWN)}, failed = {.failed = true};

	(void)state;
	e.close = (struct event_close){.end = EVENT_END_OPEN, .reason = REASON_UNKNOWN};
	assert_false(filter_match(&unknown, &e));
	e.close.reason = REASON_ABORTED;
	assert_false(filter_match(&failed, &e));
}

static void test_kinds(void **state)
{
	struct filter f = {.kinds = BIT(EVENT_BIND) | BIT(EVENT_CLOSE)};

	(void)state;
	for (int kind = 0; kind < EVENT_KINDS; kind++) {
		struct event e = make_event(kind);

		assert_int_equal(filter_match(&f, &e),
				 kind == EVENT_BIND || kind == EVENT_CLOSE || kind == EVENT_LOST);
	}
}

static void test_netns(void **state)
{
	struct filter f = {.has_netns = true, .netns = 77};
	struct event e = make_event(EVENT_BIND);

	(void)state;
	assert_true(filter_match(&f, &e));
	f.netns = 78;
	assert_false(filter_match(&f, &e));
}

static void test_process(void **state)
{
	static char nginx_name[] = "ngin", whole[] = "nginx", longer[] = "nginxx";
	static char service[] = "/system.slice/nginx.service", slice[] = "/system.slice";
	static char sibling[] = "/system.slice/nginx", below[] = "/system.slice/nginx.service/a";
	static char root[] = "", id[] = "4f1a2b3c", cut[] = "4f1", other[] = "4f1a2b3cd";
	struct units_range in = {900, 901}, out = {902, 903};
	const struct {
		struct filter filter;
		bool nginx, kthread;
	} cases[] = {
		{{.pids = {&in, 1}}, true, false},
		{{.pids = {&out, 1}}, false, false},
		{{.has_uid = true, .uid = 33}, true, false},
		{{.has_uid = true, .uid = 0}, false, true},
		{{.comm = nginx_name}, true, false},
		{{.comm = whole}, true, false},
		{{.comm = longer}, false, false},
		{{.cgroup = service}, true, false},
		{{.cgroup = slice}, true, false},
		{{.cgroup = sibling}, false, false},
		{{.cgroup = below}, false, false},
		{{.cgroup = root}, true, true},
		{{.container = id}, true, false},
		{{.container = cut}, true, false},
		{{.container = other}, false, false},
		{{.comm = whole, .has_uid = true, .uid = 33}, true, false},
		{{.comm = whole, .has_uid = true, .uid = 34}, false, false},
	};
	struct event e = make_event(EVENT_CONNECT);
	struct process no_cgroup = nginx;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		e.process = &nginx;
		assert_int_equal(filter_match(&cases[i].filter, &e), cases[i].nginx);
		e.process = &kthread;
		assert_int_equal(filter_match(&cases[i].filter, &e), cases[i].kthread);
		e.process = NULL;
		assert_false(filter_match(&cases[i].filter, &e));
	}
	no_cgroup.cgroup = NULL;
	e.process = &no_cgroup;
	assert_false(filter_match(&(struct filter){.cgroup = root}, &e));
}

static void test_all_must_hold(void **state)
{
	struct event e = make_event(EVENT_CONNECT);
	struct filter f = {.tcp = true, .ipv4 = true, .has_netns = true, .netns = 77};

	(void)state;
	assert_true(filter_match(&f, &e));
	f.ipv4 = false;
	f.ipv6 = true;
	assert_false(filter_match(&f, &e));
	f.ipv6 = false;
	f.udp = true;
	f.tcp = false;
	assert_false(filter_match(&f, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_matches_everything),
		cmocka_unit_test(test_lost_always_passes),
		cmocka_unit_test(test_protocol),
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_absent_end_matches_nothing),
		cmocka_unit_test(test_cidr),
		cmocka_unit_test(test_cidr_refused),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_states_drop_events_without_one),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_reasons_of_an_open_life),
		cmocka_unit_test(test_netns),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_all_must_hold),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
