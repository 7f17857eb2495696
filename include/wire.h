/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.h - the records that bpf/ writes into the ring buffer and src/ reads.
 *
 * Owns: the byte layout of facts and seed records.  Refuses to know: what a fact means for a
 * socket (include/table.h) and how it is shown.  Every field has a fixed width, padding is
 * explicit, and both sides are compiled from this one file; sizes are asserted below.
 *
 * A fact says only what its hook knows.  Ports keep network order (`_be`); decode turns them once.
 *
 *     struct wire_fact                 every kind
 *     ├─ struct wire_call              + who called, its errno: OPEN BIND LISTEN CONNECT ACCEPT, seeds
 *     └─ struct wire_closed            + counters at the end: CLOSED, see wire_closed.h
 */
#ifndef SOCKWATCH_WIRE_H
#define SOCKWATCH_WIRE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Kinds of facts; the order is part of the wire and of the loss counters. */
enum wire_kind {
	WIRE_NONE,
	WIRE_OPEN,	    /* CLOSE -> SYN_SENT or LISTEN, always in the caller's task */
	WIRE_STATE,	    /* any other change of state that does not end in CLOSE */
	WIRE_CLOSED,	    /* a change of state to CLOSE */
	WIRE_BIND,	    /* bind() returned, or sendto() got a port (arg); addresses as got, on failure as asked for */
	WIRE_LISTEN,	    /* listen() took effect or failed; arg is the backlog */
	WIRE_CONNECT,	    /* the source port is chosen, or connect() failed before that */
	WIRE_ACCEPT,	    /* accept() handed the socket to a process; or failed: the socket is the one that it was asked of */
	WIRE_DESTROY,	    /* the kernel forgets the socket (UDP: it is closed); the pointer may be reused at once */
	WIRE_RESET_RECEIVED,
	WIRE_RESET_SENT,
	WIRE_SEED_FILE,	    /* an iterator found this socket behind a descriptor of the task */
	WIRE_SEED_SOCKET,   /* an iterator found this socket in a namespace; no task known */
	WIRE_TIME_WAIT,	    /* a minisock takes the socket's place: CLOSED follows at once; `to` is its substate */
	WIRE_TIME_WAIT_END, /* the minisock is gone: `sk` is its own address */
	WIRE_ASKED,	    /* the next connect() asked for `peer`, before a program changed it */
	WIRE_KINDS,
};

enum wire_flag { /* wire_fact.flags */
	WIRE_F_FIN_RECEIVED = 1 << 0, /* SOCK_DONE: the peer's FIN was processed */
	WIRE_F_FILTERED = 1 << 0,     /* BIND, LISTEN, CONNECT: a seccomp filter answered, no socket was asked */
	WIRE_F_ORPHAN = 1 << 1,	      /* SOCK_DEAD: no process holds it any more */
	WIRE_F_SHUTDOWN = 1 << 2,     /* sk_shutdown == SHUTDOWN_MASK: close() came first */
	WIRE_F_LINGER2_OFF = 1 << 3,  /* tcp_sock.linger2 < 0: FIN_WAIT2 ends by a reset */
	WIRE_F_ENDLESS = 1 << 4,      /* BIND: no hook tells the end of this socket, which is the kernel's own */
	WIRE_F_STEERED = 1 << 4,      /* STATE from LISTEN: a rule or a program may have chosen the listener, which is not told */
	WIRE_F_OPENED = 1 << 4,	      /* CONNECT: the socket had gone to SYN_SENT in this call */
	WIRE_F_NO_FILE = 1 << 5,      /* seeds: no descriptor yet (not accepted) or no more */
	WIRE_F_VARIOUS = 1 << 5,      /* calls counted together that asked for several ends: none is told */
	WIRE_F_AGAIN = 1 << 6,	      /* from a hook's second copy: may repeat what the first told */
	WIRE_F_MAYBE_ACCEPT = 1 << 7, /* getpeername hook: an accept only if none was seen yet */
};

