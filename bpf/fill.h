/* SPDX-License-Identifier: GPL-2.0-only */
/* fill.h - copies what the kernel knows about a socket and a task into a wire record. */
#ifndef SOCKWATCH_BPF_FILL_H
#define SOCKWATCH_BPF_FILL_H

#include "maps.h"
#include "protocols.h"
#include "sockets.h"

static __always_inline void copy_v4(__u8 out[16], __be32 addr, bool mapped)
{
	__u32 *word = (__u32 *)out;

	word[0] = mapped ? 0 : addr;
	word[1] = 0;
	word[2] = mapped ? bpf_htonl(0xffff) : 0;
	word[3] = mapped ? addr : 0;
}

static __always_inline void fill_addresses(struct wire_fact *f, struct sock *sk,
					   const struct common_bytes *bytes, const bool trusted)
{
	__u32 *local = (__u32 *)f->local, *peer = (__u32 *)f->peer;

	if (f->family == AF_INET) {
		copy_v4(f->local, COMMON(trusted, sk, bytes, skc_rcv_saddr), false);
		copy_v4(f->peer, COMMON(trusted, sk, bytes, skc_daddr), false);
		return;
	}
#define COPY_V6(to, field)                                                                         \
	do {                                                                                       \
		to[0] = COMMON(trusted, sk, bytes, field.in6_u.u6_addr32[0]);                      \
		to[1] = COMMON(trusted, sk, bytes, field.in6_u.u6_addr32[1]);                      \
		to[2] = COMMON(trusted, sk, bytes, field.in6_u.u6_addr32[2]);                      \
		to[3] = COMMON(trusted, sk, bytes, field.in6_u.u6_addr32[3]);                      \
	} while (0)
	COPY_V6(peer, skc_v6_daddr);
	/* While connect() runs on a v4-mapped destination only the IPv4 source is set yet. */
	if (peer[0] == 0 && peer[1] == 0 && peer[2] == bpf_htonl(0xffff))
		copy_v4(f->local, COMMON(trusted, sk, bytes, skc_rcv_saddr), true);
	else
		COPY_V6(local, skc_v6_rcv_saddr);
#undef COPY_V6
}

/* What any socket has; `flags`, `cookie`, `protocol` and the local port are the caller's. */
static __always_inline void fill_common(struct wire_fact *f, struct sock *sk,
					const struct common_bytes *bytes, const bool trusted)
{
	f->netns = common_netns(sk, bytes, trusted);
	f->sk = (__u64)sk;
	f->listener = 0;
	f->family = COMMON(trusted, sk, bytes, skc_family);
	f->from = 0;
	f->to = COMMON(trusted, sk, bytes, skc_state);
	f->options = 0;
	f->error = 0;
	f->peer_port_be = COMMON(trusted, sk, bytes, skc_dport);
	f->ifindex = COMMON(trusted, sk, bytes, skc_bound_dev_if);
	fill_addresses(f, sk, bytes, trusted);
}

/* Everything of wire_fact but kind, size and time, which record_reserve() set. */
static __always_inline void fill_from(struct wire_fact *f, struct sock *sk,
				      const struct common_bytes *bytes, const bool trusted)
{
	fill_common(f, sk, bytes, trusted);
	f->flags = 0;
	f->cookie = trusted ? socket_cookie(sk) : COMMON(false, sk, bytes, skc_cookie.counter);
	f->protocol = READ(trusted, sk, sk_protocol);
	f->local_port_be = source_port(sk, bytes, trusted);
}

static __always_inline void fill_socket(struct wire_fact *f, struct sock *sk, const bool trusted)
{
	struct common_bytes bytes;

	read_common(&bytes, sk, trusted);
	fill_from(f, sk, &bytes, trusted);
}

/* Likewise from what a minisock of TCP shares with a socket, which is all it has: `sk` for its first member only. */
static __always_inline void fill_minisock(struct wire_fact *f, struct sock *sk)
{
	struct common_bytes bytes;

	read_common(&bytes, sk, false);
	fill_common(f, sk, &bytes, false);
	f->cookie = COMMON(false, sk, &bytes, skc_cookie.counter);
	f->protocol = IPPROTO_TCP;
	f->local_port_be = bpf_htons(COMMON(false, sk, &bytes, skc_num));
}

/* Of the current task, except its cgroup and name. */
static __always_inline void fill_numbers(struct wire_task *t, struct task_struct *task,
					 const bool trusted)
{
	/* Not task->cred, which is another user's while the kernel works for the task in a file system. */
	struct cred *cred = (struct cred *)BPF_CORE_READ(task, real_cred);

	t->pid = READ(trusted, task, tgid);
	t->tid = READ(trusted, task, pid);
	t->uid = BPF_CORE_READ(cred, euid.val);
	t->ruid = BPF_CORE_READ(cred, uid.val);
	t->fd = t->parent = 0;
}

static __always_inline bool is_kthread(struct task_struct *task, const bool trusted)
{
	return READ(trusted, task, flags) & TASK_IS_KTHREAD;
}

/* The current task; a kernel thread that works for somebody else owns nothing. */
static __always_inline void fill_task(struct wire_task *t)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task(), *typed;

	if (has_types) {
		typed = bpf_get_current_task_btf();
		if (is_kthread(typed, true))
			goto nobody;
		fill_numbers(t, typed, true);
		t->cgroup_id = bpf_get_current_cgroup_id();
		if (t->pid == t->tid) {
			bpf_get_current_comm(t->name, sizeof(t->name));
			return;
		}
	} else {
		/* Helpers are missing in some program types; this works in all. */
		if (is_kthread(task, false))
			goto nobody;
		fill_numbers(t, task, false);
		t->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	}
	BPF_CORE_READ_INTO(&t->name, task, group_leader, comm);
	return;
nobody:
	__builtin_memset(t, 0, sizeof(*t));
}

#endif
