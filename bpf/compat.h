/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - the only place that knows how kernels differ.
 *
 * Knobs are set by the loader after probing (src/kernel/probe.c); the verifier drops the dead side,
 * so a program loads on kernels that lack a helper.  Accessors name the versions they bridge.
 */
#ifndef SOCKWATCH_BPF_COMPAT_H
#define SOCKWATCH_BPF_COMPAT_H

#include "read.h"
#include "wire_closed.h"

/* Set around attaching: sockops reports these calls, so the exits of the system calls need not. */
bool sockops_connect SEC(".bss") __weak;
bool sockops_listen SEC(".bss") __weak;
/* The system-call tracepoints keep `calls`. */
bool has_calls SEC(".bss") __weak;

/* How many arguments __cgroup_bpf_run_filter_sock_addr() has: 6 from 6.7 on. */
const volatile __u32 sock_addr_params SEC(".rodata") __weak = 0;
/* A hook tells who enters TIME_WAIT, so that nobody need ask whether there is room. */
bool has_time_wait SEC(".bss") __weak;
/* The kernel's tick, which some of its times are counted in; 0 unknown. */
const volatile __u32 jiffy_ns SEC(".rodata") __weak = 0;

/* Up to 5.17 minisocks are counted as such.  Delete with 5.15. */
struct inet_timewait_death_row___counted {
	atomic_t tw_count;
	int sysctl_max_tw_buckets;
} __attribute__((preserve_access_index));
/* 5.18 to 6.0 (fbb8295248e1, e9bd0cca09d1) keep them behind a pointer.  Delete with 6.0. */
struct netns_ipv4___apart {
	struct inet_timewait_death_row *tcp_death_row;
} __attribute__((preserve_access_index));

/*
 * Whether a TIME_WAIT that was to begin now has begun (inet_twsk_alloc()): enum wire_end.  One that has is counted already.
 */
static __always_inline __u8 time_wait_room(struct net *net)
{
	struct netns_ipv4 *ipv4 = &net->ipv4;
	struct inet_timewait_death_row *row = &ipv4->tcp_death_row;
	__s32 count, limit;

	if (has_time_wait)
		return WIRE_E_TW_TOLD;
	if (bpf_core_field_exists(struct netns_ipv4___apart, tcp_death_row))
		row = BPF_CORE_READ((struct netns_ipv4___apart *)ipv4, tcp_death_row);
	if (bpf_core_field_exists(row->tw_refcount))
		count = BPF_CORE_READ(row, tw_refcount.refs.counter) - 1;
	else
		count = BPF_CORE_READ((struct inet_timewait_death_row___counted *)row,
				      tw_count.counter);
	limit = BPF_CORE_READ(row, sysctl_max_tw_buckets);
	if (count > limit || limit <= 0)
		return WIRE_E_TW_NONE;
	return count == limit ? WIRE_E_TW_FULL : 0;
}

/* inet_sock is embedded at the start of sock; the verifier refuses the cast on a trusted pointer.
 */
static __always_inline __be16 inet_source_port(const struct sock *sk)
{
	return BPF_CORE_READ((const struct inet_sock *)sk, inet_sport);
}

/* INET_FLAGS_TRANSPARENT, which belongs to an enumeration without a name. */
#define INET_TRANSPARENT (1ul << 15)

/* TPROXY may have led a connection here.  From 6.6 on; nobody asks before, see on_born(). */
static __always_inline bool is_transparent(struct sock *sk)
{
	struct inet_sock *inet = (struct inet_sock *)sk;

	return bpf_core_field_exists(inet->inet_flags) &&
	       (BPF_CORE_READ(inet, inet_flags) & INET_TRANSPARENT);
}

/* A program of the namespace may choose the listener: NETNS_BPF_SK_LOOKUP. */
static __always_inline bool has_sk_lookup(struct sock *sk)
{
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);

	return bpf_core_field_exists(net->bpf.run_array) && BPF_CORE_READ(net, bpf.run_array[1]);
}

/* The task may make calls through io_uring: it has a ring, or is a worker of one, which has none. */
static __always_inline bool task_has_uring(struct task_struct *task)
{
	return BPF_CORE_READ(task, io_uring) || (BPF_CORE_READ(task, flags) & TASK_IS_IO_WORKER);
}

/* The tracepoints of system calls are silent for 32-bit processes on a 64-bit kernel: TS_COMPAT in thread_info.status on x86,
 * TIF_32BIT in its flags on arm64, which has no status. */
static __always_inline bool task_is_32bit(struct task_struct *task)
{
	if (bpf_core_field_exists(task->thread_info.status))
		return BPF_CORE_READ(task, thread_info.status) & 0x2;
	return BPF_CORE_READ(task, thread_info.flags) & (1ul << 22);
}

#endif