/* wire_fact.options: what decides who may share a port (net/ipv4/inet_connection_sock.c) */
enum wire_option {
	WIRE_O_REUSEADDR = 1 << 0,
	WIRE_O_REUSEPORT = 1 << 1,
	WIRE_O_V6ONLY = 1 << 2,
	WIRE_O_V4_TOO = 1 << 4,	    /* looks only: an IPv6 socket whose WIRE_O_V6ONLY was read, and is not set */
	WIRE_O_SHARES_PORT = 1 << 4, /* seeds only: connect() alone chose the port, other destinations may share it */
	WIRE_O_KEEPS_PORT = 1 << 3, /* bind() named the port: it stays when the connection ends */
	WIRE_O_KEEPS_ADDR = 1 << 5, /* likewise an address */
	WIRE_O_KERNEL = 1 << 6,	    /* calls and seeds: the kernel's own socket, whatever process it works for */
	WIRE_O_KNOWN = 1 << 7,	    /* the others were read: calls and seeds only */
};

struct wire_fact {
	__u8 kind;	/* enum wire_kind */
	__u8 flags;	/* enum wire_flag */
	__u16 size;	/* of the whole record in bytes */
	__u32 netns;	/* inode of the network namespace */
	__u64 time_ns;	/* CLOCK_BOOTTIME */
	__u64 sk;	/* kernel address: a key between birth and destroy, never shown; 0 unknown */
	__u64 cookie;	/* socket cookie; 0 where none may be asked for */
	__u64 listener;	/* cookie of the listener a child was cloned from, where known; else 0; TIME_WAIT: the minisock's address */
	__u8 family;	/* AF_INET or AF_INET6 */
	__u8 from;	/* TCP state before, as in <netinet/tcp.h>; OPEN, STATE, CLOSED, TIME_WAIT */
	__u8 to;	/* TCP state after, or the state now for other kinds */
	__u8 options;	/* enum wire_option */
	__u16 protocol;	/* IPPROTO_TCP, IPPROTO_MPTCP, IPPROTO_UDP, IPPROTO_UDPLITE */
	__u16 error;	/* sk_err: a positive errno the kernel noted on the socket, 0 none */
	__u16 local_port_be;
	__u16 peer_port_be;
	__u32 ifindex;	/* sk_bound_dev_if or the scope of a link-local address; 0 none */
	__u8 local[16];	/* IPv4: first 4 bytes, rest 0; network order */
	__u8 peer[16];
};

struct wire_task {
	__u32 pid;	/* tgid in the initial pid namespace */
	__u32 tid;
	__u32 uid;	/* effective, in the initial user namespace, as ps shows it */
	__u32 ruid;	/* real */
	__u32 fd;	/* descriptor; seeds only, else 0 */
	__u32 parent;	/* pid; seeds only, else 0 */
	__u64 cgroup_id; /* cgroup v2 inode */
	char name[16];	/* the group leader's comm, NUL-terminated, any bytes */
};

struct wire_call {
	struct wire_fact fact;
	struct wire_task task;
	__s32 result;	/* 0 or a negative errno */
	__u32 arg;	/* LISTEN: backlog; BIND, CONNECT of UDP: 1 when the kernel chose a port by itself;
			   SEED_FILE: 1 when this process made the socket */
	__u32 socket_uid; /* who made the socket, as the kernel keeps it: decides over SO_REUSEPORT */
	__u32 vrf;	  /* TCP: interface of the VRF that the port is bound in; 0 none, or no port */
};

/* Failed calls beyond a user's allowance are counted together where alike; FOLD_APART different ones: whatever their ends. */
#define FOLD_SLOTS 1024
#define FOLD_APART 768

struct wire_fold_key {
	__u32 pid;
	__u32 netns;
	__u32 ifindex;
	__s32 result;
	__u8 local[16];
	__u8 peer[16];
	__u16 local_port_be;
	__u16 peer_port_be;
	__u16 protocol;
	__u8 kind; /* enum wire_kind, and the family in the upper half */
	__u8 options;
};

struct wire_fold {
	__u64 count;
	__u64 last_ns;
	struct wire_call first;
};

_Static_assert(sizeof(struct wire_fact) == 88, "wire_fact has no hidden padding");
_Static_assert(sizeof(struct wire_call) == 152, "wire_call has no hidden padding");
_Static_assert(sizeof(struct wire_fold_key) == 56, "wire_fold_key has no hidden padding");
_Static_assert(sizeof(struct wire_fold) == 168, "wire_fold has no hidden padding");

#endif
