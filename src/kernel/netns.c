// SPDX-License-Identifier: GPL-2.0-only
#include "capability.h"
#include "inodes.h"
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HOME	    "/proc/thread-self/ns/net"
#define HOME_MOUNTS "/proc/thread-self/mountinfo"
#define HOME_FILE   "/proc/thread-self/net/dev"
#define OPEN_FLAGS  (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* ---- the search ---- */

/* A file that shows namespace `inode`.  True ends the search. */
typedef bool (*found_fn)(void *ctx, const char *path, ino_t inode);

struct search {
	found_fn fn;
	void *ctx;
	dev_t nsfs;
	struct inodes mounts; /* mount namespaces that were read */
	/*
	 * Processes that refuse to show their namespace, one for each namespace: each namespace has
	 * its own files below /proc/PID/net, which everybody may stat.
	 */
	struct secretive {
		ino_t file;
		int err;
		char path[NETNS_PATH];
	} * secretive;
	size_t secretive_count;
};

/* A process may end between any two steps; one that has ended, and was not waited for, is in no namespace. */
static void note_refusal(struct search *s, const char *task, int err)
{
	struct secretive *grown, *one;
	char file[NETNS_PATH];
	struct stat st = {0};

	snprintf(file, sizeof(file), "%.200s/net/dev", task);
	if ((err != EACCES && err != EPERM) ||
	    (stat(file, &st) < 0 && errno != EACCES && errno != EPERM))
		return;
	for (size_t i = 0; i < s->secretive_count; i++) {
		if (s->secretive[i].file == st.st_ino)
			return;
	}
	grown = realloc(s->secretive, (s->secretive_count + 1) * sizeof(*grown));
	if (!grown)
		return;
	s->secretive = grown;
	one = &grown[s->secretive_count++];
	*one = (struct secretive){.file = st.st_ino, .err = -err};
	snprintf(one->path, sizeof(one->path), "%.200s/ns/net", task);
}

/* 1 ends the search; -errno: the file does not say. */
static int look_at_file(const struct search *s, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	return st.st_dev == s->nsfs && s->fn(s->ctx, path, st.st_ino);
}

/* \040 and its like; in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned int byte;

		if (from[0] == '\\' && sscanf(from + 1, "%3o", &byte) == 1 && from[1] && from[2] &&
		    from[3]) {
			*to = (char)byte;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* 36 35 0:4 net:[4026532281] /run/netns/x rw shared:1 - nsfs nsfs rw: seen from `root`. */
static bool look_at_mount(const struct search *s, char *line, const char *root)
{
	char path[NETNS_PATH + PATH_MAX];
	int point = 0, end = 0, n;
	unsigned long inode;

	if (sscanf(line, "%*s %*s %*s net:[%lu] %n%*s%n", &inode, &point, &end) != 1 ||
	    end <= point)
		return false;
	line[end] = '\0';
	unescape(line + point);
	if (snprintf(path, sizeof(path), "%s%s", root, line + point) >= (int)sizeof(path))
		return false;
	n = look_at_file(s, path);
	/* Unmounted meanwhile, or below another mount; else it is there and refuses. */
	return n < 0 ? n != -ENOENT && n != -ENOTDIR && s->fn(s->ctx, path, inode) : n;
}

static bool look_at_mounts(const struct search *s, const char *mounts, const char *root)
{
	FILE *file = fopen(mounts, "re");
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	while (file && !found && getline(&line, &size, file) > 0)
		found = look_at_mount(s, line, root);
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* The mounts of a task, once for each mount namespace. */
static bool look_at_mounts_of(struct search *s, const char *task)
{
	char path[NETNS_PATH], root[NETNS_PATH];
	struct stat st;
	bool found;

	snprintf(path, sizeof(path), "%.200s/ns/mnt", task);
	if (stat(path, &st) < 0 || inodes_have(&s->mounts, st.st_ino))
		return false;
	snprintf(path, sizeof(path), "%.200s/mountinfo", task);
	snprintf(root, sizeof(root), "%.200s/root", task);
	found = look_at_mounts(s, path, root);
	/* If it ended meanwhile the next one in there is asked. */
	if (access(path, F_OK) == 0)
		inodes_add(&s->mounts, st.st_ino);
	return found;
}

typedef bool (*task_fn)(struct search *s, const char *task);

/* Every entry of `directory` whose name is a number. */
static bool each_task(struct search *s, const char *directory, task_fn fn)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		char path[NETNS_PATH];

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "%.200s/%.20s", directory, entry->d_name);
		found = fn(s, path);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* `task` is /proc/PID or /proc/PID/task/TID. */
static int look_at_task(const struct search *s, const char *task)
{
	char path[NETNS_PATH];

	snprintf(path, sizeof(path), "%.200s/ns/net", task);
	return look_at_file(s, path);
}

