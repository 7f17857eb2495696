/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of users, hostile ones among them: a port, what lsof's -i takes, addresses, lists, units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/cli/options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "sockwatch" and up to three words; what it says on stderr is one line, or nothing where it runs. */
static int parse(struct options *ret, const char *a, const char *b, const char *c, char said[4096])
{
	static char program[] = "sockwatch";
	char *argv[] = {program, (char *)(uintptr_t)a, (char *)(uintptr_t)b, (char *)(uintptr_t)c,
			NULL}; /* words may be changed in place: "-tulpn" */
	FILE *file = tmpfile();
	int code, saved = dup(STDERR_FILENO);
	size_t len;

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	code = options_parse(c ? 4 : b ? 3 : 2, argv, ret);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	len = fread(said, 1, 4095, file);
	said[len] = '\0';
	fclose(file);
	if (code == OPTIONS_RUN)
		assert_int_equal(len, 0);
	else
		assert_ptr_equal(strchr(said, '\n'), said + len - 1);
	return code;
}

static void who_takes_a_port_with_or_without_an_address(void **state)
{
	static const struct {
		const char *word;
		uint16_t port;
		bool has_host;
	} good[] = {
		{"80", 80, false},
		{":80", 80, false},
		{"*:80", 80, false},
		{"udp/53", 53, false},
		{"tcp/:80", 80, false},
		{"[::1]:80", 80, true},
		{"[::]:80", 80, true},
		{"127.0.0.1:80", 80, true},
		{"tcp/[::1]:443", 443, true},
		{"fe80::1:65000", 65000, true},
		{"::ffff:127.0.0.1:80", 80, true},
	};
	char said[4096];
	struct options o;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(parse(&o, "who", good[i].word, NULL, said), OPTIONS_RUN);
		assert_int_equal(o.filter.inet_count, 1);
		assert_int_equal(o.filter.inet[0].ports.count, 1);
		assert_int_equal(o.filter.inet[0].ports.item[0].low, good[i].port);
		assert_int_equal(o.filter.inet[0].ports.item[0].high, good[i].port);
		assert_int_equal(o.filter.inet[0].has_host, good[i].has_host);
		options_done(&o);
	}
}

static void who_without_a_port_is_bad_usage(void **state)
{
	static const char *const bare[] = {
		"::1",	   "::",  "::1:80",   "fe80::1",   "[::1]",
		"tcp/::1", "1::", "udp/[::]", "::1.2.3.4", "2001:db8::1:443"};
	static const char *const bad[] = {
		"",
		":",
		"::80:",
		"[::1]:",
		"[::1",
		"[]:80",
		"[:80",
		"]:80",
		"[::1]80",
		"[::1]80:",
		"tcp/",
		"tcp/:",
		"/",
		"//",
		"/:80",
		"@:80",
		"@::1",
		"tcp@::1/80",
		"tcp:1/80",
		"@1.2.3.4:80",
		":0",
		":-1",
		":65536",
		"80:",
		"80:80:80",
		"::::",
		"%",
		"*",
		"*:",
		"*:*",
		"*:0",
		":80,90",
		":80-90",
		"1.2.3.4",
		"1.2.3.4:",
		"1.2.3:80",
		"\n:80",
		"\xff:80",
		"4/80:",
		"6@::1",
		":99999999999999999999",
		"[::1]:80:80",
		"[[::1]]:80",
		"::1]:80",
	};
	char said[4096];
	struct options o;

	(void)state;
	for (size_t i = 0; i < COUNT(bare); i++) {
		assert_int_equal(parse(&o, "who", bare[i], NULL, said), 2);
		assert_non_null(strstr(said, "an IPv6 address without a port; write [ADDR]:PORT"));
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (parse(&o, "who", bad[i], NULL, said) != 2)
			fail_msg("who '%s' is taken", bad[i]);
		assert_non_null(strstr(said, "sockwatch: "));
	}
}

/* Every string of up to four of these letters: no crash, one line or none, always with a port. */
static void rights_are_given_away_by_who_looks_once(void **state)
{
	char said[4096];
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "ls", NULL, NULL, said), OPTIONS_RUN);
	assert_false(o.strict);
	options_done(&o);
	assert_int_equal(parse(&o, "ls", "--strict", NULL, said), OPTIONS_RUN);
	assert_true(o.strict);
	options_done(&o);
	assert_int_equal(parse(&o, "ephemeral", "--strict", "--watch", said), EXIT_USAGE);
}

