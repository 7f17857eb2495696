// SPDX-License-Identifier: GPL-2.0-only
/* walk_unix.c - the fields of a Unix socket. */
#include <string.h>

#include "unix_private.h"
#include "walk.h"
#include "who_private.h"

/* A line stays readable for who has room for 64 KiB. */
#define PEERS_MAX 64

static void walk_name(struct writer *w, enum field field, const struct unix_socket *s)
{
	const struct spelling *spell = w->spelling;

	if (!s->name_len)
		return;
	spell->open(w, field, NEST_OBJECT);
	if (*s->name)
		spell->text(w, FIELD_PATH, s->name, s->name_len);
	else
		spell->text(w, FIELD_ABSTRACT, s->name + 1, s->name_len - 1u);
	spell->close(w, NEST_OBJECT);
}

static const struct process *owner_of(const struct unix_listing *l, const struct unix_socket *s)
{
	const struct listing_task *task = unix_listing_owner(l, s);

	return task ? &task->process : NULL;
}

/* Whom it talks to: nobody (absent), somebody of whom nothing is known (null), or who. */
static void walk_peer(struct writer *w, const struct unix_listing *l, const struct unix_socket *s)
{
	const struct spelling *spell = w->spelling;
	const struct unix_socket *peer = unix_listing_peer(l, s);
	uint64_t inode = s->waits_at ? s->waits_at : s->peer_inode;

	if (s->state != UNIX_CONNECTED || s->peer_closed)
		return;
	if (!inode) {
		spell->absent(w, FIELD_PEER);
		return;
	}
	peer = s->waits_at ? unix_listing_at(l, s->waits_at) : peer;
	spell->open(w, FIELD_PEER, NEST_OBJECT);
	if (peer && *peer->name && peer->name_len)
		spell->text(w, FIELD_PATH, peer->name, peer->name_len);
	else if (peer && peer->name_len)
		spell->text(w, FIELD_ABSTRACT, peer->name + 1, peer->name_len - 1u);
	spell->number(w, FIELD_INODE, inode);
	walk_process_or_null(w, FIELD_PROCESS, peer ? owner_of(l, peer) : NULL, TELL_SHORT);
	if (s->waits_at)
		spell->flag(w, FIELD_WAITS, true);
	spell->close(w, NEST_OBJECT);
}

/* Who is connected to what waits for peers; /proc does not know. */
static void walk_peers(struct writer *w, const struct unix_listing *l, const struct unix_socket *s)
{
	const struct spelling *spell = w->spelling;
	size_t n = 0;

	if (!unix_listing_waits(s))
		return;
	if (!s->whole) {
		spell->absent(w, FIELD_PEERS);
		return;
	}
	spell->open(w, FIELD_PEERS, NEST_LIST);
	for (uint32_t i = s->first_client; i != UNIX_NONE; i = l->sockets[i].next_client) {
		const struct unix_socket *client = &l->sockets[i];

		if (n++ >= PEERS_MAX)
			continue;
		spell->open(w, FIELD_NONE, NEST_OBJECT);
		spell->number(w, FIELD_INODE, client->inode);
		walk_process_or_null(w, FIELD_PROCESS, owner_of(l, client), TELL_SHORT);
		if (client->waits_at)
			spell->flag(w, FIELD_WAITS, true);
		spell->close(w, NEST_OBJECT);
	}
	spell->close(w, NEST_LIST);
	if (n > PEERS_MAX)
		spell->number(w, FIELD_PEERS_MORE, n - PEERS_MAX);
}

static void walk_queue(struct writer *w, const struct unix_socket *s)
{
	const struct spelling *spell = w->spelling;

	if (!s->whole) {
		spell->absent(w, FIELD_QUEUE);
		return;
	}
	spell->open(w, FIELD_QUEUE, NEST_OBJECT);
	spell->number(w, FIELD_RECEIVE, s->receive);
	spell->number(w, FIELD_SEND, s->send);
	if (s->state == UNIX_LISTEN)
		spell->number(w, FIELD_BACKLOG, s->backlog);
	spell->close(w, NEST_OBJECT);
}

static void walk_file(struct writer *w, const struct unix_socket *s)
{
	switch ((enum unix_file)s->file) {
	case UNIX_FILE_THERE: w->spelling->word(w, FIELD_FILE, "there"); break;
	case UNIX_FILE_MISSING: w->spelling->word(w, FIELD_FILE, "missing"); break;
	case UNIX_FILE_UNKNOWN: w->spelling->absent(w, FIELD_FILE); break;
	}
}

void writer_unix(struct writer *w, struct buffer *out, const struct unix_listing *l,
		 const struct unix_socket *s, const struct who *who)
{
	const struct spelling *spell = w->spelling;
	const struct listing_netns *netns = listing_netns_of(&l->who, s->netns);
	const struct listing_socket *held = &l->who.sockets[s - l->sockets];
	size_t start = out->len;

	w->out = out;
	w->server = SERVER_UNKNOWN;
	spell->begin(w);
	spell->time(w, FIELD_TIME, l->who.time_ns + (uint64_t)*w->options.wall_offset_ns);
	spell->word(w, FIELD_EVENT, "socket");
	spell->word(w, FIELD_PROTO, "unix");
	spell->word(w, FIELD_FAMILY, "unix");
	spell->word(w, FIELD_TYPE, unix_type_name(s->type));
	walk_netns(w, s->netns, netns && netns->away ? netns->name : NULL, owner_of(l, s));
	if (s->cookie)
		spell->number(w, FIELD_COOKIE, s->cookie);
	else
		spell->absent(w, FIELD_COOKIE);
	spell->number(w, FIELD_INODE, s->inode);
	walk_name(w, FIELD_LOCAL, s);
	walk_peer(w, l, s);
	walk_process_or_null(w, FIELD_PROCESS, owner_of(l, s), TELL_WHOLE);
	if (s->state != UNIX_UNCONNECTED)
		spell->word(w, FIELD_STATE, unix_state_name(s));
	walk_open_by(w, &l->who, held, NULL);
	walk_queue(w, s);
	if (s->name_len && *s->name && s->state != UNIX_CONNECTED)
		walk_file(w, s);
	walk_peers(w, l, s);
	if (who)
		walk_frees(w, who, held);
	spell->end(w);
	if (out->failed)
		out->len = start;
}
