/* SPDX-License-Identifier: GPL-2.0-only */
/* look_left_out.h - what the tracer's look leaves out because its programs do, see left_out.h. */
#ifndef SOCKWATCH_BPF_LOOK_LEFT_OUT_H
#define SOCKWATCH_BPF_LOOK_LEFT_OUT_H

#include "left_out.h"
#include "look_socket.h"

/* This look is the tracer's, for its table; set by the loader before each. */
__u32 asked_only SEC(".bss") __weak;

static __always_inline bool keeps_from_connects(const struct sock_common *c,
						struct inet_bind_bucket *bucket)
{
	return bucket && BPF_CORE_READ(bucket, fastreuse) >= 0 &&
	       is_in_range((const struct sock *)c, c->skc_num, c->skc_num);
}

/* By its ports; of TCP.  True: only what else it has may keep it. */
static __always_inline bool has_other_ports(const struct sock_common *c)
{
	return filter.ends && c->skc_dport && !is_local_asked(c->skc_num) &&
	       !is_peer_asked(bpf_ntohs(c->skc_dport));
}

/* From here on the programs tell of what keeps its port from connects, as of what they saw bound. */
static __always_inline bool is_tcp_left_out(struct sock *sk)
{
	if (filter.without_tcp)
		return true;
	if (!has_other_ports(&sk->__sk_common) ||
	    (READ_BITS(sk, sk_userlocks) & SOCK_BINDPORT_LOCKED) || is_kept(sk))
		return false;
	if (!keeps_from_connects(&sk->__sk_common,
				 BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_bind_hash)))
		return true;
	keep(sk);
	return false;
}

/* A minisock of TIME_WAIT, or of a handshake, which is nobody's yet. */
static __always_inline bool is_minisock_left_out(struct sock_common *c)
{
	if (filter.without_tcp)
		return true;
	return has_other_ports(c) &&
	       !(c->skc_state == TCP_TIME_WAIT &&
		 keeps_from_connects(c, BPF_CORE_READ((struct tcp_timewait_sock *)c, tw_sk.tw_tb)));
}

static __always_inline bool is_held_left_out(struct sock *sk, __u32 netns)
{
	if (!leaves_out || !asked_only)
		return false;
	if (filter.netns && netns != filter.netns)
		return true;
	if (sk->sk_type == SOCK_STREAM && sk->sk_protocol == IPPROTO_TCP)
		return is_tcp_left_out(sk);
	return sk->sk_type == SOCK_DGRAM ? filter.without_udp : filter.without_tcp;
}

#endif
