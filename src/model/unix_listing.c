// SPDX-License-Identifier: GPL-2.0-only
#include "unix_listing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void unix_listing_init(struct unix_listing *l)
{
	*l = (struct unix_listing){0};
	listing_init(&l->who);
}

void unix_listing_done(struct unix_listing *l)
{
	listing_done(&l->who);
	free(l->sockets);
	l->sockets = NULL;
	l->cap = 0;
}

static bool grow(struct unix_listing *l, size_t count)
{
	size_t cap = l->cap ? 2 * l->cap : 256;
	struct unix_socket *grown;

	if (count <= l->cap)
		return true;
	grown = realloc(l->sockets, cap * sizeof(*grown));
	if (!grown) {
		l->who.failed = true;
		return false;
	}
	l->sockets = grown;
	l->cap = cap;
	return true;
}

/* Who waits in a listener's queue is told by the listener, once all sockets are there. */
static void add(void *ctx, const struct unix_socket *s)
{
	struct unix_listing *l = ctx;
	const struct listing_socket socket = {.key = s->inode, .sk = s->inode, .netns = s->netns};
	uint32_t index = listing_find(&l->who, s->inode, 0);

	if (s->waits_at) {
		if (index != LISTING_NONE)
			l->sockets[index].waits_at = s->waits_at;
		return;
	}
	/* Room first: the two arrays are of one length. */
	if (index == LISTING_NONE && grow(l, l->who.socket_count + 1))
		index = listing_add_loose(&l->who, &socket);
	if (index == LISTING_NONE)
		return;
	l->sockets[index] = *s;
	l->sockets[index].peer = l->sockets[index].first_client = UNIX_NONE;
	l->sockets[index].next_client = UNIX_NONE;
}

struct look_sink unix_listing_sink(struct unix_listing *l)
{
	struct look_sink sink = listing_look_sink(&l->who);

	sink.unix_socket = add;
	return sink;
}

/* ---- who is connected to whom ---- */

static uint32_t index_of(const struct unix_listing *l, const struct unix_socket *s)
{
	return (uint32_t)(s - l->sockets);
}

/* By what an accepted connection has of its listener. */
static int order(const struct unix_socket *x, const struct unix_socket *y)
{
	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->file_inode != y->file_inode)
		return x->file_inode < y->file_inode ? -1 : 1;
	if (x->file_device != y->file_device)
		return x->file_device < y->file_device ? -1 : 1;
	if (x->name_len != y->name_len)
		return x->name_len < y->name_len ? -1 : 1;
	return memcmp(x->name, y->name, x->name_len);
}

static int compare_names(const void *a, const void *b, void *ctx)
{
	const struct unix_listing *l = ctx;

	return order(&l->sockets[*(const uint32_t *)a], &l->sockets[*(const uint32_t *)b]);
}

static void add_client(struct unix_listing *l, uint32_t to, uint32_t client)
{
	if (l->sockets[client].next_client != UNIX_NONE || to == client)
		return;
	l->sockets[client].next_client = l->sockets[to].first_client;
	l->sockets[to].first_client = client;
}

/* The only listener with the name of an accepted connection; UNIX_NONE. */
static uint32_t listener_of(const struct unix_listing *l, const struct unix_socket *accepted,
			    const uint32_t *listeners, size_t count)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order(&l->sockets[listeners[middle]], accepted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count || order(&l->sockets[listeners[low]], accepted) != 0)
		return UNIX_NONE;
	/* Two of one name: of a path in two mount namespaces, where the files are not known. */
	if (low + 1 < count && order(&l->sockets[listeners[low + 1]], accepted) == 0)
		return UNIX_NONE;
	return listeners[low];
}

/* A client's peer is the accepted connection, which has its listener's name, or who gets its datagrams. */
static void find_client(struct unix_listing *l, uint32_t client, const uint32_t *listeners,
			size_t count)
{
	const struct unix_socket *s = &l->sockets[client];
	const struct unix_socket *peer = unix_listing_peer(l, s);
	uint32_t at;

	if (s->waits_at)
		peer = unix_listing_at(l, s->waits_at);
	if (!peer)
		return;
	if (s->waits_at) {
		add_client(l, index_of(l, peer), client);
		return;
	}
	if (peer->type == SOCK_DGRAM)
		at = peer->name_len ? s->peer : UNIX_NONE;
	else
		at = peer->name_len ? listener_of(l, peer, listeners, count) : UNIX_NONE;
	if (at != UNIX_NONE)
		add_client(l, at, client);
}

void unix_listing_join(struct unix_listing *l)
{
	const uint32_t sockets = (uint32_t)l->who.socket_count;
	uint32_t *listeners = calloc(sockets + 1u, sizeof(*listeners));
	size_t count = 0;

	listing_join(&l->who);
	if (!listeners) {
		l->who.failed = true;
		return;
	}
	for (uint32_t i = 0; i < sockets; i++) {
		struct unix_socket *s = &l->sockets[i];
		const struct unix_socket *peer = unix_listing_at(l, s->peer_inode);

		s->peer = peer ? index_of(l, peer) : UNIX_NONE;
		if (s->state == UNIX_LISTEN && s->name_len)
			listeners[count++] = i;
	}
	qsort_r(listeners, count, sizeof(*listeners), compare_names, l);
	for (uint32_t i = sockets; i-- > 0;)
		find_client(l, i, listeners, count);
	free(listeners);
}

/* ---- what follows ---- */

const struct unix_socket *unix_listing_peer(const struct unix_listing *l,
					    const struct unix_socket *s)
{
	return s->peer == UNIX_NONE ? NULL : &l->sockets[s->peer];
}

const struct unix_socket *unix_listing_at(const struct unix_listing *l, uint64_t inode)
{
	uint32_t index = inode ? listing_find(&l->who, inode, 0) : LISTING_NONE;

	return index == LISTING_NONE ? NULL : &l->sockets[index];
}

const struct listing_task *unix_listing_owner(const struct unix_listing *l,
					      const struct unix_socket *s)
{
	return listing_owner(&l->who, &l->who.sockets[index_of(l, s)]);
}

bool unix_listing_waits(const struct unix_socket *s)
{
	return s->state == UNIX_LISTEN ||
	       (s->state == UNIX_UNCONNECTED && s->type == SOCK_DGRAM && s->name_len);
}

bool unix_listing_matches(const struct unix_listing *l, const struct unix_socket *s,
			  const struct filter *f)
{
	const struct listing *who = &l->who;

	if ((f->has_netns && f->netns != s->netns) || (f->listening && !unix_listing_waits(s)))
		return false;
	if (!filter_asks_process(f))
		return true;
	for (uint32_t h = who->sockets[index_of(l, s)].first; h != LISTING_NONE;
	     h = who->holders[h].next) {
		if (filter_match_process(f, &who->tasks[who->holders[h].task].process))
			return true;
	}
	return false;
}

bool unix_listing_has_name(const struct unix_socket *s, const char *name)
{
	size_t len = strlen(name);

	if (len != s->name_len || !len)
		return false;
	/* "@" stands for the NUL that an abstract name begins with. */
	return *name == '@' ? !*s->name && memcmp(name + 1, s->name + 1, len - 1) == 0
			    : memcmp(name, s->name, len) == 0;
}
