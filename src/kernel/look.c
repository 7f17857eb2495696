// SPDX-License-Identifier: GPL-2.0-only
/* look.c - one look: which source, what it takes, and its two halves, descriptors and namespaces. */
#include "btf_file.h"
#include "capability.h"
#include "look_private.h"
#include "split_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BY_ITERATORS 1
#define BY_PROC	     2

/* Each is needed to see what belongs to somebody else. */
static const struct capability needed[] = {
	{CAP_BPF, CAP_SYS_ADMIN, BY_ITERATORS, "CAP_BPF"},
	{CAP_PERFMON, CAP_SYS_ADMIN, BY_ITERATORS, "CAP_PERFMON"},
	{CAP_SYS_ADMIN, CAP_SYS_ADMIN, BY_ITERATORS | BY_PROC, "CAP_SYS_ADMIN"},
	{CAP_SYS_PTRACE, CAP_SYS_PTRACE, BY_ITERATORS | BY_PROC, "CAP_SYS_PTRACE"},
	{CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, BY_PROC, "CAP_DAC_READ_SEARCH"},
};

static bool has_capabilities(struct look_reader *r, unsigned int way)
{
	return !capability_missing(needed, sizeof(needed) / sizeof(needed[0]), way, r->lacks,
				   sizeof(r->lacks));
}

/* ---- programs ---- */

const struct kernel_hook *look_hooks(const struct look_reader *r, size_t *ret_count)
{
	*ret_count = r->hook_count;
	return r->hooks;
}

static void say_why_unused(struct look_reader *r, const char *why_iterators, const char *why_walk)
{
	for (size_t i = 0; i < r->hook_count; i++) {
		struct kernel_hook *h = &r->hooks[i];
		bool walk = strncmp(h->hook, "walk/", 5) == 0;

		if (h->status == HOOK_UNUSED && !h->why[0])
			snprintf(h->why, sizeof(h->why), "%s", walk ? why_walk : why_iterators);
	}
}

/* ---- open ---- */

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int open_source(struct look_reader *r, const struct look_source *source,
		       struct kernel_error *error)
{
	int err;

	r->source = source;
	err = source->open(r, error);
	if (err < 0)
		source->close(r);
	return err;
}

/*
 * Iterators; where the kernel shows no types of its own, the walk, which tries those of a file; or sock_diag and /proc where the
 * kernel takes neither, or not of this process: those show what anybody may see.
 */
static int open_any(struct look_reader *r, struct kernel_error *error)
{
	const bool by_file = r->options.btf_path && !btf_is_in_kernel();
	int err;

	if (!has_capabilities(r, BY_ITERATORS))
		return open_source(r, &look_proc, error);
	err = open_source(r, by_file ? &look_walk : &look_iterators, error);
	if (err == 0 || err == (by_file ? -EBADMSG : -EPERM))
		return err;
	kernel_fail(error, 0, "this kernel takes no %s (%s): looking through sock_diag and /proc",
		    by_file ? "walk through its tables" : "iterators", strerror(-err));
	has_capabilities(r, BY_PROC);
	return open_source(r, &look_proc, error);
}

static int open_chosen(struct look_reader *r, struct kernel_error *error)
{
	int err;

	switch (r->options.source) {
	case LOOK_BY_ANY: return open_any(r, error);
	case LOOK_BY_PROC: has_capabilities(r, BY_PROC); return open_source(r, &look_proc, error);
	case LOOK_BY_WALK: return open_source(r, &look_walk, error);
	case LOOK_BY_ITERATORS: break;
	}
	err = open_source(r, &look_iterators, error);
	if (err < 0)
		kernel_fail(error, err, "this kernel takes no iterators: %s; use --hooks proc",
			    strerror(-err));
	return err;
}

static void close_directory(const struct look_reader *r)
{
	if (r->options.keep_dir >= 0)
		close(r->options.keep_dir);
}

