// SPDX-License-Identifier: GPL-2.0-only
/*
 * names.c - the store's files by their names, for a process that has them open and may not come to their directory any more.
 *
 * SQLite opens all it needs before its first transaction.  Later it asks whether the store is still the file of that name, and removes the
 * log as it closes; sqlite3_vfs.xSetSystemCall is made to replace just these calls.
 */
#include "store_names.h"
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const suffixes[STORE_FILES] = {"", "-wal", "-shm", "-journal", "-sent"};
static store_names_fn names;

static enum store_file file_of(const char *path)
{
	size_t len = strlen(path);

	for (int i = STORE_FILES; i-- > 1;) {
		size_t end = strlen(suffixes[i]);

		if (len > end && strcmp(path + len - end, suffixes[i]) == 0)
			return (enum store_file)i;
	}
	return STORE_MAIN;
}

static int fail(int err)
{
	errno = -err;
	return -1;
}

static int remove_name(const char *path)
{
	int err = names(file_of(path), true, NULL);

	return err < 0 ? fail(err) : 0;
}

/* By a descriptor without rights: closing any other would drop this process's locks on the file. */
static int tell_of_name(const char *path, struct stat *ret)
{
	int fd = -1, err = names(file_of(path), false, &fd);

	if (err < 0 || fd < 0)
		return fail(err < 0 ? err : -EIO);
	err = fstat(fd, ret) < 0 ? -errno : 0;
	close(fd);
	return err < 0 ? fail(err) : 0;
}

void store_leave_names(store_names_fn fn)
{
	sqlite3_vfs *base = sqlite3_vfs_find(NULL);

	names = fn;
	base->xSetSystemCall(base, "unlink", (sqlite3_syscall_ptr)remove_name);
	base->xSetSystemCall(base, "stat", (sqlite3_syscall_ptr)tell_of_name);
}

int names_open_sent(const struct store *s, int *ret_fd)
{
	return names ? names(STORE_SENT, false, ret_fd) : store_act(s, STORE_SENT, false, ret_fd);
}

int store_act(const struct store *s, enum store_file file, bool remove, int *ret_fd)
{
	const char *path = sqlite3_db_filename(s->db, "main");
	char name[PATH_MAX];

	if (!path || file >= STORE_FILES || (remove && (file == STORE_MAIN || file == STORE_SENT)))
		return -EINVAL;
	if (file == STORE_SENT) {
		*ret_fd = sent_open(path);
		return *ret_fd < 0 ? *ret_fd : 0;
	}
	snprintf(name, sizeof(name), "%s%s", path, suffixes[file]);
	if (remove)
		return unlink(name) < 0 ? -errno : 0;
	*ret_fd = open(name, O_PATH | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

char *store_uri(const char *path, const char *parameters)
{
	sqlite3_str *s = sqlite3_str_new(NULL);

	sqlite3_str_appendall(s, "file:");
	for (const char *p = path; *p; p++) {
		if (strchr("%?#", *p))
			sqlite3_str_appendf(s, "%%%02x", (unsigned char)*p);
		else
			sqlite3_str_appendchar(s, 1, *p);
	}
	sqlite3_str_appendf(s, "?%s", parameters);
	return sqlite3_str_finish(s);
}
