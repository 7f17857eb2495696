/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unix_listing.h - every Unix socket at one moment, who has it open, and who is connected to whom.
 *
 * Owns: the sockets of one look; `who` has their tasks, holders, owners and namespaces, under the same indexes.  Refuses to
 * know: where the look comes from, files, formats.  One thread.
 *
 *     unix_listing_init(&l);
 *     look_take(reader, &(struct look_request){.tasks = true, .unix_sockets = true}, &sink, &error);
 *     unix_listing_join(&l);                         // once, at the end
 *     for (size_t i = 0; i < l.who.socket_count; i++) ...l.sockets[i], l.who.sockets[i]...
 *     unix_listing_done(&l);
 */
#ifndef SOCKWATCH_UNIX_LISTING_H
#define SOCKWATCH_UNIX_LISTING_H

#include "filter.h"
#include "listing.h"
#include "look.h"
#include "unix_socket.h"

struct unix_listing {
	struct listing who; /* the first: listing_look_sink() has it as ctx */
	struct unix_socket *sockets;
	size_t cap;
};

void unix_listing_init(struct unix_listing *l);
void unix_listing_done(struct unix_listing *l);
/* Fills an empty listing, but for unix_listing_join(). */
struct look_sink unix_listing_sink(struct unix_listing *l);
/* Chooses owners and finds who is connected to whom.  O(n log n). */
void unix_listing_join(struct unix_listing *l);

/* The other end; NULL none, gone or unknown. */
const struct unix_socket *unix_listing_peer(const struct unix_listing *l,
					    const struct unix_socket *s);
/* The socket of an inode; NULL. */
const struct unix_socket *unix_listing_at(const struct unix_listing *l, uint64_t inode);
/* Who owns it, NULL unknown. */
const struct listing_task *unix_listing_owner(const struct unix_listing *l,
					      const struct unix_socket *s);
/* It waits for peers: a listener, or a datagram socket with a name that is connected to nobody. */
bool unix_listing_waits(const struct unix_socket *s);
/* Conditions on processes, which any holder may meet, on the namespace, and `listening`. */
bool unix_listing_matches(const struct unix_listing *l, const struct unix_socket *s,
			  const struct filter *f);
/* `name` as it is written: "/run/app.sock", "@abstract". */
bool unix_listing_has_name(const struct unix_socket *s, const char *name);

#endif
