/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/cli/options.h"

#define MAX_WORDS 12
#define BIT(n)	  (1u << (n))

/* What one call left on stdout and stderr. */
static char out[16384], err[4096];
static FILE *capture(int fd, int *ret_saved)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	*ret_saved = dup(fd);
	dup2(fileno(file), fd);
	return file;
}

static void restore(int fd, int saved, FILE *file, char *text, size_t size)
{
	dup2(saved, fd);
	close(saved);
	rewind(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

/* `words` follow "sockwatch" and end with NULL.  The options point into the caller's words. */
static int parse(const char *const *words, struct options *ret)
{
	static char program[] = "sockwatch";
	char *argv[MAX_WORDS + 2] = {program};
	FILE *out_file, *err_file;
	int saved_out, saved_err, argc = 1, code;

	for (; argc <= MAX_WORDS && words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	fflush(stdout);
	fflush(stderr);
	out_file = capture(STDOUT_FILENO, &saved_out);
	err_file = capture(STDERR_FILENO, &saved_err);
	code = options_parse(argc, argv, ret);
	fflush(stdout);
	fflush(stderr);
	restore(STDOUT_FILENO, saved_out, out_file, out, sizeof(out));
	restore(STDERR_FILENO, saved_err, err_file, err, sizeof(err));
	return code;
}

#define PARSE(ret, ...) parse((const char *const[]){__VA_ARGS__, NULL}, ret)

static void assert_silent(void)
{
	assert_string_equal(out, "");
	assert_string_equal(err, "");
}

static void test_bare(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, NULL), OPTIONS_RUN);
	assert_silent();
	assert_int_equal(o.command, COMMAND_TRACE);
	assert_int_equal(o.format, FORMAT_TEXT);
	assert_int_equal(o.color, COLOR_AUTO);
	assert_int_equal(o.hooks, HOOKS_AUTO);
	assert_false(o.quiet);
	assert_int_equal(o.for_ns, 0);
	assert_int_equal(o.count, 0);
	assert_int_equal(o.ring_bytes, 64 << 20);
	assert_int_equal(o.max_sockets, 1000000);
	assert_null(o.btf_file);
	assert_null(o.output_file);
	assert_true(filter_match(&o.filter, &(struct event){.kind = EVENT_BIND}));
	options_done(&o);
	options_done(&o);
}

static void test_no_argv(void **state)
{
	char *argv[] = {NULL};
	struct options o;

	(void)state;
	assert_int_equal(options_parse(0, argv, &o), OPTIONS_RUN);
	assert_int_equal(o.command, COMMAND_TRACE);
	options_done(&o);
}

static void test_commands(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "trace", "-q"), OPTIONS_RUN);
	assert_int_equal(o.command, COMMAND_TRACE);
	assert_true(o.quiet);
	options_done(&o);
	assert_int_equal(PARSE(&o, "-q"), OPTIONS_RUN);
	assert_int_equal(o.command, COMMAND_TRACE);
	assert_true(o.quiet);
	options_done(&o);
	assert_int_equal(PARSE(&o, "features", "-o", "json", "--hooks", "tracepoints"),
			 OPTIONS_RUN);
	assert_int_equal(o.command, COMMAND_FEATURES);
	assert_int_equal(o.format, FORMAT_JSON);
	assert_int_equal(o.hooks, HOOKS_TRACEPOINTS);
	options_done(&o);
	assert_silent();
}

static void test_filters(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-tu46", "-p", "901,1000-1100", "-cnginx", "-U", "33", "--port",
			       "80,443", "-L8080", "-D", "5432"),
			 OPTIONS_RUN);
	assert_silent();
	assert_true(o.filter.tcp && o.filter.udp && o.filter.ipv4 && o.filter.ipv6);
	assert_int_equal(o.filter.pids.count, 2);
	assert_int_equal(o.filter.pids.item[1].high, 1100);
	assert_string_equal(o.filter.comm, "nginx");
	assert_true(o.filter.has_uid);
	assert_int_equal(o.filter.uid, 33);
	assert_int_equal(o.filter.ports.count, 2);
	assert_int_equal(o.filter.local_ports.item[0].low, 8080);
	assert_int_equal(o.filter.peer_ports.item[0].low, 5432);
	options_done(&o);

	assert_int_equal(PARSE(&o, "--tcp", "--udp", "--pid=1", "--comm=a", "--user=0",
			       "--local-port=1", "--remote-port=2", "--addr=10.0.0.0/8,::1",
			       "--state=listen,TIME_WAIT", "--events=bind,close", "--netns=77",
			       "--container=4f1a"),
			 OPTIONS_RUN);
	assert_silent();
	assert_int_equal(o.filter.cidr_count, 2);
	assert_int_equal(o.filter.states, BIT(STATE_LISTEN) | BIT(STATE_TIME_WAIT));
	assert_int_equal(o.filter.kinds, BIT(EVENT_BIND) | BIT(EVENT_CLOSE));
	assert_true(o.filter.has_netns);
	assert_int_equal(o.filter.netns, 77);
	assert_string_equal(o.filter.container, "4f1a");
	options_done(&o);
}

