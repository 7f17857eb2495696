/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conflict.h - a table of sockets that hold a port, and somebody who asks for it in vain.
 *
 * Owns: the facts of both.  Refuses to know: what must come of it.
 *
 *     hold(w, ANY4, 0, 0, true); ask_port(w, ONE4, 0, 0);    // w->trouble, w->holder[0]
 */
#ifndef SOCKWATCH_TEST_CONFLICT_H
#define SOCKWATCH_TEST_CONFLICT_H

#include "table.h"

#define NETNS  7
#define PORT   4000
#define SECOND UINT64_C(1000000000)

struct world {
	struct process_set *processes;
	struct table *table;
	uint64_t now, sk;
	struct event last;
	struct event_trouble trouble;
	struct event_holder holder[64];
	struct process owner[64], binder[64];
	bool has_trouble;
	void (*answer)(struct world *w); /* called after each failed call; NULL: nobody answers */
	void *kernel;			 /* what it answers from */
};

enum where { ANY4, ONE4, TWO4, ANY6, ANY6ONLY, ONE6, MAPPED1 };

/* Of cmocka: *state becomes a struct world. */
int setup(void **state);
int teardown(void **state);
/* Where a socket of the fact is bound. */
void place(struct fact *f, enum where where);
/* A fact a microsecond after the last one, of process `pid`. */
struct fact call(struct world *w, enum wire_kind kind, uint64_t sk, uint32_t pid, uint32_t uid);
/* bind(), and listen() where wanted, by process 100; returns the socket. */
uint64_t hold(struct world *w, enum where where, uint8_t options, uint32_t uid, bool listening);
/* A call that failed, and the answer to what the table asks about it. */
void fail_call(struct world *w, const struct fact *f);
/* bind() of process 200 that fails with EADDRINUSE. */
void ask_port(struct world *w, enum where where, uint8_t options, uint32_t uid);
/* An outgoing connection from 127.0.0.1 and PORT, by process 100, and its end in TIME_WAIT. */
void open_connection(struct world *w, uint64_t sk, uint16_t peer_port);
void close_connection(struct world *w, uint64_t sk, uint16_t peer_port);

#endif
