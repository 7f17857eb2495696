/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listed.h - what `sockwatch ls` prints and what the kernel's /proc/net says, in one form.
 *
 * Owns: the runs of the program and their deadline, rows.  Refuses to know: what they should say.  Failures end the
 * scenario; sets live until they are taken again.
 *
 *     static struct listed ls;
 *     listed_take(&ls, "proc", netns);
 *     const struct row *r = listed_find(&ls, "tcp", "LISTEN", port);
 */
#ifndef E2E_LISTED_H
#define E2E_LISTED_H

#include <sys/types.h>

#include "line.h"

#define LISTED_MAX  2048
#define LISTED_PIDS 8

struct row {
	char event[16], proto[8], state[16];
	struct end local, peer;
	uint64_t netns, cookie;
	bool since, kernel;
	char device[16];
	uint64_t waiting, backlog, dropped; /* of its queue */
	bool limitless;			    /* the last two are null */
	struct who process, binder;
	pid_t holder[LISTED_PIDS];
	unsigned int holders;
};

struct listed {
	struct row row[LISTED_MAX];
	unsigned int count;
};

/* `ls -o json` through `source` ("auto", "proc"), of one namespace or (0) those of all that listen. */
void listed_take(struct listed *l, const char *source, uint64_t netns);
/* Runs the program, which must end with exit code 0, and takes each line of JSON that it prints as a row. */
void listed_run(struct listed *l, const char *const *args);
/* What `who` says in words about a port of this namespace; exit code 0 it must be.  Valid until the next call. */
const char *listed_who(const char *source, uint64_t netns, const char *port);
/* Else "auto" is "proc", or the walk where the types of the kernel are in a file. */
bool listed_has_iterators(void);
/* What /proc/PID/net/{tcp,tcp6,udp,udp6,udplite,udplite6} says: no process, no cookie. */
void listed_take_proc(struct listed *l, pid_t pid);
/* The first with this local port; `state` NULL: any. */
const struct row *listed_find(const struct listed *l, const char *proto, const char *state,
			      unsigned int port);
/* Whether that list of the kernel's shows a TIME_WAIT on this port: a reset may end one within the moment. */
bool listed_time_wait(pid_t pid, unsigned int port);
bool row_is_held(const struct row *r, pid_t pid);
/* Equal sets of (protocol, state, ends); else the scenario fails and names the difference. */
void listed_compare(const struct listed *ls, const struct listed *proc, const char *where);

/* Runs the program; the exit code.  Output and words come NUL-terminated, cut to `size`. */
struct run {
	pid_t pid;
	int out, err;
	char words[2048];
};
void run_begin(struct run *r, const char *const *args);
/* Returns once words hold `text`. */
void run_wait_words(struct run *r, const char *text);
int run_end(struct run *r, char *out, size_t size);

#endif
