// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot.bpf.c - one look at every socket: who holds which (all namespaces in one pass), and what no descriptor leads to
 * (a pass per namespace).  An object of its own, because a listing must start fast and needs none of the tracer.
 */
#include "looked.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "wire_snapshot.h"

#define AF_INET	       2
#define AF_INET6       10
#define SOCK_FLAG_DEAD 0

char LICENSE[] SEC("license") = "GPL";

/* Cookies, queues and makers: three more lines of memory a socket, which a table on the screen does not show. */
const volatile bool details = true;
/* Where look_tcp and look_udp run; set by the loader. */
__u32 this_netns SEC(".bss");
/* The task whose details the stream carries last; its address alone may be another's by now. */
__u64 last_task SEC(".bss");
__u64 last_started SEC(".bss");

static __always_inline void fill_v4(__u8 *out, __be32 addr)
{
	__u32 *word = (__u32 *)out;

	word[0] = addr;
	word[1] = word[2] = word[3] = 0;
}

static __always_inline void fill_v6(__u8 *out, const struct in6_addr *addr)
{
	__u32 *word = (__u32 *)out;

	word[0] = addr->in6_u.u6_addr32[0];
	word[1] = addr->in6_u.u6_addr32[1];
	word[2] = addr->in6_u.u6_addr32[2];
	word[3] = addr->in6_u.u6_addr32[3];
}

/* What every kind of socket has, minisocks included. */
static __always_inline void fill_common(struct wire_look *r, struct sock_common *c)
{
	r->key.size = sizeof(*r);
	r->key.sk = (__u64)c;
	r->cookie = c->skc_cookie.counter;
	if (details && !r->cookie)
		r->cookie = bpf_get_socket_cookie(c);
	r->ifindex = c->skc_bound_dev_if;
	r->local_port = c->skc_num;
	r->peer_port_be = c->skc_dport;
	r->family = c->skc_family;
	r->state = c->skc_state;
	r->receive = r->send = r->backlog = 0;
	r->pad = 0;
	if (r->family == AF_INET6) {
		fill_v6(r->local, &c->skc_v6_rcv_saddr);
		fill_v6(r->peer, &c->skc_v6_daddr);
	} else {
		fill_v4(r->local, c->skc_rcv_saddr);
		fill_v4(r->peer, c->skc_daddr);
	}
}

static __always_inline void fill_queues(struct wire_look *r, struct sock *sk, const bool tcp)
{
	struct tcp_sock *tp;
	__s32 waiting;

	if (tcp && r->protocol == IPPROTO_TCP && r->type == SOCK_STREAM) {
		if (r->state == TCP_LISTEN) {
			r->receive = sk->sk_ack_backlog;
			r->backlog = sk->sk_max_ack_backlog;
			return;
		}
		tp = bpf_skc_to_tcp_sock(sk);
		if (!tp)
			return;
		waiting = tp->rcv_nxt - tp->copied_seq;
		r->receive = waiting > 0 ? waiting : 0;
		r->send = tp->write_seq - tp->snd_una;
		return;
	}
	r->receive = sk->sk_backlog.rmem_alloc.counter;
	/* One reference is the socket's own. */
	r->send = sk->sk_wmem_alloc.refs.counter - 1;
}

static __always_inline void fill_sock(struct wire_look *r, struct sock *sk, const bool tcp)
{
	fill_common(r, &sk->__sk_common);
	if (details)
		fill_queues(r, sk, tcp);
}

static __always_inline void fill_task(struct wire_look_first *r, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	r->pid = task->tgid;
	r->parent = task->real_parent->tgid;
	r->uid = task->real_cred->euid.val;
	r->ruid = task->real_cred->uid.val;
	r->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
	r->started_ns = BPF_CORE_READ(leader, start_boottime);
	BPF_CORE_READ_INTO(&r->name, leader, comm);
}

SEC("look/task_file")
int look_held(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct wire_look_first r;
	struct socket *socket;
	struct sock *sk;
	__u16 family;

	if (!task || !file)
		return 0;
	/* NULL for what is no socket. */
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	r.look.netns = sk->__sk_common.skc_net.net->ns.inum;
	r.look.protocol = sk->sk_protocol;
	r.look.type = sk->sk_type;
	fill_sock(&r.look, sk, true);
	r.look.key.socket = (__u64)socket;
	r.look.key.fd = ctx->fd;
	r.look.key.flags = 0;
	/* Each process has credentials of its own: the file keeps those it was made with. */
	if (details && (__u64)file->f_cred == (__u64)task->real_cred)
		r.look.key.flags = LOOK_F_MAKER;
	if (last_task == (__u64)task && last_started == task->start_boottime) {
		r.look.key.kind = LOOK_HELD;
		bpf_seq_write(ctx->meta->seq, &r.look, sizeof(r.look));
		return 0;
	}
	r.look.key.kind = LOOK_FIRST;
	r.look.key.size = sizeof(r);
	fill_task(&r, task);
	/* What found no room is asked for again. */
	if (bpf_seq_write(ctx->meta->seq, &r, sizeof(r)) == 0) {
		last_task = (__u64)task;
		last_started = task->start_boottime;
	}
	return 0;
}

static __always_inline int tell_socket(struct seq_file *seq, struct sock *sk, const bool tcp)
{
	/* Not sk->sk_socket: to follow a trusted pointer the verifier searches all of the kernel's types, for longer than this
	 * takes on 10,000 sockets. */
	struct socket *socket = BPF_CORE_READ(sk, sk_socket);
	struct wire_look r = {};

	/* Each line of memory counts: what is known is not read. */
	r.netns = this_netns;
	r.protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	r.type = tcp ? SOCK_STREAM : SOCK_DGRAM;
	fill_sock(&r, sk, tcp);
	r.key.kind = LOOK_LOOSE;
	r.key.socket = (__u64)socket;
	/*
	 * A kernel's own socket has no file; what has one is known by its descriptors already, or is in flight.  Of interest is
	 * who has a port to itself: of 40,000 connections it is not asked.
	 */
	if (socket)
		r.key.flags = details && !r.peer_port_be && !BPF_CORE_READ(socket, file) ? LOOK_F_KERNEL
											  : 0;
	else if (sk->__sk_common.skc_flags & (1 << SOCK_FLAG_DEAD))
		r.key.flags = LOOK_F_DEAD;
	else if (!socket)
		r.key.flags = LOOK_F_QUEUED;
	bpf_seq_write(seq, &r, sizeof(r));
	return 0;
}

SEC("look/tcp")
int look_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcp_timewait_sock *tw;
	struct wire_look r = {};
	struct tcp_sock *tp;

	if (!common)
		return 0;
	tp = bpf_skc_to_tcp_sock(common);
	if (tp)
		return tell_socket(ctx->meta->seq, (struct sock *)tp, true);
	r.netns = this_netns;
	fill_common(&r, common);
	r.protocol = IPPROTO_TCP;
	r.type = SOCK_STREAM;
	r.key.kind = LOOK_LOOSE;
	tw = bpf_skc_to_tcp_timewait_sock(common);
	if (tw) {
		r.key.flags = LOOK_F_DEAD;
		/* FIN_WAIT2 of a socket that its process closed. */
		r.state = tw->tw_sk.tw_substate;
	} else {
		r.key.flags = LOOK_F_QUEUED;
	}
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

SEC("look/udp")
int look_udp(struct bpf_iter__udp *ctx)
{
	struct udp_sock *udp = ctx->udp_sk;

	if (!udp)
		return 0;
	return tell_socket(ctx->meta->seq, (struct sock *)udp, false);
}
