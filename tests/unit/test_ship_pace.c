// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/ship/pace.h"

#define SECOND UINT64_C(1000000000)

static const struct pace_about about = {"http://db:8123", "fleet", "life", "writer"};

static void test_answers(void **state)
{
	static const struct {
		int status, code;
		const char *text;
		enum pace_verdict verdict;
		const char *says; /* NULL: nothing */
	} cases[] = {
		{200, 0, "", PACE_TAKEN, NULL},
		{200, 60, "", PACE_REFUSED, "no table fleet.life"},
		{200, 241, "Memory limit", PACE_AGAIN, "Memory limit"},
		{401, 0, "", PACE_REFUSED, "user 'writer'"},
		{403, 516, "Authentication failed", PACE_REFUSED, "--password-file"},
		{500, 193, "Wrong password", PACE_REFUSED, "--password-file"},
		{403, 497, "Not enough privileges", PACE_REFUSED, "GRANT INSERT ON fleet.*"},
		{500, 164, "readonly", PACE_REFUSED, "GRANT INSERT"},
		{404, 60, "", PACE_REFUSED, "sockwatch schema clickhouse"},
		{500, 60, "", PACE_REFUSED, "no table fleet.life at http://db:8123"},
		{404, 81, "", PACE_REFUSED, "no database 'fleet'"},
		{404, 0, "nginx", PACE_REFUSED, "no ClickHouse"},
		{400, 27, "Cannot parse", PACE_REFUSED, "not as this sockwatch's schema"},
		{404, 16, "No such column", PACE_REFUSED, "No such column"},
		{400, 0, "Bad Request", PACE_REFUSED, "answers 400: Bad Request"},
		{413, 0, "", PACE_REFUSED, "answers 413"},
		{302, 0, "", PACE_REFUSED, "answers 302"},
		{408, 0, "", PACE_AGAIN, "408"},
		{425, 0, "", PACE_AGAIN, "425"},
		{429, 0, "", PACE_AGAIN, "429"},
		{429, 202, "Too many", PACE_AGAIN, "Too many"},
		{404, 115, "Unknown setting x", PACE_OLD, "older"},
		{500, 115, "Unknown setting x", PACE_OLD, "older"},
		{500, 252, "Too many parts", PACE_AGAIN, "Too many parts"},
		{500, 243, "Not enough space", PACE_AGAIN, "Not enough space"},
		{500, 0, "", PACE_AGAIN, "500"},
		{502, 0, "", PACE_AGAIN, "502"},
		{503, 0, "", PACE_AGAIN, "503"},
		{504, 0, "", PACE_AGAIN, "504"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ship_http_answer a = {.status = cases[i].status, .code = cases[i].code};
		struct ship_error words = {"x"};

		strcpy(a.text, cases[i].text);
		if (pace_judge(&a, &about, &words) != cases[i].verdict)
			fail_msg("%d, code %d: another verdict than %d", a.status, a.code,
				 cases[i].verdict);
		if (cases[i].says ? !strstr(words.text, cases[i].says) : words.text[0] != '\0')
			fail_msg("%d, code %d: says '%s'", a.status, a.code, words.text);
	}
}

static void test_no_answers(void **state)
{
	static const struct {
		enum ship_http_failure failure;
		enum pace_verdict verdict;
	} cases[] = {
		{SHIP_HTTP_UNREACHED, PACE_AGAIN},
		{SHIP_HTTP_UNTRUSTED, PACE_REFUSED},
		{SHIP_HTTP_GIVEN_UP, PACE_STOPPED},
		{SHIP_HTTP_IMPOSSIBLE, PACE_AGAIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ship_http_answer a = {.failure = cases[i].failure, .status = 200};
		struct ship_error words;

		assert_int_equal(pace_judge(&a, &about, &words), cases[i].verdict);
	}
}

/* A text that fills the answer is cut, not written past the end. */
static void test_long_words(void **state)
{
	struct ship_http_answer a = {.status = 500, .code = 16};
	struct ship_error words;

	(void)state;
	memset(a.text, 'x', sizeof(a.text) - 1);
	assert_int_equal(pace_judge(&a, &about, &words), PACE_REFUSED);
	assert_true(strlen(words.text) < sizeof(words.text));
}

static void test_doubles(void **state)
{
	struct pace p = {0};
	uint64_t full = PACE_LEAST_NS;

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct pace again = p;
		uint64_t most = pace_fail(&p, PACE_AGAIN, 0, 0);
		uint64_t least = pace_fail(&again, PACE_AGAIN, 0, full / 2);

		assert_int_equal(most, full);
		assert_int_equal(least, full / 2 > PACE_LEAST_NS ? full - full / 2 : PACE_LEAST_NS);
		full = full * 2 < PACE_MOST_NS ? full * 2 : PACE_MOST_NS;
	}
	pace_succeed(&p);
	assert_int_equal(pace_fail(&p, PACE_AGAIN, 0, 0), PACE_LEAST_NS);
}

/* Whatever chance says, a pause lies within its bounds. */
static void test_bounds(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int run = 0; run < 100; run++) {
		struct pace p = {0};

		for (int i = 0; i < 100; i++) {
			uint64_t pause;

			random = random * 6364136223846793005u + 1442695040888963407u;
			pause = pace_fail(&p, i % 7 ? PACE_AGAIN : PACE_REFUSED, 0, random);
			assert_in_range(pause, PACE_LEAST_NS, PACE_MOST_NS);
		}
	}
}

static void test_refused(void **state)
{
	struct pace p = {0};

	(void)state;
	assert_int_equal(pace_fail(&p, PACE_REFUSED, 0, 0), PACE_MOST_NS);
	assert_in_range(pace_fail(&p, PACE_REFUSED, 0, UINT64_MAX), PACE_MOST_NS / 2, PACE_MOST_NS);
}

static void test_asked(void **state)
{
	struct pace p = {0};

	(void)state;
	assert_int_equal(pace_fail(&p, PACE_AGAIN, 7 * SECOND, 0), 7 * SECOND);
	assert_in_range(pace_fail(&p, PACE_AGAIN, 3600 * SECOND, UINT64_MAX), 3600 * SECOND,
			4050 * SECOND);
	/* What would be waited anyway is enough. */
	assert_int_equal(pace_fail(&p, PACE_REFUSED, 1, 0), PACE_MOST_NS);
}

static void test_at_once(void **state)
{
	struct pace p = {0};

	(void)state;
	assert_int_equal(pace_fail(&p, PACE_OLD, SECOND, 5), 0);
	assert_int_equal(pace_fail(&p, PACE_STOPPED, SECOND, 5), 0);
	assert_int_equal(p.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),	   cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_long_words), cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_bounds),	   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_asked),	   cmocka_unit_test(test_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