static bool look_at_process(struct search *s, const char *process)
{
	int found = look_at_task(s, process);

	if (found < 0)
		note_refusal(s, process, -found);
	return found > 0;
}

static bool look_at_thread(struct search *s, const char *thread)
{
	return look_at_task(s, thread) > 0 || look_at_mounts_of(s, thread);
}

/* The directory has two links and one for each thread: fs/proc/base.c, proc_task_getattr(). */
static bool look_at_threads(struct search *s, const char *process)
{
	char tasks[64];
	struct stat st;

	snprintf(tasks, sizeof(tasks), "%.40s/task", process);
	if (stat(tasks, &st) < 0)
		return false;
	return st.st_nlink > 3 ? each_task(s, tasks, look_at_thread)
			       : look_at_mounts_of(s, process);
}

/* The places that most often lead to the namespace come first. */
static bool search(struct search *s)
{
	struct stat st;
	bool found;

	if (stat(HOME, &st) < 0)
		return false;
	s->nsfs = st.st_dev;
	found = look_at_file(s, HOME) > 0 || each_task(s, "/proc", look_at_process);
	if (!found && stat("/proc/thread-self/ns/mnt", &st) == 0 &&
	    inodes_add(&s->mounts, st.st_ino))
		found = look_at_mounts(s, HOME_MOUNTS, "");
	return found || each_task(s, "/proc", look_at_threads);
}

static void search_done(struct search *s)
{
	inodes_done(&s->mounts);
	free(s->secretive);
}

void netns_count_unseen(struct netns_unseen *u, const char *path, int err)
{
	if (u->namespaces++)
		return;
	u->err = err;
	snprintf(u->path, sizeof(u->path), "%s", path);
}

/* ---- visits ---- */

/* Below the command line nothing else ends the process, or writes: see netns.h. */
static void go_home(int home)
{
	static const char words[] = "sockwatch: cannot return to the network namespace this "
				    "process was started in: ending\n";

	if (setns(home, CLONE_NEWNET) == 0)
		return;
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(1);
}

