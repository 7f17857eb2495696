/* SPDX-License-Identifier: GPL-2.0-only */
/* kernel_private.h - struct kernel, shared by the files of this room only. */
#ifndef SOCKWATCH_KERNEL_PRIVATE_H
#define SOCKWATCH_KERNEL_PRIVATE_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "fail.h"
#include "intake.h"
#include "kernel.h"
#include "lost.h"
#include "netns.h"
#include "wire_listener.h"
#include "wire_filter.h"
#include "sockwatch.skel.h"
#include "types.h"

#define MAX_HOOKS  112
#define LOOK_HOOKS 8 /* those of looks among them */
#define PLACE_SIZE 256

enum intake_lane { INTAKE_FACTS, INTAKE_PROCESSES };

struct folds;
struct followed;
struct places;
struct sysctls;
struct look_reader;

/* Of a row, by the last look: runs that the kernel left out, and those of them that no second copy made good. */
struct missed {
	uint64_t misses, lost;
};

struct kernel {
	struct sockwatch_bpf *skel;
	struct intake *intake; /* lanes: enum intake_lane */
	struct kernel_hook hooks[MAX_HOOKS];
	struct bpf_link *links[MAX_HOOKS];
	size_t hook_count;
	enum kernel_tier tier; /* see kernel_tier_chosen() */
	struct types types; /* the kernel's, those that the programs reach into and hook; fd -1 none */
	const char *functions[TYPES_FUNCTIONS + 1]; /* that rows hook, as `types` names them */
	char function_names[TYPES_FUNCTIONS][TYPES_NAME];
	bool load[MAX_HOOKS]; /* chosen, by row of `hooks` */
	int program_fd[MAX_HOOKS]; /* of the rows that are attached, owned by `skel`; else -1 */
	struct missed missed[MAX_HOOKS];
	uint64_t missed_ns, rescued_before[NESTED_HOOKS];
	/* Not told by the last look.  At least: softirq between two copies hides one. */
	__u64 missed_calls, missed_processes;
	bool leaves_out_ports;
	struct lost lost; /* as of the last kernel_lost() */
	bool untyped; /* the kernel carries no BTF: the offsets come from options.btf_path, tracing programs may not be typed */
	size_t failed;	      /* rows that had failed when this was chosen */
	bool has_cookie_helper;
	bool has_graft;	   /* security_sock_graft() exists */
	bool graft_failed; /* but cannot be used: inet_csk_accept() stands in */
	bool has_ipv6;
	bool sockops_connect, sockops_listen; /* which facts sockops__ports is to tell */
	uint32_t accept_params; /* of inet_csk_accept(), 0 unknown */
	uint32_t sock_addr_params; /* of __cgroup_bpf_run_filter_sock_addr() */
	struct kernel_options options;
	int cgroup_fd, tracefs_fd;
	char cgroup_place[PLACE_SIZE], tracefs_place[PLACE_SIZE], btf_place[PLACE_SIZE];
	bool busy; /* facts came since the last wait */
	int also_fd; /* waited for too, -1 none */
	uint64_t malformed;
	struct places *places;
	struct sysctls *sysctls; /* made when first asked for */
	struct look_reader *look;
	size_t look_count; /* its rows, behind the others in `hooks` */
	struct folds *folds;		    /* fold.c: made when first needed */
	struct followed *followed;	    /* follow.c: NULL where nobody asked */
	uint64_t folds_told, folds_taken_ns;
	bool detached;

	uint64_t moved_ns; /* all that was told before is out of the rings */
	uint64_t read_ns;  /* ... and was handed on */
};

/* hooks.c */
/* Copies the table into k->hooks, all HOOK_UNUSED; what they hook into k->functions. */
void hooks_init(struct kernel *k);
/* Chooses the rows to load. */
int hooks_choose(struct kernel *k, struct kernel_error *error);
/* Likewise after some failed.  True when rows are to be loaded that were not: load and attach anew. */
bool hooks_choose_again(struct kernel *k);
/* look_hooks.c: whether `hook` is among those that `list` leaves out, see kernel_options. */
bool hooks_are_listed(const char *list, const char *hook);
/* Marks the chosen programs of an open object. */
void hooks_select(const struct kernel *k, struct sockwatch_bpf *skel);
/* The kernel refuses a program of `ctx`, a struct kernel: -errno says why. */
void hooks_refused(void *ctx, const struct bpf_program *program, int err);
/* 0 where the change of state is still to be loaded, or nothing is to be traced; else -ENOENT with the error filled. */
int hooks_suffice(const struct kernel *k, struct kernel_error *error);
int hooks_attach(struct kernel *k, struct kernel_error *error);
void hooks_detach(struct kernel *k);

/* probe.c: each loads a tiny program and lets the kernel answer. */
/* `target`, a function or the typedef of a tracepoint, was looked up: whether a program of the type may call helper `id` with its
 * first argument. */
bool probe_helper(const struct types *types, const char *target, int attach_type, int helper);
/* 0 or the errno of loading (and attaching) an empty fentry program: -EPERM under lockdown,
 * -ENOTSUPP on arm64, -ENOENT without BTF. */
int probe_trampolines(const struct types *types);
/* Asking makes a kernel load its IPv6 module, whose functions are then there to be hooked. */
bool probe_ipv6(void);

/* missed.c */
/* Counts from now on, when all is attached. */
void missed_begin(struct kernel *k);
/* Looks anew, at most once a second until nothing is attached any more. */
void missed_read(struct kernel *k);

/* places.c */
struct places *places_new(int cgroup_fd);
void places_free(struct places *p);

/* fold.c */
/* Hands out the failures that were counted together, at most every tenth of a second; all that are left when detached. */
void fold_drain(struct kernel *k, kernel_fact_fn fn, void *ctx);
bool fold_is_waiting(const struct kernel *k);

/* follow.c */
/* Hands out what processes did until then; UINT64_MAX all there is. */
void follow_until(struct kernel *k, uint64_t time_ns);
void follow_close(struct kernel *k);

/* sysctls.c */
/* What the namespace of this thread says of ports, `all` or just the range; false when it cannot be read. */
bool sysctls_read_here(bool all, struct port_range *ret);

#endif
