/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - facts from the kernel: programs loaded and attached, the ring drained, a look at what is there.
 *
 * Owns: everything libbpf (src/kernel is the only room that includes it), mounts, namespaces, /proc.
 * Refuses to know: sockets' lives (include/table.h) and output.  It does not log: failures come back as a
 * text for the user.  One thread.
 *
 *     struct kernel_error error;
 *     struct kernel *k = kernel_open(&options, &error);
 *     kernel_attach(k, &error);
 *     kernel_start(k, &error);
 *     while (!stop) {
 *             if (!kernel_drain(k, 4096, apply, ctx))
 *                     kernel_wait(k, 1000);
 *     }
 *     kernel_close(k);
 */
#ifndef SOCKWATCH_KERNEL_H
#define SOCKWATCH_KERNEL_H

#include "budget.h"
#include "fact.h"
#include "hook.h"
#include "port_range.h"

enum kernel_choice { HOOKS_AUTO, HOOKS_TRAMPOLINES, HOOKS_TRACEPOINTS };

struct kernel_options {
	uint64_t ring_bytes; /* what may wait, in the ring and behind it: a power of two of pages */
	enum kernel_choice hooks;
	const char *hooks_without; /* hooks to do without, told apart by ",-"; NULL none */
	const char *btf_path; /* NULL: the kernel's own, or a file where this release's is kept */
	size_t look_bytes;   /* as table_bytes in look_options */
	int keep_dir;	      /* as in look_options; not used after kernel_open() */
	bool no_trace;	      /* only looks are taken */
	/* What no fact need be made of; NULL, or a kernel whose programs cannot decide it: of everything.  Not used after kernel_open(). */
	const struct wire_filter *filter;
	const struct wire_filter_ports *filter_ports;
};

/* One line for the user: what failed, on which object, why, and what to do. */
struct kernel_error {
	char text[512];
};

struct kernel;
struct look_reader;
struct wire_filter;
struct wire_filter_ports;

typedef void (*kernel_fact_fn)(void *ctx, const struct fact *fact);
typedef void (*kernel_process_fn)(void *ctx, const struct process_fact *fact);

/* Whether a file can be the BTF of the kernel that runs: 0, or -errno with the error filled.  Parses it: some milliseconds. */
int kernel_check_btf(const char *path, struct kernel_error *error);

/* Loads the programs; NULL with the error filled, and errno EBADMSG where the BTF given is not of this kernel.  Needs CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN. */
struct kernel *kernel_open(const struct kernel_options *options, struct kernel_error *error);
/* NULL is ignored.  Detaches everything; nothing stays in the kernel. */
void kernel_close(struct kernel *k);

/* Attaches every program chosen.  0 or -errno with the error filled: only a missing `state` hook is fatal. */
int kernel_attach(struct kernel *k, struct kernel_error *error);

/* The thread of kernel_start() is to go before others by the rights that the caller has now and may not have then. */
void kernel_raise(struct kernel *k);
/* Facts are read from now on, by a thread: it has the rights that its caller has now.  0 or -errno with the error filled. */
int kernel_start(struct kernel *k, struct kernel_error *error);

/* The programs leave out sockets by their ports, and the table has not seen all of a namespace's. */
bool kernel_leaves_out_ports(const struct kernel *k);

/* No fact is made any more; those in the ring can still be drained. */
void kernel_detach(struct kernel *k);

/* Hands up to `max` facts to `fn`, oldest first, and returns how many.  Waits for none. */
size_t kernel_drain(struct kernel *k, size_t max, kernel_fact_fn fn, void *ctx);
/* CLOCK_BOOTTIME: all told before was handed on.  A program that is interrupted in a record holds it back (src/kernel/intake.c). */
uint64_t kernel_read_until(const struct kernel *k);

/* From now on kernel_drain() also hands what processes did to `fn`: before each fact all that happened before it. */
void kernel_follow_processes(struct kernel *k, kernel_process_fn fn, void *ctx);
/*
 * What processes did and nobody was told, since kernel_open(): not in kernel_lost(), but as of the last call of it.  In
 * `withheld` those of them that the kernel ran no program for.
 */
