/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * procinfo.h - what /proc says about a process, and what users, namespaces and interfaces are called.
 *
 * Owns: its reader.  Refuses to know: sockets.  One thread.
 */
#ifndef SOCKWATCH_PROCINFO_H
#define SOCKWATCH_PROCINFO_H

#include "listing.h"

/* Name of an interface, NULL unknown; lives until the program ends. */
const char *procinfo_interface_name(uint32_t netns, uint32_t ifindex);

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
/* The name `ip netns` or Docker gave a namespace, else the container of `task`, which is in it (NULL none); "" none.  `ret`
 * holds `size` bytes. */
void procinfo_netns_name(uint32_t inode, struct listing_task *task, char *ret, size_t size);
/* The inode of the network namespace at a path, 0 where there is none.  Opens nothing. */
uint32_t procinfo_netns_at(const char *path);
/*
 * The socket unit of systemd that names the port, and what it starts ("web.socket starts web.service"), from the units'
 * files; "" none.  Returns how many do: with several, whose socket it is is not known.
 */
size_t procinfo_socket_unit(uint16_t protocol, uint16_t port, char *ret, size_t size);
/* A user's name from /etc/passwd, NULL none; lives until the program ends.  O(1) when asked again. */
const char *procinfo_user(uint32_t uid);

#endif
