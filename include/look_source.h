/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * look_source.h - takes looks: hands every socket that the kernel has, and who has it open, to a sink.
 *
 * Owns: the one reader, and its sources: BPF iterators, a walk through the kernel's tables where it carries no BTF, sock_diag
 * with /proc.  Refuses to know: what a look is for.  One look at a time; it runs a thread of its own for a while, the caller's
 * namespaces do not change.
 *
 *     struct look_reader *r = look_open(&options, &error);
 *     look_take(r, &(struct look_request){.tcp = true, .tasks = true}, &sink, &error);
 *     look_close(r);
 */
#ifndef SOCKWATCH_LOOK_SOURCE_H
#define SOCKWATCH_LOOK_SOURCE_H

#include "kernel.h"
#include "look.h"

struct look_reader;

enum look_choice { LOOK_BY_ANY, LOOK_BY_ITERATORS, LOOK_BY_PROC, LOOK_BY_WALK };

struct look_options {
	enum look_choice source; /* ANY: iterators, else sock_diag with /proc */
	const char *btf_path;	 /* NULL: the kernel's own */
	const char *hooks_without; /* see kernel_options */
	uint32_t may_want;	 /* enum wire_look_want: all that requests will want */
	/* A directory of the user's alone for what may be kept for the next time, -1 none; look_open() takes a descriptor of its own. */
	int keep_dir;
	int listener_of;	 /* map of the tracer that learns of listeners, -1 none */
	/* The tracer's filter and its maps, see bpf/left_out.h; NULL none. */
	const struct wire_filter *filter;
	int filter_ports, kept;
	size_t table_bytes;	 /* of tables that wait while descriptors are read; 0: 16 MiB, else from 256 KiB */
};

/*
 * NULL with the error filled, errno.  Where a capability is missing it shows what can be seen without, by sock_diag and /proc, and each
 * look says so in its error.  On success `error` may hold a notice that the kernel took no iterators.
 */
struct look_reader *look_open(const struct look_options *options, struct kernel_error *error);
void look_close(struct look_reader *r);

/* 0 or -errno with the error filled; what was handed out before stays so.  O(descriptors + sockets * namespaces). */
int look_take(struct look_reader *r, const struct look_request *request, const struct look_sink *sink,
	      struct kernel_error *error);

/* Of the last look: a ring of io_uring may hold sockets that were not seen. */
bool look_missed_rings(const struct look_reader *r);
/* Capabilities without which something is not seen, "" none. */
const char *look_lacks(const struct look_reader *r);
/* Records that were not to be believed, since look_open(). */
uint64_t look_malformed(const struct look_reader *r);

/* The programs and what became of them; rows of sources that were not chosen are HOOK_UNUSED. */
const struct kernel_hook *look_hooks(const struct look_reader *r, size_t *ret_count);
bool look_has_hook(const char *name);

#endif
