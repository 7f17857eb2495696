// SPDX-License-Identifier: GPL-2.0-only
#include "walk.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int run(const struct kernel *k, const char *name, uint64_t first, uint64_t second)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(k->skel->obj, name);
	uint64_t args[] = {first, second};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	int err, fd = program ? bpf_program__fd(program) : -ENOENT;

	if (fd < 0)
		return -ENOTSUP; /* not loaded */
	do
		err = bpf_prog_test_run_opts(fd, &opts);
	while (err == -EINTR || err == -EAGAIN);
	return err;
}

/* `path` is /proc/PID or /proc/PID/task/TID; `ret_count` tells how many descriptors it has. */
static int walk_task(struct walk *w, const char *program, const char *path, size_t *ret_count)
{
	int task = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fds = task < 0 ? -1 : openat(task, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A process that has ended has no descriptors; one that may not be looked into may have. */
	bool refused = task >= 0 && fds < 0 && errno == EACCES && access(path, F_OK) == 0;
	DIR *dir = fds < 0 ? NULL : fdopendir(fds);
	struct dirent *entry;
	int err = 0;

	*ret_count = refused;
	if (refused && !w->refused++)
		snprintf(w->refused_path, sizeof(w->refused_path), "%s/fd", path);
	while (dir && !err && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		++*ret_count;
		err = run(w->k, program, (uint64_t)task, strtoul(entry->d_name, NULL, 10));
		if (!err && w->k->skel->bss->walk.count)
			w->fn(w->ctx, &w->k->skel->bss->walk);
	}
	if (dir)
		closedir(dir);
	else if (fds >= 0)
		close(fds);
	if (task >= 0)
		close(task);
	return err;
}

/* A process whose first thread has ended shows its descriptors only in the others. */
static int walk_threads(struct walk *w, const char *program, const char *process)
{
	char path[64];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%.20s/task", process);
	dir = opendir(path);
	while (dir && !err && !count && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/task/%.20s", process, entry->d_name);
		err = walk_task(w, program, path, &count);
	}
	if (dir)
		closedir(dir);
	return err;
}

int walk_descriptors(struct walk *w, const char *program)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir))) {
		char path[64];
		size_t count;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s", entry->d_name);
		err = walk_task(w, program, path, &count);
		if (!err && !count)
			err = walk_threads(w, program, entry->d_name);
	}
	closedir(dir);
	return err;
}

void walk_describe(const struct walk *w, const struct netns_unseen *unseen,
		   struct kernel_error *ret)
{
	size_t len;

	netns_describe(unseen, ret->text, sizeof(ret->text));
	len = strlen(ret->text);
	if (w->refused)
		snprintf(ret->text + len, sizeof(ret->text) - len,
			 "%sthe descriptors of %u process%s could not be looked at (%s%s)",
			 len ? "; " : "", w->refused, w->refused == 1 ? "" : "es",
			 w->refused == 1 ? "" : "first ", w->refused_path);
}

/* NULL: not walked yet. */
static const int *find_walked(const struct walk *w, uint64_t table)
{
	for (size_t i = 0; i < w->seen_count; i++) {
		if (w->seen[i].table == table)
			return &w->seen[i].err;
	}
	return NULL;
}

/* Without memory it is walked twice, which costs time only. */
static void note_walked(struct walk *w, uint64_t table, int err)
{
	struct walked *grown = realloc(w->seen, (w->seen_count + 1) * sizeof(*grown));

	if (!grown)
		return;
	w->seen = grown;
	w->seen[w->seen_count++] = (struct walked){.table = table, .err = err};
}

int walk_table(struct walk *w, enum walk_table table, const char *program)
{
	const struct wire_walk *at = &w->k->skel->bss->walk;
	int type = table == WALK_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int err, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	const int *walked;
	uint64_t here;

	if (fd < 0)
		return -errno;
	err = run(w->k, "walk__begin", (uint64_t)fd, table);
	close(fd);
	if (!err && !at->table)
		err = -EBADMSG;
	if (err)
		return err;
	here = at->table;
	walked = find_walked(w, here);
	if (walked)
		return *walked;
	while (!err && at->bucket <= at->mask) {
		err = run(w->k, program, 0, 0);
		if (!err && at->count)
			w->fn(w->ctx, at);
	}
	err = !err && at->broken ? -EAGAIN : err;
	note_walked(w, here, err);
	return err;
}

/* ---- are these the kernel's types? ---- */

struct self {
	uint64_t cookie;
	uint32_t netns;
	char name[16];
};

/* Gives the socket an address and no port: there may be none left. */
static int know_self(int fd, struct self *ret)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(ret->cookie);
	struct stat st;
	int yes = 1;

	*ret = (struct self){0};
	if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &ret->cookie, &len) < 0 ||
	    stat("/proc/thread-self/ns/net", &st) < 0 || prctl(PR_GET_NAME, ret->name) < 0)
		return -errno;
	ret->netns = (uint32_t)st.st_ino;
	return 0;
}

/* What is read wrongly, NULL nothing. */
static const char *find_wrong(const struct wire_walk *w, const struct self *self)
{
	static const __u8 loopback[4] = {127, 0, 0, 1};
	const struct wire_call *c = &w->seed[0];

	if (w->count != 1)
		return "descriptors";
	if (c->fact.family != AF_INET || c->fact.protocol != IPPROTO_TCP ||
	    c->fact.to != STATE_CLOSE || c->fact.cookie != self->cookie || c->fact.local_port_be ||
	    memcmp(c->fact.local, loopback, sizeof(loopback)) != 0 ||
	    c->fact.options != (WIRE_O_KNOWN | WIRE_O_REUSEADDR))
		return "sockets";
	if (c->fact.netns != self->netns)
		return "network namespaces";
	if (strncmp(c->task.name, self->name, sizeof(self->name)) != 0)
		return "processes";
	return NULL;
}

static const char *why_not(const struct kernel *k, int err)
{
	for (size_t i = 0; i < k->hook_count; i++) {
		if (strncmp(k->hooks[i].hook, "walk/", 5) == 0 && k->hooks[i].status == HOOK_FAILED)
			return k->hooks[i].why;
	}
	return strerror(-err);
}

int walk_check_types(struct kernel *k, struct kernel_error *error)
{
	int process = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *wrong = NULL;
	struct self self;
	int err = process < 0 || fd < 0 ? -errno : know_self(fd, &self);

	if (!err)
		err = run(k, "walk__descriptor", (uint64_t)process, (uint64_t)fd);
	if (!err)
		wrong = find_wrong(&k->skel->bss->walk, &self);
	if (!err && !wrong)
		err = run(k, "walk__begin", (uint64_t)fd, WALK_TCP);
	if (!err && !wrong && (!k->skel->bss->walk.table || k->skel->bss->walk.mask > 1u << 30))
		wrong = "the table of connections";
	if (fd >= 0)
		close(fd);
	if (process >= 0)
		close(process);
	if (err)
		return kernel_fail(error, err, "cannot try the types of %s: %s",
				   k->options.btf_path, why_not(k, err));
	if (!wrong)
		return 0;
	return kernel_fail(error, -EBADMSG,
			   "%s is not the BTF of this kernel: with it %s read wrong; it must come "
			   "from the same build",
			   k->options.btf_path, wrong);
}
