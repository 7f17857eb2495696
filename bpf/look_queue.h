/* SPDX-License-Identifier: GPL-2.0-only */
/* look_queue.h - what waits in a socket's queues. */
#ifndef SOCKWATCH_BPF_LOOK_QUEUE_H
#define SOCKWATCH_BPF_LOOK_QUEUE_H

#include "read.h"
#include "wire_look.h"

/* There are few listeners: read whatever is wanted. */
static __always_inline bool fill_listener(struct wire_look *r, struct sock *sk, const bool tcp,
					  const bool trusted)
{
	if (!tcp || r->state != TCP_LISTEN || r->protocol != IPPROTO_TCP || r->type != SOCK_STREAM)
		return false;
	r->receive = READ(trusted, sk, sk_ack_backlog);
	r->backlog = READ(trusted, sk, sk_max_ack_backlog);
	r->dropped = READ(trusted, sk, sk_drops.counter);
	return true;
}

/* Of TCP; any socket else. */
static __always_inline void fill_queues(struct wire_look *r, struct sock *sk, const bool tcp,
					const bool trusted)
{
	__s32 waiting;

	if (tcp && r->protocol == IPPROTO_TCP && r->type == SOCK_STREAM) {
		struct tcp_sock *tp = (struct tcp_sock *)sk;

		if (trusted)
			tp = bpf_skc_to_tcp_sock(sk);
		if (!tp)
			return;
		waiting = READ(trusted, tp, rcv_nxt) - READ(trusted, tp, copied_seq);
		r->receive = waiting > 0 ? waiting : 0;
		r->send = READ(trusted, tp, write_seq) - READ(trusted, tp, snd_una);
		return;
	}
	r->receive = READ(trusted, sk, sk_backlog.rmem_alloc.counter);
	/* One reference is the socket's own. */
	r->send = READ(trusted, sk, sk_wmem_alloc.refs.counter) - 1;
}

#endif
