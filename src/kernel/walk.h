/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - looks at what is there where the kernel has no iterators, by running the programs of bpf/walk.bpf.c.
 *
 * Owns: which descriptor leads where.  Refuses to know: what is in a record.  One walk at a time; the programs must be
 * loaded.  O(descriptors) and O(buckets + sockets), one system call for a descriptor or some dozen buckets.
 */
#ifndef SOCKWATCH_WALK_H
#define SOCKWATCH_WALK_H

#include "kernel_private.h"

#include <errno.h>

/* `found` has count records; valid until it returns. */
typedef void (*walk_fn)(void *ctx, const struct wire_walk *found);

struct walk {
	struct kernel *k;
	walk_fn fn;
	void *ctx;
	struct walked {
		uint64_t table;
		int err;
	} *seen; /* tables walked already: one may serve every namespace; free() when done */
	size_t seen_count;
	uint32_t refused;	/* processes whose descriptors may not be looked at */
	char refused_path[64];	/* of the first */
};

/* Every descriptor of every process, by a program of the BPF object; counts those that refuse.  0 or -errno. */
int walk_descriptors(struct walk *w, const char *program);
/* A table of this thread's namespace, unless seen, which answers as before.  0 or -errno: -EAGAIN where it changed too fast to be read in full. */
int walk_table(struct walk *w, enum walk_table table, const char *program);
/* What a look left out, as one line for the user; "" nothing. */
void walk_describe(const struct walk *w, const struct netns_unseen *unseen,
		   struct kernel_error *ret);
/* What to make of the error of a visit. */
static inline const char *walk_advice(int err)
{
	return err == -EAGAIN ? "the kernel's tables change too fast to be read in full"
			      : "CAP_SYS_ADMIN is needed";
}

/*
 * Reads a socket of our own and ourselves, and compares with what is known of both: 0 when the types the programs were loaded with
 * are this kernel's; -EBADMSG with the error filled when they are not.
 */
int walk_check_types(struct kernel *k, struct kernel_error *error);

#endif
