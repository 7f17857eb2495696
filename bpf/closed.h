/* SPDX-License-Identifier: GPL-2.0-only */
/* closed.h - the body behind a change of state to CLOSE: what was counted, and what shows why it ended. */
#ifndef SOCKWATCH_BPF_CLOSED_H
#define SOCKWATCH_BPF_CLOSED_H

#include "bodies.h"

static __always_inline struct tcp_sock *tcp_of(struct sock *sk, const bool trusted)
{
	if (trusted)
		return bpf_skc_to_tcp_sock(sk);
	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP ? (struct tcp_sock *)sk : NULL;
}

/* What a connection waited for that was given up. */
static __always_inline void fill_silence(struct wire_closed *c, struct tcp_sock *tp,
					 const bool trusted)
{
	__u32 now, acked, received;

	c->unacked_bytes = READ(trusted, tp, write_seq) - READ(trusted, tp, snd_una);
	c->user_timeout_ms = READ(trusted, tp, inet_conn.icsk_user_timeout);
	c->probes = READ(trusted, tp, inet_conn.icsk_probes_out);
	if (!jiffy_ns || c->fact.from == TCP_SYN_SENT)
		return;
	now = bpf_jiffies64();
	acked = now - READ(trusted, tp, rcv_tstamp);
	received = now - READ(trusted, tp, inet_conn.icsk_ack.lrcvtime);
	c->last_heard_ms = (acked < received ? acked : received) * (__u64)jiffy_ns / 1000000;
	c->end |= WIRE_E_HEARD;
}

/* close() that sends no FIN: what tcp_close() looks at. */
static __always_inline void fill_cut(struct wire_closed *c, struct sock *sk, struct tcp_sock *tp,
				     const bool trusted, unsigned long flags)
{
	__u32 unread = READ(trusted, tp, rcv_nxt) - READ(trusted, tp, copied_seq);

	c->end |= WIRE_E_KNOWN;
	if (BPF_CORE_READ_BITFIELD_PROBED(tp, repair))
		c->end |= WIRE_E_REPAIR;
	/* The peer's FIN takes a number, too. */
	if (unread > !!(c->fact.flags & WIRE_F_FIN_RECEIVED))
		c->end |= WIRE_E_UNREAD;
	if ((flags & (1 << SOCK_FLAG_LINGER)) && !READ(trusted, sk, sk_lingertime))
		c->end |= WIRE_E_LINGER;
}

/* An orderly end needs nothing of this, and pays for nothing but TIME_WAIT. */
static __always_inline void fill_end(struct wire_closed *c, struct sock *sk, struct tcp_sock *tp,
				     const bool trusted, unsigned long flags)
{
	bool over = c->fact.flags & (WIRE_F_FIN_RECEIVED | WIRE_F_ORPHAN);
	__u8 from = c->fact.from;

	if (from == TCP_SYN_SENT)
		c->syns = READ(trusted, tp, segs_out);
	if (c->fact.error)
		fill_silence(c, tp, trusted);
	else if (from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT || from == TCP_SYN_RECV ||
		 ((from == TCP_FIN_WAIT1 || from == TCP_FIN_WAIT2) && !over))
		fill_cut(c, sk, tp, trusted, flags);
	else if (from == TCP_FIN_WAIT2 || from == TCP_CLOSING)
		c->end = time_wait_room(BPF_CORE_READ(sk, __sk_common.skc_net.net));
}

static __always_inline void fill_counters(struct wire_closed *c, struct sock *sk,
					  const bool trusted, unsigned long flags)
{
	struct tcp_sock *tp = tcp_of(sk, trusted);

	c->sent_bytes = c->received_bytes = 0;
	c->retransmits = c->rtt_us = 0;
	c->unacked_bytes = c->last_heard_ms = c->user_timeout_ms = 0;
	c->syns = c->probes = c->end = 0;
	if (!tp)
		return;
	c->sent_bytes = READ(trusted, tp, bytes_sent) - READ(trusted, tp, bytes_retrans);
	c->received_bytes = READ(trusted, tp, bytes_received);
	/* The FIN takes a sequence number and is counted as a byte. */
	if ((c->fact.flags & WIRE_F_FIN_RECEIVED) && c->received_bytes)
		c->received_bytes--;
	c->retransmits = READ(trusted, tp, total_retrans);
	c->rtt_us = READ(trusted, tp, srtt_us) >> 3;
	if (READ(trusted, tp, linger2) < 0)
		c->fact.flags |= WIRE_F_LINGER2_OFF;
	fill_end(c, sk, tp, trusted, flags);
}

/* Refused and timed out connections carry an error, closed ones are shut down: only connect() itself makes this change
 * without either. */
static __always_inline void note_turned_back(struct sock *sk, const bool trusted)
{
	__u64 id = bpf_get_current_pid_tgid(), key = (__u64)sk;

	if (!has_calls && !READ(trusted, sk, sk_err) && READ(trusted, sk, sk_shutdown) != 3)
		bpf_map_update_elem(&turned_back, &id, &key, BPF_ANY);
}

static __always_inline void on_closed(struct sock *sk, const bool trusted, int from,
				      const __u8 again)
{
	struct wire_closed *c;
	unsigned long flags;

	if (from == TCP_SYN_SENT)
		note_turned_back(sk, trusted);
	if (is_left_out(sk, trusted))
		return;
	c = record_reserve(WIRE_CLOSED, sizeof(*c), sk);
	if (!c)
		return;
	fill_socket(&c->fact, sk, trusted);
	c->fact.flags = again;
	c->fact.from = from;
	c->fact.to = TCP_CLOSE;
	c->fact.error = READ(trusted, sk, sk_err);
	flags = READ(trusted, sk, __sk_common.skc_flags);
	if (flags & (1 << SOCK_FLAG_DEAD))
		c->fact.flags |= WIRE_F_ORPHAN;
	if (flags & (1 << SOCK_FLAG_DONE))
		c->fact.flags |= WIRE_F_FIN_RECEIVED;
	if (READ(trusted, sk, sk_shutdown) == 3)
		c->fact.flags |= WIRE_F_SHUTDOWN;
	fill_counters(c, sk, trusted, flags);
	record_submit(c);
}

#endif
