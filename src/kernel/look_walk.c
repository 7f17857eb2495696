// SPDX-License-Identifier: GPL-2.0-only
/*
 * look_walk.c - a look where the kernel has no iterators, by running the programs of bpf/walk.bpf.c: a system call for a descriptor, or
 * for some dozen buckets of a table.
 */
#include "look_private.h"
#include "programs.h"
#include "wire_walk.h"
#include "types_kept.h"
#include "walk.skel.h"

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

struct walk {
	struct walk_bpf *skel;
	struct walked {
		uint64_t table;
		int err;
	} * seen; /* tables walked already: one may serve every namespace */
	size_t seen_count;
};

static int run(const struct bpf_program *program, uint64_t first, uint64_t second)
{
	uint64_t args[] = {first, second};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	int err, fd = bpf_program__fd(program);

	if (fd < 0)
		return -ENOTSUP; /* not loaded */
	do
		err = bpf_prog_test_run_opts(fd, &opts);
	while (err == -EINTR || err == -EAGAIN);
	return err;
}

static int take(struct look_reader *r, const void *records, size_t size)
{
	return look_take_records(r, records, size) < 0 ? -EBADMSG : 0;
}

static int walk_descriptors(struct look_reader *r, const char *path, uint32_t pid, uint32_t tid)
{
	const struct walk *w = r->state;
	int task = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fds = task < 0 ? -1 : openat(task, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A process that has ended has no descriptors; one that may not be looked into may have. */
	bool refused = task >= 0 && fds < 0 && errno == EACCES && access(path, F_OK) == 0;
	DIR *dir = fds < 0 ? NULL : fdopendir(fds);
	struct dirent *entry;
	int err = 0;

	if (refused && tid == pid && !r->refused++)
		snprintf(r->refused_path, sizeof(r->refused_path), "/proc/%u/fd", pid);
	while (dir && !err && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		err = run(w->skel->progs.walk__descriptor, (uint64_t)task,
			  strtoul(entry->d_name, NULL, 10));
		if (!err && look_is_late(r))
			err = -ETIME;
		if (!err && w->skel->bss->walk.count)
			err = take(r, &w->skel->bss->walk.held, sizeof(struct wire_look_first));
	}
	if (dir)
		closedir(dir);
	else if (fds >= 0)
		close(fds);
	if (task >= 0)
		close(task);
	return err;
}

static int each_task(struct look_reader *r)
{
	return look_each_table(r, walk_descriptors);
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

/* A table of this thread's namespace; one that was walked before answers as then. */
static int walk_table(struct look_reader *r, enum walk_table table)
{
	struct walk *w = r->state;
	const struct bpf_program *const program[] = {
		[WALK_TCP] = w->skel->progs.walk__tcp,
		[WALK_LISTENERS] = w->skel->progs.walk__listeners,
		[WALK_UDP] = w->skel->progs.walk__udp,
	};
	const struct wire_walk *at = &w->skel->bss->walk;
	int type = table == WALK_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int err, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	const int *walked;
	uint64_t here;

	if (fd < 0)
		return -errno;
	err = run(w->skel->progs.walk__begin, (uint64_t)fd, table);
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
		err = run(program[table], 0, 0);
		if (!err && at->count <= WALK_RECORDS)
			err = take(r, at->loose, at->count * sizeof(at->loose[0]));
		if (!err && look_is_late(r))
			err = -ETIME;
	}
	err = !err && at->broken ? -EAGAIN : err;
	note_walked(w, here, err);
	return err;
}

static int each_netns(struct look_reader *r, uint32_t netns, enum look_part part)
{
	int err;

	(void)netns;
	if (part == LOOK_UDP)
		return walk_table(r, WALK_UDP);
	err = walk_table(r, WALK_LISTENERS);
	return err < 0 ? err : walk_table(r, WALK_TCP);
}

static void begin(struct look_reader *r)
{
	struct walk *w = r->state;

	w->seen_count = 0;
	w->skel->bss->wants = r->request->wants;
	w->skel->bss->wanted_netns = r->request->netns;
	w->skel->bss->wanted_port = r->request->port;
}

/* ---- are these the kernel's types? ---- */

#define CHECK_WANTS LOOK_W_OPTIONS

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
	const struct wire_look_first *c = &w->held;

	if (w->count != 1)
		return "descriptors";
	if (c->look.family != AF_INET || c->look.protocol != IPPROTO_TCP ||
	    c->look.state != STATE_CLOSE || c->look.cookie != self->cookie || c->look.local_port ||
	    memcmp(c->look.local, loopback, sizeof(loopback)) != 0 ||
	    c->look.options != (WIRE_O_KNOWN | WIRE_O_REUSEADDR | WIRE_O_KEEPS_ADDR))
		return "sockets";
	if (c->look.netns != self->netns)
		return "network namespaces";
	if (strncmp(c->name, self->name, sizeof(self->name)) != 0)
		return "processes";
	return NULL;
}

