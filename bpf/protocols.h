/* SPDX-License-Identifier: GPL-2.0-only */
/* protocols.h - which sockets are traced. */
#ifndef SOCKWATCH_BPF_PROTOCOLS_H
#define SOCKWATCH_BPF_PROTOCOLS_H

#include "compat.h"

static __always_inline bool is_traced_protocol(__u16 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
}

/* Only these carry a socket whose facts are wanted.  Raw sockets may carry the same protocol, and
 * a "port" that is none. */
static __always_inline bool is_traced_socket(struct sock *sk, const bool trusted)
{
	__u16 family = READ(trusted, sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) &&
	       is_traced_protocol(READ(trusted, sk, sk_protocol)) &&
	       READ(trusted, sk, sk_type) == SOCK_STREAM;
}

static __always_inline bool is_udp_protocol(__u16 protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

static __always_inline bool is_any_udp_socket(struct sock *sk, const bool trusted)
{
	__u16 family = READ(trusted, sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) &&
	       is_udp_protocol(READ(trusted, sk, sk_protocol)) &&
	       READ(trusted, sk, sk_type) == SOCK_DGRAM;
}

/* The kernel's own (tunnels) belong to nobody and are released without a hook: of those, only failures are told. */
static __always_inline bool is_udp_socket(struct sock *sk, const bool trusted)
{
	return is_any_udp_socket(sk, trusted) && !BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock);
}

#endif
