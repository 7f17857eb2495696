// SPDX-License-Identifier: GPL-2.0-only
/* The words of a filter that is typed while top runs: conditions only, quoted where they have spaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../src/cli/log.h"
#include "../../src/cli/options.h"

static char said[1024];
static int lines;

static void on_log(const char *text, size_t len)
{
	snprintf(said, sizeof(said), "%.*s", (int)len, text);
	lines++;
}

static int parse(const char *words, struct filter *ret)
{
	char line[512];
	int err;

	snprintf(line, sizeof(line), "%s", words);
	said[0] = '\0';
	lines = 0;
	filter_init(ret);
	log_to(on_log);
	err = options_parse_filter(line, ret);
	log_to(NULL);
	assert_int_equal(lines, err ? 1 : 0);
	return err;
}

static void test_conditions(void **state)
{
	struct filter f;

	(void)state;
	assert_int_equal(parse("", &f), 0);
	assert_false(filter_asks_socket(&f));
	assert_int_equal(parse(" \t ", &f), 0);
	assert_int_equal(parse("-c 'Web Content' --port 80,443 -t", &f), 0);
	assert_string_equal(f.comm, "Web Content");
	assert_int_equal(f.ports.count, 2);
	assert_true(f.tcp);
	filter_done(&f);
	assert_int_equal(parse("nginx --addr \"10.0.0.0/8\" --failed", &f), 0);
	assert_string_equal(f.comm, "nginx");
	assert_int_equal(f.cidr_count, 1);
	assert_true(f.failed);
	filter_done(&f);
	assert_int_equal(parse("-p 901 -f --reason refused", &f), 0);
	assert_true(f.children && f.reasons);
	filter_done(&f);
}

static void test_what_is_refused(void **state)
{
	static const struct {
		const char *words, *why;
	} cases[] = {
		{"--store /x", "'--store': top has no such option"},
		{"--help", "'--help': top has no such option"},
		{"-V", "'-V': top has no such option"},
		{"-o json", "'-o': top has no such option"},
		{"--port", "--port: needs a value"},
		{"-c ''", "-c"},
		{"-c 'unclosed", NULL},
		{"-f", "--follow-children needs -p"},
		{"--po 99999", "--port '99999': not a port"},
	};
	char many[300] = "";
	struct filter f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = parse(cases[i].words, &f);

		assert_int_equal(err, cases[i].why ? EINVAL : 0);
		if (cases[i].why)
			assert_non_null(strstr(said, cases[i].why));
		filter_done(&f);
	}
	for (int i = 0; i < 100; i++)
		strcat(many, "1 ");
	assert_int_equal(parse(many, &f), EINVAL);
	assert_non_null(strstr(said, "a filter has"));
	filter_done(&f);
}

static void test_random_lines(void **state)
{
	static const char letters[] = " -'\"ctpfU46LD,/:.0189=abs";
	uint32_t seed = 1;
	struct filter f;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char line[40];
		size_t len = (seed >> 8) % (sizeof(line) - 1);

		for (size_t at = 0; at < len; at++) {
			seed = seed * 1664525 + 1013904223;
			line[at] = letters[(seed >> 16) % (sizeof(letters) - 1)];
		}
		line[len] = '\0';
		seed = seed * 1664525 + 1013904223;
		parse(line, &f);
		filter_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_random_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
