// SPDX-License-Identifier: GPL-2.0-only
/* Who holds a port: every pair of holder and asker that the kernel refuses, and those it lets pass. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conflict.h"

#define RA WIRE_O_REUSEADDR
#define RP WIRE_O_REUSEPORT

static void conflicts_as_the_kernel_has_them(void **state)
{
	static const struct {
		enum where held;
		uint8_t held_options;
		bool listening;
		enum where asked;
		uint8_t asked_options;
		uint32_t uid; /* of who asks; the holder is 0 */
		bool conflict;
		uint32_t why;
	} cases[] = {
		{ONE4, 0, true, ONE4, 0, 0, true, WHY_LISTENING},
		{ONE4, 0, true, TWO4, 0, 0, false, 0},
		{ANY4, 0, true, ONE4, 0, 0, true, WHY_LISTENING | WHY_WILDCARD},
		{ONE4, 0, true, ANY4, 0, 0, true, WHY_LISTENING | WHY_WILDCARD},
		{ANY6, 0, true, ANY4, 0, 0, true, WHY_LISTENING | WHY_DUAL_STACK},
		{ANY6, 0, true, ONE4, 0, 0, true, WHY_LISTENING | WHY_DUAL_STACK | WHY_WILDCARD},
		{ANY4, 0, true, ANY6, 0, 0, true, WHY_LISTENING | WHY_DUAL_STACK},
		{ANY6ONLY, 0, true, ANY4, 0, 0, false, 0},
		{ANY4, 0, true, ANY6ONLY, 0, 0, false, 0},
		{ANY4, 0, true, ONE6, 0, 0, false, 0},
		{ANY6, 0, true, ONE6, 0, 0, true, WHY_LISTENING | WHY_WILDCARD},
		{MAPPED1, 0, true, ONE4, 0, 0, true, WHY_LISTENING},
		{MAPPED1, 0, true, TWO4, 0, 0, false, 0},
		{ONE4, RA, true, ONE4, RA, 0, true, WHY_LISTENING},
		{ONE4, RA, false, ONE4, RA, 0, false, 0},
		{ONE4, 0, false, ONE4, RA, 0, true, WHY_REUSEADDR_THERE},
		{ONE4, RA, false, ONE4, 0, 0, true, WHY_REUSEADDR_HERE},
		{ONE4, RP, true, ONE4, RP, 0, false, 0},
		{ONE4, RP, true, ONE4, RP, 5, true, WHY_LISTENING | WHY_REUSEPORT_USER},
		{ONE4, RP, true, ONE4, 0, 0, true, WHY_LISTENING | WHY_REUSEPORT_HERE},
		{ONE4, 0, true, ONE4, RP, 0, true, WHY_LISTENING | WHY_REUSEPORT_THERE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *state_of_case;
		struct world *w;

		setup(&state_of_case);
		w = state_of_case;
		hold(w, cases[i].held, cases[i].held_options, 0, cases[i].listening);
		ask_port(w, cases[i].asked, cases[i].asked_options, cases[i].uid);
		if (w->trouble.holder_count != cases[i].conflict)
			fail_msg("case %zu: %zu holders", i, w->trouble.holder_count);
		if (cases[i].conflict && w->holder[0].why != cases[i].why)
			fail_msg("case %zu: why %#x", i, w->holder[0].why);
		teardown(&state_of_case);
	}
}

