// SPDX-License-Identifier: GPL-2.0-only
#include "writer.h"

#include <string.h>

#include "utf8.h"

/* Where the bytes go: between a JSON string's quotes, between quotes in a line of words, into such a line. */
enum place_for { FOR_JSON, FOR_QUOTES, FOR_LINE };

static const char hex[] = "0123456789abcdef";

static bool is_plain(char c, enum place_for where)
{
	return c >= ' ' && c < 0x7f && c != '\\' && (c != '"' || where == FOR_LINE);
}

/* Copies a whole word of plain characters at a time, as long as there are any; how many. */
static inline size_t copy_plain(char *out, const char *bytes, size_t len, enum place_for where)
{
	const uint64_t ones = 0x0101010101010101ull, highs = 0x80 * ones;
	size_t i = 0;

	for (uint64_t word; i + sizeof(word) <= len; i += sizeof(word)) {
		uint64_t slash, quote, del, odd;

		memcpy(&word, bytes + i, sizeof(word));
		slash = word ^ '\\' * ones;
		quote = where == FOR_LINE ? slash : word ^ '"' * ones;
		del = word ^ 0x7f * ones;
		/* A byte below n: its highest bit shows up once n is taken from it. */
		odd = ((word - ' ' * ones) & ~word) | ((slash - ones) & ~slash) |
		      ((quote - ones) & ~quote) | ((del - ones) & ~del) | word;
		if (odd & highs)
			break;
		memcpy(out + i, &word, sizeof(word));
	}
	return i;
}

/* \uXXXX */
static size_t put_unit(char *out, uint32_t unit)
{
	out[0] = '\\';
	out[1] = 'u';
	for (int i = 0; i < 4; i++)
		out[2 + i] = hex[unit >> (12 - 4 * i) & 15];
	return 6;
}

static size_t put_code(char *out, uint32_t code)
{
	/* Each character that has a short escape, followed by its letter. */
	static const char short_escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	const char *letter = code && code < 0x80 ? strchr(short_escapes, (int)code) : NULL;

	if (letter) {
		out[0] = '\\';
		out[1] = letter[1];
		return 2;
	}
	if (code < 0x10000)
		return put_unit(out, code);
	put_unit(out, 0xd800 + ((code - 0x10000) >> 10));
	return 6 + put_unit(out + 6, 0xdc00 + (code & 0x3ff));
}

static size_t put_bytes(char *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[(unsigned char)bytes[i] >> 4];
		*out++ = hex[bytes[i] & 15];
	}
	return 4 * len;
}

static inline size_t escape(char *out, const char *bytes, size_t len, enum place_for where)
{
	size_t plain = copy_plain(out, bytes, len, where);
	char *p = out + plain;

	for (size_t i = plain, n; i < len; i += n) {
		uint32_t code = 0;

		n = 1;
		if (is_plain(bytes[i], where)) {
			*p++ = bytes[i];
			continue;
		}
		n = utf8_decode(bytes + i, len - i, &code);
		if (n > 1 && !utf8_is_invisible(code)) {
			memcpy(p, bytes + i, n);
			p += n;
		} else if (where != FOR_JSON) {
			p += put_bytes(p, bytes + i, n ? n : 1);
		} else if (n) {
			p += put_code(p, code);
		} else {
			memcpy(p, "\xef\xbf\xbd", 3);
			p += 3;
		}
		n = n ? n : 1;
	}
	return (size_t)(p - out);
}

size_t json_escape(char *out, const char *bytes, size_t len)
{
	return escape(out, bytes, len, FOR_JSON);
}

/* Beside other words it could be taken for none, for several, or for more than a name. */
static bool is_ambiguous(const char *bytes, size_t len)
{
	static const bool odd[256] = {[' '] = true, ['"'] = true, ['['] = true, [']'] = true};

	for (size_t i = 0; i < len; i++) {
		char next = i + 1 < len ? bytes[i + 1] : '\0';

		if (!odd[(unsigned char)bytes[i]] || (bytes[i] == '"' && i > 0))
			continue;
		/* A space between words, of which the second begins with a letter. */
		if (bytes[i] != ' ' || i == 0 ||
		    !((next & 0x80) || ((next | 0x20) >= 'a' && (next | 0x20) <= 'z')))
			return true;
	}
	return len == 1 && *bytes == '-';
}

size_t text_escape(char *out, const char *bytes, size_t len)
{
	size_t n;

	if (!is_ambiguous(bytes, len))
		return escape(out, bytes, len, FOR_LINE);
	out[0] = '"';
	n = 1 + escape(out + 1, bytes, len, FOR_QUOTES);
	out[n] = '"';
	return n + 1;
}

size_t line_escape(char *out, const char *bytes, size_t len)
{
	return escape(out, bytes, len, FOR_LINE);
}

void buffer_escape_line(struct buffer *b, const char *bytes, size_t len)
{
	char *p = buffer_reserve(b, 4 * len);

	if (p)
		b->len += line_escape(p, bytes, len);
}
