/* SPDX-License-Identifier: GPL-2.0-only */
/* look.h - the bodies of a look: a TIME_WAIT, a socket that a table leads to, one behind a descriptor and the task that has it. */
#ifndef SOCKWATCH_BPF_LOOK_H
#define SOCKWATCH_BPF_LOOK_H

#include "look_socket.h"

/* ---- TIME_WAIT ---- */

struct inet_timewait_sock___stamped {
	__u32 tw_entry_stamp; /* milliseconds; 6.14 on */
} __attribute__((preserve_access_index));

/*
 * How long it has waited, so that it may be reused once this reaches net.ipv4.tcp_tw_reuse_delay.  From 6.14 on the
 * kernel compares milliseconds since tw_entry_stamp and wants more than the delay; before, whole seconds since the last
 * timestamp of the peer and at least one.  Delete the second with 6.12.
 */
static __always_inline void fill_times(struct wire_look *r, struct tcp_timewait_sock *tw)
{
	const struct inet_timewait_sock___stamped *stamped = (const void *)tw;
	__u64 now = bpf_ktime_get_ns();
	__u32 waited;

	if (!bpf_core_field_exists(stamped->tw_entry_stamp)) {
		r->age_ms = ((__u32)(now / 1000000000) -
			     (__u32)BPF_CORE_READ(tw, tw_ts_recent_stamp)) *
			    1000;
		return;
	}
	waited = (__u32)(now / 1000000) - BPF_CORE_READ(stamped, tw_entry_stamp);
	r->age_ms = waited ? waited - 1 : 0;
	r->since_ns = bpf_ktime_get_boot_ns() - (__u64)waited * 1000000;
}

/* Behind fill_common().  It keeps its port from others. */
static __always_inline void fill_minisock(struct wire_look *r, struct sock_common *c)
{
	struct tcp_timewait_sock *tw = (struct tcp_timewait_sock *)c;

	r->protocol = IPPROTO_TCP;
	r->type = SOCK_STREAM;
	r->flags |= LOOK_F_DEAD | LOOK_F_MINISOCK;
	/* FIN_WAIT2 of a socket that its process closed. */
	r->state = BPF_CORE_READ(tw, tw_sk.tw_substate);
	if (!BPF_CORE_READ(tw, tw_ts_recent_stamp))
		r->flags |= LOOK_F_NO_TIMESTAMPS;
	if (wants_any(LOOK_W_BUCKET))
		fill_bucket(r, BPF_CORE_READ(tw, tw_sk.tw_tb));
	fill_times(r, tw);
}

/* ---- tables and descriptors ---- */

/*
 * Made by the kernel for itself; some have a file too (9p).  So are the subflows of MPTCP, which work for the socket that
 * their struct socket belongs to.
 */
static __always_inline bool is_kernel_socket(struct sock *sk, struct socket *socket)
{
	return READ_BITS(sk, sk_kern_sock) && BPF_CORE_READ(socket, sk) == sk;
}

/* Behind fill_common(): a socket that a table of the namespace leads to.  `socket` is its struct socket, NULL none. */
static __always_inline void fill_loose(struct wire_look *r, struct sock *sk, struct socket *socket,
				       const bool tcp, const bool trusted)
{
	r->socket = (__u64)socket;
	r->protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	r->type = tcp ? SOCK_STREAM : SOCK_DGRAM;
	fill_sock(r, sk, tcp, trusted);
	if (socket) {
		if (is_kernel_socket(sk, socket))
			r->flags |= LOOK_F_KERNEL;
	} else if (READ(trusted, &sk->__sk_common, skc_flags) & (1 << SOCK_FLAG_DEAD)) {
		r->flags |= LOOK_F_DEAD;
	} else {
		r->flags |= LOOK_F_QUEUED;
	}
}

/* A socket behind a descriptor of `task`.  Sets all but the namespace, and the kind, which tells whether the task follows. */
static __always_inline void fill_held(struct wire_look *r, struct sock *sk, struct socket *socket,
				      struct file *file, __u32 fd, struct task_struct *task,
				      const bool trusted)
{
	r->protocol = READ(trusted, sk, sk_protocol);
	r->type = READ(trusted, sk, sk_type);
	fill_common(r, &sk->__sk_common, trusted);
	fill_sock(r, sk, true, trusted);
	r->socket = (__u64)socket;
	r->fd = fd;
	if (!socket)
		r->flags |= LOOK_F_QUEUED;
	/* Each process has credentials of its own: the file keeps those it was made with. */
	if (wants_any(LOOK_W_MAKER) &&
	    (__u64)READ(trusted, file, f_cred) == (__u64)READ(trusted, task, real_cred))
		r->flags |= LOOK_F_MAKER;
}

/* Descriptor `fd`, which is no socket, leads to some: it is a ring of io_uring, or a namespace.  Nothing else of it is told. */
static __always_inline bool fill_way(struct wire_look *r, struct task_struct *task,
				     struct file *file, __u32 fd)
{
	bool ring = is_ring_file(file);

	if (!ring && !is_namespace_file(file))
		return false;
	__builtin_memset(r, 0, sizeof(*r));
	r->kind = ring ? LOOK_RING : LOOK_SPACE;
	r->size = sizeof(*r);
	r->fd = fd;
	r->sk = ring ? (__u64)BPF_CORE_READ(file, private_data)
		     : BPF_CORE_READ(file, f_inode, i_ino);
	r->socket = (__u64)BPF_CORE_READ(task, tgid) << 32 | (__u32)BPF_CORE_READ(task, pid);
	return true;
}

static __always_inline void fill_holder(struct wire_look_first *r, struct task_struct *task)
{
	r->look.kind = LOOK_FIRST;
	r->look.size = sizeof(*r);
	r->tid = BPF_CORE_READ(task, pid);
	r->pid = BPF_CORE_READ(task, flags) & TASK_IS_KTHREAD ? 0 : BPF_CORE_READ(task, tgid);
	r->parent = BPF_CORE_READ(task, real_parent, tgid);
	r->uid = BPF_CORE_READ(task, real_cred, euid.val);
	r->ruid = BPF_CORE_READ(task, real_cred, uid.val);
	r->pad = 0;
	r->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	r->started_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	r->files = (__u64)BPF_CORE_READ(task, files);
	BPF_CORE_READ_INTO(&r->name, task, group_leader, comm);
}

#endif
