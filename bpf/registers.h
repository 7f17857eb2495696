/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * registers.h - the arguments of a system call at its exit, for calls whose entry left nothing.
 *
 * The exits hand over the result only.  The caller's registers lie at the top of the task's kernel stack; the helper that finds
 * them came with 5.15 and needs the kernel's BTF.  How large that stack is depends on how the kernel was built (KASAN, 64 KiB
 * pages), and FRED (6.9 on x86) keeps 16 bytes above them: the one place whose system call is the one that exits is right.
 */
#ifndef SOCKWATCH_BPF_REGISTERS_H
#define SOCKWATCH_BPF_REGISTERS_H

#include "read.h"

struct pt_regs___x86 {
	unsigned long di, si, dx, orig_ax;
} __attribute__((preserve_access_index));

struct pt_regs___arm64 {
	__u64 regs[31];
	__u64 orig_x0;
	__s32 syscallno;
} __attribute__((preserve_access_index));

struct call_args {
	__u64 arg[3];
};

static __always_inline bool read_args(struct call_args *ret, unsigned long at, __s32 number)
{
	struct pt_regs___x86 *x86 = (struct pt_regs___x86 *)at;
	struct pt_regs___arm64 *arm64 = (struct pt_regs___arm64 *)at;

	if (bpf_core_field_exists(x86->orig_ax)) {
		if (BPF_CORE_READ(x86, orig_ax) != (unsigned long)number)
			return false;
		ret->arg[0] = BPF_CORE_READ(x86, di);
		ret->arg[1] = BPF_CORE_READ(x86, si);
		ret->arg[2] = BPF_CORE_READ(x86, dx);
		return true;
	}
	if (!bpf_core_field_exists(arm64->syscallno) || BPF_CORE_READ(arm64, syscallno) != number)
		return false;
	/* The result has taken the place of the first. */
	ret->arg[0] = BPF_CORE_READ(arm64, orig_x0);
	ret->arg[1] = BPF_CORE_READ(arm64, regs[1]);
	ret->arg[2] = BPF_CORE_READ(arm64, regs[2]);
	return true;
}

/* Of the system call `number`, which the current task is leaving; the upper half of what the tracepoint hands over is not
 * initialised.  False: unknown. */
static __always_inline bool leaving_call_args(struct call_args *ret, __s32 number)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	unsigned long stack = (unsigned long)BPF_CORE_READ(task, stack);

#pragma unroll
	for (int i = 0; i < 6; i++) {
		unsigned long size = 16384ul << (i >> 1), pad = i & 1 ? 16 : 0;

		if (read_args(ret, stack + size - pad - bpf_core_type_size(struct pt_regs), number))
			return true;
	}
	return false;
}

#endif