static void every_short_word_is_taken_or_refused(void **state)
{
	static const char letters[] = "18:/@[].*-,f%";
	static const char *const options[][2] = {{"who", NULL},
						 {"ls", "-i"},
						 {"ls", "--addr"},
						 {"ls", "--port"},
						 {"trace", "--for"}};
	const unsigned int base = sizeof(letters);
	char said[4096], word[5];
	struct options o;

	(void)state;
	for (unsigned int n = 0; n < base * base * base * base; n++) {
		const char *const *option = options[n % COUNT(options)];
		unsigned int rest = n;
		size_t len = 0;
		int code;

		for (int i = 0; i < 4; i++, rest /= base) {
			if (letters[rest % base])
				word[len++] = letters[rest % base];
		}
		word[len] = '\0';
		if (word[0] == '-')
			continue;
		code = parse(&o, option[0], option[1] ? option[1] : word, option[1] ? word : NULL,
			     said);
		assert_true(code == OPTIONS_RUN || code == 2);
		if (code != OPTIONS_RUN)
			continue;
		if (o.unix_sockets)
			assert_true(o.asked_count == 1 && strchr("/@.", *o.asked[0]));
		else if (!option[1] && o.asked_count)
			assert_int_equal(o.filter.inet[0].ports.count, 1);
		else if (!option[1])
			assert_int_equal(o.filter.comm[0], 'f');
		options_done(&o);
	}
}

static void hostile_values_are_refused_in_one_line(void **state)
{
	static const char *const row[][3] = {
		{"ls", "-i", "@"},
		{"ls", "-i", "@["},
		{"ls", "-i", "@[]"},
		{"ls", "-i", "@[::1"},
		{"ls", "-i", "@[::1]80"},
		{"ls", "-i", ":"},
		{"ls", "-i", ":,"},
		{"ls", "-i", ":80,"},
		{"ls", "-i", ":90-80"},
		{"ls", "-i", "tcp@:80"},
		{"ls", "-i", "7tcp"},
		{"ls", "-i", "@::1:"},
		{"ls", "--addr", "::1/129"},
		{"ls", "--addr", "1.2.3.4/33"},
		{"ls", "--addr", "/8"},
		{"ls", "--addr", "::1/"},
		{"ls", "--addr", ","},
		{"ls", "--addr", "[::1]"},
		{"ls", "--port", "65536"},
		{"ls", "--port", "-1"},
		{"ls", "--port", "9-8"},
		{"ls", "--port", "1,"},
		{"ls", "--port", "1--2"},
		{"ls", "--port", "+1"},
		{"ls", "--port", "0x50"},
		{"ls", "--port", " 80"},
		{"ls", "--port", ""},
		{"ls", "--args", "("},
		{"ls", "--unit", ""},
		{"ls", "--follow-children", "-t"},
		{"trace", "--for", "1"},
		{"trace", "--for", "s"},
		{"trace", "--for", "-1s"},
		{"trace", "--for", "1e9s"},
		{"trace", "--for", "99999999999999999999s"},
		{"trace", "--for", "18446744073709551615d"},
	};
	char said[4096];
	struct options o;

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		if (parse(&o, row[i][0], row[i][1], row[i][2], said) != 2)
			fail_msg("%s %s '%s' is taken", row[i][0], row[i][1], row[i][2]);
	}
}

struct expected {
	enum options_command command;
	int local, peer, either; /* ports */
	const char *comm, *asked;
	uint32_t states;
	bool listening, json;
};

static void check(const char *a, const char *b, const char *c, const struct expected *x)
{
	char said[4096], words[3][64];
	const char *word[3] = {a, b, c};
	struct options o;

	for (int i = 0; i < 3; i++)
		snprintf(words[i], sizeof(words[i]), "%s", word[i] ? word[i] : "");
	if (parse(&o, words[0], b ? words[1] : NULL, c ? words[2] : NULL, said) != OPTIONS_RUN)
		fail_msg("%s %s %s: %s", a, b ? b : "", c ? c : "", said);
	assert_int_equal(o.command, x->command);
	assert_int_equal(o.filter.local_ports.count ? o.filter.local_ports.item[0].low : 0,
			 x->local);
	assert_int_equal(o.filter.peer_ports.count ? o.filter.peer_ports.item[0].low : 0, x->peer);
	assert_int_equal(o.filter.ports.count ? o.filter.ports.item[0].low : 0, x->either);
	assert_int_equal(o.filter.states, x->states);
	assert_int_equal(o.filter.listening, x->listening);
	assert_int_equal(o.format == FORMAT_JSON, x->json);
	assert_int_equal(o.filter.comm != NULL, x->comm != NULL);
	if (x->comm)
		assert_string_equal(o.filter.comm, x->comm);
	assert_int_equal(o.asked_count > 0, x->asked != NULL);
	if (x->asked)
		assert_string_equal(o.asked[0], x->asked);
	options_done(&o);
}

