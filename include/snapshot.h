/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snapshot.h - one look at every socket of the host into a listing.
 *
 * Owns: the iterators, and where the kernel has none sock_diag and /proc.  Refuses to know: what is shown.  A look is not
 * one instant: sockets that live all through it are in it, those that come or go meanwhile may be.  One look at a time; it
 * runs a thread of its own for a while, the caller's namespaces do not change.
 *
 *     struct snapshot_options o = {.details = true};
 *     struct listing l;
 *     listing_init(&l);
 *     if (snapshot_take(&o, &l, &error) < 0) ...error.text...
 */
#ifndef SOCKWATCH_SNAPSHOT_H
#define SOCKWATCH_SNAPSHOT_H

#include "kernel.h"
#include "listing.h"

enum snapshot_source { SNAPSHOT_AUTO, SNAPSHOT_ITERATORS, SNAPSHOT_PROC };

struct snapshot_options {
	enum snapshot_source source;
	bool details;		/* cookies, queues, makers */
	const char *btf_path;	/* NULL: the kernel's own */
};

/*
 * Adds every socket to the empty `l` and joins it.  0 or -errno with the error filled; -EPERM before anything is looked at
 * when a capability is missing, because a shorter list would look like a full one.  On success `error` may hold a notice that the
 * kernel took no iterators.  O(descriptors + sockets * namespaces).
 */
int snapshot_take(const struct snapshot_options *options, struct listing *l,
		  struct kernel_error *error);


/* Name of an interface, NULL unknown; lives until the program ends. */
const char *snapshot_interface_name(uint32_t netns, uint32_t ifindex);

/* What /proc says about one process; any field may be missing (NULL, 0) when it is gone or hidden. */
struct procinfo {
	uint32_t parent;
	uint32_t uid, ruid;	/* effective and real */
	uint64_t started_ns;	/* CLOCK_BOOTTIME */
	char name[PROCESS_NAME_SIZE];
	char *command;		/* arguments, separated by spaces */
	char *executable;
	char *cgroup;
	char *container;
	char *unit;		/* of systemd, from the cgroup: "nginx.service" */
};
/* 0 or -ESRCH.  The caller frees with procinfo_done(). */
int procinfo_read(uint32_t pid, struct procinfo *ret);
void procinfo_done(struct procinfo *p);
/* Looks up cgroup and container of a task once. */
void procinfo_resolve(struct listing_task *task);
/* The name `ip netns` gave a namespace, "" none; `ret` holds `size` bytes. */
void procinfo_netns_name(uint32_t inode, char *ret, size_t size);
/* A user's name from /etc/passwd, NULL none; lives until the program ends.  O(1) when asked again. */
const char *procinfo_user(uint32_t uid);

#endif
