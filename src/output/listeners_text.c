// SPDX-License-Identifier: GPL-2.0-only
/* listeners_text.c - what waits for peers, by from where it can be reached: a row a socket, whoever has it open. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "listing_cells.h"
#include "listing_port.h"
#include "title.h"

#define INDENT 4
/* Of a command line, in a terminal; a pipe has all of it. */
#define COMMAND_SHOWN	240
#define CONTAINER_SHOWN 12
#define TEXT_SHOWN	256

static const struct layout_column columns[] = {
	LAYOUT_LEFT("PROTO", 0),  LAYOUT_LEFT("LOCAL", 0),     LAYOUT_LEFT("NETNS", 0),
	LAYOUT_LEFT("QUEUE", 0),  LAYOUT_LEFT("PROCESS", 12),  LAYOUT_LEFT("USER", 0),
	LAYOUT_LEFT("UNIT", 0),	  LAYOUT_LEFT("CONTAINER", 0), LAYOUT_LEFT("SINCE", 0),
	LAYOUT_LEFT("COMMAND", 0)};
static const struct layout_column without_netns[] = {
	LAYOUT_LEFT("PROTO", 0),     LAYOUT_LEFT("LOCAL", 0), LAYOUT_LEFT("QUEUE", 0),
	LAYOUT_LEFT("PROCESS", 12),  LAYOUT_LEFT("USER", 0),  LAYOUT_LEFT("UNIT", 0),
	LAYOUT_LEFT("CONTAINER", 0), LAYOUT_LEFT("SINCE", 0), LAYOUT_LEFT("COMMAND", 0)};

/* The last but one. */
static size_t since_column(const struct listing_style *style)
{
	return style->layout.count - 2;
}

static void cell_queue(struct line *line, const struct listing_socket *s)
{
	char text[96], *p = text;

	p += inet_format_number(p, s->receive);
	if (s->state == STATE_LISTEN) {
		*p++ = '/';
		if (listing_knows_limit(s))
			p += inet_format_number(p, s->backlog);
		else
			*p++ = '-';
	}
	if (listing_is_full(s)) {
		p = stpcpy(p, " full, ");
		p += inet_format_number(p, s->dropped);
		p = stpcpy(p, " dropped");
	}
	line_cell(line, listing_is_full(s) ? RED : NULL, text, (size_t)(p - text));
}

/* "nginx[901]", and how many have it open besides. */
static void cell_owner(struct line *line, const struct listing *l, const struct listing_socket *s,
		       const struct process *p)
{
	char text[TITLE_SIZE + 24], *end = text + title_format(text, p, true);
	uint64_t others = 0;

	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next)
		others += l->tasks[l->holders[h].task].process.pid != p->pid;
	if (others) {
		end = stpcpy(end, " +");
		end += inet_format_number(end, others);
	}
	line_cell(line, NULL, text, (size_t)(end - text));
}

static void cell_text(struct line *line, const char *text, size_t most)
{
	char escaped[4 * TEXT_SHOWN + 2];

	if (text && *text)
		line_cell(line, NULL, escaped, text_escape(escaped, text, strnlen(text, most)));
	else
		line_cell_word(line, NULL, "-");
}

static void cell_container(struct line *line, const struct process *p)
{
	if (p->container_name)
		cell_text(line, p->container_name, TEXT_SHOWN);
	else if (p->pod)
		cell_text(line, p->pod, TEXT_SHOWN);
	else
		cell_text(line, p->container, CONTAINER_SHOWN);
}

static void cell_command(struct line *line, const struct process *p)
{
	const struct program *program = p->program;
	size_t len = program && program->args ? program->args_len : 0;
	size_t most = line->layout->limit ? COMMAND_SHOWN : len;
	char *text = len ? malloc(5 * len + 4) : NULL;

	while (len && program->args[len - 1] == '\0')
		len--;
	if (!text || !len) {
		line_cell_word(line, NULL, "-");
	} else {
		bool cut = len > most || program->args_cut;
		char *words = text + 4 * len + 4;
		size_t shown;

		len = len > most ? most : len;
		memcpy(words, program->args, len);
		for (size_t i = 0; i < len; i++)
			words[i] = words[i] ? words[i] : ' ';
		shown = line_escape(text, words, len);
		if (cut)
			shown += (size_t)(stpcpy(text + shown, "...") - (text + shown));
		line_cell(line, NULL, text, shown);
	}
	free(text);
}

