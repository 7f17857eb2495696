// SPDX-License-Identifier: GPL-2.0-only
/* kernel.c - life of the loaded programs, and the ring buffer's reader. */
#include "kernel_private.h"
#include "btf_file.h"
#include "capability.h"
#include "look_source.h"
#include "mounts.h"
#include "programs.h"
#include "split_private.h"
#include "types_kept.h"
#include "wire_listener.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* With facts flowing, facts wait this long for the reader: long enough to batch, far below what an
 * eye sees. */
#define NAP_MS 10
/* The ring itself: more than what comes between two turns of its reader, and within a cache; more where
 * --ring asks for more than usual, which helps where the reader comes late. */
#define RING_BYTES (2u << 20)
#define RING_SHARE 32
/* Of what may wait that much may be of processes. */
#define PROCESSES_SHARE 8
/* Failures that are counted together wake nobody. */
#define FOLD_MS 100

/* libbpf's last warning: the reason behind its bare errno. */
static char last_warning[256];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && last_warning[0] == '\0')
		vsnprintf(last_warning, sizeof(last_warning), format, args);
	return 0;
}

/* One tick (CONFIG_HZ): clocks that move with it are that coarse. */
static uint32_t tick_ns(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || tick.tv_sec)
		return 0;
	return (uint32_t)tick.tv_nsec;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t ring_bytes(const struct kernel *k)
{
	size_t all = k->options.ring_bytes, share = larger(RING_BYTES, all / RING_SHARE);

	return all < share ? all : share;
}

/* What waits in memory, since the ring does not hold it. */
static size_t memory_bytes(const struct kernel *k)
{
	return larger(INTAKE_LEAST, k->options.ring_bytes - ring_bytes(k));
}

/* The object, as libbpf is to fit it to this kernel. */
static struct sockwatch_bpf *open_object(const struct kernel *k)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = k->options.btf_path);

	if (k->types.fd >= 0)
		opts.btf_custom_path = k->types.path;
	return sockwatch_bpf__open_opts(&opts);
}

static bool has_filter_ports(const struct kernel *k)
{
	return k->options.filter && k->options.filter->ends;
}

static int set_filter_ports(struct kernel *k)
{
	const uint32_t key = 0;

	if (!has_filter_ports(k))
		return 0;
	return bpf_map__update_elem(k->skel->maps.filter_ports, &key, sizeof(key),
				    k->options.filter_ports, sizeof(*k->options.filter_ports), 0);
}

/* Loads the chosen programs; those that the kernel refuses are dropped.  -errno when nothing is loaded. */
static int load_programs(struct kernel *k)
{
	struct sockwatch_bpf *skel = k->skel ? k->skel : open_object(k);

	last_warning[0] = '\0';
	k->skel = skel;
	if (!skel)
		return -errno;
	hooks_select(k, skel);
	skel->rodata->has_cookie_helper = k->has_cookie_helper;
	skel->rodata->sock_addr_params = k->sock_addr_params;
	skel->rodata->jiffy_ns = tick_ns();
	skel->rodata->ring_bytes = ring_bytes(k);
	skel->rodata->all_bytes = ring_bytes(k) + memory_bytes(k);
	skel->rodata->leaves_out = k->options.filter != NULL;
	if (k->options.filter)
		skel->rodata->filter = *k->options.filter;
	bpf_map__set_autocreate(skel->maps.filter_ports, has_filter_ports(k));
	bpf_map__set_autocreate(skel->maps.kept, has_filter_ports(k));
	bpf_map__set_autocreate(skel->maps.listener_of, k->has_cookie_helper);
	bpf_map__set_max_entries(skel->maps.facts, (uint32_t)ring_bytes(k));
	/* Another file may be of a kernel that gave them other ids. */
	return programs_load(skel->skeleton, k->options.btf_path ? NULL : &k->types, hooks_refused,
			     k);
}

static void unload_programs(struct kernel *k)
{
	sockwatch_bpf__destroy(k->skel);
	k->skel = NULL;
}

