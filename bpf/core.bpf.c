// SPDX-License-Identifier: GPL-2.0-only
/* core.bpf.c - the hooks both tiers stand on: raw BTF tracepoints, which work wherever BTF does and
 * need no tracefs. */
#include "bodies.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__inet_sock_set_state, struct sock *sk, int from, int to)
{
	on_state(sk, from, to);
	return 0;
}

/* Once per TCP socket, also those that never connected. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tp_btf__tcp_destroy_sock, struct sock *sk)
{
	on_socket(WIRE_DESTROY, sk, true);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tp_btf__tcp_receive_reset, struct sock *sk)
{
	on_socket(WIRE_RESET_RECEIVED, sk, true);
	return 0;
}

/* sk is NULL for a segment that meets no socket, and may be a minisock, which has no more than
 * sock_common. */
SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tp_btf__tcp_send_reset, struct sock *sk)
{
	__u8 state;

	if (!sk)
		return 0;
	state = sk->__sk_common.skc_state;
	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV || state == TCP_LISTEN)
		return 0;
	on_socket(WIRE_RESET_SENT, sk, true);
	return 0;
}
