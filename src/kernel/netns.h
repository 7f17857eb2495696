/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netns.h - the network namespaces of this host: where each is kept, and visits to them.
 *
 * A namespace is kept by processes and by single threads, by the threads that are left when the first one has ended, and by
 * bind mounts in any mount namespace that a process has (/run/netns, /run/docker/netns, /run/user/UID/netns).  What only a
 * descriptor keeps is not found here, but by a look, which reads all of them anyway (look.c); what only a socket keeps nowhere.
 *
 * Owns: the search, and the way there and back.  Refuses to know: what a visit does; BPF.  Every
 * file is opened without waiting, and entered only where it is a network namespace (nsfs,
 * NS_GET_NSTYPE).  Inodes are compared on one device, the kernel's nsfs; the kernel reuses the
 * inode of an ended namespace at once, so an inode is remembered for one tour, and after that its
 * file is asked again.
 *
 * Any thread may visit; the visit runs in this thread, whose namespace is another until it returns.  When the way back
 * fails the process ends with exit code 1: nothing may go on in a stranger's namespace.
 *
 *     struct netns_visitor v = {.visit = read_sockets};
 *     struct netns_unseen unseen;
 *     err = netns_each(&v, ctx, &unseen);
 *     if (netns_describe(&unseen, text, sizeof(text))) ...what was not seen...
 */
#ifndef SOCKWATCH_NETNS_H
#define SOCKWATCH_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETNS_PATH 280

/* What a tour left out: namespaces that are there, and could not be found, entered or read. */
struct netns_unseen {
	uint32_t namespaces;
	int err; /* -errno of the first */
	char path[NETNS_PATH];
};

struct netns_visitor {
	/* Called in each namespace once, in this thread's first.  Other than 0: this one was not seen. */
	int (*visit)(void *ctx);
	/* Called at home, once for each that was not seen; 0: its inode is not known.  NULL: nothing to do. */
	void (*unseen)(void *ctx, uint32_t netns);
};

/* O(threads).  0 when at least one namespace was seen, else the first -errno. */
int netns_each(const struct netns_visitor *v, void *ctx, struct netns_unseen *ret);
void netns_count_unseen(struct netns_unseen *u, const char *path, int err);
/* The words for a user: which, why, and the capability that is missing.  False, and "", when nothing was left out. */
bool netns_describe(const struct netns_unseen *u, char *ret, size_t size);

/* Where a namespace was found. */
struct netns_at {
	uint32_t netns;
	char path[NETNS_PATH]; /* "" nowhere */
};
/* Looks first at this thread, then at process `pid` (0: none).  False when it is nowhere: `ret_unseen` (NULL: not wanted), which
 * starts at 0, then counts those that some process keeps secret. */
bool netns_find(uint32_t netns, uint32_t pid, struct netns_at *ret,
		struct netns_unseen *ret_unseen);
bool netns_still_there(const struct netns_at *at);
/* Calls `visit` there and returns what it does, or -errno; 0 too when the namespace is gone meanwhile. */
int netns_visit(const struct netns_at *at, int (*visit)(void *ctx), void *ctx);

/* The inode of this thread's namespace; 0 unknown. */
uint32_t netns_here(void);
/* The inode of the network namespace that is mounted at `name` below `dirfd`, 0 where there is none.  Opens nothing. */
uint32_t netns_inode_at(int dirfd, const char *name);

#endif
