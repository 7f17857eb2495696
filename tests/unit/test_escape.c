// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "writer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_INPUT    64

struct row {
	const char *in;
	const char *out;
};

static void check_rows(size_t (*escape)(char *, const char *, size_t), const struct row *rows,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char out[6 * MAX_INPUT + 1];

		out[escape(out, rows[i].in, strlen(rows[i].in))] = '\0';
		assert_string_equal(out, rows[i].out);
	}
}

static void json_escapes_what_a_string_must_not_hold(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"python3 -m", "python3 -m"},
		{"a\"b\\c", "a\\\"b\\\\c"},
		{"\b\f\n\r\t", "\\b\\f\\n\\r\\t"},
		{"\x1b[31mred", "\\u001b[31mred"},
		{"\x01\x1f\x7f", "\\u0001\\u001f\\u007f"},
		{"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x90\xa7",
		 "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x90\xa7"},
		{"\xc2\x9b", "\\u009b"},
		{"\xff", "\xef\xbf\xbd"},
		{"a\xe6\x97", "a\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xe2\x80\xa8\xe2\x80\xae\xd8\x9c", "\\u2028\\u202e\\u061c"},
		{"\xe2\x80\x8b\xf3\xa0\x80\x81", "\\u200b\\udb40\\udc01"},
	};
	char out[8];

	(void)state;
	check_rows(json_escape, rows, COUNT(rows));
	assert_int_equal(json_escape(out, "\0", 1), 6);
	assert_memory_equal(out, "\\u0000", 6);
}

static void text_quotes_what_could_be_taken_for_something_else(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"nginx: w", "nginx: w"},
		{"Web Content", "Web Content"},
		{"caf\xc3\xa9 \xc3\xa9", "caf\xc3\xa9 \xc3\xa9"},
		{"a 1", "\"a 1\""},
		{" a", "\" a\""},
		{"a ", "\"a \""},
		{"a  b", "\"a  b\""},
		{"a -", "\"a -\""},
		{"-", "\"-\""},
		{"a[1]", "\"a[1]\""},
		{"a\"b", "a\"b"},
		{"\"a", "\"\\x22a\""},
		{"a\\b", "a\\x5cb"},
		{"\x1b]2J\n", "\"\\x1b]2J\\x0a\""},
		{"\x1b\n", "\\x1b\\x0a"},
		{"\xc2\x9b", "\\xc2\\x9b"},
		{"caf\xc3\xa9", "caf\xc3\xa9"},
		{"\xff\xc3", "\\xff\\xc3"},
		/* U+202E turns the rest of the line around, U+00A0 and U+3000 look like spaces. */
		{"a\xe2\x80\xaegpj", "a\\xe2\\x80\\xaegpj"},
		{"\xc2\xa0\xe3\x80\x80", "\\xc2\\xa0\\xe3\\x80\\x80"},
		/* U+3164 is a letter that has no ink, U+FE0F belongs to the one before it. */
		{"\xe3\x85\xa4\xef\xb8\x8f", "\\xe3\\x85\\xa4\\xef\\xb8\\x8f"},
	};
	char out[6];

	(void)state;
	check_rows(text_escape, rows, COUNT(rows));
	assert_int_equal(text_escape(out, "\0", 1), 4);
	assert_memory_equal(out, "\\x00", 4);
}

static void a_line_of_words_keeps_its_spaces(void **state)
{
	static const struct row rows[] = {
		{"cannot open a b: No such file", "cannot open a b: No such file"},
		{"a\nb\x1b[2J\\", "a\\x0ab\\x1b[2J\\x5c"},
		{"\xe2\x81\xa6\xff", "\\xe2\\x81\\xa6\\xff"},
	};

	(void)state;
	check_rows(line_escape, rows, COUNT(rows));
}

/* What Unicode calls Bidi_Control and White_Space, and the joiners: none is shown as it is, anywhere. */
static void nothing_that_turns_or_breaks_a_line_stays(void **state)
{
	static const char *const codes[] = {
		"\xd8\x9c",	"\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e",
		"\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xab",
		"\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae", "\xe2\x81\xa0", "\xe2\x81\xa6",
		"\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9", "\xef\xbb\xbf", "\xc2\x85",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		size_t len = strlen(codes[i]);
		char out[6 * 4];

		for (size_t k = json_escape(out, codes[i], len); k > 0; k--)
			assert_in_range(out[k - 1], '!', '~');
		for (size_t k = text_escape(out, codes[i], len); k > 0; k--)
			assert_in_range(out[k - 1], '!', '~');
		for (size_t k = line_escape(out, codes[i], len); k > 0; k--)
			assert_in_range(out[k - 1], '!', '~');
	}
}

