// SPDX-License-Identifier: GPL-2.0-only
/* unix_text.c - Unix sockets as rows, and who has one, in words. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "listing_cells.h"
#include "title.h"
#include "unix_private.h"
#include "who_private.h"

#define INDENT 4

enum { FD = 3, TYPE };

static const struct layout_column columns[] = {LAYOUT_LEFT("COMMAND", 12), LAYOUT_LEFT("PID", 0),
					       LAYOUT_LEFT("USER", 0),	   LAYOUT_LEFT("FD", 0),
					       LAYOUT_LEFT("TYPE", 6),	   LAYOUT_LEFT("STATE", 11),
					       LAYOUT_LEFT("NETNS", 0),	   LAYOUT_LEFT("QUEUE", 0),
					       LAYOUT_LEFT("NAME", 0),	   LAYOUT_LEFT("PEER", 0)};
static const struct layout_column without_netns[] = {
	LAYOUT_LEFT("COMMAND", 12), LAYOUT_LEFT("PID", 0),  LAYOUT_LEFT("USER", 0),
	LAYOUT_LEFT("FD", 0),	    LAYOUT_LEFT("TYPE", 6), LAYOUT_LEFT("STATE", 11),
	LAYOUT_LEFT("QUEUE", 0),    LAYOUT_LEFT("NAME", 0), LAYOUT_LEFT("PEER", 0)};

const char *unix_type_name(unsigned int type)
{
	switch (type) {
	case SOCK_STREAM: return "stream";
	case SOCK_DGRAM: return "dgram";
	case SOCK_SEQPACKET: return "seqpacket";
	default: return "?";
	}
}

const char *unix_state_name(const struct unix_socket *s)
{
	switch ((enum unix_state)s->state) {
	case UNIX_LISTEN: return "LISTEN";
	case UNIX_CONNECTED: return "ESTABLISHED";
	case UNIX_UNCONNECTED: break;
	}
	return "-";
}

size_t unix_format_name(char *out, const struct unix_socket *s)
{
	char name[UNIX_NAME_MAX + 2];
	size_t len = s->name_len;

	if (!len) {
		*out = '-';
		return 1;
	}
	if (*s->name == '@') {
		memcpy(name, "./", 2);
		memcpy(name + 2, s->name, len < UNIX_NAME_MAX ? len : UNIX_NAME_MAX);
		len += 2;
	} else {
		memcpy(name, s->name, len);
		name[0] = *name ? *name : '@';
	}
	return text_escape(out, name, len);
}

static const struct process *owner_of(const struct unix_listing *l, const struct unix_socket *s)
{
	const struct listing_task *task = s ? unix_listing_owner(l, s) : NULL;

	return task ? &task->process : NULL;
}

/* ---- rows ---- */

void unix_begin(struct listing_style *style)
{
	style->head.task = NULL;
	if (style->netns)
		layout_init(&style->layout, LAYOUT_OF(columns), style->columns);
	else
		layout_init(&style->layout, LAYOUT_OF(without_netns), style->columns);
}

void unix_write_header(struct buffer *out, struct listing_style *style)
{
	struct line line = {.out = out, .layout = &style->layout, .color = style->color};
	size_t start = out->len;

	line_header(&line, SIZE_MAX, NULL);
	line_end(&line, start, INDENT);
}

static void cell_queue(struct line *line, const struct unix_socket *s)
{
	char text[64];
	size_t len = 0;

	if (!s->whole)
		text[len++] = '-';
	else
		len = inet_format_number(text, s->receive);
	if (s->whole && s->state == UNIX_LISTEN) {
		text[len++] = '/';
		len += inet_format_number(text + len, s->backlog);
	}
	line_cell(line, s->state == UNIX_LISTEN && s->receive > s->backlog ? RED : NULL, text, len);
}

static void cell_name(struct line *line, const struct unix_socket *s)
{
	static const char missing[] = " (no file)";
	char text[UNIX_SHOWN + sizeof(missing)];
	size_t len = unix_format_name(text, s);

	if (s->file == UNIX_FILE_MISSING && s->state != UNIX_CONNECTED) {
		memcpy(text + len, missing, strlen(missing));
		len += strlen(missing);
	}
	line_cell(line, NULL, text, len);
}

