// SPDX-License-Identifier: GPL-2.0-only
/* look_tables.c - the tables of descriptors of all processes, for looks that read them through /proc. */
#include "look_private.h"

#include <dirent.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The threads of one process whose descriptors were read. */
struct read_tables {
	uint32_t *tid;
	size_t count, cap;
};

static bool note_read(struct read_tables *t, uint32_t tid)
{
	if (t->count == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;
		uint32_t *grown = realloc(t->tid, cap * sizeof(*grown));

		if (!grown)
			return false;
		t->tid = grown;
		t->cap = cap;
	}
	t->tid[t->count++] = tid;
	return true;
}

/* Without CONFIG_KCMP (before 5.12 it came with checkpoints only) every thread is read; the sink knows one process again. */
static bool was_read(const struct read_tables *t, uint32_t tid)
{
	for (size_t i = t->count; i-- > 0;) {
		if (syscall(SYS_kcmp, t->tid[i], tid, KCMP_FILES, 0, 0) == 0)
			return true;
	}
	return false;
}

/* The directory has two links and one for each thread: fs/proc/base.c, proc_task_getattr(). */
static bool has_threads(uint32_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	return stat(path, &st) == 0 && st.st_nlink > 3;
}

/* The first thread, which comes first, has no descriptors once it has ended. */
static int each_thread(struct look_reader *r, uint32_t pid, look_table_fn fn, struct read_tables *t)
{
	struct dirent *entry;
	char path[64];
	int err = 0;
	DIR *dir;

	t->count = 0;
	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	dir = opendir(path);
	while (dir && !err && (entry = readdir(dir))) {
		uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (!tid || was_read(t, tid))
			continue;
		snprintf(path, sizeof(path), "/proc/%u/task/%u", pid, tid);
		err = note_read(t, tid) ? fn(r, path, pid, tid) : -ENOMEM;
	}
	if (dir)
		closedir(dir);
	return err;
}

int look_each_table(struct look_reader *r, look_table_fn fn)
{
	struct read_tables tables = {0};
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && !look_is_late(r) && (entry = readdir(dir))) {
		uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);
		char path[64];

		if (!pid)
			continue;
		snprintf(path, sizeof(path), "/proc/%u", pid);
		err = has_threads(pid) ? each_thread(r, pid, fn, &tables) : fn(r, path, pid, pid);
	}
	closedir(dir);
	free(tables.tid);
	return err ? err : look_is_late(r) ? -ETIME : 0;
}