/* SO_REUSEPORT goes by who made the sockets, whoever the processes are by now. */
static void reuseport_goes_by_the_user_that_made_the_socket(void **state)
{
	static const struct {
		uint32_t held_by, held_socket, asked_by, asked_socket;
		bool conflict;
	} cases[] = {
		{65534, 0, 65534, 65534, true},	 /* the holder was root when it made its socket */
		{0, 65534, 65534, 65534, false}, /* it was handed to root */
		{65534, 65534, 65534, 0, true},	 /* the asker was root */
		{65534, 0, 5, 0, false},	 /* both were */
		{5, INET_NO_UID, 6, 6, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *state_of_case;
		struct world *w;
		struct fact f;

		setup(&state_of_case);
		w = state_of_case;
		f = call(w, WIRE_SEED_FILE, 0x1000, 100, cases[i].held_by);
		f.to = STATE_LISTEN;
		f.options |= RP;
		f.socket_uid = cases[i].held_socket;
		place(&f, ONE4);
		table_apply(w->table, &f);
		f = call(w, WIRE_BIND, 0x2000, 200, cases[i].asked_by);
		f.result = -EADDRINUSE;
		f.options |= RP;
		f.socket_uid = cases[i].asked_socket;
		place(&f, ONE4);
		table_apply(w->table, &f);
		assert_int_equal(w->trouble.holder_count, cases[i].conflict);
		if (cases[i].conflict)
			assert_int_equal(w->holder[0].why, WHY_LISTENING | WHY_REUSEPORT_USER);
		teardown(&state_of_case);
	}
}

/* A socket on device 5, in VRF 9 or in none, and one on no device: who keeps whom from the port. */
static void a_vrf_has_ports_of_its_own(void **state)
{
	static const struct {
		uint16_t protocol;
		uint32_t vrf, asker;
		unsigned int holders;
	} cases[] = {
		{IPPROTO_TCP, 9, 0, 1}, /* the one on no device */
		{IPPROTO_TCP, 9, 5, 1}, /* the one on the device */
		{IPPROTO_TCP, 9, 6, 1}, /* another device, in no VRF that is known: the one on none */
		{IPPROTO_TCP, 0, 0, 2}, {IPPROTO_TCP, 0, 5, 2},
		{IPPROTO_UDP, 9, 0, 2}, /* UDP knows no VRF here */
		{IPPROTO_UDP, 9, 5, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *state_of_case;
		struct world *w;
		struct fact f;

		setup(&state_of_case);
		w = state_of_case;
		for (uint32_t device = 0; device <= 5; device += 5) {
			f = call(w, WIRE_BIND, 0x1000 + 64 * device, 100, 0);
			f.protocol = cases[i].protocol;
			f.device = device;
			f.vrf = device ? cases[i].vrf : 0;
			table_apply(w->table, &f);
		}
		f = call(w, WIRE_BIND, 0x2000, 200, 0);
		f.protocol = cases[i].protocol;
		f.device = cases[i].asker;
		f.result = -EADDRINUSE;
		table_apply(w->table, &f);
		assert_int_equal(w->trouble.holder_count, cases[i].holders);
		teardown(&state_of_case);
	}
}

static void other_places_do_not_hold(void **state)
{
	struct world *w = *state;
	struct fact f = call(w, WIRE_BIND, 0x9000, 100, 0);

	f.netns = NETNS + 1;
	table_apply(w->table, &f);
	f = call(w, WIRE_BIND, 0x9040, 100, 0);
	f.local.port = PORT + 1;
	table_apply(w->table, &f);
	f = call(w, WIRE_BIND, 0x9080, 100, 0);
	f.protocol = IPPROTO_UDP;
	table_apply(w->table, &f);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 0);
}

static void udp_holds_against_udp(void **state)
{
	struct world *w = *state;
	struct fact f = call(w, WIRE_BIND, 0x9000, 100, 0);

	f.protocol = IPPROTO_UDP;
	table_apply(w->table, &f);
	f = call(w, WIRE_BIND, 0x9040, 200, 0);
	f.protocol = IPPROTO_UDP;
	f.result = -EADDRINUSE;
	table_apply(w->table, &f);
	assert_true(w->has_trouble);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->owner[0].pid, 100);
	assert_int_equal(w->holder[0].state, STATE_NONE);
}

static void a_destroyed_socket_holds_nothing(void **state)
{
	struct world *w = *state;
	uint64_t sk[5];
	struct fact f;

	for (int i = 0; i < 5; i++)
		sk[i] = hold(w, ONE4, RP, 0, true);
	for (int i = 0; i < 5; i++) {
		ask_port(w, ONE4, 0, 0);
		assert_int_equal(w->trouble.holder_count, 5 - i);
		f = call(w, WIRE_DESTROY, sk[(i * 2) % 5], 1, 0);
		table_apply(w->table, &f);
	}
	ask_port(w, ONE4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 0);
}

static void an_outgoing_connection_holds_its_port(void **state)
{
	struct world *w = *state;

	open_connection(w, 0x9000, 80);
	ask_port(w, ANY4, RA, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].why, WHY_OUTGOING | WHY_WILDCARD | WHY_REUSEADDR_THERE);
	assert_int_equal(w->holder[0].state, STATE_ESTABLISHED);
	assert_true(w->holder[0].has_peer);
	assert_int_equal(w->owner[0].pid, 100);
}

