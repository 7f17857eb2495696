// SPDX-License-Identifier: GPL-2.0-only
/* ports.bpf.c - a look at local ports: each socket's bind bucket decides whether connect() may share the port. */
#include "buckets.h"
#include "files.h"

SEC("iter/tcp")
int iter__tcp_ports(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct wire_port p = {};
	struct sock *sk;

	if (!common)
		return 0;
	sk = (struct sock *)bpf_skc_to_tcp_sock(common);
	if (sk)
		fill_connection(&p, sk);
	else if (common->skc_state == TCP_TIME_WAIT)
		fill_time_wait(&p, (struct tcp_timewait_sock *)common);
	else
		return 0; /* a request keeps nothing that its listener does not */
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
	struct sock *sk;

	if (!task || !file)
		return 0;
	sk = socket_of_file(file);
	if (!sk || !fill_held(&p, sk, file, task))
		return 0;
	bpf_seq_write(ctx->meta->seq, &p, sizeof(p));
	return 0;
}
