// SPDX-License-Identifier: GPL-2.0-only
/*
 * cgroup.bpf.c - cgroup and sockops hooks, attached at the cgroup2 root.  They run in the calling
 * task, cover io_uring and cost other system calls nothing.  Every program allows what it sees.
 */
#define OF_CGROUPS
#include "bodies.h"

/* The context of cgroup/sock programs is the socket itself; the verifier lets it pass as a plain
 * pointer to read from. */
static __always_inline int after_bind(void *ctx)
{
	struct sock *sk = ctx;

	if (!is_traced_socket(sk, false) && !is_udp_socket(sk, false))
		return 1;
	/* Inside bind(2) the exit of the system call reports; here only what
	 * comes by io_uring or from a 32-bit process. */
	if (has_calls && current_call())
		return 1;
	on_bound(sk, false);
	return 1;
}

SEC("cgroup/post_bind4")
int cgroup__post_bind4(struct bpf_sock *ctx)
{
	return after_bind(ctx);
}

SEC("cgroup/post_bind6")
int cgroup__post_bind6(struct bpf_sock *ctx)
{
	return after_bind(ctx);
}

/* do_accept() reaches this when accept was given an address.  Only io_uring and
 * 32-bit processes need it: accept(2) is
 * seen at its exit. */
static __always_inline int after_accept(struct bpf_sock_addr *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct sock *sk;

	/* A child queued before the trace has no cookie yet, and before 5.12 the system call's exit cannot make it. */
	if (!has_cookie_helper)
		bpf_get_socket_cookie(ctx);
	if (!task_has_uring(task) && !task_is_32bit(task))
		return 1;
	sk = BPF_CORE_READ((struct bpf_sock_addr_kern *)ctx, sk);
	if (is_traced_socket(sk, false) && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
		on_accept(sk, false, WIRE_F_MAYBE_ACCEPT);
	return 1;
}

SEC("cgroup/getpeername4")
int cgroup__getpeername4(struct bpf_sock_addr *ctx)
{
	return after_accept(ctx);
}

SEC("cgroup/getpeername6")
int cgroup__getpeername6(struct bpf_sock_addr *ctx)
{
	return after_accept(ctx);
}

/*
 * Runs for every send of a UDP socket that is not connected, after the kernel chose a port where
 * there was none: reported once.  What bind() chose is told apart by the table.
 */
static __always_inline int before_send(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *bsk = ctx->sk;
	struct sent *sent;
	struct sock *sk;

	if (!bsk)
		return 1;
	sent = bpf_sk_storage_get(&sent_from, bsk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!sent || sent->port == bsk->src_port)
		return 1;
	sent->port = bsk->src_port;
	/* The verifier refuses to look behind a socket's own type; through memory it is a plain
	 * pointer. */
	*(volatile __u64 *)&sent->sk = (__u64)bsk;
	sk = (struct sock *)*(volatile __u64 *)&sent->sk;
	if (is_udp_socket(sk, false))
		on_autobind(sk, false, 0);
	return 1;
}

SEC("cgroup/sendmsg4")
int cgroup__sendmsg4(struct bpf_sock_addr *ctx)
{
	return before_send(ctx);
}

SEC("cgroup/sendmsg6")
int cgroup__sendmsg6(struct bpf_sock_addr *ctx)
{
	return before_send(ctx);
}

/* TCP sockets end in tcp_destroy_sock. */
SEC("cgroup/sock_release")
int cgroup__sock_release(struct bpf_sock *ctx)
{
	if (is_udp_protocol(ctx->protocol) && ctx->type == SOCK_DGRAM)
		on_socket(WIRE_DESTROY, (struct sock *)ctx, false);
	return 1;
}

/* Before 5.12 tracing programs cannot make a cookie, and cgroup/sock_create is not called for
 * accepted sockets. */
SEC("sockops")
int sockops__cookies(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_get_socket_cookie(ctx);
	return 1;
}

static __always_inline void on_port(__u32 op, struct sock *sk, const bool trusted)
{
	if (op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		on_connect(sk, trusted, false, NULL, 0, 0);
	else
		on_listen(sk, trusted, false, READ(trusted, sk, sk_max_ack_backlog), 0);
}

/* Both callbacks run in the caller's task with the port chosen.  The reply stays untouched for
 * other programs. */
SEC("sockops")
int sockops__ports(struct bpf_sock_ops *ctx)
{
	__u32 op = ctx->op;
	struct bpf_sock *bsk;
	struct tcp_sock *tp;

	if (!(op == BPF_SOCK_OPS_TCP_CONNECT_CB && sockops_connect) &&
	    !(op == BPF_SOCK_OPS_TCP_LISTEN_CB && sockops_listen))
		return 1;
	if (has_cookie_helper) {
		bsk = ctx->sk;
		tp = bsk ? bpf_skc_to_tcp_sock(bsk) : NULL;
		if (tp)
			on_port(op, (struct sock *)tp, true);
	} else {
		/* What the context is made of can be read everywhere; types need a kernel with BTF. */
		on_port(op, BPF_CORE_READ((struct bpf_sock_ops_kern *)ctx, sk), false);
	}
	return 1;
}

/* Makes the cookie at birth, so that every later hook, and a TIME_WAIT minisock, can read it. */
SEC("cgroup/sock_create")
int cgroup__sock_create(struct bpf_sock *ctx)
{
	bpf_get_socket_cookie(ctx);
	return 1;
}