static void time_wait_holds_for_a_minute(void **state)
{
	struct world *w = *state;

	open_connection(w, 0x9000, 80);
	close_connection(w, 0x9000, 80);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].state, STATE_TIME_WAIT);
	assert_true(w->holder[0].why & WHY_TIME_WAIT);
	assert_int_equal(w->owner[0].pid, 100);
	w->now += 59 * SECOND;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	w->now += 2 * SECOND;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 0);
}

static void a_reused_time_wait_is_the_new_connection(void **state)
{
	struct world *w = *state;

	open_connection(w, 0x9000, 80);
	close_connection(w, 0x9000, 80);
	open_connection(w, 0x9040, 80);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].state, STATE_ESTABLISHED);
}

static void a_seeded_minisock_has_no_owner(void **state)
{
	struct world *w = *state;
	struct fact f = call(w, WIRE_SEED_SOCKET, 0x9000, 0, 0);
	uint64_t added, removed;

	f.has_task = false;
	f.to = STATE_TIME_WAIT;
	f.peer.port = 80;
	place(&f, ONE4);
	for (int i = 0; i < 2; i++) { /* a second look finds the same one */
		table_seed_begin(w->table, w->now);
		table_seed(w->table, &f);
		table_seed_end(w->table, false, &added, &removed);
	}
	assert_int_equal(added, 0);
	ask_port(w, ONE4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_null(w->holder[0].process);
	assert_int_equal(w->holder[0].since_ns, 0);
}

static void many_time_waits_are_all_found(void **state)
{
	struct world *w = *state;

	for (unsigned int i = 0; i < 5000; i++) {
		open_connection(w, 0x9000, (uint16_t)(1000 + i));
		close_connection(w, 0x9000, (uint16_t)(1000 + i));
	}
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 64);
	assert_int_equal(w->trouble.holders_more, 5000 - 64);
}

static void answer_range(struct world *w)
{
	struct port_range range = {.unprivileged_from = 1024};
	struct table_question q;

	if (!table_question(w->table, &q))
		return;
	assert_int_equal(q.kind, QUESTION_RANGE);
	assert_int_equal(port_range_parse("4000\t4009\n", &range), 0);
	assert_int_equal(port_range_parse_reserved("4005,80,4008-4020\n", &range), 0);
	table_answer_range(w->table, q.netns == NETNS ? &range : NULL);
}

static void ask_range(struct world *w)
{
	table_take_questions(w->table);
	w->answer = answer_range;
}

/* connect() of an unbound socket to 127.0.0.1:80 that fails. */
static void fail_connect(struct world *w, int error, uint8_t flags)
{
	struct fact f = call(w, WIRE_CONNECT, w->sk += 64, 5, 0);

	f.local.port = 0;
	f.result = -error;
	f.flags = flags;
	memcpy(f.peer.addr, "\x7f\0\0\1", 4);
	f.peer.port = 80;
	fail_call(w, &f);
}

static void exhaustion_counts_the_range(void **state)
{
	struct world *w = *state;

	ask_range(w);
	open_connection(w, 0x9000, 80);
	open_connection(w, 0x9040, 81); /* the same port elsewhere */
	fail_connect(w, EADDRNOTAVAIL, WIRE_F_OPENED);
	assert_true(w->has_trouble && w->trouble.has_range);
	assert_false(w->last.connect.no_source);
	assert_int_equal(w->trouble.low, 4000);
	assert_int_equal(w->trouble.high, 4009);
	assert_int_equal(w->trouble.reserved, 3);
	assert_int_equal(w->trouble.used, 1);
}

/* The life that the call began waits with it for the answer. */
static void the_end_follows_the_failure(void **state)
{
	struct world *w = *state;
	struct fact f = call(w, WIRE_OPEN, w->sk + 64, 5, 0);

	ask_range(w);
	f.local.port = 0;
	f.to = STATE_SYN_SENT;
	table_apply(w->table, &f);
	f = call(w, WIRE_CLOSED, f.sk, 5, 0);
	f.local.port = 0;
	f.from = STATE_SYN_SENT;
	table_apply(w->table, &f);
	fail_connect(w, EADDRNOTAVAIL, WIRE_F_OPENED);
	assert_int_equal(w->last.kind, EVENT_CLOSE);
	assert_int_equal(w->last.close.reason, REASON_PORT_EXHAUSTED);
	assert_int_equal(w->last.error, EADDRNOTAVAIL);
	assert_int_equal(w->trouble.used, 0);
}

