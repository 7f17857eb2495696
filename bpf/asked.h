/* SPDX-License-Identifier: GPL-2.0-only */
/* asked.h - the destination that a connect() was given, where a program changed it. */
#ifndef SOCKWATCH_BPF_ASKED_H
#define SOCKWATCH_BPF_ASKED_H

#include "bodies.h"

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

/* The destination that the caller gave, before a program changed it. */
static __always_inline void on_asked(struct sock *sk, const bool trusted, const __u8 *asked)
{
	struct wire_fact *f = record_reserve(WIRE_ASKED, sizeof(*f));

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
	on_asked(sk, trusted, asked);
}

#endif
