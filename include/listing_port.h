/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listing_port.h - from where a port can be reached, and what frees it.
 *
 * Owns: the rules.  Refuses to know: words and commands, /proc.
 */
#ifndef SOCKWATCH_LISTING_PORT_H
#define SOCKWATCH_LISTING_PORT_H

#include "listing.h"

/*
 * From where what waits for peers can be reached, by the address it is bound to; firewalls are not judged.  HERE: from this host,
 * or where it is in another namespace from within that.
 */
enum reach { REACH_EVERYWHERE, REACH_ADDRESS, REACH_LINK, REACH_HERE };
enum reach listing_reach(const struct listing_socket *s);
static inline bool listing_is_from_outside(const struct listing_socket *s)
{
	return listing_reach(s) != REACH_HERE;
}

enum frees_how {
	FREES_UNKNOWN,
	FREES_UNIT,	 /* `unit` is stopped */
	FREES_SYSTEMD,	 /* systemd has it, for a socket unit; `unit` (NULL none) has it, too */
	FREES_CONTAINER, /* `container` is stopped */
	FREES_POD,	 /* `container` is a pod, "namespace/name" */
	FREES_KILL,	 /* the processes end */
	FREES_WAIT,	 /* time, `wait_ns` at most */
	FREES_PEER,	 /* the peer answers or closes, or the kernel gives up */
};

enum frees_runtime { RUNTIME_DOCKER, RUNTIME_PODMAN, RUNTIME_LXC };

#define FREES_PIDS 64

/* Strings live as long as the listing's processes. */
struct frees {
	enum frees_how how;
	const char *unit, *container;
	bool of_user; /* the unit is one of user `uid`'s own systemd */
	uint32_t uid;
	enum frees_runtime runtime;
	uint32_t pid[FREES_PIDS];
	size_t pids; /* of all holders; more than FREES_PIDS are not in `pid` */
	uint64_t wait_ns;
	const struct listing_socket *socket; /* whose peer */
};

/*
 * Processes must be resolved.  A unit is stopped where all that have it open are in it and one of them is its main process, a child of
 * process 1: some units (ssh, cron, docker) leave those alone that it started.  O(holders^2), of the first FREES_PIDS.
 */
void listing_frees(struct frees *ret, const struct listing *l, const struct listing_socket *s);

#endif
