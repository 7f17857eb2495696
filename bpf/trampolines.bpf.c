// SPDX-License-Identifier: GPL-2.0-only
/*
 * trampolines.bpf.c - bind, listen, connect and accept by fentry and fexit: they cost other system
 * calls nothing and cover io_uring, because every path goes through these functions.
 */
#include "bodies.h"

/* uaddr is struct sockaddr * up to 6.18 and struct sockaddr_unsized * later; a copy needs neither
 * type. */
static __always_inline int bind_exit(struct socket *sock, const void *uaddr, int length, int ret)
{
	__u8 asked[28] = {};
	struct sock *sk = sock->sk;

	if (!sk || !is_traced_socket(sk, true))
		return 0;
	if (ret < 0 && length >= (int)sizeof(__u16))
		bpf_probe_read_kernel(asked, sizeof(asked), uaddr);
	on_bind(sk, true, asked, ret);
	return 0;
}

SEC("fexit/inet_bind")
int BPF_PROG(fexit__inet_bind, struct socket *sock, void *uaddr, int length, int ret)
{
	return bind_exit(sock, uaddr, length, ret);
}

SEC("fexit/inet6_bind")
int BPF_PROG(fexit__inet6_bind, struct socket *sock, void *uaddr, int length, int ret)
{
	return bind_exit(sock, uaddr, length, ret);
}

SEC("fexit/inet_listen")
int BPF_PROG(fexit__inet_listen, struct socket *sock, int backlog, int ret)
{
	struct sock *sk = sock->sk;

	if (sk && is_traced_socket(sk, true))
		on_listen(sk, true, true, backlog, ret);
	return 0;
}

static __always_inline int connect_exit(struct sock *sk, const void *uaddr, int length, int ret)
{
	__u8 asked[28] = {};

	if (!is_traced_protocol(sk->sk_protocol))
		return 0;
	if (ret < 0 && length >= (int)sizeof(__u16))
		bpf_probe_read_kernel(asked, sizeof(asked), uaddr);
	on_connect(sk, true, true, asked, ret, 0);
	return 0;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(fexit__tcp_v4_connect, struct sock *sk, void *uaddr, int length, int ret)
{
	/* A v4-mapped connect of an IPv6 socket comes here inside tcp_v6_connect(), which reports
	 * it. */
	if (sk->__sk_common.skc_family != AF_INET)
		return 0;
	return connect_exit(sk, uaddr, length, ret);
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(fexit__tcp_v6_connect, struct sock *sk, void *uaddr, int length, int ret)
{
	return connect_exit(sk, uaddr, length, ret);
}

static __always_inline int accept_return(struct sock *child)
{
	if (child && is_traced_socket(child, true))
		on_accept(child, true, 0);
	return 0;
}

/* Every accept joins its socket to the new file here, also one that was blocked before the program was attached: a function
 * already entered has no exit to see.  Needs CONFIG_SECURITY_NETWORK. */
SEC("fentry/security_sock_graft")
int BPF_PROG(fentry__security_sock_graft, struct sock *sk, struct socket *parent)
{
	return accept_return(sk);
}

/* Up to 6.9 (sk, flags, err, kern); from 6.10 (92ef0fd55ac8) (sk, proto_accept_arg).  Delete the
 * first with 6.6. */
SEC("fexit/inet_csk_accept")
int BPF_PROG(fexit__inet_csk_accept4, struct sock *sk, int flags, int *err, bool kern,
	     struct sock *child)
{
	return accept_return(child);
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(fexit__inet_csk_accept2, struct sock *sk, void *arg, struct sock *child)
{
	return accept_return(child);
}
