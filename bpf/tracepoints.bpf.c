// SPDX-License-Identifier: GPL-2.0-only
/*
 * tracepoints.bpf.c - bind, listen, connect and accept by system-call tracepoints: the tier that
 * works everywhere.
 *
 * The entry remembers the call, the exit reports it once: a success is reported by whichever hook
 * knows the port first, a failure always by the exit.
 */
#include "failures.h"
#include "registers.h"

/* What a call asks for; false where it is not followed.  `ret` is zero. */
static __always_inline bool read_call(struct call *ret, enum call_kind kind, __u32 fd,
				      const void *address, __u32 length, __u32 backlog)
{
	struct sock *sk = socket_of_fd(fd, kind != CALL_LISTEN);

	if (!sk)
		return false;
	ret->sk = (__u64)sk;
	ret->kind = kind;
	ret->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	ret->backlog = backlog;
	if (is_udp_protocol(BPF_CORE_READ(sk, sk_protocol)))
		ret->udp = BPF_CORE_READ(sk, __sk_common.skc_num) ? UDP_HAS_PORT : UDP_NO_PORT;
	if (address && length >= sizeof(__u16)) {
		if (length > sizeof(ret->address))
			length = sizeof(ret->address);
		bpf_probe_read_user(ret->address, length, address);
	}
	/*
	 * The second connect() of a pair that began before asks how the first went; AF_UNSPEC dissolves a connection, which the
	 * change of state tells.
	 */
	if (kind == CALL_CONNECT && !ret->udp &&
	    (ret->state != TCP_CLOSE || *(__u16 *)ret->address == 0))
		ret->kind = CALL_UNTOLD;
	return true;
}

static __always_inline void call_enter(enum call_kind kind, __u32 fd, const void *address,
				       __u32 length, __u32 backlog)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call call = {};

	if (read_call(&call, kind, fd, address, length, backlog) &&
	    bpf_map_update_elem(&calls, &id, &call, BPF_ANY))
		__sync_fetch_and_add(&calls_full, 1);
}

/*
 * A seccomp filter answers before the entry is traced: what was asked for is still in the caller's registers.  A connect() that
 * began before the trace looks the same, but has left its port in the socket.
 */
static __always_inline bool call_filtered(enum call_kind kind,
					  const struct trace_event_raw_sys_exit *ctx,
					  struct call *ret)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct call_args args;

	if (ctx->ret >= 0 || !bpf_core_field_exists(task->seccomp.mode) ||
	    !BPF_CORE_READ(task, seccomp.mode) || !leaving_call_args(&args, ctx->id))
		return false;
	*ret = (struct call){};
	if (!read_call(ret, kind, args.arg[0],
		       kind == CALL_LISTEN ? NULL : (const void *)args.arg[1], args.arg[2],
		       args.arg[1]) ||
	    ret->kind != kind)
		return false;
	return kind != CALL_CONNECT || !inet_source_port((struct sock *)ret->sk);
}

static __always_inline void on_filtered(enum call_kind kind, const struct call *call, int result)
{
	on_failure(kind == CALL_BIND     ? WIRE_BIND
		   : kind == CALL_LISTEN ? WIRE_LISTEN
					 : WIRE_CONNECT,
		   (struct sock *)call->sk, false, kind == CALL_LISTEN ? NULL : call->address,
		   result, kind == CALL_LISTEN ? call->backlog : 0, WIRE_F_FILTERED);
}

/* Takes the entry of this thread's call out of the map. */
static __always_inline bool call_exit(enum call_kind kind,
				      const struct trace_event_raw_sys_exit *ctx, struct call *ret)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &id);

	if (!call) {
		if (call_filtered(kind, ctx, ret))
			on_filtered(kind, ret, ctx->ret);
		return false;
	}
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

	if (call_exit(CALL_BIND, ctx, &call))
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

	if (!call_exit(CALL_LISTEN, ctx, &call))
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

	if (!call_exit(CALL_CONNECT, ctx, &call))
		return 0;
	sk = (struct sock *)call.sk;
	if (call.udp) {
		if (ret == 0)
			ask_by_result(sk, false, call.address);
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

static __always_inline int accept_exit(const struct trace_event_raw_sys_exit *ctx)
{
	struct call_args args;
	struct sock *sk;

	if (ctx->ret >= 0) {
		sk = socket_of_fd(ctx->ret, false);
		if (sk)
			on_accept(sk, false, 0);
	} else if (accept_went_wrong(ctx->ret) && leaving_call_args(&args, ctx->id)) {
		on_accept_failed(args.arg[0], ctx->ret);
	}
	return 0;
}

SEC("tp/syscalls/sys_exit_accept")
int tp__sys_exit_accept(struct trace_event_raw_sys_exit *ctx)
{
	return accept_exit(ctx);
}

SEC("tp/syscalls/sys_exit_accept4")
int tp__sys_exit_accept4(struct trace_event_raw_sys_exit *ctx)
{
	return accept_exit(ctx);
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
