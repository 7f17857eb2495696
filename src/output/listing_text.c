// SPDX-License-Identifier: GPL-2.0-only
/* listing_text.c - a listing in lsof's words.  Tens of thousands of rows: no formatted printing on the way. */
#include "listing_writer.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "title.h"
#include "units.h"
#include "utf8.h"

#define COMMAND_WIDTH TITLE_COLUMNS
#define PID_WIDTH     7
#define USER_WIDTH    8
#define FD_WIDTH      5
#define PROTO_WIDTH   7
#define STATE_WIDTH   12
#define NETNS_WIDTH   15
/* "255.255.255.255:65535->255.255.255.255:65535" */
#define NAME_WIDTH  44
#define SINCE_WIDTH 19
#define HOST_MAX    126
#define SERVICE_MAX 128
#define ROW_MAX	    (LISTING_NAME_SIZE + 512)

#define GREEN "\033[32m"
#define RESET "\033[0m"

_Static_assert(LISTING_NAME_SIZE >= 2 * (4 * HOST_MAX + 1 + 4 * SERVICE_MAX) + 2,
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
			p += text_escape(p, interface, strnlen(interface, 15));
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

static char *pad(char *p, const char *start, unsigned int width)
{
	do
		*p++ = ' ';
	while (p < start + width + 1);
	return p;
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

/* What the rows of one socket have in common, made once: protocol, state, name, since. */
struct tail {
	size_t len;
	char text[ROW_MAX];
};

/* Without a name, its inode. */
static char *put_netns(char *p, const struct listing_style *style, const struct listing *l,
		       uint32_t inode)
{
	const struct listing_netns *netns = listing_netns_of(l, inode);
	char *start = p;

	if (inode == style->own_netns)
		p = put(p, "-", 1);
	else if (netns && netns->name[0])
		p += text_escape(p, netns->name, strlen(netns->name));
	else
		p += inet_format_number(p, inode);
	return pad(p, start, NETNS_WIDTH);
}

static void make_tail(struct tail *tail, const struct listing_style *style, const struct listing *l,
		      const struct listing_socket *s)
{
	const char *state = inet_state_name(listing_state(s));
	const char *protocol = inet_protocol_name(s->protocol);
	bool color =
		style->color && (s->state == STATE_LISTEN || listing_state(s) == STATE_ESTABLISHED);
	char *p = tail->text, *start = p;

	p = protocol ? put_word(p, protocol) : p + inet_format_number(p, s->protocol);
	p = pad(p, start, PROTO_WIDTH);
	if (color)
		p = put_word(p, GREEN);
	start = p;
	p = put_word(p, state ? state : "-");
	p = pad(p, start, STATE_WIDTH);
	if (color)
		p = put_word(p, RESET);
	if (style->netns)
		p = put_netns(p, style, l, s->netns);
	start = p;
	p += listing_format_name(p, style, s);
	if (listing_is_full(s))
		p = put_queue(p, s);
	p = pad(p, start, NAME_WIDTH);
	if (s->since_ns) {
		time_t second =
			(time_t)((s->since_ns + (uint64_t)style->wall_offset_ns) / NSEC_PER_SEC);
		struct tm tm = {0};

		localtime_r(&second, &tm);
		p += strftime(p, SINCE_WIDTH + 1, "%Y-%m-%d %H:%M:%S", &tm);
	} else {
		*p++ = '-';
	}
	tail->len = (size_t)(p - tail->text);
}

static char *put_user(char *p, const struct listing_style *style, uint32_t uid)
{
	const char *name = style->user_name ? style->user_name(uid) : NULL;

	if (name)
		return p + text_escape(p, name, strnlen(name, 32));
	return p + inet_format_number(p, uid);
}

static char *put_command(char *p, const struct process *process)
{
	size_t len = title_format(p, process);

	return len ? p + len : put(p, "-", 1);
}

/* Cuts a row to the terminal; escape sequences take no column. */
static size_t cut(char *row, size_t len, unsigned int columns)
{
	size_t at = 0;
	unsigned int used = 0;

	while (at < len) {
		size_t next = at;
		unsigned int width = 0;

		if (row[at] == '\033') {
			while (next < len && row[next] != 'm')
				next++;
			at = next + 1;
			continue;
		}
		next += 1;
		while (next < len && (row[next] & 0xc0) == 0x80)
			next++;
		utf8_fit(row + at, next - at, columns, &width);
		if (used + width > columns)
			break;
		used += width;
		at = next;
	}
	return at < len ? at : len;
}

static void end_row(struct buffer *out, const struct listing_style *style, char *row, char *p)
{
	size_t len = (size_t)(p - row);

	if (style->columns) {
		bool colored = style->color && memchr(row, '\033', len);

		len = cut(row, len, style->columns);
		if (colored)
			len = (size_t)(put_word(row + len, RESET) - row);
	}
	row[len++] = '\n';
	out->len += len;
}

static void write_holder(struct buffer *out, const struct listing_style *style,
			 const struct tail *tail, const struct listing_task *task, uint32_t fd,
			 bool has_fd)
{
	char *row = buffer_reserve(out, ROW_MAX + tail->len), *p = row, *start = p;

	if (!row)
		return;
	p = pad(put_command(p, &task->process), start, COMMAND_WIDTH);
	start = p;
	p = pad(p + inet_format_number(p, task->process.pid), start, PID_WIDTH);
	start = p;
	p = pad(put_user(p, style, task->process.uid), start, USER_WIDTH);
	start = p;
	if (has_fd && fd == LOOK_NO_FD)
		p = put_word(p, "uring");
	else
		p = has_fd ? p + inet_format_number(p, fd) : put(p, "-", 1);
	p = pad(p, start, FD_WIDTH);
	p = put(p, tail->text, tail->len);
	end_row(out, style, row, p);
}

/* "kernel", "kernel(vxlan0)". */
static char *put_kernel(char *p, const struct listing_style *style, const struct listing_socket *s)
{
	const char *device = NULL;

	if (s->kernel_device && style->interface_name)
		device = style->interface_name(style->ctx, s->netns, s->kernel_device);
	p = put_word(p, "kernel");
	if (!device)
		return p;
	*p++ = '(';
	p += text_escape(p, device, strnlen(device, 15));
	*p++ = ')';
	return p;
}

static void write_nobody(struct buffer *out, const struct listing_style *style,
			 const struct tail *tail, const struct listing_socket *s)
{
	static const unsigned int widths[] = {COMMAND_WIDTH, PID_WIDTH, USER_WIDTH, FD_WIDTH};
	char *row = buffer_reserve(out, ROW_MAX + tail->len), *p = row;

	if (!row)
		return;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		char *start = p;

		p = i == 0 && (s->flags & LOOK_KERNEL) ? put_kernel(p, style, s) : put(p, "-", 1);
		p = pad(p, start, widths[i]);
	}
	p = put(p, tail->text, tail->len);
	end_row(out, style, row, p);
}

void listing_write_rows(struct buffer *out, const struct listing_style *style,
			const struct listing *l, const struct listing_socket *s,
			const struct filter *only)
{
	const struct listing_task *owner;
	struct tail tail;

	make_tail(&tail, style, l, s);
	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		const struct listing_task *task = &l->tasks[l->holders[h].task];

		if (!only || filter_match_process(only, &task->process))
			write_holder(out, style, &tail, task, l->holders[h].fd, true);
	}
	if (s->first != LISTING_NONE)
		return;
	owner = listing_owner(l, s);
	if (owner)
		write_holder(out, style, &tail, owner, 0, false);
	else
		write_nobody(out, style, &tail, s);
}

void listing_write_header(struct buffer *out, const struct listing_style *style)
{
	static const struct {
		const char *name;
		unsigned int width;
	} columns[] = {
		{"COMMAND", COMMAND_WIDTH}, {"PID", PID_WIDTH},	    {"USER", USER_WIDTH},
		{"FD", FD_WIDTH},	    {"PROTO", PROTO_WIDTH}, {"STATE", STATE_WIDTH},
		{"NETNS", NETNS_WIDTH},	    {"NAME", NAME_WIDTH},
	};
	char *row = buffer_reserve(out, ROW_MAX), *p = row;

	if (!row)
		return;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		char *start = p;

		if (style->netns || strcmp(columns[i].name, "NETNS") != 0)
			p = pad(put_word(p, columns[i].name), start, columns[i].width);
	}
	p = put_word(p, "SINCE");
	end_row(out, style, row, p);
}
