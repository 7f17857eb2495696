/* SPDX-License-Identifier: GPL-2.0-only */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "options_table.h"

#define DEFAULT_RING	(UINT64_C(64) << 20)
#define DEFAULT_SOCKETS 1000000
#define DEFAULT_FILES	10
#define DEFAULT_QUEUE	(UINT64_C(64) << 20)
#define DEFAULT_TIME_WAITS (1u << 18)
#define DEFAULT_PROCESSES  1000000
#define DEFAULT_FOLLOWED   262144
#define DEFAULT_TEXT	   (UINT64_C(64) << 20)
#define DEFAULT_LOOK	   (UINT64_C(16) << 20)
#define FILTER_WORDS_MAX   64
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static const struct command commands[] = {
	{COMMAND_TRACE, "trace", "print what happens to sockets as it happens (the default)",
	 "Prints a line for each bind, listen, failed call and life of the host's TCP and UDP sockets, all "
	 "containers included, with the process that owns the socket; ! marks what failed. Each connect, accept "
	 "and change of state with -v, --events or -o json.\v"
	 "Examples:\n"
	 "  sockwatch trace -L 443 --events accept,close   who comes, how long they stay\n"
	 "  sockwatch trace -c nginx -o json --for 10s     one process's sockets, for jq\n"
	 "  sockwatch trace --events bind --port 8080      who grabs the port\n"
	 "  sockwatch trace -- curl -s example.com         runs it: its sockets, and those of what it starts\n"
	 "\n"
	 "The command behind -- begins once all hooks are attached, and runs with the rights, files and environment of the "
	 "caller; its output goes where it always does, so --output FILE keeps the trace apart. The trace ends with it; "
	 "what ends the trace (Ctrl-C, --for, --count) ends the command.\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 4 done but events were lost; of a command that was started its "
	 "own (128 + N by signal N), 127 there is no such command, 126 it cannot be run."},
	{COMMAND_EPHEMERAL, "ephemeral",
	 "print how many local ports are left, who takes them and what would help",
	 "Prints for each network namespace how many local ports connect() can still choose from, by the "
	 "kernel's own rule, for each pair of source address and destination; which processes hold them, and "
	 "what would help. One look, or what --for sees.\v"
	 "Examples:\n"
	 "  sockwatch ephemeral --netns self            one look at this namespace\n"
	 "  sockwatch ephemeral --for 60s               watch a minute: churn, latency, failures\n"
	 "  sockwatch ephemeral -D 5432 -c web          where web's sockets go, and what is left there\n"
	 "  sockwatch ephemeral --fail-at 90% -q        exit code 5 when a destination is short of ports\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 4 done but events were lost, 5 --fail-at reached."},
	{COMMAND_FEATURES, "features",
	 "print which kernel hooks work here and what that leaves out",
	 "Prints each kernel hook, whether it works here, which one was chosen, and what that "
	 "leaves uncovered.\v"
	 "Exit code: 0 done, 1 run-time failure, 2 usage."},
	{COMMAND_LS, "ls", "list every socket and everyone who holds it",
	 "Lists the sockets of every network namespace, TIME_WAIT and shared ones included, with "
	 "each process "
	 "that holds them.\v"
	 "Examples:\n"
	 "  sockwatch ls -i :8080                who uses the port\n"
	 "  sockwatch ls --state listen          who listens\n"
	 "  sockwatch ls --netns self -c nginx   one process's sockets, in this namespace\n"
	 "  sockwatch ls -x -l                   Unix sockets that wait for peers\n"
	 "  sockwatch ls -o json | jq ...        one object a socket\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage."},
	{COMMAND_WHO, "who", "say who has a port, and wait for it to be taken",
	 "Says which process has the port, since when, from where it can be reached, and what "
	 "frees it.\v"
	 "The port: 8080, udp/53, 127.0.0.1:5432, [::1]:80, tcp/ssh.\n"
	 "Examples:\n"
	 "  sockwatch who 8080\n"
	 "  sockwatch who udp/53 -o json\n"
	 "  sockwatch who /run/app.sock          or @abstract: a Unix socket\n"
	 "  sockwatch who --wait 8080            returns the moment somebody takes it\n"
	 "\n"
	 "Exit code: 0 found, 1 run-time failure, 2 usage, 3 nobody has it."},
	{COMMAND_RECORD, "record", "keep every socket's life in a file, to be asked for later",
	 "Keeps the life of each socket, each bind and listen and each failed connect in a store "
	 "(SQLite), which sockwatch history and sqlite3 read at any time.\v"
	 "Examples:\n"
	 "  sockwatch record --store /var/lib/sockwatch/store --keep 7d\n"
	 "  sockwatch record --store web.store --port 443 --keep 2GB\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 4 done but events were lost."},
	{COMMAND_HISTORY, "history", "ask a record who had a port, and when",
	 "Prints the recorded lives that match, with binds, listens and failures, in the order of time; what is "
	 "still open stands where it opened (with -o json at the end).\v"
	 "Examples:\n"
	 "  sockwatch history --store FILE --port 41234 --at 03:12     who had it then\n"
	 "  sockwatch history --store FILE --since yesterday --reason refused,timeout\n"
	 "  sockwatch history --store FILE -c nginx -o json --follow\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 3 nothing found."},
	{COMMAND_REPORT, "report", "make a page of a record: what failed when, whose ports, how long",
	 "Counts what was recorded: connections and failures over time, by process, peer and reason, how "
	 "long they lived, ports and conflicts, and what is known of the budget of ports. What the record "
	 "does not know is said.\v"
	 "Examples:\n"
	 "  sockwatch report -o html --output report.html\n"
	 "  sockwatch report --store FILE --since yesterday --until today\n"
	 "  sockwatch report -c nginx --failed -o json\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 3 the record holds nothing of that time."},
	{COMMAND_TOP, "top", "watch who opens, fails and transfers most, as top does",
	 "Shows processes, peers, failures, listeners and the budget of ports, with rates over 1, 10 and 60 "
	 "seconds, once a second; ? says the keys.\v"
	 "Examples:\n"
	 "  sockwatch top                                    on a terminal\n"
	 "  sockwatch top --view failures -c nginx\n"
	 "  sockwatch top --batch 1 --view peers --sort open   one frame, for a script\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 4 done but events were lost."},
	{COMMAND_STATUS, "status", "say who traces and records here, and what was lost",
	 "Says of each sockwatch that traces or records here since when it does, into what, how "
	 "much it has told, and what it lost for which reason.\v"
	 "Examples:\n"
	 "  sockwatch status\n"
	 "  sockwatch status -o json | jq .lost.count\n"
	 "\n"
	 "Exit code: 0 one runs, 1 run-time failure, 2 usage, 3 none does."},
};

