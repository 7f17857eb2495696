/* SPDX-License-Identifier: GPL-2.0-only */
/* minisock.h - the bodies of TIME_WAIT: a minisock takes over from its socket, and ends. */
#ifndef SOCKWATCH_BPF_MINISOCK_H
#define SOCKWATCH_BPF_MINISOCK_H

#include "bodies.h"

/* The minisock is about to be hashed: `tw` has what it will be found by. */
static __always_inline void on_time_wait(struct inet_timewait_sock *tw, struct sock *sk,
					 const __u8 flags)
{
	struct wire_fact *f;

	if (sk->sk_protocol != IPPROTO_TCP || is_left_out(sk, true))
		return;
	f = record_reserve(WIRE_TIME_WAIT, sizeof(*f), sk);
	if (!f)
		return;
	fill_socket(f, sk, true);
	f->flags = flags;
	f->listener = (__u64)tw;
	f->from = f->to;
	f->to = tw->tw_substate;
	record_submit(f);
}

/* What was kept is not known any more: the table knows how long it lasts. */
static __always_inline bool is_end_left_out(struct inet_timewait_sock *tw)
{
	struct sock_common *common = &tw->__tw_common;

	if (!leaves_out)
		return false;
	if (filter.without_tcp ||
	    (filter.netns && BPF_CORE_READ(common, skc_net.net, ns.inum) != filter.netns))
		return true;
	return filter.ends && !is_local_asked(BPF_CORE_READ(common, skc_num)) &&
	       !is_peer_asked(bpf_ntohs(BPF_CORE_READ(common, skc_dport)));
}

static __always_inline void on_time_wait_end(struct inet_timewait_sock *tw)
{
	struct wire_fact *f;

	/* DCCP (up to 6.15) has minisocks too, which carry no protocol. */
	if (BPF_CORE_READ(tw, __tw_common.skc_prot, name[0]) == 'D' || is_end_left_out(tw))
		return;
	f = record_reserve(WIRE_TIME_WAIT_END, sizeof(*f), NULL);
	if (!f)
		return;
	f->flags = 0;
	fill_minisock(f, (struct sock *)tw);
	f->from = TCP_TIME_WAIT;
	f->to = TCP_CLOSE;
	record_submit(f);
}

#endif
