/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * left_out.h - which sockets nobody asked for (wire_filter.h): no fact is made of them.
 *
 * Decided anew at each fact, by what does not change in a life: namespace, protocol, both ports.  As long as a socket has no peer
 * it is told of; so are those that keep() marked, whose port counts for others or is not known when they open.  The children of a
 * listener need not: while it has the port they add nothing, and what it leaves behind is looked at (src/cli/left_ports.c).
 */
#ifndef SOCKWATCH_BPF_LEFT_OUT_H
#define SOCKWATCH_BPF_LEFT_OUT_H

#include "read.h"
#include "wire_filter.h"

/* Whether anything is left out, and what of it does not take a table; the verifier drops the rest. */
const volatile bool leaves_out SEC(".rodata") __weak = false;
const volatile struct wire_filter filter SEC(".rodata") __weak = {};

/* Key: 0.  Value: struct wire_filter_ports.  Written by the loader before anything is attached, but for `keeps`. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_filter_ports);
} filter_ports SEC(".maps") __weak;

/* Value: not read.  What is told of whatever its ports are; without memory for it a socket is left out.  Lives and dies with
 * the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} kept SEC(".maps") __weak;

static __always_inline struct wire_filter_ports *asked_ports(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&filter_ports, &key);
}

static __always_inline bool has_port(__u16 port)
{
	const struct wire_filter_ports *p = asked_ports();

	return p && (p->bits[port / 64] >> (port % 64) & 1);
}

static __always_inline bool is_local_asked(__u16 port)
{
	return (filter.ends & WIRE_FILTER_LOCAL) && has_port(port);
}

static __always_inline bool is_peer_asked(__u16 port)
{
	return (filter.ends & WIRE_FILTER_PEER) && has_port(port);
}

/* `sk` has its type. */
static __always_inline void keep(struct sock *sk)
{
	struct wire_filter_ports *p = asked_ports();

	if (p && bpf_sk_storage_get(&kept, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE))
		p->keeps = 1;
}

static __always_inline bool is_kept(struct sock *sk)
{
	const struct wire_filter_ports *p = asked_ports();

	return p && p->keeps && bpf_sk_storage_get(&kept, sk, NULL, 0);
}

/* The ports that connect() chooses from: one number from 6.8 on (d9f28735af87), the highest in its upper half; a pair before.
 * Delete the second with 6.6. */
struct local_ports___one {
	__u32 range;
} __attribute__((preserve_access_index));
struct local_ports___pair {
	int range[2];
} __attribute__((preserve_access_index));
struct netns_ipv4___one {
	struct local_ports___one ip_local_ports;
} __attribute__((preserve_access_index));
struct netns_ipv4___pair {
	struct local_ports___pair ip_local_ports;
} __attribute__((preserve_access_index));
struct net___one {
	struct netns_ipv4___one ipv4;
} __attribute__((preserve_access_index));
struct net___pair {
	struct netns_ipv4___pair ipv4;
} __attribute__((preserve_access_index));

/* One of the ports from `lowest` to `highest` may be chosen. */
static __always_inline bool is_in_range(const struct sock *sk, __u16 lowest, __u16 highest)
{
	const struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	const struct net___pair *pair = (const void *)net;
	const struct net___one *one = (const void *)net;
	__u32 low, high;

	if (bpf_core_field_exists(one->ipv4.ip_local_ports.range)) {
		low = BPF_CORE_READ(one, ipv4.ip_local_ports.range);
		high = low >> 16;
		low &= 0xffff;
	} else {
		low = BPF_CORE_READ(pair, ipv4.ip_local_ports.range[0]);
		high = BPF_CORE_READ(pair, ipv4.ip_local_ports.range[1]);
	}
	return lowest <= high && highest >= low;
}

#endif