/* RFC 3629's table, written out: a second opinion on the decoder. */
static size_t valid_sequence(const uint8_t *s, size_t len)
{
	static const struct {
		uint8_t low, high, second_low, second_high;
		size_t len;
	} rows[] = {
		{0x00, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (s[0] < rows[i].low || s[0] > rows[i].high)
			continue;
		if (rows[i].len > len)
			return 0;
		if (rows[i].len > 1 && (s[1] < rows[i].second_low || s[1] > rows[i].second_high))
			return 0;
		for (size_t j = 2; j < rows[i].len; j++)
			if (s[j] < 0x80 || s[j] > 0xbf)
				return 0;
		return rows[i].len;
	}
	return 0;
}

static bool is_json_string(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = valid_sequence((const uint8_t *)text + i, len - i);

		if (n == 0 || (uint8_t)text[i] < 0x20 || text[i] == '"')
			return false;
		if (text[i] != '\\') {
			i += n;
		} else if (i + 1 < len && text[i + 1] && strchr("\"\\bfnrt", text[i + 1])) {
			i += 2;
		} else if (i + 6 <= len && text[i + 1] == 'u' &&
			   strspn(text + i + 2, "0123456789abcdef") >= 4) {
			i += 6;
		} else {
			return false;
		}
	}
	return true;
}

static bool is_text_cell(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = valid_sequence((const uint8_t *)text + i, len - i);

		if (n == 0 || (uint8_t)text[i] < ' ' || text[i] == 0x7f)
			return false;
		i += n;
	}
	return true;
}

/* Bytes that come near valid sequences more often than chance would. */
static size_t random_bytes(char *out)
{
	static const char *const parts[] = {"\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x90\xa7",
					    "\"",	"\\",		"\x1b[",
					    "\xed\xa0", "\xf4\x90"};
	size_t want = (size_t)random() % (MAX_INPUT - 4);
	size_t len = 0;

	while (len < want) {
		if (random() % 2) {
			out[len++] = (char)random();
		} else {
			const char *part = parts[(size_t)random() % COUNT(parts)];

			memcpy(out + len, part, strlen(part));
			len += strlen(part);
		}
	}
	return len;
}

static void random_bytes_stay_well_formed_and_in_bounds(void **state)
{
	(void)state;
	srandom(3);
	for (int round = 0; round < 200000; round++) {
		char in[MAX_INPUT];
		size_t len = random_bytes(in);
		/* Exactly the promised room, so that the sanitizer sees one byte more. */
		char *json = malloc(6 * len + 1);
		char *text = malloc(4 * len + 3);
		size_t json_len, text_len;

		assert_non_null(json);
		assert_non_null(text);
		json_len = json_escape(json, in, len);
		text_len = text_escape(text, in, len);
		assert_true(json_len <= 6 * len);
		assert_true(text_len <= 4 * len + 2);
		json[json_len] = '\0';
		assert_true(is_json_string(json, json_len));
		assert_true(is_text_cell(text, text_len));
		free(json);
		free(text);
	}
}

/* Plain characters around one are copied by the word: wherever it stands it becomes what it becomes alone. */
static void a_byte_is_escaped_wherever_it_stands(void **state)
{
	size_t (*const escape[])(char *, const char *, size_t) = {json_escape, line_escape};
	static const char plain[] = "abcdefghijklmnopqrstuvw";
	const size_t len = sizeof(plain) - 1;

	(void)state;
	for (size_t e = 0; e < COUNT(escape); e++) {
		for (int byte = 0; byte < 256; byte++) {
			char alone[6], in[sizeof(plain)], out[6 * sizeof(plain)];
			const char c = (char)byte;
			size_t alone_len = escape[e](alone, &c, 1);

			for (size_t at = 0; at < len; at++) {
				memcpy(in, plain, len);
				in[at] = c;
				assert_int_equal(escape[e](out, in, len), len - 1 + alone_len);
				assert_memory_equal(out, plain, at);
				assert_memory_equal(out + at, alone, alone_len);
				assert_memory_equal(out + at + alone_len, plain + at + 1,
						    len - at - 1);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_escapes_what_a_string_must_not_hold),
		cmocka_unit_test(text_quotes_what_could_be_taken_for_something_else),
		cmocka_unit_test(a_line_of_words_keeps_its_spaces),
		cmocka_unit_test(nothing_that_turns_or_breaks_a_line_stays),
		cmocka_unit_test(random_bytes_stay_well_formed_and_in_bounds),
		cmocka_unit_test(a_byte_is_escaped_wherever_it_stands),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
