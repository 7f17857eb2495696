// SPDX-License-Identifier: GPL-2.0-only
/* listing_text.c - a listing in lsof's words.  Tens of thousands of rows: no formatted printing on the way. */
#include "listing_writer.h"

#include <netinet/in.h>
#include <string.h>

#include "listing_cells.h"
#include "title.h"
#include "units.h"

#define HOST_MAX    126
#define SERVICE_MAX 128
#define INDENT	    4

enum { FD = 3, PROTO }; /* columns */

static const struct layout_column columns[] = {
	LAYOUT_LEFT("COMMAND", 12), LAYOUT_LEFT("PID", 0),   LAYOUT_LEFT("USER", 0),
	LAYOUT_LEFT("FD", 0),	    LAYOUT_LEFT("PROTO", 0), LAYOUT_LEFT("STATE", 11),
	LAYOUT_LEFT("NETNS", 0),    LAYOUT_LEFT("NAME", 0),  LAYOUT_LEFT("SINCE", 0)};
static const struct layout_column without_netns[] = {
	LAYOUT_LEFT("COMMAND", 12), LAYOUT_LEFT("PID", 0),   LAYOUT_LEFT("USER", 0),
	LAYOUT_LEFT("FD", 0),	    LAYOUT_LEFT("PROTO", 0), LAYOUT_LEFT("STATE", 11),
	LAYOUT_LEFT("NAME", 0),	    LAYOUT_LEFT("SINCE", 0)};

_Static_assert(LISTING_NAME_SIZE >= 2 * (4 * HOST_MAX + 2 + 1 + 4 * SERVICE_MAX + 2) + 2,
	       "two ends whose every byte is escaped fit");

