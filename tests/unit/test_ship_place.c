// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ship_http.h"

static void test_places(void **state)
{
	static const struct {
		const char *text, *place, *host, *database;
		unsigned int port;
		bool tls;
	} cases[] = {
		{"http://db", "http://db:8123", "db", "", 8123, false},
		{"http://db/", "http://db:8123", "db", "", 8123, false},
		{"https://db", "https://db:8443", "db", "", 8443, true},
		{"http://10.0.0.1:80/fleet", "http://10.0.0.1:80", "10.0.0.1", "fleet", 80, false},
		{"https://a-b.example.org:65535/_x9", "https://a-b.example.org:65535",
		 "a-b.example.org", "_x9", 65535, true},
		{"http://[::1]:8123/db", "http://[::1]:8123", "::1", "db", 8123, false},
		{"http://[fe80::1]", "http://[fe80::1]:8123", "fe80::1", "", 8123, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ship_place p;

		assert_true(ship_place_parse(cases[i].text, &p));
		assert_string_equal(p.place, cases[i].place);
		assert_string_equal(p.host, cases[i].host);
		assert_string_equal(p.database, cases[i].database);
		assert_int_equal(p.port, cases[i].port);
		assert_int_equal(p.tls, cases[i].tls);
	}
}

static void test_no_places(void **state)
{
	static const char *const cases[] = {
		"",
		"db",
		"ftp://db",
		"http://",
		"http:///db",
		"http://db:",
		"http://db:0",
		"http://db:65536",
		"http://db:80x",
		"http://db:080000",
		"http://user@db/x",
		"http://u:p@db/x",
		"http://db/x/y",
		"http://db/x?y=z",
		"http://db/x y",
		"http://db?query=x",
		"http://db/9x",
		"http://db/x`y",
		"http://[::1",
		"http://[::1]8123/db",
		"http://[]/db",
		"http://[db]/db",
		"http://d b/db",
		"http://db\n/x",
		"http://db#x/y",
		"HTTP://db",
		"http://db/x/",
		"http://[::1]x:80/d",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ship_place p;

		if (ship_place_parse(cases[i], &p))
			fail_msg("'%s' is no place", cases[i]);
	}
}

static void test_too_long(void **state)
{
	char text[1000] = "http://";
	struct ship_place p;

	(void)state;
	memset(text + 7, 'a', 255);
	assert_true(ship_place_parse(text, &p));
	assert_int_equal(strlen(p.host), 255);
	text[7 + 255] = 'a';
	assert_false(ship_place_parse(text, &p));
	strcpy(text, "http://db/");
	memset(text + 10, 'a', 64);
	assert_false(ship_place_parse(text, &p));
}

static void test_target(void **state)
{
	static const struct {
		const char *parameters[5];
		const char *target;
	} cases[] = {
		{{NULL}, "/"},
		{{"query", "SELECT 1", NULL}, "/?query=SELECT%201"},
		{{"a", "&=?#+%/'\"\\\n", "b_c", "", NULL},
		 "/?a=%26%3D%3F%23%2B%25%2F%27%22%5C%0A&b_c="},
		{{"x", "\xc3\xbc\xff~", NULL}, "/?x=%C3%BC%FF~"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *target = ship_http_target("/", cases[i].parameters);

		assert_non_null(target);
		assert_string_equal(target, cases[i].target);
		free(target);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_no_places),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
