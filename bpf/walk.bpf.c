// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk.bpf.c - looks at what is there for kernels without BTF, which have no iterators.
 *
 * Nothing calls these programs but the loader, one run after the other (BPF_PROG_TEST_RUN), in its own task: so a
 * descriptor of its own is the way in.  A directory /proc/PID leads to the task, a socket to the kernel's tables.  They walk
 * as the kernel's own lookups do, without locks under RCU, and believe a record only where it must be: the
 * descriptor still leads to the file, the socket's hash to the bucket.
 */
#include "compat.h"
#include "directories.h"
#include "look.h"
#include "wire_walk.h"

char LICENSE[] SEC("license") = "GPL";

/* A run is short: it holds up RCU.  No bucket is begun in the second half, so that few are cut in two. */
#define STEPS 512
/* A list that leads elsewhere was changed meanwhile: begun again, up to so often. */
#define TRIES 8

struct wire_walk walk SEC(".bss");

/* ---- descriptors ---- */

SEC("raw_tp")
int BPF_PROG(walk__descriptor, __u64 directory_fd, __u64 fd)
{
	struct file *directory =
		file_of((struct task_struct *)bpf_get_current_task(), directory_fd);
	struct task_struct *task = directory ? task_of(directory) : NULL;
	struct file *file = task ? file_of(task, fd) : NULL;
	struct sock *sk = file ? socket_of_file(file) : NULL;
	__u16 family;
	__u32 netns;

	walk.count = 0;
	if (file && !sk)
		walk.count = fill_way(&walk.held.look, task, file, fd);
	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if ((family != AF_INET && family != AF_INET6) ||
	    !is_wanted(&sk->__sk_common, netns, false))
		return 0;
	walk.held.look.netns = netns;
	fill_held(&walk.held.look, sk, BPF_CORE_READ(file, private_data), file, fd, task, false);
	fill_holder(&walk.held, task);
	if (file_of(task, fd) == file && socket_of_file(file) == sk)
		walk.count = 1;
	return 0;
}

/* ---- tables ---- */

/* Of TCP: in the protocol up to 6.0, in the namespace from 6.1 on (5.17 to 6.0 have another type there). */
static __always_inline struct inet_hashinfo *tcp_tables(struct sock *sk)
{
	struct inet_hashinfo *info = BPF_CORE_READ(sk, __sk_common.skc_prot, h.hashinfo);
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);

	if (info || !bpf_core_field_exists(net->ipv4.tcp_death_row.hashinfo))
		return info;
	return BPF_CORE_READ(net, ipv4.tcp_death_row.hashinfo);
}

/* Likewise of UDP: in the namespace from 6.2 on. */
static __always_inline struct udp_table *udp_table(struct sock *sk)
{
	struct proto *prot = BPF_CORE_READ(sk, __sk_common.skc_prot);
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	struct udp_table *table = NULL;

	if (bpf_core_field_exists(prot->h.udp_table))
		table = BPF_CORE_READ(prot, h.udp_table);
	if (!table && bpf_core_field_exists(net->ipv4.udp_table))
		table = BPF_CORE_READ(net, ipv4.udp_table);
	return table;
}

/* Begins a walk through the table of established TCP, of listeners or of UDP; `fd` is a socket of the loader's own. */
SEC("raw_tp")
int BPF_PROG(walk__begin, __u64 fd, __u64 table)
{
	struct file *file = file_of((struct task_struct *)bpf_get_current_task(), fd);
	struct sock *sk = file ? socket_of_file(file) : NULL;

	walk.count = walk.bucket = walk.again = walk.broken = 0;
	walk.table = walk.node = 0;
	if (!sk)
		return 0;
	if (table == WALK_UDP) {
		struct udp_table *udp = udp_table(sk);

		walk.table = (__u64)BPF_CORE_READ(udp, hash);
		walk.mask = BPF_CORE_READ(udp, mask);
	} else if (table == WALK_LISTENERS) {
		walk.table = (__u64)BPF_CORE_READ(tcp_tables(sk), lhash2);
		walk.mask = BPF_CORE_READ(tcp_tables(sk), lhash2_mask);
	} else {
		walk.table = (__u64)BPF_CORE_READ(tcp_tables(sk), ehash);
		walk.mask = BPF_CORE_READ(tcp_tables(sk), ehash_mask);
	}
	return 0;
}

/* Up to 5.18 listeners hang in their table by a node of their own, in a list that ends with NULL. */
struct inet_connection_sock___listening {
	struct hlist_node icsk_listen_portaddr_node;
} __attribute__((preserve_access_index));

static __always_inline bool ends_with_null(const enum walk_table table)
{
	return table == WALK_UDP || (table == WALK_LISTENERS &&
				     bpf_core_field_exists(struct inet_connection_sock___listening,
							   icsk_listen_portaddr_node));
}

/* Of a list or of a node: the pointer to the next comes first in both. */
static __always_inline __u64 next_of(__u64 address)
{
	__u64 next = 0;

	bpf_probe_read_kernel(&next, sizeof(next), (void *)address);
	return next;
}

