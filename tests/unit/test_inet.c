// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void ipv6_is_spelled_as_rfc5952_says(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"::", "::"},
		{"::1", "::1"},
		{"1::", "1::"},
		{"2001:DB8::1", "2001:db8::1"},
		{"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"},
		{"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
		{"0:1:0:1:0:1:0:1", "0:1:0:1:0:1:0:1"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"::192.0.2.1", "::c000:201"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"fe80::a0b:c0d", "fe80::a0b:c0d"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[INET_ADDRESS_SIZE];
		uint8_t addr[16];

		assert_int_equal(inet_pton(AF_INET6, rows[i].in, addr), 1);
		assert_int_equal(inet_format_address(text, FAMILY_IPV6, false, addr),
				 strlen(rows[i].out));
		assert_string_equal(text, rows[i].out);
	}
}

static void any_ipv6_address_is_read_back_as_itself(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < 100000; round++) {
		uint8_t addr[16], back[16];
		char text[INET_ADDRESS_SIZE];

		for (int i = 0; i < 16; i += 2) {
			long r = random();
			uint16_t group = (uint16_t)(r & 1 ? 0 : r >> 8 >> (r >> 4 & 15));

			memcpy(addr + i, &group, 2);
		}
		inet_format_address(text, FAMILY_IPV6, false, addr);
		assert_int_equal(inet_pton(AF_INET6, text, back), 1);
		assert_memory_equal(addr, back, 16);
		assert_null(strstr(text, ":::"));
	}
}

static void ipv4_bytes_are_written_without_leading_zeros(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t addr[16] = {(uint8_t)i, 0, (uint8_t)(255 - i), 10};
		char text[INET_ADDRESS_SIZE], want[INET_ADDRESS_SIZE];

		snprintf(want, sizeof(want), "%u.0.%u.10", i, 255 - i);
		assert_int_equal(inet_format_address(text, FAMILY_IPV4, false, addr), strlen(want));
		assert_string_equal(text, want);
	}
}

static void mapped_addresses_print_as_ipv4(void **state)
{
	const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};
	const uint8_t any[16] = {0};
	char text[INET_ADDRESS_SIZE];

	(void)state;
	inet_format_address(text, FAMILY_IPV6, true, mapped);
	assert_string_equal(text, "192.0.2.1");
	inet_format_address(text, FAMILY_IPV6, true, any);
	assert_string_equal(text, "0.0.0.0");
}

static void endpoints_bracket_ipv6_and_name_the_interface(void **state)
{
	struct endpoint e = {.addr = {0xfe, 0x80, [15] = 1}, .port = 65535};
	struct endpoint v4 = {.addr = {127, 0, 0, 1}, .port = 0};
	struct endpoint longest = {.port = 65535};
	char text[INET_ENDPOINT_SIZE], name[INET_INTERFACE_MAX + 10];

	(void)state;
	inet_format_endpoint(text, FAMILY_IPV6, false, &e, NULL);
	assert_string_equal(text, "[fe80::1]:65535");
	inet_format_endpoint(text, FAMILY_IPV6, false, &e, "eth0");
	assert_string_equal(text, "[fe80::1%eth0]:65535");
	inet_format_endpoint(text, FAMILY_IPV4, false, &v4, NULL);
	assert_string_equal(text, "127.0.0.1:0");

	memset(longest.addr, 0xff, 16);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(inet_format_endpoint(text, FAMILY_IPV6, false, &longest, NULL), 47);
	assert_true(inet_format_endpoint(text, FAMILY_IPV6, false, &longest, name) <
		    INET_ENDPOINT_SIZE);
}

static void a_wildcard_says_which_families_it_takes(void **state)
{
	static const struct {
		enum family family;
		bool known, v6only, one;
		const char *text;
	} cases[] = {
		{FAMILY_IPV4, true, false, false, "0.0.0.0:80"},
		{FAMILY_IPV6, true, false, false, "*:80"},
		{FAMILY_IPV6, true, true, false, "[::]:80"},
		{FAMILY_IPV6, false, false, false, "[::]?:80"},
		{FAMILY_IPV6, true, false, true, "[::1]:80"},
	};
	char text[INET_ENDPOINT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct endpoint e = {.addr = {[15] = cases[i].one}, .port = 80};

		e.takes = (uint8_t)inet_takes(cases[i].family, e.addr, cases[i].known,
					      cases[i].v6only);
		inet_format_endpoint(text, cases[i].family, false, &e, NULL);
		assert_string_equal(text, cases[i].text);
	}
}

static void numbers_are_written_in_decimal(void **state)
{
	uint64_t value = 1;

	(void)state;
	for (int digits = 1; digits <= 20; digits++, value *= 10) {
		const uint64_t values[] = {value - 1, value, value + 1, value * 9, UINT64_MAX};

		for (size_t i = 0; i < COUNT(values); i++) {
			char text[21], want[21];

			text[inet_format_number(text, values[i])] = '\0';
			snprintf(want, sizeof(want), "%llu", (unsigned long long)values[i]);
			assert_string_equal(text, want);
		}
	}
}