static void test_lists_add_up(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--port", "80", "--port", "443", "--addr=::1", "--addr=::2"),
			 OPTIONS_RUN);
	assert_int_equal(o.filter.ports.count, 2);
	assert_int_equal(o.filter.cidr_count, 2);
	options_done(&o);
}

static void test_other_options(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "trace", "-nP", "-qojson", "--for", "1.5s", "--count=3",
			       "--color=always", "--hooks=trampolines,-a/b,-c", "--btf=/b",
			       "--output=/o", "--sockets=5"),
			 OPTIONS_RUN);
	assert_silent();
	assert_int_equal(o.format, FORMAT_JSON);
	assert_true(o.quiet);
	assert_int_equal(o.for_ns, 1500000000);
	assert_int_equal(o.count, 3);
	assert_int_equal(o.color, COLOR_ALWAYS);
	assert_int_equal(o.hooks, HOOKS_TRAMPOLINES);
	assert_string_equal(o.hooks_without, "a/b,-c");
	assert_string_equal(o.btf_file, "/b");
	assert_string_equal(o.output_file, "/o");
	assert_int_equal(o.max_sockets, 5);
	options_done(&o);
}

static void test_abbreviated(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--po=80", "--quie"), OPTIONS_RUN);
	assert_int_equal(o.filter.ports.count, 1);
	assert_true(o.quiet);
	options_done(&o);
}

static void test_value_that_looks_like_an_option(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "ls", "-c", "--bogus", "--"), OPTIONS_RUN);
	assert_string_equal(o.filter.comm, "--bogus");
	options_done(&o);
}

static void test_ring(void **state)
{
	static const struct {
		const char *size;
		uint64_t bytes;
	} cases[] = {
		{"1M", 1 << 20},     {"1MB", 1 << 20}, {"1048577", 2 << 20}, {"65M", 128 << 20},
		{"64MiB", 64 << 20}, {"1G", 1 << 30},  {"1GB", 1 << 30},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;

		assert_int_equal(PARSE(&o, "--ring", cases[i].size), OPTIONS_RUN);
		assert_int_equal(o.ring_bytes, cases[i].bytes);
		options_done(&o);
	}
}

static void test_long_name_is_kept_for_executables(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-c", "0123456789abcdefgh"), OPTIONS_RUN);
	assert_string_equal(o.filter.comm, "0123456789abcdefgh");
	options_done(&o);
}