static __always_inline __u64 first_of(const enum walk_table table)
{
	__u64 bucket = walk.bucket;

	if (table == WALK_TCP)
		return next_of(walk.table + bucket * bpf_core_type_size(struct inet_ehash_bucket));
	if (table == WALK_UDP)
		return next_of(walk.table + bucket * bpf_core_type_size(struct udp_hslot));
	return next_of(walk.table + bucket * bpf_core_type_size(struct inet_listen_hashbucket) +
		       bpf_core_field_offset(struct inet_listen_hashbucket, nulls_head));
}

static __always_inline struct sock_common *common_of(__u64 node, const enum walk_table table)
{
	if (table == WALK_LISTENERS && ends_with_null(table))
		return (void *)node - bpf_core_field_offset(struct inet_connection_sock___listening,
							    icsk_listen_portaddr_node);
	if (table == WALK_UDP)
		return (void *)node - bpf_core_field_offset(struct sock_common, skc_node);
	return (void *)node - bpf_core_field_offset(struct sock_common, skc_nulls_node);
}

/* A socket that moved or was freed is not where the walk stands. */
static __always_inline bool is_in_bucket(struct sock_common *c, const enum walk_table table)
{
	__u16 family = BPF_CORE_READ(c, skc_family);
	__u32 hash;

	if (family != AF_INET && family != AF_INET6)
		return false;
	if (table == WALK_LISTENERS)
		return BPF_CORE_READ(c, skc_state) == TCP_LISTEN;
	hash = table == WALK_TCP
		       ? BPF_CORE_READ(c, skc_hash)
		       : BPF_CORE_READ(c, skc_num) + BPF_CORE_READ(c, skc_net.net, hash_mix);
	return (hash & walk.mask) == walk.bucket;
}

/* `whole`: the list was followed to its end.  Else begun again, and what it gave is taken back. */
static __always_inline void leave_bucket(const bool whole)
{
	walk.node = 0;
	if (!whole && walk.first < WALK_RECORDS && ++walk.again < TRIES) {
		walk.count = walk.first;
		return;
	}
	walk.broken += !whole;
	walk.again = 0;
	walk.bucket++;
}

static __always_inline void take(struct sock_common *common, const enum walk_table table)
{
	__u8 state = BPF_CORE_READ(common, skc_state);
	struct sock *sk = (struct sock *)common;
	__u32 n, netns = BPF_CORE_READ(common, skc_net.net, ns.inum);
	struct wire_look *r;

	if (state == TCP_NEW_SYN_RECV || !is_wanted(common, netns, false))
		return;
	n = walk.count;
	if (n >= WALK_RECORDS)
		return;
	r = &walk.loose[n];
	/* Kept over calls as a pointer: up to 6.1 the verifier forgets the bounds of a number that is put away. */
	barrier_var(r);
	r->netns = netns;
	r->kind = LOOK_LOOSE;
	r->fd = 0;
	r->socket = 0;
	fill_common(r, common, false);
	if (table != WALK_UDP && state == TCP_TIME_WAIT)
		fill_minisock(r, common);
	else
		fill_loose(r, sk, BPF_CORE_READ(sk, sk_socket), table != WALK_UDP, false);
	walk.count = n + 1;
}

/* One node, or the beginning of a bucket.  False: the run ends here.  `late`: no bucket is begun any more. */
static __always_inline bool take_step(const enum walk_table table, bool late)
{
	const bool null_ends = ends_with_null(table);
	struct sock_common *common;
	__u64 node = walk.node;

	if (walk.count >= WALK_RECORDS || walk.bucket > walk.mask)
		return false;
	if (!node) {
		if (late || walk.count > WALK_RECORDS / 2)
			return false;
		walk.first = walk.count;
		node = first_of(table);
	}
	/* TCP's lists end with an odd number that names the bucket. */
	if (null_ends ? !node : node & 1) {
		leave_bucket(table != WALK_TCP || node >> 1 == walk.bucket);
		return true;
	}
	common = common_of(node, table);
	if (!node || !is_in_bucket(common, table)) {
		leave_bucket(false);
		return true;
	}
	take(common, table);
	walk.node = next_of(node);
	if (!walk.node)
		leave_bucket(null_ends);
	return true;
}

/*
 * A function that is not static is verified once, by itself, and not again at each call: a loop over it costs a load next to
 * nothing.  Inlined, the three loops took the verifier 1.4 million instructions.
 */
#define WALK_TABLE(name, table)                                                                    \
	__noinline int step_##name(int late)                                                       \
	{                                                                                          \
		return take_step(table, late);                                                     \
	}                                                                                          \
	SEC("raw_tp")                                                                              \
	int walk__##name(void *ctx)                                                                \
	{                                                                                          \
		walk.count = 0;                                                                    \
		walk.first = walk.node ? WALK_RECORDS : 0;                                         \
		for (int i = 0; i < STEPS && step_##name(i > STEPS / 2); i++)                      \
			;                                                                          \
		return 0;                                                                          \
	}

WALK_TABLE(tcp, WALK_TCP)
WALK_TABLE(listeners, WALK_LISTENERS)
WALK_TABLE(udp, WALK_UDP)
