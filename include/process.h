/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.h - the processes that own sockets, each kept once, and what they ran when they were named.
 *
 * Owns: a counted, interned set of (pid, tid, users, name, cgroup) tuples, and behind it the processes that are followed:
 * pid and start, program, parents as they were.  Refuses to know: /proc; what it did not see it asks of callbacks, when
 * somebody wants to know (process_resolve()).  One thread.
 *
 *     struct process_set *set = process_set_new(65536, resolve, ctx);
 *     process_set_follow(set, read, 65536, true);
 *     process_follow(set, &fact);                           // what processes do, in the order in which they do it
 *     const struct process *p = process_intern(set, &key);  // holds one reference
 *     process_resolve(set, p);                              // before the rest of it is read
 */
#ifndef SOCKWATCH_PROCESS_H
#define SOCKWATCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCESS_NAME_SIZE 16
#define PROCESS_NO_UID	  UINT32_MAX /* never anybody's */
#define PROCESS_PARENTS	  8
#define PROCESS_ARGS_MAX  4096 /* bytes; more are cut and said so */

/* What a process ran, from fork() or exec() to the next exec() or its end.  Counted; never changes while somebody has it. */
struct program {
	uint32_t pid;
	uint64_t start_ns;		/* of the process, CLOCK_BOOTTIME; 0 unknown */
	char name[PROCESS_NAME_SIZE];	/* "" unknown */
	const char *exe;		/* path, NULL unknown */
	const char *args;		/* each ended by NUL, any bytes; NULL unknown or unwanted */
	uint32_t args_len;
	bool args_cut;			/* there were more */
	uint64_t hash;			/* of executable and arguments, 0 not made: tells programs apart */
};

struct process {
	uint32_t pid;			/* thread group id: what users call the process */
	uint32_t tid;			/* the thread that made the call */
	uint32_t uid;			/* the effective user, as ps shows it: what filters and text mean */
	uint32_t ruid;			/* the real one, PROCESS_NO_UID unknown */
	uint64_t cgroup_id;
	char name[PROCESS_NAME_SIZE];	/* the group leader's comm; any bytes, NUL-terminated */
	/* From here on known once it is resolved; lives as long as the process. */
	const char *cgroup;		/* path, "/" at the root, NULL unknown */
	const char *container;		/* id or name, NULL outside any container */
	const char *container_name;	/* what its user calls it */
	const char *pod;		/* of Kubernetes: "namespace/name", or its uid where no name is known */
	const char *unit;		/* of systemd: "nginx.service" */
	const struct program *program;	/* NULL unknown */
	const struct program *parent[PROCESS_PARENTS]; /* nearest first */
	uint32_t parent_count;
	bool parents_known;		/* else there may be some */
	uint64_t serial;		/* never given twice; 0: what is known may still change */
};

struct process_set;
struct process_fact;

/* Where a process runs; malloc()ed strings or NULL. */
struct process_place {
	char *cgroup, *container, *container_name, *pod, *unit;
};
void process_place_done(struct process_place *place);

/* Fills a zeroed `ret`; called once per new entry, when it is resolved.  `cgroup`: the path, NULL where the process may have ended. */
typedef void (*process_resolve_fn)(void *ctx, uint32_t pid, uint64_t cgroup_id, const char *cgroup,
				   struct process_place *ret);

/* What is known of a process that was not followed from its beginning; malloc()ed strings or NULL. */
struct process_reading {
	uint32_t parent;
	uint64_t start_ns;
	char name[PROCESS_NAME_SIZE];
	char *exe, *args;
	size_t args_len;
	bool args_cut;
};
/* Fills a zeroed `ret`; false where there is no such process now. */
typedef bool (*process_read_fn)(void *ctx, uint32_t pid, struct process_reading *ret);

/* NULL with errno.  `resolve` may be NULL. */
struct process_set *process_set_new(size_t max, process_resolve_fn resolve, void *ctx);
void process_set_free(struct process_set *set);

/* Processes are followed from now on, at most `max` alive; `read` (may be NULL) has the ctx of `resolve`.  Without `args` none are kept. */
void process_set_follow(struct process_set *set, process_read_fn read, size_t max, bool args);
/* Of arguments and paths at most so many bytes are kept; 64 MiB where nothing is said. */
void process_set_bound_text(struct process_set *set, size_t bytes);
/* Gives back what indexes need no more.  True when there was much. */
bool process_set_rest(struct process_set *set);
/* O(1), but for the parents of a process older than the trace, which are read. */
void process_follow(struct process_set *set, const struct process_fact *fact);
/* Facts of processes were lost: what lives now is read anew when it is named.  O(processes). */
void process_follow_anew(struct process_set *set);

/* The part of `p` that identifies, with nothing behind the name's NUL: a copy that outlives it. */
struct process process_key(const struct process *p);
/* A copy of everything, parents too, for who keeps it beside any set.  Without memory something is unknown. */
void process_copy(struct process *ret, const struct process *p);
void process_copy_done(struct process *p);
struct program *program_copy(const struct program *program); /* part of it */
/* O(1).  Returns the one entry equal in pid, tid, uid, ruid, cgroup_id and name and of the same program, with one reference
 * more; NULL when `max` entries are in use (errno ENOSPC) or without memory.  The rest of `key` is ignored. */
const struct process *process_intern(struct process_set *set, const struct process *key);
/* Finds what is not known yet, once.  NULL is ignored. */
void process_resolve(struct process_set *set, const struct process *p);
/* Up to `max` that wait for it, oldest first.  True when more wait. */
bool process_resolve_some(struct process_set *set, size_t max);
/* The process as it is now, or was at its end: what it is called and runs.  A reference; NULL without room. */
const struct process *process_now(struct process_set *set, const struct process *p);
bool process_has_ended(const struct process *p); /* its last thread was seen to end */
/* One more; NULL is passed through. */
const struct process *process_hold(const struct process *p);
/* One less; the entry dies with the last.  NULL is ignored. */
void process_release(struct process_set *set, const struct process *p);
size_t process_set_count(const struct process_set *set);

struct process_stats {
	size_t followed;   /* processes that live, and dead ones that are still named */
	size_t text_bytes; /* arguments and paths */
	uint64_t full;	   /* processes, or arguments of some, that were not kept */
	uint64_t unnamed;  /* times that process_intern() had no room */
};
void process_get_stats(const struct process_set *set, struct process_stats *ret);

/*
 * The id a container runtime put into a cgroup path: docker, containerd, podman, cri-o (64 hex digits)
 * and lxc (a name); the innermost of several.  Returns the start inside `path` and sets *ret_len; NULL when
 * there is none, *ret_len untouched.  O(length).
 */
const char *container_find(const char *path, size_t *ret_len);
/* Likewise the innermost part that systemd calls a service, scope or socket: "nginx.service". */
const char *unit_find(const char *path, size_t *ret_len);
/* Likewise the uid of the pod that Kubernetes put into it, by either driver; 36 bytes, with '-' or '_' between its parts. */
const char *pod_find(const char *path, size_t *ret_len);

/*
 * The script that an interpreter runs, as "web-app.py" of `python3 -u /srv/web-app.py`: the last part of the first argument that
 * is no option, or of what stands behind -m and -jar.  NULL: it is no interpreter (by its name or its executable's), what it runs has
 * no name (-c, -e), it is called like its script already, or nobody knows.  Lives as long as the process.
 */
const char *process_script(const struct process *p);
/* By its name alone: worth to ask for its arguments. */
bool process_may_run_script(const struct process *p);

#endif
