/* SPDX-License-Identifier: GPL-2.0-only */
/* protocols.h - which sockets are traced. */
#ifndef SOCKWATCH_BPF_PROTOCOLS_H
#define SOCKWATCH_BPF_PROTOCOLS_H

#include "compat.h"
#include "left_out.h"
#include "sockets.h"

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

/* Of a namespace or a protocol that nobody asked for. */
static __always_inline bool is_of_others(struct sock *sk, const bool trusted)
{
	__u16 protocol;

	if (!leaves_out)
		return false;
	if (filter.netns && BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != filter.netns)
		return true;
	protocol = READ(trusted, sk, sk_protocol);
	return is_udp_protocol(protocol) ? filter.without_udp : filter.without_tcp;
}

/*
 * Of one without a peer, or whose connect() begins: its local port may yet be asked for, or counts for the connects of others.
 * What is left of a life before may have been told of.
 */
static __always_inline bool is_port_open(struct sock *sk, const bool trusted)
{
	return READ(trusted, sk, __sk_common.skc_num) || inet_source_port(sk) ||
	       ((filter.ends & WIRE_FILTER_LOCAL) &&
		is_in_range(sk, filter.lowest, filter.highest));
}

/* No fact is to be made of it.  The TCP sockets under an MPTCP socket have its ports before it has them. */
static __always_inline bool is_left_out(struct sock *sk, const bool trusted)
{
	__u16 local, peer;

	if (!leaves_out)
		return false;
	if (is_of_others(sk, trusted))
		return true;
	if (!filter.ends || READ(trusted, sk, sk_protocol) != IPPROTO_TCP)
		return false;
	peer = bpf_ntohs(READ(trusted, sk, __sk_common.skc_dport));
	if (!peer || is_peer_asked(peer))
		return false;
	local = READ(trusted, sk, __sk_common.skc_num);
	if (!local)
		local = bpf_ntohs(left_port(sk, trusted));
	if (is_local_asked(local) ||
	    (READ_BITS_OF(trusted, sk, sk_userlocks) & SOCK_BINDPORT_LOCKED))
		return false;
	return !trusted || !is_kept(sk);
}

#endif
