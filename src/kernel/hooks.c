// SPDX-License-Identifier: GPL-2.0-only
/*
 * hooks.c - the hook table: which program gives which fact, in which tier, and what that leaves
 * uncovered.
 *
 * A program is chosen by loading and attaching it, never by the kernel's version; plan.h says how.
 */
#include "kernel_private.h"
#include "look_source.h"
#include "mounts.h"
#include "plan.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of threads that bind or connect a UDP socket: none waits for a peer. */
#define SHORT_CALLS 4096

/* A row and its second copy (bpf/core.h). */
#define FIRST(fact, program, hook, tier, twin, covers, misses)                                     \
	{                                                                                          \
		fact, program, hook, tier, covers, misses, HOOK_UNUSED, "", NESTED_NONE, twin      \
	}
#define SECOND(fact, program, hook, tier, twin, nested)                                            \
	{                                                                                          \
		fact, program, hook, tier, "those that come on top of another", "", HOOK_UNUSED,   \
			"", nested, twin                                                           \
	}

/* The kernel runs the programs of a tracepoint in the order in which they came, the trampolines of a function in reverse. */
#define TRACED_TWICE(fact, program, again, hook, nested, covers, misses)                           \
	FIRST(fact, program, hook, TIER_BOTH, 1, covers, misses),                                  \
		SECOND(fact, again, hook, TIER_BOTH, -1, nested)
#define TWICE(fact, program, hook, nested, covers, misses)                                         \
	SECOND(fact, "again_" program, hook, TIER_TRAMPOLINES, 1, nested),                         \
		FIRST(fact, program, hook, TIER_TRAMPOLINES, -1, covers, misses)

#define PROCESS_ROW(type, again, name, nested, covers)                                             \
	TRACED_TWICE("process", type "__" name, again "__" name, type "/" name, nested, covers, "")
#define PROCESS_ROWS(type, again)                                                                  \
	PROCESS_ROW(type, again, "sched_process_exit", NESTED_EXIT, "ends of processes"),          \
		PROCESS_ROW(type, again, "sched_process_exec", NESTED_EXEC,                        \
			    "programs, arguments and executables of short-lived processes"),       \
		PROCESS_ROW(type, again, "sched_process_fork", NESTED_FORK,                        \
			    "parents of short-lived processes"),                                   \
		PROCESS_ROW(type, again, "task_rename", NESTED_RENAME,                             \
			    "processes that change their name")

