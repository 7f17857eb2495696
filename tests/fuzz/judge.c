// SPDX-License-Identifier: GPL-2.0-only
/* judge.c - a cursor over the input, and readers of what the program writes that forgive nothing. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS  64
#define MAX_DEPTH 16

void fuzz_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* ---- input ---- */

uint8_t input_8(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

uint16_t input_16(struct input *in)
{
	uint16_t high = input_8(in);

	return (uint16_t)(high << 8 | input_8(in));
}

uint64_t input_64(struct input *in)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | input_8(in);
	return value;
}

uint8_t *exact_copy(const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	MUST(copy);
	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

uint8_t *input_bytes(struct input *in, size_t len, size_t *ret_len)
{
	uint8_t *copy;

	len = len < in->left ? len : in->left;
	copy = exact_copy(in->at, len);
	in->at += len;
	in->left -= len;
	*ret_len = len;
	return copy;
}

char *input_string(struct input *in, size_t len)
{
	char *copy;

	len = len < in->left ? len : in->left;
	copy = malloc(len + 1);
	MUST(copy);
	if (len)
		memcpy(copy, in->at, len);
	copy[len] = '\0';
	in->at += len;
	in->left -= len;
	return copy;
}

/* ---- characters ---- */

/* RFC 3629; the length of the character at `p`, after a look at each rule. */
static size_t character(const char *p, const char *end, uint32_t *ret_code)
{
	const uint8_t *b = (const uint8_t *)p;
	size_t n = b[0] < 0x80 ? 1 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	uint32_t code = n == 1 ? b[0] : b[0] & (0xff >> (n + 1));

	MUST(b[0] < 0x80 || (b[0] >= 0xc2 && b[0] <= 0xf4));
	MUST(n <= (size_t)(end - p));
	for (size_t i = 1; i < n; i++) {
		MUST((b[i] & 0xc0) == 0x80);
		code = code << 6 | (b[i] & 0x3f);
	}
	MUST(n < 3 || code >= (n == 3 ? 0x800u : 0x10000u));
	MUST(code <= 0x10ffff && (code < 0xd800 || code > 0xdfff));
	*ret_code = code;
	return n;
}

/* Controls, what turns a line around or breaks it, and what has no width. */
static bool is_shown(uint32_t code)
{
	return code >= ' ' && (code < 0x7f || code > 0x9f) && code != 0xad && code != 0x61c &&
	       (code < 0x200b || code > 0x200f) && (code < 0x2028 || code > 0x202e) &&
	       (code < 0x2060 || code > 0x206f) && code != 0xfeff &&
	       (code < 0xe0000 || code > 0xe0fff);
}

/* ---- text ---- */

void must_be_text(const char *text, size_t len, size_t lines, bool color)
{
	const char *p = text, *end = text + len;

	while (p < end) {
		uint32_t code;

		if (color && end - p > 2 && p[0] == '\033' && p[1] == '[') {
			for (p += 2; p < end && *p != 'm'; p++)
				MUST((*p >= '0' && *p <= '9') || *p == ';');
			MUST(p < end);
			p++;
			continue;
		}
		if (*p == '\n') {
			MUST(lines-- > 0);
			p++;
			continue;
		}
		p += character(p, end, &code);
		MUST(is_shown(code));
	}
	MUST(lines == 0);
	MUST(len == 0 || text[len - 1] == '\n');
}

/* ---- JSON ---- */

static const char *value(const char *p, const char *end, int depth);

static const char *literal(const char *p, const char *end, const char *word)
{
	size_t len = strlen(word);

	MUST((size_t)(end - p) >= len && memcmp(p, word, len) == 0);
	return p + len;
}

static unsigned int unit(const char *p, const char *end)
{
	unsigned int code = 0;

	MUST(end - p >= 4);
	for (int i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef", *at = strchr(digits, p[i]);

		MUST(p[i] && at);
		code = code << 4 | (unsigned int)(at - digits);
	}
	return code;
}

/* Behind the quote that opens it; returns what is behind the one that closes it. */
static const char *string(const char *p, const char *end)
{
	while (p < end && *p != '"') {
		uint32_t code;

		if (*p != '\\') {
			p += character(p, end, &code);
			MUST(is_shown(code));
			continue;
		}
		MUST(end - p >= 2);
		if (p[1] != 'u') {
			MUST(p[1] && strchr("\"\\/bfnrt", p[1]));
			p += 2;
			continue;
		}
		code = unit(p + 2, end);
		p += 6;
		MUST(code < 0xdc00 || code > 0xdfff);
		if (code < 0xd800 || code > 0xdbff)
			continue;
		MUST(end - p >= 6 && p[0] == '\\' && p[1] == 'u');
		code = unit(p + 2, end);
		MUST(code >= 0xdc00 && code <= 0xdfff);
		p += 6;
	}
	return literal(p, end, "\"");
}

static const char *number(const char *p, const char *end)
{
	const char *begin = p += p < end && *p == '-';

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	MUST(p > begin && (*begin != '0' || p == begin + 1));
	if (p < end && *p == '.') {
		begin = ++p;
		while (p < end && *p >= '0' && *p <= '9')
			p++;
		MUST(p > begin);
	}
	return p;
}

static const char *object(const char *p, const char *end, int depth)
{
	const char *key[MAX_KEYS];
	size_t len[MAX_KEYS], count = 0;

	while (p < end && *p != '}') {
		if (count)
			p = literal(p, end, ",");
		p = literal(p, end, "\"");
		MUST(count < MAX_KEYS);
		key[count] = p;
		p = string(p, end);
		len[count] = (size_t)(p - key[count]);
		for (size_t i = 0; i < count; i++)
			MUST(len[i] != len[count] || memcmp(key[i], key[count], len[i]) != 0);
		count++;
		p = value(literal(p, end, ":"), end, depth + 1);
	}
	return literal(p, end, "}");
}

static const char *list(const char *p, const char *end, int depth)
{
	for (size_t count = 0; p < end && *p != ']'; count++) {
		if (count)
			p = literal(p, end, ",");
		p = value(p, end, depth + 1);
	}
	return literal(p, end, "]");
}

static const char *value(const char *p, const char *end, int depth)
{
	MUST(p < end && depth < MAX_DEPTH);
	switch (*p) {
	case '{': return object(p + 1, end, depth);
	case '[': return list(p + 1, end, depth);
	case '"': return string(p + 1, end);
	case 't': return literal(p, end, "true");
	case 'f': return literal(p, end, "false");
	case 'n': return literal(p, end, "null");
	default: return number(p, end);
	}
}

void must_be_json(const char *text, size_t len)
{
	const char *p = text, *end = text + len;

	while (p < end) {
		MUST(*p == '{');
		p = literal(value(p, end, 0), end, "\n");
	}
}

/* ---- journal ---- */

/* Behind a name that a newline ends: eight bytes of length, the value, a newline. */
static const char *binary(const char *p, const char *end)
{
	uint64_t len = 0;

	MUST(end - p >= 8);
	for (int i = 0; i < 8; i++)
		len |= (uint64_t)(uint8_t)p[i] << (8 * i);
	p += 8;
	MUST(len < (uint64_t)(end - p));
	return literal(p + len, end, "\n");
}

void must_be_journal(const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	bool message = false;

	while (p < end) {
		const char *name = p;

		while (p < end &&
		       ((*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_'))
			p++;
		MUST(p > name && p < end && *name >= 'A' && *name <= 'Z' && p - name <= 64);
		message |= p - name == 7 && memcmp(name, "MESSAGE", 7) == 0;
		if (*p == '\n') {
			p = binary(p + 1, end);
			continue;
		}
		MUST(*p == '=');
		p = memchr(p, '\n', (size_t)(end - p));
		MUST(p);
		p++;
	}
	MUST(message);
}