/* Loads what is chosen, choosing again where the kernel refuses some of it. */
static int load_chosen(struct kernel *k, struct kernel_error *error)
{
	int err = hooks_suffice(k, error);

	if (err < 0)
		return err;
	do {
		err = load_programs(k);
		if (err < 0) {
			unload_programs(k);
			return kernel_fail(error, err, "cannot load the BPF programs: %s%s%s",
					   strerror(-err), last_warning[0] ? ": " : "",
					   last_warning);
		}
		err = hooks_suffice(k, error);
		if (err < 0 || !hooks_choose_again(k))
			return err;
		unload_programs(k);
	} while (true);
}

static void close_programs(struct kernel *k)
{
	hooks_detach(k);
	intake_close(k->intake);
	k->intake = NULL;
	unload_programs(k);
}

static int open_programs(struct kernel *k, struct kernel_error *error)
{
	struct intake_source sources[INTAKE_LANES];
	int err = load_chosen(k, error);

	if (err < 0)
		return err;
	err = set_filter_ports(k);
	if (err < 0)
		return kernel_fail(error, err, "cannot tell the programs of ports: %s",
				   strerror(-err));
	sources[INTAKE_FACTS] = (struct intake_source){
		.ring_fd = bpf_map__fd(k->skel->maps.facts),
		.ring_bytes = bpf_map__max_entries(k->skel->maps.facts),
		.limit = memory_bytes(k),
		.moved = (volatile uint64_t *)&k->skel->bss->moved_bytes,
	};
	sources[INTAKE_PROCESSES] = (struct intake_source){
		.ring_fd = bpf_map__fd(k->skel->maps.processes),
		.ring_bytes = bpf_map__max_entries(k->skel->maps.processes),
		.limit = larger(INTAKE_LEAST, k->options.ring_bytes / PROCESSES_SHARE),
	};
	k->intake = intake_open(sources, &k->skel->bss->reader_asleep);
	if (!k->intake)
		return kernel_fail(error, -errno, "cannot read the ring buffer of %zu bytes: %s",
				   ring_bytes(k), strerror(errno));
	return 0;
}

/*
 * libbpf looks through all types of the kernel for each that a program reaches into, most of a start's time: it gets those only.
 * The object is opened to learn which, and waits to be loaded.
 */
static int read_types(struct kernel *k)
{
	/* Where the kernel has no types for its own functions, nothing can be hooked by them. */
	const char *const *functions = k->untyped ? &k->functions[TYPES_FUNCTIONS] : k->functions;
	const struct btf *wanted;
	int err = programs_register();

	if (!err)
		err = types_open(&k->types);
	if (err)
		return err;
	k->skel = open_object(k);
	if (!k->skel)
		return -errno;
	wanted = bpf_object__btf(k->skel->obj);
	err = types_load_kept(&k->types, k->options.btf_path, k->options.keep_dir, "types-trace",
			      wanted, functions);
	if (err) {
		types_done(&k->types);
		unload_programs(k);
	}
	return err;
}

