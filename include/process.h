/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.h - the processes that own sockets, each kept once.
 *
 * Owns: a counted, interned set of (pid, tid, users, name, cgroup) tuples.  Refuses to know: /proc; who
 * runs where is asked of a callback, once per new entry.  One thread.
 *
 *     struct process_set *set = process_set_new(65536, resolve, ctx);
 *     const struct process *p = process_intern(set, &key);  // holds one reference
 *     process_release(set, p);
 */
#ifndef SOCKWATCH_PROCESS_H
#define SOCKWATCH_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#define PROCESS_NAME_SIZE 16
#define PROCESS_NO_UID	  UINT32_MAX /* never anybody's */

struct process {
	uint32_t pid;			/* thread group id: what users call the process */
	uint32_t tid;			/* the thread that made the call */
	uint32_t uid;			/* the effective user, as ps shows it: what filters and text mean */
	uint32_t ruid;			/* the real one, PROCESS_NO_UID unknown */
	uint64_t cgroup_id;
	char name[PROCESS_NAME_SIZE];	/* the group leader's comm; any bytes, NUL-terminated */
	const char *cgroup;		/* path, "/" at the root, NULL unknown; lives as long as the process */
	const char *container;		/* id or name, NULL outside any container */
};

struct process_set;

/* Fills ret_cgroup and ret_container with malloc()ed strings or NULL; called once per new entry. */
typedef void (*process_resolve_fn)(void *ctx, uint32_t pid, uint64_t cgroup_id, char **ret_cgroup,
				   char **ret_container);

/* NULL with errno on failure.  `resolve` may be NULL. */
struct process_set *process_set_new(size_t max, process_resolve_fn resolve, void *ctx);
void process_set_free(struct process_set *set);

/* O(1).  Returns the one entry equal in pid, tid, uid, ruid, cgroup_id and name, with one reference
 * more; NULL when `max` entries are in use (errno ENOSPC) or without memory.  The strings of `key` are ignored. */
const struct process *process_intern(struct process_set *set, const struct process *key);
/* One more reference; NULL is passed through. */
const struct process *process_hold(const struct process *p);
/* Drops one reference; the entry dies with the last.  NULL is ignored. */
void process_release(struct process_set *set, const struct process *p);
size_t process_set_count(const struct process_set *set);

/*
 * The id a container runtime put into a cgroup path: docker, containerd, podman, cri-o (64 hex digits)
 * and lxc (a name); the innermost of several.  Returns the start inside `path` and sets *ret_len; NULL when
 * there is none, *ret_len untouched.  O(length).
 */
const char *container_find(const char *path, size_t *ret_len);

#endif
