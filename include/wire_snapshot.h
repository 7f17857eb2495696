/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_snapshot.h - the records that the iterators of bpf/snapshot.bpf.c write and src/kernel reads.
 *
 * Owns: the byte layout of one look at every socket.  Refuses to know: what a listing shows.  Fixed widths, explicit
 * padding, sizes asserted below.  Records have different sizes; `size` leads to the next.
 *
 *     iter/task_file   LOOK_FIRST (with the task), LOOK_HELD, LOOK_HELD ... LOOK_FIRST (the next task) ...
 *     iter/tcp, udp    LOOK_LOOSE ..., those told by task_file already among them
 */
#ifndef SOCKWATCH_WIRE_SNAPSHOT_H
#define SOCKWATCH_WIRE_SNAPSHOT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum wire_look_kind {
	LOOK_NONE,
	LOOK_FIRST, /* struct wire_look_first: a task's first socket */
	LOOK_HELD,  /* struct wire_look: another socket of the same task */
	LOOK_LOOSE, /* struct wire_look, a socket of the namespace */
};

enum wire_look_flag {
	LOOK_F_MAKER = 1 << 0, /* the file carries the task's very credentials: this process made the socket */
	LOOK_F_DEAD = 1 << 1,	 /* closed by its process, the kernel finishes */
	LOOK_F_QUEUED = 1 << 2,	 /* no struct socket, not closed: waits for accept() */
	LOOK_F_KERNEL = 1 << 3,	 /* a socket without a file and a peer that the kernel itself uses */
};

struct wire_look_key {
	__u8 kind; /* enum wire_look_kind */
	__u8 flags;
	__u16 size; /* of the whole record in bytes */
	__u32 fd;   /* LOOK_FIRST, LOOK_HELD */
	__u64 sk;   /* kernel addresses, valid during one look */
	__u64 socket; /* struct socket, what descriptors lead to; 0 none */
};

struct wire_look {
	struct wire_look_key key;
	__u64 cookie;
	__u32 netns;
	__u32 ifindex;
	__u16 protocol;
	__u16 local_port; /* host order */
	__u16 peer_port_be;
	__u8 family;
	__u8 state;
	__u32 receive; /* bytes, or connections that wait for accept() */
	__u32 send;    /* bytes */
	__u32 backlog; /* how many may wait, LISTEN only */
	__u16 type; /* SOCK_ */
	__u16 pad;
	__u8 local[16]; /* IPv4: first 4 bytes, rest 0 */
	__u8 peer[16];
};

struct wire_look_first {
	struct wire_look look;
	__u32 pid; /* in the initial pid namespace */
	__u32 parent;
	__u32 uid; /* effective, as ps shows it */
	__u32 ruid;
	__u64 cgroup_id;
	__u64 started_ns; /* CLOCK_BOOTTIME */
	char name[16];	  /* of the process, NUL-terminated */
};

_Static_assert(sizeof(struct wire_look_key) == 24, "wire_look_key has no hidden padding");
_Static_assert(sizeof(struct wire_look) == 96, "wire_look has no hidden padding");
_Static_assert(sizeof(struct wire_look_first) == 144, "wire_look_first has no hidden padding");

#endif
