// SPDX-License-Identifier: GPL-2.0-only
/* procinfo.c - what /proc says about a process, users' and namespaces' names. */
#include "clock.h"
#include "hash.h"
#include "kernel.h"
#include "netns.h"
#include "procinfo.h"
#include "runtimes.h"
#include "split_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USERS		  256
#define POD_UID_SIZE	  40
#define CONTAINER_ID_SIZE 65
#define NAMED		  64
#define NAMES_NS	  (5 * 1000000000ull)
/* Names of namespaces are read again after this long: of one that has ended another may have the inode. */
#define NAMES_FRESH_NS 1000000000u
/* One without a name may have got it meanwhile.  Where many have one, reading them takes a hundredth of the time. */
#define NAMES_MISSED_NS 10000000u
#define NAMES_REST	100

static unsigned long refused;
static int refused_for;

/* Notes what this program lacked.  Returns -err. */
static int refuse(int err)
{
	if (err == EMFILE || err == ENFILE || err == ENOMEM) {
		refused++;
		refused_for = err;
	}
	return -err;
}

unsigned long procinfo_refused(int *ret_err)
{
	*ret_err = refused_for;
	return refused;
}

static ssize_t read_file(const char *directory, const char *file, char *out, size_t size)
{
	char path[96];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", directory, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse(errno);
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

/* "pid (name) state ppid ...": the name may hold anything, also ") ".  0 or -errno, -ESRCH for what is no such line. */
static int read_stat(uint32_t pid, struct procinfo *p)
{
	char text[1024], *open_paren, *rest;
	unsigned long long start = 0;
	unsigned int parent = 0;
	char state = 0;
	int threads = 0;
	size_t len;
	ssize_t n;

	n = read_small(pid, "stat", text, sizeof(text));
	if (n <= 0)
		return n < 0 ? (int)n : -ESRCH;
	open_paren = strchr(text, '(');
	rest = strrchr(text, ')');
	if (!open_paren || !rest || rest < open_paren)
		return -ESRCH;
	len = (size_t)(rest - open_paren - 1);
	if (len >= sizeof(p->name))
		len = sizeof(p->name) - 1;
	memcpy(p->name, open_paren + 1, len);
	if (sscanf(rest + 1,
		   " %c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d "
		   "%llu",
		   &state, &parent, &threads, &start) == 4) {
		p->parent = parent;
		/* Other threads may live on behind the first one. */
		p->ended = (state == 'Z' || state == 'X') && threads <= 1;
		p->started_ns = start * (1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK)) -
				(uint64_t)clock_shift_ns();
	}
	return 0;
}

/* "Uid: real effective saved filesystem"; a name's line breaks are escaped there. */
static int read_users(uint32_t pid, struct procinfo *p)
{
	char text[1024];
	const char *line;
	ssize_t n = read_small(pid, "status", text, sizeof(text));

	if (n <= 0)
		return n < 0 ? (int)n : -ESRCH;
	line = strstr(text, "\nUid:");
	return line && sscanf(line, "\nUid: %u %u", &p->ruid, &p->uid) == 2 ? 0 : -ESRCH;
}

/* Arguments, each ended by NUL; NULL where there are none, as of a kernel thread or a zombie.  `directory` is PID or
 * PID/task/TID. */