static const struct kernel_hook hook_table[] = {
	TRACED_TWICE("state", "tp_btf__inet_sock_set_state", "again__inet_sock_set_state",
		     "tp_btf/inet_sock_set_state", NESTED_STATE,
		     "every change of state; who called connect and listen", ""),
	TRACED_TWICE("destroy", "tp_btf__tcp_destroy_sock", "again__tcp_destroy_sock",
		     "tp_btf/tcp_destroy_sock", NESTED_DESTROY, "the end of every TCP socket", ""),
	TRACED_TWICE("reset", "tp_btf__tcp_receive_reset", "again__tcp_receive_reset",
		     "tp_btf/tcp_receive_reset", NESTED_RECEIVE_RESET, "resets received", ""),
	TRACED_TWICE("reset", "tp_btf__tcp_send_reset", "again__tcp_send_reset",
		     "tp_btf/tcp_send_reset", NESTED_SEND_RESET, "resets sent", ""),
	TRACED_TWICE(
		"state", "raw_tp__inet_sock_set_state", "raw_again__inet_sock_set_state",
		"raw_tp/inet_sock_set_state", NESTED_STATE,
		"every change of state; who called connect and listen",
		"whose child a queued connection is, where listeners share a port (Linux 6.16 on)"),
	TRACED_TWICE("destroy", "raw_tp__tcp_destroy_sock", "raw_again__tcp_destroy_sock",
		     "raw_tp/tcp_destroy_sock", NESTED_DESTROY, "the end of every TCP socket", ""),
	TRACED_TWICE("reset", "raw_tp__tcp_receive_reset", "raw_again__tcp_receive_reset",
		     "raw_tp/tcp_receive_reset", NESTED_RECEIVE_RESET, "resets received", ""),
	TRACED_TWICE("reset", "raw_tp__tcp_send_reset", "raw_again__tcp_send_reset",
		     "raw_tp/tcp_send_reset", NESTED_SEND_RESET, "resets sent", ""),
	PROCESS_ROWS("tp_btf", "again"),
	PROCESS_ROWS("raw_tp", "raw_again"),
	HOOK_ROW("cookie", "cgroup__sock_create", "cgroup/sock_create", TIER_BOTH,
		 "a cookie for every socket from birth", ""),
	HOOK_ROW("close", "cgroup__sock_release", "cgroup/sock_release", TIER_BOTH,
		 "the end of every UDP socket", ""),
	TWICE("bind", "fexit__inet_bind", "fexit/inet_bind", NESTED_BIND4,
	      "every IPv4 bind and its errno", ""),
	TWICE("bind", "fexit__inet6_bind", "fexit/inet6_bind", NESTED_BIND6,
	      "every IPv6 bind and its errno", ""),
	TWICE("listen", "fexit__inet_listen", "fexit/inet_listen", NESTED_LISTEN,
	      "every listen and its errno", ""),
	TWICE("connect", "fexit__tcp_v4_connect", "fexit/tcp_v4_connect", NESTED_CONNECT4,
	      "every IPv4 connect: the chosen port or the errno", ""),
	TWICE("connect", "fexit__tcp_v6_connect", "fexit/tcp_v6_connect", NESTED_CONNECT6,
	      "every IPv6 connect: the chosen port or the errno", ""),
	TWICE("accept", "fentry__security_sock_graft", "fentry/security_sock_graft", NESTED_ACCEPT,
	      "every accept, also when blocked before the start", ""),
	TWICE("accept", "fexit__inet_csk_accept2", "fexit/inet_csk_accept", NESTED_ACCEPT,
	      "every accept (Linux 6.10 on)", "accepts blocked before the start"),
	TWICE("accept", "fexit__inet_csk_accept4", "fexit/inet_csk_accept", NESTED_ACCEPT,
	      "every accept (up to Linux 6.9)", "accepts blocked before the start"),
	TWICE("accept failed", "fexit____sys_accept4", "fexit/__sys_accept4", NESTED_ACCEPT_FAILED,
	      "accepts that fail", "failed accepts by io_uring"),
	TWICE("bind denied", "fexit__security_socket_bind", "fexit/security_socket_bind",
	      NESTED_BIND_DENIED, "binds that a security module refuses",
	      "binds that a seccomp filter refuses"),
	TWICE("connect denied", "fexit__security_socket_connect", "fexit/security_socket_connect",
	      NESTED_CONNECT_DENIED, "connects that a security module refuses",
	      "connects that a seccomp filter refuses"),
	TWICE("connect denied", "fexit__sock_addr", "fexit/__cgroup_bpf_run_filter_sock_addr",
	      NESTED_ASKED, "connects that a cgroup program refuses or sends elsewhere",
	      "sends that one refuses or sends elsewhere"),
	TWICE("connect asked", "fentry__sock_addr", "fentry/__cgroup_bpf_run_filter_sock_addr",
	      NESTED_ENTER_ASKED, "the destination asked for", ""),
	TWICE("connect", "fexit__inet_dgram_connect", "fexit/inet_dgram_connect",
	      NESTED_CONNECT_UDP, "every UDP connect: the port or the errno", ""),
	TWICE("send", "fexit__udp_lib_get_port", "fexit/udp_lib_get_port", NESTED_SEND,
	      "UDP ports chosen by sendto(), or none free", ""),
	TWICE("send", "fentry__inet_bind", "fentry/inet_bind", NESTED_ENTER_BIND4,
	      "tells IPv4 UDP ports of bind() from those of sendto()", ""),
	TWICE("send", "fentry__inet6_bind", "fentry/inet6_bind", NESTED_ENTER_BIND6,
	      "tells IPv6 UDP ports of bind() from those of sendto()", ""),
	TWICE("connect", "fentry__inet_dgram_connect", "fentry/inet_dgram_connect",
	      NESTED_ENTER_CONNECT_UDP, "tells UDP ports of connect() from those of sendto()", ""),
	TWICE("time-wait", "fentry__inet_twsk_kill", "fentry/inet_twsk_kill", NESTED_TIME_WAIT_END,
	      "the end of TIME_WAIT", ""),
	TWICE("time-wait", "fentry__inet_twsk_hashdance", "fentry/inet_twsk_hashdance",
	      NESTED_TIME_WAIT, "who enters TIME_WAIT (up to Linux 6.7)", ""),
	TWICE("time-wait", "fentry__inet_twsk_hashdance_schedule",
	      "fentry/inet_twsk_hashdance_schedule", NESTED_TIME_WAIT,
	      "who enters TIME_WAIT (Linux 6.8 on)", ""),
	HOOK_ROW("overflow", "run__listeners", "raw_tp", TIER_BOTH,
		 "listeners whose queue is full, once a second", ""),
	HOOK_ROW("cookie", "sockops__cookies", "sockops", TIER_BOTH,
		 "a cookie for accepted sockets (up to Linux 5.11)", ""),
	HOOK_ROW("connect, listen", "sockops__ports", "sockops", TIER_TRACEPOINTS,
		 "the chosen port, before the SYN leaves; io_uring", ""),
	HOOK_ROW("bind", "cgroup__post_bind4", "cgroup/post_bind4", TIER_TRACEPOINTS,
		 "successful IPv4 binds by io_uring and 32-bit processes",
		 "failed binds by io_uring, 32-bit processes and the kernel itself"),
	HOOK_ROW("bind", "cgroup__post_bind6", "cgroup/post_bind6", TIER_TRACEPOINTS,
		 "successful IPv6 binds by io_uring and 32-bit processes",
		 "failed binds by io_uring, 32-bit processes and the kernel itself"),
	HOOK_ROW("send", "cgroup__sendmsg4", "cgroup/sendmsg4", TIER_TRACEPOINTS,
		 "UDP ports chosen by sendto() to IPv4", ""),
	HOOK_ROW("send", "cgroup__sendmsg6", "cgroup/sendmsg6", TIER_TRACEPOINTS,
		 "UDP ports chosen by sendto() to IPv6", ""),
	HOOK_ROW("send", "tp_btf__sock_send_length", "tp_btf/sock_send_length", TIER_TRACEPOINTS,
		 "sends that find no free UDP port (Linux 6.3 on)", ""),
	HOOK_ROW("accept", "cgroup__getpeername4", "cgroup/getpeername4", TIER_TRACEPOINTS,
		 "IPv4 accepts by io_uring and 32-bit processes that ask for the address",
		 "accepts by io_uring and 32-bit processes without an address"),
	HOOK_ROW("accept", "cgroup__getpeername6", "cgroup/getpeername6", TIER_TRACEPOINTS,
		 "IPv6 accepts by io_uring and 32-bit processes that ask for the address",
		 "accepts by io_uring and 32-bit processes without an address"),
	/* Exits before entries: an entry then always meets its exit. */
	HOOK_ROW("bind", "tp__sys_exit_bind", "syscalls/sys_exit_bind", TIER_TRACEPOINTS,
		 "bind(2) and its errno", ""),
	HOOK_ROW("listen", "tp__sys_exit_listen", "syscalls/sys_exit_listen", TIER_TRACEPOINTS,
		 "failed and repeated listen(2)",
		 "failed listens by io_uring and 32-bit processes"),
	HOOK_ROW("connect", "tp__sys_exit_connect", "syscalls/sys_exit_connect", TIER_TRACEPOINTS,
		 "connect(2) that fails at once, and of UDP sockets",
		 "connects by io_uring and 32-bit processes of UDP sockets, or that fail without a "
		 "route"),
	HOOK_ROW("accept", "tp__sys_exit_accept", "syscalls/sys_exit_accept", TIER_TRACEPOINTS,
		 "accept(2) and its errno, also when blocked before the start",
		 "failed accepts by io_uring and 32-bit processes"),
	HOOK_ROW("accept", "tp__sys_exit_accept4", "syscalls/sys_exit_accept4", TIER_TRACEPOINTS,
		 "accept4(2) and its errno, also when blocked before the start",
		 "failed accepts by io_uring and 32-bit processes"),
	HOOK_ROW("bind", "tp__sys_enter_bind", "syscalls/sys_enter_bind", TIER_TRACEPOINTS,
		 "the address asked for", ""),
	HOOK_ROW("listen", "tp__sys_enter_listen", "syscalls/sys_enter_listen", TIER_TRACEPOINTS,
		 "the backlog asked for", ""),
	HOOK_ROW("connect", "tp__sys_enter_connect", "syscalls/sys_enter_connect", TIER_TRACEPOINTS,
		 "the destination asked for", ""),
};