const struct command options_overview = {
	COMMAND_TRACE, "", "tell which process has a port, and what became of every connection",
	"Traces every TCP and UDP socket of this host, all containers included: who\n"
	"bound, connected or accepted it, what became of it, and why it failed; lists\n"
	"who holds what now.\v"
	"Examples:\n"
	"  sockwatch                              everything, until Ctrl-C\n"
	"  sockwatch -p 901 --port 443            one process, one port\n"
	"  sockwatch trace -o json --for 10s      ten seconds, one JSON object a line\n"
	"  sockwatch ls -i :8080                  every socket on a port and who holds it\n"
	"  sockwatch who 8080                     who has the port\n"
	"\n"
	"Needs root, or the capabilities of docs/privileges.md.\n"
	"Exit code: 0 done, 1 run-time failure, 2 usage, 3 who or history found nothing, 4 done but "
	"events were lost,\n5 ephemeral --fail-at reached."};

const struct command *options_command(size_t i)
{
	return i < ARRAY_SIZE(commands) ? &commands[i] : NULL;
}

/* What the argp callback works on. */
struct reader {
	struct options_parse parse;
	const struct command *command;
	int word;	/* index in argv of the word the next option is read from */
	bool explained; /* an error has got its line */
};

static const struct options_row *find_key(const struct command *command, int key)
{
	for (const struct options_row *row = options_table; row->doc; row++) {
		if (row->key == key && key && options_row_is_for(row, command))
			return row;
	}
	return NULL;
}

/* The row a long option means, abbreviated or not; sets *ret_count to how many it might mean. */
static const struct options_row *find_name(const struct command *command, const char *name,
					   size_t len, unsigned int *ret_count)
{
	const struct options_row *found = NULL;

	*ret_count = 0;
	for (const struct options_row *row = options_table; row->doc; row++) {
		if (!row->name || !options_row_is_for(row, command) || strncmp(row->name, name, len))
			continue;
		found = row;
		if (!row->name[len]) {
			*ret_count = 1;
			return row;
		}
		++*ret_count;
	}
	return found;
}

static void explain_missing(const struct options_row *row)
{
	const char *name = options_row_name(row);

	options_complain("%s: needs a value, %s; write for example %s %s", name, row->arg, name,
			 row->example);
}

static void explain_unknown(const struct command *command, const char *word, size_t len)
{
	options_complain("'%.*s': %s has no such option; see sockwatch %s --help", (int)len, word,
			 command->name, command->name);
}

