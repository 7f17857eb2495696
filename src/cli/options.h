/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - the command line, checked and turned into numbers.
 *
 * Owns: which commands and options exist, their help, and the one line said about bad input.  Refuses to know:
 * what a command does, terminals, the kernel.  One thread; never exits by itself.
 *
 *     struct options o;
 *     int code = options_parse(argc, argv, &o);
 *     if (code != OPTIONS_RUN)
 *             return code;
 *     ...
 *     options_done(&o);
 */
#ifndef SOCKWATCH_OPTIONS_H
#define SOCKWATCH_OPTIONS_H

#include "filter.h"
#include "kernel.h"

/* options_parse(): nothing is finished yet, run the command. */
#define OPTIONS_RUN (-1)

enum options_command {
	COMMAND_TRACE,
	COMMAND_FEATURES,
	COMMAND_EPHEMERAL,
};

enum options_format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_HTML,			/* ephemeral only */
};

enum options_color {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

struct options {
	enum options_command command;
	struct filter filter;
	enum options_format format;
	enum options_color color;	/* NO_COLOR in the environment turns AUTO into NEVER */
	enum kernel_choice hooks;
	bool quiet;
	uint64_t for_ns;		/* 0: until stopped */
	uint64_t count;			/* 0: no limit */
	bool map;			/* ephemeral: draw the range */
	bool watch;			/* ephemeral: again every two seconds, until stopped */
	uint32_t fail_at;		/* ephemeral: percent in use that make exit code 5; 0 never */
	uint64_t ring_bytes;		/* a power of two, 1 MiB to 1 GiB */
	uint64_t max_sockets;
	const char *btf_file;		/* NULL: the kernel's own; points into argv */
	const char *output_file;	/* NULL: stdout; points into argv */
};

/*
 * Reads the command line, NO_COLOR in the environment, /etc/passwd for --user NAME and the namespace that --netns
 * names.  Returns OPTIONS_RUN, or the code to exit with: 0 after --help and --version (on stdout), 2 after one line
 * on stderr about bad usage, 1 when stdout took no help.  *ret owns memory only after OPTIONS_RUN; argv must
 * outlive it.
 */
int options_parse(int argc, char **argv, struct options *ret);

/* Frees what `o` owns; harmless to repeat. */
void options_done(struct options *o);

#endif