/*
 * Reads a socket of our own and ourselves, and compares with what is known of both: 0 when the types the programs were loaded with
 * are this kernel's; -EBADMSG with the error filled when they are not.
 */
static int check_types(struct look_reader *r, struct kernel_error *error)
{
	struct walk *w = r->state;
	const struct wire_walk *walk = &w->skel->bss->walk;
	int process = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *wrong = NULL;
	struct self self;
	int err = process < 0 || fd < 0 ? -errno : know_self(fd, &self);

	w->skel->bss->wants = CHECK_WANTS;
	if (!err)
		err = run(w->skel->progs.walk__descriptor, (uint64_t)process, (uint64_t)fd);
	if (!err)
		wrong = find_wrong(walk, &self);
	if (!err && !wrong)
		err = run(w->skel->progs.walk__begin, (uint64_t)fd, WALK_TCP);
	if (!err && !wrong && (!walk->table || walk->mask > 1u << 30))
		wrong = "the table of connections";
	if (fd >= 0)
		close(fd);
	if (process >= 0)
		close(process);
	if (err)
		return kernel_fail(error, err, "cannot try the types of %s: %s",
				   r->options.btf_path, strerror(-err));
	if (!wrong)
		return 0;
	return kernel_fail(error, -EBADMSG,
			   "%s is not the BTF of this kernel: with it %s read wrong; it must come "
			   "from the same build",
			   r->options.btf_path, wrong);
}

/* ---- loading ---- */

static const char *const programs[] = {"walk__descriptor", "walk__begin", "walk__tcp",
				       "walk__listeners", "walk__udp"};

/* With the types that they reach into, see types.h; else with all there are. */
static int load_programs(struct look_reader *r)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = r->options.btf_path);
	struct walk *w = r->state;
	static const char *const no_functions[] = {NULL};
	struct types types;
	int err = 0;

	w->skel = walk_bpf__open();
	if (!w->skel)
		return -errno;
	if (types_open(&types) == 0 &&
	    types_load_kept(&types, r->options.btf_path, -1, NULL,
			    bpf_object__btf(w->skel->obj), no_functions) == 0)
		opts.btf_custom_path = types.path;
	walk_bpf__destroy(w->skel);
	w->skel = walk_bpf__open_opts(&opts);
	if (w->skel) {
		w->skel->rodata->may_want = r->options.may_want | CHECK_WANTS;
		err = skeleton_load(w->skel->skeleton);
	} else {
		err = -errno;
	}
	types_done(&types);
	return err;
}

static int open_walk(struct look_reader *r, struct kernel_error *error)
{
	int err;

	r->state = calloc(1, sizeof(struct walk));
	err = r->state ? load_programs(r) : -ENOMEM;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct kernel_hook *h = look_hook(r, programs[i]);

		h->status = err ? HOOK_FAILED : HOOK_ATTACHED;
		if (err)
			snprintf(h->why, sizeof(h->why), "does not load: %s", strerror(-err));
	}
	if (err)
		return kernel_fail(error, err, "cannot load the walk's programs: %s",
				   strerror(-err));
	return check_types(r, error);
}

static void close_walk(struct look_reader *r)
{
	struct walk *w = r->state;

	if (!w)
		return;
	walk_bpf__destroy(w->skel);
	free(w->seen);
	free(w);
	r->state = NULL;
}

const struct look_source look_walk = {
	.name = "walk",
	.open = open_walk,
	.begin = begin,
	.each_task = each_task,
	.each_netns = each_netns,
	.close = close_walk,
	.program = {"walk__descriptor", "walk__tcp", "walk__udp"},
};
