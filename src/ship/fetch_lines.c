// SPDX-License-Identifier: GPL-2.0-only
/* fetch_lines.c - the lines of an answer.  A server is believed no more than a store of a stranger: what is no row ends the reading. */
#include <stdlib.h>
#include <string.h>

#include "fetch_private.h"

bool lines_take(void *ctx, const void *bytes, size_t len)
{
	struct lines *r = ctx;

	if (r->size - r->len < len + 1) {
		size_t size = 2 * r->size + len + (64 << 10);
		char *data = realloc(r->data, size);

		if (!data) {
			r->failed = true;
			return false;
		}
		r->data = data;
		r->size = size;
	}
	memcpy(r->data + r->len, bytes, len);
	r->len += len;
	r->data[r->len] = '\0';
	return true;
}

void lines_clear(struct lines *r)
{
	r->len = r->at = 0;
	r->failed = false;
}

void lines_done(struct lines *r)
{
	free(r->data);
	r->data = NULL;
	r->len = r->size = r->at = 0;
}

/* The end of the field at `at`, its tab or the line's end; NULL where the line is cut short. */
static char *field_end(const struct lines *r, size_t at)
{
	char *p = r->data + at, *end = r->data + r->len;

	while (p < end && *p != '\t' && *p != '\n')
		p++;
	return p < end ? p : NULL;
}

bool lines_peek(const struct lines *r, const char **ret_key, size_t *ret_len)
{
	char *store, *host;

	if (r->at >= r->len)
		return false;
	store = field_end(r, r->at);
	host = store && *store == '\t' ? field_end(r, (size_t)(store + 1 - r->data)) : NULL;
	*ret_key = r->data + r->at;
	/* What is no row is one of a store without a name, and lines_next() says so. */
	*ret_len = host ? (size_t)(host - *ret_key) : 0;
	return true;
}

/* In place; false where a backslash is the last. */
static bool unescape(char *text, size_t *len)
{
	char *to = text, *end = text + *len;

	for (char *p = text; p < end; p++) {
		if (*p != '\\') {
			*to++ = *p;
			continue;
		}
		if (++p == end)
			return false;
		switch (*p) {
		case 't': *to++ = '\t'; break;
		case 'n': *to++ = '\n'; break;
		case 'r': *to++ = '\r'; break;
		case 'b': *to++ = '\b'; break;
		case 'f': *to++ = '\f'; break;
		case '0': *to++ = '\0'; break;
		default: *to++ = *p; break;
		}
	}
	*len = (size_t)(to - text);
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place: 32 digits become 16 bytes. */
static bool unhex(char *text, size_t *len)
{
	for (size_t i = 0; i + 1 < *len; i += 2) {
		int high = digit(text[i]), low = digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		text[i / 2] = (char)(high << 4 | low);
	}
	*len /= 2;
	return true;
}

/* The 64 bits of a number; what is below 0 or above them is none. */
static bool read_number(const char *text, size_t len, int64_t *ret)
{
	uint64_t number = 0;

	if (!len || len > 20)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned int d = (unsigned char)text[i] - '0';

		if (d > 9 || number > (UINT64_MAX - d) / 10)
			return false;
		number = 10 * number + d;
	}
	*ret = (int64_t)number;
	return true;
}

static bool read_value(enum copy_kind kind, char *text, size_t len, struct copy_value *ret)
{
	*ret = (struct copy_value){.known = true, .bytes = text};
	switch (kind) {
	case COPY_NUMBER:
	case COPY_TIME: return read_number(text, len, &ret->number);
	case COPY_TEXT:
	case COPY_BYTES:
		if (!unescape(text, &len))
			return false;
		break;
	case COPY_ADDRESS:
		if (len != 32 || !unhex(text, &len))
			return false;
		break;
	}
	ret->len = len;
	return true;
}

bool lines_next(struct lines *r, bool no_args, struct copy_value values[COPY_COLUMNS_MAX])
{
	size_t count;
	const struct copy_column *columns = copy_columns(r->table, &count);
	char *end = NULL;

	for (size_t i = 0; i < count + 2; i++) {
		char *text = r->data + r->at;

		end = field_end(r, r->at);
		if (!end || (*end == '\n') != (i == count + 1))
			return false;
		r->at = (size_t)(end + 1 - r->data);
		if (i >= 2 &&
		    !read_value(columns[i - 2].kind, text, (size_t)(end - text), &values[i - 2]))
			return false;
	}
	for (size_t i = 0; i + 1 < count; i++) {
		bool hidden = no_args && !strcmp(columns[i].name, "args");

		if (hidden)
			values[count - 1].number &= ~(INT64_C(1) << i);
		values[i].known = values[count - 1].number >> i & 1;
	}
	return true;
}
