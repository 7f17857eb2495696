// SPDX-License-Identifier: GPL-2.0-only
/* who_words.c - words that all files of `who` share. */
#include "listing_port.h"
#include "who_private.h"

#include <string.h>

#include "title.h"

#define TEXT_MAX 240

void who_say_process(struct buffer *out, const char *name, uint32_t pid)
{
	char owner[OWNER_SIZE];

	buffer_append(out, owner, title_owner(owner, name, pid));
}

void who_say_line(struct buffer *out, const char *word, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (!len)
		return;
	buffer_print(out, "  %-11s ", word);
	buffer_escape_line(out, text, len < TEXT_MAX ? len : TEXT_MAX);
	buffer_print(out, "%s\n", len > TEXT_MAX ? "..." : "");
}

void who_say_netns(struct buffer *out, const struct who *who, uint32_t inode)
{
	const struct listing_netns *netns = listing_netns_of(who->listing, inode);
	const char *name = netns ? netns->name : "";

	if (inode == who->own_netns)
		return;
	buffer_print(out, ", in network namespace ");
	buffer_escape_line(out, name, strlen(name));
	buffer_print(out, "%s%u", name[0] ? " " : "", inode);
}

/* Its process has closed it: who that was is known where somebody saw it. */
bool who_is_left(const struct listing_socket *s)
{
	return s->owner != LISTING_NONE && s->first == LISTING_NONE;
}

const struct listing_task *who_someone(const struct listing *l, const struct listing_socket *s)
{
	const struct listing_task *owner = who_is_left(s) ? NULL : listing_owner(l, s);

	if (owner || s->first == LISTING_NONE)
		return owner;
	return &l->tasks[l->holders[s->first].task];
}

void who_say_behind(struct buffer *out, const struct who *who, const struct listing_socket *s)
{
	const struct listing_task *task = who_someone(who->listing, s);
	struct who_process p = {0};

	buffer_print(out, "  %-11s ", "behind");
	if (task)
		who_say_process(out, task->process.name, task->process.pid);
	else
		buffer_print(out, "a process that cannot be seen from here");
	who_say_netns(out, who, s->netns);
	buffer_print(out, "\n");
	if (!task || !who->find_process(who->ctx, task->process.pid, &p))
		return;
	who_say_line(out, "command", p.command);
	who_say_line(out, "unit", p.unit);
	who_say_line(out, "container", p.container);
}
