/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_ports.h - the records of a look at local ports (bpf/ports.bpf.c, bpf/walk.bpf.c): every socket that keeps one, and the
 * kernel's bind bucket behind it.
 *
 * Owns: their byte layout.  Refuses to know: what may be done with a port (include/budget.h).
 */
#ifndef SOCKWATCH_WIRE_PORTS_H
#define SOCKWATCH_WIRE_PORTS_H

#include "wire.h"

enum wire_port_flag {
	WIRE_P_BUCKET = 1 << 0,	       /* fastreuse and fastreuseport are known */
	WIRE_P_TASK = 1 << 1,	       /* task holds it: from iter/task_file */
	WIRE_P_NO_TIMESTAMPS = 1 << 2, /* of a TIME_WAIT: never to be reused early */
	WIRE_P_MAKER = 1 << 3,	       /* ... and made it */
};

struct wire_port {
	__u64 sk;
	__u64 cookie;
	__u32 netns;
	__u32 tw_age_ms; /* TIME_WAIT: may be reused once this is at least tcp_tw_reuse_delay */
	__s32 l3mdev;	 /* interface of the VRF the bucket is in, 0 none */
	__u16 local_port;
	__u16 peer_port_be;
	__u16 protocol;
	__u8 family;
	__u8 state;
	__u8 substate; /* TIME_WAIT: TIME_WAIT or FIN_WAIT2 */
	__u8 flags;    /* enum wire_port_flag */
	__u8 options;  /* enum wire_option */
	__u8 pad0;
	__s8 fastreuse; /* of the bind bucket; both -1: only connect() chose this port */
	__s8 fastreuseport;
	__u8 pad1[6];
	__u8 local[16];
	__u8 peer[16];
	struct wire_task task;
};

_Static_assert(sizeof(struct wire_port) == 128, "wire_port has no hidden padding");

#endif