static bool is_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What the kernel's BTF calls it that programs hook; "" where that has no type there. */
static void name_function(const char *hook, char ret[TYPES_NAME])
{
	bool tracepoint = is_prefix(hook, "tp_btf/");

	ret[0] = '\0';
	if (tracepoint || is_prefix(hook, "fentry/") || is_prefix(hook, "fexit/"))
		snprintf(ret, TYPES_NAME, "%s%s", tracepoint ? "btf_trace_" : "",
			 strchr(hook, '/') + 1);
}

static void list_functions(struct kernel *k)
{
	/* For the probe of trampolines. */
	size_t count = 0;

	k->functions[count++] = "inet_release";
	for (size_t i = 0; i < k->hook_count && count < TYPES_FUNCTIONS; i++) {
		char *name = k->function_names[count];
		bool listed = false;

		name_function(k->hooks[i].hook, name);
		for (size_t j = 0; j < count; j++)
			listed |= strcmp(k->functions[j], name) == 0;
		if (name[0] && !listed)
			k->functions[count++] = name;
	}
}

void hooks_init(struct kernel *k)
{
	_Static_assert(sizeof(hook_table) / sizeof(hook_table[0]) + LOOK_HOOKS <= MAX_HOOKS,
		       "MAX_HOOKS");
	_Static_assert(MAX_HOOKS <= PLAN_ROWS, "a plan has room for every row");
	memcpy(k->hooks, hook_table, sizeof(hook_table));
	k->hook_count = sizeof(hook_table) / sizeof(hook_table[0]);
	list_functions(k);
}

