/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * launch.h - starts the command of `trace -- COMMAND`, once it is traced, and says what it ended with.
 *
 *     sockwatch trace (pid 901)      will be the reader, without rights (two.h)
 *      └─ sockwatch trace (902)      the starter: the caller's rights; waits, passes signals on, does no more
 *          └─ curl (903)             waits for launch_begin() before it becomes the command
 *
 * Owns: the starter, how long the command has to end.  Refuses to know: what is traced.  The starter is there because the reader may
 * neither send signals nor has the user to; all that it takes is numbers of signals, which it sends to its own child.  When the reader is
 * killed, the command goes on if it has begun.
 *
 *     if (launch_open(&l, options) == 0) {      // before anything is opened or changed that the command must not have
 *             ... hooks are attached, launch_begin(&l) ...
 *             while (!launch_has_ended(&l)) ...
 *             launch_end(&l, SIGTERM, false);
 *             code = launch_exit_code(&l);
 *     }
 *     launch_close(&l);
 */
#ifndef SOCKWATCH_LAUNCH_H
#define SOCKWATCH_LAUNCH_H

#include "options.h"

struct launch {
	const char *name; /* of the command */
	int fd;		  /* to the starter, -1 none */
	int epoll;	  /* of that and what else is waited for, -1 none */
	pid_t starter, pid;
	bool begun, ended;
	int failed; /* errno, where it could not be started */
	int status; /* as of wait() */
};

/* 0, or the exit code after saying why: 127 there is no such command, 126 it is none.  launch_close() either way. */
int launch_open(struct launch *l, const struct options *options);
/* From now on the command runs.  False: the starter has gone. */
bool launch_begin(struct launch *l);
/* Can be read when the command has ended or `also` can be (-1 none); -1 where it cannot be had. */
int launch_wait_fd(struct launch *l, int also);
/* O(1), does not wait. */
bool launch_has_ended(struct launch *l);
/* The trace is over: ends a command that runs by `signal`, and kills it where it goes on for five seconds or another stop signal comes. */
void launch_end(struct launch *l, int signal, bool from_terminal);
/* Its own, 128 + the signal that ended it; where it could not be started 127 or 126, which is said here. */
int launch_exit_code(const struct launch *l);
/* A command that has not begun does not. */
void launch_close(struct launch *l);

#endif
