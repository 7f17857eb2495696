/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * running.h - the traces and recorders that run here, by their sockets in /run/sockwatch (serve.h): found, and asked one
 * question each.
 *
 * Owns: how long anybody waits for them, and the line said about one that does not answer.  Refuses to know: what is asked.
 * One thread.
 */
#ifndef SOCKWATCH_RUNNING_H
#define SOCKWATCH_RUNNING_H

#include "past_wire.h"
#include "units.h"

#include <sys/types.h>
#include <time.h>

#define RUNNING_MAX 16
/* A trace greets once it has drained its ring.  All hung traces delay a listing by this once. */
#define RUNNING_GREET_NS (NSEC_PER_SEC / 10)
/* What all of them may take. */
#define RUNNING_NS NSEC_PER_SEC

/* Where they have their sockets: this user's own directory, and that of the unit's recorder. */
struct running_places {
	int own, recorder; /* descriptors, or -errno */
	uid_t owner;	   /* of `recorder` */
};

struct running {
	int dir;
	uid_t owner;
	char name[16]; /* of the socket: its pid */
	struct timespec made;
};

/* Says where the own one is refused, and that `loss` follows; false then.  running_close() either way. */
bool running_open(struct running_places *ret, const char *loss);
void running_close(struct running_places *p);
/* Fills RUNNING_MAX at most, the oldest first, and returns how many, as long as the places are open. */
size_t running_find(const struct running_places *p, struct running *ret);
/* Leaves out those that do not greet, however many hang, within the time of one; the new count. */
size_t running_keep_alive(struct running *list, size_t count, uint64_t greet_ns);
/* Hands each record of the answer but the first and the last to `fn`.  0, or -errno after saying why what it has seen is missing. */
int running_ask(const struct running *of, const void *question, size_t len, uint64_t greet_ns,
		void (*fn)(void *ctx, struct past_answer *answer), void *ctx);

/* The same of how it fares: `fn` is called once. */
int running_ask_status(const struct running *of, uint64_t greet_ns,
		       void (*fn)(void *ctx, const struct status *status), void *ctx);

/* The store that a recorder writes to, of the one that runs longest; false: none that is known. */
bool running_store(char *ret, size_t size);

#endif
