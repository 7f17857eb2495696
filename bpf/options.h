/* SPDX-License-Identifier: GPL-2.0-only */
/* options.h - what decides who may share a port with a socket; for calls and for looks. */
#ifndef SOCKWATCH_BPF_OPTIONS_H
#define SOCKWATCH_BPF_OPTIONS_H

#include "read.h"
#include "wire.h"

static __always_inline __u8 common_options(struct sock_common *c)
{
	__u8 options = WIRE_O_KNOWN;

	if (READ_BITS(c, skc_reuse))
		options |= WIRE_O_REUSEADDR;
	if (READ_BITS(c, skc_reuseport))
		options |= WIRE_O_REUSEPORT;
	if (READ_BITS(c, skc_ipv6only))
		options |= WIRE_O_V6ONLY;
	return options;
}

/* What bind() was given, and the socket keeps. */
static __always_inline __u8 lock_options(struct sock *sk)
{
	__u8 options = 0, locks = READ_BITS(sk, sk_userlocks);

	if (locks & SOCK_BINDPORT_LOCKED)
		options |= WIRE_O_KEEPS_PORT;
	if (locks & SOCK_BINDADDR_LOCKED)
		options |= WIRE_O_KEEPS_ADDR;
	return options;
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
