// SPDX-License-Identifier: GPL-2.0-only
/* Why lives ended, kept and found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "store_case.h"

static void test_why_a_life_ended(void **state)
{
	struct event in[3] = {life(0, 1, 41000, 1), life(0, 2, 42000, 2), life(0, 3, 43000, 3)};
	struct store *s = OPEN();

	(void)state;
	in[0].close.reason = REASON_USER_TIMEOUT;
	in[0].close.silent = true;
	in[0].close.last_heard_ns = 900 * SEC;
	in[0].close.unacked_bytes = UINT32_MAX;
	in[1].close.reason = REASON_ABANDONED;
	in[1].close.how = HOW_KILLED;
	in[1].close.syns = 7;
	in[2].close.time_wait_unknown = true;
	for (int i = 0; i < 3; i++)
		store_event(s, &in[i], OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 3);
	for (int i = 0; i < 3; i++) {
		const struct event_close *is = &found[i].close, *was = &in[i].close;

		assert_int_equal(is->reason, was->reason);
		assert_int_equal(is->how, was->how);
		assert_int_equal(is->syns, was->syns);
		assert_int_equal(is->silent, was->silent);
		assert_int_equal(is->last_heard_ns, was->last_heard_ns);
		assert_int_equal(is->unacked_bytes, was->unacked_bytes);
		assert_int_equal(is->time_wait_unknown, was->time_wait_unknown);
		assert_int_equal(is->time_wait, was->time_wait);
	}
}

static void test_overflows(void **state)
{
	struct event in[2] = {life(0, 1, 80, 1), life(0, 5, 80, 1)};
	struct filter f = {.kinds = 1u << EVENT_OVERFLOW};
	struct store *s = OPEN();

	(void)state;
	for (int i = 0; i < 2; i++)
		in[i].kind = EVENT_OVERFLOW;
	in[0].overflow = (struct event_overflow){.waiting = 2, .limit = 1, .dropped = 3};
	in[1].overflow = (struct event_overflow){
		.ended = true, .limit = 128, .dropped = UINT32_MAX, .since_ns = in[0].time_ns};
	for (int i = 0; i < 2; i++)
		store_event(s, &in[i], OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask(all(&f)), 2);
	for (int i = 0; i < 2; i++) {
		const struct event_overflow *is = &found[i].overflow, *was = &in[i].overflow;

		assert_int_equal(found[i].kind, EVENT_OVERFLOW);
		assert_int_equal(found[i].process->pid, 901);
		assert_int_equal(found[i].local.port, 80);
		assert_int_equal(is->ended, was->ended);
		assert_int_equal(is->waiting, was->waiting);
		assert_int_equal(is->limit, was->limit);
		assert_int_equal(is->dropped, was->dropped);
	}
	assert_int_equal(found[1].overflow.since_ns, found[0].time_ns);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_why_a_life_ended),
		TEST(test_overflows),
	};

	return cmocka_run_group_tests_name("store ends", tests, NULL, NULL);
}