static struct bpf_program *program_of(const struct sockwatch_bpf *skel, const char *name)
{
	return bpf_object__find_program_by_name(skel->obj, name);
}

__attribute__((format(printf, 3, 4))) static void
set_status(struct kernel_hook *h, enum hook_status status, const char *format, ...)
{
	va_list args;

	h->status = status;
	va_start(args, format);
	vsnprintf(h->why, sizeof(h->why), format, args);
	va_end(args);
}

/* What the row stands on besides BPF itself; NULL when it is there. */
static const char *missing_ground(const struct kernel *k, const struct kernel_hook *h)
{
	if (is_prefix(h->hook, "syscalls/") && k->tracefs_fd < 0)
		return "tracefs cannot be mounted";
	if ((is_prefix(h->hook, "cgroup/") || is_prefix(h->hook, "sockops")) && k->cgroup_fd < 0)
		return "cgroup2 cannot be mounted";
	if (!k->untyped && strcmp(h->hook, "tp_btf/sock_send_length") == 0 &&
	    !types_function(&k->types, "btf_trace_sock_send_length"))
		return "no such tracepoint in this kernel";
	return NULL;
}

/* Rows that stand in for others where the kernel carries no BTF, and those others. */
static const char *unfit_types(const struct kernel *k, const struct kernel_hook *h)
{
	if (is_prefix(h->hook, "raw_tp/") && !k->untyped)
		return "this kernel carries BTF";
	if (is_prefix(h->hook, "tp_btf/") && k->untyped)
		return "this kernel carries no BTF";
	return NULL;
}

/* Rows that only some kernels need; the kernel itself is asked, by its types and by probes. */
static const char *not_needed(const struct kernel *k, const struct kernel_hook *h)
{
	bool graft = k->has_graft && !k->graft_failed;
	const char *unfit = unfit_types(k, h);

	if (unfit)
		return unfit;
	if (strcmp(h->program, "sockops__cookies") == 0 && k->has_cookie_helper)
		return "tracing programs make cookies here";
	if (strstr(h->program, "inet6_") && !k->has_ipv6)
		return "this kernel has no IPv6";
	if (strcmp(h->hook, "fentry/security_sock_graft") == 0 && !graft)
		return k->has_graft ? "fails here" : "not in this kernel";
	if (strcmp(h->hook, "fexit/inet_csk_accept") == 0 && graft)
		return "security_sock_graft covers it";
	if (strstr(h->program, "fexit__inet_csk_accept2") && k->accept_params != 2)
		return "the function has other arguments here";
	if (strstr(h->program, "fexit__inet_csk_accept4") && k->accept_params != 4)
		return "the function has other arguments here";
	if ((strcmp(h->fact, "time-wait") == 0 || strstr(h->fact, " denied") ||
	     strstr(h->fact, " asked")) &&
	    !types_function(&k->types, strchr(h->hook, '/') + 1))
		return "not in this kernel";
	return NULL;
}

const char *kernel_unknown_hook(const char *list)
{
	static char name[64];

	for (const char *at = list; at; at = strstr(at, ",-"), at = at ? at + 2 : NULL) {
		bool known;

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ","), at);
		known = look_has_hook(name);
		for (size_t i = 0; i < sizeof(hook_table) / sizeof(hook_table[0]); i++)
			known |= strcmp(hook_table[i].hook, name) == 0;
		if (!known)
			return name;
	}
	return NULL;
}