static void explain_ambiguous(const struct command *command, const char *name, size_t len)
{
	char list[256] = "";
	size_t used = 0;

	for (const struct options_row *row = options_table; row->doc; row++) {
		if (!row->name || !options_row_is_for(row, command) || strncmp(row->name, name, len))
			continue;
		if (used < sizeof(list))
			used += snprintf(list + used, sizeof(list) - used, "%s--%s",
					 used > 0 ? ", " : "", row->name);
	}
	options_complain("'--%.*s': could be %s; write more of it", (int)len, name, list);
}

static void explain_long(const struct command *command, const char *word)
{
	size_t len = strcspn(word, "=");
	unsigned int count;
	const struct options_row *row = find_name(command, word + 2, len - 2, &count);

	if (count == 0)
		explain_unknown(command, word, strnlen(word, 100));
	else if (count > 1)
		explain_ambiguous(command, word + 2, len - 2);
	else if (row->arg)
		explain_missing(row);
	else
		options_complain("--%s '%.*s': takes no value; write --%s", row->name,
				 (int)strnlen(word + len + 1, 100), word + len + 1, row->name);
}

static void explain_short(const struct command *command, const char *word)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct options_row *row = find_key(command, (unsigned char)*letter);
		char option[] = {'-', *letter, '\0'};

		if (row && row->arg && !row->optional)
			explain_missing(row);
		else if (!row)
			explain_unknown(command, option, 2);
		else
			continue;
		return;
	}
}

/*
 * getopt() refused a word; argp would say so in two lines and not say why.  Options are read in
 * order, so the word is the one behind what was read last.
 */
static void explain(const struct reader *r, const struct argp_state *state)
{
	const char *word = r->word < state->argc ? state->argv[r->word] : "-";

	if (!strncmp(word, "--", 2))
		explain_long(r->command, word);
	else
		explain_short(r->command, word);
}

static error_t read_option(int key, char *arg, struct argp_state *state)
{
	struct reader *r = state->input;
	const struct options_row *row;
	error_t err;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->quoted && r->command->id == COMMAND_TRACE) {
			r->parse.options->run = &state->argv[state->next - 1];
			state->next = state->argc;
			return 0;
		}
		err = options_set_word(&r->parse, arg,
				       state->next >= 2 ? state->argv[state->next - 2] : NULL);
		if (err != -1)
			break;
		err = options_complain("'%.*s': %s takes options only; see sockwatch %s --help",
				       (int)strnlen(arg, 100), arg, r->command->name,
				       r->command->name);
		break;
	case ARGP_KEY_NO_ARGS:
	case ARGP_KEY_END:
		if (!state->quoted || r->command->id != COMMAND_TRACE || r->parse.options->run)
			return 0;
		err = options_complain("--: which command? write for example sockwatch trace -- curl -s "
				       "http://127.0.0.1/");
		break;
	case ARGP_KEY_ERROR:
		if (!r->explained)
			explain(r, state);
		r->explained = true;
		return 0;
	default:
		row = find_key(r->command, key);
		if (!row)
			return ARGP_ERR_UNKNOWN;
		err = row->set(&r->parse, row, arg);
	}
	r->word = state->next;
	r->explained = err != 0;
	return err;
}

/* Gives argp the rows of one command; `ret` holds OPTIONS_ROWS_MAX. */
static void make_argp_options(const struct command *command, struct argp_option *ret)
{
	size_t count = 0;

	for (const struct options_row *row = options_table;
	     row->doc && count < OPTIONS_ROWS_MAX - 1; row++) {
		if (!options_row_is_for(row, command))
			continue;
		ret[count++] = (struct argp_option){
			.name = row->name,
			.key = row->key,
			.arg = row->arg,
			.flags = (row->hidden ? OPTION_HIDDEN : 0) |
				 (row->optional ? OPTION_ARG_OPTIONAL : 0),
			.doc = row->doc,
			.group = row->group,
		};
	}
	ret[count] = (struct argp_option){0};
}

static int finish_stdout(void)
{
	if (fflush(stdout) == 0 || errno == EPIPE)
		return 0;
	options_complain("stdout: %s; free the place it is written to", strerror(errno));
	return EXIT_FAILURE;
}

static int print_version(void)
{
	puts("sockwatch " SOCKWATCH_VERSION);
	return finish_stdout();
}

static int print_overview(void)
{
	const char *rest = strchr(options_overview.doc, '\v');

	printf("Usage: sockwatch [COMMAND] [OPTION...]\n%.*s\n\nCommands:\n",
	       (int)(rest - options_overview.doc), options_overview.doc);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	printf("\n"
	       "  sockwatch COMMAND --help   the options of a command\n"
	       "  sockwatch --version        the version\n"
	       "\n%s\n",
	       rest + 1);
	return finish_stdout();
}