/* What ss, lsof, netstat and haste have taught. */
static void words_that_have_a_plain_meaning(void **state)
{
	const uint32_t listen = 1u << STATE_LISTEN;
	const struct {
		const char *word[3];
		struct expected x;
	} row[] = {
		{{"8080"}, {.command = COMMAND_WHO, .asked = "8080"}},
		{{":8080", "--json"}, {.command = COMMAND_WHO, .asked = ":8080", .json = true}},
		{{"udp/53"}, {.command = COMMAND_WHO, .asked = "udp/53"}},
		{{"who", ":8080"}, {.command = COMMAND_WHO, .asked = ":8080"}},
		{{"who", "8080", "9001"}, {.command = COMMAND_WHO, .asked = "8080"}},
		{{"who", "nginx"}, {.command = COMMAND_WHO, .comm = "nginx"}},
		{{"ls", "8080"}, {.command = COMMAND_LS, .either = 8080}},
		{{"trace", ":8080"}, {.command = COMMAND_TRACE, .either = 8080}},
		{{"history", "8080"}, {.command = COMMAND_HISTORY, .either = 8080}},
		{{"record", "8000-8100,9000"}, {.command = COMMAND_RECORD, .either = 8000}},
		{{"ls", "nginx"}, {.command = COMMAND_LS, .comm = "nginx"}},
		{{"ls", "--port", "http"}, {.command = COMMAND_LS, .either = 80}},
		{{"ls", "-L", "http,https"}, {.command = COMMAND_LS, .local = 80}},
		{{"-tulpn"}, {.command = COMMAND_LS, .listening = true}},
		{{"ls", "-ltnp", "--json"},
		 {.command = COMMAND_LS, .listening = true, .json = true}},
		{{"ls", "state", "listening"}, {.command = COMMAND_LS, .states = listen}},
		{{"ls", "state all"}, {.command = COMMAND_LS}},
		{{"ls", "sport = :80"}, {.command = COMMAND_LS, .local = 80}},
		{{"ls", "sport=:http"}, {.command = COMMAND_LS, .local = 80}},
		{{"ls", "dport eq 443 and state listen"},
		 {.command = COMMAND_LS, .peer = 443, .states = listen}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++)
		check(row[i].word[0], row[i].word[1], row[i].word[2], &row[i].x);
}

static void unix_sockets_are_asked_for_by_name(void **state)
{
	static const char *const row[][4] = {
		{"who", "/run/app.sock", NULL, "/run/app.sock"},
		{"who", "@00017", NULL, "@00017"},
		{"./app.sock", NULL, NULL, "./app.sock"},
		{"/run/app.sock", NULL, NULL, "/run/app.sock"},
		{"ls", "-xl", "@app", "@app"},
	};
	char said[4096], as_ss[] = "-xlp";
	struct options o;

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		assert_int_equal(parse(&o, row[i][0], row[i][1], row[i][2], said), OPTIONS_RUN);
		assert_true(o.unix_sockets && o.asked_count == 1);
		assert_string_equal(o.asked[0], row[i][3]);
		options_done(&o);
	}
	assert_int_equal(parse(&o, "ls", as_ss, NULL, said), OPTIONS_RUN);
	assert_true(o.unix_sockets && o.filter.listening && !o.asked_count);
	options_done(&o);
}