static void cell_since(struct line *line, const struct listing_style *style,
		       const struct listing_socket *s)
{
	char text[40];

	if (s->since_ns)
		line_cell(line, NULL, text,
			  units_format_second(text, s->since_ns + (uint64_t)style->wall_offset_ns));
	else
		line_cell_word(line, NULL, "-");
}

static void write_row(struct buffer *out, struct listing_style *style, const struct listing *l,
		      const struct listing_socket *s)
{
	struct line line = {.out = out, .layout = &style->layout, .color = style->color};
	const struct listing_task *task = listing_owner(l, s);
	const char *protocol = inet_protocol_name(s->protocol);
	char name[LISTING_NAME_SIZE];
	size_t start = out->len;

	if (!task && s->first != LISTING_NONE)
		task = &l->tasks[l->holders[s->first].task];
	line_cell_word(&line, NULL, protocol ? protocol : "?");
	line_cell(&line, NULL, name, listing_format_name(name, style, s));
	if (style->netns)
		listing_cell_netns(&line, style, l, s->netns);
	cell_queue(&line, s);
	if (task) {
		cell_owner(&line, l, s, &task->process);
		listing_cell_user(&line, style, task->process.uid);
		cell_text(&line, task->process.unit, TEXT_SHOWN);
		cell_container(&line, &task->process);
	} else if (s->flags & LOOK_KERNEL) {
		listing_cell_kernel(&line, style, s);
	}
	while (line.cell < since_column(style))
		line_cell_word(&line, NULL, "-");
	cell_since(&line, style, s);
	if (task)
		cell_command(&line, &task->process);
	else
		line_cell_word(&line, NULL, "-");
	line_end(&line, start, INDENT);
}

/* Rows of one group; its name before the first where there is one. */
static void write_group(struct buffer *out, struct listing_style *style, const struct listing *l,
			const struct listing_socket *const *found, size_t count, bool outside,
			const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (listing_is_from_outside(found[i]) != outside)
			continue;
		if (name)
			buffer_print(out, "%s%s%s\n", style->color ? BOLD : "", name,
				     style->color ? RESET : "");
		name = NULL;
		write_row(out, style, l, found[i]);
	}
}

static int compare_ports(const void *a, const void *b)
{
	const struct listing_socket *x = *(const struct listing_socket *const *)a;
	const struct listing_socket *y = *(const struct listing_socket *const *)b;

	if (x->local.port != y->local.port)
		return x->local.port < y->local.port ? -1 : 1;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	return x < y ? -1 : x > y;
}

void listing_write_listeners(struct buffer *out, struct listing_style *style,
			     const struct listing *l, const struct listing_socket **found,
			     size_t count, bool rows_only)
{
	struct line line = {.out = out, .layout = &style->layout, .color = style->color};
	size_t start = out->len;

	if (style->netns)
		layout_init(&style->layout, LAYOUT_OF(columns), style->columns);
	else
		layout_init(&style->layout, LAYOUT_OF(without_netns), style->columns);
	qsort(found, count, sizeof(*found), compare_ports);
	/* Columns are as wide as the widest of both groups, which are written for that. */
	write_group(out, style, l, found, count, true, NULL);
	write_group(out, style, l, found, count, false, NULL);
	out->len = start;
	if (!rows_only) {
		line_header(&line, since_column(style), style->zone);
		line_end(&line, start, INDENT);
	}
	write_group(out, style, l, found, count, true,
		    rows_only ? NULL : "Reachable from outside:");
	write_group(out, style, l, found, count, false, rows_only ? NULL : "Only from here:");
}