struct look_reader *look_open(const struct look_options *options, struct kernel_error *error)
{
	struct look_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r) {
		kernel_fail(error, -ENOMEM, "no memory");
		return NULL;
	}
	r->options = *options;
	/* What a later look needs is kept, too; where it cannot be, it goes without. */
	r->options.keep_dir =
		options->keep_dir < 0 ? -1 : fcntl(options->keep_dir, F_DUPFD_CLOEXEC, 3);
	look_init_hooks(r);
	error->text[0] = '\0';
	libbpf_set_print(quiet);
	err = open_chosen(r, error);
	say_why_unused(
		r, options->source == LOOK_BY_WALK ? "this kernel carries no BTF" : "not needed",
		"this kernel carries BTF");
	if (err == 0)
		return r;
	close_directory(r);
	free(r);
	errno = -err;
	return NULL;
}

void look_close(struct look_reader *r)
{
	if (!r)
		return;
	r->source->close(r);
	if (r->tables.data)
		munmap(r->tables.data, r->tables.size);
	free(r->seen);
	free(r->kernels);
	inodes_done(&r->toured);
	look_devices_done(&r->devices);
	look_reach_done(r);
	close_directory(r);
	free(r);
}

const char *look_lacks(const struct look_reader *r)
{
	return r->lacks;
}

uint64_t look_malformed(const struct look_reader *r)
{
	return r ? r->malformed : 0;
}

/* ---- take ---- */

static bool is_requested(const struct look_request *q, enum look_part part)
{
	switch (part) {
	case LOOK_TASKS: return q->tasks;
	case LOOK_TCP: return q->tcp;
	case LOOK_UDP: return q->udp;
	case LOOK_UNIX: return q->unix_sockets;
	case LOOK_PARTS: break;
	}
	return false;
}

static int note(struct look_reader *r, enum look_part part, int err)
{
	if (err < 0 && !r->err[part])
		r->err[part] = err;
	return err;
}

static void tell_unseen(const struct look_reader *r, uint32_t netns, unsigned int what)
{
	if (what && r->sink->unseen)
		r->sink->unseen(r->sink->ctx, netns, what);
}

/* False where nothing else of the namespace can be told. */
static bool tell_range(struct look_reader *r, uint32_t netns)
{
	bool all = r->request->ranges == LOOK_RANGES_ALL;
	struct port_range range;

	if (r->request->ranges == LOOK_RANGES_NONE || !r->sink->netns)
		return true;
	if (!sysctls_read_here(all, &range)) {
		range = (struct port_range){0};
		if (all) {
			r->ranges_unseen++;
			tell_unseen(r, netns, UNSEEN_RANGE);
			return false;
		}
	}
	r->sink->netns(r->sink->ctx, netns, &range);
	return true;
}

/* What is seen of this namespace is told, what is not as well. */
static int visit(void *ctx)
{
	static const unsigned int unseen[LOOK_PARTS] = {
		[LOOK_TCP] = UNSEEN_TCP, [LOOK_UDP] = UNSEEN_UDP};
	struct look_reader *r = ctx;
	uint32_t netns = netns_here();
	int wanted = 0, failed = 0, err = 0;

	if (!netns)
		return -ENOENT;
	inodes_add(&r->toured, netns);
	if (!tell_range(r, netns))
		return 0;
	for (enum look_part part = LOOK_TCP; part < LOOK_PARTS; part++) {
		int part_err;

		if (!is_requested(r->request, part))
			continue;
		part_err = note(r, part, r->source->each_netns(r, netns, part));
		wanted++;
		failed += part_err < 0;
		err = err ? err : part_err;
		tell_unseen(r, netns, part_err < 0 ? unseen[part] : 0);
	}
	return failed == wanted ? err : 0;
}

static void not_looked_at(void *ctx, uint32_t netns)
{
	struct look_reader *r = ctx;

	if (netns)
		inodes_add(&r->toured, netns);
	tell_unseen(r, netns, UNSEEN_RANGE);
}

static bool wants_tour(const struct look_request *q)
{
	return q->tcp || q->udp || q->unix_sockets || q->ranges != LOOK_RANGES_NONE;
}

