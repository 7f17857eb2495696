/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * core.h - the hooks both tiers stand on, whatever the kernel lets their programs know of its types: tp_btf in core.bpf.c,
 * raw_tp in untyped.bpf.c.
 *
 * Each program is attached twice, as are the trampolines.  The kernel does not run a program on a CPU where it is running
 * already (prog->active: trampolines from 5.12 on, raw tracepoints from 5.19 on), and softirq reaches these hooks while a task
 * is inside them, or the task is preempted there and others of its CPU reach them: one change of state in some thousand would
 * be lost in silence.  The second copy runs after the first.  It finds in a note whether the first ran for this event, and
 * does its work if not.  Softirq between the two copies makes it tell an event twice: such facts carry WIRE_F_AGAIN and the
 * table drops what it knows already.  What reached neither copy is what the first missed (recursion_misses) without the
 * second's doing its work (`rescued`); the loader counts it as lost.
 */
#ifndef SOCKWATCH_BPF_CORE_H
#define SOCKWATCH_BPF_CORE_H

#include "states.h"
#include "told.h"

static __always_inline int tell_state(struct sock *sk, const bool trusted, int from, int to,
				      const bool again)
{
	if (is_told(NESTED_STATE, sk, from << 8 | to, again) || from == to ||
	    !is_traced_protocol(READ(trusted, sk, sk_protocol)))
		return 0;
	on_state(sk, trusted, from, to, again ? WIRE_F_AGAIN : 0);
	return 0;
}

/*
 * The socket was made and closed and nothing else: no fact has told of it, and a loop of socket(),
 * a failed bind() and close() would fill the ring with ends.  A listen() without backlog that found
 * no port looks the same.
 */
static __always_inline bool was_never_used(struct sock *sk, const bool trusted)
{
	if (READ(trusted, sk, __sk_common.skc_num) || inet_source_port(sk) ||
	    READ(trusted, sk, __sk_common.skc_state) != TCP_CLOSE ||
	    READ(trusted, sk, sk_max_ack_backlog) || READ(trusted, sk, __sk_common.skc_daddr))
		return false;
	return READ(trusted, sk, __sk_common.skc_family) != AF_INET6 ||
	       !(READ(trusted, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[0]) |
		 READ(trusted, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[1]) |
		 READ(trusted, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[2]) |
		 READ(trusted, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[3]));
}

static __always_inline int tell_destroy(struct sock *sk, const bool trusted, const bool again)
{
	if (!is_told(NESTED_DESTROY, sk, 0, again) && !was_never_used(sk, trusted))
		on_socket(WIRE_DESTROY, sk, trusted);
	return 0;
}

static __always_inline int tell_reset_received(struct sock *sk, const bool trusted,
					       const bool again)
{
	if (!is_told(NESTED_RECEIVE_RESET, sk, 0, again))
		on_socket(WIRE_RESET_RECEIVED, sk, trusted);
	return 0;
}

/* sk is NULL for a segment that meets no socket, and may be a minisock, which has no more than
 * sock_common. */
static __always_inline int tell_reset_sent(struct sock *sk, const bool trusted, const bool again)
{
	__u8 state;

	if (is_told(NESTED_SEND_RESET, sk, 0, again) || !sk)
		return 0;
	state = READ(trusted, sk, __sk_common.skc_state);
	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV || state == TCP_LISTEN)
		return 0;
	on_socket(WIRE_RESET_SENT, sk, trusted);
	return 0;
}

#endif