/* "app[12] /run/app.sock" */
static void say_peer(struct line *line, const struct unix_listing *l, const struct unix_socket *s,
		     const struct unix_socket *peer)
{
	const struct process *owner = owner_of(l, peer);
	char text[OWNER_SIZE + UNIX_SHOWN + 32], *p = text;

	if (s->waits_at)
		p = stpcpy(p, "waits for ");
	if (owner) {
		p += title_owner(p, owner->name, owner->pid);
	} else {
		p = stpcpy(p, "inode ");
		p += inet_format_number(p, peer ? peer->inode : s->peer_inode);
	}
	if (peer && peer->name_len) {
		*p++ = ' ';
		p += unix_format_name(p, peer);
	}
	line_cell(line, NULL, text, (size_t)(p - text));
}

static void cell_peer(struct line *line, const struct unix_listing *l, const struct unix_socket *s)
{
	const struct unix_socket *peer =
		s->waits_at ? unix_listing_at(l, s->waits_at) : unix_listing_peer(l, s);
	uint64_t clients = 0;
	char text[64];

	for (uint32_t i = s->first_client; i != UNIX_NONE; i = l->sockets[i].next_client)
		clients++;
	if (clients)
		line_cell(line, NULL, text,
			  (size_t)(stpcpy(text + inet_format_number(text, clients), " connected") -
				   text));
	else if (peer || s->peer_inode)
		say_peer(line, l, s, peer);
	else
		line_cell_word(line, NULL, s->peer_closed ? "closed" : "-");
}

static void write_row(struct buffer *out, struct listing_style *style, const struct unix_listing *l,
		      const struct unix_socket *s, const struct listing_holder *holder)
{
	struct line line = {.out = out, .layout = &style->layout, .color = style->color};
	const struct process *p = holder ? &l->who.tasks[holder->task].process : NULL;
	char text[TITLE_SIZE];
	size_t start = out->len;

	if (p) {
		line_cell(&line, NULL, text, title_format(text, p, false));
		line_cell(&line, NULL, text, inet_format_number(text, p->pid));
		listing_cell_user(&line, style, p->uid);
	}
	if (holder && holder->fd == LOOK_NO_FD)
		line_cell_word(&line, NULL, "uring");
	else if (holder)
		line_cell(&line, NULL, text, inet_format_number(text, holder->fd));
	while (line.cell < TYPE)
		line_cell(&line, NULL, "-", 1);
	line_cell_word(&line, NULL, unix_type_name(s->type));
	line_cell_word(&line, s->state == UNIX_UNCONNECTED ? NULL : GREEN, unix_state_name(s));
	if (style->netns)
		listing_cell_netns(&line, style, &l->who, s->netns);
	cell_queue(&line, s);
	cell_name(&line, s);
	cell_peer(&line, l, s);
	line_end(&line, start, INDENT);
}

void unix_write_rows(struct buffer *out, struct listing_style *style, const struct unix_listing *l,
		     const struct unix_socket *s, const struct filter *only)
{
	const struct listing *who = &l->who;
	uint32_t first = who->sockets[s - l->sockets].first;

	for (uint32_t h = first; h != LISTING_NONE; h = who->holders[h].next) {
		const struct listing_holder *holder = &who->holders[h];

		if (!only || filter_match_process(only, &who->tasks[holder->task].process))
			write_row(out, style, l, s, holder);
	}
	if (first == LISTING_NONE)
		write_row(out, style, l, s, NULL);
}

/* ---- who ---- */

static void say_word(struct buffer *out, const char *word)
{
	buffer_print(out, "  %-11s ", word);
}

/* The same processes are often connected several times: each is named once. */
static void say_peers(struct buffer *out, const struct unix_listing *l, const struct unix_socket *s,
		      const char *word, bool waiting)
{
	const struct process *said[WHO_SHOWN];
	size_t all = 0, shown = 0, more = 0;

	for (uint32_t i = s->first_client; i != UNIX_NONE; i = l->sockets[i].next_client) {
		const struct process *p = owner_of(l, &l->sockets[i]);
		size_t at = 0;

		if ((l->sockets[i].waits_at != 0) != waiting)
			continue;
		all++;
		while (p && at < shown && said[at] != p)
			at++;
		if (p && at == shown && shown < WHO_SHOWN)
			said[shown++] = p;
		else if (!p || at == shown)
			more++;
	}
	if (!all)
		return;
	say_word(out, word);
	buffer_print(out, "%zu: ", all);
	for (size_t i = 0; i < shown; i++) {
		buffer_print(out, "%s", i ? ", " : "");
		who_say_process(out, said[i]->name, said[i]->pid);
	}
	if (more)
		buffer_print(out, "%s%zu more", shown ? ", " : "", more);
	buffer_print(out, "\n");
}

