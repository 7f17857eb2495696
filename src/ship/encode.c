// SPDX-License-Identifier: GPL-2.0-only
#include "encode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A level more takes a third more of the time and gives a twentieth of the bytes. */
#define LEVEL	     4
#define GZIP_BITS    (15 + 16)
#define BODY_BYTES   (64u << 10)
#define RAW_BYTES    (16u << 10)
#define MARK_COLUMNS 7
#define SECOND_NS    UINT64_C(1000000000)

uint64_t encode_hash(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len-- > 0)
		hash = (hash ^ *p++) * 0x100000001b3ull;
	return hash;
}

/* ---- bytes ---- */

static void fail(struct encode *e)
{
	e->failed = true;
}

static bool make_room(struct encode *e)
{
	size_t size = e->size ? 2 * e->size : BODY_BYTES;
	uint8_t *grown;

	if (e->len < e->size)
		return true;
	grown = realloc(e->body, size);
	if (!grown)
		return false;
	e->body = grown;
	e->size = size;
	return true;
}

static void compress_on(struct encode *e, int flush)
{
	int rc = Z_OK;

	while (!e->failed && rc == Z_OK && (e->stream.avail_in || flush == Z_FINISH)) {
		if (!make_room(e)) {
			fail(e);
			return;
		}
		e->stream.next_out = e->body + e->len;
		e->stream.avail_out = (uInt)(e->size - e->len);
		rc = deflate(&e->stream, flush);
		e->len = e->size - e->stream.avail_out;
	}
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		fail(e);
}

static void flush(struct encode *e, int how)
{
	e->hash = encode_hash(e->hash, e->raw, e->raw_len);
	e->stream.next_in = e->raw;
	e->stream.avail_in = (uInt)e->raw_len;
	e->raw_len = 0;
	compress_on(e, how);
}

static void put(struct encode *e, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	e->raw_bytes += len;
	while (len > 0) {
		size_t more = RAW_BYTES - e->raw_len < len ? RAW_BYTES - e->raw_len : len;

		memcpy(e->raw + e->raw_len, from, more);
		e->raw_len += more;
		from += more;
		len -= more;
		if (e->raw_len == RAW_BYTES)
			flush(e, Z_NO_FLUSH);
	}
}

int encode_begin(struct encode *e)
{
	*e = (struct encode){.hash = ENCODE_HASH, .raw = malloc(RAW_BYTES)};
	if (!e->raw ||
	    deflateInit2(&e->stream, LEVEL, Z_DEFLATED, GZIP_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	e->begun = true;
	return 0;
}

int encode_end(struct encode *e)
{
	flush(e, Z_FINISH);
	return e->failed ? -ENOMEM : 0;
}

void encode_done(struct encode *e)
{
	if (e->begun)
		deflateEnd(&e->stream);
	free(e->raw);
	free(e->body);
	*e = (struct encode){0};
}

/* ---- values ---- */

/* What stands for a byte that would end a column, a row or a text; '\0' the byte itself. */
static char escaped(char c)
{
	switch (c) {
	case '\\': return '\\';
	case '\t': return 't';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\b': return 'b';
	case '\f': return 'f';
	case '\0': return '0';
	default: return '\0';
	}
}

static void put_bytes(struct encode *e, const char *bytes, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		char pair[2] = {'\\', escaped(bytes[i])};

		if (!pair[1])
			continue;
		put(e, bytes + from, i - from);
		put(e, pair, 2);
		from = i + 1;
	}
	put(e, bytes + from, len - from);
}

static void put_address(struct encode *e, const struct copy_value *v)
{
	char text[INET6_ADDRSTRLEN + 8] = "::";

	if (v->known && v->len == 4) {
		strcpy(text, "::ffff:");
		inet_ntop(AF_INET, v->bytes, text + 7, sizeof(text) - 7);
	} else if (v->known && v->len == 16) {
		inet_ntop(AF_INET6, v->bytes, text, sizeof(text));
	}
	put(e, text, strlen(text));
}

void encode_number(struct encode *e, uint64_t number)
{
	char text[24], *at = text + sizeof(text);

	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	put(e, at, (size_t)(text + sizeof(text) - at));
}

static void put_time(struct encode *e, const struct copy_value *v)
{
	uint64_t ns = v->known && v->number > 0 ? (uint64_t)v->number : 0;
	char text[40];

	put(e, text,
	    (size_t)snprintf(text, sizeof(text), "%010" PRIu64 ".%09" PRIu64, ns / SECOND_NS,
			     ns % SECOND_NS));
}

static void put_value(struct encode *e, enum copy_kind kind, const struct copy_value *v)
{
	switch (kind) {
	case COPY_NUMBER: encode_number(e, v->known ? (uint64_t)v->number : 0); break;
	case COPY_TIME: put_time(e, v); break;
	case COPY_TEXT:
	case COPY_BYTES:
		if (v->known)
			put_bytes(e, v->bytes, v->len);
		break;
	case COPY_ADDRESS: put_address(e, v); break;
	}
}

void encode_text(struct encode *e, const char *text)
{
	put(e, text, strlen(text));
}

void encode_row(struct encode *e, const struct encode_who *who, enum copy_table table,
		const struct copy_value *values)
{
	size_t count;
	const struct copy_column *columns = copy_columns(table, &count);

	put_bytes(e, who->host, strlen(who->host));
	put(e, "\t", 1);
	put_bytes(e, who->machine_id, strlen(who->machine_id));
	put(e, "\t", 1);
	put_bytes(e, who->store, strlen(who->store));
	for (size_t i = 0; i < count; i++) {
		put(e, "\t", 1);
		put_value(e, columns[i].kind, &values[i]);
	}
}

void encode_line_end(struct encode *e)
{
	put(e, "\n", 1);
	e->rows++;
}

/* ---- of a row ---- */

char *encode_columns(enum copy_table table, const char *more)
{
	size_t count, size = 64 + strlen(more);
	const struct copy_column *columns = copy_columns(table, &count);
	char *text, *to;

	for (size_t i = 0; i < count; i++)
		size += strlen(columns[i].name) + 1;
	text = malloc(size);
	if (!text)
		return NULL;
	to = stpcpy(text, "host,machine_id,store");
	for (size_t i = 0; i < count; i++) {
		*to++ = ',';
		to = stpcpy(to, columns[i].name);
	}
	strcpy(to, more);
	return text;
}

uint64_t encode_mark(enum copy_table table, const struct copy_value *values)
{
	size_t count;
	const struct copy_column *columns = copy_columns(table, &count);
	uint64_t hash = encode_hash(ENCODE_HASH, copy_name(table), strlen(copy_name(table)));

	for (size_t i = 0; i < count && i < MARK_COLUMNS; i++) {
		uint64_t number = values[i].known ? (uint64_t)values[i].number : UINT64_MAX;
		uint8_t bytes[8];

		if (columns[i].kind != COPY_NUMBER && columns[i].kind != COPY_TIME)
			continue;
		for (int b = 0; b < 8; b++)
			bytes[b] = (uint8_t)(number >> 8 * b);
		hash = encode_hash(hash, bytes, sizeof(bytes));
	}
	return hash;
}

uint64_t encode_time(enum copy_table table, const struct copy_value *values)
{
	size_t count;
	const struct copy_column *columns = copy_columns(table, &count);
	const char *name = table == COPY_LIFE || table == COPY_OPEN ? "closed"
			   : table == COPY_RUN			    ? "started"
								    : "at";

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(columns[i].name, name))
			return values[i].known && values[i].number > 0 ? (uint64_t)values[i].number
								       : 0;
	}
	return 0;
}
