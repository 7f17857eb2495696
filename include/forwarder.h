/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * forwarder.h - programs that hold a port for somebody else, and who that is.
 *
 * Owns: what the command lines of such programs say, and the search for who listens behind.  Refuses to know: /proc, words
 * for people.  Pure.
 */
#ifndef SOCKWATCH_FORWARDER_H
#define SOCKWATCH_FORWARDER_H

#include "listing.h"

#define FORWARDER_PATH 256

enum forwarder_kind {
	FORWARDER_NONE,
	FORWARDER_DOCKER,     /* docker-proxy: `target` is the container's */
	FORWARDER_ROOTLESS,   /* rootlessport, rootlesskit: into a container that its command does not name */
	FORWARDER_NAMESPACE,  /* pasta, passt, slirp4netns: into the namespace at `path` */
	FORWARDER_SSH,	      /* sshd: a session's remote forwarding */
};

struct forwarder {
	enum forwarder_kind kind;
	bool has_target;
	enum family family;
	struct endpoint target;
	char path[FORWARDER_PATH]; /* "/proc/1234/ns/net"; "" unknown */
};

/* By its name (comm) and its command, arguments separated by spaces; NULL unknown. */
struct forwarder forwarder_read(const char *name, const char *command);

/* Who listens at that address and port in namespace `netns`; `addr` NULL: at any address.  NULL: nobody that was seen.  O(sockets). */
const struct listing_socket *forwarder_behind(const struct listing *l, uint32_t netns,
					      uint16_t protocol, enum family family,
					      const uint8_t *addr, uint16_t port);
/* The connection of the SSH session that process `pid` serves: established, and not on `port`.  NULL: none.  O(sockets). */
const struct listing_socket *forwarder_session(const struct listing *l, uint32_t pid,
					       uint16_t port);

#endif
