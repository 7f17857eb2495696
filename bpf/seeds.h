/* SPDX-License-Identifier: GPL-2.0-only */
/* seeds.h - the bodies of a look at what is there, whichever way it is taken. */
#ifndef SOCKWATCH_BPF_SEEDS_H
#define SOCKWATCH_BPF_SEEDS_H

#include "bodies.h"

static __always_inline void fill_seed(struct wire_call *c, struct sock *sk, enum wire_kind kind,
				      const bool trusted)
{
	c->fact.kind = kind;
	c->fact.size = sizeof(*c);
	c->fact.time_ns = bpf_ktime_get_boot_ns();
	fill_socket(&c->fact, sk, trusted);
	/* inet_sport outlives the port. */
	c->fact.local_port_be = bpf_htons(READ(trusted, sk, __sk_common.skc_num));
	if (READ(trusted, sk, __sk_common.skc_flags) & (1 << SOCK_FLAG_DEAD))
		c->fact.flags |= WIRE_F_ORPHAN;
	c->fact.options = socket_options(sk);
	/* A closed socket may still show a port that is somebody else's by now. */
	if (c->fact.to == TCP_CLOSE && READ(trusted, sk, __sk_common.skc_num))
		c->fact.options |= WIRE_O_KEEPS_PORT;
	if (!READ(trusted, sk, sk_socket))
		c->fact.flags |= WIRE_F_NO_FILE;
	c->result = 0;
	c->arg = 0;
}

/* Host order; set by the loader before it looks which TIME_WAITs keep somebody from one port. */
__u16 wanted_port SEC(".bss") __weak;

/* A port in TIME_WAIT still keeps others from binding it. */
static __always_inline void fill_minisock(struct wire_call *c, struct sock_common *common)
{
	c->fact.kind = WIRE_SEED_SOCKET;
	c->fact.size = sizeof(*c);
	c->fact.time_ns = bpf_ktime_get_boot_ns();
	c->fact.flags = WIRE_F_NO_FILE | WIRE_F_ORPHAN;
	fill_common(&c->fact, common);
	c->fact.options = WIRE_O_KNOWN;
	if (BPF_CORE_READ_BITFIELD_PROBED(common, skc_reuse))
		c->fact.options |= WIRE_O_REUSEADDR;
	if (BPF_CORE_READ_BITFIELD_PROBED(common, skc_reuseport))
		c->fact.options |= WIRE_O_REUSEPORT;
	if (BPF_CORE_READ_BITFIELD_PROBED(common, skc_ipv6only))
		c->fact.options |= WIRE_O_V6ONLY;
	c->arg = time_wait_known_ms(common);
}

#endif
