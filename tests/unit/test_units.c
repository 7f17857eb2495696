/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "units.h"

#define UNTOUCHED 0xdeadbeefull

struct parser_case {
	const char *text;
	uint64_t value; /* UNTOUCHED on failure */
	int err;
};

static void check_parser(int (*parse)(const char *, uint64_t *), const struct parser_case *cases)
{
	for (; cases->text; cases++) {
		uint64_t value = UNTOUCHED;
		int err = parse(cases->text, &value);
		uint64_t expected = cases->err ? UNTOUCHED : cases->value;

		if (err != cases->err || value != expected)
			fail_msg("'%s': error %d value %llu, not error %d value %llu", cases->text,
				 err, (unsigned long long)value, cases->err,
				 (unsigned long long)expected);
	}
}

static void test_duration(void **state)
{
	static const struct parser_case cases[] = {
		{"1ns", 1, 0},
		{"3us", 3000, 0},
		{"500ms", 500000000, 0},
		{"10s", 10 * NSEC_PER_SEC, 0},
		{"5m", 300 * NSEC_PER_SEC, 0},
		{"2h", 7200 * NSEC_PER_SEC, 0},
		{"7d", 7 * 86400 * NSEC_PER_SEC, 0},
		{"0s", 0, 0},
		{"1.5s", 1500000000, 0},
		{"0.25h", 900 * NSEC_PER_SEC, 0},
		{"0.0000000019s", 1, 0},
		{"1.000000000000000000000000000000s", NSEC_PER_SEC, 0},
		{"213503d", 213503ull * 86400 * NSEC_PER_SEC, 0},
		{"213504d", 0, -ERANGE},
		{"18446744073.709551615s", UINT64_MAX, 0},
		{"18446744073.709551616s", 0, -ERANGE},
		{"18446744073709551616ns", 0, -ERANGE},
		{"", 0, -EINVAL},
		{"10", 0, -EINVAL},
		{"s", 0, -EINVAL},
		{".5s", 0, -EINVAL},
		{"1.s", 0, -EINVAL},
		{"1.5", 0, -EINVAL},
		{"1..5s", 0, -EINVAL},
		{"-1s", 0, -EINVAL},
		{"+1s", 0, -EINVAL},
		{" 1s", 0, -EINVAL},
		{"1s ", 0, -EINVAL},
		{"1 s", 0, -EINVAL},
		{"1S", 0, -EINVAL},
		{"1h30m", 0, -EINVAL},
		{"1week", 0, -EINVAL},
		{NULL, 0, 0},
	};

	(void)state;
	check_parser(units_parse_duration, cases);
}

static void test_size(void **state)
{
	static const struct parser_case cases[] = {
		{"4096", 4096, 0},
		{"0", 0, 0},
		{"1B", 1, 0},
		{"64KB", 64000, 0},
		{"64kB", 64000, 0},
		{"64K", 65536, 0},
		{"64k", 65536, 0},
		{"64KiB", 65536, 0},
		{"100MB", 100000000, 0},
		{"1M", 1048576, 0},
		{"1MiB", 1048576, 0},
		{"2GB", 2000000000, 0},
		{"2G", 2147483648, 0},
		{"2GiB", 2147483648, 0},
		{"1T", 1099511627776, 0},
		{"1TB", 1000000000000, 0},
		{"18446744073709551615", UINT64_MAX, 0},
		{"18446744073709551616", 0, -ERANGE},
		{"16777216T", 0, -ERANGE},
		{"", 0, -EINVAL},
		{"M", 0, -EINVAL},
		{"-1M", 0, -EINVAL},
		{"1 M", 0, -EINVAL},
		{"1Mi", 0, -EINVAL},
		{"1.5M", 0, -EINVAL},
		{"1MBx", 0, -EINVAL},
		{NULL, 0, 0},
	};

	(void)state;
	check_parser(units_parse_size, cases);
}

static int parse_3_to_70000(const char *text, uint64_t *ret)
{
	return units_parse_number(text, 3, 70000, ret);
}

static int parse_any(const char *text, uint64_t *ret)
{
	return units_parse_number(text, 0, UINT64_MAX, ret);
}

