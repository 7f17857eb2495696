/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * safe_file.h - opens a file by a name that strangers may have a hand in.
 *
 * Where others may write into a directory, a name in it may be a stranger's link to a file of ours, or a stranger's file that he
 * reads, or goes on writing.  This refuses there what the kernel refuses where fs.protected_symlinks, protected_regular and
 * protected_hardlinks are set, which not every host has: links and files of other users than this one and the directory's, and files
 * that have another name.  A directory where others may write and rename what is not theirs (no sticky bit) gets nothing new,
 * and nothing in it is used.  Everywhere else names mean what they mean to open().
 */
#ifndef SOCKWATCH_SAFE_FILE_H
#define SOCKWATCH_SAFE_FILE_H

#include <sys/types.h>

/*
 * As open(), with O_CLOEXEC and O_NOCTTY.  A descriptor, which the caller closes, or -errno; then *ret_why says in a few words of the
 * file why it is refused (static text), or is NULL where errno tells all.
 */
int safe_open(const char *path, int flags, mode_t mode, const char **ret_why);

#endif
