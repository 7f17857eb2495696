// SPDX-License-Identifier: GPL-2.0-only
/*
 * hooks.c - the hook table: which program gives which fact, in which tier, and what that leaves
 * uncovered.
 *
 * A program is chosen by loading and attaching it, never by the kernel's version.
 */
#include "kernel_private.h"
#include "mounts.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct kernel_hook hook_table[] = {
	{"state", "tp_btf__inet_sock_set_state", "tp_btf/inet_sock_set_state", TIER_BOTH,
	 "every change of state; who called connect and listen", "", HOOK_UNUSED, ""},
	{"state", "again__inet_sock_set_state", "tp_btf/inet_sock_set_state", TIER_BOTH,
	 "those in softirq on top of another", "", HOOK_UNUSED, ""},
	{"destroy", "tp_btf__tcp_destroy_sock", "tp_btf/tcp_destroy_sock", TIER_BOTH,
	 "the end of every TCP socket", "", HOOK_UNUSED, ""},
	{"destroy", "again__tcp_destroy_sock", "tp_btf/tcp_destroy_sock", TIER_BOTH,
	 "those in softirq on top of another", "", HOOK_UNUSED, ""},
	{"reset", "tp_btf__tcp_receive_reset", "tp_btf/tcp_receive_reset", TIER_BOTH,
	 "resets received", "", HOOK_UNUSED, ""},
	{"reset", "again__tcp_receive_reset", "tp_btf/tcp_receive_reset", TIER_BOTH,
	 "those in softirq on top of another", "", HOOK_UNUSED, ""},
	{"reset", "tp_btf__tcp_send_reset", "tp_btf/tcp_send_reset", TIER_BOTH, "resets sent", "",
	 HOOK_UNUSED, ""},
	{"reset", "again__tcp_send_reset", "tp_btf/tcp_send_reset", TIER_BOTH,
	 "those in softirq on top of another", "", HOOK_UNUSED, ""},
	{"cookie", "cgroup__sock_create", "cgroup/sock_create", TIER_BOTH,
	 "a cookie for every socket from birth", "", HOOK_UNUSED, ""},
	{"close", "cgroup__sock_release", "cgroup/sock_release", TIER_BOTH,
	 "the end of every UDP socket", "", HOOK_UNUSED, ""},
	{"bind", "fexit__inet_bind", "fexit/inet_bind", TIER_TRAMPOLINES,
	 "every IPv4 bind and its errno", "", HOOK_UNUSED, ""},
	{"bind", "fexit__inet6_bind", "fexit/inet6_bind", TIER_TRAMPOLINES,
	 "every IPv6 bind and its errno", "", HOOK_UNUSED, ""},
	{"listen", "fexit__inet_listen", "fexit/inet_listen", TIER_TRAMPOLINES,
	 "every listen and its errno", "", HOOK_UNUSED, ""},
	{"connect", "fexit__tcp_v4_connect", "fexit/tcp_v4_connect", TIER_TRAMPOLINES,
	 "every IPv4 connect: the chosen port or the errno", "", HOOK_UNUSED, ""},
	{"connect", "fexit__tcp_v6_connect", "fexit/tcp_v6_connect", TIER_TRAMPOLINES,
	 "every IPv6 connect: the chosen port or the errno", "", HOOK_UNUSED, ""},
	{"accept", "fentry__security_sock_graft", "fentry/security_sock_graft", TIER_TRAMPOLINES,
	 "every accept, also when blocked before the start", "", HOOK_UNUSED, ""},
	{"accept", "fexit__inet_csk_accept2", "fexit/inet_csk_accept", TIER_TRAMPOLINES,
	 "every accept (Linux 6.10 on)", "accepts blocked before the start", HOOK_UNUSED, ""},
	{"accept", "fexit__inet_csk_accept4", "fexit/inet_csk_accept", TIER_TRAMPOLINES,
	 "every accept (up to Linux 6.9)", "accepts blocked before the start", HOOK_UNUSED, ""},
	{"connect", "fexit__inet_dgram_connect", "fexit/inet_dgram_connect", TIER_TRAMPOLINES,
	 "every UDP connect: the port or the errno", "", HOOK_UNUSED, ""},
	{"bind", "fexit__udp_lib_get_port", "fexit/udp_lib_get_port", TIER_TRAMPOLINES,
	 "UDP ports chosen by sendto(), or none free", "", HOOK_UNUSED, ""},
	{"bind", "fentry__inet_bind", "fentry/inet_bind", TIER_TRAMPOLINES,
	 "tells IPv4 UDP ports of bind() from those of sendto()", "", HOOK_UNUSED, ""},
	{"bind", "fentry__inet6_bind", "fentry/inet6_bind", TIER_TRAMPOLINES,
	 "tells IPv6 UDP ports of bind() from those of sendto()", "", HOOK_UNUSED, ""},
	{"connect", "fentry__inet_dgram_connect", "fentry/inet_dgram_connect", TIER_TRAMPOLINES,
	 "tells UDP ports of connect() from those of sendto()", "", HOOK_UNUSED, ""},
	{"time-wait", "fentry__inet_twsk_kill", "fentry/inet_twsk_kill", TIER_TRAMPOLINES,
	 "the end of TIME_WAIT", "", HOOK_UNUSED, ""},
	{"time-wait", "fentry__inet_twsk_hashdance", "fentry/inet_twsk_hashdance", TIER_TRAMPOLINES,
	 "who enters TIME_WAIT (up to Linux 6.7)", "", HOOK_UNUSED, ""},
	{"time-wait", "fentry__inet_twsk_hashdance_schedule", "fentry/inet_twsk_hashdance_schedule",
	 TIER_TRAMPOLINES, "who enters TIME_WAIT (Linux 6.8 on)", "", HOOK_UNUSED, ""},
	{"time-wait", "again__inet_twsk_hashdance_schedule", "fentry/inet_twsk_hashdance_schedule",
	 TIER_TRAMPOLINES, "those in softirq on top of another", "", HOOK_UNUSED, ""},
	{"cookie", "sockops__cookies", "sockops", TIER_TRAMPOLINES,
	 "a cookie for accepted sockets (up to Linux 5.11)", "", HOOK_UNUSED, ""},
	{"connect, listen", "sockops__ports", "sockops", TIER_TRACEPOINTS,
	 "the chosen port, before the SYN leaves; io_uring", "", HOOK_UNUSED, ""},
	{"bind", "cgroup__post_bind4", "cgroup/post_bind4", TIER_TRACEPOINTS,
	 "successful IPv4 binds by io_uring and 32-bit processes",
	 "failed binds by io_uring and 32-bit processes", HOOK_UNUSED, ""},
	{"bind", "cgroup__post_bind6", "cgroup/post_bind6", TIER_TRACEPOINTS,
	 "successful IPv6 binds by io_uring and 32-bit processes",
	 "failed binds by io_uring and 32-bit processes", HOOK_UNUSED, ""},
	{"bind", "cgroup__sendmsg4", "cgroup/sendmsg4", TIER_TRACEPOINTS,
	 "UDP ports chosen by sendto() to IPv4", "", HOOK_UNUSED, ""},
	{"bind", "cgroup__sendmsg6", "cgroup/sendmsg6", TIER_TRACEPOINTS,
	 "UDP ports chosen by sendto() to IPv6", "", HOOK_UNUSED, ""},
	{"bind", "tp_btf__sock_send_length", "tp_btf/sock_send_length", TIER_TRACEPOINTS,
	 "sends that find no free UDP port (Linux 6.3 on)", "", HOOK_UNUSED, ""},
	{"accept", "cgroup__getpeername4", "cgroup/getpeername4", TIER_TRACEPOINTS,
	 "IPv4 accepts by io_uring and 32-bit processes that ask for the address",
	 "accepts by io_uring and 32-bit processes without an address", HOOK_UNUSED, ""},
	{"accept", "cgroup__getpeername6", "cgroup/getpeername6", TIER_TRACEPOINTS,
	 "IPv6 accepts by io_uring and 32-bit processes that ask for the address",
	 "accepts by io_uring and 32-bit processes without an address", HOOK_UNUSED, ""},
	/* Exits before entries: an entry then always meets its exit. */
	{"bind", "tp__sys_exit_bind", "syscalls/sys_exit_bind", TIER_TRACEPOINTS,
	 "bind(2) and its errno", "", HOOK_UNUSED, ""},
	{"listen", "tp__sys_exit_listen", "syscalls/sys_exit_listen", TIER_TRACEPOINTS,
	 "failed and repeated listen(2)", "failed listens by io_uring and 32-bit processes",
	 HOOK_UNUSED, ""},
	{"connect", "tp__sys_exit_connect", "syscalls/sys_exit_connect", TIER_TRACEPOINTS,
	 "connect(2) that fails at once, and of UDP sockets",
	 "connects by io_uring and 32-bit processes of UDP sockets, or that fail without a route",
	 HOOK_UNUSED, ""},
	{"accept", "tp__sys_exit_accept", "syscalls/sys_exit_accept", TIER_TRACEPOINTS,
	 "accept(2), also when blocked before the start", "", HOOK_UNUSED, ""},
	{"accept", "tp__sys_exit_accept4", "syscalls/sys_exit_accept4", TIER_TRACEPOINTS,
	 "accept4(2), also when blocked before the start", "", HOOK_UNUSED, ""},
	{"bind", "tp__sys_enter_bind", "syscalls/sys_enter_bind", TIER_TRACEPOINTS,
	 "the address asked for", "", HOOK_UNUSED, ""},
	{"listen", "tp__sys_enter_listen", "syscalls/sys_enter_listen", TIER_TRACEPOINTS,
	 "the backlog asked for", "", HOOK_UNUSED, ""},
	{"connect", "tp__sys_enter_connect", "syscalls/sys_enter_connect", TIER_TRACEPOINTS,
	 "the destination asked for", "", HOOK_UNUSED, ""},
	{"seed", "iter__task_file", "iter/task_file", TIER_BOTH,
	 "sockets older than the trace and who holds them", "", HOOK_UNUSED, ""},
	{"seed", "iter__tcp", "iter/tcp", TIER_BOTH,
	 "sockets without a descriptor, in every namespace", "", HOOK_UNUSED, ""},
	{"holders", "iter__tcp_minisocks", "iter/tcp", TIER_BOTH,
	 "the TIME_WAITs that a failed bind ran into", "", HOOK_UNUSED, ""},
	{"ports", "iter__task_file_ports", "iter/task_file", TIER_BOTH,
	 "ports that are bound and no more; who holds a port", "", HOOK_UNUSED, ""},
	{"ports", "iter__tcp_ports", "iter/tcp", TIER_BOTH,
	 "bind buckets: which ports connect() may share", "", HOOK_UNUSED, ""},
	{"ports", "iter__udp_ports", "iter/udp", TIER_BOTH, "ports held by UDP sockets", "",
	 HOOK_UNUSED, ""},
};