static int tour(struct look_reader *r)
{
	static const struct netns_visitor visitor = {.visit = visit, .unseen = not_looked_at};
	const struct look_request *q = r->request;
	struct netns_at at;
	int err;

	if (!wants_tour(q))
		return 0;
	if (!q->netns)
		return netns_each(&visitor, r, &r->unseen);
	if (!netns_find(q->netns, q->pid, &at, &r->unseen))
		return -ENOENT;
	err = netns_visit(&at, visit, r);
	r->unseen = (struct netns_unseen){0};
	return err;
}

/* ---- namespaces behind descriptors ---- */

/* Goes where only descriptors lead, once these were read; one may be a namespace of another kind.  `err`: of the tour. */
static int tour_held(struct look_reader *r, int err)
{
	const uint32_t wanted = r->request->netns;
	const size_t before = r->toured.count;
	int refused = 0;

	for (size_t i = 0; i < r->space_count; i++) {
		const struct look_space *s = &r->spaces[i];
		struct netns_at at = {.netns = s->inode};

		if ((wanted && s->inode != wanted) || inodes_have(&r->toured, s->inode))
			continue;
		snprintf(at.path, sizeof(at.path), "/proc/%u/task/%u/fd/%u", s->pid, s->tid, s->fd);
		refused = netns_visit(&at, visit, r);
		/* A descriptor that may not be opened (EACCES) can lead anywhere. */
		if (refused && refused != -EACCES) {
			not_looked_at(r, s->inode);
			netns_count_unseen(&r->unseen, at.path, refused);
		}
	}
	if (!wanted || r->toured.count == before)
		return err;
	r->unseen = (struct netns_unseen){0};
	return refused;
}

/* ---- both halves ---- */

static void *tour_beside(void *ctx)
{
	struct look_reader *r = ctx;

	r->tour_err = tour(r);
	return NULL;
}

/* What signals do is the caller's business, and its thread's. */
static int start_tour(struct look_reader *r, pthread_t *thread)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, NULL, tour_beside, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static void take_tasks(struct look_reader *r)
{
	if (r->request->tasks)
		note(r, LOOK_TASKS, r->source->each_task(r));
}

int look_tell_tables(struct look_reader *r)
{
	struct look_beside *b = &r->tables;
	ssize_t taken;

	while (!b->may_tell)
		b->may_tell = sem_wait(&b->tasks_told) == 0;
	r->time_ns = b->begin_ns;
	taken = look_take_records(r, b->data, b->len);
	if (taken < 0)
		return (int)taken;
	b->len -= (size_t)taken;
	memmove(b->data, b->data + taken, b->len);
	b->told++;
	return 0;
}

/* Most of what the namespaces tell is there already, once the tasks were read. */
static int take_beside(struct look_reader *r)
{
	struct look_beside *b = &r->tables;
	pthread_t thread;
	int err, told;

	b->len = 0;
	b->begin_ns = r->time_ns;
	b->may_tell = false;
	sem_init(&b->tasks_told, 0, 0);
	err = start_tour(r, &thread);
	if (err < 0)
		return err;
	take_tasks(r);
	sem_post(&b->tasks_told);
	pthread_join(thread, NULL);
	err = tour_held(r, r->tour_err);
	told = b->data ? look_tell_tables(r) : 0;
	/* What many sockets took is not needed until the next look. */
	if (b->data)
		madvise(b->data, b->size, MADV_DONTNEED);
	return told < 0 ? told : err;
}

static int take_in_turn(struct look_reader *r)
{
	const bool tables_first = r->source->tables_first;
	int err = tables_first ? tour(r) : 0;
	size_t before;

	if (err == 0 || err == -ENOENT)
		take_tasks(r);
	if (!tables_first)
		err = tour(r);
	before = r->toured.count;
	if (wants_tour(r->request))
		err = tour_held(r, err);
	/* Descriptors lead to what was found only now. */
	if (tables_first && r->toured.count > before)
		take_tasks(r);
	return err;
}

