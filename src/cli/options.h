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
#include "group.h"
#include "kernel.h"
#include "look_source.h"
#include "options_fleet.h"
#include "options_key.h"

/* options_parse(): nothing is finished yet, run the command. */
#define OPTIONS_RUN (-1)
/* The code to exit with when what was asked makes no sense. */
#define EXIT_USAGE 2

/* Where a record is kept unless --store names another place. */
#define STORE_DIRECTORY "/var/lib/sockwatch"
#define STORE_DEFAULT	STORE_DIRECTORY "/store"

/* Ports that one `who` takes. */
#define ASKED_MAX 64

enum options_format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_HTML, /* ephemeral, report */
	FORMAT_ECS,  /* trace, history, ls */
	FORMAT_OTEL,
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
	const char *hooks_without;	/* as kernel_options has it; points into argv */
	bool quiet;
	bool strict;			/* fails where a right that is not needed cannot be given away */
	bool verbose;			/* trace, history: every event in text, too */
	bool no_args;			/* arguments of processes are neither kept nor shown */
	uint64_t for_ns;		/* 0: until stopped */
	uint64_t count;			/* 0: no limit */
	bool map;			/* ephemeral: draw the range */
	bool watch;			/* ephemeral: again every two seconds, until stopped */
	uint32_t fail_at;		/* ephemeral: percent in use that make exit code 5; 0 never */
	uint64_t ring_bytes;		/* a power of two, 1 MiB to 1 GiB */
	uint64_t max_sockets;
	uint64_t memory_bytes;		/* ceiling of all, 0 none */
	uint64_t max_time_waits;
	uint64_t max_processes;		/* that sockets name */
	uint64_t max_followed;		/* that live at once */
	uint64_t max_text_bytes;	/* of arguments and paths */
	uint64_t look_bytes;		/* of tables that wait while descriptors are read */
	const char *btf_file;		/* NULL: the kernel's own; points into argv */
	const char *output_file;	/* NULL: stdout; points into argv */

	/* ls, who */
	enum look_choice source;
	bool all;			/* sockets without a port too */
	bool no_header;
	bool resolve;  /* names of hosts */
	bool services; /* names of ports */
	bool wait;
	bool unix_sockets; /* instead of those of the internet */
	const char *
		asked[ASKED_MAX]; /* who: ports as given, each is filter.inet[]; with unix_sockets, of ls too: names; points into argv */
	unsigned int asked_count; /* 0: those that filter.comm has */
	uint64_t rotate_bytes;	  /* trace: change the output file there; 0: never */
	uint64_t keep_files;	  /* old ones */
	bool journal;		  /* trace: to the journal instead */
	const char *
		store_file; /* record: never NULL; history, report: NULL finds one; ls, who: NULL none; points into argv */
	uint64_t keep_ns, keep_bytes, unsent_bytes; /* record; 0: no bound, its default */
	uint64_t queue_bytes;	      /* record: memory for what waits to be written */
	uint64_t since_ns, until_ns; /* history, report, CLOCK_REALTIME; 0 and UINT64_MAX where not given */
	bool has_at;			/* both are the moment asked for */
	bool follow;
	struct group_by by;	/* trace, history, ls: groups instead of lines */
	uint64_t interval_ns;	/* trace: of which they are printed anew; 0: at the end */
	char **run;		/* trace: the command to start, and its arguments; NULL none; points into argv */
	const char *callers_zone; /* TZ as it was; NULL: not set */

	struct options_fleet fleet;

	/* export, record */
	const char *listen;	 /* where to serve metrics; NULL: the default, of record nowhere; points into argv */
	uint32_t without_labels; /* of metrics, bits of metric_label_parse() */

	/* top */
	uint64_t batch;	 /* frames to print as text; 0: a terminal */
	uint32_t view;	 /* enum top_view */
	const char *sort; /* a column of it; NULL: the first */
};

#define OPTIONS_MEMORY_MIN (UINT64_C(48) << 20)
/* What --memory has for what does not grow with the host. */
#define OPTIONS_MEMORY_BASE (UINT64_C(20) << 20)

/* Lowers the limits of `o` so that all that they allow stays below memory_bytes; options_parse() has done it. */
void options_split_memory(struct options *o);

/*
 * Reads the command line, NO_COLOR in the environment, /etc/passwd for --user NAME, /etc/services and /etc/hosts for names
 * behind -i, and the namespace that --netns names.  Returns OPTIONS_RUN, or the code to exit with: 0 after --help and --version (on stdout), 2 after one line
 * on stderr about bad usage, 1 when stdout took no help.  *ret owns memory only after OPTIONS_RUN; argv must
 * outlive it.
 */
int options_parse(int argc, char **argv, struct options *ret);

/*
 * What stands between two words of a filter is spaces, or the words stand in quotes.  0, or EINVAL, ENOMEM after one line; *ret is
 * to be initialized, and is filter_done()'s in either case.  Changes `line`.
 */
int options_parse_filter(char *line, struct filter *ret);

/* Frees what `o` owns; harmless to repeat. */
void options_done(struct options *o);

#endif
