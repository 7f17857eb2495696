// SPDX-License-Identifier: GPL-2.0-only
/* A connect() from a port of its own that finds its four-tuple taken: by whom. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conflict.h"

/* connect() of process 200 from `where` and PORT to port `peer` of 127.0.0.1. */
static struct fact attempt(struct world *w, enum where where, uint16_t peer)
{
	struct fact f = call(w, WIRE_CONNECT, w->sk += 64, 200, 0);

	place(&f, where);
	if (f.family == FAMILY_IPV6)
		memcpy(f.peer.addr + 10, "\xff\xff\x7f\0\0\1", 6);
	else
		memcpy(f.peer.addr, "\x7f\0\0\1", 4);
	f.peer.port = peer;
	f.flags = WIRE_F_OPENED;
	f.result = -EADDRNOTAVAIL;
	return f;
}

static void expect_holder(struct world *w, const struct fact *f, enum tcp_state state, uint32_t why)
{
	fail_call(w, f);
	assert_int_equal(w->last.error, EADDRNOTAVAIL);
	assert_true(w->has_trouble && w->trouble.has_holders && !w->trouble.has_range);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].process->pid, 100);
	assert_int_equal(w->holder[0].peer.port, f->peer.port);
	assert_int_equal(w->holder[0].state, state);
	assert_int_equal(w->holder[0].why, why);
}

static void expect_nobody(struct world *w, const struct fact *f)
{
	fail_call(w, f);
	assert_int_equal(w->last.error, EADDRNOTAVAIL);
	assert_true(w->has_trouble && w->trouble.has_holders);
	assert_int_equal(w->trouble.holder_count, 0);
}

/* Of all that is on the port, and whatever options say. */
static void the_connection_with_both_ends(void **state)
{
	struct world *w = *state;
	struct fact f;

	hold(w, ANY4, 0, 0, true);
	open_connection(w, 0x9000, 80);
	open_connection(w, 0x9040, 81);
	f = attempt(w, ONE4, 81);
	f.options |= WIRE_O_REUSEADDR | WIRE_O_REUSEPORT;
	expect_holder(w, &f, STATE_ESTABLISHED, WHY_FOUR_TUPLE | WHY_OUTGOING);
	f = attempt(w, MAPPED1, 80);
	expect_holder(w, &f, STATE_ESTABLISHED, WHY_FOUR_TUPLE | WHY_OUTGOING);
	f = attempt(w, TWO4, 80);
	expect_nobody(w, &f);
	f = attempt(w, ONE4, 82);
	expect_nobody(w, &f);
}

static void a_time_wait(void **state)
{
	struct world *w = *state;
	struct fact f;

	open_connection(w, 0x9000, 80);
	close_connection(w, 0x9000, 80);
	open_connection(w, 0x9040, 81);
	close_connection(w, 0x9040, 81);
	f = attempt(w, ONE4, 80);
	expect_holder(w, &f, STATE_TIME_WAIT, WHY_FOUR_TUPLE | WHY_TIME_WAIT | WHY_OUTGOING);
}

/* It is bound to no address: the end that waits for the errno knows from which one it tried. */
static void the_address_that_was_chosen(void **state)
{
	struct world *w = *state;
	struct fact f, step;

	open_connection(w, 0x9000, 80);
	open_connection(w, 0x9040, 81);
	f = attempt(w, ANY4, 81);
	expect_nobody(w, &f);
	f = attempt(w, ANY4, 80);
	step = f;
	step.kind = WIRE_OPEN;
	step.result = 0;
	step.flags = 0;
	step.from = STATE_CLOSE;
	step.to = STATE_SYN_SENT;
	memcpy(step.local.addr, "\x7f\0\0\1", 4);
	table_apply(w->table, &step);
	step.kind = WIRE_CLOSED;
	step.from = STATE_SYN_SENT;
	step.to = STATE_CLOSE;
	table_apply(w->table, &step);
	expect_holder(w, &f, STATE_ESTABLISHED, WHY_FOUR_TUPLE | WHY_OUTGOING);
}

/* Of the same device, or of none. */
static void on_another_device(void **state)
{
	struct world *w = *state;
	struct fact f = call(w, WIRE_OPEN, 0x9000, 100, 0);

	place(&f, ONE4);
	memcpy(f.peer.addr, "\x7f\0\0\1", 4);
	f.peer.port = 80;
	f.device = 5;
	f.from = STATE_CLOSE;
	f.to = STATE_SYN_SENT;
	table_apply(w->table, &f);
	f = attempt(w, ONE4, 80);
	expect_nobody(w, &f);
	f = attempt(w, ONE4, 80);
	f.device = 6;
	expect_nobody(w, &f);
	f = attempt(w, ONE4, 80);
	f.device = 5;
	expect_holder(w, &f, STATE_SYN_SENT, WHY_FOUR_TUPLE);
}

/* Without a port it is the range that is asked for, without an address to send from nothing. */
static void other_failures_are_no_conflict(void **state)
{
	struct world *w = *state;
	struct fact f;

	open_connection(w, 0x9000, 80);
	f = attempt(w, ONE4, 80);
	f.local.port = 0;
	fail_call(w, &f);
	assert_false(w->has_trouble && w->trouble.has_holders);
	f = attempt(w, ONE4, 80);
	f.flags = 0;
	fail_call(w, &f);
	assert_false(w->has_trouble && w->trouble.has_holders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_connection_with_both_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(a_time_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(the_address_that_was_chosen, setup, teardown),
		cmocka_unit_test_setup_teardown(on_another_device, setup, teardown),
		cmocka_unit_test_setup_teardown(other_failures_are_no_conflict, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
