/* SPDX-License-Identifier: GPL-2.0-only */
/* asked.h - what a connect() is about: the destination that it was given, whether it was turned back. */
#ifndef SOCKWATCH_BPF_ASKED_H
#define SOCKWATCH_BPF_ASKED_H

#include "bodies.h"

struct asked_for {
	__u64 sk;
	__u8 address[28]; /* sockaddr_in or sockaddr_in6 as the caller gave it */
	__u32 pad0;
};

/* Key: pid_tgid of a thread inside the cgroup programs of its connect().  Value: struct asked_for.  Written by the entry, removed
 * by the exit.  Full: the oldest goes, and what it asked for is not told. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct asked_for);
} asked_for SEC(".maps") __weak;

/* Key: pid_tgid.  Value: the socket that this thread's connect() has just taken from SYN_SENT back to CLOSE, because it found
 * no port or its four ends are taken.  Written by states.h, removed by the exit of the call.  Full: the oldest goes, which may
 * belong to a connect(AF_UNSPEC). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} turned_back SEC(".maps") __weak;

/* Of two addresses of the same family. */
static __always_inline bool same_destination(const __u8 *a, const __u8 *b)
{
	const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;

	/* Family and port, then the address; an IPv6 one stands behind the flow label. */
	if (x[0] != y[0])
		return false;
	if (*(const __u16 *)a == AF_INET)
		return x[1] == y[1];
	return x[2] == y[2] && x[3] == y[3] && x[4] == y[4] && x[5] == y[5];
}

/* A TCP socket has no peer yet: what it asked for (which keeps it), what it got and its local port decide. */
static __always_inline bool is_asked_left_out(struct sock *sk, const bool trusted, const bool typed,
					      const __u8 *asked, __u16 got_be)
{
	if (!leaves_out || is_of_others(sk, trusted))
		return leaves_out;
	if (!filter.ends || READ(trusted, sk, sk_protocol) != IPPROTO_TCP)
		return false;
	if (is_peer_asked(bpf_ntohs(*(const __u16 *)(asked + 2)))) {
		if (typed)
			keep(sk);
		return false;
	}
	return !is_peer_asked(bpf_ntohs(got_be)) && !is_port_open(sk, trusted);
}

/* The destination that the caller gave, before a program changed it into one with the port `got_be`.  `typed`: the verifier knows
 * that `sk` is a socket. */
static __always_inline void on_asked(struct sock *sk, const bool trusted, const bool typed,
				     const __u8 *asked, __u16 got_be)
{
	struct wire_fact *f;

	if (is_asked_left_out(sk, trusted, typed, asked, got_be))
		return;
	f = record_reserve(WIRE_ASKED, sizeof(*f), sk);
	if (!f)
		return;
	fill_socket(f, sk, trusted);
	fill_asked(f->peer, &f->peer_port_be, f->family, asked);
	record_submit(f);
}

/*
 * Where no hook sees the programs run: the socket's destination is not the one that the caller gave.  The kernel itself takes
 * the wildcard address for the loopback one.
 */
static __always_inline void ask_by_result(struct sock *sk, const bool trusted, const __u8 *asked)
{
	__u32 want[4] = {}, have[4];
	__u16 port = 0, family = READ(trusted, sk, __sk_common.skc_family);

	fill_asked((__u8 *)want, &port, family, asked);
	if (family == AF_INET) {
		copy_v4((__u8 *)have, READ(trusted, sk, __sk_common.skc_daddr), false);
	} else {
		have[0] = READ(trusted, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[0]);
		have[1] = READ(trusted, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[1]);
		have[2] = READ(trusted, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[2]);
		have[3] = READ(trusted, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[3]);
	}
	if (!port)
		return;
	if (port == READ(trusted, sk, __sk_common.skc_dport) &&
	    ((want[0] == have[0] && want[1] == have[1] && want[2] == have[2] &&
	      want[3] == have[3]) ||
	     !(want[0] | want[1] | want[3])))
		return;
	on_asked(sk, trusted, trusted, asked, READ(trusted, sk, __sk_common.skc_dport));
}

#endif
