// SPDX-License-Identifier: GPL-2.0-only
/* TIME_WAITs as the table remembers them: nothing is lost with what is not stored. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/model/ports_private.h"
#include "conflict.h"

/* A ring keeps the low halves of its numbers; the highest go on beyond them, and an old one of the same half is another. */
static void time_waits_are_counted_beyond_32_bits(void **state)
{
	struct world *w = *state;
	struct port_state *p = w->table->ports;

	p->last = p->over = (UINT64_C(1) << 32) - 4;
	p->newest[PORT] = 2;
	for (uint16_t peer = 80; peer < 88; peer++) {
		open_connection(w, 0x9000 + 64 * peer, peer);
		close_connection(w, 0x9000 + 64 * peer, peer);
	}
	assert_true(p->last == (UINT64_C(1) << 32) + 4);
	ask_port(w, ONE4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 8);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(w->holder[i].state, STATE_TIME_WAIT);
		assert_int_equal(w->holder[i].peer.port, 87 - i);
		assert_int_equal(w->holder[i].process->pid, 100);
	}
	p->newest[PORT] = 2; /* where the low half of one that is there is 2, too */
	w->now += SECOND;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 0);
}

static void an_address_of_a_link_stays_one(void **state)
{
	static const enum tcp_state path[] = {STATE_CLOSE,     STATE_SYN_SENT,	STATE_ESTABLISHED,
					      STATE_FIN_WAIT1, STATE_FIN_WAIT2, STATE_CLOSE};
	struct world *w = *state;
	struct fact f = call(w, WIRE_OPEN, 0x9000, 100, 0), asking;

	f.family = FAMILY_IPV6;
	f.device = f.local.ifindex = f.peer.ifindex = 5;
	memcpy(f.local.addr, "\xfe\x80", 2);
	memcpy(f.peer.addr, "\xfe\x80", 2);
	f.local.addr[15] = 1;
	f.peer.addr[15] = 2;
	f.peer.port = 80;
	for (int i = 0; i < 5; i++) {
		f.from = path[i];
		f.to = path[i + 1];
		f.kind = i == 0 ? WIRE_OPEN : i == 4 ? WIRE_CLOSED : WIRE_STATE;
		f.flags = i == 4 ? WIRE_F_FIN_RECEIVED | WIRE_F_SHUTDOWN : 0;
		table_apply(w->table, &f);
	}
	f.kind = WIRE_DESTROY;
	table_apply(w->table, &f);
	asking = call(w, WIRE_BIND, 0xa000, 200, 0);
	asking.family = FAMILY_IPV6;
	asking.device = 5;
	asking.local = f.local;
	asking.result = -EADDRINUSE;
	fail_call(w, &asking);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].state, STATE_TIME_WAIT);
	assert_int_equal(w->holder[0].family, FAMILY_IPV6);
	assert_int_equal(w->holder[0].local.ifindex, 5);
	assert_int_equal(w->holder[0].peer.ifindex, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(time_waits_are_counted_beyond_32_bits, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_address_of_a_link_stays_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