/* What the programs are fitted to the kernel with, and what the kernel can check them against. */
static int find_types(struct kernel *k, struct kernel_error *error)
{
	const struct types_function *accept, *sock_addr;
	int err;

	k->untyped = !btf_is_in_kernel();
	if (k->options.btf_path) {
		snprintf(k->btf_place, PLACE_SIZE, "%s", k->options.btf_path);
	} else if (!k->untyped) {
		snprintf(k->btf_place, PLACE_SIZE, "%s", BTF_OF_KERNEL);
	} else if (btf_find(k->btf_place, PLACE_SIZE)) {
		k->options.btf_path = k->btf_place;
	} else {
		return kernel_fail(
			error, -ENOENT,
			"cannot trace: this kernel carries no BTF (" BTF_OF_KERNEL
			") and none was found for it; give that of this very build with --btf "
			"FILE: a vmlinux with .BTF, what pahole --btf_encode_detached makes from "
			"one with debugging information, or a file from an archive such as BTFHub; "
			"sockwatch ls and who do without");
	}
	if (k->options.no_trace)
		return 0;
	err = read_types(k);
	if (k->untyped) {
		k->options.filter = NULL;
		return 0; /* libbpf reads the file, of whatever kind it is */
	}
	if (err < 0)
		return kernel_fail(error, err, "cannot read the kernel's BTF: %s", strerror(-err));
	accept = types_function(&k->types, "inet_csk_accept");
	k->accept_params = accept ? accept->parameters : 0;
	sock_addr = types_function(&k->types, "__cgroup_bpf_run_filter_sock_addr");
	k->sock_addr_params = sock_addr ? sock_addr->parameters : 0;
	k->has_graft = types_function(&k->types, "security_sock_graft");
	k->has_ipv6 = probe_ipv6();
	k->has_cookie_helper = probe_helper(&k->types, "btf_trace_inet_sock_set_state",
					    BPF_TRACE_RAW_TP, BPF_FUNC_get_socket_cookie);
	if (!k->has_cookie_helper)
		k->options.filter = NULL;
	return 0;
}

static int check_ground(struct kernel *k, struct kernel_error *error)
{
	static const struct capability needed[] = {
		{CAP_BPF, CAP_SYS_ADMIN, 1, "CAP_BPF"},
		{CAP_PERFMON, CAP_SYS_ADMIN, 1, "CAP_PERFMON"},
		{CAP_NET_ADMIN, CAP_SYS_ADMIN, 1, "CAP_NET_ADMIN"},
	};
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	char missing[128];
	int err;

	if (capability_missing(needed, sizeof(needed) / sizeof(needed[0]), 1, missing,
			       sizeof(missing)))
		return kernel_fail(error, -EPERM,
				   "cannot trace: this process lacks %s; run as root or give it "
				   "the capability",
				   missing);
	/* Kernels before 5.11 charge maps to this limit; where raising is refused, newer kernels do
	 * not need it. */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	err = find_types(k, error);
	if (err < 0)
		return err;
	k->cgroup_fd = mounts_open("cgroup2", "cgroup.procs", k->cgroup_place, PLACE_SIZE);
	k->tracefs_fd = mounts_open("tracefs", "events/syscalls", k->tracefs_place, PLACE_SIZE);
	return 0;
}

bool kernel_lacks(char *ret, size_t size)
{
	static const struct capability wanted[] = {
		{CAP_SYS_ADMIN, CAP_SYS_ADMIN, 1, "CAP_SYS_ADMIN"},
		{CAP_SYS_PTRACE, CAP_SYS_PTRACE, 1, "CAP_SYS_PTRACE"},
		{CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, 1, "CAP_DAC_READ_SEARCH"},
	};

	return capability_missing(wanted, sizeof(wanted) / sizeof(wanted[0]), 1, ret, size);
}

/* What the tracer asks the kernel for is looked at by programs of their own. */
static int open_look(struct kernel *k, struct kernel_error *error)
{
	struct look_options options = {
		.source = k->untyped ? LOOK_BY_WALK : LOOK_BY_ITERATORS,
		.btf_path = k->options.btf_path,
		.hooks_without = k->options.hooks_without,
		.may_want = UINT32_MAX,
		.keep_dir = k->options.keep_dir,
		.table_bytes = k->options.look_bytes,
		.listener_of = k->skel && k->has_cookie_helper
				       ? bpf_map__fd(k->skel->maps.listener_of)
				       : -1,
		.filter = k->options.filter,
	};
	const struct kernel_hook *rows;

	if (has_filter_ports(k)) {
		options.filter_ports = bpf_map__fd(k->skel->maps.filter_ports);
		options.kept = bpf_map__fd(k->skel->maps.kept);
	}
	k->look = look_open(&options, error);
	if (!k->look)
		return -errno;
	rows = look_hooks(k->look, &k->look_count);
	memcpy(&k->hooks[k->hook_count], rows, k->look_count * sizeof(*rows));
	return 0;
}

