/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * encode.h - rows of a store as ClickHouse's TabSeparated, in gzip, and a hash of what they say.
 *
 * Owns: memory for what was compressed.  Refuses to know: which rows, tokens, where they go.
 *
 *     encode_begin(&e);
 *     encode_row(&e, &who, COPY_LIFE, values); encode_text(&e, "\n") ...
 *     encode_end(&e);   // e.body, e.len
 *     encode_done(&e);
 *
 * What is not known is 0 or an empty text; the column `has` tells it from what is.  Numbers are their 64 bits without a sign, times
 * seconds in ten digits and nine behind the point, addresses IPv6 ("::ffff:10.0.0.1", "::").
 */
#ifndef SOCKWATCH_SHIP_ENCODE_H
#define SOCKWATCH_SHIP_ENCODE_H

#include <zlib.h>

#include "store_copy.h"

/* Who sends: the first columns of each row. */
struct encode_who {
	const char *host, *machine_id, *store;
};

struct encode {
	z_stream stream;
	bool begun, failed; /* no memory */
	uint8_t *raw; /* what waits to be compressed */
	size_t raw_len;
	uint8_t *body;
	size_t len, size;
	uint64_t rows, raw_bytes;
	uint64_t hash; /* of the bytes before they were compressed */
};

/* 0 or -ENOMEM; encode_done() either way. */
int encode_begin(struct encode *e);
/* Without the line's end, so that columns may follow. */
void encode_row(struct encode *e, const struct encode_who *who, enum copy_table table, const struct copy_value *values);
/* As it is, uncounted. */
void encode_text(struct encode *e, const char *text);
void encode_number(struct encode *e, uint64_t number);
void encode_line_end(struct encode *e); /* counts a row */
/* 0 or -ENOMEM where anything before found no memory. */
int encode_end(struct encode *e);
void encode_done(struct encode *e);

/* "host, machine_id, store, id, ..." of a table; to be freed, NULL without memory. */
char *encode_columns(enum copy_table table, const char *more);
/* Of numbers and times among the first columns: what no other row of the same number has. */
uint64_t encode_mark(enum copy_table table, const struct copy_value *values);
/* When it was, CLOCK_REALTIME, 0 unknown: by whose day the table is divided. */
uint64_t encode_time(enum copy_table table, const struct copy_value *values);
/* FNV-1a, from `hash` on; begin with ENCODE_HASH. */
#define ENCODE_HASH 0xcbf29ce484222325ull
uint64_t encode_hash(uint64_t hash, const void *bytes, size_t len);

#endif
