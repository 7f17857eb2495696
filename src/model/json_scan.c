// SPDX-License-Identifier: GPL-2.0-only
#include "json_scan.h"

#include <string.h>

struct scan {
	const char *p, *end;
	struct json_at at;
	bool is_list[JSON_SCAN_DEPTH];
	bool (*fn)(void *ctx, const struct json_at *at, struct json_text value);
	void *ctx;
	bool ended;
};

bool json_at_is(const struct json_at *at, const char *const *keys)
{
	unsigned int i;

	for (i = 0; i < at->depth && keys[i]; i++) {
		if (strlen(keys[i]) != at->key[i].len ||
		    (at->key[i].len && memcmp(keys[i], at->key[i].bytes, at->key[i].len) != 0))
			return false;
	}
	return i == at->depth && !keys[i];
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end && strchr(" \t\r\n", *s->p) && *s->p)
		s->p++;
}

static bool take(struct scan *s, char c)
{
	skip_space(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* Behind the opening quote.  *ret_plain: without a backslash. */
static bool take_string(struct scan *s, struct json_text *ret, bool *ret_plain)
{
	const char *begin = s->p;

	*ret_plain = true;
	for (; s->p < s->end && *s->p != '"'; s->p++) {
		if ((unsigned char)*s->p < ' ')
			return false;
		if (*s->p != '\\')
			continue;
		*ret_plain = false;
		if (++s->p == s->end)
			return false;
	}
	if (s->p == s->end)
		return false;
	*ret = (struct json_text){begin, (size_t)(s->p - begin)};
	s->p++;
	return true;
}

/* A number, true, false or null: nobody asks which. */
static bool take_word(struct scan *s)
{
	const char *begin = s->p;

	while (s->p < s->end && *s->p && strchr("+-.0123456789Eaeflnrstu", *s->p))
		s->p++;
	return s->p > begin;
}

static bool take_key(struct scan *s)
{
	struct json_text *key = &s->at.key[s->at.depth - 1];
	bool plain;

	if (!take(s, '"') || !take_string(s, key, &plain) || !take(s, ':'))
		return false;
	if (!plain)
		*key = (struct json_text){"\\", 1}; /* no key that anybody asks for */
	return true;
}

/* Goes into an object or a list; true where it is not empty. */
static bool enter(struct scan *s, bool is_list)
{
	s->is_list[s->at.depth] = is_list;
	s->at.key[s->at.depth++] = (struct json_text){NULL, 0};
	return !take(s, is_list ? ']' : '}');
}

enum after { AFTER_VALUE, AFTER_OPENED, AFTER_BROKEN };

static enum after take_value(struct scan *s)
{
	struct json_text value;
	bool plain;

	skip_space(s);
	if (take(s, '"')) {
		if (!take_string(s, &value, &plain))
			return AFTER_BROKEN;
		if (plain)
			s->ended = !s->fn(s->ctx, &s->at, value);
		return AFTER_VALUE;
	}
	if (s->p < s->end && (*s->p == '{' || *s->p == '[')) {
		bool is_list = *s->p++ == '[';

		if (s->at.depth == JSON_SCAN_DEPTH)
			return AFTER_BROKEN;
		if (enter(s, is_list))
			return AFTER_OPENED;
		s->at.depth--;
		return AFTER_VALUE;
	}
	return take_word(s) ? AFTER_VALUE : AFTER_BROKEN;
}

/* Behind a value: to the next one, or out of what ends here.  False at the end of all, and where it is broken. */
static bool go_on(struct scan *s, bool *ret_broken)
{
	while (s->at.depth > 0) {
		bool is_list = s->is_list[s->at.depth - 1];

		if (take(s, ','))
			return is_list || (take_key(s) || !(*ret_broken = true));
		if (!take(s, is_list ? ']' : '}')) {
			*ret_broken = true;
			return false;
		}
		s->at.depth--;
	}
	return false;
}

bool json_scan(const char *text, size_t len,
	       bool (*fn)(void *ctx, const struct json_at *at, struct json_text value), void *ctx)
{
	struct scan s = {.p = text, .end = text + len, .fn = fn, .ctx = ctx};
	bool broken = false;

	for (;;) {
		enum after after = take_value(&s);

		if (after == AFTER_BROKEN)
			return false;
		if (s.ended)
			return true;
		if (after == AFTER_OPENED) {
			if (!s.is_list[s.at.depth - 1] && !take_key(&s))
				return false;
			continue;
		}
		if (!go_on(&s, &broken))
			break;
	}
	skip_space(&s);
	return !broken && s.p == s.end;
}
