// SPDX-License-Identifier: GPL-2.0-only
/*
 * core.bpf.c - the hooks both tiers stand on: raw BTF tracepoints, which work wherever BTF does and need no tracefs.
 *
 * Each program is attached twice.  The kernel does not run a program on a CPU where it is running already (prog->active,
 * 5.19 on; recursion_misses counts it), and softirq reaches these hooks while a task is inside them: one change of state
 * in some thousand would be lost in silence.  The second copy runs after the first.  It finds in `told` whether the first
 * one told this event on this CPU, and tells it if not.  Softirq between the two copies makes it tell an event twice:
 * such facts carry WIRE_F_AGAIN and the table drops what it knows already.
 */
#include "bodies.h"
#include "states.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline bool is_change(struct sock *sk, int from, int to)
{
	return from != to && is_traced_protocol(sk->sk_protocol);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__inet_sock_set_state, struct sock *sk, int from, int to)
{
	if (!is_change(sk, from, to))
		return 0;
	note_told(NESTED_STATE, sk, from << 8 | to);
	on_state(sk, from, to, 0);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(again__inet_sock_set_state, struct sock *sk, int from, int to)
{
	if (is_change(sk, from, to) && !was_told(NESTED_STATE, sk, from << 8 | to))
		on_state(sk, from, to, WIRE_F_AGAIN);
	return 0;
}

static __always_inline int tell_once(enum nested_hook hook, enum wire_kind kind, struct sock *sk,
				     bool again)
{
	if (!again)
		note_told(hook, sk, 0);
	else if (was_told(hook, sk, 0))
		return 0;
	on_socket(kind, sk, true);
	return 0;
}

/* Once per TCP socket, also those that never connected. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tp_btf__tcp_destroy_sock, struct sock *sk)
{
	return tell_once(NESTED_DESTROY, WIRE_DESTROY, sk, false);
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(again__tcp_destroy_sock, struct sock *sk)
{
	return tell_once(NESTED_DESTROY, WIRE_DESTROY, sk, true);
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tp_btf__tcp_receive_reset, struct sock *sk)
{
	return tell_once(NESTED_RECEIVE_RESET, WIRE_RESET_RECEIVED, sk, false);
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(again__tcp_receive_reset, struct sock *sk)
{
	return tell_once(NESTED_RECEIVE_RESET, WIRE_RESET_RECEIVED, sk, true);
}

/* sk is NULL for a segment that meets no socket, and may be a minisock, which has no more than
 * sock_common. */
static __always_inline bool sends_reset(struct sock *sk)
{
	__u8 state;

	if (!sk)
		return false;
	state = sk->__sk_common.skc_state;
	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV && state != TCP_LISTEN;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tp_btf__tcp_send_reset, struct sock *sk)
{
	return sends_reset(sk) ? tell_once(NESTED_SEND_RESET, WIRE_RESET_SENT, sk, false) : 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(again__tcp_send_reset, struct sock *sk)
{
	return sends_reset(sk) ? tell_once(NESTED_SEND_RESET, WIRE_RESET_SENT, sk, true) : 0;
}