/* What is known before anything is tried. */
static int fail_early(struct kernel *k, struct kernel_error *error)
{
	int err = k->options.hooks == HOOKS_TRACEPOINTS ? 0 : probe_trampolines(&k->types);
	const char *failure = k->untyped ? "this kernel carries no BTF" : strerror(-err);

	if (k->options.hooks == HOOKS_TRAMPOLINES && err < 0)
		return kernel_fail(
			error, err,
			"trampolines cannot be used on this kernel: %s; use --hooks tracepoints",
			failure);
	for (size_t i = 0; i < k->hook_count; i++) {
		struct kernel_hook *h = &k->hooks[i];
		const char *missing = missing_ground(k, h);

		if (hooks_are_listed(k->options.hooks_without, h->hook))
			set_status(h, HOOK_FAILED, "left out by --hooks");
		else if (missing)
			set_status(h, HOOK_FAILED, "%s", missing);
		else if (h->tier == TIER_TRAMPOLINES && err < 0)
			set_status(h, HOOK_FAILED, "%s", failure);
	}
	return 0;
}

static const char *why_unused(const struct kernel *k, const struct kernel_hook *h)
{
	if (k->options.hooks == HOOKS_TRACEPOINTS)
		return "tracepoints were asked for";
	return h->tier == TIER_TRAMPOLINES ? "another trampoline for this failed"
					   : "trampolines cover it";
}

/* Without it the table tells by the shape of the end. */
static bool is_inferred(const struct kernel_hook *h)
{
	return strstr(h->program, "inet_twsk_hashdance") != NULL;
}

static size_t count_failed(const struct kernel *k)
{
	size_t count = 0;

	for (size_t i = 0; i < k->hook_count; i++)
		count += k->hooks[i].status == HOOK_FAILED || k->hooks[i].status == HOOK_REPLACED;
	return count;
}

static void choose(struct kernel *k)
{
	const char *needless[MAX_HOOKS];
	bool is_needless[MAX_HOOKS];
	struct plan plan;

	for (size_t i = 0; i < k->hook_count; i++) {
		const struct kernel_hook *h = &k->hooks[i];

		if (strcmp(h->hook, "fentry/security_sock_graft") == 0)
			k->graft_failed = h->status == HOOK_FAILED || h->status == HOOK_REPLACED;
	}
	for (size_t i = 0; i < k->hook_count; i++) {
		needless[i] = not_needed(k, &k->hooks[i]);
		is_needless[i] = needless[i] != NULL;
	}
	plan_make(&plan, k->hooks, is_needless, k->hook_count, k->options.hooks);
	k->tier = plan.tier;
	k->sockops_connect = plan_gives(&plan, "connect", TIER_TRACEPOINTS);
	k->sockops_listen = plan_gives(&plan, "listen", TIER_TRACEPOINTS);
	for (size_t i = 0; i < k->hook_count; i++) {
		struct kernel_hook *h = &k->hooks[i];

		k->load[i] = plan.load[i];
		if (h->status == HOOK_FAILED || h->status == HOOK_REPLACED)
			h->status = plan.in_use[i] && !is_inferred(h) ? HOOK_FAILED : HOOK_REPLACED;
		else if (!plan.load[i])
			set_status(h, HOOK_UNUSED, "%s",
				   needless[i] ? needless[i] : why_unused(k, h));
	}
	k->failed = count_failed(k);
}

int hooks_choose(struct kernel *k, struct kernel_error *error)
{
	int err = fail_early(k, error);

	if (err == 0)
		choose(k);
	return err;
}

bool hooks_choose_again(struct kernel *k)
{
	bool before[MAX_HOOKS], more = false;

	if (count_failed(k) == k->failed)
		return false;
	memcpy(before, k->load, sizeof(before));
	choose(k);
	for (size_t i = 0; i < k->hook_count; i++)
		more |= k->load[i] && !before[i];
	return more;
}

static bool loads(const struct kernel *k, const char *hook)
{
	bool loaded = false;

	for (size_t i = 0; i < k->hook_count; i++)
		loaded |= k->load[i] && strcmp(k->hooks[i].hook, hook) == 0;
	return loaded;
}

