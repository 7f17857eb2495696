/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options_table.h - every option: which commands take it, how it is checked, what its help says.
 *
 * Owns: one constant table, and the words about a value that is refused.  Refuses to know: argp, the order of
 * arguments.
 */
#ifndef SOCKWATCH_OPTIONS_TABLE_H
#define SOCKWATCH_OPTIONS_TABLE_H

#include "options.h"

enum options_group {
	GROUP_FILTER = 1,
	GROUP_STORE,
	GROUP_FLEET,
	GROUP_OUTPUT,
	GROUP_KERNEL,
	GROUP_HELP,
};

/* What options_parse() carries from option to option. */
struct options_parse {
	struct options *options;
	bool help, version;
	bool inet_open; /* an -i waits for its value */
	enum {
		SS_NOTHING,
		SS_STATE,
		SS_SPORT,
		SS_DPORT
	} ss; /* a word of ss that waits for its value */
};

struct options_row {
	int key;
	const char *name;	/* after "--"; NULL: a letter only */
	const char *arg;	/* as help names it; NULL: takes none */
	unsigned int commands;	/* bit per enum options_command */
	int group;		/* of the help */
	bool hidden;		/* accepted, not in the help */
	/*
	 * Stores `arg` in the options; 0, or an errno after one line on stderr: ENOMEM, EMFILE and ENFILE are no fault of
	 * the value.
	 */
	int (*set)(struct options_parse *p, const struct options_row *row, const char *arg);
	size_t field;		/* in struct options, for setters that serve several rows */
	const char *const *words; /* of set_word(), by enum value, NULL at the end */
	const char *why;	/* a refused value is this */
	const char *example;	/* a value that is accepted */
	uint64_t least, most; /* of a size; most 0: any */
	bool optional;		/* `arg` may be left out: set() gets NULL then */
	const char *doc;	/* a row without key and name heads its group with it */
};

/* Ends with a row without `doc`. */
#define OPTIONS_ROWS_MAX 128
extern const struct options_row options_table[];

struct command {
	enum options_command id;
	const char *name;
	const char *summary;
	const char *
		doc; /* of argp: what stands before and, behind \v, after the options; NULL: those only that say which sockets */
};

/* The help of the program as a whole; its name is empty. */
extern const struct command options_overview;
/* The command at place `i` of the overview, NULL behind the last. */
const struct command *options_command(size_t i);

static inline bool options_row_is_for(const struct options_row *row, const struct command *command)
{
	return row->commands & (1u << command->id) && (command->doc || row->group == GROUP_FILTER);
}

/* options_names.c: values that are names.  0 or -errno. */
int options_add_inet(struct options *o, const char *text);

/* Ports, ranges and names of services, separated by commas; added to what is there. */
int options_add_ports(struct units_ranges *ports, const char *list);

/* "--port", or "-o" where there is no name; lives until the next call. */
const char *options_row_name(const struct options_row *row);

/* One line on stderr, "sockwatch: ...", whatever bytes users gave.  Returns EINVAL. */
__attribute__((format(printf, 1, 2))) int options_complain(const char *format, ...);

/* A user of /etc/passwd.  0 or -errno; -ENOENT when there is none of that name. */
int options_find_user(const char *name, uint32_t *ret_uid);
/* self, an inode, a path or a name of ip netns.  0 or -errno; -EINVAL when it is no network namespace. */
int options_find_netns(const char *arg, uint32_t *ret_inode);

#endif
