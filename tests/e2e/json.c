// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "json.h"

#define MAX_DEPTH 16

static int parse_value(struct json *doc, int depth);

static int fail(struct json *doc, const char *why)
{
	if (!doc->why)
		doc->why = why;
	return -1;
}

/* Length of the UTF-8 sequence at `p`, 0 when it is none. */
static size_t utf8_length(const unsigned char *p, const unsigned char *end)
{
	static const struct {
		unsigned char low, high, second_low, second_high;
		size_t length;
	} form[] = {
		{0x00, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++) {
		size_t n = form[i].length;

		if (*p < form[i].low || *p > form[i].high)
			continue;
		if (n == 1)
			return 1;
		if ((size_t)(end - p) < n || p[1] < form[i].second_low ||
		    p[1] > form[i].second_high)
			return 0;
		for (size_t k = 2; k < n; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		}
		return n;
	}
	return 0;
}

bool json_is_utf8(const char *bytes, size_t len)
{
	const unsigned char *p = (const unsigned char *)bytes, *end = p + len;

	while (p < end) {
		size_t n = utf8_length(p, end);

		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

static void put(struct json *doc, unsigned int byte)
{
	if (doc->used < sizeof(doc->arena))
		doc->arena[doc->used++] = (char)byte;
	else
		fail(doc, "line too long");
}

static void put_code_point(struct json *doc, unsigned int c)
{
	if (c < 0x80) {
		put(doc, c);
	} else if (c < 0x800) {
		put(doc, 0xc0 | c >> 6);
		put(doc, 0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		put(doc, 0xe0 | c >> 12);
		put(doc, 0x80 | (c >> 6 & 0x3f));
		put(doc, 0x80 | (c & 0x3f));
	} else {
		put(doc, 0xf0 | c >> 18);
		put(doc, 0x80 | (c >> 12 & 0x3f));
		put(doc, 0x80 | (c >> 6 & 0x3f));
		put(doc, 0x80 | (c & 0x3f));
	}
}

static int parse_hex4(struct json *doc, unsigned int *ret)
{
	unsigned int value = 0;

	if (doc->end - doc->at < 4)
		return fail(doc, "short \\u escape");
	for (int i = 0; i < 4; i++) {
		char c = *doc->at++;

		if (c >= '0' && c <= '9')
			value = value * 16 + (unsigned int)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + (unsigned int)((c | 0x20) - 'a' + 10);
		else
			return fail(doc, "bad \\u escape");
	}
	*ret = value;
	return 0;
}

static int parse_unicode_escape(struct json *doc)
{
	unsigned int c, low;

	if (parse_hex4(doc, &c) < 0)
		return -1;
	if (c == 0)
		return fail(doc, "NUL in a string");
	if (c >= 0xdc00 && c <= 0xdfff)
		return fail(doc, "lone low surrogate");
	if (c >= 0xd800 && c <= 0xdbff) {
		if (doc->end - doc->at < 6 || doc->at[0] != '\\' || doc->at[1] != 'u')
			return fail(doc, "lone high surrogate");
		doc->at += 2;
		if (parse_hex4(doc, &low) < 0)
			return -1;
		if (low < 0xdc00 || low > 0xdfff)
			return fail(doc, "bad low surrogate");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	put_code_point(doc, c);
	return 0;
}

static int parse_escape(struct json *doc)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *which;
	char c;

	if (doc->at == doc->end)
		return fail(doc, "unterminated string");
	c = *doc->at++;
	if (c == 'u')
		return parse_unicode_escape(doc);
	which = c ? strchr(from, c) : NULL;
	if (!which)
		return fail(doc, "unknown escape");
	put(doc, (unsigned char)to[which - from]);
	return 0;
}

/* Decodes the string at the opening quote into the arena; NULL on failure. */
static const char *parse_text(struct json *doc)
{
	size_t start = doc->used;

	doc->at++;
	while (doc->at < doc->end && *doc->at != '"') {
		if ((unsigned char)*doc->at < 0x20) {
			fail(doc, "bare control character in a string");
			return NULL;
		}
		if (*doc->at == '\\') {
			doc->at++;
			if (parse_escape(doc) < 0)
				return NULL;
		} else {
			put(doc, (unsigned char)*doc->at++);
		}
	}
	if (doc->at == doc->end) {
		fail(doc, "unterminated string");
		return NULL;
	}
	doc->at++;
	put(doc, 0);
	return doc->why ? NULL : doc->arena + start;
}

static bool digit(const struct json *doc)
{
	return doc->at < doc->end && *doc->at >= '0' && *doc->at <= '9';
}

static int parse_digits(struct json *doc)
{
	if (!digit(doc))
		return fail(doc, "a digit is missing");
	while (digit(doc))
		doc->at++;
	return 0;
}

static int parse_number(struct json *doc, struct json_node *node)
{
	bool minus = *doc->at == '-', overflow = false;

	node->type = JSON_NUMBER;
	doc->at += minus;
	if (!digit(doc))
		return fail(doc, "a digit is missing");
	if (*doc->at == '0') {
		doc->at++;
		if (digit(doc))
			return fail(doc, "leading zero");
	}
	while (digit(doc)) {
		unsigned int d = (unsigned int)(*doc->at++ - '0');

		overflow |= __builtin_mul_overflow(node->number, 10, &node->number) ||
			    __builtin_add_overflow(node->number, d, &node->number);
	}
	node->whole = !minus && !overflow;
	if (minus && !overflow && node->number <= INT64_MAX)
		node->negative = -(int64_t)node->number;
	if (doc->at < doc->end && *doc->at == '.') {
		doc->at++;
		node->whole = false;
		if (parse_digits(doc) < 0)
			return -1;
	}
	if (doc->at < doc->end && (*doc->at | 0x20) == 'e') {
		doc->at++;
		node->whole = false;
		if (doc->at < doc->end && (*doc->at == '+' || *doc->at == '-'))
			doc->at++;
		return parse_digits(doc);
	}
	return 0;
}

static int parse_word(struct json *doc, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(doc->end - doc->at) < n || memcmp(doc->at, word, n) != 0)
		return fail(doc, "unknown word");
	doc->at += n;
	return 0;
}

static void skip_space(struct json *doc)
{
	while (doc->at < doc->end && (*doc->at == ' ' || *doc->at == '\t'))
		doc->at++;
}

static int take(struct json *doc, char c)
{
	skip_space(doc);
	if (doc->at == doc->end || *doc->at != c)
		return 0;
	doc->at++;
	return 1;
}

static const char *parse_key(struct json *doc, int parent)
{
	const char *key;

	skip_space(doc);
	if (doc->at == doc->end || *doc->at != '"') {
		fail(doc, "a key is missing");
		return NULL;
	}
	key = parse_text(doc);
	if (!key)
		return NULL;
	if (json_get(doc, &doc->node[parent], key)) {
		fail(doc, "a key occurs twice");
		return NULL;
	}
	if (!take(doc, ':')) {
		fail(doc, "a colon is missing");
		return NULL;
	}
	return key;
}

static int parse_members(struct json *doc, int parent, char close, int depth)
{
	bool object = close == '}';
	int last = -1;

	doc->at++;
	if (take(doc, close))
		return 0;
	do {
		const char *key = object ? parse_key(doc, parent) : NULL;
		int child;

		if (object && !key)
			return -1;
		child = parse_value(doc, depth + 1);
		if (child < 0)
			return -1;
		doc->node[child].key = key;
		if (last < 0)
			doc->node[parent].first = child;
		else
			doc->node[last].next = child;
		last = child;
	} while (take(doc, ','));
	return take(doc, close) ? 0 : fail(doc, "unterminated object or array");
}

static int parse_compound(struct json *doc, int index, int depth)
{
	bool object = *doc->at == '{';

	if (depth > MAX_DEPTH)
		return fail(doc, "nested too deep");
	doc->node[index].type = object ? JSON_OBJECT : JSON_ARRAY;
	return parse_members(doc, index, object ? '}' : ']', depth);
}

static int parse_value(struct json *doc, int depth)
{
	struct json_node *node;
	int index = doc->count, err = 0;

	skip_space(doc);
	if (doc->at == doc->end)
		return fail(doc, "a value is missing");
	if (index == JSON_MAX_NODES)
		return fail(doc, "too many values");
	doc->count++;
	node = &doc->node[index];
	*node = (struct json_node){.first = -1, .next = -1};
	switch (*doc->at) {
	case '{':
	case '[': err = parse_compound(doc, index, depth); break;
	case '"':
		node->type = JSON_STRING;
		node->text = parse_text(doc);
		err = node->text ? 0 : -1;
		break;
	case 't':
	case 'f':
		node->type = JSON_BOOL;
		node->truth = *doc->at == 't';
		err = parse_word(doc, node->truth ? "true" : "false");
		break;
	case 'n': err = parse_word(doc, "null"); break;
	default: err = parse_number(doc, node);
	}
	return err < 0 ? -1 : index;
}

int json_parse(struct json *doc, const char *line, size_t len)
{
	doc->count = 0;
	doc->used = 0;
	doc->why = NULL;
	doc->at = line;
	doc->end = line + len;
	if (len >= JSON_MAX_LINE)
		return fail(doc, "line too long");
	if (!json_is_utf8(line, len))
		return fail(doc, "not UTF-8");
	if (parse_value(doc, 0) < 0)
		return -1;
	skip_space(doc);
	if (doc->at != doc->end)
		return fail(doc, "something behind the value");
	return doc->why ? -1 : 0;
}

const struct json_node *json_root(const struct json *doc)
{
	return doc->count > 0 ? &doc->node[0] : NULL;
}

const struct json_node *json_get(const struct json *doc, const struct json_node *object,
				 const char *key)
{
	const struct json_node *n;

	if (!object || object->type != JSON_OBJECT)
		return NULL;
	for (n = json_first(doc, object); n; n = json_next(doc, n)) {
		if (strcmp(n->key, key) == 0)
			return n;
	}
	return NULL;
}

const struct json_node *json_first(const struct json *doc, const struct json_node *parent)
{
	return parent && parent->first >= 0 ? &doc->node[parent->first] : NULL;
}

const struct json_node *json_next(const struct json *doc, const struct json_node *node)
{
	return node && node->next >= 0 ? &doc->node[node->next] : NULL;
}
