// SPDX-License-Identifier: GPL-2.0-only
/* ports.bpf.c - a look at local ports: each socket's bind bucket decides whether connect() may share the port. */
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

SEC("iter/tcp")
int iter__tcp_ports(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct wire_port p = {};
	struct sock *sk;

	if (!common)
		return 0;
	sk = (struct sock *)bpf_skc_to_tcp_sock(common);
	if (sk) {
		fill_ends(&p, sk);
		fill_bucket(&p, BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_bind_hash));
	} else if (common->skc_state == TCP_TIME_WAIT) {
		struct tcp_timewait_sock *tw = (struct tcp_timewait_sock *)common;

		fill_ends(&p, (struct sock *)common);
		fill_bucket(&p, BPF_CORE_READ(tw, tw_sk.tw_tb));
		p.substate = BPF_CORE_READ(tw, tw_sk.tw_substate);
		p.tw_age_ms = time_wait_age_ms(tw);
		if (!BPF_CORE_READ(tw, tw_ts_recent_stamp))
			p.flags |= WIRE_P_NO_TIMESTAMPS;
	} else {
		return 0; /* a request keeps nothing that its listener does not */
	}
	p.protocol = IPPROTO_TCP;
	bpf_seq_write(ctx->meta->seq, &p, sizeof(p));
	return 0;
}

SEC("iter/udp")
int iter__udp_ports(struct bpf_iter__udp *ctx)
{
	struct udp_sock *udp = ctx->udp_sk;
	struct wire_port p = {};

	if (!udp)
		return 0;
	fill_ends(&p, (struct sock *)udp);
	p.protocol = IPPROTO_UDP;
	bpf_seq_write(ctx->meta->seq, &p, sizeof(p));
	return 0;
}

/* Who holds which socket, and the sockets that are bound and no more, which iter/tcp passes over. */
SEC("iter/task_file")
int iter__task_file_ports(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct wire_port p = {};
	struct socket *socket;
	struct sock *sk;
	__u16 family;

	if (!task || !file || (BPF_CORE_READ(file, f_inode, i_mode) & 0170000) != 0140000)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return 0;
	p.protocol = BPF_CORE_READ(sk, sk_protocol);
	if (p.protocol != IPPROTO_TCP && p.protocol != IPPROTO_UDP)
		return 0;
	fill_ends(&p, sk);
	if (!p.local_port)
		return 0;
	if (p.protocol == IPPROTO_TCP)
		fill_bucket(&p, BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_bind_hash));
	fill_task_from(&p.task, task);
	p.flags |= WIRE_P_TASK;
	bpf_seq_write(ctx->meta->seq, &p, sizeof(p));
	return 0;
}
