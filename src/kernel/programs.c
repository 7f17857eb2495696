// SPDX-License-Identifier: GPL-2.0-only
/*
 * programs.c - libbpf loads a stub in place of each program, and hands over what it made of the program; this is loaded by as
 * many threads as there are CPUs, and takes the stub's descriptor.
 */
#include "programs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS 4

/* By the beginning of its name.  What is in other sections libbpf loads itself. */
static const struct section {
	const char *name;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
} sections[] = {
	{"tp_btf/", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP},
	{"fentry/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY},
	{"fexit/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT},
	{"raw_tp/", BPF_PROG_TYPE_RAW_TRACEPOINT, 0},
	{"tp/", BPF_PROG_TYPE_TRACEPOINT, 0},
	{"sockops", BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS},
	{"cgroup/sock_create", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE},
	{"cgroup/sock_release", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE},
	{"cgroup/post_bind4", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND},
	{"cgroup/post_bind6", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND},
	{"cgroup/getpeername4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME},
	{"cgroup/getpeername6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETPEERNAME},
	{"cgroup/sendmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG},
	{"cgroup/sendmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG},
};
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

struct job {
	struct bpf_program *program;
	enum bpf_prog_type type;
	struct bpf_prog_load_opts opts; /* points into the object */
	struct bpf_insn *insns;
	size_t count;
	int fd; /* or -errno */
};

struct batch {
	const struct types *types;
	struct job *jobs;
	size_t count, next;
};
/* What is being loaded: libbpf hands over no context. */
static struct batch *loading;

/* What the program hooks; NULL where that has no id. */
static const char *hooked_by(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	for (size_t i = 0; i < SECTIONS; i++) {
		size_t len = strlen(sections[i].name);

		if (sections[i].type == BPF_PROG_TYPE_TRACING &&
		    strncmp(section, sections[i].name, len) == 0)
			return section + len;
	}
	return NULL;
}

static uint32_t id_of(const struct types *types, const struct bpf_program *program)
{
	const bool tracepoint = bpf_program__expected_attach_type(program) == BPF_TRACE_RAW_TP;
	const struct types_function *f = NULL;
	const char *function = hooked_by(program);
	char name[TYPES_NAME];

	snprintf(name, sizeof(name), "%s%s", tracepoint ? "btf_trace_" : "",
		 function ? function : "");
	if (types && function)
		f = types_function(types, name);
	return f ? f->id : 0;
}

/* ---- what libbpf makes of a program ---- */

static int hand_over(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	static const struct bpf_insn stub[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const size_t count = bpf_program__insn_cnt(program);
	struct job *job = &loading->jobs[loading->count];

	*job = (struct job){
		.program = program,
		.type = sections[cookie].type,
		.insns = malloc(count * sizeof(*job->insns)),
		.count = count,
	};
	if (!job->insns)
		return -ENOMEM;
	memcpy(job->insns, bpf_program__insns(program), count * sizeof(*job->insns));
	memcpy(&job->opts, opts, sizeof(job->opts));
	job->opts.sz = sizeof(job->opts);
	/* Where each instruction stands in the source: the kernel would keep and check that for logs that nobody reads. */
	job->opts.line_info_cnt = 0;
	if (!job->opts.attach_btf_id)
		job->opts.attach_btf_id = id_of(loading->types, program);
	loading->count++;

	opts->expected_attach_type = 0;
	opts->attach_btf_id = opts->attach_btf_obj_fd = 0;
	opts->func_info_cnt = opts->line_info_cnt = 0;
	return bpf_program__set_insns(program, (struct bpf_insn *)(uintptr_t)stub, 2);
}

int programs_register(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = hand_over);
	static size_t registered;

	/* The stub's type.  Once and for all, see look_iter.c. */
	for (; registered < SECTIONS; registered++) {
		int id;

		handler.cookie = (long)registered;
		id = libbpf_register_prog_handler(sections[registered].name,
						  BPF_PROG_TYPE_SOCKET_FILTER,
						  sections[registered].attach, &handler);
		if (id < 0)
			return id;
	}
	return 0;
}

/* ---- the kernel's verifier ---- */

static void *load_jobs(void *ctx)
{
	struct batch *batch = ctx;
	size_t i;

	while ((i = __atomic_fetch_add(&batch->next, 1, __ATOMIC_RELAXED)) < batch->count) {
		struct job *job = &batch->jobs[i];

		if (job->type == BPF_PROG_TYPE_TRACING && !job->opts.attach_btf_id)
			job->fd = -ENOENT;
		else
			job->fd = bpf_prog_load(job->type, bpf_program__name(job->program), "GPL",
						job->insns, job->count, &job->opts);
	}
	return NULL;
}

/* The longest first: none is left for the end. */
static int by_length(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

static size_t count_cpus(void)
{
	cpu_set_t cpus;
	size_t count = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : (size_t)CPU_COUNT(&cpus);

	return count < THREADS ? count : THREADS;
}

/* What signals do is the business of this thread. */
static void load_all(struct batch *batch)
{
	size_t threads = 0, wanted = count_cpus() - 1;
	pthread_t thread[THREADS];
	sigset_t all, before;

	qsort(batch->jobs, batch->count, sizeof(*batch->jobs), by_length);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (threads < wanted && pthread_create(&thread[threads], NULL, load_jobs, batch) == 0)
		threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	load_jobs(batch);
	while (threads > 0)
		pthread_join(thread[--threads], NULL);
}

/* Returns -errno where a descriptor that the kernel gave cannot take its place. */
static int take_places(struct batch *batch, programs_refused_fn refused, void *ctx)
{
	int err = 0;

	for (size_t i = 0; i < batch->count; i++) {
		const struct job *job = &batch->jobs[i];

		if (job->fd < 0)
			refused(ctx, job->program, job->fd);
		else if (dup3(job->fd, bpf_program__fd(job->program), O_CLOEXEC) < 0)
			err = -errno;
		if (job->fd >= 0)
			close(job->fd);
	}
	return err;
}

/* What libbpf has read is not needed any more: the pages of the file that nothing else is on. */
static void drop_file(const struct bpf_object_skeleton *skeleton)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t begin = ((uintptr_t)skeleton->data + page - 1) / page * page;
	const uintptr_t end = ((uintptr_t)skeleton->data + skeleton->data_sz) / page * page;

	if (begin < end)
		madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* Where its types do not tell, libbpf searches all there are, those of modules too; what it does not find is refused later. */
static size_t find_hooked(struct bpf_object *object, const struct types *types)
{
	struct bpf_program *program;
	size_t count = 0;

	bpf_object__for_each_program(program, object)
	{
		count++;
		if (bpf_program__autoload(program) && hooked_by(program) && !id_of(types, program))
			bpf_program__set_attach_target(program, 0, hooked_by(program));
	}
	return count;
}

int skeleton_load(struct bpf_object_skeleton *skeleton)
{
	int err = bpf_object__load_skeleton(skeleton);

	for (int i = 0; i < skeleton->map_cnt && !err; i++) {
		const struct bpf_map_skeleton *m = &skeleton->maps[i];

		if (m->mmaped && !*m->mmaped)
			err = -EAGAIN;
	}
	return err;
}

int programs_load(struct bpf_object_skeleton *skeleton, const struct types *types,
		  programs_refused_fn refused, void *ctx)
{
	struct batch batch = {.types = types};
	int err;

	batch.jobs = calloc(find_hooked(*skeleton->obj, types), sizeof(*batch.jobs));
	if (!batch.jobs)
		return -ENOMEM;
	loading = &batch;
	err = skeleton_load(skeleton);
	loading = NULL;
	if (!err) {
		load_all(&batch);
		err = take_places(&batch, refused, ctx);
	}
	drop_file(skeleton);
	for (size_t i = 0; i < batch.count; i++)
		free(batch.jobs[i].insns);
	free(batch.jobs);
	return err;
}
