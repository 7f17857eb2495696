// SPDX-License-Identifier: GPL-2.0-only
#include "line.h"

#include <limits.h>
#include <string.h>

#include "inet.h"
#include "units.h"
#include "utf8.h"

static char *put(char *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

/* Writes the spaces that waited, and text that is known to fit. */
static void line_write(struct line *line, const char *color, const char *text, size_t len)
{
	char *p = buffer_reserve(line->out, line->spaces + len + sizeof(RED RESET));

	if (!p)
		return;
	if (line->spaces)
		memset(p, ' ', line->spaces);
	p += line->spaces;
	line->spaces = 0;
	color = line->color ? color : NULL;
	if (color)
		p = put(p, color, strlen(color));
	p = put(p, text, len);
	if (color)
		p = put(p, RESET, strlen(RESET));
	line->out->len = (size_t)(p - line->out->data);
}

/* What fits; the columns that it takes are counted where the line ends somewhere, or `ret_used` asks for them. */
static void put_fitting(struct line *line, const char *color, const char *text, size_t len,
			unsigned int *ret_used)
{
	unsigned int used = 0;
	size_t fits = len, shown;

	if (line->limit != UINT_MAX || ret_used)
		fits = utf8_fit(text, len, line->limit - line->column, &used);
	if (line->limit != UINT_MAX)
		line->column = fits < len ? line->limit : line->column + used;
	for (shown = fits; shown > 0 && text[shown - 1] == ' ';)
		shown--;
	if (shown)
		line_write(line, color, text, shown);
	line->spaces += (unsigned int)(fits - shown);
	if (ret_used)
		*ret_used = used;
}

void line_put(struct line *line, const char *color, const char *text, size_t len)
{
	if (line->column < line->limit)
		put_fitting(line, color, text, len, NULL);
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
	char name[4 * PROCESS_NAME_SIZE];

	line_put(line, NULL, name,
		 text_escape(name, process->name, strnlen(process->name, sizeof(process->name))));
	line_word(line, NULL, "[");
	line_number(line, process->pid);
	line_word(line, NULL, "]");
}

void line_cell(struct line *line, const char *color, const char *text, size_t len,
	       unsigned int width)
{
	unsigned int used = 0, spaces;

	if (line->column < line->limit)
		put_fitting(line, color, text, len, &used);
	spaces = (used < width ? width - used : 0) + 1;
	line->spaces += spaces;
	if (line->limit != UINT_MAX)
		line->column += spaces;
}

void line_piece(struct line *line)
{
	if (line->in_detail)
		line_put(line, NULL, ", ", 2);
	line->in_detail = true;
}

void line_end(struct line *line)
{
	buffer_append(line->out, "\n", 1);
}
