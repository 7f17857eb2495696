// SPDX-License-Identifier: GPL-2.0-only
/*
 * look_iter.c - a look through the iterators of bpf/look.bpf.c: task_file for all descriptors of all tasks, all namespaces at once;
 * beside it, for each namespace, tcp and udp.
 *
 * Most of what the namespaces tell is there already; the rest has no descriptor: minisocks, orphans, what waits for accept(), a
 * descriptor in flight over a Unix socket, a subflow of MPTCP, a socket of the kernel itself.
 */
#include "look_private.h"
#include "look.skel.h"
#include "programs.h"
#include "types_kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* At least what the kernel gives at once. */
#define READ_BYTES (64u << 10)
/* 149,000 sockets: what waits so has its tables read beside its descriptors. */
#define TABLE_BYTES (16u << 20)

static const char *const programs[LOOK_PROGRAMS] = {"look_held", "look_tcp", "look_udp"};

static const char *const wanted_functions[] = {"bpf_iter_task_file", "bpf_iter_tcp", "bpf_iter_udp",
					       NULL};

struct iterators {
	struct look_bpf *skel;
	struct types types;
	int link[LOOK_PROGRAMS]; /* -1 left out */
};

/* ---- iterators ---- */

/* Pages that nothing was written to cost nothing, and none is moved while another thread runs. */
static int tables_map(struct look_reader *r)
{
	const size_t size = r->options.table_bytes ? r->options.table_bytes : TABLE_BYTES;
	void *data;

	if (r->tables.data)
		return 0;
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		return -errno;
	r->tables.data = data;
	r->tables.size = size;
	return 0;
}

static int read_all(struct look_reader *r, int link)
{
	struct look_beside *b = &r->tables;
	int fd = bpf_iter_create(link);
	int err = fd < 0 ? -errno : tables_map(r);

	while (!err) {
		ssize_t n;

		if (b->size - b->len < READ_BYTES) {
			err = look_tell_tables(r);
			if (err)
				break;
		}
		n = read(fd, b->data + b->len, b->size - b->len);
		if (n == 0)
			break;
		if (n > 0)
			b->len += (size_t)n;
		else if (errno != EINTR && errno != EAGAIN)
			err = -errno;
		if (!err && look_is_late(r))
			err = -ETIME;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int read_tasks(struct look_reader *r)
{
	struct iterators *it = r->state;
	int fd, err;
	char *data = malloc(2 * READ_BYTES);
	size_t len = 0;

	it->skel->bss->last_task = it->skel->bss->last_started = 0;
	fd = bpf_iter_create(it->link[LOOK_TASKS]);
	err = fd < 0 ? -errno : 0;
	if (!data && !err)
		err = -ENOMEM;
	while (!err) {
		ssize_t n, taken;

		r->time_ns = kernel_now();
		n = read(fd, data + len, 2 * READ_BYTES - len);
		if (n == 0)
			break;
		if (n < 0) {
			err = errno != EINTR && errno != EAGAIN ? -errno
			      : look_is_late(r)			? -ETIME
								: 0;
			continue;
		}
		len += (size_t)n;
		taken = look_take_records(r, data, len);
		if (taken < 0) {
			err = (int)taken;
			break;
		}
		len -= (size_t)taken;
		memmove(data, data + taken, len);
		if (look_is_late(r))
			err = -ETIME;
	}
	free(data);
	if (fd >= 0)
		close(fd);
	return err;
}

static void begin(struct look_reader *r)
{
	struct iterators *it = r->state;

	it->skel->bss->wants = r->request->wants;
	it->skel->bss->wanted_netns = r->request->netns;
	it->skel->bss->wanted_port = r->request->port;
	it->skel->bss->until_ns = r->request->until_ns;
	it->skel->bss->asked_only = r->request->asked_only;
}

static int each_task(struct look_reader *r)
{
	struct iterators *it = r->state;

	return it->link[LOOK_TASKS] < 0 ? -ENOTSUP : read_tasks(r);
}

/* Half of a table would look like all of it: where it was not handed out yet it is left out. */
static int each_netns(struct look_reader *r, uint32_t netns, enum look_part part)
{
	struct iterators *it = r->state;
	size_t before = r->tables.len;
	uint64_t told = r->tables.told;
	int err;

	if (it->link[part] < 0)
		return -ENOTSUP;
	it->skel->bss->this_netns = netns;
	err = read_all(r, it->link[part]);
	if (err)
		r->tables.len = r->tables.told == told ? before : 0;
	return err;
}

/* ---- loading ---- */

/*
 * libbpf would read all of the kernel's types once more to attach by name; the ids are known already.  So the programs pretend
 * to need none until they are loaded.
 */
static const struct types *loading;

static int prepare_program(struct bpf_program *program, struct bpf_prog_load_opts *opts,
			   long cookie)
{
	const char *section = bpf_program__section_name(program);

	(void)cookie;
	opts->expected_attach_type = BPF_TRACE_ITER;
	for (int i = 0; i < LOOK_PROGRAMS; i++) {
		if (strcmp(section + strlen("look/"), wanted_functions[i] + strlen("bpf_iter_")) ==
		    0)
			opts->attach_btf_id = loading->function[i].id;
	}
	if (!opts->attach_btf_id)
		return -ENOENT;
	return bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);
}

static int register_sections(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = prepare_program);
	static int id;

	/* Once and for all: libbpf 1.1 frees its list with the last handler and goes on using it. */
	if (id <= 0)
		id = libbpf_register_prog_handler("look/", BPF_PROG_TYPE_SOCKET_FILTER, 0,
						  &handler);
	return id < 0 ? id : 0;
}

