/* SPDX-License-Identifier: GPL-2.0-only */
/* split_private.h - between this room's functions and those that ask (split_ask.c) or answer (split_serve.c) for them. */
#ifndef SOCKWATCH_SPLIT_PRIVATE_H
#define SOCKWATCH_SPLIT_PRIVATE_H

#include "process.h"
#include "look_source.h"
#include "split.h"

struct wire_fold;

/* ---- split_ask.c: each asks the helper; unknown where it has ended ---- */
struct split_looked {
	bool missed_rings;
	uint64_t malformed;
};
int split_look(const struct look_request *request, const struct look_sink *sink,
	       struct kernel_error *error, struct split_looked *ret);
bool split_port_range(uint32_t netns, uint32_t pid, struct port_range *ret);
int split_run_listeners(void);
uint64_t split_listen_overflows(uint32_t netns, uint32_t pid);
bool split_misses(uint64_t *ret, size_t count);
typedef void (*split_fold_fn)(void *ctx, const struct wire_fold *fold);
void split_folds(unsigned int which, split_fold_fn fn, void *ctx);
void split_detach(void);
int split_program(uint32_t pid, struct process_reading *ret);
/* The bytes, with a NUL behind them; -errno. */
ssize_t split_cgroups(uint32_t pid, char *out, size_t size);
/* malloc()ed, NULL unknown. */
char *split_cgroup_path(uint64_t id);
void split_names(const char *id, const char *pod_uid, char **ret_container, char **ret_pod);
/* `out` has IF_NAMESIZE bytes, "" unknown. */
void split_interface(uint32_t netns, uint32_t ifindex, char *out);
typedef void (*split_name_fn)(void *ctx, uint32_t inode, const char *name);
void split_namespaces(split_name_fn fn, void *ctx);

/* ---- what split_serve.c calls, each without asking ---- */
/* kernel.c */
int kernel_run_listeners(struct kernel *k);
/* Lets go of the rings, which the reader reads. */
void kernel_leave_rings(struct kernel *k);
/* missed.c */
uint64_t missed_of(const struct kernel *k, size_t row);
/* fold.c */
void fold_take(struct kernel *k, unsigned int which, split_fold_fn fn, void *ctx);
/* procinfo.c */
ssize_t procinfo_cgroups(uint32_t pid, char *out, size_t size);
void procinfo_each_given(split_name_fn fn, void *ctx);
/* places.c: malloc()ed, NULL unknown. */
char *places_path_of(const struct kernel *k, uint64_t cgroup_id);

#endif