static int print_command_help(const struct argp *argp, const struct command *command)
{
	char name[64];

	snprintf(name, sizeof(name), "sockwatch %s", command->name);
	argp_help(argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, name);
	return finish_stdout();
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	}
	return NULL;
}

static int complain_command(const char *name)
{
	char list[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(commands) && used < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "",
				 commands[i].name);
	options_complain("'%.*s': no such command (there are %s); see sockwatch --help",
			 (int)strnlen(name, 100), name, list);
	return EXIT_USAGE;
}

static void options_init(struct options *o, enum options_command command)
{
	*o = (struct options){
		.command = command,
		.ring_bytes = DEFAULT_RING,
		.max_sockets = DEFAULT_SOCKETS,
		.queue_bytes = DEFAULT_QUEUE,
		.max_time_waits = DEFAULT_TIME_WAITS,
		.max_processes = DEFAULT_PROCESSES,
		.max_followed = DEFAULT_FOLLOWED,
		.max_text_bytes = DEFAULT_TEXT,
		.look_bytes = DEFAULT_LOOK,
		.until_ns = UINT64_MAX,
		.keep_files = DEFAULT_FILES,
	};
	filter_init(&o->filter);
}

void options_done(struct options *o)
{
	filter_done(&o->filter);
}

static void apply_environment(struct options *o)
{
	const char *no_color = getenv("NO_COLOR");

	/* https://no-color.org: present and not empty. */
	if (o->color == COLOR_AUTO && no_color && *no_color)
		o->color = COLOR_NEVER;
}

/* What no single option can tell; 0 or EINVAL after one line. */
static int check_together(struct options *o)
{
	if (o->rotate_bytes && !o->output_file)
		return options_complain("--rotate needs a file; write for example --output "
					"/var/log/sockwatch.json --rotate 100MB");
	if (o->run && o->filter.pids.count)
		return options_complain("-p and a command to start: which is traced? give either");
	if (o->filter.children && !o->filter.pids.count && !o->run)
		return options_complain("--follow-children needs -p: whose? write for example -p 901 "
					"--follow-children");
	if (o->no_args && o->filter.args)
		return options_complain("--no-args leaves out what --args asks for; give either");
	if (o->strict && o->watch)
		return options_complain("--watch looks again and again, which takes the rights that "
					"--strict gives away; give either");
	if (o->command == COMMAND_TOP && o->format == FORMAT_JSON && !o->batch)
		return options_complain("-o json needs --batch: how many frames? write for example "
					"--batch 1 -o json");
	if (o->by.count && (o->journal || o->follow))
		return options_complain("--by counts until the end, %s tells each event; give either",
					o->journal ? "--journal" : "--follow");
	if (o->journal && o->output_file)
		return options_complain("--journal is the output, --output another; give either");
	if (o->command != COMMAND_RECORD && o->command != COMMAND_HISTORY &&
	    o->command != COMMAND_REPORT)
		return 0;
	if (o->command == COMMAND_RECORD && !o->store_file)
		o->store_file = STORE_DEFAULT;
	if (o->has_at && o->since_ns != o->until_ns)
		return options_complain("--at is one moment, --since and --until are a span; give "
					"either");
	if (o->has_at && o->follow)
		return options_complain("--at is over, --follow goes on; give either");
	if (o->since_ns > o->until_ns)
		return options_complain("--since is later than --until; exchange them");
	return 0;
}

