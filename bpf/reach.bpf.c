// SPDX-License-Identifier: GPL-2.0-only
/*
 * reach.bpf.c - what neither a descriptor nor a table leads to: connections in a listener's queue, files in a ring's table.
 *
 * Nothing calls these programs but the loader, one run after the other (BPF_PROG_TEST_RUN), where a look has shown that there is
 * something to reach: an object of its own, because most looks do without.  They follow pointers that may be stale, without
 * locks, and believe only what leads back to where they came from.
 */
#include "look_types.h"

enum { PIDTYPE_PID };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pid {
	struct hlist_head {
		struct hlist_node *first;
	} tasks[4];
};
struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

#pragma clang attribute pop

#include "directories.h"
#include "look.h"
#include "wire_reach.h"

char LICENSE[] SEC("license") = "GPL";

struct wire_reach reach SEC(".bss");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* ---- queues ---- */

struct request_sock {
	struct sock_common __req_common;
	struct request_sock *dl_next;
	struct sock *sk;
};
struct inet_connection_sock___queue {
	struct request_sock_queue {
		struct request_sock *rskq_accept_head;
	} icsk_accept_queue;
};

/* ---- rings ---- */

/* From 6.13 on. */
struct io_rsrc_node___file {
	unsigned long file_ptr;
};
struct io_rsrc_data___nodes {
	unsigned int nr;
	struct io_rsrc_node___file **nodes;
};
struct io_file_table___nodes {
	struct io_rsrc_data___nodes data;
};
struct io_ring_ctx___nodes {
	struct io_file_table___nodes file_table;
};

/* 5.15 to 6.12. */
struct io_fixed_file {
	unsigned long file_ptr;
};
struct io_file_table___files {
	struct io_fixed_file *files;
};
struct io_ring_ctx___files {
	unsigned int nr_user_files;
	struct io_file_table___files file_table;
};

/* Up to 5.11; 5.12 to 5.14 have others, and tell nothing. */
struct fixed_file_table {
	struct file **files;
};
struct fixed_file_data {
	struct fixed_file_table *table;
};
struct io_ring_ctx___tables {
	unsigned int nr_user_files;
	struct fixed_file_data *file_data;
};

#pragma clang attribute pop

#define FILES_OF_A_TABLE 512

/* The next 64 children that wait in the queue of `listener`, from request `from` on, 0: from its head. */
SEC("raw_tp")
int BPF_PROG(reach__queue, __u64 listener, __u64 from)
{
	struct inet_connection_sock___queue *icsk = (void *)listener;
	struct request_sock *request = (void *)from;

	reach.count = 0;
	reach.next = 0;
	if (BPF_CORE_READ((struct sock *)listener, __sk_common.skc_state) != TCP_LISTEN)
		return 0;
	if (!request)
		request = BPF_CORE_READ(icsk, icsk_accept_queue.rskq_accept_head);
	for (int i = 0; i < REACH_CHILDREN; i++) {
		struct sock *of;

		if (!request)
			break;
		/* A SYN cookie's request names nobody. */
		of = BPF_CORE_READ(request, __req_common.skc_listener);
		if (of && (__u64)of != listener)
			return 0;
		reach.child[i] = (__u64)BPF_CORE_READ(request, sk);
		reach.count = i + 1;
		request = BPF_CORE_READ(request, dl_next);
	}
	reach.next = (__u64)request;
	return 0;
}

static __always_inline __u32 registered_files(void *ring)
{
	struct io_ring_ctx___nodes *nodes = ring;
	struct io_ring_ctx___files *files = ring;

	if (bpf_core_field_exists(struct io_file_table___nodes, data))
		return BPF_CORE_READ(nodes, file_table.data.nr);
	return bpf_core_field_exists(files->nr_user_files) ? BPF_CORE_READ(files, nr_user_files)
							   : 0;
}

enum layout { NODES, FILES, TABLES };

