// SPDX-License-Identifier: GPL-2.0-only
#include "utf8.h"

#include <string.h>

struct code_range {
	uint32_t low, high;
};

/* Unicode's general categories Cc, Cf, Zs, Zl, Zp, and what is Default_Ignorable. */
static const struct code_range invisible[] = {
	{0x00, 0x1f},	    {0x7f, 0xa0},	{0xad, 0xad},	    {0x34f, 0x34f},
	{0x600, 0x605},	    {0x61c, 0x61c},	{0x6dd, 0x6dd},	    {0x70f, 0x70f},
	{0x890, 0x891},	    {0x8e2, 0x8e2},	{0x115f, 0x1160},   {0x1680, 0x1680},
	{0x17b4, 0x17b5},   {0x180b, 0x180f},	{0x2000, 0x200f},   {0x2028, 0x202f},
	{0x205f, 0x206f},   {0x3000, 0x3000},	{0x3164, 0x3164},   {0xfe00, 0xfe0f},
	{0xfeff, 0xfeff},   {0xffa0, 0xffa0},	{0xfff0, 0xfffb},   {0x110bd, 0x110bd},
	{0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
	{0xe0000, 0xe0fff},
};

/* The blocks of Unicode's East Asian Width W and F that names are written with. */
static const struct code_range wide[] = {
	{0x1100, 0x115f},   {0x2e80, 0xa4cf},	{0xac00, 0xd7a3}, {0xf900, 0xfaff},
	{0xfe30, 0xfe6f},   {0xff00, 0xff60},	{0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
	{0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static const struct code_range combining[] = {
	{0x300, 0x36f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe20, 0xfe2f},
};

#define IN_RANGES(code, ranges) in_ranges(code, ranges, sizeof(ranges) / sizeof((ranges)[0]))

static bool in_ranges(uint32_t code, const struct code_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (code >= ranges[i].low && code <= ranges[i].high)
			return true;
	return false;
}

size_t utf8_decode(const char *bytes, size_t len, uint32_t *ret_code)
{
	/* The least code of each length: anything below is overlong. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *b = (const uint8_t *)bytes;
	uint32_t code;
	size_t n;

	if (len == 0)
		return 0;
	if (b[0] < 0x80) {
		*ret_code = b[0];
		return 1;
	}
	n = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
	if (b[0] < 0xc2 || b[0] > 0xf4 || n > len)
		return 0;
	code = b[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (b[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return n;
}

bool utf8_is_invisible(uint32_t code)
{
	return IN_RANGES(code, invisible);
}

static unsigned int code_columns(uint32_t code)
{
	if (IN_RANGES(code, combining))
		return 0;
	return IN_RANGES(code, wide) ? 2 : 1;
}

/* Most of what is shown is plain ASCII: how many bytes at the start are. */
static size_t ascii_prefix(const char *text, size_t len)
{
	size_t i = 0;

	for (uint64_t word; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		if (word & 0x8080808080808080ull)
			break;
	}
	if (i + 4 <= len) {
		uint32_t half;

		memcpy(&half, text + i, sizeof(half));
		i += half & 0x80808080u ? 0 : sizeof(half);
	}
	while (i < len && !(text[i] & 0x80))
		i++;
	return i;
}

size_t utf8_fit(const char *text, size_t len, unsigned int columns, unsigned int *ret_used)
{
	size_t i = ascii_prefix(text, len < columns ? len : columns);
	unsigned int used = (unsigned int)i;

	while (i < len) {
		uint32_t code = '?';
		unsigned int width = 1;
		size_t n = 1;

		if (text[i] & 0x80) {
			n = utf8_decode(text + i, len - i, &code);
			n = n ? n : 1;
			width = code_columns(code);
		}
		if (width > columns - used)
			break;
		used += width;
		i += n;
	}
	*ret_used = used;
	return i;
}
