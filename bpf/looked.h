/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * looked.h - the few members of the kernel's structs that a listing reads; relocated by name when it is loaded.
 *
 * Instead of vmlinux.h, because what the programs' own type information holds is parsed, and sent to the kernel, at each
 * start: 90 KB of structs that nobody reaches into cost a listing of few sockets a fifth of its time.  Members of
 * anonymous unions stand flat: they are found by name.  src/kernel/snapshot.c names each struct once more.
 */
#ifndef SOCKWATCH_LOOKED_H
#define SOCKWATCH_LOOKED_H

/* What vmlinux.h defines and other headers ask for. */
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef signed short __s16;
typedef unsigned short __u16;
typedef signed int __s32;
typedef unsigned int __u32;
typedef signed long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define true	    1
#define false	    0
#define SOCK_STREAM 1
#define SOCK_DGRAM  2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define TCP_LISTEN  10

struct seq_file;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;
typedef struct {
	__s64 counter;
} atomic64_t;
typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;
typedef struct {
	__u32 val;
} kuid_t;

struct in6_addr {
	union {
		__be32 u6_addr32[4];
	} in6_u;
};

struct net {
	struct ns_common {
		__u32 inum;
	} ns;
};
typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	unsigned long skc_flags;
};

struct socket;
struct sock {
	struct sock_common __sk_common;
	struct {
		atomic_t rmem_alloc;
	} sk_backlog;
	refcount_t sk_wmem_alloc;
	__u32 sk_ack_backlog, sk_max_ack_backlog;
	__u16 sk_type, sk_protocol;
	struct socket *sk_socket;
};

struct tcp_sock {
	__u32 rcv_nxt, copied_seq, write_seq, snd_una;
};
struct udp_sock;
struct tcp_timewait_sock {
	struct inet_timewait_sock {
		volatile unsigned char tw_substate;
	} tw_sk;
};

struct cred {
	kuid_t uid, euid;
};
struct file {
	const struct cred *f_cred;
};
struct socket {
	struct file *file;
	struct sock *sk;
};

struct cgroup {
	struct kernfs_node {
		__u64 id;
	} * kn;
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
struct task_struct {
	int tgid;
	struct task_struct *real_parent, *group_leader;
	__u64 start_boottime;
	const struct cred *real_cred;
	char comm[16];
	struct css_set *cgroups;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};
struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};
struct bpf_iter__udp {
	struct bpf_iter_meta *meta;
	struct udp_sock *udp_sk;
};

#pragma clang attribute pop

#endif
