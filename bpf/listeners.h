/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listeners.h - what the kernel drops for listeners.
 *
 * Nothing tells of a SYN that finds a queue full but counters, and the hook for dropped packets (kfree_skb) is run for every packet
 * of the host.  So the loader asks about the listeners that it knows, all namespaces alike, by running this program
 * (BPF_PROG_TEST_RUN).
 */
#ifndef SOCKWATCH_BPF_LISTENERS_H
#define SOCKWATCH_BPF_LISTENERS_H

#include "compat.h"
#include "wire_listener.h"

struct wire_listener listeners[LISTENERS_ASKED] SEC(".bss") __weak;

/* The socket may be gone: memory that cannot be read gives zeroes, and other memory another cookie. */
static __always_inline void look_at_listeners(void)
{
	for (int i = 0; i < LISTENERS_ASKED; i++) {
		struct wire_listener *l = &listeners[i];
		struct sock *sk = (struct sock *)l->sk;

		l->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
		l->waiting = BPF_CORE_READ(sk, sk_ack_backlog);
		l->limit = BPF_CORE_READ(sk, sk_max_ack_backlog);
		l->dropped = BPF_CORE_READ(sk, sk_drops.counter);
		l->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	}
}

#endif
