/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * programs.h - loads the programs of an object, several at a time.
 *
 * Owns: what the kernel is told of each program, and the threads that wait for its verifier, most of a start's time.  libbpf fits
 * the programs to the kernel, but would load one after the other, and read all of the kernel's types to find what they hook.
 * Refuses to know: which programs, and what becomes of those that are refused.  One load at a time.
 *
 *     programs_register();
 *     skel = ...open, choose with bpf_program__set_autoload()...
 *     err = programs_load(skel->skeleton, &types, on_refused, ctx);
 */
#ifndef SOCKWATCH_PROGRAMS_H
#define SOCKWATCH_PROGRAMS_H

#include <bpf/libbpf.h>

#include "types.h"

/* Before the object is opened: 0 or -errno. */
int programs_register(void);

/*
 * bpf_object__load_skeleton(), but -EAGAIN where variables are not mapped: libbpf asks the kernel whether it can, and takes a
 * lack of descriptors or memory in that moment for a no.
 */
int skeleton_load(struct bpf_object_skeleton *skeleton);

/*
 * Makes the maps and loads the programs.  `types` has the functions that they hook, by their ids in the kernel's own BTF; libbpf
 * searches for those that it has not, and for all where it is NULL.  `refused` hears of each that the kernel does not take, by
 * -errno; the rest is as bpf_object__load_skeleton() leaves it, but attached by its kind: bpf_program__attach() no longer knows that.
 * 0, or -errno when nothing is loaded.
 */
typedef void (*programs_refused_fn)(void *ctx, const struct bpf_program *program, int err);
int programs_load(struct bpf_object_skeleton *skeleton, const struct types *types,
		  programs_refused_fn refused, void *ctx);

#endif