static void test_number(void **state)
{
	static const struct parser_case bounded[] = {
		{"3", 3, 0},	    {"70000", 70000, 0},   {"0010", 10, 0},
		{"2", 0, -ERANGE},  {"70001", 0, -ERANGE}, {"18446744073709551616", 0, -ERANGE},
		{"", 0, -EINVAL},   {"x", 0, -EINVAL},	   {"10x", 0, -EINVAL},
		{"-5", 0, -EINVAL}, {"+5", 0, -EINVAL},	   {" 5", 0, -EINVAL},
		{"5 ", 0, -EINVAL}, {"0x10", 0, -EINVAL},  {NULL, 0, 0},
	};
	static const struct parser_case any[] = {
		{"0", 0, 0},
		{"18446744073709551615", UINT64_MAX, 0},
		{NULL, 0, 0},
	};

	(void)state;
	check_parser(parse_3_to_70000, bounded);
	check_parser(parse_any, any);
}

/* 2026-11-20 12:00:00.5 UTC, in a zone two hours ahead: 14:00:00.5 there. */
#define NOON (1795176000 * NSEC_PER_SEC)

static int parse_time(const char *text, uint64_t *ret)
{
	return units_parse_time(text, NOON + 500000000, ret);
}

static void test_time(void **state)
{
	static const struct parser_case cases[] = {
		{"2026-11-20T12:00:00Z", NOON, 0},
		{"2026-11-20t12:00:00z", NOON, 0},
		{"2026-11-20 12:00:00Z", NOON, 0},
		{"2026-11-20T12:00:00.123456789Z", NOON + 123456789, 0},
		{"2026-11-20T12:00:00.1Z", NOON + 100000000, 0},
		{"2026-11-20T12:00:00.1234567899Z", NOON + 123456789, 0},
		{"2026-11-20T15:30:00+03:30", NOON, 0},
		{"2026-11-20T04:00:00-08:00", NOON, 0},
		{"2026-11-20T11:59:60Z", NOON, 0},
		{"2026-11-20 14:00:00", NOON, 0},
		{"2026-11-20 14:00", NOON, 0},
		{"2026-11-20T14:00", NOON, 0},
		{"14:00", NOON, 0},
		{"14:00:00", NOON, 0},
		{"14:00:00.5", NOON + 500000000, 0},
		{"00:00", NOON - 14 * 3600 * NSEC_PER_SEC, 0},
		{"23:59:59", NOON + (10 * 3600 - 1) * NSEC_PER_SEC, 0},
		{"-10m", NOON + 500000000 - 600 * NSEC_PER_SEC, 0},
		{"-0s", NOON + 500000000, 0},
		{"2024-02-29T00:00:00Z", 1709164800 * NSEC_PER_SEC, 0},
		{"1970-01-01T00:00:00Z", 0, 0},
		{"1969-12-31T23:59:59Z", 0, -ERANGE},
		{"9999-12-31T23:59:59Z", 0, -ERANGE},
		{"-30000d", 0, -ERANGE},
		{"2023-02-29T00:00:00Z", 0, -EINVAL},
		{"2100-02-29T00:00:00Z", 0, -EINVAL},
		{"2026-13-01T00:00:00Z", 0, -EINVAL},
		{"2026-00-01T00:00:00Z", 0, -EINVAL},
		{"2026-11-00T00:00:00Z", 0, -EINVAL},
		{"2026-11-31T00:00:00Z", 0, -EINVAL},
		{"2026-11-20T24:00:00Z", 0, -EINVAL},
		{"2026-11-20T12:60:00Z", 0, -EINVAL},
		{"2026-11-20T12:00:61Z", 0, -EINVAL},
		{"2026-11-20T12:00:00.Z", 0, -EINVAL},
		{"2026-11-20T12:00:00+0330", 0, -EINVAL},
		{"2026-11-20T12:00:00+24:00", 0, -EINVAL},
		{"2026-11-20T12:00:00Zx", 0, -EINVAL},
		{"2026-11-20", NOON - 14 * 3600 * NSEC_PER_SEC, 0},
		{"today", NOON - 14 * 3600 * NSEC_PER_SEC, 0},
		{"yesterday", NOON - 38 * 3600 * NSEC_PER_SEC, 0},
		{"tomorrow", NOON + 10 * 3600 * NSEC_PER_SEC, 0},
		{"now", NOON + 500000000, 0},
		{"+1h", NOON + 500000000 + 3600 * NSEC_PER_SEC, 0},
		{"1h ago", NOON + 500000000 - 3600 * NSEC_PER_SEC, 0},
		{"1 hour 30 minutes ago", NOON + 500000000 - 5400 * NSEC_PER_SEC, 0},
		{"-1h30min", NOON + 500000000 - 5400 * NSEC_PER_SEC, 0},
		{"-1 week", NOON + 500000000 - 7 * 86400 * NSEC_PER_SEC, 0},
		{"@1795172400", 1795172400 * NSEC_PER_SEC, 0},
		{"@1795172400.25", 1795172400 * NSEC_PER_SEC + 250000000, 0},
		{"2026-11-20 12:00 UTC", NOON, 0},
		{"2026-11-2", 0, -EINVAL},
		{"2026-11-20 ", 0, -EINVAL},
		{"Yesterday", 0, -EINVAL},
		{"@", 0, -EINVAL},
		{"@1.", 0, -EINVAL},
		{"@-1", 0, -EINVAL},
		{"@99999999999999999999", 0, -ERANGE},
		{"@18446744074", 0, -ERANGE},
		{" ago", 0, -EINVAL},
		{"1h  ago", 0, -EINVAL},
		{"1h ago ", 0, -EINVAL},
		{"-1h ago", 0, -EINVAL},
		{"1 ago", 0, -EINVAL},
		{"-1fortnight", 0, -EINVAL},
		{"30000d ago", 0, -ERANGE},
		{"+999999999w", 0, -ERANGE},
		{"2026-11-20T", 0, -EINVAL},
		{"2026-11-20_12:00", 0, -EINVAL},
		{"2026-1-20 12:00", 0, -EINVAL},
		{"12:00Z", 0, -EINVAL},
		{"1:00", 0, -EINVAL},
		{"12", 0, -EINVAL},
		{"12:", 0, -EINVAL},
		{"12:00:", 0, -EINVAL},
		{"", 0, -EINVAL},
		{"-", 0, -EINVAL},
		{"-10", 0, -EINVAL},
		{"--10m", 0, -EINVAL},
		{NULL, 0, 0},
	};

	(void)state;
	setenv("TZ", "XXX-2", 1);
	tzset();
	check_parser(parse_time, cases);
}

