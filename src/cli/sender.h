/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sender.h - a ship as the options want it: who this host is, what it may do, what is said of it.
 *
 * Owns: the ship, the password, its words on stderr.  Refuses to know: when to end.  One thread.
 *
 *     if ((code = sender_begin(&s, options)) == 0 && (code = sender_open(&s, options, go_on, ctx)) == 0 && (code = sender_confine(&s, options, NULL)) == 0)
 *             while (...)
 *                     sender_step(&s, false, &pause_ns);
 *     sender_close(&s);
 */
#ifndef SOCKWATCH_SENDER_H
#define SOCKWATCH_SENDER_H

#include "options.h"
#include "ship.h"

struct sender {
	struct ship *ship;
	struct ship_place to;
	char host[256], machine_id[64];
	char password[1024];
};

/* Finds out who this host is and what the password is.  0, or the exit code after saying why. */
int sender_begin(struct sender *s, const struct options *options);
/* The first line of --password-file.  0, or the exit code after saying why. */
int sender_read_password(const char *path, char *ret, size_t size);
/* Opens all that needs rights.  0, or the exit code after saying why; sender_close() either way. */
int sender_open(struct sender *s, const struct options *options, bool (*go_on)(void *ctx), void *ctx);
/* Gives them away; from root becomes `user`, NULL: stays who it is.  0, or the exit code after saying why. */
int sender_confine(const struct sender *s, const struct options *options, const char *user);
/* One step of it, and what is news is said.  `flush` as ship_now has it. */
enum ship_state sender_step(struct sender *s, bool flush, uint64_t *ret_pause_ns);
void sender_close(struct sender *s);

#endif
