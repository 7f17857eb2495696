// SPDX-License-Identifier: GPL-2.0-only
/*
 * tracepoints.bpf.c - bind, listen, connect and accept by system-call tracepoints: the tier that
 * works everywhere.
 *
 * The entry remembers the call, the exit reports it once: a success is reported by whichever hook
 * knows the port first, a failure always by the exit.
 */
#include "bodies.h"
#include "files.h"

/* The socket behind a descriptor of the current task; NULL when it is no socket whose facts are
 * wanted. */
static __always_inline struct sock *socket_of_fd(__u32 fd, const bool udp_too)
{
	struct file *file = file_of((struct task_struct *)bpf_get_current_task(), fd);
	struct sock *sk = file ? socket_of_file(file) : NULL;

	if (!sk || !(is_traced_socket(sk, false) || (udp_too && is_udp_socket(sk, false))))
		return NULL;
	return sk;
}

static __always_inline void call_enter(enum call_kind kind, __u32 fd, const void *address,
				       __u32 length, __u32 backlog)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call call = {};
	struct sock *sk = socket_of_fd(fd, kind != CALL_LISTEN);

	if (!sk)
		return;
	call.sk = (__u64)sk;
	call.kind = kind;
	call.state = BPF_CORE_READ(sk, __sk_common.skc_state);
	call.backlog = backlog;
	if (is_udp_protocol(BPF_CORE_READ(sk, sk_protocol)))
		call.udp = BPF_CORE_READ(sk, __sk_common.skc_num) ? UDP_HAS_PORT : UDP_NO_PORT;
	if (kind == CALL_CONNECT && !call.udp && call.state != TCP_CLOSE)
		return; /* the second connect() of a pair that began before: asks how the first went
			 */
	if (address && length >= sizeof(__u16)) {
		if (length > sizeof(call.address))
			length = sizeof(call.address);
		bpf_probe_read_user(call.address, length, address);
	}
	if (kind == CALL_CONNECT && !call.udp && *(__u16 *)call.address == 0)
		return; /* AF_UNSPEC dissolves a connection, which the change of state tells */
	if (bpf_map_update_elem(&calls, &id, &call, BPF_ANY))
		__sync_fetch_and_add(&calls_full, 1);
}

/* Takes the entry of this thread's call out of the map. */
static __always_inline bool call_exit(enum call_kind kind, struct call *ret)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &id);

	if (!call)
		return false;
	*ret = *call;
	bpf_map_delete_elem(&calls, &id);
	return ret->kind == kind;
}

SEC("tp/syscalls/sys_enter_bind")
int tp__sys_enter_bind(struct trace_event_raw_sys_enter *ctx)
{
	call_enter(CALL_BIND, ctx->args[0], (void *)ctx->args[1], ctx->args[2], 0);
	return 0;
}

SEC("tp/syscalls/sys_exit_bind")
int tp__sys_exit_bind(struct trace_event_raw_sys_exit *ctx)
{
	struct call call;

	if (call_exit(CALL_BIND, &call))
		on_bind((struct sock *)call.sk, false, call.address, ctx->ret);
	return 0;
}

SEC("tp/syscalls/sys_enter_listen")
int tp__sys_enter_listen(struct trace_event_raw_sys_enter *ctx)
{
	call_enter(CALL_LISTEN, ctx->args[0], NULL, 0, ctx->args[1]);
	return 0;
}

SEC("tp/syscalls/sys_exit_listen")
int tp__sys_exit_listen(struct trace_event_raw_sys_exit *ctx)
{
	struct call call;
	int ret = ctx->ret;

	if (!call_exit(CALL_LISTEN, &call))
		return 0;
	/* A first listen() was reported with its port by sockops; a repeated one only changes the
	 * backlog. */
	if (ret < 0 || call.state == TCP_LISTEN || !sockops_listen)
		on_listen((struct sock *)call.sk, false, true, call.backlog, ret);
	return 0;
}

SEC("tp/syscalls/sys_enter_connect")
int tp__sys_enter_connect(struct trace_event_raw_sys_enter *ctx)
{
	call_enter(CALL_CONNECT, ctx->args[0], (void *)ctx->args[1], ctx->args[2], 0);
	return 0;
}

#define EINPROGRESS_RESULT (-115)

SEC("tp/syscalls/sys_exit_connect")
int tp__sys_exit_connect(struct trace_event_raw_sys_exit *ctx)
{
	struct call call;
	struct sock *sk;
	int ret = ctx->ret;

	if (!call_exit(CALL_CONNECT, &call))
		return 0;
	sk = (struct sock *)call.sk;
	if (call.udp) {
		on_udp_connect(sk, false, call.address, ret, call.udp == UDP_HAS_PORT);
		return 0;
	}
	if (ret == 0 || ret == EINPROGRESS_RESULT) {
		/* A deferred SYN (TCP_FASTOPEN_CONNECT) has no port yet and is reported when it is
		 * sent. */
		if (!sockops_connect && inet_source_port(sk))
			on_connect(sk, false, true, NULL, 0, 0);
		return 0;
	}
	on_connect(sk, false, true, call.address, ret, call.opened ? WIRE_F_OPENED : 0);
	return 0;
}

static __always_inline int accept_exit(long fd)
{
	struct sock *sk;

	if (fd < 0)
		return 0;
	sk = socket_of_fd(fd, false);
	if (sk)
		on_accept(sk, false, 0);
	return 0;
}

SEC("tp/syscalls/sys_exit_accept")
int tp__sys_exit_accept(struct trace_event_raw_sys_exit *ctx)
{
	return accept_exit(ctx->ret);
}

SEC("tp/syscalls/sys_exit_accept4")
int tp__sys_exit_accept4(struct trace_event_raw_sys_exit *ctx)
{
	return accept_exit(ctx->ret);
}

/* What a send reports when autobind finds no port (net/ipv4/af_inet.c inet_autobind()); others wait for room by it. */
#define NO_PORT_RESULT (-11)

/* From 6.3 on; before, nothing tells. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(tp_btf__sock_send_length, struct sock *sk, int ret)
{
	if (ret == NO_PORT_RESULT && is_udp_socket(sk, true) && !sk->__sk_common.skc_num)
		on_autobind(sk, true, ret);
	return 0;
}
