/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * output.h - writes whole lines to stdout or a file.  The file of a log is changed for a new one when it is large, or on
 * SIGHUP; that of a report is replaced when the report is whole.
 *
 * Owns: the descriptor and the stop flag that signals set, because only a write can block.  Refuses
 * to know: what the lines say.
 */
#ifndef SOCKWATCH_OUTPUT_H
#define SOCKWATCH_OUTPUT_H

#include <signal.h>
#include <stdbool.h>

#include "options.h"
#include "split.h"
#include "writer.h"

struct output {
	int fd;
	bool owned;  /* opened here */
	bool closed; /* the reader went away (EPIPE): no error */
	int error;   /* errno of a failed write */
	bool by_helper;	 /* what is done with names, since output_leave_names() */
	const char *why; /* the file is refused, see safe_file.h; NULL: errno tells all */

	bool journal; /* each flush is one datagram */
	bool socket;
	bool shared;	   /* set after output_open(): others write to it too, and a line up to PIPE_BUF is not to be torn */
	uint64_t stuck_ms; /* since when it takes nothing after a stop signal; 0: it does */
	size_t at_most;	   /* bytes a write, where one could block: else SIZE_MAX */
	const char *path;  /* of a file; NULL: stdout */
	char *beside;	   /* of a report that is not whole yet; NULL: written where it belongs */
	uint64_t rotate_bytes; /* 0: never; set after output_open() */
	unsigned int keep;     /* old files, FILE.1 the newest */
	uint64_t size;	       /* of the file */
};

/* How many came of SIGINT and SIGTERM, see output_catch_signals(), and the last, below 0 when the terminal has sent it. */
extern volatile sig_atomic_t output_stop, output_stop_signal;

/*
 * Before anything is opened: a file that got the number of a stdin, stdout or stderr that was closed would be written to by
 * whoever means those.  What is written to one that was closed fails, as before.
 */
void output_take_standard(void);
/* Closes them again: in a process that becomes another program. */
void output_leave_standard(void);

/* Makes SIGINT and SIGTERM set output_stop and interrupt calls, and SIGPIPE an error. */
void output_catch_signals(void);

/* `path` NULL is stdout; a file is appended to, and opened anew after SIGHUP, before the next line.  `path` must outlive
 * `o`.  0, or -errno after saying why, as the two below. */
int output_open(struct output *o, const char *path);
/*
 * As output_open(), for one document: a file gets its name from output_finish() and replaces what had it, a symbolic link too; without
 * that, output_close() removes it.  What is no file (a pipe, a terminal) or is open already (/dev/stdout) is written at once.
 */
int output_open_report(struct output *o, const char *path);
/* The report is whole.  False: it could not be kept, `error` tells why, and what was there before still is. */
bool output_finish(struct output *o);
/* The socket of systemd's journal: flush after each entry. */
int output_open_journal(struct output *o);
void output_close(struct output *o);
/* The width of the terminal that it is, as it is now; 0: it is none. */
unsigned int output_columns(const struct output *o);
/* The terminal has been made wider or narrower since the last question. */
bool output_take_resize(void);
/* Whether it is written in colour, as the options say; by itself on a terminal that is not dumb. */
bool output_has_color(const struct output *o, enum options_color color);
/* Opens the file anew if SIGHUP asked for it; a flush does that too. */
void output_follow_hangup(struct output *o);

/*
 * What a process may do no more once it has given its rights away, and its helper does for it (split.h): to open a log anew, to rename the
 * old ones, to put a report in its place or to remove it.  From now on the helper is asked.
 */
void output_leave_names(struct output *o);
/* In the helper; 0 or -errno, *ret_fd is the caller's.  Says why, but of a report. */
int output_act(struct output *o, unsigned int file, enum split_file_do what, int *ret_fd);

/*
 * Writes all of `b`, whole lines, and empties it; no line is torn between two files.  Blocks while the reader does not read.  After a stop signal
 * a reader that takes nothing gets 0.5 s more.  False when lines could not be written: `closed` or `error`
 * tells which.
 */
bool output_flush(struct output *o, struct buffer *b);
/* Says why `left` bytes could not be written; the exit code. */
int output_complain(const struct output *o, size_t left);

#endif