/* --utc, shortened or not, holds for the times before it, too. */
static void apply_utc(int argc, char **argv)
{
	/* Behind "--" is another's command line. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		size_t len = strlen(argv[i]);

		if (len >= strlen("--ut") && strncmp(argv[i], "--utc", len) == 0)
			setenv("TZ", "UTC0", 1);
	}
	tzset();
}

/* A line a bind, a listen, a failed call and a life, unless more is asked for, and groups of these.  Else JSON is whole. */
static bool is_brief(const struct options *o)
{
	return (o->command == COMMAND_TRACE || o->command == COMMAND_HISTORY) &&
	       (o->format == FORMAT_TEXT || o->by.count) && !o->journal && !o->verbose && !o->filter.kinds;
}

/*
 * The command that the line begins with, or means without naming it: "8080" asks who has it, "-tulpn" lists.  *ret_named: it is
 * the first word, which may be changed.  NULL: none.
 */
static const struct command *choose_command(int argc, char **argv, bool *ret_named)
{
	static char help[] = "--help", version_word[] = "--version";
	const char *first = argc > 1 ? argv[1] : "-";

	*ret_named = first[0] != '-';
	if (!strcmp(first, "help") || !strcmp(first, "version")) {
		*ret_named = first[0] == 'h' && argc > 2;
		argv[1] = first[0] == 'h' ? help : version_word;
		if (*ret_named) {
			argv[1] = argv[2];
			argv[2] = help;
		}
		return *ret_named ? find_command(argv[1]) : &commands[0];
	}
	if (options_is_port(first)) {
		*ret_named = false;
		return find_command("who");
	}
	if (options_is_listing(first))
		return find_command("ls");
	return *ret_named ? find_command(first) : &commands[0];
}

#define PARSE_FLAGS (ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_NO_EXIT | ARGP_IN_ORDER)

/* Words of a line, in place; 0 where there are too many. */
static int split_words(char *line, char **ret, int max)
{
	int count = 1;

	ret[0] = "top";
	for (char *p = line; *(p += strspn(p, " \t"));) {
		char quote = *p == '\'' || *p == '"' ? *p : '\0', end[] = {quote, '\0'};

		if (count == max - 1)
			return 0;
		ret[count++] = quote ? ++p : p;
		p += strcspn(p, quote ? end : " \t");
		if (*p)
			*p++ = '\0';
	}
	ret[count] = NULL;
	return count;
}

int options_parse_filter(char *line, struct filter *ret)
{
	static const struct command words = {COMMAND_TOP, "top", NULL, NULL};
	struct argp_option rows[OPTIONS_ROWS_MAX];
	const struct argp argp = {.options = rows, .parser = read_option};
	struct options o;
	struct reader r = {.parse.options = &o, .command = &words, .word = 1};
	char *argv[FILTER_WORDS_MAX];
	int count = split_words(line, argv, FILTER_WORDS_MAX);
	error_t err = 0;

	options_init(&o, words.id);
	make_argp_options(&words, rows);
	if (!count)
		err = options_complain("a filter has %d words at most", FILTER_WORDS_MAX - 2);
	else
		err = argp_parse(&argp, count, argv, PARSE_FLAGS, NULL, &r);
	if (err && count && !r.explained)
		options_complain("the filter cannot be read: %s", strerror(err));
	if (!err)
		err = check_together(&o);
	if (!err)
		err = options_end_words(&r.parse);
	*ret = o.filter;
	return err;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	bool named;
	const struct command *command = choose_command(argc, argv, &named);
	struct argp_option rows[OPTIONS_ROWS_MAX];
	struct argp argp = {.options = rows, .parser = read_option};
	struct reader r = {.parse.options = ret, .command = command, .word = 1};
	int code = OPTIONS_RUN;
	error_t err;

	if (!command)
		return complain_command(argv[1]);
	options_init(ret, command->id);
	ret->callers_zone = getenv("TZ");
	apply_utc(argc, argv);
	if (command->id == COMMAND_LS)
		options_drop_p(argc, argv);
	make_argp_options(command, rows);
	argp.doc = command->doc;
	err = argp_parse(&argp, argc - named, argv + named, PARSE_FLAGS, NULL, &r);
	if (err)
		code = err == ENOMEM || err == EMFILE || err == ENFILE ? 1 : EXIT_USAGE;
	if (!err && ret->watch && ret->for_ns) {
		options_complain("--watch and --for exclude each other: one looks again and again, the other "
				 "once at the end; give one of them");
		code = EXIT_USAGE;
	}
	if (err && !r.explained)
		options_complain("the command line cannot be read: %s", strerror(err));
	if (r.parse.version)
		code = print_version();
	else if (r.parse.help)
		code = named ? print_command_help(&argp, command) : print_overview();
	else if (code == OPTIONS_RUN && check_together(ret))
		code = EXIT_USAGE;
	if (code == OPTIONS_RUN && (options_end_words(&r.parse) || options_check_unix(ret)))
		code = EXIT_USAGE;
	if (code == OPTIONS_RUN && command->id == COMMAND_WHO && !ret->asked_count &&
	    !ret->filter.comm) {
		options_complain("who: which port? write for example sockwatch who 8080");
		code = EXIT_USAGE;
	}
	if (code == OPTIONS_RUN && ret->wait && ret->asked_count != 1) {
		options_complain(
			"--wait waits for one port; write for example sockwatch who --wait 8080");
		code = EXIT_USAGE;
	}
	ret->filter.brief = is_brief(ret);
	if (code == OPTIONS_RUN) {
		apply_environment(ret);
		options_split_memory(ret);
	} else {
		options_done(ret);
	}
	return code;
}