static char *read_args(const char *directory, size_t *ret_len, bool *ret_cut)
{
	char text[PROCESS_ARGS_MAX + 2];
	ssize_t n = read_file(directory, "cmdline", text, sizeof(text));
	char *args;

	if (n <= 0)
		return NULL;
	*ret_cut = n > PROCESS_ARGS_MAX;
	*ret_len = *ret_cut ? PROCESS_ARGS_MAX : (size_t)n;
	args = malloc(*ret_len + 1);
	if (args) {
		memcpy(args, text, *ret_len);
		args[*ret_len] = '\0';
	}
	return args;
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
static void read_program(uint32_t pid, struct process_reading *ret)
{
	char directory[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(directory, sizeof(directory), "%u", pid);
	ret->exe = read_executable(directory);
	ret->args = read_args(directory, &ret->args_len, &ret->args_cut);
	if (ret->exe || ret->args)
		return;
	snprintf(directory, sizeof(directory), "/proc/%u/task", pid);
	dir = opendir(directory);
	if (!dir)
		refuse(errno);
	while (dir && !ret->exe && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(directory, sizeof(directory), "%u/task/%.16s", pid, entry->d_name);
		ret->exe = read_executable(directory);
		if (ret->exe)
			ret->args = read_args(directory, &ret->args_len, &ret->args_cut);
	}
	if (dir)
		closedir(dir);
}

/* Takes the arguments over: separated by spaces, NULL where there are none. */
static char *join_args(char *args, size_t len)
{
	while (args && len > 0 && args[len - 1] == '\0')
		len--;
	if (!args || len == 0) {
		free(args);
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		if (args[i] == '\0')
			args[i] = ' ';
	}
	return args;
}

/* What one path of a process tells, where no path before has told it; `uid` has room for a pod's. */
static void take_path(struct process_place *place, const char *path, char uid[POD_UID_SIZE])
{
	const char *found;
	size_t len;

	found = place->container ? NULL : container_find(path, &len);
	if (found)
		place->container = strndup(found, len);
	found = place->unit ? NULL : unit_find(path, &len);
	if (found)
		place->unit = strndup(found, len);
	found = uid[0] ? NULL : pod_find(path, &len);
	if (found && len < POD_UID_SIZE) {
		memcpy(uid, found, len);
		uid[len] = '\0';
	}
}

ssize_t procinfo_cgroups(uint32_t pid, char *out, size_t size)
{
	return split_is_used() ? split_cgroups(pid, out, size)
			       : read_small(pid, "cgroup", out, size);
}

/* Lines of "ID:CONTROLLERS:PATH"; the one of cgroup2 has neither id nor controllers. */
static void read_paths(uint32_t pid, struct process_place *place, char uid[POD_UID_SIZE])
{
	char text[8192], *line, *save = NULL;

	if (procinfo_cgroups(pid, text, sizeof(text)) <= 0)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *path = strchr(line, ':');

		path = path ? strchr(path + 1, ':') : NULL;
		if (!path)
			continue;
		if (strncmp(line, "0::", 3) == 0 && !place->cgroup)
			place->cgroup = strdup(path + 1);
		take_path(place, path + 1, uid);
	}
}

static void find_names(const char *id, const char *pod_uid, struct runtime_names *ret)
{
	if (split_is_used())
		split_names(id, pod_uid, &ret->container, &ret->pod);
	else
		runtimes_find("", id, pod_uid, ret);
}

/* What the runtime's files say of a container, asked again after a while: it may have been started a moment ago. */
static const struct runtime_names *names_of(const char *id, const char *uid)
{
	static struct {
		char id[CONTAINER_ID_SIZE];
		uint64_t asked_ns;
		struct runtime_names names;
	} known[NAMED];
	uint64_t now = kernel_now();
	size_t at = 0;

	for (const char *p = id; *p; p++)
		at = at * 31 + (unsigned char)*p;
	at %= NAMED;
	if (strcmp(known[at].id, id) != 0 || now - known[at].asked_ns > NAMES_NS) {
		free(known[at].names.container);
		free(known[at].names.pod);
		snprintf(known[at].id, sizeof(known[at].id), "%s", id);
		known[at].asked_ns = now;
		find_names(id, uid[0] ? uid : NULL, &known[at].names);
	}
	return &known[at].names;
}

static void name_place(struct process_place *place, const char *uid)
{
	const struct runtime_names *names = NULL;

	if (place->container && strlen(place->container) == CONTAINER_ID_SIZE - 1)
		names = names_of(place->container, uid);
	else if (place->container) /* of lxc: its id is its name */
		place->container_name = strdup(place->container);
	if (names && names->container)
		place->container_name = strdup(names->container);
	if (names && names->pod)
		place->pod = strdup(names->pod);
	else if (uid[0])
		place->pod = strdup(uid);
}

void procinfo_place(uint32_t pid, const char *cgroup, struct process_place *ret)
{
	char uid[POD_UID_SIZE] = "";

	if (pid)
		read_paths(pid, ret, uid);
	/* It has moved since, or the number is another's. */
	if (cgroup && ret->cgroup && strcmp(cgroup, ret->cgroup) != 0) {
		process_place_done(ret);
		uid[0] = '\0';
	}
	if (!ret->cgroup && cgroup) {
		ret->cgroup = strdup(cgroup);
		take_path(ret, cgroup, uid);
	}
	name_place(ret, uid);
}

void procinfo_resolve_process(void *ctx, uint32_t pid, uint64_t cgroup_id, const char *cgroup,
			      struct process_place *ret)
{
	(void)ctx;
	(void)cgroup_id;
	procinfo_place(pid, cgroup, ret);
}

bool procinfo_read_process(void *ctx, uint32_t pid, struct process_reading *ret)
{
	struct procinfo p = {0};

	(void)ctx;
	if (split_is_used())
		return refuse(-split_program(pid, ret)) == 0;
	if (read_stat(pid, &p) < 0)
		return false;
	ret->parent = p.parent;
	ret->start_ns = p.started_ns;
	memcpy(ret->name, p.name, sizeof(ret->name));
	read_program(pid, ret);
	return true;
}

/* /proc and the kernel count starts in ticks of their own. */
#define START_SLACK_NS 20000000

bool procinfo_lives(uint32_t pid, uint64_t start_ns)
{
	struct procinfo p = {0};

	/* Where /proc hides it (hidepid) its number is all that can be asked for. */
	if (read_stat(pid, &p) < 0)
		return kill((pid_t)pid, 0) == 0 || errno == EPERM;
	if (p.ended)
		return false;
	return !start_ns || !p.started_ns ||
	       (p.started_ns < start_ns + START_SLACK_NS &&
		start_ns < p.started_ns + START_SLACK_NS);
}

int procinfo_read(uint32_t pid, struct procinfo *ret)
{
	struct process_reading program = {0};
	struct process_place place = {0};
	int err;

	*ret = (struct procinfo){0};
	err = read_stat(pid, ret);
	if (!err)
		err = read_users(pid, ret);
	if (err)
		return err;
	read_program(pid, &program);
	ret->command = join_args(program.args, program.args_len);
	ret->executable = program.exe;
	procinfo_place(pid, NULL, &place);
	ret->cgroup = place.cgroup;
	ret->container = place.container;
	ret->container_name = place.container_name;
	ret->pod = place.pod;
	ret->unit = place.unit;
	return 0;
}

void procinfo_done(struct procinfo *p)
{
	free(p->command);
	free(p->executable);
	free(p->cgroup);
	free(p->container);
	free(p->container_name);
	free(p->pod);
	free(p->unit);
	*p = (struct procinfo){0};
}

struct named {
	uint32_t inode;
	char name[NETNS_NAME_SIZE];
};

/* Of two names the first counts.  To read the directories for each of a thousand namespaces would take a second. */
HASH_TYPE(names, struct named);
HASH_FUNCTIONS(names, struct named, item->inode, hash_u64(item->inode))

static void add_name(void *ctx, uint32_t inode, const char *name)
{
	struct named one = {.inode = inode};

	snprintf(one.name, sizeof(one.name), "%s", name);
	names_add(ctx, one); /* without memory it goes without its name */
}

static void each_name(const char *directory, split_name_fn fn, void *ctx)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		uint32_t inode = netns_inode_at(dirfd(dir), entry->d_name);

		if (inode)
			fn(ctx, inode, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

void procinfo_each_given(split_name_fn fn, void *ctx)
{
	if (split_is_used()) {
		split_namespaces(fn, ctx);
		return;
	}
	each_name("/run/netns", fn, ctx);
	each_name("/run/docker/netns", fn, ctx);
}

static const char *find_name(const struct names *names, uint32_t inode)
{
	for (struct named *n = names_first(names, hash_u64(inode)); n; n = names_next(names, n)) {
		if (n->inode == inode)
			return n->name;
	}
	return NULL;
}

const char *procinfo_netns_given(uint32_t inode)
{
	static struct names names;
	static uint64_t begin_ns, read_ns;
	const char *name = find_name(&names, inode);
	uint64_t now = kernel_now(), missed_ns = (read_ns - begin_ns) * NAMES_REST;

	if (missed_ns < NAMES_MISSED_NS)
		missed_ns = NAMES_MISSED_NS;
	if (!read_ns || now - read_ns >= (name ? NAMES_FRESH_NS : missed_ns)) {
		names_done(&names);
		begin_ns = now;
		procinfo_each_given(add_name, &names);
		read_ns = kernel_now();
		name = find_name(&names, inode);
	}
	return name ? name : "";
}

void procinfo_netns_name(uint32_t inode, struct listing_task *task, char *ret, size_t size)
{
	struct process_place place = {0};
	const char *container;

	snprintf(ret, size, "%s", procinfo_netns_given(inode));
	if (ret[0] || !task)
		return;
	if (!task->process.container && !task->resolved)
		procinfo_place(task->process.pid, NULL, &place);
	container = task->process.container ? task->process.container : place.container;
	if (container)
		snprintf(ret, size, "%.12s", container);
	process_place_done(&place);
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
