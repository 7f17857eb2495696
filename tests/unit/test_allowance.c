// SPDX-License-Identifier: GPL-2.0-only
/* A share of the time for looks at ports that are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "allowance.h"

#define MS	 1000000ull
#define SECOND	 (1000 * MS)
#define SHARE	 10
#define BURST_NS (500 * MS)
#define DEBT_NS	 (300 * MS)
#define START_NS (7 * SECOND)

static struct allowance new_allowance(void)
{
	return (struct allowance){.share = SHARE, .burst_ns = BURST_NS, .debt_ns = DEBT_NS};
}

/* Work of `took_ns` wherever it may begin, asked for every `every_ns`; the time it takes until end_ns. */
static uint64_t flood(struct allowance *a, uint64_t begin_ns, uint64_t end_ns, uint64_t every_ns,
		      uint64_t took_ns)
{
	uint64_t sum_ns = 0;

	for (uint64_t now_ns = begin_ns; now_ns < end_ns; now_ns += every_ns) {
		if (!allowance_is_open(a, now_ns))
			continue;
		allowance_take(a, took_ns);
		sum_ns += took_ns;
		now_ns += took_ns;
	}
	return sum_ns;
}

static void the_first_begins_at_once(void **state)
{
	struct allowance a = new_allowance();

	(void)state;
	assert_true(allowance_is_open(&a, START_NS));
}

/* However long one takes, and however often it is asked for. */
static void a_flood_takes_its_share(void **state)
{
	static const uint64_t took_ns[] = {MS / 10, MS, 5 * MS, 40 * MS, 100 * MS, 290 * MS};
	static const uint64_t every_ns[] = {1000, 30000, 2 * MS};

	(void)state;
	for (size_t i = 0; i < sizeof(took_ns) / sizeof(took_ns[0]); i++) {
		for (size_t k = 0; k < sizeof(every_ns) / sizeof(every_ns[0]); k++) {
			struct allowance a = new_allowance();
			const uint64_t all_ns = 60 * SECOND;
			const uint64_t sum_ns =
				flood(&a, START_NS, START_NS + all_ns, every_ns[k], took_ns[i]);
			/* What is asked for may be less than the share. */
			const uint64_t asked_ns =
				all_ns / (took_ns[i] + every_ns[k] + 1) * took_ns[i];
			const uint64_t share_ns = all_ns / SHARE;

			assert_in_range(sum_ns,
					(asked_ns < share_ns ? asked_ns : share_ns) / 10 * 9,
					share_ns + BURST_NS + took_ns[i]);
		}
	}
}

static void what_took_longer_is_paid_back_first(void **state)
{
	struct allowance a = new_allowance();

	(void)state;
	assert_true(allowance_is_open(&a, START_NS));
	allowance_take(&a, BURST_NS + 20 * MS);
	assert_false(allowance_is_open(&a, START_NS + 200 * MS));
	assert_true(allowance_is_open(&a, START_NS + 200 * MS + SHARE));
}

static void after_quiet_one_begins_at_once(void **state)
{
	struct allowance a = new_allowance();
	uint64_t end_ns = START_NS + 20 * SECOND;

	(void)state;
	flood(&a, START_NS, end_ns, 1000, 100 * MS);
	/* No more is owed than the last one took, which is no longer ago than it takes to pay. */
	assert_true(allowance_is_open(&a, end_ns + SHARE * 100 * MS));
}

static void quiet_saves_no_more_than_a_burst(void **state)
{
	struct allowance a = new_allowance();
	const uint64_t day_ns = 86400 * SECOND;

	(void)state;
	assert_true(allowance_is_open(&a, START_NS));
	assert_true(allowance_is_open(&a, START_NS + day_ns));
	allowance_take(&a, BURST_NS);
	assert_false(allowance_is_open(&a, START_NS + day_ns));
}

/* Stopped for an hour, and for longer than numbers count. */
static void no_more_than_the_debt_is_owed(void **state)
{
	static const uint64_t took_ns[] = {3600 * SECOND, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct allowance a = new_allowance();

		assert_true(allowance_is_open(&a, START_NS));
		allowance_take(&a, took_ns[i]);
		assert_false(allowance_is_open(&a, START_NS + SHARE * DEBT_NS));
		assert_true(allowance_is_open(&a, START_NS + SHARE * DEBT_NS + SHARE));
	}
}

static void a_time_before_counts_nothing(void **state)
{
	struct allowance a = new_allowance();

	(void)state;
	assert_true(allowance_is_open(&a, START_NS));
	allowance_take(&a, BURST_NS);
	assert_false(allowance_is_open(&a, START_NS - SECOND));
	assert_false(allowance_is_open(&a, START_NS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_begins_at_once),
		cmocka_unit_test(a_flood_takes_its_share),
		cmocka_unit_test(what_took_longer_is_paid_back_first),
		cmocka_unit_test(after_quiet_one_begins_at_once),
		cmocka_unit_test(quiet_saves_no_more_than_a_burst),
		cmocka_unit_test(no_more_than_the_debt_is_owed),
		cmocka_unit_test(a_time_before_counts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