static bool is_netns(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC &&
	       ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

enum entered { GONE, REFUSED, VISITED };

/*
 * Visits the namespace at `path`, if its inode is still `wanted`, and comes back.  *ret_err: why it
 * refused, or what the visit said.
 */
static enum entered enter(int home, const char *path, ino_t wanted, int (*visit)(void *ctx),
			  void *ctx, int *ret_err)
{
	int fd = open(path, OPEN_FLAGS);
	enum entered result = GONE;
	struct stat st;

	*ret_err = fd < 0 ? -errno : 0;
	if (fd < 0) /* a process that ends between two steps refuses before it is gone */
		return errno == ENOENT || lstat(path, &st) < 0 ? GONE : REFUSED;
	if (is_netns(fd) && fstat(fd, &st) == 0 && st.st_ino == wanted) {
		if (setns(fd, CLONE_NEWNET) < 0) {
			*ret_err = -errno;
			result = REFUSED;
		} else {
			*ret_err = visit(ctx);
			go_home(home);
			result = VISITED;
		}
	}
	close(fd);
	return result;
}

struct tour {
	const struct netns_visitor *v;
	void *ctx;
	int home, first_err;
	size_t seen_count;
	struct inodes entered, files; /* HOME_FILE in each */
	struct refused {
		ino_t inode; /* 0: entered by another path since */
		int err;
		char path[NETNS_PATH];
	} * refused;
	size_t refused_count;
	bool no_memory;
};

static struct refused *find_refused(const struct tour *t, ino_t inode)
{
	for (size_t i = 0; i < t->refused_count; i++) {
		if (t->refused[i].inode == inode)
			return &t->refused[i];
	}
	return NULL;
}

static void refuse(struct tour *t, const char *path, ino_t inode, int err)
{
	struct refused *r = find_refused(t, inode), *grown;

	if (!r) {
		grown = realloc(t->refused, (t->refused_count + 1) * sizeof(*grown));
		if (!grown) {
			t->no_memory = true;
			return;
		}
		t->refused = grown;
		r = &grown[t->refused_count++];
	}
	*r = (struct refused){.inode = inode, .err = err};
	snprintf(r->path, sizeof(r->path), "%s", path);
	t->first_err = t->first_err ? t->first_err : err;
}

static int visit_here(void *ctx)
{
	struct tour *t = ctx;
	struct stat st;

	if (stat(HOME_FILE, &st) == 0)
		t->no_memory |= !inodes_add(&t->files, st.st_ino);
	return t->v->visit(t->ctx);
}

static bool visit_new(void *ctx, const char *path, ino_t inode)
{
	struct tour *t = ctx;
	enum entered result = VISITED;
	struct refused *before;
	int err;

	if (inodes_have(&t->entered, inode))
		return false;
	if (strcmp(path, HOME) == 0)
		err = visit_here(t);
	else
		result = enter(t->home, path, inode, visit_here, t, &err);
	if (result == VISITED)
		t->no_memory |= !inodes_add(&t->entered, inode);
	before = find_refused(t, inode);
	if (result == VISITED && err == 0) {
		t->seen_count++;
		if (before)
			before->inode = 0;
	} else if (result == VISITED || (result == REFUSED && !before)) {
		refuse(t, path, inode, err);
	}
	return t->no_memory;
}

static void tell_unseen(const struct tour *t, const struct search *s, struct netns_unseen *u)
{
	for (size_t i = 0; i < t->refused_count; i++) {
		const struct refused *r = &t->refused[i];

		if (!r->inode)
			continue;
		netns_count_unseen(u, r->path, r->err);
		if (t->v->unseen)
			t->v->unseen(t->ctx, (uint32_t)r->inode);
	}
	for (size_t i = 0; i < s->secretive_count; i++) {
		if (inodes_have(&t->files, s->secretive[i].file))
			continue;
		netns_count_unseen(u, s->secretive[i].path, s->secretive[i].err);
		if (t->v->unseen)
			t->v->unseen(t->ctx, 0);
	}
}

int netns_each(const struct netns_visitor *v, void *ctx, struct netns_unseen *ret)
{
	struct tour t = {.v = v, .ctx = ctx};
	struct search s = {.fn = visit_new, .ctx = &t};

	*ret = (struct netns_unseen){0};
	t.home = open(HOME, OPEN_FLAGS);
	if (t.home < 0)
		return -errno;
	search(&s);
	tell_unseen(&t, &s, ret);
	close(t.home);
	search_done(&s);
	inodes_done(&t.entered);
	inodes_done(&t.files);
	free(t.refused);
	if (t.no_memory)
		return -ENOMEM;
	return t.seen_count ? 0 : t.first_err ? t.first_err : -ENOENT;
}

bool netns_describe(const struct netns_unseen *u, char *ret, size_t size)
{
	const char *needed = "";

	ret[0] = '\0';
	if (!u->namespaces)
		return false;
	if (u->err == -EPERM && !capability_has(CAP_SYS_ADMIN))
		needed = "; CAP_SYS_ADMIN is needed";
	if (u->err == -EACCES && !capability_has(CAP_SYS_PTRACE))
		needed = "; CAP_SYS_PTRACE is needed";
	snprintf(ret, size, "%u network namespace%s could not be looked at (%s%s: %s%s)",
		 u->namespaces, u->namespaces == 1 ? "" : "s", u->namespaces == 1 ? "" : "first ",
		 u->path, strerror(-u->err), needed);
	return true;
}

/* ---- one namespace ---- */

static bool keep_match(void *ctx, const char *path, ino_t inode)
{
	struct netns_at *at = ctx;

	if ((uint32_t)inode != at->netns || strlen(path) >= sizeof(at->path))
		return false;
	snprintf(at->path, sizeof(at->path), "%s", path);
	return true;
}

bool netns_find(uint32_t netns, uint32_t pid, struct netns_at *ret, struct netns_unseen *ret_unseen)
{
	struct search s = {.fn = keep_match, .ctx = ret};
	bool found;

	*ret = (struct netns_at){.netns = netns};
	if (netns == netns_here()) {
		snprintf(ret->path, sizeof(ret->path), HOME);
		return true;
	}
	snprintf(ret->path, sizeof(ret->path), "/proc/%u/ns/net", pid);
	if (pid && netns_still_there(ret))
		return true;
	ret->path[0] = '\0';
	found = search(&s);
	for (size_t i = 0; ret_unseen && i < s.secretive_count; i++)
		netns_count_unseen(ret_unseen, s.secretive[i].path, s.secretive[i].err);
	search_done(&s);
	return found;
}

bool netns_still_there(const struct netns_at *at)
{
	return netns_inode_at(AT_FDCWD, at->path) == at->netns;
}

int netns_visit(const struct netns_at *at, int (*visit)(void *ctx), void *ctx)
{
	int err, home;

	if (strcmp(at->path, HOME) == 0)
		return visit(ctx);
	home = open(HOME, OPEN_FLAGS);
	if (home < 0)
		return -errno;
	if (enter(home, at->path, at->netns, visit, ctx, &err) == GONE)
		err = 0;
	close(home);
	return err;
}

uint32_t netns_inode_at(int dirfd, const char *name)
{
	struct stat st, home;

	if (stat(HOME, &home) < 0 || fstatat(dirfd, name, &st, 0) < 0 || st.st_dev != home.st_dev)
		return 0;
	return (uint32_t)st.st_ino;
}

uint32_t netns_here(void)
{
	return netns_inode_at(AT_FDCWD, HOME);
}
