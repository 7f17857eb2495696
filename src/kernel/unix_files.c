// SPDX-License-Identifier: GPL-2.0-only
/* unix_files.c - whether the file that a Unix socket was bound to is still found at its path. */
#include "procinfo.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The kernel's own form of a device: include/linux/kdev_t.h. */
static bool is_file_of(const struct unix_socket *s, const struct stat *st)
{
	uint32_t device = (uint32_t)(major(st->st_dev) << 20 | minor(st->st_dev));

	return S_ISSOCK(st->st_mode) && s->file_inode && (uint32_t)st->st_ino == s->file_inode &&
	       device == s->file_device;
}

bool procinfo_is_unix_file(const struct unix_socket *s, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && is_file_of(s, &st);
}

/* Links are those of `root`, too, which may be a container's: nothing is followed out of it. */
static bool is_below(const struct unix_socket *s, const char *root, const char *path)
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	struct stat st;
	bool found = fd >= 0 && fstat(fd, &st) == 0 && is_file_of(s, &st);

	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	return found;
}

enum unix_file procinfo_unix_file(const struct unix_socket *s, const uint32_t *pids, size_t count)
{
	char path[UNIX_NAME_MAX + 1], root[32];

	memcpy(path, s->name, s->name_len);
	path[s->name_len] = '\0';
	if (!s->file_inode || path[0] != '/')
		return UNIX_FILE_UNKNOWN;
	if (procinfo_is_unix_file(s, path))
		return UNIX_FILE_THERE;
	for (size_t i = 0; i < count; i++) {
		snprintf(root, sizeof(root), "/proc/%u/root", pids[i]);
		if (is_below(s, root, path))
			return UNIX_FILE_THERE;
	}
	return count ? UNIX_FILE_MISSING : UNIX_FILE_UNKNOWN;
}
