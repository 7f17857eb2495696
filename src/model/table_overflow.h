/* SPDX-License-Identifier: GPL-2.0-only */
/* table_overflow.h - what a listener's record knows of its queue, for src/model/table*.c only. */
#ifndef SOCKWATCH_TABLE_OVERFLOW_H
#define SOCKWATCH_TABLE_OVERFLOW_H

#include <stdint.h>

struct table;
struct socket;

struct listener_queue {
	uint64_t begun_ns; /* the overflow that goes on; 0 none */
	uint64_t grown_ns; /* when the number last grew */
	uint32_t dropped;  /* at the last look */
	uint32_t before;   /* when the overflow began */
	uint32_t waiting, limit;
};

void overflows_free(struct table *t);
/* The listener is about to be one no more: ends its overflow. */
void overflow_end(struct table *t, struct socket *s, uint64_t time_ns);

#endif
