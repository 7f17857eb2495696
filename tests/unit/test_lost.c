// SPDX-License-Identifier: GPL-2.0-only
/* test_lost.c - counters of losses that are read while facts are lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../src/kernel/lost.h"

/* Counters that go up, first the want, then the kind, between two reads. */
struct counters {
	uint64_t count[WIRE_KINDS + KERNEL_WANTS];
	unsigned int reads, flood_at, floods;
};

static uint64_t count(void *ctx, unsigned int which)
{
	struct counters *c = ctx;

	if (++c->reads >= c->flood_at && c->floods) {
		c->floods--;
		c->count[WIRE_KINDS + WANT_SHARE] += 7;
		c->count[WIRE_STATE] += 7;
	}
	return c->count[which];
}

/* Whenever the reader is stopped, and a flood comes and goes: all of it, and why, or nothing. */
static void what_is_lost_is_lost_for_something(void **state)
{
	(void)state;
	for (unsigned int at = 1; at < 200; at++) {
		struct counters c = {.flood_at = at, .floods = 1};
		struct lost lost;

		lost_read(&lost, count, &c);
		assert_int_equal(lost.want[WANT_SHARE], lost.by_kind[WIRE_STATE]);
	}
}

/* It ends, and counts nothing twice. */
static void a_flood_that_goes_on(void **state)
{
	struct counters c = {.flood_at = 1, .floods = UINT32_MAX};
	struct lost lost;

	(void)state;
	lost_read(&lost, count, &c);
	assert_true(lost.want[WANT_SHARE] > 0);
	assert_true(lost.want[WANT_SHARE] <= lost.by_kind[WIRE_STATE]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_lost_is_lost_for_something),
		cmocka_unit_test(a_flood_that_goes_on),
	};

	return cmocka_run_group_tests_name("lost", tests, NULL, NULL);
}
