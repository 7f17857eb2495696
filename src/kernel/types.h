/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * types.h - the few types of the running kernel that a small BPF object needs, out of its BTF in one pass.
 *
 * Owns: reading BTF without indexing it.  libbpf looks through all 150,000 types of a kernel for each type a program
 * touches, tens of milliseconds for a listing that takes as long itself; with a BTF of only the types asked for
 * (btf_custom_path) it is done at once.  Refuses to know: what the types are for.  One thread.
 *
 *     struct types types;
 *     types_open(&types);
 *     object = ...with btf_custom_path = types.path...
 *     types_load(&types, NULL, named, functions);
 *     ... types.function[0].id; load the object ...
 *     types_done(&types);
 */
#ifndef SOCKWATCH_TYPES_H
#define SOCKWATCH_TYPES_H

#include <stddef.h>
#include <stdint.h>

struct btf;

#define TYPES_FUNCTIONS 32
#define TYPES_NAME	64 /* bytes of one's name, with the end */

struct types {
	int fd;	       /* memfd with the reduced BTF */
	char path[32]; /* of it, for btf_custom_path; valid while fd is open */
	struct types_function {
		uint32_t id;	     /* in the kernel's BTF; 0 absent */
		uint32_t parameters; /* 0 for the typedef of a tracepoint */
	} function[TYPES_FUNCTIONS];
	const char *const *functions; /* their names */
};

/* Makes an empty file, so that an object can be opened with `types->path` before what it needs is known: 0 or -errno. */
int types_open(struct types *types);
/*
 * Reads `path` (NULL: the kernel's own BTF) and keeps the structs and enumerations in `named`, with what they embed without a
 * name; looks up `functions`, or typedefs.  Both lists end with NULL.  O(types of the kernel).  0, -errno of a file, or -EBADMSG for
 * what is no BTF; types_done() in either case.
 */
int types_load(struct types *types, const char *path, const char *const *named,
	       const char *const *functions);
/* Those that the types of an object name; NULL without memory.  The caller frees the list, and nothing else. */
const char **types_named(const struct btf *programs);
/* Takes `btf` for the reduced one: 0 or -EIO. */
int types_give(struct types *types, const void *btf, size_t size);
/* One of those looked up; NULL where the kernel has it not. */
const struct types_function *types_function(const struct types *types, const char *name);
void types_done(struct types *types);

#endif
