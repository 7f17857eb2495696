/* SPDX-License-Identifier: GPL-2.0-only */
/* options.h - what decides who may share a port with a socket; for calls and for looks. */
#ifndef SOCKWATCH_BPF_OPTIONS_H
#define SOCKWATCH_BPF_OPTIONS_H

#include "read.h"
#include "wire.h"

/* `flag` where `value` is not 0, without a branch: the verifier would follow both ways to the end. */
static __always_inline __u8 flag_where(__u64 value, __u8 flag)
{
	__u64 minus = -value;

	asm volatile("" : "+r"(minus)); /* else the compiler sees a comparison, and branches */
	return ((value | minus) >> 63) * flag;
}

static __always_inline __u8 options_of(__u8 reuse, __u8 reuseport, __u8 ipv6only)
{
	return WIRE_O_KNOWN | flag_where(reuse, WIRE_O_REUSEADDR) |
	       flag_where(reuseport, WIRE_O_REUSEPORT) | flag_where(ipv6only, WIRE_O_V6ONLY);
}

static __always_inline __u8 common_options(struct sock_common *c)
{
	return options_of(READ_BITS(c, skc_reuse), READ_BITS(c, skc_reuseport),
			  READ_BITS(c, skc_ipv6only));
}

/* What bind() was given, and the socket keeps. */
static __always_inline __u8 lock_options(__u8 locks)
{
	return flag_where(locks & SOCK_BINDPORT_LOCKED, WIRE_O_KEEPS_PORT) |
	       flag_where(locks & SOCK_BINDADDR_LOCKED, WIRE_O_KEEPS_ADDR);
}

/* Of TCP.  Only a device leads into a VRF (inet_sk_bound_l3mdev()): other sockets are not asked. */
static __always_inline __u32 socket_vrf(struct sock *sk, __u32 device)
{
	struct inet_bind_bucket *bucket;

	if (!device)
		return 0;
	bucket = BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_bind_hash);
	return bucket ? BPF_CORE_READ(bucket, l3mdev) : 0;
}

#endif
