/* SPDX-License-Identifier: GPL-2.0-only */
/* states.h - the bodies behind a change of state: a life opened and changed, a child born; closed.h has its end. */
#ifndef SOCKWATCH_BPF_STATES_H
#define SOCKWATCH_BPF_STATES_H

#include "asked.h"
#include "closed.h"

/* What the ports will not say later: one that bind() chose, which keeps connects from it, or one that is still to be chosen. */
static __always_inline void keep_at_open(struct sock *sk, const bool trusted, int to)
{
	if (leaves_out && filter.ends && trusted && to == TCP_SYN_SENT && is_port_open(sk, true) &&
	    !is_peer_asked(bpf_ntohs(sk->__sk_common.skc_dport)))
		keep(sk);
}

/* CLOSE -> SYN_SENT and CLOSE -> LISTEN: the only changes of state that always run in the caller's
 * task. */
static __always_inline void on_open(struct sock *sk, const bool trusted, int to, const __u8 flags)
{
	struct wire_call *c;

	if (has_calls && to == TCP_SYN_SENT) {
		struct call *call = current_call();

		if (call && call->sk == (__u64)sk) {
			call->opened = 1;
			ask_by_result(sk, trusted, call->address);
		}
	}
	if (has_cookie_helper && to == TCP_LISTEN &&
	    (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport) || is_transparent(sk))) {
		__u64 *of = bpf_sk_storage_get(&listener_of, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

		if (of)
			*of = socket_cookie(sk);
	}
	keep_at_open(sk, trusted, to);
	/* Reserved last: 5.10 does not know that a reserved record is never NULL again. */
	c = call_reserve(WIRE_OPEN, sk, trusted, true);
	if (!c)
		return;
	c->fact.flags = flags;
	c->fact.from = TCP_CLOSE;
	c->fact.to = to;
	/* inet_sport may be left over from the life before; skc_num is 0 unless bound. */
	c->fact.local_port_be = bpf_htons(READ(trusted, sk, __sk_common.skc_num));
	record_submit(c);
}

static __always_inline void on_change(struct sock *sk, const bool trusted, int from, int to,
				      const __u8 flags)
{
	struct wire_fact *f;

	if (is_left_out(sk, trusted))
		return;
	f = record_reserve(WIRE_STATE, sizeof(*f), sk);
	if (!f)
		return;
	fill_socket(f, sk, trusted);
	f->flags = flags;
	f->from = from;
	f->to = to;
	record_submit(f);
}

/* Up to 6.15 a child is born before it knows its peer. */
bool is_peer_late SEC(".bss") __weak;

/* A child that its local port lets in is told of when it is born, one that its peer's does when that is known. */
static __always_inline bool is_child_left_out(struct sock *sk, const bool trusted)
{
	if (!leaves_out || READ(trusted, sk, __sk_common.skc_dport))
		return is_left_out(sk, trusted);
	is_peer_late = true;
	return is_of_others(sk, trusted) ||
	       (filter.ends && !is_local_asked(READ(trusted, sk, __sk_common.skc_num)));
}

static __always_inline bool is_birth_due(struct sock *sk, const bool trusted)
{
	return leaves_out && is_peer_late && (filter.ends & WIRE_FILTER_PEER) &&
	       !is_local_asked(READ(trusted, sk, __sk_common.skc_num)) &&
	       is_peer_asked(bpf_ntohs(READ(trusted, sk, __sk_common.skc_dport)));
}

/*
 * A child cloned from its listener.  Up to 6.12 the clone still carries the listener's cookie here,
 * from 6.16 on it is 0 already; asking the helper for one would give the listener's away or be
 * undone at once.  Then its port tells the listener, unless a rule or a program led it to another.
 * `late`: it is a listener's no more, and has a cookie of its own.
 */
static __always_inline void on_born(struct sock *sk, const bool trusted, int from, int to,
				    const __u8 flags, const bool late)
{
	__u64 listener = late ? 0 : READ(trusted, sk, __sk_common.skc_cookie.counter);
	struct common_bytes bytes;
	struct wire_fact *f;

	if (!listener && has_cookie_helper) {
		__u64 *of = bpf_sk_storage_get(&listener_of, sk, NULL, 0);

		if (of)
			listener = *of;
	}
	read_common(&bytes, sk, trusted);
	f = record_reserve(WIRE_STATE, sizeof(*f), sk);
	if (!f)
		return;
	fill_common(f, sk, &bytes, trusted);
	f->flags = flags;
	if (!listener && (is_transparent(sk) || has_sk_lookup(sk)))
		f->flags |= WIRE_F_STEERED;
	f->cookie = 0;
	f->listener = listener;
	f->from = from;
	f->to = to;
	f->protocol = READ(trusted, sk, sk_protocol);
	f->local_port_be = bpf_htons(COMMON(trusted, sk, &bytes, skc_num));
	record_submit(f);
}

/* `flags`: 0 or WIRE_F_AGAIN. */
static __always_inline void on_state(struct sock *sk, const bool trusted, int from, int to,
				     const __u8 flags)
{
	if (from == TCP_SYN_RECV && is_birth_due(sk, trusted))
		on_born(sk, trusted, TCP_LISTEN, TCP_SYN_RECV, flags, true);
	if (from == TCP_CLOSE)
		on_open(sk, trusted, to, flags);
	else if (to == TCP_CLOSE)
		on_closed(sk, trusted, from, flags);
	else if (from != TCP_LISTEN)
		on_change(sk, trusted, from, to, flags);
	else if (!is_child_left_out(sk, trusted))
		on_born(sk, trusted, from, to, flags, false);
}

#endif
