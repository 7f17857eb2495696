// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 2026-11-20T12:00:00Z */
#define NOON 1795176000ull

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void times_have_nine_digits_in_utc(void **state)
{
	struct units_clock_cache cache;
	char text[UNITS_RFC3339_SIZE];

	(void)state;
	set_zone("XXX-5:30");
	units_clock_init(&cache);
	assert_int_equal(units_format_rfc3339(text, &cache, NOON * NSEC_PER_SEC + 123456789), 30);
	assert_string_equal(text, "2026-11-20T12:00:00.123456789Z");
	units_format_rfc3339(text, &cache, 1);
	assert_string_equal(text, "1970-01-01T00:00:00.000000001Z");
}

static void clock_shows_the_local_zone(void **state)
{
	struct units_clock_cache cache;
	char text[16];

	(void)state;
	set_zone("XXX-5:30");
	units_clock_init(&cache);
	assert_int_equal(units_format_clock(text, &cache, NOON * NSEC_PER_SEC + 123456789), 15);
	assert_string_equal(text, "17:30:00.123456");
}

static void cache_agrees_with_libc_in_any_order(void **state)
{
	struct units_clock_cache cache;

	(void)state;
	set_zone("XXX3");
	units_clock_init(&cache);
	srandom(7);
	for (int round = 0; round < 20000; round++) {
		/* Mostly near midnight, where the date turns. */
		time_t second = (time_t)(NOON + 43200 - 3 + (unsigned long)random() % 6);
		char text[UNITS_RFC3339_SIZE], utc[24], local[12];
		struct tm tm;

		if (random() % 8 == 0)
			second = (time_t)((unsigned long)random() * 2);
		strftime(utc, sizeof(utc), "%Y-%m-%dT%H:%M:%S", gmtime_r(&second, &tm));
		strftime(local, sizeof(local), "%H:%M:%S", localtime_r(&second, &tm));
		if (random() % 2) {
			units_format_rfc3339(text, &cache, (uint64_t)second * NSEC_PER_SEC);
			assert_memory_equal(text, utc, strlen(utc));
		} else {
			units_format_clock(text, &cache, (uint64_t)second * NSEC_PER_SEC);
			assert_memory_equal(text, local, strlen(local));
		}
	}
}

static void durations_read_as_people_say_them(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{0, "0ns"},
		{999, "999ns"},
		{812345, "812us"},
		{999999, "999us"},
		{1000000, "1.0ms"},
		{1299999, "1.2ms"},
		{99999999, "99.9ms"},
		{123456789, "123ms"},
		{999999999, "999ms"},
		{3400000000, "3.4s"},
		{59999999999, "59.9s"},
		{60 * NSEC_PER_SEC, "1m"},
		{725 * NSEC_PER_SEC, "12m 5s"},
		{3 * 3600 * NSEC_PER_SEC + 12 * 60 * NSEC_PER_SEC, "3h 12m"},
		{86400 * NSEC_PER_SEC, "1d"},
		{90000 * NSEC_PER_SEC, "1d 1h"},
		{UINT64_MAX, "213503d 23h"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[32];

		assert_int_equal(units_format_duration(text, rows[i].ns), strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_have_nine_digits_in_utc),
		cmocka_unit_test(clock_shows_the_local_zone),
		cmocka_unit_test(cache_agrees_with_libc_in_any_order),
		cmocka_unit_test(durations_read_as_people_say_them),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
