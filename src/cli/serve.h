/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * serve.h - a running trace tells listings what it has seen, since when sockets live and who left a TIME_WAIT, and how it fares.
 *
 * Owns: /run/sockwatch/PID, a Unix stream socket; past_wire.h is what is said over it.  The directory is the user's alone
 * (0700), and who asks must be that user or root; one that is not root's also answers members of its own group, to whom the directory
 * may be opened.  It never holds up the trace: one asks at a time, nothing blocks, a turn ends
 * after a millisecond, and a client that does not read or write for half a second is dropped.  One thread.
 *
 *     struct serve *s = serve_open(status, ctx);  // NULL: nobody can ask
 *     serve_begin(s);
 *     ... wait for serve_fd(s), then, now and again: while (serve_turn(s, table, processes, now_ns)) ...
 *     serve_close(s);
 */
#ifndef SOCKWATCH_SERVE_H
#define SOCKWATCH_SERVE_H

#include <sys/types.h>

#include "split_wire.h"
#include "status.h"
#include "table.h"

struct serve;

/* Fills a zeroed status; its texts live until the next call. */
typedef void (*status_fn)(void *ctx, struct status *ret);

/* NULL where the directory or the socket cannot be made.  Nobody finds it before serve_begin(). */
struct serve *serve_open(status_fn status, void *ctx);
/* Both ignore NULL. */
void serve_begin(struct serve *s);
/* What this process may not do any more with names is done by its helper (split.h) from now on. */
void serve_leave_names(struct serve *s);
/* In the helper; 0 or -errno. */
int serve_act(const struct serve *s, enum split_file_do what);
/* Readable when a turn is due. */
int serve_fd(const struct serve *s);
/* Bounded work; true when there is more to do at once.  NULL is ignored. */
bool serve_turn(struct serve *s, struct table *t, struct process_set *processes, uint64_t now_ns);
/* NULL is ignored. */
void serve_close(struct serve *s);

/*
 * The directory of the sockets, /run/sockwatch or what SOCKWATCH_RUN names: a descriptor, or -errno; -EPERM when others
 * can get at it.  `make`: it is made where it is missing.
 */
int serve_directory(bool make);
/* Its path. */
const char *serve_path(void);
/* One line: why the directory is not used (-errno of serve_directory()), and what is lost by that. */
void serve_say_refused(int err, const char *loss);
/* The directory of the recorder that is a unit, and whose it is: likewise, -ENOENT where SOCKWATCH_RUN names another. */
int serve_recorder(uid_t *ret_owner);
/* The other end of a connected socket is this user or root. */
bool serve_trusts(int fd, uid_t owner);

#endif