__attribute__((format(printf, 2, 3))) static void add_words(struct kernel_error *error,
							    const char *format, ...)
{
	size_t len = strlen(error->text), size = sizeof(error->text) - len;
	va_list args;

	if (len)
		len += (size_t)snprintf(error->text + len, size, "; ");
	if (len >= sizeof(error->text))
		return;
	va_start(args, format);
	vsnprintf(error->text + len, sizeof(error->text) - len, format, args);
	va_end(args);
}

/* What was left out, "" nothing. */
static void describe(struct look_reader *r, struct kernel_error *error)
{
	static const char *const words[LOOK_PARTS] = {"the descriptors of processes", "TCP sockets",
						      "UDP sockets", "Unix sockets"};

	netns_describe(&r->unseen, error->text, sizeof(error->text));
	if (r->lacks[0])
		add_words(error,
			  "this process lacks %s; of other users and namespaces only what anybody "
			  "may see is here, as root all of it",
			  r->lacks);
	if (r->refused)
		add_words(error, "the descriptors of %u process%s could not be looked at (%s%s)",
			  r->refused, r->refused == 1 ? "" : "es", r->refused == 1 ? "" : "first ",
			  r->refused_path);
	for (int i = 0; i < LOOK_PARTS; i++) {
		const char *program = r->source->program[i];
		const struct kernel_hook *row = program ? look_hook(r, program) : NULL;
		bool lacks = row && row->status != HOOK_ATTACHED;

		if (r->err[i])
			add_words(error, "%s could not be looked at (%s%s%s)", words[i],
				  lacks ? row->hook : "", lacks ? ": " : "",
				  lacks ? row->why : strerror(-r->err[i]));
	}
	if (r->ranges_unseen)
		add_words(error,
			  "/proc/sys/net/ipv4 does not tell the range of ports of %u namespace%s",
			  r->ranges_unseen, r->ranges_unseen == 1 ? "" : "s");
}

static int fail(struct look_reader *r, int err, struct kernel_error *error)
{
	struct kernel_error what;
	char why[256];

	if (err == -ENOTSUP) {
		r->unseen = (struct netns_unseen){0};
		describe(r, &what);
		return kernel_fail(error, err,
				   "cannot look at sockets: %.400s; see sockwatch features",
				   what.text);
	}
	if (r->request->netns && err == -ENOENT) {
		netns_describe(&r->unseen, why, sizeof(why));
		return kernel_fail(error, err, "no network namespace %u can be seen%s%s",
				   r->request->netns, why[0] ? ": " : "", why);
	}
	return kernel_fail(error, err, "cannot look at any network namespace: %s (%s)",
			   strerror(-err),
			   err == -EAGAIN ? "the kernel's tables change too fast to be read in full"
					  : "CAP_SYS_ADMIN is needed");
}

static int take_from_helper(struct look_reader *r, const struct look_request *request,
			    const struct look_sink *sink, struct kernel_error *error)
{
	struct split_looked looked;
	int err = split_look(request, sink, error, &looked);

	r->rings_missed = looked.missed_rings;
	if (looked.malformed > r->malformed)
		r->malformed = looked.malformed;
	return err;
}

int look_take(struct look_reader *r, const struct look_request *request,
	      const struct look_sink *sink, struct kernel_error *error)
{
	int err;

	if (split_is_used())
		return take_from_helper(r, request, sink, error);
	r->request = request;
	r->sink = sink;
	r->has_task = false;
	r->seen_count = r->kernel_count = 0;
	inodes_done(&r->toured);
	look_reach_begin(r);
	r->time_ns = kernel_now();
	memset(r->err, 0, sizeof(r->err));
	r->unseen = (struct netns_unseen){0};
	r->ranges_unseen = r->refused = 0;
	if (r->source->begin)
		r->source->begin(r);
	err = r->source->beside && wants_tour(request) ? take_beside(r) : take_in_turn(r);
	look_reach(r);
	look_tell_kernels(r);
	if (r->err[LOOK_TASKS] || r->refused)
		tell_unseen(r, LOOK_EVERY_NETNS, UNSEEN_BOUND);
	if (err < 0)
		return fail(r, err, error);
	describe(r, error);
	return 0;
}
