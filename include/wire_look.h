/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_look.h - a socket as the kernel has it, and who has it open: what the programs of a look write and src/kernel reads.
 *
 * Owns: the one byte layout of every look, by iterators (bpf/look.bpf.c) or by walking (bpf/walk.bpf.c).  Refuses to know:
 * what a look is for.  Fixed widths, explicit padding, sizes asserted below.  Records have two sizes; `size` leads to the next.
 *
 *     descriptors   LOOK_FIRST (with the task), LOOK_HELD, LOOK_HELD ... LOOK_FIRST (the next task) ...
 *     tables        LOOK_LOOSE ..., those that descriptors lead to among them
 */
#ifndef SOCKWATCH_WIRE_LOOK_H
#define SOCKWATCH_WIRE_LOOK_H

#include "wire.h"

enum wire_look_kind {
	LOOK_NONE,
	LOOK_FIRST, /* struct wire_look_first: the first socket of a task */
	LOOK_HELD,  /* struct wire_look: another socket of the same task */
	LOOK_LOOSE, /* struct wire_look: a socket of the namespace */
	LOOK_RING,  /* struct wire_look of which `fd` counts, `sk` (the ring) and `socket` (pid << 32 | tid): see bpf/reach.bpf.c */
	LOOK_SPACE, /* likewise, `sk` being the inode of a namespace, of any kind */
};

enum wire_look_flag {
	LOOK_F_MAKER = 1 << 0,	 /* the file has the task's very credentials: this process made the socket */
	LOOK_F_DEAD = 1 << 1,		 /* closed by its process, the kernel finishes it */
	LOOK_F_QUEUED = 1 << 2,		 /* no struct socket and not closed: waits for accept() */
	LOOK_F_KERNEL = 1 << 3,		 /* LOOK_LOOSE: the kernel made it for itself */
	LOOK_F_MINISOCK = 1 << 4,	 /* TIME_WAIT: `state` is the substate, the times are known */
	LOOK_F_BUCKET = 1 << 5,		 /* fastreuse, fastreuseport and l3mdev are known */
	LOOK_F_NO_TIMESTAMPS = 1 << 6, /* minisock: never to be reused early */
	LOOK_F_ACCEPTED = 1 << 7, /* a connection that has a listener's backlog, because it was cloned from one; LOOK_W_BUCKET */
};

/* What a look reads of each socket beside its ends, its state and its holder; set by the loader. */
enum wire_look_want {
	LOOK_W_COOKIE = 1 << 0,	 /* give a cookie to what has none */
	LOOK_W_QUEUES = 1 << 1,
	LOOK_W_OPTIONS = 1 << 2, /* enum wire_option */
	LOOK_W_BUCKET = 1 << 3,	 /* the bind bucket of TCP */
	LOOK_W_MAKER = 1 << 4,	 /* LOOK_F_MAKER */
	LOOK_W_V6ONLY = 1 << 5,	 /* WIRE_O_V6ONLY or WIRE_O_V4_TOO of what is bound to :: */
};

struct wire_look {
	__u8 kind; /* enum wire_look_kind */
	__u8 flags;
	__u16 size; /* of the whole record in bytes */
	__u32 fd;   /* LOOK_FIRST, LOOK_HELD */
	__u64 sk;   /* kernel addresses, valid during one look */
	__u64 socket; /* struct socket, what descriptors lead to; 0 none.  NEW_SYN_RECV: `sk` of the listener */
	__u64 cookie;
	__u32 netns;
	__u32 ifindex;
	__u16 protocol;
	__u16 type;	  /* SOCK_ */
	__u16 local_port; /* host order */
	__u16 peer_port_be;
	__u8 family;
	__u8 state;
	__u8 options; /* enum wire_option, LOOK_W_OPTIONS */
	__s8 fastreuse; /* of the bind bucket; both -1: only connect() chose this port */
	__s8 fastreuseport;
	__u8 pad[3];
	__s32 l3mdev; /* interface of the VRF that the bucket is in, 0 none; LOOK_W_BUCKET, LOOK_W_OPTIONS */
	union {
		struct {
			__u32 receive; /* bytes, or connections that wait for accept() */
			union {
				__u32 send;    /* bytes */
				__u32 dropped; /* LISTEN: connections and packets dropped for it, since it was made */
			};
		};
		__u64 since_ns; /* minisock: CLOCK_BOOTTIME, 0 unknown (before Linux 6.14) */
	};
	union {
		__u32 backlog; /* LISTEN: how many may wait */
		__u32 age_ms;  /* minisock: may be reused once this reaches net.ipv4.tcp_tw_reuse_delay */
	};
	__u32 uid; /* of who made the socket, LOOK_W_OPTIONS; no minisock has one */
	__u8 local[16]; /* IPv4: first 4 bytes, rest 0 */
	__u8 peer[16];
};

struct wire_look_first {
	struct wire_look look;
	__u32 pid; /* tgid in the initial pid namespace; 0: a kernel thread, which owns nothing */
	__u32 tid;
	__u32 parent;
	__u32 uid; /* effective, as ps shows it */
	__u32 ruid;
	__u32 pad;
	__u64 cgroup_id;
	__u64 started_ns; /* CLOCK_BOOTTIME */
	__u64 files;	  /* kernel address: threads with the same have the same descriptors */
	char name[16];	  /* of the process, NUL-terminated */
};

_Static_assert(sizeof(struct wire_look) == 112, "wire_look has no hidden padding");
_Static_assert(sizeof(struct wire_look_first) == 176, "wire_look_first has no hidden padding");

#endif
