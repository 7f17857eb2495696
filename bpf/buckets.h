/* SPDX-License-Identifier: GPL-2.0-only */
/* buckets.h - the bodies of a look at local ports, whichever way it is taken.  Each wants a record of zeros. */
#ifndef SOCKWATCH_BPF_BUCKETS_H
#define SOCKWATCH_BPF_BUCKETS_H

#include "files.h"
#include "fill.h"
#include "wire_ports.h"

static __always_inline void fill_bucket(struct wire_port *p, struct inet_bind_bucket *bucket)
{
	if (!bucket)
		return;
	p->flags |= WIRE_P_BUCKET;
	p->fastreuse = BPF_CORE_READ(bucket, fastreuse);
	p->fastreuseport = BPF_CORE_READ(bucket, fastreuseport);
	p->l3mdev = BPF_CORE_READ(bucket, l3mdev);
}

static __always_inline void fill_ends(struct wire_port *p, struct sock *sk)
{
	struct sock_common *c = &sk->__sk_common;

	p->sk = (__u64)sk;
	p->cookie = BPF_CORE_READ(c, skc_cookie.counter);
	p->netns = BPF_CORE_READ(c, skc_net.net, ns.inum);
	p->local_port = BPF_CORE_READ(c, skc_num);
	p->peer_port_be = BPF_CORE_READ(c, skc_dport);
	p->family = BPF_CORE_READ(c, skc_family);
	p->state = BPF_CORE_READ(c, skc_state);
	if (BPF_CORE_READ_BITFIELD_PROBED(c, skc_ipv6only))
		p->options = WIRE_O_V6ONLY;
	if (p->family == AF_INET) {
		copy_v4(p->local, BPF_CORE_READ(c, skc_rcv_saddr), false);
		copy_v4(p->peer, BPF_CORE_READ(c, skc_daddr), false);
	} else {
		BPF_CORE_READ_INTO(&p->local, c, skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&p->peer, c, skc_v6_daddr);
	}
}

/* A TCP socket. */
static __always_inline void fill_connection(struct wire_port *p, struct sock *sk)
{
	fill_ends(p, sk);
	fill_bucket(p, BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_bind_hash));
	p->protocol = IPPROTO_TCP;
}

static __always_inline void fill_time_wait(struct wire_port *p, struct tcp_timewait_sock *tw)
{
	fill_ends(p, (struct sock *)tw); /* for its first member only */
	fill_bucket(p, BPF_CORE_READ(tw, tw_sk.tw_tb));
	p->substate = BPF_CORE_READ(tw, tw_sk.tw_substate);
	p->tw_age_ms = time_wait_age_ms(tw);
	if (!BPF_CORE_READ(tw, tw_ts_recent_stamp))
		p->flags |= WIRE_P_NO_TIMESTAMPS;
	p->protocol = IPPROTO_TCP;
}

/* A socket behind a descriptor of `task`; false when it keeps no port of TCP or UDP. */
static __always_inline bool fill_held(struct wire_port *p, struct sock *sk, struct file *file,
				      struct task_struct *task)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family != AF_INET && family != AF_INET6)
		return false;
	p->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (p->protocol == IPPROTO_TCP)
		fill_connection(p, sk);
	else if (p->protocol == IPPROTO_UDP)
		fill_ends(p, sk);
	else
		return false;
	if (!p->local_port)
		return false;
	fill_task_from(&p->task, task);
	p->task.parent = BPF_CORE_READ(task, real_parent, tgid);
	p->flags |= WIRE_P_TASK;
	if (task_made_file(task, file))
		p->flags |= WIRE_P_MAKER;
	return true;
}

#endif
