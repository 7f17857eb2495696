// SPDX-License-Identifier: GPL-2.0-only
/* test_filter_programs.c - what the programs are told of a filter leaves out nothing that the filter would have let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "wire_filter.h"

#define ROUNDS 20000

static bool has(const struct wire_filter_ports *ports, unsigned int port)
{
	return ports->bits[port / 64] >> (port % 64) & 1;
}

/* As bpf/protocols.h decides of a socket with both ports. */
static bool is_left_out(const struct wire_filter *f, const struct wire_filter_ports *ports,
			const struct event *e)
{
	if (f->netns && f->netns != e->netns)
		return true;
	if (inet_is_udp(e->protocol))
		return f->without_udp;
	if (f->without_tcp)
		return true;
	return f->ends && e->protocol == IPPROTO_TCP &&
	       !((f->ends & WIRE_FILTER_LOCAL) && has(ports, e->local.port)) &&
	       !((f->ends & WIRE_FILTER_PEER) && has(ports, e->peer.port));
}

static bool any(unsigned int of)
{
	return (unsigned int)random() % of == 0;
}

/* Few, so that they meet. */
static void add_ports(struct units_ranges *ret)
{
	static const char *const lists[] = {"1", "2,4", "1-3", "3-4", "65535", "0"};

	if (any(3))
		assert_int_equal(units_parse_ranges(lists[random() % 6], UINT16_MAX, ret), 0);
}

static uint16_t some_port(void)
{
	static const uint16_t ports[] = {1, 2, 3, 4, 5, 65535};

	return ports[random() % 6];
}

static void nothing_that_is_asked_for_is_left_out(void **state)
{
	static const uint16_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE,
					     IPPROTO_MPTCP};
	unsigned int left_out = 0, let_through = 0;

	(void)state;
	srandom(7);
	for (int i = 0; i < ROUNDS; i++) {
		struct wire_filter_ports ports;
		struct wire_filter wire;
		struct filter f;
		struct event e = {
			.kind = EVENT_STATE,
			.protocol = protocols[random() % 4],
			.family = FAMILY_IPV4,
			.has_local = true,
			.has_peer = true,
			.netns = 1 + (uint32_t)any(2),
			.local.port = some_port(),
			.peer.port = some_port(),
		};

		filter_init(&f);
		f.tcp = any(3);
		f.udp = any(3);
		f.has_netns = any(3);
		f.netns = 1;
		add_ports(&f.ports);
		add_ports(&f.local_ports);
		add_ports(&f.peer_ports);
		if (!filter_for_programs(&f, &wire, &ports)) {
			assert_false(f.has_netns || f.ports.count || f.local_ports.count ||
				     f.peer_ports.count || f.tcp != f.udp);
		} else if (is_left_out(&wire, &ports, &e)) {
			assert_false(filter_match(&f, &e));
			left_out++;
		} else {
			let_through += filter_match(&f, &e);
		}
		filter_done(&f);
	}
	assert_true(left_out > ROUNDS / 10 && let_through > ROUNDS / 10);
}

static void the_span_of_ports(void **state)
{
	struct wire_filter_ports ports;
	struct wire_filter wire;
	struct filter f;

	(void)state;
	filter_init(&f);
	assert_int_equal(units_parse_ranges("443,8000-8100,80", UINT16_MAX, &f.ports), 0);
	assert_true(filter_for_programs(&f, &wire, &ports));
	assert_int_equal(wire.ends, WIRE_FILTER_LOCAL | WIRE_FILTER_PEER);
	assert_int_equal(wire.lowest, 80);
	assert_int_equal(wire.highest, 8100);
	assert_true(has(&ports, 80) && has(&ports, 443) && has(&ports, 8000) && has(&ports, 8100));
	assert_false(has(&ports, 0) || has(&ports, 81) || has(&ports, 7999) || has(&ports, 8101));
	filter_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_that_is_asked_for_is_left_out),
		cmocka_unit_test(the_span_of_ports),
	};

	return cmocka_run_group_tests_name("filter for programs", tests, NULL, NULL);
}
