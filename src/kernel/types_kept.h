/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * types_kept.h - the types that a listing needs, or a trace, kept from one to the next.
 *
 * Owns: a file for each in a directory that is the user's alone; of one build of the kernel and one set of names.  What is not
 * exactly that is ignored and written anew.  Refuses to know: where the directory is, and who may get at it.
 *
 *     types_load_kept(&types, path, dir, "types", programs, functions);
 */
#ifndef SOCKWATCH_TYPES_KEPT_H
#define SOCKWATCH_TYPES_KEPT_H

#include "types.h"

/* `dir` -1, or `path` not NULL: nothing is kept in its file `name`.  O(1) where the file serves, else as types_load(). */
int types_load_kept(struct types *types, const char *path, int dir, const char *name,
		    const struct btf *programs, const char *const *functions);

#endif
