// SPDX-License-Identifier: GPL-2.0-only
#include "line.h"

#include <string.h>

#include "inet.h"
#include "units.h"
#include "utf8.h"

/* Writes the spaces that waited, and text that is known to fit. */
static void line_write(struct line *line, const char *color, const char *text, size_t len)
{
	char *p = buffer_reserve(line->out, line->spaces + len + sizeof(RED RESET));

	if (!p)
		return;
	memset(p, ' ', line->spaces);
	p += line->spaces;
	line->spaces = 0;
	if (color && line->color)
		p = stpcpy(p, color);
	memcpy(p, text, len);
	p += len;
	if (color && line->color)
		p = stpcpy(p, RESET);
	line->out->len = (size_t)(p - line->out->data);
}

unsigned int line_put(struct line *line, const char *color, const char *text, size_t len)
{
	unsigned int used, trailing = 0;
	size_t fits;

	if (line->column >= line->limit)
		return 0;
	fits = utf8_fit(text, len, line->limit - line->column, &used);
	line->column = fits < len ? line->limit : line->column + used;
	for (; fits > 0 && text[fits - 1] == ' '; fits--)
		trailing++;
	if (fits)
		line_write(line, color, text, fits);
	line->spaces += trailing;
	return used;
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

static void line_pad(struct line *line, unsigned int spaces)
{
	line->spaces += spaces;
	line->column += spaces;
}

void line_cell(struct line *line, const char *color, const char *text, size_t len,
	       unsigned int width)
{
	unsigned int used = line_put(line, color, text, len);

	line_pad(line, (used < width ? width - used : 0) + 1);
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
