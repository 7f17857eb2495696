/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bodies.h - one body per fact.  The SEC() stubs of both tiers call these, so that both tell the
 * same story. `trusted` is explained in compat.h.
 */
#ifndef SOCKWATCH_BPF_BODIES_H
#define SOCKWATCH_BPF_BODIES_H

#include "fold.h"

static __always_inline void call_fill(struct wire_call *c, struct sock *sk, const bool trusted,
				      const bool task)
{
	struct common_bytes bytes;

	read_common(&bytes, sk, trusted);
	fill_from(&c->fact, sk, &bytes, trusted);
	c->fact.options = socket_options(sk, &bytes, trusted);
	if (task && !(c->fact.options & WIRE_O_KERNEL))
		fill_task(&c->task);
	else
		__builtin_memset(&c->task, 0, sizeof(c->task));
	c->result = 0;
	c->arg = 0;
	c->socket_uid = READ(trusted, sk, sk_uid.val);
	c->vrf = c->fact.protocol == IPPROTO_TCP ? socket_vrf(sk, c->fact.ifindex) : 0;
}

/* A call that names an owner.  `task` false where the hook runs elsewhere or another fact named the
 * task already. */
static __always_inline struct wire_call *call_reserve(enum wire_kind kind, struct sock *sk,
						      const bool trusted, const bool task)
{
	struct wire_call *c;

	if (is_left_out(sk, trusted))
		return NULL;
	c = record_reserve(kind, sizeof(*c), sk);
	if (c)
		call_fill(c, sk, trusted, task);
	return c;
}

/* A call that failed, always in the caller's task.  `asked` may be NULL; it is the peer of connect, else the local end. */
static __always_inline void on_failure(enum wire_kind kind, struct sock *sk, const bool trusted,
				       const __u8 *asked, int result, __u32 arg, __u8 flags)
{
	struct wire_call c;

	/* Its ports may be those that the call asked for. */
	if (is_of_others(sk, trusted))
		return;
	c.fact.kind = kind;
	c.fact.size = sizeof(c);
	c.fact.time_ns = bpf_ktime_get_boot_ns();
	call_fill(&c, sk, trusted, true);
	c.fact.flags = flags;
	c.result = result;
	c.arg = arg;
	if (asked && kind == WIRE_CONNECT)
		fill_asked(c.fact.peer, &c.fact.peer_port_be, c.fact.family, asked);
	else if (asked)
		fill_asked(c.fact.local, &c.fact.local_port_be, c.fact.family, asked);
	/* Onto itself: the verifier forgets by which of many ways each byte came, and follows what comes next once. */
	bpf_probe_read_kernel(&c, sizeof(c), &c);
	failure_submit(&c);
}

static __always_inline void on_bound(struct sock *sk, const bool trusted)
{
	struct wire_call *c = call_reserve(WIRE_BIND, sk, trusted, true);

	if (!c)
		return;
	/* inet_sport is set only after the bind hooks ran */
	c->fact.local_port_be = bpf_htons(READ(trusted, sk, __sk_common.skc_num));
	record_submit(c);
}

static __always_inline void on_bind(struct sock *sk, const bool trusted, const __u8 *asked,
				    int result)
{
	if (result < 0)
		on_failure(WIRE_BIND, sk, trusted, asked, result, 0, 0);
	else
		on_bound(sk, trusted);
}

static __always_inline void on_listen(struct sock *sk, const bool trusted, const bool task,
				      __u32 backlog, int result)
{
	struct wire_call *c;

	if (result < 0) {
		on_failure(WIRE_LISTEN, sk, trusted, NULL, result, backlog, 0);
		return;
	}
	c = call_reserve(WIRE_LISTEN, sk, trusted, task);
	if (!c)
		return;
	c->arg = backlog;
	record_submit(c);
}

static __always_inline void on_connect(struct sock *sk, const bool trusted, const bool task,
				       const __u8 *asked, int result, __u8 flags)
{
	struct wire_call *c;

	if (result < 0) {
		on_failure(WIRE_CONNECT, sk, trusted, asked, result, 0, flags);
		return;
	}
	c = call_reserve(WIRE_CONNECT, sk, trusted, task);
	if (!c)
		return;
	c->fact.flags = flags;
	record_submit(c);
}

/* `had_port` false: the call made the kernel choose one. */
static __always_inline void on_udp_connect(struct sock *sk, const bool trusted, const __u8 *asked,
					   int result, bool had_port)
{
	struct wire_call *c;

	if (result < 0) {
		on_failure(WIRE_CONNECT, sk, trusted, asked, result, !had_port, 0);
		return;
	}
	c = call_reserve(WIRE_CONNECT, sk, trusted, true);
	if (!c)
		return;
	c->arg = !had_port;
	record_submit(c);
}

/* A send chose a port, or found none. */
static __always_inline void on_autobind(struct sock *sk, const bool trusted, int result)
{
	struct wire_call *c;

	if (result < 0) {
		on_failure(WIRE_BIND, sk, trusted, NULL, result, 1, 0);
		return;
	}
	c = call_reserve(WIRE_BIND, sk, trusted, true);
	if (!c)
		return;
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

/* `sk` as a number is enough: the table knows the rest. */
static __always_inline void on_socket(enum wire_kind kind, struct sock *sk, const bool trusted)
{
	struct wire_fact *f;

	if (is_left_out(sk, trusted))
		return;
	f = record_reserve(kind, sizeof(*f), sk);
	if (!f)
		return;
	fill_socket(f, sk, trusted);
	record_submit(f);
}

static __always_inline struct call *current_call(void)
{
	__u64 id = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&calls, &id);
}

#endif
