/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_filter.h - what of a filter the programs decide by themselves: of other sockets no fact is made.
 *
 * Owns: the shape that the loader hands to the programs.  What it leaves out no event of the filter could have named; what it lets
 * through the filter (filter.h) still has to match.
 */
#ifndef SOCKWATCH_WIRE_FILTER_H
#define SOCKWATCH_WIRE_FILTER_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum wire_filter_ends {
	WIRE_FILTER_LOCAL = 1 << 0, /* a local port of `ports` is let through */
	WIRE_FILTER_PEER = 1 << 1,  /* a peer's */
};

struct wire_filter {
	__u32 netns;	  /* inode of the only namespace, 0 all */
	__u8 without_tcp; /* nor MPTCP */
	__u8 without_udp;
	__u8 ends; /* enum wire_filter_ends; 0: any port */
	__u8 pad;
	__u16 lowest, highest; /* of the ports */
};

struct wire_filter_ports {
	__u64 bits[1024]; /* ports 0 to 65535 */
	__u64 keeps; /* set by the programs: some sockets are let through whatever their ports are */
};

#endif
