/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_listener.h - what the kernel drops for listeners: a question about some of them, answered where it stands.
 *
 * Owns: the layout of both.  Refuses to know: when drops are an overflow (src/model/table_overflow.c).
 * The loader fills in sk, runs the program of bpf/core.bpf.c, and reads the rest before it asks again; nobody else writes it.
 */
#ifndef SOCKWATCH_WIRE_LISTENER_H
#define SOCKWATCH_WIRE_LISTENER_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define LISTENERS_ASKED 32

struct wire_listener {
	__u64 sk; /* kernel address; what is read there means nothing where state and cookie are others */
	__u64 cookie;
	__u32 waiting; /* for accept() */
	__u32 limit;   /* so many may; one more does */
	__u32 dropped; /* packets and connections, since it was made */
	__u8 state;
	__u8 pad[3];
};

_Static_assert(sizeof(struct wire_listener) == 32, "wire_listener has no hidden padding");

#endif
