/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mounts.h - tracefs and cgroup2, wherever they are mounted or nowhere.
 *
 * Owns: finding a mount of a file system type, or making one nobody else sees: a detached mount
 * (fsopen(2), Linux 5.2), which needs no namespace and no directory and dies with its descriptor.
 */
#ifndef SOCKWATCH_MOUNTS_H
#define SOCKWATCH_MOUNTS_H

#include <stddef.h>

/*
 * An open directory of the root of the file system `type` that holds `probe` (a relative path), or
 * -errno.  `ret_place` gets the mount point or "private mount".  The caller closes the descriptor.
 */
int mounts_open(const char *type, const char *probe, char *ret_place, size_t place_size);

/* The id of tracepoint "syscalls/sys_enter_bind" under a tracefs root, or -errno. */
int mounts_tracepoint_id(int tracefs, const char *tracepoint);

#endif
