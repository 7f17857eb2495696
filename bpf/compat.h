/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - the only place that knows how kernels differ.
 *
 * Knobs are set by the loader after probing (src/kernel/probe.c); the verifier drops the dead side,
 * so a program loads on kernels that lack a helper.  Accessors name the versions they bridge.
 */
#ifndef SOCKWATCH_BPF_COMPAT_H
#define SOCKWATCH_BPF_COMPAT_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

#define AF_INET	 2
#define AF_INET6 10

/* bpf_get_socket_cookie() in tracing programs: 5.12; bpf_sock_from_file() and sk_storage came just
 * before, in 5.11. Raw tracepoints, where the kernel carries no BTF, have none of them ever. */
const volatile bool has_cookie_helper SEC(".rodata") __weak = false;
/* Set around attaching: sockops reports these calls, so the exits of the system calls need not. */
bool sockops_connect SEC(".bss") __weak;
bool sockops_listen SEC(".bss") __weak;
/* The system-call tracepoints keep `calls`. */
bool has_calls SEC(".bss") __weak;

/*
 * Reads a field of a kernel structure.  `trusted` is a compile-time constant: true where the
 * verifier knows the pointer's type (tp_btf, fentry, iterators), a plain load then; false where the
 * pointer was read from memory.
 */
#define READ(trusted, ptr, field)                                                                  \
	({                                                                                         \
		typeof((ptr)->field) value_;                                                       \
		if (trusted)                                                                       \
			value_ = (ptr)->field;                                                     \
		else                                                                               \
			bpf_core_read((void *)&value_, sizeof(value_), &(ptr)->field);             \
		value_;                                                                            \
	})

/* inet_sock is embedded at the start of sock; the verifier refuses the cast on a trusted pointer.
 */
static __always_inline __be16 inet_source_port(const struct sock *sk)
{
	return BPF_CORE_READ((const struct inet_sock *)sk, inet_sport);
}

/*
 * How long a minisock has waited, so that it may be reused once this reaches net.ipv4.tcp_tw_reuse_delay.  From 6.14 on
 * the kernel compares milliseconds since tw_entry_stamp and wants more than the delay; before, whole seconds
 * since the last timestamp of the peer and at least one.  Delete the second with 6.12.
 */
struct inet_timewait_sock___stamped {
	__u32 tw_entry_stamp;
} __attribute__((preserve_access_index));

static __always_inline __u32 time_wait_age_ms(const struct tcp_timewait_sock *tw)
{
	const struct inet_timewait_sock___stamped *stamped = (const void *)tw;
	__u64 now = bpf_ktime_get_ns();
	__u32 age;

	if (bpf_core_field_exists(stamped->tw_entry_stamp)) {
		age = (__u32)(now / 1000000) - BPF_CORE_READ(stamped, tw_entry_stamp);
		return age ? age - 1 : 0;
	}
	return ((__u32)(now / 1000000000) - (__u32)BPF_CORE_READ(tw, tw_ts_recent_stamp)) * 1000;
}

/* The same since it began, plus one; 0 before 6.14, where nothing tells. */
static __always_inline __u32 time_wait_known_ms(const struct sock_common *tw)
{
	const struct inet_timewait_sock___stamped *stamped = (const void *)tw;

	if (!bpf_core_field_exists(stamped->tw_entry_stamp))
		return 0;
	return (__u32)(bpf_ktime_get_ns() / 1000000) - BPF_CORE_READ(stamped, tw_entry_stamp) + 1;
}

/* task_struct.flags: PF_KTHREAD, PF_IO_WORKER. */
#define TASK_IS_KTHREAD	  0x00200000
#define TASK_IS_IO_WORKER 0x00000010

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

/* sock flags: enum sock_flags, the first two since forever. */
#define SOCK_FLAG_DEAD 0
#define SOCK_FLAG_DONE 1

/* sock.sk_userlocks, SOCK_BINDPORT_LOCK: bind() was given a port. */
#define SOCK_BINDPORT_LOCKED 8

#endif
