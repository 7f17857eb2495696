// SPDX-License-Identifier: GPL-2.0-only
/* safe_file.c - one step of a path after the other, each from the directory that the one before led to. */
#include "safe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX 40 /* MAXSYMLINKS */
/* A file may come and go between two steps. */
#define ATTEMPTS 16

struct way {
	char rest[PATH_MAX]; /* of the path, without slashes before it */
	int dir;
	struct stat of_dir;
	int links;
	const char *why;
};

static int refuse(struct way *w, const char *why)
{
	w->why = why;
	return -EACCES;
}

static int enter(struct way *w, int fd)
{
	if (fd < 0)
		return -errno;
	if (w->dir >= 0)
		close(w->dir);
	w->dir = fd;
	return fstat(fd, &w->of_dir) < 0 ? -errno : 0;
}

/* What is still to be walked: `target` and behind it `rest`, which may be in w->rest. */
static int set_rest(struct way *w, const char *target, const char *rest)
{
	char whole[2 * PATH_MAX];
	int err = 0;

	if (target[0] == '/')
		err = enter(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	snprintf(whole, sizeof(whole), "%s%s%s", target, *rest ? "/" : "", rest);
	target = whole + strspn(whole, "/");
	if (strlen(target) >= sizeof(w->rest))
		return -ENAMETOOLONG;
	strcpy(w->rest, target);
	return err;
}

/* Others may write into the directory. */
static bool is_shared(const struct way *w)
{
	return w->of_dir.st_mode & S_IWOTH;
}

static bool is_strangers(const struct way *w, const struct stat *file)
{
	return file->st_uid != geteuid() && file->st_uid != w->of_dir.st_uid;
}

static bool in_proc(const struct way *w)
{
	struct statfs fs;

	return fstatfs(w->dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static int follow(struct way *w, const char *name, const struct stat *link, const char *rest)
{
	char target[PATH_MAX];
	ssize_t len;

	if (is_shared(w) && is_strangers(w, link))
		return refuse(w, "it is a symbolic link of another user, in a directory where all "
				 "may write");
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	len = readlinkat(w->dir, name, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	return set_rest(w, target, rest);
}

static int check_directory(struct way *w)
{
	if (is_shared(w) && !(w->of_dir.st_mode & S_ISVTX))
		return refuse(w, "all may rename what is in its directory");
	return 0;
}

static int check_file(struct way *w, const struct stat *file)
{
	int err;

	if (!is_shared(w) || S_ISCHR(file->st_mode) || S_ISDIR(file->st_mode))
		return 0;
	err = check_directory(w);
	if (err)
		return err;
	if (is_strangers(w, file))
		return refuse(w, "it is the file of another user, in a directory where all may "
				 "write");
	if (S_ISREG(file->st_mode) && file->st_nlink > 1)
		return refuse(w, "the file has another name, too, in a directory where all may "
				 "write");
	return 0;
}

/* -EAGAIN: another file has the name by now. */
static int open_last(struct way *w, const char *name, const struct stat *found, int flags,
		     mode_t mode)
{
	struct stat opened;
	int fd, err;

	if (!found) {
		err = check_directory(w);
		if (err)
			return err;
		fd = openat(w->dir, name, flags | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
		return fd >= 0 ? fd : errno == EEXIST ? -EAGAIN : -errno;
	}
	err = flags & O_EXCL ? -EEXIST : check_file(w, found);
	if (err)
		return err;
	fd = openat(w->dir, name, (flags & ~(O_CREAT | O_EXCL)) | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? -EAGAIN : -errno;
	if (fstat(fd, &opened) == 0 && opened.st_dev == found->st_dev &&
	    opened.st_ino == found->st_ino)
		return fd;
	close(fd);
	return -EAGAIN;
}

/* The descriptor, or -errno; *ret_on: there is more to be walked. */
static int step(struct way *w, int flags, mode_t mode, bool *ret_on)
{
	char name[PATH_MAX];
	const char *rest;
	struct stat file;
	bool last;

	*ret_on = false;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(w->rest, "/"), w->rest);
	rest = w->rest + strlen(name);
	last = !*rest;
	rest += strspn(rest, "/");
	/* What the kernel keeps open leads to no path. */
	if (in_proc(w)) {
		int fd = openat(w->dir, w->rest, flags, mode);

		return fd < 0 ? -errno : fd;
	}
	if (fstatat(w->dir, *name ? name : ".", &file, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT || !last || !(flags & O_CREAT))
			return -errno;
		return open_last(w, name, NULL, flags, mode);
	}
	if (S_ISLNK(file.st_mode)) {
		if (last && (flags & O_EXCL))
			return -EEXIST;
		*ret_on = true;
		return follow(w, name, &file, rest);
	}
	if (!last && !*rest && !S_ISDIR(file.st_mode))
		return -ENOTDIR;
	if (!*rest)
		return open_last(w, *name ? name : ".", &file, flags, mode);
	*ret_on = true;
	memmove(w->rest, rest, strlen(rest) + 1);
	return enter(w, openat(w->dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

static int walk(struct way *w, const char *path, int flags, mode_t mode)
{
	int err = enter(w, open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
	bool on = true;

	if (err == 0)
		err = set_rest(w, path, "");
	while (err == 0 && on)
		err = step(w, flags, mode, &on);
	return err;
}

int safe_open(const char *path, int flags, mode_t mode, const char **ret_why)
{
	int fd = -ENOENT;

	flags |= O_CLOEXEC | O_NOCTTY;
	*ret_why = NULL;
	for (int i = 0; i < ATTEMPTS && *path; i++) {
		struct way w = {.dir = -1};

		fd = walk(&w, path, flags, mode);
		if (w.dir >= 0)
			close(w.dir);
		*ret_why = w.why;
		if (fd != -EAGAIN)
			break;
	}
	return fd;
}
