// SPDX-License-Identifier: GPL-2.0-only
#include "line.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "inet.h"
#include "title.h"
#include "units.h"
#include "utf8.h"

#define WORD sizeof(uint64_t)
#define HIGH 0x8080808080808080ull

/* Cells are short, and rows many: no call for each.  A word of room must be behind what is written. */
static inline char *put_spaces(char *p, unsigned int n)
{
	memset(p, ' ', WORD);
	for (unsigned int i = WORD; i < n; i += WORD)
		memset(p + i, ' ', WORD);
	return p + n;
}

/* Copies; other than 0: not all of it is ASCII. */
static inline uint64_t copy(char *p, const char *text, size_t len)
{
	uint64_t word, all = 0;
	uint32_t half;
	size_t i = 0;

	if (len >= WORD) {
		for (; i + WORD < len; i += WORD) {
			memcpy(&word, text + i, WORD);
			memcpy(p + i, &word, WORD);
			all |= word;
		}
		/* The last word overlaps the one before it. */
		memcpy(&word, text + len - WORD, WORD);
		memcpy(p + len - WORD, &word, WORD);
		return (all | word) & HIGH;
	}
	if (len >= sizeof(half)) {
		memcpy(&half, text, sizeof(half));
		memcpy(p, &half, sizeof(half));
		all = half;
		i = len - sizeof(half);
		memcpy(&half, text + i, sizeof(half));
		memcpy(p + i, &half, sizeof(half));
		return (all | half) & HIGH;
	}
	for (; i < len; i++) {
		p[i] = text[i];
		all |= (unsigned char)text[i];
	}
	return all & HIGH;
}

/* Text that ends in no space, behind the spaces that wait; as copy(). */
static inline __attribute__((always_inline)) uint64_t
line_write(struct line *line, const char *color, const char *text, size_t len)
{
	char *p = buffer_reserve(line->out, line->spaces + len + sizeof(RED RESET) + WORD);
	uint64_t odd;

	if (!p)
		return 0;
	p = put_spaces(p, line->spaces);
	line->spaces = 0;
	color = line->color ? color : NULL;
	if (color)
		p = stpcpy(p, color);
	odd = copy(p, text, len);
	p += len;
	if (color)
		p = stpcpy(p, RESET);
	line->out->len = (size_t)(p - line->out->data);
	return odd;
}

void line_put(struct line *line, const char *color, const char *text, size_t len)
{
	size_t shown = len;

	while (shown > 0 && text[shown - 1] == ' ')
		shown--;
	if (shown)
		line_write(line, color, text, shown);
	line->spaces += (unsigned int)(len - shown);
}

void line_word(struct line *line, const char *color, const char *word)
{
	line_put(line, color, word, strlen(word));
}

void line_number(struct line *line, uint64_t value)
{
	char digits[20];

	line_put(line, NULL, digits, inet_format_number(digits, value));
}

void line_duration(struct line *line, uint64_t ns)
{
	char text[32];

	line_put(line, NULL, text, units_format_duration(text, ns));
}

void line_process(struct line *line, const struct process *process)
{
	char owner[OWNER_SIZE];

	line_put(line, NULL, owner, title_owner(owner, process->name, process->pid));
}

void line_cell_right(struct line *line, const char *text, size_t len)
{
	unsigned int width = layout_fit(line->layout, line->cell++, (unsigned int)len);

	line->spaces += width > len ? width - (unsigned int)len : 0;
	line_write(line, NULL, text, len);
	line->spaces++;
}

void line_cell(struct line *line, const char *color, const char *text, size_t len)
{
	unsigned int used = (unsigned int)len, width;

	if (len && line_write(line, color, text, len))
		utf8_fit(text, len, UINT_MAX, &used);
	width = layout_fit(line->layout, line->cell++, used);
	line->spaces += (used < width ? width - used : 0) + 1;
}

void line_header(struct line *line, size_t time, const char *zone)
{
	const struct layout *l = line->layout;
	char text[256];

	while (line->cell < l->count) {
		const char *name = l->column[line->cell].name;

		if (line->cell == time)
			snprintf(text, sizeof(text), "%s (%s)", name, zone);
		if (l->column[line->cell].right)
			line_cell_right(line, name, strlen(name));
		else
			line_cell_word(line, NULL, line->cell == time ? text : name);
	}
}

void line_piece(struct line *line)
{
	if (line->in_detail)
		line_put(line, NULL, ", ", 2);
	line->in_detail = true;
}

void line_end(struct line *line, size_t start, unsigned int indent)
{
	char *p = buffer_reserve(line->out, 1);

	if (!p)
		return;
	*p = '\n';
	line->out->len++;
	if (line->layout->limit)
		layout_fold(line->out, start, line->layout->limit, indent);
}
