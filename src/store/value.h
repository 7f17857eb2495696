/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * value.h - what stands in a column: nothing, a number, bytes.
 *
 * Owns: how ends of sockets look in the file.  A value lasts as long as the record that it is of.
 *
 *     value_address(&v, record, FACTS_HAS_PEER);
 *     value_bind(statement, 11, &v);
 */
#ifndef SOCKWATCH_STORE_VALUE_H
#define SOCKWATCH_STORE_VALUE_H

#include <sqlite3.h>

#include "record.h"

struct value {
	enum { VALUE_NONE, VALUE_NUMBER, VALUE_BYTES } kind;
	int64_t number;
	const void *bytes; /* in `room`, or as long-lived as the record */
	int len;
	uint8_t room[20];
};

static inline void value_number(struct value *v, bool known, int64_t number)
{
	v->kind = known ? VALUE_NUMBER : VALUE_NONE;
	v->number = number;
}

static inline void value_bytes(struct value *v, const void *bytes, size_t len)
{
	v->kind = VALUE_BYTES;
	v->bytes = bytes;
	v->len = (int)len;
}

/* Of the end that is named by FACTS_HAS_LOCAL or FACTS_HAS_PEER. */
void value_address(struct value *ret, const struct record *e, uint64_t end);
/* What connect() was given, as ASKED_BYTES: the port, highest byte first, and the address; none where no program changed it. */
void value_asked(struct value *ret, const struct record *e);
void value_bind(sqlite3_stmt *s, int at, const struct value *v);

#endif
