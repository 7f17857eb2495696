/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bodies.h - one body per fact.  The SEC() stubs of both tiers call these, so that both tell the
 * same story. `trusted` is explained in compat.h.
 */
#ifndef SOCKWATCH_BPF_BODIES_H
#define SOCKWATCH_BPF_BODIES_H

#include "fill.h"
#include "submit.h"

/* What the hook's first copy told last on this CPU (core.bpf.c). */
static __always_inline void note_told(__u32 hook, struct sock *sk, __u64 change)
{
	struct told *last = bpf_map_lookup_elem(&told, &hook);

	if (!last)
		return;
	last->sk = (__u64)sk;
	last->change = change;
}

static __always_inline bool was_told(__u32 hook, struct sock *sk, __u64 change)
{
	struct told *last = bpf_map_lookup_elem(&told, &hook);

	return last && last->sk == (__u64)sk && last->change == change;
}

/* A call that names an owner.  `task` false where the hook runs elsewhere or another fact named the
 * task already. */
static __always_inline struct wire_call *call_reserve(enum wire_kind kind, struct sock *sk,
						      const bool trusted, const bool task)
{
	struct wire_call *c = record_reserve(kind, sizeof(*c));

	if (!c)
		return NULL;
	fill_socket(&c->fact, sk, trusted);
	c->fact.options = socket_options(sk);
	if (task)
		fill_task(&c->task);
	else
		__builtin_memset(&c->task, 0, sizeof(c->task));
	c->result = 0;
	c->arg = 0;
	return c;
}

/* Puts a sockaddr the caller passed into one end of a fact: what was asked for when the call
 * failed. */
static __always_inline void fill_asked(__u8 addr[16], __u16 *port_be, __u8 family,
				       const __u8 *asked)
{
	__u16 asked_family = *(const __u16 *)asked;

	if (asked_family == AF_INET) {
		*port_be = *(const __u16 *)(asked + 2);
		copy_v4(addr, *(const __be32 *)(asked + 4), family == AF_INET6);
	} else if (asked_family == AF_INET6) {
		*port_be = *(const __u16 *)(asked + 2);
		__builtin_memcpy(addr, asked + 8, 16);
	}
}

static __always_inline void on_bind(struct sock *sk, const bool trusted, const __u8 *asked,
				    int result)
{
	struct wire_call *c = call_reserve(WIRE_BIND, sk, trusted, true);

	if (!c)
		return;
	c->result = result;
	if (result < 0 && asked)
		fill_asked(c->fact.local, &c->fact.local_port_be, c->fact.family, asked);
	else /* inet_sport is set only after the bind hooks ran */
		c->fact.local_port_be = bpf_htons(READ(trusted, sk, __sk_common.skc_num));
	record_submit(c);
}

static __always_inline void on_listen(struct sock *sk, const bool trusted, const bool task,
				      __u32 backlog, int result)
{
	struct wire_call *c = call_reserve(WIRE_LISTEN, sk, trusted, task);

	if (!c)
		return;
	c->arg = backlog;
	c->result = result;
	record_submit(c);
}

static __always_inline void on_connect(struct sock *sk, const bool trusted, const bool task,
				       const __u8 *asked, int result, __u8 flags)
{
	struct wire_call *c = call_reserve(WIRE_CONNECT, sk, trusted, task);

	if (!c)
		return;
	c->result = result;
	c->fact.flags = flags;
	if (result < 0 && asked)
		fill_asked(c->fact.peer, &c->fact.peer_port_be, c->fact.family, asked);
	record_submit(c);
}

/* `had_port` false: the call made the kernel choose one. */
static __always_inline void on_udp_connect(struct sock *sk, const bool trusted, const __u8 *asked,
					   int result, bool had_port)
{
	struct wire_call *c = call_reserve(WIRE_CONNECT, sk, trusted, true);

	if (!c)
		return;
	c->result = result;
	c->arg = !had_port;
	if (result < 0)
		fill_asked(c->fact.peer, &c->fact.peer_port_be, c->fact.family, asked);
	record_submit(c);
}

/* A send chose a port, or found none. */
static __always_inline void on_autobind(struct sock *sk, const bool trusted, int result)
{
	struct wire_call *c = call_reserve(WIRE_BIND, sk, trusted, true);

	if (!c)
		return;
	c->result = result;
	c->arg = 1;
	c->fact.local_port_be = bpf_htons(READ(trusted, sk, __sk_common.skc_num));
	record_submit(c);
}

static __always_inline void on_accept(struct sock *sk, const bool trusted, __u8 flags)
{
	struct wire_call *c = call_reserve(WIRE_ACCEPT, sk, trusted, true);

	if (!c)
		return;
	c->fact.flags = flags;
	record_submit(c);
}

static __always_inline struct call *current_call(void)
{
	__u64 id = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&calls, &id);
}

/* CLOSE -> SYN_SENT and CLOSE -> LISTEN: the only changes of state that always run in the caller's
 * task. */
static __always_inline void on_open(struct sock *sk, int to, const __u8 flags)
{
	struct wire_call *c;

	if (has_calls && to == TCP_SYN_SENT) {
		struct call *call = current_call();

		if (call && call->sk == (__u64)sk)
			call->opened = 1;
	}
	if (has_cookie_helper && to == TCP_LISTEN &&
	    BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport)) {
		__u64 *of = bpf_sk_storage_get(&listener_of, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

		if (of)
			*of = socket_cookie(sk, true);
	}
	/* Reserved last: 5.10 does not know that a reserved record is never NULL again. */
	c = call_reserve(WIRE_OPEN, sk, true, true);
	if (!c)
		return;
	c->fact.flags = flags;
	c->fact.from = TCP_CLOSE;
	c->fact.to = to;
	/* inet_sport may be left over from the life before; skc_num is 0 unless bound. */
	c->fact.local_port_be = bpf_htons(sk->__sk_common.skc_num);
	record_submit(c);
}