/* A port that bind() took is taken from connects to everywhere, whatever became of the socket. */
static void bound_ports_are_used_for_every_destination(void **state)
{
	struct world *w = *state;
	struct fact f = call(w, WIRE_BIND, 0x9000, 100, 0);

	ask_range(w);
	place(&f, ONE4);
	table_apply(w->table, &f); /* bind(addr, 0) names no port: the socket does not keep it */
	fail_connect(w, EADDRNOTAVAIL, WIRE_F_OPENED);
	assert_int_equal(w->trouble.used, 1);
	f.kind = WIRE_OPEN;
	f.from = STATE_CLOSE;
	f.to = STATE_SYN_SENT;
	f.peer.port = 81;
	w->now += SECOND;
	f.time_ns = w->now;
	table_apply(w->table, &f);
	fail_connect(w, EADDRNOTAVAIL, WIRE_F_OPENED);
	assert_int_equal(w->trouble.used, 1);
	f.kind = WIRE_STATE;
	f.from = STATE_SYN_SENT;
	f.to = STATE_ESTABLISHED;
	table_apply(w->table, &f);
	close_connection(w, 0x9000, 81);
	w->now += SECOND;
	fail_connect(w, EADDRNOTAVAIL, WIRE_F_OPENED);
	assert_int_equal(w->trouble.used, 1); /* in TIME_WAIT */
}

/* Of a socket older than the trace the kernel's bind bucket tells. */
static void seeded_ports_are_used_as_their_bucket_says(void **state)
{
	static const enum tcp_state states[] = {STATE_ESTABLISHED, STATE_TIME_WAIT};

	(void)state;
	for (int i = 0; i < 4; i++) {
		const uint8_t shared = i & 1 ? WIRE_O_SHARES_PORT : 0;
		void *state_of_case;
		struct world *w;
		uint64_t added, removed;
		struct fact f;

		setup(&state_of_case);
		w = state_of_case;
		ask_range(w);
		f = call(w, WIRE_SEED_SOCKET, 0x9000, 0, 0);
		f.has_task = false;
		f.options |= shared;
		f.to = states[i / 2];
		f.peer.port = 81;
		place(&f, ONE4);
		table_seed_begin(w->table, w->now);
		table_seed(w->table, &f);
		table_seed_end(w->table, false, &added, &removed);
		fail_connect(w, EADDRNOTAVAIL, WIRE_F_OPENED);
		assert_int_equal(w->trouble.used, shared ? 0 : 1);
		teardown(&state_of_case);
	}
}

/* The kernel looks for a port only after SYN_SENT: before that it is the address that is missing. */
static void no_source_address_is_no_exhaustion(void **state)
{
	struct world *w = *state;

	ask_range(w);
	fail_connect(w, EADDRNOTAVAIL, 0);
	assert_int_equal(w->last.kind, EVENT_CONNECT);
	assert_true(w->last.connect.no_source);
	assert_false(w->has_trouble);
	fail_connect(w, ENETUNREACH, 0);
	assert_false(w->last.connect.no_source);
	/* Again within a second, and counted. */
	fail_connect(w, EADDRNOTAVAIL, 0);
	table_release(w->table, w->now + 2 * SECOND);
	assert_int_equal(w->last.repeated, 1);
	assert_true(w->last.connect.no_source);
}

/* UDP has its port before it looks for a source. */
static void udp_tells_the_two_apart(void **state)
{
	struct world *w = *state;
	struct fact f = call(w, WIRE_CONNECT, 0x9000, 5, 0);

	ask_range(w);
	f.protocol = IPPROTO_UDP;
	f.peer.port = 80;
	f.result = -EADDRNOTAVAIL;
	fail_call(w, &f);
	assert_true(w->last.connect.no_source);
	assert_false(w->has_trouble);
	f.sk = 0x9040;
	f.cookie = 0;
	f.local.port = 0;
	f.result = -EAGAIN;
	fail_call(w, &f);
	assert_true(w->has_trouble && w->trouble.has_range);
	assert_int_equal(w->trouble.used, 1);
}

