// SPDX-License-Identifier: GPL-2.0-only
/* procinfo.c - what /proc says about a process, users' and namespaces' names. */
#include "kernel.h"
#include "netns.h"
#include "procinfo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMAND_MAX 4096
#define USERS	    256
/* Names of namespaces are read again after this long: of one that has ended another may have the inode. */
#define NAMES_FRESH_NS 1000000000u
/* One without a name may have got it meanwhile. */
#define NAMES_MISSED_NS 10000000u

static ssize_t read_file(const char *directory, const char *file, char *out, size_t size)
{
	char path[96];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", directory, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, out, size - 1);
	close(fd);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	return n;
}

static ssize_t read_small(uint32_t pid, const char *file, char *out, size_t size)
{
	char directory[16];

	snprintf(directory, sizeof(directory), "%u", pid);
	return read_file(directory, file, out, size);
}

/* "pid (name) state ppid ...": the name may hold anything, also ") ". */
static int read_stat(uint32_t pid, struct procinfo *p)
{
	char text[1024], *open_paren, *rest;
	unsigned long long start = 0;
	unsigned int parent = 0;
	size_t len;

	if (read_small(pid, "stat", text, sizeof(text)) <= 0)
		return -ESRCH;
	open_paren = strchr(text, '(');
	rest = strrchr(text, ')');
	if (!open_paren || !rest || rest < open_paren)
		return -ESRCH;
	len = (size_t)(rest - open_paren - 1);
	if (len >= sizeof(p->name))
		len = sizeof(p->name) - 1;
	memcpy(p->name, open_paren + 1, len);
	if (sscanf(rest + 1,
		   " %*c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		   "%llu",
		   &parent, &start) == 2) {
		p->parent = parent;
		p->started_ns = start * (1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK));
	}
	return 0;
}

/* "Uid: real effective saved filesystem"; a name's line breaks are escaped there. */
static int read_users(uint32_t pid, struct procinfo *p)
{
	char text[1024];
	const char *line;

	if (read_small(pid, "status", text, sizeof(text)) <= 0)
		return -ESRCH;
	line = strstr(text, "\nUid:");
	return line && sscanf(line, "\nUid: %u %u", &p->ruid, &p->uid) == 2 ? 0 : -ESRCH;
}

/* `directory` is PID or PID/task/TID. */
static char *read_command(const char *directory)
{
	char text[COMMAND_MAX] = "";
	ssize_t n = read_file(directory, "cmdline", text, sizeof(text));

	while (n > 0 && text[n - 1] == '\0')
		n--;
	if (n <= 0)
		return NULL;
	for (ssize_t i = 0; i < n; i++) {
		if (text[i] == '\0')
			text[i] = ' ';
	}
	text[n] = '\0';
	return strdup(text);
}

static char *read_executable(const char *directory)
{
	char path[96], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/exe", directory);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return NULL;
	target[n] = '\0';
	return strdup(target);
}

/* A first thread that has ended has neither: the others do.  A kernel's thread has none either. */
static void read_program(uint32_t pid, struct procinfo *p)
{
	char directory[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(directory, sizeof(directory), "%u", pid);
	p->executable = read_executable(directory);
	p->command = read_command(directory);
	if (p->executable || p->command)
		return;
	snprintf(directory, sizeof(directory), "/proc/%u/task", pid);
	dir = opendir(directory);
	while (dir && !p->executable && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(directory, sizeof(directory), "%u/task/%.16s", pid, entry->d_name);
		p->executable = read_executable(directory);
		if (p->executable)
			p->command = read_command(directory);
	}
	if (dir)
		closedir(dir);
}

/* The last part that systemd calls a service or a scope. */
static char *find_unit(const char *cgroup)
{
	static const char *const kinds[] = {".service", ".scope", ".socket"};
	char *found = NULL;

	while (*cgroup) {
		size_t len = strcspn(cgroup, "/");

		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			size_t kind = strlen(kinds[i]);

			if (len > kind && memcmp(cgroup + len - kind, kinds[i], kind) == 0) {
				free(found);
				found = strndup(cgroup, len);
			}
		}
		cgroup += len;
		cgroup += *cgroup == '/';
	}
	return found;
}