static __always_inline void fill_counters(struct wire_closed *c, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	c->sent_bytes = c->received_bytes = 0;
	c->retransmits = c->rtt_us = 0;
	if (!tp)
		return;
	c->sent_bytes = tp->bytes_sent - tp->bytes_retrans;
	c->received_bytes = tp->bytes_received;
	/* The FIN takes a sequence number and is counted as a byte. */
	if ((c->fact.flags & WIRE_F_FIN_RECEIVED) && c->received_bytes)
		c->received_bytes--;
	c->retransmits = tp->total_retrans;
	c->rtt_us = tp->srtt_us >> 3;
	if (tp->linger2 < 0)
		c->fact.flags |= WIRE_F_LINGER2_OFF;
}

static __always_inline void on_closed(struct sock *sk, int from, const __u8 again)
{
	struct wire_closed *c = record_reserve(WIRE_CLOSED, sizeof(*c));
	unsigned long flags;

	if (!c)
		return;
	fill_socket(&c->fact, sk, true);
	c->fact.flags = again;
	c->fact.from = from;
	c->fact.to = TCP_CLOSE;
	c->fact.error = sk->sk_err;
	flags = sk->__sk_common.skc_flags;
	if (flags & (1 << SOCK_FLAG_DEAD))
		c->fact.flags |= WIRE_F_ORPHAN;
	if (flags & (1 << SOCK_FLAG_DONE))
		c->fact.flags |= WIRE_F_FIN_RECEIVED;
	if (sk->sk_shutdown == 3)
		c->fact.flags |= WIRE_F_SHUTDOWN;
	fill_counters(c, sk);
	record_submit(c);
}

static __always_inline void on_change(struct sock *sk, int from, int to, const __u8 flags)
{
	struct wire_fact *f = record_reserve(WIRE_STATE, sizeof(*f));

	if (!f)
		return;
	fill_socket(f, sk, true);
	f->flags = flags;
	f->from = from;
	f->to = to;
	record_submit(f);
}

/*
 * A child cloned from its listener.  Up to 6.12 the clone still carries the listener's cookie here,
 * from 6.16 on it is 0 already; asking the helper for one would give the listener's away or be
 * undone at once.
 */
static __always_inline void on_born(struct sock *sk, int from, int to, const __u8 flags)
{
	__u64 listener = sk->__sk_common.skc_cookie.counter;
	struct wire_fact *f;

	if (!listener && has_cookie_helper) {
		__u64 *of = bpf_sk_storage_get(&listener_of, sk, NULL, 0);

		if (of)
			listener = *of;
	}
	f = record_reserve(WIRE_STATE, sizeof(*f));
	if (!f)
		return;
	f->flags = flags;
	f->netns = sk->__sk_common.skc_net.net->ns.inum;
	f->sk = (__u64)sk;
	f->cookie = 0;
	f->listener = listener;
	f->family = sk->__sk_common.skc_family;
	f->from = from;
	f->to = to;
	f->options = 0;
	f->protocol = sk->sk_protocol;
	f->error = 0;
	f->local_port_be = bpf_htons(sk->__sk_common.skc_num);
	f->peer_port_be = sk->__sk_common.skc_dport;
	f->ifindex = sk->__sk_common.skc_bound_dev_if;
	fill_addresses(f, sk, true);
	record_submit(f);
}

/* `flags`: 0 or WIRE_F_AGAIN. */
static __always_inline void on_state(struct sock *sk, int from, int to, const __u8 flags)
{
	if (from == TCP_CLOSE)
		on_open(sk, to, flags);
	else if (to == TCP_CLOSE)
		on_closed(sk, from, flags);
	else if (from == TCP_LISTEN)
		on_born(sk, from, to, flags);
	else
		on_change(sk, from, to, flags);
}

/* `sk` as a number is enough: the table knows the rest. */
static __always_inline void on_socket(enum wire_kind kind, struct sock *sk, const bool trusted)
{
	struct wire_fact *f = record_reserve(kind, sizeof(*f));

	if (!f)
		return;
	fill_socket(f, sk, trusted);
	record_submit(f);
}

/* The minisock is about to be hashed: `tw` has what it will be found by. */
static __always_inline void on_time_wait(struct inet_timewait_sock *tw, struct sock *sk,
					 const __u8 flags)
{
	struct wire_fact *f;

	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	f = record_reserve(WIRE_TIME_WAIT, sizeof(*f));
	if (!f)
		return;
	fill_socket(f, sk, true);
	f->flags = flags;
	f->listener = (__u64)tw;
	f->from = f->to;
	f->to = tw->tw_substate;
	record_submit(f);
}

static __always_inline void on_time_wait_end(struct inet_timewait_sock *tw)
{
	struct wire_fact *f;

	/* DCCP (up to 6.15) has minisocks too, which carry no protocol. */
	if (BPF_CORE_READ(tw, __tw_common.skc_prot, name[0]) == 'D')
		return;
	f = record_reserve(WIRE_TIME_WAIT_END, sizeof(*f));
	if (!f)
		return;
	f->flags = 0;
	fill_common(f, &tw->__tw_common);
	f->from = TCP_TIME_WAIT;
	f->to = TCP_CLOSE;
	record_submit(f);
}

#endif
