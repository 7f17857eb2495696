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
	bool ended;		/* and is not waited for yet */
	char name[PROCESS_NAME_SIZE];
	char *command;		/* arguments, separated by spaces */
	char *executable;
	char *cgroup;
	char *container;
	char *container_name;	/* what its user calls it */
	char *pod;		/* "namespace/name" */
	char *unit;		/* of systemd, from the cgroup: "nginx.service" */
};
/* 0 or -ESRCH.  The caller frees with procinfo_done(). */
int procinfo_read(uint32_t pid, struct procinfo *ret);
void procinfo_done(struct procinfo *p);
/*
 * Where it runs, what its container and pod are called.  `cgroup` is its path where that is known, else NULL: of a process that
 * has ended (or pid 0) it tells alone.  Fills a zeroed `ret`.
 */
void procinfo_place(uint32_t pid, const char *cgroup, struct process_place *ret);
/* The same as process_resolve_fn and process_read_fn; ctx is not used. */
void procinfo_resolve_process(void *ctx, uint32_t pid, uint64_t cgroup_id, const char *cgroup,
			      struct process_place *ret);
bool procinfo_read_process(void *ctx, uint32_t pid, struct process_reading *ret);
/* How often a file of a process was not read for want of this program's descriptors or memory, and the last errno. */
unsigned long procinfo_refused(int *ret_err);
/* The process that began at `start_ns` (CLOCK_BOOTTIME, 0 unknown: whoever has the number) has not ended. */
bool procinfo_lives(uint32_t pid, uint64_t start_ns);
/* The name `ip netns` or Docker gave a namespace, any bytes, "" none; until the next call. */
const char *procinfo_netns_given(uint32_t inode);
/* That, else the container of `task`, which is in it (NULL none); "" none.  `ret` holds `size` bytes. */
void procinfo_netns_name(uint32_t inode, struct listing_task *task, char *ret, size_t size);
/* The inode of the network namespace at a path, 0 where there is none.  Opens nothing. */
uint32_t procinfo_netns_at(const char *path);
/*
 * The socket unit of systemd that names the port, and what it starts ("web.socket starts web.service"), from the units'
 * files; "" none.  Returns how many do: with several, whose socket it is is not known.
 */
size_t procinfo_socket_unit(uint16_t protocol, uint16_t port, char *ret, size_t size);
/* Whether the file of a Unix socket is at its path, as seen from here or by any of these processes, which have it open. */
enum unix_file procinfo_unix_file(const struct unix_socket *s, const uint32_t *pids, size_t count);
/* The socket was bound to the file at `path`. */
bool procinfo_is_unix_file(const struct unix_socket *s, const char *path);
/* A user's name from /etc/passwd, NULL none; lives until the program ends.  O(1) when asked again. */
const char *procinfo_user(uint32_t uid);

#endif
