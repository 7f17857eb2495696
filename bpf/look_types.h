/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * look_types.h - the few members of the kernel's structs that a listing reads; relocated by name when it is loaded.
 *
 * Instead of vmlinux.h, because what the programs' own type information holds is parsed, and sent to the kernel, at each
 * start: 90 KB of structs that nobody reaches into cost a listing of few sockets a fifth of its time.  Members of
 * anonymous unions stand flat: they are found by name.
 */
#ifndef SOCKWATCH_LOOK_TYPES_H
#define SOCKWATCH_LOOK_TYPES_H

/* What vmlinux.h defines and other headers ask for. */
#define __VMLINUX_H__
#include <stdbool.h>

typedef signed char __s8;
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

#define SOCK_STREAM 1
#define SOCK_DGRAM  2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define TCP_TIME_WAIT 6
#define TCP_CLOSE     7
#define TCP_LISTEN    10

enum bpf_map_type { BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_SK_STORAGE = 24 };
enum { BPF_F_NO_PREALLOC = 1, BPF_SK_STORAGE_GET_F_CREATE = 1, BPF_F_CLONE = 1 << 9 };

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
	unsigned char skc_reuse : 4, skc_reuseport : 1, skc_ipv6only : 1;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	unsigned long skc_flags;
	struct sock *skc_listener; /* of a request; in the place of skc_flags */
};

struct sock {
	struct sock_common __sk_common;
	struct {
		atomic_t rmem_alloc;
	} sk_backlog;
	refcount_t sk_wmem_alloc;
	__u32 sk_ack_backlog, sk_max_ack_backlog;
	atomic_t sk_drops;
	__u8 sk_kern_sock : 1, sk_userlocks : 4;
	__u16 sk_type, sk_protocol;
	kuid_t sk_uid;
	struct socket *sk_socket;
};

struct tcp_sock {
	__u32 rcv_nxt, copied_seq, write_seq, snd_una;
};
struct inet_bind_bucket {
	int l3mdev;
	signed char fastreuse, fastreuseport;
};
struct inet_connection_sock {
	struct inet_bind_bucket *icsk_bind_hash;
};
struct tcp_timewait_sock {
	struct inet_timewait_sock {
		volatile unsigned char tw_substate;
		struct inet_bind_bucket *tw_tb;
	} tw_sk;
	long tw_ts_recent_stamp;
};

struct cred {
	kuid_t uid, euid;
};
struct super_block {
	unsigned long s_magic;
};
struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	struct super_block *i_sb;
};
struct qstr {
	const unsigned char *name;
};
struct dentry {
	struct qstr d_name;
};
struct path {
	struct dentry *dentry;
};
struct file {
	const struct cred *f_cred;
	struct inode *f_inode;
	struct path f_path;
	const void *f_op;
	void *private_data;
};
struct hlist_node {
	struct hlist_node *next;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
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
	unsigned int flags;
	int pid, tgid;
	struct files_struct *files;
	struct task_struct *real_parent, *group_leader;
	__u64 start_boottime;
	const struct cred *real_cred;
	char comm[16];
	struct hlist_node pid_links[4];
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