static void say_head(struct buffer *out, const struct who *who, const struct unix_socket *s)
{
	char name[UNIX_SHOWN];
	int len = (int)unix_format_name(name, s);

	buffer_print(out, "unix %s %.*s: ", unix_type_name(s->type), len, name);
	if (s->state == UNIX_LISTEN)
		buffer_print(out, "listens");
	else if (s->state == UNIX_CONNECTED)
		buffer_print(out, "connected; nobody listens by this name");
	else
		buffer_print(out, "%s",
			     s->type == SOCK_DGRAM
				     ? "receives"
				     : "bound, but does not listen: nobody can connect");
	who_say_netns(out, who, s->netns);
	buffer_print(out, "\n");
}

static void say_holders(struct buffer *out, const struct unix_listing *l,
			const struct unix_socket *s, const struct process *first)
{
	const struct listing *who = &l->who;
	const struct listing_socket *held = &who->sockets[s - l->sockets];
	size_t shown = 0, more = 0;

	for (uint32_t h = held->first; h != LISTING_NONE; h = who->holders[h].next) {
		const struct process *p = &who->tasks[who->holders[h].task].process;

		if (p == first)
			continue;
		if (shown == WHO_SHOWN) {
			more++;
			continue;
		}
		if (!shown)
			say_word(out, "held also by");
		buffer_print(out, "%s", shown++ ? ", " : "");
		who_say_process(out, p->name, p->pid);
	}
	if (more)
		buffer_print(out, " and %zu more", more);
	if (shown)
		buffer_print(out, "\n");
}

static void say_socket(struct buffer *out, const struct who *who, const struct unix_listing *l,
		       const struct unix_socket *s)
{
	const struct listing_socket *held = &l->who.sockets[s - l->sockets];
	const struct process *owner = owner_of(l, s);

	say_head(out, who, s);
	if (!owner && held->first != LISTING_NONE)
		owner = &l->who.tasks[l->who.holders[held->first].task].process;
	if (owner)
		who_say_whole_process(out, who, owner, NULL);
	else
		buffer_print(out, "  %-11s %s\n", "process",
			     l->who.lacks
				     ? "who has it open is not known without root's rights"
				     : "no process that can be seen from here has it open: it may "
				       "be on its way over another Unix socket");
	say_holders(out, l, s, owner);
	if (s->file == UNIX_FILE_MISSING && s->state != UNIX_CONNECTED) {
		say_word(out, "file");
		buffer_print(out, "is not at its path any more: nobody can connect there\n");
	}
	if (s->state == UNIX_LISTEN && s->whole) {
		say_word(out, "queue");
		buffer_print(out, "%u of %u%s\n", s->receive, s->backlog,
			     s->receive > s->backlog ? ", full" : "");
	}
	say_peers(out, l, s, "peers", false);
	say_peers(out, l, s, "waiting", true);
	who_say_frees(out, who, held);
}

/* Connections of a listener that is told are told by it. */
static bool is_told_by_another(const struct unix_socket *s, const struct unix_socket *const *found,
			       size_t count)
{
	for (size_t i = 0; i < count && s->state == UNIX_CONNECTED; i++) {
		if (found[i]->state != UNIX_CONNECTED && found[i]->netns == s->netns &&
		    found[i]->file_inode == s->file_inode)
			return true;
	}
	return false;
}

void who_write_unix(struct buffer *out, const struct who *who, const struct unix_listing *l,
		    const struct unix_socket *const *found, size_t count)
{
	size_t start = out->len;

	for (size_t i = 0; i < count; i++) {
		if (!is_told_by_another(found[i], found, count))
			say_socket(out, who, l, found[i]);
	}
	layout_fold(out, start, who->style.columns, WHO_INDENT);
}