uint64_t kernel_processes_lost(const struct kernel *k, uint64_t *withheld);

/*
 * Sleeps until facts may be there, a signal came, or timeout_ms passed.  After a busy drain it naps a few milliseconds without
 * asking to be woken, because a wake-up per fact costs the host more than the fact.
 */
void kernel_wait(struct kernel *k, int timeout_ms);
/* kernel_wait() also returns when `fd`, which the caller keeps open, can be read; -1: none.  A nap is not cut short. */
void kernel_wait_also(struct kernel *k, int fd);

/* Of facts, what was moved out of the ring and is still to be drained; what the ring itself has comes some milliseconds later. */
uint64_t kernel_waiting_bytes(const struct kernel *k);

/* Facts dropped since kernel_open(), by kind; malformed ones under WIRE_NONE.  Returns the sum, with WANT_CALL and WANT_RUN. */
uint64_t kernel_lost(struct kernel *k, uint64_t ret_by_kind[WIRE_KINDS]);
/* Of the last sum, what was lost for want of something else than room in the ring: of room to follow a call in, of a share of the ring
 * that is left to the socket's user, of room to count a failed call in; of a run of its program, which the kernel leaves out
 * where it was interrupted. */
enum kernel_want { WANT_CALL, WANT_SHARE, WANT_FOLD, WANT_RUN, KERNEL_WANTS };
uint64_t kernel_lost_for(const struct kernel *k, enum kernel_want want);

/* Takes looks for the tracer: see look_source.h.  Lives as long as `k`, until kernel_attach() at the latest the same one. */
struct look_reader *kernel_look(const struct kernel *k);

const struct kernel_hook *kernel_hooks(const struct kernel *k, size_t *ret_count);
/* What tells bind, listen, connect, accept and send. */
enum kernel_tier kernel_tier_chosen(const struct kernel *k);
/* Capabilities without which something is missing, "CAP_SYS_ADMIN, CAP_SYS_PTRACE"; false, and "", when none is. */
bool kernel_lacks(char *ret, size_t size);
/* The first name in kernel_options.hooks_without that is no hook, until the next call; NULL when all are. */
const char *kernel_unknown_hook(const char *list);
/* "/sys/fs/cgroup/unified" or "private mount"; NULL when there is none. */
const char *kernel_cgroup_place(const struct kernel *k);
const char *kernel_tracefs_place(const struct kernel *k);
/* Where the kernel's types came from: "/sys/kernel/btf/vmlinux" or a file. */
const char *kernel_btf_place(const struct kernel *k);

/* process_resolve_fn with a struct kernel as ctx: the cgroup path and what it tells, from /proc. */
void kernel_resolve_process(void *ctx, uint32_t pid, uint64_t cgroup_id, const char *cgroup,
			    struct process_place *ret);
/* writer_options.interface_name with a struct kernel as ctx; the result lives as long as `k`. */
const char *kernel_interface_name(void *ctx, uint32_t netns, uint32_t ifindex);
/* ListenOverflows of a namespace that `pid` may be in, from its netstat; UINT64_MAX not known. */
uint64_t kernel_listen_overflows(uint32_t netns, uint32_t pid);

/*
 * Fills *ret for namespace `netns` (inode); `pid` is a process that may be in it.  False: unknown.  What a namespace said is
 * kept for a second; one that is nowhere to be found costs a search through all processes.
 */
bool kernel_port_range(struct kernel *k, uint32_t netns, uint32_t pid, struct port_range *ret);

/*
 * Looks at listeners by their kernel addresses, as many as LISTENERS_ASKED.  0 or -errno; -ENOTSUP where the program could not be
 * loaded.  Some microseconds.
 */
struct wire_listener;
int kernel_look_at_listeners(struct kernel *k, struct wire_listener *list, size_t count);

/* CLOCK_REALTIME - CLOCK_BOOTTIME in nanoseconds, and CLOCK_BOOTTIME. */
int64_t kernel_wall_offset(void);
uint64_t kernel_now(void);

#endif