static char *put(char *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

static char *put_word(char *p, const char *word)
{
	return put(p, word, strlen(word));
}

static char *put_port(char *p, const struct listing_style *style, const struct listing_socket *s,
		      uint16_t port)
{
	const char *name = NULL;

	*p++ = ':';
	if (!port)
		return put(p, "*", 1);
	if (style->services && s->protocol != IPPROTO_RAW)
		name = services_find(style->services, port, s->protocol);
	if (name && strlen(name) <= SERVICE_MAX)
		return p + text_escape(p, name, strlen(name));
	return p + inet_format_number(p, port);
}

static char *put_end(char *p, const struct listing_style *style, const struct listing_socket *s,
		     const struct endpoint *end)
{
	enum family family = (enum family)s->family;
	const char *host = NULL, *interface = NULL;
	bool bracketed = family == FAMILY_IPV6 && !s->mapped;

	if (end->takes == TAKES_BOTH) {
		*p++ = '*';
		return put_port(p, style, s, end->port);
	}
	if (style->host_name && !inet_is_any(family, end->addr))
		host = style->host_name(style->ctx, s->mapped ? FAMILY_IPV4 : family,
					s->mapped ? end->addr + 12 : end->addr);
	if (host) {
		p += text_escape(p, host, strnlen(host, HOST_MAX));
		return put_port(p, style, s, end->port);
	}
	if (bracketed)
		*p++ = '[';
	p += inet_format_address(p, family, s->mapped, end->addr);
	if (bracketed && end->ifindex && inet_is_link_local(end->addr)) {
		*p++ = '%';
		if (style->interface_name)
			interface = style->interface_name(style->ctx, s->netns, end->ifindex);
		if (interface)
			p += line_escape(p, interface, strnlen(interface, 15));
		else
			p += inet_format_number(p, end->ifindex);
	}
	if (bracketed)
		*p++ = ']';
	if (end->takes == TAKES_UNKNOWN)
		*p++ = '?';
	return put_port(p, style, s, end->port);
}

size_t listing_format_name(char *out, const struct listing_style *style,
			   const struct listing_socket *s)
{
	char *p = put_end(out, style, s, &s->local);

	if (listing_has_peer(s)) {
		p = put(p, "->", 2);
		p = put_end(p, style, s, &s->peer);
	}
	return (size_t)(p - out);
}

static char *put_queue(char *p, const struct listing_socket *s)
{
	p = put_word(p, " (queue ");
	p += inet_format_number(p, s->receive);
	p = put_word(p, " of ");
	p += inet_format_number(p, s->backlog);
	p = put_word(p, ", full, ");
	p += inet_format_number(p, s->dropped);
	return put_word(p, " dropped)");
}

/* Without a name, its inode. */
void listing_cell_netns(struct line *line, const struct listing_style *style,
			const struct listing *l, uint32_t inode)
{
	const struct listing_netns *netns = listing_netns_of(l, inode);
	char text[4 * NETNS_NAME_SIZE + 2];

	if (inode == style->own_netns)
		line_cell(line, NULL, "-", 1);
	else if (netns && netns->name[0])
		line_cell(line, NULL, text, text_escape(text, netns->name, strlen(netns->name)));
	else
		line_cell(line, NULL, text, inet_format_number(text, inode));
}

/* What the rows of one socket have in common: protocol, state, name, since. */
static void write_tail(struct line *line, const struct listing_style *style,
		       const struct listing *l, const struct listing_socket *s)
{
	const char *state = inet_state_name(listing_state(s));
	const char *protocol = inet_protocol_name(s->protocol);
	bool lives = s->state == STATE_LISTEN || listing_state(s) == STATE_ESTABLISHED;
	char text[LISTING_NAME_SIZE + 64], *p = text;

	if (protocol)
		line_cell_word(line, NULL, protocol);
	else
		line_cell(line, NULL, text, inet_format_number(text, s->protocol));
	line_cell_word(line, lives ? GREEN : NULL, state ? state : "-");
	if (style->netns)
		listing_cell_netns(line, style, l, s->netns);
	p += listing_format_name(p, style, s);
	if (listing_is_full(s))
		p = put_queue(p, s);
	line_cell(line, NULL, text, (size_t)(p - text));
	if (s->since_ns)
		line_cell(line, NULL, text,
			  units_format_second(text, s->since_ns + (uint64_t)style->wall_offset_ns));
	else
		line_cell(line, NULL, "-", 1);
}

void listing_cell_user(struct line *line, const struct listing_style *style, uint32_t uid)
{
	const char *name = style->user_name ? style->user_name(uid) : NULL;
	char text[4 * 32 + 2];

	line_cell(line, NULL, text,
		  name ? text_escape(text, name, strnlen(name, 32))
		       : inet_format_number(text, uid));
}

static struct line line_of(struct buffer *out, struct listing_style *style)
{
	return (struct line){.out = out, .layout = &style->layout, .color = style->color};
}

/* Command, number and user: most rows follow one of the same process. */
static void write_head(struct line *line, struct listing_style *style,
		       const struct listing_task *task)
{
	struct listing_head *head = &style->head;
	size_t start = line->out->len;
	char text[TITLE_SIZE];

	if (head->task == task && head->changes == style->layout.changes) {
		buffer_append(line->out, head->text, head->len);
		line->spaces = head->spaces;
		line->cell = FD;
		return;
	}
	line_cell(line, NULL, text, title_format(text, &task->process, false));
	line_cell(line, NULL, text, inet_format_number(text, task->process.pid));
	listing_cell_user(line, style, task->process.uid);
	head->task = NULL;
	head->len = line->out->len - start;
	if (line->out->failed || head->len > sizeof(head->text))
		return;
	head->task = task;
	head->changes = style->layout.changes;
	head->spaces = line->spaces;
	memcpy(head->text, line->out->data + start, head->len);
}

static void write_holder(struct buffer *out, struct listing_style *style, const struct listing *l,
			 const struct listing_socket *s, const struct listing_task *task,
			 uint32_t fd, bool has_fd)
{
	struct line line = line_of(out, style);
	char text[20];
	size_t start = out->len;

	write_head(&line, style, task);
	if (!has_fd || fd == LOOK_NO_FD)
		line_cell_word(&line, NULL, has_fd ? "uring" : "-");
	else
		line_cell(&line, NULL, text, inet_format_number(text, fd));
	write_tail(&line, style, l, s);
	line_end(&line, start, INDENT);
}

void listing_cell_kernel(struct line *line, const struct listing_style *style,
			 const struct listing_socket *s)
{
	char text[4 * 15 + 16] = "kernel(";
	const char *device = NULL;
	size_t len = strlen(text);

	if (s->kernel_device && style->interface_name)
		device = style->interface_name(style->ctx, s->netns, s->kernel_device);
	if (device) {
		len += line_escape(text + len, device, strnlen(device, 15));
		text[len++] = ')';
	} else {
		len--;
	}
	line_cell(line, NULL, text, len);
}

static void write_nobody(struct buffer *out, struct listing_style *style, const struct listing *l,
			 const struct listing_socket *s)
{
	struct line line = line_of(out, style);
	size_t start = out->len;

	if (s->flags & LOOK_KERNEL)
		listing_cell_kernel(&line, style, s);
	while (line.cell < PROTO)
		line_cell(&line, NULL, "-", 1);
	write_tail(&line, style, l, s);
	line_end(&line, start, INDENT);
}

void listing_write_rows(struct buffer *out, struct listing_style *style, const struct listing *l,
			const struct listing_socket *s, const struct filter *only)
{
	const struct listing_task *owner;

	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		const struct listing_task *task = &l->tasks[l->holders[h].task];

		if (!only || filter_match_process(only, &task->process))
			write_holder(out, style, l, s, task, l->holders[h].fd, true);
	}
	if (s->first != LISTING_NONE)
		return;
	owner = listing_owner(l, s);
	if (owner)
		write_holder(out, style, l, s, owner, 0, false);
	else
		write_nobody(out, style, l, s);
}

void listing_begin(struct listing_style *style)
{
	style->head.task = NULL;
	if (style->netns)
		layout_init(&style->layout, LAYOUT_OF(columns), style->columns);
	else
		layout_init(&style->layout, LAYOUT_OF(without_netns), style->columns);
}

void listing_write_header(struct buffer *out, struct listing_style *style)
{
	struct line line = line_of(out, style);
	size_t start = out->len;

	line_header(&line, style->layout.count - 1, style->zone);
	line_end(&line, start, INDENT);
}