/* The socket is the listener; whose it is stands beside who asked it. */
static void a_failed_accept_is_of_its_listener(void **state)
{
	struct world *w = *state;
	uint64_t sk = hold(w, ONE4, 0, 0, true);
	struct fact f = call(w, WIRE_ACCEPT, sk, 200, 0);

	place(&f, ONE4);
	f.to = STATE_LISTEN;
	f.result = -EMFILE;
	table_apply(w->table, &f);
	assert_int_equal(w->last.kind, EVENT_ACCEPT);
	assert_int_equal(w->last.error, EMFILE);
	assert_int_equal(w->last.local.port, PORT);
	assert_true(w->last.has_local && !w->last.has_peer && !w->has_trouble);
	assert_non_null(w->last.accept.listener);
	w->last.kind = EVENT_KINDS;
	f.time_ns = w->now += 1000; /* again: counted */
	table_apply(w->table, &f);
	assert_int_equal(w->last.kind, EVENT_KINDS);
	table_release(w->table, w->now + 2 * SECOND);
	assert_int_equal(w->last.repeated, 1);
	/* No memory, no room in the whole machine: each is a failure of its own. */
	for (size_t i = 0; i < 3; i++) {
		f.result = -(const int[]){ENFILE, ENOBUFS, ENOMEM}[i];
		f.time_ns = w->now += 1000;
		w->last = (struct event){0};
		table_apply(w->table, &f);
		assert_int_equal(w->last.kind, EVENT_ACCEPT);
		assert_int_equal(w->last.error, -f.result);
		assert_true(w->last.repeated == 0 && w->last.has_local);
	}
}

static void a_low_port_needs_a_capability(void **state)
{
	struct world *w = *state;
	struct fact f = call(w, WIRE_BIND, 0x9000, 5, 1000);

	ask_range(w);
	f.result = -EACCES;
	f.local.port = 80;
	fail_call(w, &f);
	assert_true(w->has_trouble);
	assert_int_equal(w->trouble.unprivileged_from, 1024);
	f.local.port = 8080; /* refused by somebody else: a security module */
	fail_call(w, &f);
	assert_false(w->has_trouble);
	f.local.port = 80;
	f.netns = NETNS + 1; /* a namespace that nobody can enter any more */
	fail_call(w, &f);
	assert_false(w->has_trouble);
}

static void ranges_are_read_as_written(void **state)
{
	struct port_range r = {0};

	(void)state;
	assert_int_equal(port_range_parse("32768\t60999\n", &r), 0);
	assert_int_equal(r.low, 32768);
	assert_int_equal(r.high, 60999);
	assert_int_equal(port_range_parse("5", &r), -EINVAL);
	assert_int_equal(port_range_parse("9 5", &r), -EINVAL);
	assert_int_equal(port_range_parse("1 65536", &r), -EINVAL);
	assert_int_equal(r.low, 32768);
	assert_int_equal(port_range_parse_reserved("\n", &r), 0);
	assert_int_equal(r.reserved_count, 0);
	assert_int_equal(port_range_parse_reserved("8080,40000-40002,40001\n", &r), 0);
	assert_int_equal(r.reserved_count, 3);
	assert_true(port_is_reserved(&r, 8080) && port_is_reserved(&r, 40002));
	assert_false(port_is_reserved(&r, 40003));
	assert_int_equal(port_range_parse_reserved("x", &r), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conflicts_as_the_kernel_has_them),
		cmocka_unit_test(a_vrf_has_ports_of_its_own),
		cmocka_unit_test(reuseport_goes_by_the_user_that_made_the_socket),
		cmocka_unit_test_setup_teardown(other_places_do_not_hold, setup, teardown),
		cmocka_unit_test_setup_teardown(udp_holds_against_udp, setup, teardown),
		cmocka_unit_test_setup_teardown(a_destroyed_socket_holds_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(an_outgoing_connection_holds_its_port, setup,
						teardown),
		cmocka_unit_test_setup_teardown(time_wait_holds_for_a_minute, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reused_time_wait_is_the_new_connection, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_seeded_minisock_has_no_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(many_time_waits_are_all_found, setup, teardown),
		cmocka_unit_test_setup_teardown(exhaustion_counts_the_range, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_follows_the_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(bound_ports_are_used_for_every_destination, setup,
						teardown),
		cmocka_unit_test(seeded_ports_are_used_as_their_bucket_says),
		cmocka_unit_test_setup_teardown(no_source_address_is_no_exhaustion, setup,
						teardown),
		cmocka_unit_test_setup_teardown(udp_tells_the_two_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_accept_is_of_its_listener, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_low_port_needs_a_capability, setup, teardown),
		cmocka_unit_test(ranges_are_read_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
