/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pace.h - what an answer means for what was sent, in words too, and how long to wait before the next try.
 *
 * Owns: the count of failures in a row.  Refuses to know: clocks, chance and sockets, which are arguments.
 *
 *     verdict = pace_judge(&answer, &about, &words);
 *     if (verdict == PACE_TAKEN)
 *             pace_succeed(&pace);
 *     else
 *             wait_ns = pace_fail(&pace, verdict, answer.retry_after_ns, random);
 */
#ifndef SOCKWATCH_SHIP_PACE_H
#define SOCKWATCH_SHIP_PACE_H

#include "ship_http.h"

#define PACE_LEAST_NS UINT64_C(200000000)
#define PACE_MOST_NS  UINT64_C(60000000000)

enum pace_verdict {
	PACE_TAKEN,
	PACE_AGAIN,   /* the same again, later: whether it was taken may not be known */
	PACE_REFUSED, /* nor will it be taken until somebody has changed something: say it once, try rarely */
	PACE_OLD,     /* the server does not know a setting: without those, at once */
	PACE_STOPPED, /* this side gave it up */
};

struct pace_about {
	const char *place, *database, *table, *user; /* user NULL: the server's default */
};

/* `words` says what is wrong and what helps; "" where nothing is. */
enum pace_verdict pace_judge(const struct ship_http_answer *a, const struct pace_about *about,
			     struct ship_error *words);

struct pace {
	unsigned int failures;
};

/*
 * Nanoseconds to wait: from 0.2 s doubled up to 60 s, of which chance takes up to a half, so that hosts which failed together do not
 * come together; 60 s where it was refused; never less than the server asked for.  `random`: 64 random bits.
 */
uint64_t pace_fail(struct pace *p, enum pace_verdict verdict, uint64_t retry_after_ns, uint64_t random);
void pace_succeed(struct pace *p);

#endif
