/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tracer.h - the program under test: spawned, read and ended.
 *
 * Owns: the child process, its two pipes, the lines it printed.  Refuses to know: what the lines
 * should say. Nothing is read behind one's back: tracer_pump() reads every open tracer, and all
 * waiting goes through it.
 *
 *     const char *const args[] = {"--count", "3", NULL};
 *     struct tracer *t = tracer_open(args);	// ready: hooks attached, seed in
 *     ...
 *     tracer_end(t, SIGINT, 0);
 *     tracer_close(t);
 */
#ifndef E2E_TRACER_H
#define E2E_TRACER_H

#include <sys/types.h>

#include "line.h"

struct tracer {
	pid_t pid;
	int out, err; /* -1 once at the end */
	bool ready, ended;
	int status;	    /* of waitpid, valid where ended */
	struct line **line; /* since the last tracer_forget() */
	size_t count, cap;
	uint64_t total;		   /* lines since the start, whatever was forgotten */
	uint64_t kind[LINE_KINDS]; /* likewise, by kind */
	uint64_t lost;		   /* sum over `lost` events */
	uint64_t lost_sockets, lost_processes; /* ... of what they name apart */
	uint64_t last_ns;	   /* when what the last line tells happened */
	bool count_only;	   /* only total, kind and lost are kept */
	bool stopped;		   /* standard output is not read */
	char *partial;
	size_t partial_len;
	bool is_cut; /* the output ended within a line */
	unsigned int bad_count; /* lines that break the contract, since the last tracer_forget() */
	char bad[128];		/* what the last line that breaks the contract did */
	char words[4096];	/* standard error, its beginning */
	size_t words_len;
	struct tracer *next;
};

/* Set once by main(). */
extern const char *tracer_program, *tracer_hooks, *tracer_btf;
/* Appends the options about the kernel that the agent was given to the `n` words of a command; returns how many there are
 * then, at most four more. */
int tracer_add_kernel(const char **argv, int n);

/* Starts `trace -o json` with `args` (NULL: none) and waits until it traces; ends the scenario on
 * failure. */
struct tracer *tracer_open(const char *const *args);
/* Likewise without waiting for readiness. */
struct tracer *tracer_spawn(const char *const *args);
/* Kills it if it still runs and frees; NULL is ignored. */
void tracer_close(struct tracer *t);
void tracer_close_all(void);
/* Between scenarios: closes all but the shared one, and that too when it has ended; forgets its
 * lines. */
void tracer_settle(void);

/* Waits for input on any tracer or on `fd` (-1 none), at most until `deadline`, and reads the
 * tracers.  True when `fd` is readable. */
bool tracer_pump(int fd, uint64_t deadline);
void tracer_forget(struct tracer *t);

/* Signals (0: none), reads to the end and expects exit status `code`; ends the scenario otherwise.
 */
void tracer_end(struct tracer *t, int signal, int code);
/* Every loss that it told of is a program that the kernel did not run, because the same one was interrupted on its CPU: by
 * recursion_misses, from 7.x on now and then also by tracepoints of system calls.  tracer_end() takes that for no fault. */
bool tracer_is_withheld(const struct tracer *t);
/* How often the tracers that run said so. */
unsigned int tracer_times_withheld(void);
/* Like tracer_end(), returning the exit status. */
int tracer_wait_exit(struct tracer *t, int signal);

/* The one most scenarios share. */
struct tracer *tracer_shared(void);
/* Changes of state since it was opened that the kernel ran no program of it for; see skipped.h. */
int64_t tracer_skipped(void);

/* Reads until `seen` holds; false after `ms` without that.  Lines come in the order of what happened: while older ones than
 * the call still come, a busy host's, the time begins anew, 12 times at most. */
bool tracer_wait(struct tracer *t, unsigned int ms,
		 bool (*seen)(const struct tracer *t, const void *ctx), const void *ctx);
/* Likewise; a wait in vain ends the scenario: what was waited for, what came instead, and whether it came within as long
 * again, which tells a slow machine from a lost event. */
void tracer_await(struct tracer *t, unsigned int ms, const char *what,
		  bool (*seen)(const struct tracer *t, const void *ctx), const void *ctx);
/* What came since line `from`, for the message of a failure; valid until the next call. */
const char *tracer_saw(const struct tracer *t, size_t from);

/* Returns once `t` has printed everything that happened before the call. */
void tracer_fence(struct tracer *t);

#endif
