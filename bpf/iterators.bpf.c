// SPDX-License-Identifier: GPL-2.0-only
/* iterators.bpf.c - a look at what is there: descriptors of every task, and the sockets of a
 * namespace. */
#include "files.h"
#include "seeds.h"

SEC("iter/task_file")
int iter__task_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct wire_call c = {};
	struct socket *socket;
	struct sock *sk;

	if (!task || !file || !is_socket_file(file))
		return 0;
	if (has_cookie_helper) {
		socket = bpf_sock_from_file(file);
		if (!socket)
			return 0;
		sk = socket->sk;
		if (!sk || !(is_traced_socket(sk, true) || is_udp_socket(sk, true)))
			return 0;
		fill_seed(&c, sk, WIRE_SEED_FILE, true);
		if (c.fact.to == TCP_LISTEN &&
		    BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport)) {
			__u64 *of = bpf_sk_storage_get(&listener_of, sk, NULL,
						       BPF_SK_STORAGE_GET_F_CREATE);

			if (of)
				*of = c.fact.cookie;
		}
	} else {
		socket = BPF_CORE_READ(file, private_data);
		sk = BPF_CORE_READ(socket, sk);
		if (!sk || !(is_traced_socket(sk, false) || is_udp_socket(sk, false)))
			return 0;
		fill_seed(&c, sk, WIRE_SEED_FILE, false);
	}
	fill_task_from(&c.task, task);
	c.task.fd = ctx->fd;
	c.task.parent = BPF_CORE_READ(task, real_parent, tgid);
	c.arg = task_made_file(task, file);
	bpf_seq_write(ctx->meta->seq, &c, sizeof(c));
	return 0;
}

SEC("iter/tcp")
int iter__tcp_minisocks(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct wire_call c = {};

	if (!common || common->skc_state != TCP_TIME_WAIT || common->skc_num != wanted_port)
		return 0;
	fill_minisock(&c, common);
	bpf_seq_write(ctx->meta->seq, &c, sizeof(c));
	return 0;
}

SEC("iter/tcp")
int iter__tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct wire_call c = {};
	struct tcp_sock *tp;

	if (!common)
		return 0;
	/* NULL for the minisocks of TIME_WAIT and NEW_SYN_RECV, which have no more than
	 * sock_common. */
	tp = bpf_skc_to_tcp_sock(common);
	if (!tp) {
		if (common->skc_state != TCP_TIME_WAIT)
			return 0;
		fill_minisock(&c, common);
		bpf_seq_write(ctx->meta->seq, &c, sizeof(c));
		return 0;
	}
	fill_seed(&c, (struct sock *)tp, WIRE_SEED_SOCKET, false);
	if (!c.fact.cookie && has_cookie_helper)
		c.fact.cookie = bpf_get_socket_cookie(tp);
	bpf_seq_write(ctx->meta->seq, &c, sizeof(c));
	return 0;
}