static void test_ranges(void **state)
{
	static const struct {
		const char *text;
		int err;
	} refused[] = {
		{"", -EINVAL},	      {",", -EINVAL},
		{"80,", -EINVAL},     {",80", -EINVAL},
		{"80,,81", -EINVAL},  {"80x", -EINVAL},
		{"80-", -EINVAL},     {"-80", -EINVAL},
		{"81-80", -EINVAL},   {"1-2-3", -EINVAL},
		{"80, 81", -EINVAL},  {"65536", -ERANGE},
		{"1-65536", -ERANGE}, {"99999999999999999999", -ERANGE},
	};
	struct units_ranges r = {0};

	(void)state;
	assert_false(units_ranges_match(&r, 0));
	assert_int_equal(units_parse_ranges("80,443,8000-8100", 65535, &r), 0);
	assert_int_equal(r.count, 3);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct units_ranges before = r;

		if (units_parse_ranges(refused[i].text, 65535, &r) != refused[i].err)
			fail_msg("'%s' gives no %d", refused[i].text, refused[i].err);
		assert_memory_equal(&r, &before, sizeof(r));
	}
	assert_int_equal(units_parse_ranges("0,65535", 65535, &r), 0);
	assert_int_equal(r.count, 5);
	for (uint64_t port = 0; port < 70000; port++) {
		bool in = port == 80 || port == 443 || (port >= 8000 && port <= 8100) ||
			  port == 0 || port == 65535;

		assert_int_equal(units_ranges_match(&r, port), in);
	}
	units_ranges_done(&r);
	assert_int_equal(r.count, 0);
	units_ranges_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration), cmocka_unit_test(test_size),
		cmocka_unit_test(test_number),	 cmocka_unit_test(test_time),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
