/* SPDX-License-Identifier: GPL-2.0-only */
/* fill.h - copies what the kernel knows about a socket and a task into a wire record. */
#ifndef SOCKWATCH_BPF_FILL_H
#define SOCKWATCH_BPF_FILL_H

#include "maps.h"
#include "options.h"
#include "protocols.h"

static __always_inline __u64 socket_cookie(struct sock *sk, const bool trusted)
{
	__u64 cookie;

	if (trusted) {
		cookie = sk->__sk_common.skc_cookie.counter;
		if (!cookie && has_cookie_helper)
			cookie = bpf_get_socket_cookie(sk);
	} else {
		cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	}
	return cookie;
}

static __always_inline __u32 socket_netns(struct sock *sk, const bool trusted)
{
	return trusted ? sk->__sk_common.skc_net.net->ns.inum
		       : BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/* The kernel works for itself, in whatever task runs.  The TCP sockets under an MPTCP socket are the application's. */
static __always_inline bool is_kernel_socket(struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	return BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock) &&
	       !(BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP &&
		 bpf_core_field_exists(tp->is_mptcp) && BPF_CORE_READ_BITFIELD_PROBED(tp, is_mptcp));
}

/* Read where a call was made: options seldom change later. */
static __always_inline __u8 socket_options(struct sock *sk)
{
	return common_options(&sk->__sk_common) | lock_options(sk) |
	       (is_kernel_socket(sk) ? WIRE_O_KERNEL : 0);
}

static __always_inline void copy_v4(__u8 out[16], __be32 addr, bool mapped)
{
	__u32 *word = (__u32 *)out;

	word[0] = mapped ? 0 : addr;
	word[1] = 0;
	word[2] = mapped ? bpf_htonl(0xffff) : 0;
	word[3] = mapped ? addr : 0;
}

static __always_inline void fill_addresses(struct wire_fact *f, struct sock *sk, const bool trusted)
{
	__u32 *local = (__u32 *)f->local, *peer = (__u32 *)f->peer;

	if (f->family == AF_INET) {
		copy_v4(f->local, READ(trusted, sk, __sk_common.skc_rcv_saddr), false);
		copy_v4(f->peer, READ(trusted, sk, __sk_common.skc_daddr), false);
		return;
	}
#define COPY_V6(to, field)                                                                         \
	do {                                                                                       \
		to[0] = READ(trusted, sk, __sk_common.field.in6_u.u6_addr32[0]);                   \
		to[1] = READ(trusted, sk, __sk_common.field.in6_u.u6_addr32[1]);                   \
		to[2] = READ(trusted, sk, __sk_common.field.in6_u.u6_addr32[2]);                   \
		to[3] = READ(trusted, sk, __sk_common.field.in6_u.u6_addr32[3]);                   \
	} while (0)
	COPY_V6(peer, skc_v6_daddr);
	/* While connect() runs on a v4-mapped destination only the IPv4 source is set yet. */
	if (peer[0] == 0 && peer[1] == 0 && peer[2] == bpf_htonl(0xffff))
		copy_v4(f->local, READ(trusted, sk, __sk_common.skc_rcv_saddr), true);
	else
		COPY_V6(local, skc_v6_rcv_saddr);
#undef COPY_V6
}

/* Everything of wire_fact but kind, size and time, which record_reserve() set. */
static __always_inline void fill_socket(struct wire_fact *f, struct sock *sk, const bool trusted)
{
	f->flags = 0;
	f->netns = socket_netns(sk, trusted);
	f->sk = (__u64)sk;
	f->cookie = socket_cookie(sk, trusted);
	f->listener = 0;
	f->family = READ(trusted, sk, __sk_common.skc_family);
	f->from = 0;
	f->to = READ(trusted, sk, __sk_common.skc_state);
	f->options = 0;
	f->protocol = READ(trusted, sk, sk_protocol);
	f->error = 0;
	f->local_port_be = inet_source_port(sk);
	f->peer_port_be = READ(trusted, sk, __sk_common.skc_dport);
	f->ifindex = READ(trusted, sk, __sk_common.skc_bound_dev_if);
	fill_addresses(f, sk, trusted);
}

/* Likewise from what a minisock of TCP shares with a socket, which is all it has. */
static __always_inline void fill_minisock(struct wire_fact *f, struct sock_common *common)
{
	f->netns = BPF_CORE_READ(common, skc_net.net, ns.inum);
	f->sk = (__u64)common;
	f->cookie = BPF_CORE_READ(common, skc_cookie.counter);
	f->listener = 0;
	f->family = BPF_CORE_READ(common, skc_family);
	f->from = 0;
	f->to = BPF_CORE_READ(common, skc_state);
	f->options = 0;
	f->protocol = IPPROTO_TCP;
	f->error = 0;
	f->local_port_be = bpf_htons(BPF_CORE_READ(common, skc_num));
	f->peer_port_be = BPF_CORE_READ(common, skc_dport);
	f->ifindex = BPF_CORE_READ(common, skc_bound_dev_if);
	fill_addresses(f, (struct sock *)common, false); /* for its first member only */
}

static __always_inline void fill_task_from(struct wire_task *t, struct task_struct *task)
{
	/* Not task->cred, which is another user's while the kernel works for the task in a file system. */
	const struct cred *cred = BPF_CORE_READ(task, real_cred);

	t->fd = t->parent = 0;
	/* A kernel thread that works for somebody else owns nothing. */
	if (BPF_CORE_READ(task, flags) & TASK_IS_KTHREAD) {
		t->pid = t->tid = t->uid = t->ruid = 0;
		t->cgroup_id = 0;
		__builtin_memset(t->name, 0, sizeof(t->name));
		return;
	}
	t->pid = BPF_CORE_READ(task, tgid);
	t->tid = BPF_CORE_READ(task, pid);
	t->uid = BPF_CORE_READ(cred, euid.val);
	t->ruid = BPF_CORE_READ(cred, uid.val);
	t->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	BPF_CORE_READ_INTO(&t->name, task, group_leader, comm);
}

/* The current task.  Helpers like bpf_get_current_pid_tgid() are missing in some program types;
 * this works in all. */
static __always_inline void fill_task(struct wire_task *t)
{
	fill_task_from(t, (struct task_struct *)bpf_get_current_task());
}

#endif
