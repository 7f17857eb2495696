/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pages.c - what --help says, from the same tables, as manual pages and as completion for shells.
 *
 *     pages man COMMAND DATE FILE  a page in roff; FILE has what is written by hand: paragraphs of the description, then sections
 *     pages man sockwatch DATE FILE
 *     pages bash|zsh|fish          what the hand-written rest in dist/ builds upon
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/cli/options_table.h"

#define FOLD 68 /* a line of roff goes on in the next at the first space behind */

/* ---- roff ---- */

/* `exact`: lines as they stand, as in an example. */
static void put_roff(const char *text, size_t len, bool exact)
{
	size_t column = 0;

	for (size_t i = 0; i < len; i++, column++) {
		if (text[i] == ' ' && !exact && column > FOLD) {
			putchar('\n');
			column = (size_t)-1;
			continue;
		}
		if (column == 0 && strchr(".'", text[i]))
			fputs("\\&", stdout);
		switch (text[i]) {
		case '\\': fputs("\\e", stdout); break;
		case '-': fputs("\\-", stdout); break;
		case '\'': fputs("\\(aq", stdout); break;
		case '"': fputs("\\(dq", stdout); break;
		case '`': fputs("\\(ga", stdout); break;
		case '^': fputs("\\(ha", stdout); break;
		case '~': fputs("\\(ti", stdout); break;
		default: putchar(text[i]);
		}
		if (text[i] == '\n')
			column = (size_t)-1;
	}
}

static void put_paragraph(const char *text, size_t len)
{
	put_roff(text, len, false);
	putchar('\n');
}

static void put_name(const struct command *command)
{
	printf("sockwatch%s%s", *command->name ? "\\-" : "", command->name);
}

/* As argp has it: "-p, --pid=LIST", "-i[ARG]". */
static void put_option(const struct options_row *row)
{
	if (row->key < KEY_FIRST)
		printf("\\fB\\-%c\\fR%s", row->key, row->name ? ", " : "");
	if (row->name) {
		fputs("\\fB\\-\\-", stdout);
		put_roff(row->name, strlen(row->name), true);
		fputs("\\fR", stdout);
	}
	if (row->arg) {
		fputs(row->optional ? "[\\fI" : row->name ? "=\\fI" : " \\fI", stdout);
		put_roff(row->arg, strlen(row->arg), true);
		fputs(row->optional ? "\\fR]" : "\\fR", stdout);
	}
	putchar('\n');
}

static void put_options(const struct command *command)
{
	const char *paragraph = ".SH OPTIONS";

	for (const struct options_row *row = options_table; row->doc; row++) {
		if (!options_row_is_for(row, command) || row->hidden)
			continue;
		puts(row->key ? ".TP" : paragraph);
		paragraph = ".PP";
		if (row->key)
			put_option(row);
		put_paragraph(row->doc, strlen(row->doc));
	}
}

/* "0 done, 1 run-time failure, ...": one item each. */
static void put_exit_codes(const char *text)
{
	puts(".SH EXIT STATUS");
	while (*text) {
		const char *end = text;
		size_t len;

		while (*end && !(end[0] == ',' && isspace((unsigned char)end[1]) &&
				 isdigit((unsigned char)end[2])))
			end++;
		len = (size_t)(end - text);
		if (!*end && len && text[len - 1] == '.')
			len--;
		printf(".TP\n.B %c\n", *text);
		put_paragraph(text + 2, len - 2);
		text = *end ? end + 2 : end;
	}
}

/* What the help has behind the options, in blocks with an empty line between: examples, exit codes, else paragraphs. */
static const char examples[] = "Examples:\n", codes[] = "Exit code: ";

static size_t block_length(const char *text)
{
	const char *end = strstr(text, "\n\n");

	return end ? (size_t)(end - text) : strlen(text);
}

static void put_rest(const char *rest)
{
	for (size_t len; *rest; rest += len + strspn(rest + len, "\n")) {
		const char *shown = strstr(rest, examples), *code = strstr(rest, codes);

		len = block_length(rest);
		if (shown && shown < rest + len) {
			shown += strlen(examples);
			puts(".SH EXAMPLES\n.EX");
			put_roff(shown, (size_t)(rest + len - shown), true);
			puts("\n.EE");
		} else if (code && code < rest + len) {
			put_exit_codes(code + strlen(codes));
		}
	}
}

