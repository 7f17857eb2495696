/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json_scan.h - finds strings in JSON that somebody else wrote.
 *
 * Owns: a scanner without memory of its own.  Refuses to know: files, and what a key means.  Any bytes may be handed in:
 * each is read once, nesting and what is found are bounded.  Pure and thread-safe.
 */
#ifndef SOCKWATCH_JSON_SCAN_H
#define SOCKWATCH_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_SCAN_DEPTH 16

struct json_text {
	const char *bytes;
	size_t len;
};

/* Where a value stands: the keys that lead to it, outermost first; an item of a list has none (NULL). */
struct json_at {
	struct json_text key[JSON_SCAN_DEPTH];
	unsigned int depth;
};

/* `at` names these keys, "" for an item of a list; NULL ends them. */
bool json_at_is(const struct json_at *at, const char *const *keys);

/*
 * Hands each string that is a value to `fn`, in order, until that says false.  Strings with a backslash are left out, as
 * keys and as values.  Returns false where the text is no JSON; what was found before counts all the same.
 */
bool json_scan(const char *text, size_t len,
	       bool (*fn)(void *ctx, const struct json_at *at, struct json_text value), void *ctx);

#endif
