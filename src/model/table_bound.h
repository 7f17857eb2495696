/* SPDX-License-Identifier: GPL-2.0-only */
/* table_bound.h - sockets that are bound and no more, before their first life and after one; for src/model/table*.c only. */
#ifndef SOCKWATCH_TABLE_BOUND_H
#define SOCKWATCH_TABLE_BOUND_H

#include "table_private.h"

/* It has a port and no more. */
static inline bool socket_is_bound(const struct socket *s)
{
	return s->state == STATE_CLOSE && (s->flags & (SOCKET_BOUND | SOCKET_LEFT_BOUND));
}

/* Sets what follows from both ends and the options: whether they are mapped IPv4, and what a wildcard takes. */
void bound_set_ends(struct socket *s);
/*
 * Its life goes on, or it is only bound.  What is left bound by an earlier life ends for those only who were told that
 * it goes on: most such sockets are closed at once, and the end of the life has been told.
 */
bool bound_has_end(const struct socket *s);
/* A life has ended; where bind() named the port, the socket still has it. */
void bound_leave(struct socket *s, const struct fact *closed);
/* A look found the socket. */
void bound_seeded(struct socket *s, const struct fact *seed);

#endif