/* The program of a part, as the kernel takes it. */
static struct bpf_program *program_of(const struct iterators *it, enum look_part part)
{
	if (part == LOOK_TASKS)
		return it->skel->rodata->has_cookie_helper ? it->skel->progs.look_held
							   : it->skel->progs.look_held_plain;
	return part == LOOK_TCP ? it->skel->progs.look_tcp : it->skel->progs.look_udp;
}

static int open_object(struct iterators *it)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = it->types.path);

	it->skel = look_bpf__open_opts(&opts);
	return it->skel ? 0 : -errno;
}

static int load_types(struct look_reader *r)
{
	struct iterators *it = r->state;
	const struct btf *wanted = bpf_object__btf(it->skel->obj);

	loading = &it->types;
	return types_load_kept(&it->types, r->options.btf_path, r->options.keep_dir, "types",
			       wanted, wanted_functions);
}

/* One of the tracer's, where it has it: programs that do not use it are loaded without. */
static int share_map(struct bpf_map *map, bool used, int fd)
{
	return used ? bpf_map__reuse_fd(map, fd) : bpf_map__set_autocreate(map, false);
}

/* `cookies`: with the helpers that came in 5.11 and 5.12. */
static int load_programs(struct look_reader *r, bool cookies)
{
	struct iterators *it = r->state;
	const struct wire_filter *filter = cookies ? r->options.filter : NULL;
	bool listeners = cookies && r->options.listener_of >= 0, ports = filter && filter->ends;
	int err;

	it->skel->rodata->has_cookie_helper = cookies;
	it->skel->rodata->may_want = r->options.may_want;
	it->skel->rodata->has_listener_of = listeners;
	err = share_map(it->skel->maps.listener_of, listeners, r->options.listener_of);
	it->skel->rodata->leaves_out = filter != NULL;
	if (filter)
		it->skel->rodata->filter = *filter;
	if (!err)
		err = share_map(it->skel->maps.filter_ports, ports, r->options.filter_ports);
	if (!err)
		err = share_map(it->skel->maps.kept, ports, r->options.kept);
	bpf_program__set_autoload(
		cookies ? it->skel->progs.look_held_plain : it->skel->progs.look_held, false);
	for (enum look_part part = LOOK_TASKS; part < LOOK_PROGRAMS; part++) {
		if (look_leaves_out(r, look_hook(r, programs[part])->hook))
			bpf_program__set_autoload(program_of(it, part), false);
	}
	if (!err)
		err = skeleton_load(it->skel->skeleton);
	if (err) {
		look_bpf__destroy(it->skel);
		it->skel = NULL;
	}
	return err;
}

static int link_programs(struct look_reader *r)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	struct iterators *it = r->state;

	for (enum look_part i = LOOK_TASKS; i < LOOK_PROGRAMS; i++) {
		struct kernel_hook *h = look_hook(r, programs[i]);

		if (look_leaves_out(r, h->hook)) {
			h->status = HOOK_FAILED;
			snprintf(h->why, sizeof(h->why), "left out by --hooks");
			continue;
		}
		it->link[i] = bpf_link_create(bpf_program__fd(program_of(it, i)), 0, BPF_TRACE_ITER,
					      &opts);
		if (it->link[i] < 0)
			return -errno;
		h->status = HOOK_ATTACHED;
	}
	return 0;
}

static int open_iterators(struct look_reader *r, struct kernel_error *error)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	struct iterators *it = calloc(1, sizeof(*it));
	int err;

	(void)error;
	if (!it)
		return -ENOMEM;
	it->types.fd = -1;
	for (int i = 0; i < LOOK_PROGRAMS; i++)
		it->link[i] = -1;
	r->state = it;
	err = types_open(&it->types);
	if (!err)
		err = register_sections();
	if (!err)
		err = open_object(it);
	if (!err)
		err = load_types(r);
	if (err)
		return err;
	/* Kernels before 5.11 charge maps to this limit. */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	err = load_programs(r, true);
	if (err && !r->options.filter) {
		err = open_object(it);
		err = err ? err : load_programs(r, false);
	}
	types_done(&it->types);
	return err ? err : link_programs(r);
}

static void close_iterators(struct look_reader *r)
{
	struct iterators *it = r->state;

	for (int i = 0; it && i < LOOK_PROGRAMS; i++) {
		if (it->link[i] >= 0)
			close(it->link[i]);
	}
	if (it) {
		look_bpf__destroy(it->skel);
		types_done(&it->types);
	}
	free(it);
	r->state = NULL;
}

const struct look_source look_iterators = {
	.name = "iterators",
	.open = open_iterators,
	.begin = begin,
	.each_task = each_task,
	.each_netns = each_netns,
	.close = close_iterators,
	.program = {"look_held", "look_tcp", "look_udp"},
	.beside = true,
};
