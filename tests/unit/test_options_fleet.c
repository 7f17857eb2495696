/* SPDX-License-Identifier: GPL-2.0-only */
/* What names a fleet's database on a command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../src/cli/options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS	     10

static char said[4096];

static int parse(const char *const *words, struct options *ret)
{
	static char program[] = "sockwatch";
	char *argv[WORDS + 2] = {program};
	FILE *file = tmpfile();
	int code, saved = dup(STDERR_FILENO), argc = 1;

	for (; argc <= WORDS && words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	code = options_parse(argc, argv, ret);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
	fclose(file);
	return code;
}

#define PARSE(ret, ...) parse((const char *const[]){__VA_ARGS__, NULL}, ret)

static void schema_takes_names_and_an_age(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "schema", "clickhouse"), OPTIONS_RUN);
	assert_int_equal(o.command, COMMAND_SCHEMA);
	assert_null(o.fleet.database);
	assert_null(o.fleet.cluster);
	assert_int_equal(o.fleet.ttl_ns, 0);
	options_done(&o);
	assert_int_equal(PARSE(&o, "schema", "--ttl=30d", "--cluster", "main-1.eu", "clickhouse",
			       "--database=net", "--table-prefix", "sw_"),
			 OPTIONS_RUN);
	assert_string_equal(o.fleet.database, "net");
	assert_string_equal(o.fleet.table_prefix, "sw_");
	assert_string_equal(o.fleet.cluster, "main-1.eu");
	assert_int_equal(o.fleet.ttl_ns, 30 * 86400 * UINT64_C(1000000000));
	options_done(&o);
}

static void history_asks_one_host_or_all(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "history", "--from=https://h:8443/net", "--host", "web'1",
			       "--as=u", "--password-file=/p", "--ca=/c"),
			 OPTIONS_RUN);
	assert_string_equal(o.fleet.from, "https://h:8443/net");
	assert_string_equal(o.fleet.host, "web'1");
	assert_string_equal(o.fleet.user, "u");
	assert_string_equal(o.fleet.password_file, "/p");
	assert_string_equal(o.fleet.ca_file, "/c");
	options_done(&o);
	assert_int_equal(PARSE(&o, "history", "--from=http://[::1]", "--host=*"), OPTIONS_RUN);
	assert_null(o.fleet.host);
	options_done(&o);
}

static void ship_and_record_take_a_server(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "ship", "--to", "http://db/fleet"), OPTIONS_RUN);
	assert_int_equal(o.command, COMMAND_SHIP);
	assert_string_equal(o.fleet.to, "http://db/fleet");
	assert_string_equal(o.store_file, STORE_DEFAULT);
	assert_false(o.fleet.once);
	options_done(&o);
	assert_int_equal(PARSE(&o, "ship", "--to=https://[::1]", "--once", "--as=w", "--host=a b",
			       "--ca=c", "--password-file=p", "--store=s", "--no-args"),
			 OPTIONS_RUN);
	assert_true(o.fleet.once);
	assert_true(o.no_args);
	assert_string_equal(o.fleet.user, "w");
	assert_string_equal(o.fleet.host, "a b");
	assert_string_equal(o.fleet.ca_file, "c");
	assert_string_equal(o.fleet.password_file, "p");
	assert_string_equal(o.store_file, "s");
	options_done(&o);
	assert_int_equal(PARSE(&o, "ship", "--to=http://db", "--user=w"), OPTIONS_RUN);
	assert_string_equal(o.fleet.user, "w");
	assert_false(o.filter.has_uid);
	options_done(&o);
	assert_int_equal(PARSE(&o, "record", "--to=http://db", "--as=w", "--table-prefix=x_"),
			 OPTIONS_RUN);
	assert_string_equal(o.fleet.to, "http://db");
	assert_string_equal(o.fleet.table_prefix, "x_");
	options_done(&o);
}

/* Each is one line on stderr that names the culprit, and exit code 2. */
static void what_would_stand_in_sql_is_refused(void **state)
{
	static const struct {
		const char *words[WORDS];
		const char *line;
	} cases[] = {
		{{"schema"},
		 "schema: of which database? write for example sockwatch schema clickhouse\n"},
		{{"schema", "mysql"},
		 "'mysql': no database that sockwatch knows; there is clickhouse\n"},
		{{"schema", "clickhouse", "--database", "a b"},
		 "--database 'a b': not a name of letters, digits and _; write for example "
		 "--database sockwatch\n"},
		{{"schema", "clickhouse", "--database", ""}, "--database '': not a name"},
		{{"schema", "clickhouse", "--table-prefix=x;"}, "--table-prefix 'x;': not a name"},
		{{"schema", "clickhouse", "--table-prefix=`"}, "--table-prefix '`': not a name"},
		{{"schema", "clickhouse", "--cluster=a'b"},
		 "--cluster 'a'b': not the name of a cluster"},
		{{"schema", "clickhouse", "--ttl=month"}, "--ttl 'month': not a duration"},
		{{"schema", "clickhouse", "--store=x"}, "'--store=x': schema has no such option"},
		{{"history", "--from", "clickhouse"},
		 "--from 'clickhouse': not http[s]://HOST[:PORT][/DATABASE]; write for example "
		 "--from"},
		{{"history", "--from", "http://h:8123/a;b"},
		 "--from 'http://h:8123/a;b': not http"},
		{{"history", "--from", "http://u:p@h/d"}, "--from 'http://u:p@h/d': not http"},
		{{"history", "--from=http://h/d", "--host="}, "--host '': empty"},
		{{"history", "--from=http://h/d", "--store=x"},
		 "--from asks a database, --store a file; give either\n"},
		{{"history", "--from=http://h/d", "--follow"},
		 "--follow goes on with what a store of this host records"},
		{{"history", "--host=a"}, "--host is for --from: of which database?"},
		{{"history", "--as=a"}, "--as is for --from"},
		{{"history", "--ca=a"}, "--ca is for --from"},
		{{"report", "--from=http://h/d"}, "'--from=http://h/d': report has no such option"},
		{{"ship"}, "ship: to which database? write for example sockwatch ship --to "},
		{{"ship", "x", "--to=http://db"}, "'x': ship takes options only"},
		{{"ship", "--to=db:8123"}, "--to 'db:8123': not http[s]://HOST[:PORT][/DATABASE]"},
		{{"ship", "--to=http://u:p@db/x"}, "--to 'http://u:p@db/x': not http[s]"},
		{{"ship", "--to=http://db/a`b"}, "--to 'http://db/a`b': not http[s]"},
		{{"ship", "--to=http://db", "--host="}, "--host '': not a name"},
		{{"ship", "--to=http://db", "--host=a\tb"}, "--host 'a\\x09b': not a name"},
		{{"ship", "--to=http://db", "--rows=0"}, "--rows '0': not a number from 1 to 50000"},
		{{"ship", "--to=http://db", "--rows=50001"}, "--rows '50001': not a number"},
		{{"ship", "--to=http://db", "--keep=1d"}, "'--keep=1d': ship has no such option"},
		{{"record", "--to=x"}, "--to 'x': not http[s]"},
		{{"record", "--as=w"}, "--as is for --to: to which database?"},
		{{"record", "--ca=w"}, "--ca is for --to: to which database?"},
		{{"record", "--host=w"}, "--host is for --to: to which database?"},
		{{"trace", "--to=http://db"}, "'--to=http://db': trace has no such option"},
		{{"ls", "--database=x"}, "'--database=x': ls has no such option"},
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].words, &o), EXIT_USAGE);
		if (strncmp(said, "sockwatch: ", 11) != 0 ||
		    strncmp(said + 11, cases[i].line, strlen(cases[i].line)) != 0)
			fail_msg("%s says: %s", cases[i].line, said);
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_takes_names_and_an_age),
		cmocka_unit_test(history_asks_one_host_or_all),
		cmocka_unit_test(ship_and_record_take_a_server),
		cmocka_unit_test(what_would_stand_in_sql_is_refused),
	};

	return cmocka_run_group_tests_name("options_fleet", tests, NULL, NULL);
}