/* The lines of it that belong to the description. */
static void put_rest_of_description(const char *rest)
{
	for (size_t len; *rest; rest += len + strspn(rest + len, "\n")) {
		const char *shown = strstr(rest, examples), *code = strstr(rest, codes);
		size_t block = block_length(rest);

		len = block;
		if (shown && shown < rest + len)
			len = (size_t)(shown - rest);
		if (code && code < rest + len)
			len = (size_t)(code - rest);
		if (len > 0) {
			puts(".PP");
			put_paragraph(rest, len - (rest[len - 1] == '\n'));
		}
		len = block;
	}
}

static void put_commands(void)
{
	const struct command *command;

	puts(".SH COMMANDS");
	for (size_t i = 0; (command = options_command(i)); i++) {
		fputs(".TP\n.BR ", stdout);
		put_name(command);
		puts(" (1)");
		put_paragraph(command->summary, strlen(command->summary));
	}
}

static void put_see_also(const struct command *own)
{
	const struct command *command;

	puts(".SH SEE ALSO");
	if (*own->name)
		puts(".BR sockwatch (1),");
	for (size_t i = 0; (command = options_command(i)); i++) {
		if (command == own)
			continue;
		fputs(".BR ", stdout);
		put_name(command);
		puts(" (1),");
	}
	puts(".BR ss (8),\n.BR lsof (8)");
}

/* The whole file, NUL-terminated; the caller frees it.  NULL after a word on stderr. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 1 << 16);

	if (!file || !text) {
		perror(path);
		exit(1);
	}
	text[fread(text, 1, (1 << 16) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static int print_man(const struct command *command, const char *date, const char *path)
{
	static const char given[] = ".\\\" SYNOPSIS ";
	const char *rest = strchr(command->doc, '\v');
	char *own = read_file(path), *body = own, *sections, words[128] = "";

	/* Its first line may say what stands beside options. */
	if (!strncmp(own, given, strlen(given))) {
		body += strcspn(own, "\n");
		snprintf(words, sizeof(words), " %.*s", (int)(body - own - (long)strlen(given)),
			 own + strlen(given));
		body += *body == '\n';
	}
	sections = strncmp(body, ".SH ", 4) ? strstr(body, "\n.SH ") : body;
	printf(".\\\" From the words of --help; see tools/pages.c.\n.TH SOCKWATCH%s",
	       *command->name ? "\\-" : "");
	for (const char *c = command->name; *c; c++)
		putchar(toupper((unsigned char)*c));
	printf(" 1 %s \"sockwatch %s\" \"User Commands\"\n.SH NAME\n", date, SOCKWATCH_VERSION);
	put_name(command);
	fputs(" \\- ", stdout);
	put_paragraph(command->summary, strlen(command->summary));
	printf(".SH SYNOPSIS\n\\fBsockwatch%s%s\\fR [\\fIOPTION\\fR...]%s\n.SH DESCRIPTION\n",
	       *command->name ? " " : "\\fR [\\fICOMMAND\\fR]", command->name, words);
	put_paragraph(command->doc, (size_t)(rest - command->doc));
	put_rest_of_description(rest + 1);
	printf("%.*s", (int)(sections ? sections - body : (long)strlen(body)), body);
	if (sections && sections > body)
		putchar('\n');
	if (*command->name)
		put_options(command);
	else
		put_commands();
	put_rest(rest + 1);
	if (sections)
		fputs(sections + (*sections == '\n'), stdout);
	put_see_also(command);
	free(own);
	return 0;
}

/* ---- completion ---- */

enum value {
	VALUE_NONE, /* the option takes none */
	VALUE_ANY,  /* nothing to offer */
	VALUE_FILE,
	VALUE_NETNS,
	VALUE_USER,
	VALUE_WORD, /* one of some */
	VALUE_LIST, /* some of them, with commas */
};

