/* SPDX-License-Identifier: GPL-2.0-only */
/* report_private.h - for src/model/report*.c: the ports of a report. */
#ifndef SOCKWATCH_REPORT_PRIVATE_H
#define SOCKWATCH_REPORT_PRIVATE_H

#include "report.h"

/* The step of a time; the first or the last for what lies before or after. */
static inline size_t report_step(const struct report *r, uint64_t ns)
{
	uint64_t i = ns > r->begin_ns ? (ns - r->begin_ns) / r->bucket_ns : 0;

	return i < r->bucket_count ? (size_t)i : r->bucket_count - 1;
}

/* That of the event, made where there is none; NULL where there are too many. */
struct report_space *ports_space(struct report *r, const struct event *e);
void ports_free(struct report_space *s);
/* A socket had it. */
void ports_use(struct report *r, struct report_space *s, uint16_t port, uint64_t from, uint64_t to);
void ports_mark(struct report_space *s, uint16_t port, enum report_mark mark);
/* Of a call that found no port. */
void ports_take_range(struct report *r, const struct event *e);
/* Fills in_use, in_use_most and distinct. */
void ports_count(struct report_space *s, size_t buckets);

#endif