void hooks_init(struct kernel *k)
{
	_Static_assert(sizeof(hook_table) / sizeof(hook_table[0]) <= MAX_HOOKS, "MAX_HOOKS");
	memcpy(k->hooks, hook_table, sizeof(hook_table));
	k->hook_count = sizeof(hook_table) / sizeof(hook_table[0]);
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

static bool is_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What the row stands on besides BPF itself; NULL when it is there. */
static const char *missing_ground(const struct kernel *k, const struct kernel_hook *h)
{
	if (is_prefix(h->hook, "syscalls/") && k->tracefs_fd < 0)
		return "tracefs cannot be mounted";
	if ((is_prefix(h->hook, "cgroup/") || is_prefix(h->hook, "sockops")) && k->cgroup_fd < 0)
		return "cgroup2 cannot be mounted";
	if (strcmp(h->hook, "tp_btf/sock_send_length") == 0 &&
	    !probe_tracepoint(k->btf, "sock_send_length"))
		return "no such tracepoint in this kernel";
	return NULL;
}

/* Both tiers whole: a mixture would report some calls twice and others never. */
static int choose_tier(struct kernel *k, struct kernel_error *error)
{
	int err = k->options.hooks == HOOKS_TRACEPOINTS || k->fell_back ? 0
									: probe_trampolines(k->btf);
	const char *why = k->fell_back ? "another trampoline failed" : "tracepoints were asked for";

	if (k->options.hooks == HOOKS_TRAMPOLINES && err < 0)
		return kernel_fail(
			error, err,
			"trampolines cannot be used on this kernel: %s; use --hooks tracepoints",
			strerror(-err));
	k->tier = k->options.hooks == HOOKS_TRACEPOINTS || k->fell_back || err < 0
			  ? TIER_TRACEPOINTS
			  : TIER_TRAMPOLINES;
	for (size_t i = 0; i < k->hook_count; i++) {
		struct kernel_hook *h = &k->hooks[i];

		if (h->status == HOOK_FAILED) /* before falling back: its reason stands */
			continue;
		if (h->tier == TIER_TRAMPOLINES && k->tier != TIER_TRAMPOLINES)
			set_status(h, err < 0 ? HOOK_FAILED : HOOK_UNUSED, "%s",
				   err < 0 ? strerror(-err) : why);
		else if (h->tier == TIER_TRACEPOINTS && k->tier != TIER_TRACEPOINTS)
			set_status(h, HOOK_UNUSED, "the trampoline tier covers it");
	}
	return 0;
}

bool hooks_fall_back(struct kernel *k)
{
	if (k->options.hooks != HOOKS_AUTO || k->tier != TIER_TRAMPOLINES)
		return false;
	for (size_t i = 0; i < k->hook_count; i++) {
		const struct kernel_hook *h = &k->hooks[i];

		/* The other tier has no hook of TIME_WAIT either. */
		if (h->tier == TIER_TRAMPOLINES && h->status == HOOK_FAILED &&
		    strcmp(h->fact, "time-wait") != 0)
			k->fell_back = true;
	}
	return k->fell_back;
}

/* Rows that only some kernels need; the kernel itself is asked, by its types and by probes. */
static const char *not_needed(const struct kernel *k, const struct kernel_hook *h)
{
	bool ports = strcmp(h->fact, "ports") == 0;

	if (ports && !k->options.ports)
		return "only sockwatch ephemeral needs it";
	if (!ports && k->options.no_trace)
		return "nothing is traced";
	if (strcmp(h->program, "sockops__cookies") == 0 && k->has_cookie_helper)
		return "tracing programs make cookies here";
	if (strcmp(h->hook, "fentry/security_sock_graft") == 0 && !k->has_graft)
		return "not in this kernel";
	if (strcmp(h->hook, "fexit/inet_csk_accept") == 0 && k->has_graft)
		return "security_sock_graft covers it";
	if (strcmp(h->program, "fexit__inet_csk_accept2") == 0 && k->accept_params != 2)
		return "the function has other arguments here";
	if (strcmp(h->program, "fexit__inet_csk_accept4") == 0 && k->accept_params != 4)
		return "the function has other arguments here";
	if (strcmp(h->fact, "time-wait") == 0 &&
	    probe_parameters(k->btf, strchr(h->hook, '/') + 1) == 0)
		return "not in this kernel";
	return NULL;
}

static bool is_wanted(const struct kernel *k, const struct kernel_hook *h)
{
	return h->tier == TIER_BOTH || h->tier == k->tier;
}

int hooks_choose(struct kernel *k, struct kernel_error *error)
{
	int err = choose_tier(k, error);

	if (err < 0)
		return err;
	for (size_t i = 0; i < k->hook_count; i++) {
		struct kernel_hook *h = &k->hooks[i];
		const char *missing, *needless;

		k->load[i] = false;
		if (!is_wanted(k, h))
			continue;
		missing = missing_ground(k, h);
		needless = not_needed(k, h);
		if (needless)
			set_status(h, HOOK_UNUSED, "%s", needless);
		else if (missing)
			set_status(h, HOOK_FAILED, "%s", missing);
		else
			k->load[i] = true;
	}
	return 0;
}

void hooks_select(const struct kernel *k, struct sockwatch_bpf *skel, size_t only)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skel->obj) bpf_program__set_autoload(program, false);
	for (size_t i = 0; i < k->hook_count; i++)
		bpf_program__set_autoload(program_of(skel, k->hooks[i].program),
					  k->load[i] && (only == HOOKS_ALL || only == i));
}