/* "not a TCP state (ESTABLISHED, SYN_SENT)": the words that a refusal lists, "established syn-sent"; false where it lists none. */
static bool listed_words(const char *why, char *ret, size_t size)
{
	const char *open = strchr(why, '('), *close = open ? strchr(open, ')') : NULL;
	size_t len = 0;

	if (!close || !memchr(open, ',', (size_t)(close - open)))
		return false;
	for (const char *c = open + 1; c < close && len + 1 < size; c++) {
		if (*c == ',')
			c++;
		else if (!isalnum((unsigned char)*c) && !strchr("_-", *c))
			return false;
		/* What a comma ended is a space now. */
		ret[len++] = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	}
	ret[len] = '\0';
	return true;
}

static enum value value_of(const struct options_row *row, char *ret_words, size_t size)
{
	size_t len = 0;

	*ret_words = '\0';
	if (!row->arg || row->optional)
		return row->arg ? VALUE_ANY : VALUE_NONE;
	if (!strcmp(row->arg, "FILE"))
		return VALUE_FILE;
	if (!strcmp(row->arg, "NETNS"))
		return VALUE_NETNS;
	if (!strcmp(row->arg, "NAME|UID"))
		return VALUE_USER;
	for (size_t i = 0; row->words && row->words[i]; i++)
		len += (size_t)snprintf(ret_words + len, size - len, "%s%s", i ? " " : "",
					row->words[i]);
	if (row->words)
		return VALUE_WORD;
	if (!strcmp(row->arg, "NAME,...") || !strcmp(row->arg, "KIND,..."))
		return listed_words(row->why, ret_words, size) ? VALUE_LIST : VALUE_ANY;
	return VALUE_ANY;
}

/* In single quotes of a shell; zsh's _arguments minds brackets and colons, too. */
static void put_quoted(const char *text, const char *quote, const char *minded)
{
	for (; *text; text++) {
		if (*text == '\'') {
			fputs(quote, stdout);
			continue;
		}
		if (strchr(minded, *text))
			putchar('\\');
		putchar(*text);
	}
}

static void put_spellings(const struct options_row *row, const char *between,
			  const char *letter_end, const char *name_end)
{
	if (row->key < KEY_FIRST)
		printf("-%c%s", row->key, letter_end);
	if (row->key < KEY_FIRST && row->name)
		fputs(between, stdout);
	if (row->name)
		printf("--%s%s", row->name, name_end);
}

static void print_names(void)
{
	const struct command *command;

	for (size_t i = 0; (command = options_command(i)); i++)
		printf("%s%s", i ? " " : "", command->name);
}

static bool is_offered(const struct options_row *row)
{
	return row->key && !row->hidden;
}

static void print_bash_values(const struct command *command)
{
	static const char *const kinds[] = {
		[VALUE_ANY] = "any",   [VALUE_FILE] = "file", [VALUE_NETNS] = "netns",
		[VALUE_USER] = "user", [VALUE_WORD] = "word", [VALUE_LIST] = "list"};
	char words[512];

	for (const struct options_row *row = options_table; row->doc; row++) {
		enum value value = value_of(row, words, sizeof(words));
		char between[64];

		if (!is_offered(row) || !options_row_is_for(row, command) || value == VALUE_NONE)
			continue;
		snprintf(between, sizeof(between), "' | '%s ", command->name);
		printf("\t'%s ", command->name);
		put_spellings(row, between, "", "");
		printf("') echo '%s%s%s' ;;\n", kinds[value], *words ? " " : "", words);
	}
}

static int print_bash(void)
{
	const struct command *command;

	fputs("# bash completion for sockwatch\n_sockwatch_commands='", stdout);
	print_names();
	puts("'\n_sockwatch_options() { # COMMAND\n\tcase $1 in");
	for (size_t i = 0; (command = options_command(i)); i++) {
		printf("\t%s) echo '", command->name);
		for (const struct options_row *row = options_table; row->doc; row++) {
			if (!is_offered(row) || !options_row_is_for(row, command))
				continue;
			put_spellings(row, " ", "", "");
			putchar(' ');
		}
		puts("' ;;");
	}
	puts("\tesac\n}\n# What an option takes.\n_sockwatch_value() { # COMMAND OPTION\n\tcase "
	     "\"$1 $2\" in");
	for (size_t i = 0; (command = options_command(i)); i++)
		print_bash_values(command);
	puts("\tesac\n}");
	return 0;
}

