/* SPDX-License-Identifier: GPL-2.0-only */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "options_plain.h"

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
	for (size_t i = 0; options_command(i); i++)
		printf("  %-10s %s\n", options_command(i)->name, options_command(i)->summary);
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
	for (size_t i = 0; options_command(i); i++) {
		if (!strcmp(name, options_command(i)->name))
			return options_command(i);
	}
	return NULL;
}

static int complain_command(const char *name)
{
	char list[256] = "";
	size_t used = 0;

	for (size_t i = 0; options_command(i) && used < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "",
				 options_command(i)->name);
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
	if (o->unsent_bytes && !o->keep_ns && !o->keep_bytes)
		return options_complain(
			"--keep-unsent bounds what stays longer than --keep, and without "
			"--keep all stays; write for example --keep 7d --keep-unsent 4GiB");
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
	if (o->by.count && (o->format == FORMAT_ECS || o->format == FORMAT_OTEL))
		return options_complain("--by counts, -o ecs and otel tell each event; write for "
					"example -o json");
	if (o->by.count && (o->journal || o->follow))
		return options_complain("--by counts until the end, %s tells each event; give either",
					o->journal ? "--journal" : "--follow");
	if (o->interval_ns && !o->by.count)
		return options_complain(
			"--interval is for --by: which groups? write for example --by comm "
			"--interval 10s");
	if (o->journal && o->output_file)
		return options_complain("--journal is the output, --output another; give either");
	if ((o->command == COMMAND_RECORD || o->command == COMMAND_SHIP) && !o->store_file)
		o->store_file = STORE_DEFAULT;
	if (o->command == COMMAND_RECORD && !o->fleet.to && options_fleet_word(&o->fleet))
		return options_complain("%s is for --to: to which database? write for example --to "
					"http://10.0.0.5:8123/sockwatch",
					options_fleet_word(&o->fleet));
	if (o->command != COMMAND_RECORD && o->command != COMMAND_HISTORY &&
	    o->command != COMMAND_REPORT)
		return 0;
	if (options_check_fleet(o))
		return EINVAL;
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
		return *ret_named ? find_command(argv[1]) : options_command(0);
	}
	if (options_is_port(first)) {
		*ret_named = false;
		return find_command("who");
	}
	if (options_is_listing(first))
		return find_command("ls");
	return *ret_named ? find_command(first) : options_command(0);
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
	if (code == OPTIONS_RUN && command->id == COMMAND_SCHEMA && !ret->fleet.dialect) {
		options_complain("schema: of which database? write for example sockwatch schema clickhouse");
		code = EXIT_USAGE;
	}
	if (code == OPTIONS_RUN && command->id == COMMAND_SHIP && !ret->fleet.to) {
		options_complain("ship: to which database? write for example sockwatch ship --to "
				 "http://10.0.0.5:8123/sockwatch");
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
