/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * budget_look.h - a look at every local port and who has it, as a budget.
 *
 * Owns: the budget of the last look, and the holders that it names.  Refuses to know: what is reported of it.
 *
 *     struct budget_look l = {.session = &session, .filter = &options->filter};
 *     if (budget_look_take(&l)) ... l.budget ...
 *     if (budget_look_ask(&l) == 0) ... who left the TIME_WAITs, too ...
 *     budget_look_done(&l);
 */
#ifndef SOCKWATCH_BUDGET_LOOK_H
#define SOCKWATCH_BUDGET_LOOK_H

#include "budget.h"
#include "listing.h"
#include "look.h"
#include "session.h"

struct budget_look {
	struct session *session;     /* opened */
	const struct filter *filter; /* what is selected in it */
	struct budget *budget;	     /* of the look; the caller's to take */
	struct owner_look *held;     /* of the look that goes on */
	struct look_socket *bound;   /* sockets that are bound and no more, each once */
	size_t bound_count, bound_cap;
	bool asks;	       /* budget_look_ask() follows */
	struct listing left;   /* then: TIME_WAITs of which nobody here knows whose they were */
	bool elsewhere_unseen; /* namespaces that are not even known */
	bool unseen_said;
};

/* A finished budget of now, `budget` too, which is not freed before; NULL after saying why.  Its processes live until the next. */
struct budget *budget_look_take(struct budget_look *l);
/*
 * Asks those who were there, as `ls` does, who left the TIME_WAITs of the look that was taken last; what is not learnt stays unknown.
 * Needs no right.  0, or the exit code after saying why.
 */
int budget_look_ask(struct budget_look *l);
/* Gives the namespaces of a finished budget their names. */
void budget_look_name(struct budget *b);
void budget_look_done(struct budget_look *l);

#endif