static void print_zsh_option(const struct options_row *row)
{
	char words[512];
	enum value value = value_of(row, words, sizeof(words));
	bool both = row->key < KEY_FIRST && row->name;

	fputs(both ? "\t\t'*'{" : "\t\t'*'", stdout);
	put_spellings(row, ",", !row->arg ? "" : row->optional ? "-" : "+", row->arg ? "=" : "");
	fputs(both ? "}'[" : "'[", stdout);
	put_quoted(row->doc, "'\\''", "[]");
	putchar(']');
	if (row->arg) {
		fputs(row->optional ? "::" : ":", stdout);
		put_quoted(row->arg, "'\\''", ":[]");
		putchar(':');
	}
	switch (value) {
	case VALUE_NONE: break;
	case VALUE_ANY: putchar(' '); break;
	case VALUE_FILE: fputs("_files", stdout); break;
	case VALUE_NETNS: fputs("_sockwatch_netns", stdout); break;
	case VALUE_USER: fputs("_users", stdout); break;
	case VALUE_WORD: printf("(%s)", words); break;
	case VALUE_LIST: printf("_values -s , %s %s", row->name, words); break;
	}
	puts("' \\");
}

static int print_zsh(void)
{
	const struct command *command;

	puts("#compdef sockwatch\nlocal -a commands=(");
	for (size_t i = 0; (command = options_command(i)); i++) {
		printf("\t'%s:", command->name);
		put_quoted(command->summary, "'\\''", "");
		puts("'");
	}
	puts(")\n_sockwatch_options() { # COMMAND\n\tcase $1 in");
	for (size_t i = 0; (command = options_command(i)); i++) {
		printf("\t%s) _arguments -s \\\n", command->name);
		for (const struct options_row *row = options_table; row->doc; row++) {
			if (is_offered(row) && options_row_is_for(row, command))
				print_zsh_option(row);
		}
		puts("\t\t;;");
	}
	puts("\tesac\n}");
	return 0;
}

static void print_fish_option(const struct options_row *row)
{
	char words[512];
	enum value value = value_of(row, words, sizeof(words));
	const struct command *command;

	fputs("complete -c sockwatch -n '__sockwatch_runs", stdout);
	for (size_t i = 0; (command = options_command(i)); i++) {
		if (options_row_is_for(row, command))
			printf(" %s", command->name);
	}
	putchar('\'');
	if (row->key < KEY_FIRST)
		printf(" -s %c", row->key);
	if (row->name)
		printf(" -l %s", row->name);
	switch (value) {
	case VALUE_NONE: break;
	case VALUE_ANY: fputs(row->optional ? "" : " -x", stdout); break;
	case VALUE_FILE: fputs(" -r -F", stdout); break;
	case VALUE_NETNS: fputs(" -x -a '(__sockwatch_netns)'", stdout); break;
	case VALUE_USER: fputs(" -x -a '(__fish_complete_users)'", stdout); break;
	case VALUE_WORD: printf(" -x -a '%s'", words); break;
	case VALUE_LIST: printf(" -x -a '(__sockwatch_list %s)'", words); break;
	}
	fputs(" -d '", stdout);
	put_quoted(row->doc, "\\'", "\\");
	puts("'");
}

static int print_fish(void)
{
	const struct command *command;

	fputs("# fish completion for sockwatch\nset -g __sockwatch_commands ", stdout);
	print_names();
	putchar('\n');
	for (size_t i = 0; (command = options_command(i)); i++) {
		printf("complete -c sockwatch -n __sockwatch_begins -a %s -d '", command->name);
		put_quoted(command->summary, "\\'", "\\");
		puts("'");
	}
	for (const struct options_row *row = options_table; row->doc; row++) {
		if (is_offered(row))
			print_fish_option(row);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const struct command *command;

	if (argc == 5 && !strcmp(what, "man")) {
		if (!strcmp(argv[2], "sockwatch"))
			return print_man(&options_overview, argv[3], argv[4]);
		for (size_t i = 0; (command = options_command(i)); i++) {
			if (!strcmp(argv[2], command->name))
				return print_man(command, argv[3], argv[4]);
		}
	}
	if (!strcmp(what, "bash"))
		return print_bash();
	if (!strcmp(what, "zsh"))
		return print_zsh();
	if (!strcmp(what, "fish"))
		return print_fish();
	fputs("usage: pages man COMMAND DATE FILE | bash | zsh | fish\n", stderr);
	return 2;
}