static void words_without_one_name_the_command(void **state)
{
	static const struct {
		const char *word[3], *said;
	} row[] = {
		{{"ls", "( sport = :80 or sport = :81 )"}, "of ss's filters only"},
		{{"ls", "src", "10.0.0.1"}, "--addr 10.0.0.0/8"},
		{{"ls", "sport"}, "of ss's filters only"},
		{{"ls", "sport", "!="}, "of ss's filters only"},
		{{"ls", "state", "asleep"}, "state established"},
		{{"ls", "a", "b"}, "given already"},
		{{"ls", "a b"}, "given already"},
		{{"ls", ""}, "neither a port nor"},
		{{"trace", "80:80"}, "neither a port nor"},
		{{"who", "nginx", "80"}, "give either"},
		{{"who", "/run/app.sock", "80"}, "give either"},
		{{"who", "80", "/run/app.sock"}, "give either"},
		{{"trace", "--interval", "1s"}, "--interval is for --by: which groups?"},
		{{"trace", "--interval", "0s"}, "--interval '0s': not a duration above 0"},
		{{"who", "--wait", "@app"}, "a Unix socket is not traced"},
		{{"ls", "-x", "--port=80"}, "neither ports"},
		{{"ls", "-x", "--store=s"}, "not recorded"},
		{{"who", "--wait", "nginx"}, "--wait waits for one port"},
		{{"nginx"}, "no such command"},
	};
	char said[4096];
	struct options o;

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		if (parse(&o, row[i].word[0], row[i].word[1], row[i].word[2], said) != 2)
			fail_msg("%s %s is taken", row[i].word[0], row[i].word[1]);
		if (!strstr(said, row[i].said))
			fail_msg("%s %s: %s", row[i].word[0], row[i].word[1], said);
	}
}

static void behind_two_dashes_is_a_command(void **state)
{
	struct options o;
	char said[4096];

	(void)state;
	assert_int_equal(parse(&o, "--", "curl", "--bogus", said), OPTIONS_RUN);
	assert_true(o.run && !o.filter.comm);
	options_done(&o);
	assert_int_equal(parse(&o, "-f", "--", "-p", said), OPTIONS_RUN);
	assert_true(o.run && !o.filter.pids.count);
	options_done(&o);
	assert_int_equal(parse(&o, "-p1", "--", "curl", said), EXIT_USAGE);
	assert_non_null(strstr(said, "-p and a command to start"));
	assert_int_equal(parse(&o, "trace", "--", NULL, said), EXIT_USAGE);
	assert_non_null(strstr(said, "--: which command?"));
}

static void events_have_names_of_others(void **state)
{
	static const struct {
		const char *command, *format;
		int want; /* -1: refused */
	} cases[] = {
		{"trace", "-oecs", FORMAT_ECS},	  {"history", "-ootel", FORMAT_OTEL},
		{"ls", "-oecs", FORMAT_ECS},	  {"trace", "-ojson", FORMAT_JSON},
		{"trace", "-otext", FORMAT_TEXT}, {"report", "-ohtml", FORMAT_HTML},
		{"report", "-oecs", -1},	  {"features", "-ootel", -1},
		{"trace", "-ohtml", -1},	  {"ephemeral", "-ohtml", FORMAT_HTML},
	};
	struct options o;
	char said[4096];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int code = parse(&o, cases[i].command, cases[i].format, NULL, said);

		assert_int_equal(code, cases[i].want < 0 ? EXIT_USAGE : OPTIONS_RUN);
		if (cases[i].want < 0)
			continue;
		assert_int_equal((int)o.format, cases[i].want);
		if (o.format == FORMAT_ECS)
			assert_false(o.filter.brief);
		options_done(&o);
	}
	assert_int_equal(parse(&o, "ls", "-ootel", "--by=comm", said), EXIT_USAGE);
	assert_non_null(strstr(said, "--by counts, -o ecs and otel tell each event"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behind_two_dashes_is_a_command),
		cmocka_unit_test(events_have_names_of_others),
		cmocka_unit_test(who_takes_a_port_with_or_without_an_address),
		cmocka_unit_test(who_without_a_port_is_bad_usage),
		cmocka_unit_test(rights_are_given_away_by_who_looks_once),
		cmocka_unit_test(every_short_word_is_taken_or_refused),
		cmocka_unit_test(words_that_have_a_plain_meaning),
		cmocka_unit_test(unix_sockets_are_asked_for_by_name),
		cmocka_unit_test(words_without_one_name_the_command),
		cmocka_unit_test(hostile_values_are_refused_in_one_line),
	};

	return cmocka_run_group_tests_name("options_words", tests, NULL, NULL);
}