static void test_cgroup(void **state)
{
	static const char *const cases[][2] = {
		{"/a/b", "/a/b"},
		{"/a/b//", "/a/b"},
		{"/", ""},
		{"/sys/fs/cgroup", ""},
		{"/sys/fs/cgroup/a", "/a"},
		{"/sys/fs/cgroupx", "/sys/fs/cgroupx"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;

		assert_int_equal(PARSE(&o, "--cgroup", cases[i][0]), OPTIONS_RUN);
		assert_string_equal(o.filter.cgroup, cases[i][1]);
		options_done(&o);
	}
}

static void test_user_name(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-U", "root"), OPTIONS_RUN);
	assert_true(o.filter.has_uid);
	assert_int_equal(o.filter.uid, 0);
	options_done(&o);
}

static void test_netns(void **state)
{
	static const char *const names[] = {"self", "/proc/self/ns/net", "//proc/self/ns/net"};
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	for (size_t i = 0; i < 3; i++) {
		struct options o;

		assert_int_equal(PARSE(&o, "--netns", names[i]), OPTIONS_RUN);
		assert_true(o.filter.has_netns);
		assert_int_equal(o.filter.netns, st.st_ino);
		options_done(&o);
	}
}

static void test_no_color(void **state)
{
	static const struct {
		const char *environment, *option;
		enum options_color color;
	} cases[] = {
		{"1", "-q", COLOR_NEVER},	    {"", "-q", COLOR_AUTO},
		{"1", "--color=auto", COLOR_NEVER}, {"1", "--color=always", COLOR_ALWAYS},
		{"", "--color=never", COLOR_NEVER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;

		setenv("NO_COLOR", cases[i].environment, 1);
		assert_int_equal(PARSE(&o, cases[i].option), OPTIONS_RUN);
		assert_int_equal(o.color, cases[i].color);
		options_done(&o);
	}
	unsetenv("NO_COLOR");
}

static void test_help_and_version(void **state)
{
	static const struct {
		const char *words[3];
		const char *contains;
	} cases[] = {
		{{"--help"}, "Usage: sockwatch [COMMAND] [OPTION...]\n"},
		{{"-h"}, "\n  features "},
		{{"-q", "--hel"}, "Usage: sockwatch [COMMAND] [OPTION...]\n"},
		{{"trace", "--help"}, "Usage: sockwatch trace [OPTION...]\n"},
		{{"trace", "-qh"}, "\n      --state=NAME,..."},
		{{"features", "--help"}, "Usage: sockwatch features [OPTION...]\n"},
		{{"--version"}, "sockwatch " SOCKWATCH_VERSION "\n"},
		{{"features", "-V"}, "sockwatch " SOCKWATCH_VERSION "\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;

		assert_int_equal(parse(cases[i].words, &o), 0);
		assert_string_equal(err, "");
		assert_non_null(strstr(out, cases[i].contains));
	}
}

static void test_help_shows_what_the_command_takes(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "features", "--help"), 0);
	assert_null(strstr(out, "--port"));
	assert_null(strstr(out, "Which sockets"));
	assert_int_equal(PARSE(&o, "trace", "--help"), 0);
	assert_non_null(strstr(out, "--port"));
	assert_null(strstr(out, "\n  -n"));
}

static void test_help_to_a_full_disk(void **state)
{
	char program[] = "sockwatch", help[] = "--help";
	char *argv[] = {program, help, NULL};
	int saved_out = dup(STDOUT_FILENO), saved_err, code;
	struct options o;
	FILE *err_file;

	(void)state;
	fflush(stdout);
	fflush(stderr);
	err_file = capture(STDERR_FILENO, &saved_err);
	assert_non_null(freopen("/dev/full", "w", stdout));
	code = options_parse(2, argv, &o);
	fflush(stderr);
	restore(STDERR_FILENO, saved_err, err_file, err, sizeof(err));
	clearerr(stdout);
	dup2(saved_out, fileno(stdout));
	close(saved_out);
	assert_int_equal(code, 1);
	assert_non_null(strstr(err, "No space left"));
}

/* Each is one line on stderr that names the culprit, and exit code 2. */
static void test_bad_usage(void **state)
{
#define PORT_RULE ": not a port, range (0-65535) or service; write for example "
#define PORTS	  " 80,443,8000-8100\n"
	static const struct {
		const char *words[5];
		const char *line; /* behind "sockwatch: "; all of it where it ends in a newline */
	} cases[] = {
		{{"foo"}, "'foo': no such command (there are trace, ephemeral, features, ls, who,"},
		{{""}, "'': no such command"},
		{{"lss"}, "'lss': no such command"},
		{{"features", "foo"}, "'foo': features takes options only"},
		{{"ls", "-t", "%80"}, "'%80': neither a port nor the name of a process"},
		{{"ls", "-i", "80"}, "-i '80': not as lsof has it; write for example -i tcp@"},
		{{"ls", "-ix"}, "-i 'x': not as lsof has it"},
		{{"ls", "--hooks", "tracepoints"},
		 "--hooks 'tracepoints': neither auto, iterators nor proc"},
		{{"ls", "--for", "1s"}, "'--for': ls has no such option"},
		{{"who"}, "who: which port? write for example sockwatch who 8080\n"},
		{{"who", "80", "nginx"}, "'nginx': not a port"},
		{{"who", "x/"}, "'x/': not a port; write for example"},
		{{"who", "0"}, "'0': not a port"},
		{{"who", "65536"}, "'65536': not a port"},
		{{"who", "80-90"}, "'80-90': not a port"},
		{{"who", "80,90"}, "'80,90': not a port"},
		{{"who", "/80"}, "'/80': not a port"},
		{{"who", "icmp/80"}, "'icmp/80': not a port"},
		{{"who", "udp/"}, "'udp/': not a port"},
		{{"who", "-t", "80"}, "'-t': who has no such option"},
		{{"status", "foo"},
		 "'foo': status takes options only; see sockwatch status --help\n"},
		{{"-q", "foo", "bar"}, "'bar': the name of a process is given already ('foo')"},
		{{"ls", "--", "--port"}, "'--port': neither a port nor"},
		{{"-"}, "'-': neither a port nor"},
		{{"--bogus"}, "'--bogus': trace has no such option; see sockwatch trace --help\n"},
		{{"--bogus=1"}, "'--bogus=1': trace has no such option"},
		{{"-Z"}, "'-Z': trace has no such option"},
		{{"-tZq"}, "'-Z': trace has no such option"},
		{{"-c", "-Zx", "-tYu"}, "'-Y': trace has no such option"},
		{{"features", "-t"},
		 "'-t': features has no such option; see sockwatch features --help\n"},
		{{"features", "--port=80"}, "'--port=80': features has no such option"},
		{{"--co=x"},
		 "'--co': could be --comm, --container, --color, --count; write more of it\n"},
		{{"--tcp=yes"}, "--tcp 'yes': takes no value; write --tcp\n"},
		{{"--port"}, "--port: needs a value, LIST; write for example --port" PORTS},
		{{"-q", "--por"}, "--port: needs a value, LIST"},
		{{"-L"}, "--local-port: needs a value, LIST"},
		{{"-tqp"}, "--pid: needs a value, LIST"},
		{{"-o"}, "-o: needs a value, text|json|ecs|otel; write for example -o json\n"},
		{{"--port", "80x"}, "--port '80x'" PORT_RULE "--port" PORTS},
		{{"--port="}, "--port ''" PORT_RULE},
		{{"--port", "65536"}, "--port '65536'" PORT_RULE},
		{{"-L", "90-80"}, "--local-port '90-80'" PORT_RULE "--local-port" PORTS},
		{{"-D", "no-such"}, "--remote-port 'no-such'" PORT_RULE "--remote-port" PORTS},
		{{"-p", "nginx"},
		 "--pid 'nginx': not a process id or range (up to 4194304); write for "
		 "example --pid 901,1000-1100\n"},
		{{"-p", "4194305"}, "--pid '4194305': not a process id"},
		{{"-c", ""}, "--comm '': empty; write for example --comm nginx\n"},
		{{"-ca", "-cb"}, "--comm 'b': given a second time"},
		{{"-U", "no such user"},
		 "--user 'no such user': no user id, and no such name in "
		 "/etc/passwd; write for example --user 1000\n"},
		{{"-U", "4294967295"}, "--user '4294967295': no user id"},
		{{"-U", "0", "-U1"}, "--user '1': given a second time"},
		{{"--addr", "10.0.0.0/33"},
		 "--addr '10.0.0.0/33': not a list of addresses or networks"},
		{{"--state", "listen,foo,bar"}, "--state 'foo': not a TCP state (ESTABLISHED, "},
		{{"--state="}, "--state '': not a TCP state"},
		{{"--events", "bind,open"},
		 "--events 'open': not an event (bind, listen, connect, "
		 "accept, state, close, overflow); write for example --events "
		 "bind,close\n"},
		{{"--netns", "/nowhere"},
		 "--netns '/nowhere': not a network namespace (No such file or "
		 "directory); write for example --netns self\n"},
		{{"--netns", "no-such-name"},
		 "--netns 'no-such-name': not a network namespace (No such"},
		{{"--netns", "/etc/passwd"},
		 "--netns '/etc/passwd': not a network namespace (a file"},
		{{"--netns", "/proc/self/ns/uts"}, "--netns '/proc/self/ns/uts': not a network"},
		{{"--netns", "1", "--netns=2"}, "--netns '2': given a second time"},
		{{"--cgroup", "a/b"}, "--cgroup 'a/b': not a path from the root of the cgroups"},
		{{"--cgroup", ""}, "--cgroup '': not a path"},
		{{"--cgroup", "/a", "--cgroup=/b"}, "--cgroup '/b': given a second time"},
		{{"--container", ""}, "--container '': empty"},
		{{"--container=a", "--container=b"}, "--container 'b': given a second time"},
		{{"-o", "xml"}, "-o 'xml': neither text, json, ecs nor otel; write for example -o json\n"},
		{{"--color=sometimes"}, "--color 'sometimes': neither auto, always nor never"},
		{{"--hooks=kprobes"}, "--hooks 'kprobes': neither auto, trampolines nor"},
		{{"--hooks=auto,a"}, "--hooks 'a': neither auto, trampolines nor"},
		{{"--for", "10"}, "--for '10': not a duration above 0"},
		{{"--for", "0s"}, "--for '0s': not a duration above 0"},
		{{"--count", "0"}, "--count '0': not a number above 0"},
		{{"--count", "-1"}, "--count '-1': not a number above 0"},
		{{"--ring", "512K"},
		 "--ring '512K': not a size from 1M to 1G; write for example --ring"},
		{{"--ring", "0"}, "--ring '0': not a size"},
		{{"--ring", "1073741825"}, "--ring '1073741825': not a size"},
		{{"--ring", "99999999T"}, "--ring '99999999T': not a size"},
		{{"--ring", "big"}, "--ring 'big': not a size"},
		{{"--sockets", "0"}, "--sockets '0': not a number from 1 to 16777216"},
		{{"--sockets", "16777217"}, "--sockets '16777217': not a number"},
		{{"--btf="}, "--btf '': not a file"},
		{{"--output="}, "--output '': not a file"},
		{{"trace", "a\nb\033[1m\177"}, "'a\\x0ab\\x1b[1m\\x7f': neither a port nor"},
		{{"--port", "80", "--help", "--port=x"}, NULL},
		{{"--port=x", "--help"}, "--port 'x': not a port"},
		{{"ephemeral", "--fail-at=0"}, "--fail-at '0': not a percentage"},
		{{"ephemeral", "--fail-at=%"}, "--fail-at '%': not a percentage"},
		{{"ephemeral", "--fail-at=101%"}, "--fail-at '101%': not a percentage"},
		{{"ephemeral", "--watch", "--for=1s"}, "--watch and --for exclude each other"},
		{{"trace", "-o", "html"}, "-o 'html': neither text, json, ecs"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const char begin[] = "sockwatch: ";
		const char *line = cases[i].line;
		struct options o;
		int code = parse(cases[i].words, &o);

		if (!line) {
			assert_int_equal(code, 0);
			continue;
		}
		assert_string_equal(out, "");
		if (code != 2 || strncmp(err, begin, strlen(begin)) ||
		    strncmp(err + strlen(begin), line, strlen(line)) ||
		    strchr(err, '\n') != err + strlen(err) - 1)
			fail_msg("case %zu: code %d, not '%s' but '%s'", i, code, line, err);
	}
}

/* Whatever the order of right and wrong words: run, help, or exactly one line and code 2. */
static void test_random_words(void **state)
{
	static const char *const words[] = {
		"trace", "features", "-t",    "-4q",  "-p",	 "1",	  "--port", "80",
		"--po",	 "--co",     "--tcp", "-tZ",  "--tcp=1", "-o",	  "json",   "--bogus",
		"--",	 "-",	     "",      "-c",   "-cx",	 "--for", "1s",	    "-",
		"-h",	 "-qtp",     "-:",    "-t-u", "-W",	 "--=",	  "---",    "\xff\xfe",
	};
	int ran = 0, helped = 0, refused = 0;

	(void)state;
	srandom(1);
	for (int round = 0; round < 5000; round++) {
		const char *line[MAX_WORDS + 1] = {NULL};
		struct options o;
		int code;

		for (long i = random() % 6; i > 0; i--)
			line[i - 1] = words[random() % (sizeof(words) / sizeof(words[0]))];
		code = parse(line, &o);
		if (code == OPTIONS_RUN) {
			assert_silent();
			options_done(&o);
			ran++;
		} else if (code == 0) {
			assert_string_equal(err, "");
			helped++;
		} else {
			assert_int_equal(code, 2);
			assert_string_equal(out, "");
			assert_true(strlen(err) > 0);
			assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
			refused++;
		}
	}
	assert_true(ran > 100 && helped > 50 && refused > 1000);
}

static void test_a_very_long_word(void **state)
{
	static char word[5000];
	struct options o;

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	assert_int_equal(PARSE(&o, word), 2);
	assert_int_equal(PARSE(&o, "trace", word), 2);
	assert_int_equal(PARSE(&o, "--port", word), 2);
	assert_int_equal(PARSE(&o, "--netns", word), 2);
	assert_int_equal(PARSE(&o, "--state", word), 2);
	assert_true(strlen(err) < 512);
	word[0] = word[1] = '-';
	assert_int_equal(PARSE(&o, word), 2);
	assert_true(strlen(err) < 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_no_argv),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_lists_add_up),
		cmocka_unit_test(test_other_options),
		cmocka_unit_test(test_abbreviated),
		cmocka_unit_test(test_value_that_looks_like_an_option),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_long_name_is_kept_for_executables),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_user_name),
		cmocka_unit_test(test_netns),
		cmocka_unit_test(test_no_color),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_help_shows_what_the_command_takes),
		cmocka_unit_test(test_help_to_a_full_disk),
		cmocka_unit_test(test_bad_usage),
		cmocka_unit_test(test_random_words),
		cmocka_unit_test(test_a_very_long_word),
	};

	unsetenv("NO_COLOR");
	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