static __always_inline struct file *registered_file(void *ring, __u32 slot, const enum layout layout)
{
	struct io_ring_ctx___tables *tables = ring;
	struct io_ring_ctx___nodes *nodes = ring;
	struct io_ring_ctx___files *files = ring;
	__u64 file = 0;

	if (layout == NODES) {
		struct io_rsrc_node___file **at = BPF_CORE_READ(nodes, file_table.data.nodes);
		struct io_rsrc_node___file *node = NULL;

		bpf_probe_read_kernel(&node, sizeof(node), &at[slot]);
		file = BPF_CORE_READ(node, file_ptr);
	} else if (layout == FILES) {
		struct io_fixed_file *at = BPF_CORE_READ(files, file_table.files);

		bpf_probe_read_kernel(&file, sizeof(file), &at[slot]);
	} else {
		struct fixed_file_table *at = BPF_CORE_READ(tables, file_data, table);
		struct file **row = BPF_CORE_READ(&at[slot / FILES_OF_A_TABLE], files);

		bpf_probe_read_kernel(&file, sizeof(file), &row[slot % FILES_OF_A_TABLE]);
	}
	return (struct file *)(file & ~7ull); /* the last three bits say something of the file */
}

/* NULL where the file is no socket of ours.  What is not what it seems to be does not lead back. */
static __always_inline struct sock *inet_socket_of(struct file *file)
{
	struct sock *sk = file ? socket_of_file(file) : NULL;
	struct socket *socket;
	__u16 family;

	if (!sk)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	return BPF_CORE_READ(socket, file) == file && (family == AF_INET || family == AF_INET6)
		       ? sk
		       : NULL;
}

/* Leaves reach.next_slot behind the one that was found.  NULL: none among those looked at. */
static __always_inline struct file *find_registered(void *ring, __u32 slot,
						    const enum layout layout)
{
	for (int i = 0; i < REACH_SLOTS; i++) {
		struct file *file;

		if (slot >= reach.slots)
			break;
		file = registered_file(ring, slot++, layout);
		reach.next_slot = slot;
		if (inet_socket_of(file))
			return file;
	}
	return NULL;
}

/* A loop of its own for each: the compiler takes what all turns have in common out of a loop, and must not out of the question. */
static __always_inline struct file *find_file(void *ring, __u32 slot)
{
	if (bpf_core_field_exists(struct io_file_table___nodes, data))
		return find_registered(ring, slot, NODES);
	if (bpf_core_type_exists(struct io_file_table___files))
		return find_registered(ring, slot, FILES);
	if (bpf_core_type_exists(struct fixed_file_data))
		return find_registered(ring, slot, TABLES);
	return NULL;
}

/* The next socket in the table of the ring that is descriptor `fd` of the task behind `directory`; `slot` is the first to look at. */
SEC("raw_tp")
int BPF_PROG(reach__registered, __u64 directory_fd, __u64 fd, __u64 slot)
{
	struct file *directory =
		file_of((struct task_struct *)bpf_get_current_task(), directory_fd);
	struct task_struct *task = directory ? task_of(directory) : NULL;
	struct file *ring = task ? file_of(task, fd) : NULL, *found;
	struct sock *sk;
	__u32 netns;
	void *of;

	reach.count = reach.slots = 0;
	reach.next_slot = slot;
	if (!ring || !is_ring_file(ring))
		return 0;
	of = BPF_CORE_READ(ring, private_data);
	reach.slots = registered_files(of);
	found = find_file(of, slot);
	sk = inet_socket_of(found);
	if (!sk)
		return 0;
	netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (!is_wanted(&sk->__sk_common, netns, false))
		return 0;
	reach.held.look.netns = netns;
	fill_held(&reach.held.look, sk, BPF_CORE_READ(found, private_data), found,
		  reach.next_slot - 1, task, false);
	fill_holder(&reach.held, task);
	reach.count = 1;
	return 0;
}