void hooks_select(const struct kernel *k, struct sockwatch_bpf *skel)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skel->obj) bpf_program__set_autoload(program, false);
	for (size_t i = 0; i < k->hook_count; i++)
		bpf_program__set_autoload(program_of(skel, k->hooks[i].program), k->load[i]);
	/* Preallocated maps cost the kernel as much empty as full. */
	if (!loads(k, "syscalls/sys_enter_connect"))
		bpf_map__set_max_entries(skel->maps.calls, SHORT_CALLS);
	bpf_map__set_autocreate(skel->maps.asked_for,
				loads(k, "fentry/__cgroup_bpf_run_filter_sock_addr") ||
					loads(k, "fexit/__cgroup_bpf_run_filter_sock_addr"));
}

void hooks_refused(void *ctx, const struct bpf_program *program, int err)
{
	struct kernel *k = ctx;

	for (size_t i = 0; i < k->hook_count; i++) {
		if (strcmp(k->hooks[i].program, bpf_program__name(program)) != 0)
			continue;
		k->load[i] = false;
		set_status(&k->hooks[i], HOOK_FAILED, "does not load: %s", strerror(-err));
	}
}

static bool is_vital(const struct kernel_hook *h)
{
	return strcmp(h->fact, "state") == 0 && !strstr(h->program, "again");
}

int hooks_suffice(const struct kernel *k, struct kernel_error *error)
{
	const struct kernel_hook *missing = NULL;

	for (size_t i = 0; i < k->hook_count; i++) {
		const struct kernel_hook *h = &k->hooks[i];

		if (k->load[i] && is_vital(h))
			return 0;
		if (is_vital(h) && h->status == HOOK_FAILED)
			missing = h;
	}
	return kernel_fail(error, -ENOENT, "cannot trace without %s: %s",
			   missing ? missing->hook : "the change of state",
			   missing ? missing->why : "no hook for it");
}

static struct bpf_link *attach_syscall(struct kernel *k, const struct bpf_program *program,
				       const char *tracepoint)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr)};
	int fd, id = mounts_tracepoint_id(k->tracefs_fd, tracepoint);
	struct bpf_link *link;

	if (id < 0) {
		errno = -id;
		return NULL;
	}
	attr.config = (unsigned int)id;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return NULL;
	link = bpf_program__attach_perf_event(program, fd);
	if (!link)
		close(fd);
	return link;
}

static struct bpf_link *attach_row(struct kernel *k, const struct kernel_hook *h)
{
	struct bpf_program *program = program_of(k->skel, h->program);

	if (is_prefix(h->hook, "syscalls/"))
		return attach_syscall(k, program, h->hook);
	if (is_prefix(h->hook, "cgroup/") || is_prefix(h->hook, "sockops"))
		return bpf_program__attach_cgroup(program, k->cgroup_fd);
	if (is_prefix(h->hook, "raw_tp/"))
		return bpf_program__attach_raw_tracepoint(program, strchr(h->hook, '/') + 1);
	return bpf_program__attach_trace(program);
}

int hooks_attach(struct kernel *k, struct kernel_error *error)
{
	for (size_t i = 0; i < k->hook_count; i++) {
		struct kernel_hook *h = &k->hooks[i];

		k->program_fd[i] = -1;
		if (!k->load[i])
			continue;
		if (strcmp(h->program, "sockops__ports") == 0) {
			k->skel->bss->sockops_connect = k->sockops_connect;
			k->skel->bss->sockops_listen = k->sockops_listen;
		}
		if (is_prefix(h->program, "run__")) {
			set_status(h, HOOK_ATTACHED, "%s", ""); /* run when asked */
			continue;
		}
		k->links[i] = attach_row(k, h);
		if (k->links[i]) {
			set_status(h, HOOK_ATTACHED, "%s", "");
			k->program_fd[i] = bpf_program__fd(program_of(k->skel, h->program));
			k->skel->bss->has_calls |= is_prefix(h->hook, "syscalls/sys_exit");
			k->skel->bss->has_time_wait |= is_inferred(h);
			continue;
		}
		if (strcmp(h->program, "sockops__ports") == 0)
			k->skel->bss->sockops_connect = k->skel->bss->sockops_listen = false;
		set_status(h, HOOK_FAILED, "%s", strerror(errno));
		if (is_vital(h))
			return kernel_fail(error, -errno, "cannot attach %s: %s", h->hook, h->why);
	}
	missed_begin(k);
	return 0;
}

void hooks_detach(struct kernel *k)
{
	if (k->skel)
		k->skel->bss->has_time_wait = false;
	/* Entries first, in reverse: no exit is missed. */
	for (size_t i = k->hook_count; i-- > 0;) {
		bpf_link__destroy(k->links[i]);
		k->links[i] = NULL;
	}
}
