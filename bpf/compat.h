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

/* Set around attaching: sockops reports these calls, so the exits of the system calls need not. */
bool sockops_connect SEC(".bss") __weak;
bool sockops_listen SEC(".bss") __weak;
/* The system-call tracepoints keep `calls`. */
bool has_calls SEC(".bss") __weak;

/* How many arguments __cgroup_bpf_run_filter_sock_addr() has: 6 from 6.7 on. */
const volatile __u32 sock_addr_params SEC(".rodata") __weak = 0;

/* inet_sock is embedded at the start of sock; the verifier refuses the cast on a trusted pointer.
 */
static __always_inline __be16 inet_source_port(const struct sock *sk)
{
	return BPF_CORE_READ((const struct inet_sock *)sk, inet_sport);
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