/* Lines of "ID:CONTROLLERS:PATH"; the one of cgroup2 has neither id nor controllers. */
static void read_places(uint32_t pid, char **ret_cgroup, char **ret_container, char **ret_unit)
{
	char text[8192], *line, *save = NULL;

	if (read_small(pid, "cgroup", text, sizeof(text)) <= 0)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *path = strchr(line, ':');
		const char *id;
		size_t len;

		path = path ? strchr(path + 1, ':') : NULL;
		if (!path)
			continue;
		path++;
		if (strncmp(line, "0::", 3) == 0 && !*ret_cgroup)
			*ret_cgroup = strdup(path);
		id = *ret_container ? NULL : container_find(path, &len);
		if (id)
			*ret_container = strndup(id, len);
		if (ret_unit && !*ret_unit)
			*ret_unit = find_unit(path);
	}
}

int procinfo_read(uint32_t pid, struct procinfo *ret)
{
	*ret = (struct procinfo){0};
	if (read_stat(pid, ret) < 0 || read_users(pid, ret) < 0)
		return -ESRCH;
	read_program(pid, ret);
	read_places(pid, &ret->cgroup, &ret->container, &ret->unit);
	return 0;
}

void procinfo_done(struct procinfo *p)
{
	free(p->command);
	free(p->executable);
	free(p->cgroup);
	free(p->container);
	free(p->unit);
	*p = (struct procinfo){0};
}

void procinfo_resolve(struct listing_task *task)
{
	char *cgroup = NULL, *container = NULL;

	if (task->resolved)
		return;
	read_places(task->process.pid, &cgroup, &container, NULL);
	task->process.cgroup = cgroup;
	task->process.container = container;
	task->resolved = true;
}

/* Namespaces that have a name: to read the directories for each of a thousand would take a second. */
static struct {
	struct named {
		uint32_t inode;
		char name[NETNS_NAME_SIZE];
	} * item;
	size_t count;
	uint64_t read_ns;
} names;

static void add_names(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		uint32_t inode = netns_inode_at(dirfd(dir), entry->d_name);
		struct named *grown;

		if (!inode)
			continue;
		grown = realloc(names.item, (names.count + 1) * sizeof(*grown));
		if (!grown)
			break; /* the others go without their names */
		names.item = grown;
		grown[names.count].inode = inode;
		snprintf(grown[names.count++].name, NETNS_NAME_SIZE, "%.*s", NETNS_NAME_SIZE - 1,
			 entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static const char *find_name(uint32_t inode)
{
	for (size_t i = 0; i < names.count; i++) {
		if (names.item[i].inode == inode)
			return names.item[i].name;
	}
	return "";
}

static const char *name_of(uint32_t inode)
{
	const char *name = find_name(inode);
	uint64_t now = kernel_now();

	if (names.read_ns && now - names.read_ns < (*name ? NAMES_FRESH_NS : NAMES_MISSED_NS))
		return name;
	names.count = 0;
	names.read_ns = now;
	add_names("/run/netns");
	add_names("/run/docker/netns");
	return find_name(inode);
}

void procinfo_netns_name(uint32_t inode, struct listing_task *task, char *ret, size_t size)
{
	snprintf(ret, size, "%s", name_of(inode));
	if (ret[0] || !task)
		return;
	procinfo_resolve(task);
	if (task->process.container)
		snprintf(ret, size, "%.12s", task->process.container);
}

uint32_t procinfo_netns_at(const char *path)
{
	return netns_inode_at(AT_FDCWD, path);
}

/*
 * Reads the file itself and not through getpwuid(), which would load the name service's plugins, something that the static
 * program cannot do.
 */
const char *procinfo_user(uint32_t uid)
{
	static struct {
		uint32_t uid;
		char *name;
	} users[USERS];
	static size_t count;
	const struct passwd *user;
	char *name = NULL;
	FILE *file;

	for (size_t i = 0; i < count; i++) {
		if (users[i].uid == uid)
			return users[i].name;
	}
	file = fopen("/etc/passwd", "re");
	while (file && !name && (user = fgetpwent(file))) {
		if (user->pw_uid == uid)
			name = strdup(user->pw_name);
	}
	if (file)
		fclose(file);
	if (count ==
	    USERS) { /* more users hold sockets than this remembers: the oldest is asked again */
		free(users[0].name);
		memmove(users, users + 1, sizeof(users) - sizeof(users[0]));
		count--;
	}
	users[count].uid = uid;
	users[count].name = name;
	return users[count++].name;
}
