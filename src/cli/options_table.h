/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options_table.h - every option: which commands take it, how it is checked, what its help says.
 *
 * Owns: one constant table, and the words about a value that is refused.  Refuses to know: argp, the order of
 * arguments, commands' names.
 */
#ifndef SOCKWATCH_OPTIONS_TABLE_H
#define SOCKWATCH_OPTIONS_TABLE_H

#include "options.h"

enum options_key {
	KEY_FIRST = 256, /* below it a key is the option's letter */
	KEY_ADDR,
	KEY_BTF,
	KEY_CGROUP,
	KEY_COLOR,
	KEY_CONTAINER,
	KEY_COUNT,
	KEY_EVENTS,
	KEY_FAIL_AT,
	KEY_FOR,
	KEY_HOOKS,
	KEY_MAP,
	KEY_NETNS,
	KEY_OUTPUT,
	KEY_PORT,
	KEY_RING,
	KEY_SOCKETS,
	KEY_STATE,
	KEY_WATCH,
};

/* What options_parse() carries from option to option. */
struct options_parse {
	struct options *options;
	bool help, version;
};

struct options_row {
	int key;
	const char *name;	/* after "--"; NULL: a letter only */
	const char *arg;	/* as help names it; NULL: takes none */
	unsigned int commands;	/* bit per enum options_command */
	int group;		/* of the help */
	bool hidden;		/* accepted, not in the help */
	/* Stores `arg` in the options; 0, or EINVAL or ENOMEM after one line on stderr. */
	int (*set)(struct options_parse *p, const struct options_row *row, const char *arg);
	size_t field;		/* in struct options, for setters that serve several rows */
	const char *const *words; /* of set_word(), by enum value, NULL at the end */
	const char *why;	/* a refused value is this */
	const char *example;	/* a value that is accepted */
	const char *doc;	/* a row without key and name heads its group with it */
};

/* Ends with a row without `doc`. */
#define OPTIONS_ROWS_MAX 56
extern const struct options_row options_table[];

/* "--port", or "-o" where there is no name; lives until the next call. */
const char *options_row_name(const struct options_row *row);

/* One line on stderr, "sockwatch: ...", whatever bytes users gave.  Returns EINVAL. */
__attribute__((format(printf, 1, 2))) int options_complain(const char *format, ...);

#endif