static void addresses_are_told_apart(void **state)
{
	const uint8_t first[16] = {0xfe, 0x80}, last[16] = {0xfe, 0xbf}, site[16] = {0xfe, 0xc0};
	const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff}, one[16] = {[15] = 1};
	const uint8_t zero[16] = {0};

	(void)state;
	assert_true(inet_is_link_local(first) && inet_is_link_local(last));
	assert_false(inet_is_link_local(site) || inet_is_link_local(zero));
	assert_true(inet_is_mapped(mapped));
	assert_false(inet_is_mapped(one) || inet_is_mapped(zero));
	assert_true(inet_is_any(FAMILY_IPV6, zero) && inet_is_any(FAMILY_IPV4, one));
	assert_false(inet_is_any(FAMILY_IPV6, one) || inet_is_any(FAMILY_IPV6, mapped));
}

static void states_have_the_kernels_names(void **state)
{
	static const char *const names[] = {"ESTABLISHED", "SYN_SENT",	"SYN_RECV", "FIN_WAIT1",
					    "FIN_WAIT2",   "TIME_WAIT", "CLOSE",    "CLOSE_WAIT",
					    "LAST_ACK",	   "LISTEN",	"CLOSING",  "NEW_SYN_RECV"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_string_equal(inet_state_name((enum tcp_state)(i + 1)), names[i]);
		assert_int_equal(inet_state_parse(names[i], strlen(names[i])), i + 1);
	}
	assert_null(inet_state_name(STATE_NONE));
	assert_null(inet_state_name(STATES));
	assert_null(inet_state_name((enum tcp_state) - 1));
}

static void states_are_read_in_other_tools_spelling(void **state)
{
	static const struct {
		const char *name;
		enum tcp_state state;
	} rows[] = {
		{"established", STATE_ESTABLISHED},
		{"estab", STATE_ESTABLISHED},
		{"time-wait", STATE_TIME_WAIT},
		{"Time_Wait", STATE_TIME_WAIT},
		{"syn-recv", STATE_SYN_RECV},
		{"fin-wait-1", STATE_FIN_WAIT1},
		{"fin-wait-2", STATE_FIN_WAIT2},
		{"listening", STATE_LISTEN},
		{"closed", STATE_CLOSE},
		{"unconn", STATE_CLOSE},
		{"", STATE_NONE},
		{"LISTE", STATE_NONE},
		{"LISTENS", STATE_NONE},
		{"a-state-that-is-none", STATE_NONE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(inet_state_parse(rows[i].name, strlen(rows[i].name)),
				 rows[i].state);
	assert_int_equal(inet_state_parse("close,listen", 5), STATE_CLOSE);
	assert_int_equal(inet_state_parse("close\0wait", 10), STATE_NONE);
}

static void protocols_and_errors_have_names(void **state)
{
	(void)state;
	assert_string_equal(inet_protocol_name(IPPROTO_TCP), "tcp");
	assert_string_equal(inet_protocol_name(IPPROTO_UDP), "udp");
	assert_string_equal(inet_protocol_name(IPPROTO_MPTCP), "mptcp");
	assert_string_equal(inet_protocol_name(IPPROTO_SCTP), "sctp");
	assert_null(inet_protocol_name(253));
	assert_string_equal(inet_errno_name(ECONNREFUSED), "ECONNREFUSED");
	assert_string_equal(inet_errno_name(EADDRNOTAVAIL), "EADDRNOTAVAIL");
	assert_null(inet_errno_name(0));
	assert_null(inet_errno_name(512));
}

static void kinds_are_read_back_as_named(void **state)
{
	(void)state;
	for (int kind = 0; kind < EVENT_KINDS; kind++) {
		const char *name = event_kind_name((enum event_kind)kind);

		assert_int_equal(event_kind_parse(name, strlen(name)), kind);
	}
	for (int reason = 0; reason < REASONS; reason++)
		assert_non_null(event_reason_name((enum close_reason)reason));
	assert_int_equal(event_kind_parse("bin", 3), -1);
	assert_int_equal(event_kind_parse("", 0), -1);
	assert_int_equal(event_kind_parse("bind,close", 4), EVENT_BIND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv6_is_spelled_as_rfc5952_says),
		cmocka_unit_test(any_ipv6_address_is_read_back_as_itself),
		cmocka_unit_test(ipv4_bytes_are_written_without_leading_zeros),
		cmocka_unit_test(mapped_addresses_print_as_ipv4),
		cmocka_unit_test(endpoints_bracket_ipv6_and_name_the_interface),
		cmocka_unit_test(a_wildcard_says_which_families_it_takes),
		cmocka_unit_test(numbers_are_written_in_decimal),
		cmocka_unit_test(addresses_are_told_apart),
		cmocka_unit_test(states_have_the_kernels_names),
		cmocka_unit_test(states_are_read_in_other_tools_spelling),
		cmocka_unit_test(protocols_and_errors_have_names),
		cmocka_unit_test(kinds_are_read_back_as_named),
	};

	return cmocka_run_group_tests_name("inet", tests, NULL, NULL);
}