void hooks_drop(struct kernel *k, size_t hook, int err)
{
	k->load[hook] = false;
	set_status(&k->hooks[hook], HOOK_FAILED, "does not load: %s", strerror(-err));
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
	if (is_prefix(h->hook, "iter/"))
		return bpf_program__attach_iter(program, NULL);
	return bpf_program__attach(program);
}

int hooks_attach(struct kernel *k, struct kernel_error *error)
{
	for (size_t i = 0; i < k->hook_count; i++) {
		struct kernel_hook *h = &k->hooks[i];

		if (!k->load[i])
			continue;
		k->links[i] = attach_row(k, h);
		if (k->links[i]) {
			set_status(h, HOOK_ATTACHED, "%s", "");
			k->skel->bss->has_sockops |= strcmp(h->program, "sockops__ports") == 0;
			k->skel->bss->has_calls |= is_prefix(h->hook, "syscalls/sys_exit");
			continue;
		}
		set_status(h, HOOK_FAILED, "%s", strerror(errno));
		if (i == 0)
			return kernel_fail(error, -errno, "cannot attach %s: %s", h->hook, h->why);
	}
	return 0;
}

void hooks_detach(struct kernel *k)
{
	/* Entries first, in reverse: no exit is missed. */
	for (size_t i = k->hook_count; i-- > 0;) {
		bpf_link__destroy(k->links[i]);
		k->links[i] = NULL;
	}
}
