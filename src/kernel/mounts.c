// SPDX-License-Identifier: GPL-2.0-only
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Asks with the effective rights; access() would ask with those of the user who started the
 * program.
 */
static int find_in(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int open_mounted(const char *type, const char *probe, char *place, size_t size)
{
	FILE *table = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	int fd = -ENOENT;

	if (!table)
		return -errno;
	while (fd < 0 && (entry = getmntent(table))) {
		if (strcmp(entry->mnt_type, type) != 0)
			continue;
		fd = open(entry->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || find_in(fd, probe) < 0) {
			if (fd >= 0)
				close(fd);
			fd = -ENOENT;
			continue;
		}
		snprintf(place, size, "%s", entry->mnt_dir);
	}
	endmntent(table);
	return fd;
}

static int open_detached(const char *type, const char *probe, char *place, size_t size)
{
	int root, context = fsopen(type, FSOPEN_CLOEXEC);

	if (context < 0)
		return -errno;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		root = -errno;
	} else {
		root = fsmount(context, FSMOUNT_CLOEXEC, 0);
		if (root < 0)
			root = -errno;
	}
	close(context);
	if (root >= 0) {
		int err = find_in(root, probe);

		if (err < 0) {
			close(root);
			return err;
		}
		snprintf(place, size, "private mount");
	}
	return root;
}

int mounts_open(const char *type, const char *probe, char *ret_place, size_t place_size)
{
	int fd = open_mounted(type, probe, ret_place, place_size);

	return fd >= 0 ? fd : open_detached(type, probe, ret_place, place_size);
}

int mounts_tracepoint_id(int tracefs, const char *tracepoint)
{
	char path[128], text[32] = "";
	int fd, id;
	ssize_t n;

	snprintf(path, sizeof(path), "events/%s/id", tracepoint);
	fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	id = n < 0 ? -errno : atoi(text);
	close(fd);
	return id > 0 || id < 0 ? id : -ENODATA;
}