struct kernel *kernel_open(const struct kernel_options *options, struct kernel_error *error)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int err;

	if (!k) {
		kernel_fail(error, -ENOMEM, "no memory");
		return NULL;
	}
	k->options = *options;
	k->cgroup_fd = k->tracefs_fd = k->also_fd = k->types.fd = -1;
	hooks_init(k);
	libbpf_set_print(keep_warning);
	err = check_ground(k, error);
	if (!err && !k->options.no_trace)
		err = hooks_choose(k, error);
	if (!err && !k->options.no_trace)
		err = open_programs(k, error);
	if (!err)
		err = open_look(k, error);
	k->options.keep_dir = -1;
	k->leaves_out_ports = has_filter_ports(k);
	k->options.filter = NULL;
	k->options.filter_ports = NULL;
	if (!err) {
		k->places = places_new(k->cgroup_fd);
		err = k->places ? 0 : kernel_fail(error, -ENOMEM, "no memory");
	}
	if (!err)
		return k;
	kernel_close(k);
	errno = -err;
	return NULL;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	look_close(k->look);
	follow_close(k);
	close_programs(k);
	types_done(&k->types);
	places_free(k->places);
	free(k->sysctls);
	free(k->folds);
	if (k->tracefs_fd >= 0)
		close(k->tracefs_fd);
	if (k->cgroup_fd >= 0)
		close(k->cgroup_fd);
	free(k);
}

int kernel_attach(struct kernel *k, struct kernel_error *error)
{
	int err = k->options.no_trace ? 0 : hooks_attach(k, error);

	while (err == 0 && !k->options.no_trace && hooks_choose_again(k)) {
		look_close(k->look);
		k->look = NULL;
		close_programs(k);
		err = open_programs(k, error);
		if (err == 0)
			err = open_look(k, error);
		if (err == 0)
			err = hooks_attach(k, error);
	}
	return err;
}

void kernel_raise(struct kernel *k)
{
	if (k->intake)
		intake_raise(k->intake);
}

int kernel_start(struct kernel *k, struct kernel_error *error)
{
	int err = k->intake ? intake_start(k->intake) : 0;

	return err < 0 ? kernel_fail(error, err,
				     "cannot start the thread that reads the ring buffer: %s",
				     strerror(-err))
		       : 0;
}

void kernel_leave_rings(struct kernel *k)
{
	intake_close(k->intake);
	k->intake = NULL;
}

/* A hook is held by either process's descriptor. */
void kernel_detach(struct kernel *k)
{
	if (split_is_used())
		split_detach();
	hooks_detach(k);
	k->detached = true;
}

size_t kernel_drain(struct kernel *k, size_t max, kernel_fact_fn fn, void *ctx)
{
	bool all = false;
	size_t drained = 0, size;
	const void *data;

	while (drained < max) {
		struct fact fact;

		data = intake_peek(k->intake, INTAKE_FACTS, &size);
		/* A lane may be too short for what is in the ring. */
		if (!data && !all) {
			uint64_t now = kernel_now();

			all = intake_move(k->intake);
			if (all)
				k->moved_ns = now;
			data = intake_peek(k->intake, INTAKE_FACTS, &size);
		}
		if (!data)
			break;
		if (fact_decode(&fact, data, size) < 0) {
			k->malformed++;
		} else {
			follow_until(k, fact.time_ns);
			fn(ctx, &fact);
			if (fact.time_ns > k->read_ns)
				k->read_ns = fact.time_ns;
		}
		intake_drop(k->intake, INTAKE_FACTS);
		drained++;
	}
	if (all && drained < max) {
		if (k->moved_ns > k->read_ns)
			k->read_ns = k->moved_ns;
		follow_until(k, k->read_ns);
	}
	k->busy |= drained > 0;
	fold_drain(k, fn, ctx);
	return drained;
}

