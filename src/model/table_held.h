/* SPDX-License-Identifier: GPL-2.0-only */
/* table_held.h - ends that wait for the fact that explains them, for src/model/table*.c only. */
#ifndef SOCKWATCH_TABLE_HELD_H
#define SOCKWATCH_TABLE_HELD_H

#include "event.h"

struct fact;
struct socket;
struct table;

/* What an end waits for, each in a queue of its own: all in one wait equally long. */
enum held_for {
	HELD_FOR_RESET,	       /* that most have not */
	HELD_FOR_LIKELY_RESET, /* that an error foretells */
	HELD_FOR_ERRNO,	       /* of connect(), whose caller may be kept from returning */
	HELD_FOR_KINDS,
};

/* An end that waits for the fact that explains it. */
struct held {
	uint64_t sk, due_ns;
	bool out;	/* gone before its turn */
	bool has_state; /* `state` goes out before `close` */
	struct event state, close;
};

#define HELD_MAX 512 /* of each kind */

struct held_queue {
	struct held held[HELD_MAX]; /* a ring */
	size_t first, count;
};

/* A place for an end of that time to wait; the oldest of its kind is emitted when all are taken. */
struct held *held_push(struct table *t, enum held_for what, uint64_t time_ns);
/* Emits the end of the life before, which waits no longer when another begins. */
void held_flush(struct table *t, const struct socket *s);
/* Emits those due at now_ns; true while others wait. */
bool held_release(struct table *t, uint64_t now_ns);
/* Forgets what still waits. */
void held_drop(struct table *t);
void held_reset_sent(struct table *t, const struct fact *f);
void held_connect_failed(struct table *t, const struct fact *f);
/* The end that waits for this failure of connect(), NULL none: it knows the address that the attempt came from. */
const struct event *held_of_connect(struct table *t, const struct fact *f);
/* The socket goes, so its connect() has returned: its end waits no longer for an errno. */
void held_errno_missed(struct table *t, const struct socket *s);

#endif
