// SPDX-License-Identifier: GPL-2.0-only
#include "layout.h"

#include <string.h>

#include "line.h"
#include "utf8.h"

void layout_init(struct layout *l, const struct layout_column *columns, size_t count,
		 unsigned int limit)
{
	*l = (struct layout){.column = columns, .count = count};
	layout_resize(l, limit);
}

unsigned int layout_begin(const struct layout *l, size_t i)
{
	unsigned int begin = 0;

	while (i-- > 0)
		begin += l->width[i] + 1;
	return begin;
}

void layout_resize(struct layout *l, unsigned int limit)
{
	l->limit = limit;
	l->first = 0;
	l->changes++;
	for (size_t i = 0; i < l->count; i++) {
		unsigned int name = (unsigned int)strlen(l->column[i].name);

		l->width[i] = name > l->column[i].least ? name : l->column[i].least;
		if (layout_begin(l, i + 1) <= limit + 1)
			l->first = i + 1;
	}
}

unsigned int layout_widen(struct layout *l, size_t i, unsigned int used)
{
	unsigned int more = used - l->width[i];

	if (used <= LAYOUT_WIDEST &&
	    (!l->limit || (i < l->first && layout_begin(l, l->first) + more <= l->limit + 1))) {
		l->width[i] = used;
		l->changes++;
	}
	return l->width[i];
}

/* Bytes of the character or the sequence of colour at `p`, and how wide it is shown. */
static size_t next_glyph(const char *p, const char *end, unsigned int *ret_width)
{
	size_t n = 1;

	*ret_width = 0;
	if (*p == '\033') {
		const char *m = memchr(p, 'm', (size_t)(end - p));

		return m ? (size_t)(m + 1 - p) : 1;
	}
	while (p + n < end && (p[n] & 0xc0) == 0x80)
		n++;
	utf8_fit(p, n, 2, ret_width);
	return n;
}

/* A word: what stands up to the next space, or to the end of an arrow between two addresses. */
static size_t next_word(const char *p, const char *end, unsigned int *ret_width)
{
	size_t len = 0;
	unsigned int width;

	*ret_width = 0;
	while (p + len < end && p[len] != ' ') {
		bool arrow = len > 0 && p[len] == '>' && p[len - 1] == '-';

		len += next_glyph(p + len, end, &width);
		*ret_width += width;
		if (arrow)
			break;
	}
	return len;
}

/* Columns that what goes on below has, or it begins further to the left. */
#define LEAST 20

/* A line on its way to the terminal. */
struct fold {
	struct buffer *out;
	unsigned int limit, indent, column;
	const char *color; /* that is on; NULL none */
	size_t color_len;
};

static void put_spaces(struct fold *f, size_t n)
{
	char *p = buffer_reserve(f->out, n);

	if (!p)
		return;
	memset(p, ' ', n);
	f->out->len += n;
	f->column += (unsigned int)n;
}

/* No colour goes over a break. */
static void break_line(struct fold *f)
{
	if (f->color)
		buffer_append(f->out, RESET, strlen(RESET));
	buffer_append(f->out, "\n", 1);
	f->column = 0;
	put_spaces(f, f->indent);
	if (f->color)
		buffer_append(f->out, f->color, f->color_len);
}

/* Broken only where no line has room for it. */
static void put_word(struct fold *f, const char *p, size_t len)
{
	const char *end = p + len;

	while (p < end) {
		unsigned int width;
		size_t n = next_glyph(p, end, &width);

		if (*p == '\033') {
			f->color = n == strlen(RESET) && memcmp(p, RESET, n) == 0 ? NULL : p;
			f->color_len = n;
		}
		if (f->column + width > f->limit && f->column > f->indent)
			break_line(f);
		buffer_append(f->out, p, n);
		f->column += width;
		p += n;
	}
}

static void fold_line(struct fold *f, const char *p, const char *end)
{
	f->column = 0;
	while (p < end) {
		size_t gap = 0, len;
		unsigned int width;

		while (p + gap < end && p[gap] == ' ')
			gap++;
		p += gap;
		len = next_word(p, end, &width);
		if (f->column + gap + width <= f->limit)
			put_spaces(f, gap);
		else if (f->column > 0)
			break_line(f);
		put_word(f, p, len);
		p += len;
	}
}

void layout_fold(struct buffer *out, size_t start, unsigned int limit, unsigned int indent)
{
	struct fold f = {
		.out = out, .limit = limit, .indent = indent + LEAST <= limit ? indent : limit / 8};
	size_t len = out->len - start;
	struct buffer text;

	/* No character is wider than its bytes. */
	if (!limit || out->failed || len <= limit || buffer_init(&text, len) < 0)
		return;
	buffer_append(&text, out->data + start, len);
	out->len = start;
	for (const char *p = text.data, *all = p + len; p < all;) {
		const char *newline = memchr(p, '\n', (size_t)(all - p)),
			   *end = newline ? newline : all;

		fold_line(&f, p, end);
		if (newline)
			buffer_append(out, "\n", 1);
		p = end + (newline != NULL);
	}
	buffer_done(&text);
}