uint64_t kernel_read_until(const struct kernel *k)
{
	return k->read_ns;
}

void kernel_wait(struct kernel *k, int timeout_ms)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000};

	if (k->busy) {
		k->busy = false;
		nanosleep(&nap, NULL);
		return;
	}
	if (fold_is_waiting(k) && timeout_ms > FOLD_MS)
		timeout_ms = FOLD_MS;
	intake_wait(k->intake, k->also_fd, timeout_ms);
}

void kernel_wait_also(struct kernel *k, int fd)
{
	k->also_fd = fd;
}

static uint64_t count_lost(void *ctx, unsigned int which)
{
	const struct kernel *k = ctx;
	const volatile __u64 *const want[] = {
		[WANT_CALL] = &k->skel->bss->calls_full,
		[WANT_SHARE] = &k->skel->bss->over_share,
		[WANT_FOLD] = &k->skel->bss->unfolded,
		[WANT_RUN] = &k->missed_calls,
	};

	return which < WIRE_KINDS ? *(volatile __u64 *)&k->skel->bss->lost[which]
				  : *want[which - WIRE_KINDS];
}

uint64_t kernel_lost_for(const struct kernel *k, enum kernel_want want)
{
	return k->lost.want[want];
}

uint64_t kernel_lost(struct kernel *k, uint64_t ret_by_kind[WIRE_KINDS])
{
	uint64_t sum;

	missed_read(k);
	if (k->skel)
		lost_read(&k->lost, count_lost, k);
	memcpy(ret_by_kind, k->lost.by_kind, sizeof(k->lost.by_kind));
	ret_by_kind[WIRE_NONE] = k->malformed + look_malformed(k->look);
	sum = k->lost.want[WANT_CALL] + k->lost.want[WANT_RUN];
	for (int i = 0; i < WIRE_KINDS; i++)
		sum += ret_by_kind[i];
	return sum;
}

bool kernel_leaves_out_ports(const struct kernel *k)
{
	return k->leaves_out_ports;
}

const struct kernel_hook *kernel_hooks(const struct kernel *k, size_t *ret_count)
{
	*ret_count = k->hook_count + k->look_count;
	return k->hooks;
}

struct look_reader *kernel_look(const struct kernel *k)
{
	return k->look;
}

uint64_t kernel_waiting_bytes(const struct kernel *k)
{
	return k->skel ? *(volatile uint64_t *)&k->skel->bss->moved_bytes : 0;
}

enum kernel_tier kernel_tier_chosen(const struct kernel *k)
{
	return k->tier;
}

const char *kernel_cgroup_place(const struct kernel *k)
{
	return k->cgroup_fd >= 0 ? k->cgroup_place : NULL;
}

const char *kernel_btf_place(const struct kernel *k)
{
	return k->btf_place;
}

const char *kernel_tracefs_place(const struct kernel *k)
{
	return k->tracefs_fd >= 0 ? k->tracefs_place : NULL;
}

int kernel_run_listeners(struct kernel *k)
{
	uint64_t args[1] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	int err, fd = k->skel ? bpf_program__fd(k->skel->progs.run__listeners) : -1;

	if (fd < 0)
		return -ENOTSUP;
	do
		err = bpf_prog_test_run_opts(fd, &opts);
	while (err == -EINTR || err == -EAGAIN);
	return err;
}

int kernel_look_at_listeners(struct kernel *k, struct wire_listener *list, size_t count)
{
	struct wire_listener *asked;
	int err;

	if (!k->skel || count > LISTENERS_ASKED)
		return -ENOTSUP;
	/* Memory that the programs, this process and the helper share. */
	asked = k->skel->bss->listeners;
	memset(asked, 0, sizeof(*asked) * LISTENERS_ASKED);
	memcpy(asked, list, count * sizeof(*list));
	err = split_is_used() ? split_run_listeners() : kernel_run_listeners(k);
	if (err == 0)
		memcpy(list, asked, count * sizeof(*list));
	return err;
}
