/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.h - what processes do: fork, exec, exit, rename.  tp_btf stubs are in core.bpf.c, raw_tp stubs in untyped.bpf.c.
 *
 * They go into a ring of their own, so that a flood of processes costs no fact of a socket.  Arguments and paths are read
 * here because a process may be gone before anybody looks at /proc.  Each program comes twice (core.h): from Linux 7.0 on a
 * task may be preempted in a tracepoint, and what others of its CPU do meanwhile would be left out.  Told twice does no harm.
 */
#ifndef SOCKWATCH_BPF_PROCESS_H
#define SOCKWATCH_BPF_PROCESS_H

#include "maps.h"
#include "told.h"
#include "wire_process.h"

/* The reader comes by itself; it is woken when so much waits. */
#define PROCESS_RING (512u << 10)

/* What processes did.  Written by this file only.  Full: the record is dropped and counted in `processes_lost`. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PROCESS_RING);
} processes SEC(".maps") __weak;

__u64 processes_lost SEC(".bss") __weak;

/* No name in a path is longer. */
#define NAME_ROOM 256

struct process_record {
	struct wire_process head;
	char text[WIRE_ARGS_MAX + 2 * WIRE_PATH_MAX + NAME_ROOM];
	/* What is left of a path: what is above (dentry or kernfs_node) and its mount; where in `text` it goes, and must end. */
	__u64 above, mount;
	__u32 at, end;
};

/* Key: 0 the first copy, 1 the second.  Value: room to put an exec's record together.  Never full. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct process_record);
} process_room SEC(".maps") __weak;

static __always_inline __u64 process_wakeup(void)
{
	return bpf_ringbuf_query(&processes, BPF_RB_AVAIL_DATA) > PROCESS_RING / 4
		       ? BPF_RB_FORCE_WAKEUP
		       : BPF_RB_NO_WAKEUP;
}

static __always_inline bool is_process(struct task_struct *task)
{
	return BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid) &&
	       !(BPF_CORE_READ(task, flags) & TASK_IS_KTHREAD);
}

static __always_inline void fill_process(struct wire_process *p, enum wire_process_kind kind,
					 struct task_struct *task, struct task_struct *parent)
{
	p->kind = kind;
	p->flags = 0;
	p->size = sizeof(*p);
	p->pid = BPF_CORE_READ(task, tgid);
	p->time_ns = bpf_ktime_get_boot_ns();
	p->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	p->parent_start_ns = BPF_CORE_READ(parent, group_leader, start_boottime);
	p->parent = BPF_CORE_READ(parent, tgid);
	p->args_len = p->exe_len = p->cgroup_len = 0;
	p->pad[0] = p->pad[1] = p->pad[2] = 0;
	p->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	BPF_CORE_READ_INTO(&p->name, task, group_leader, comm);
}

static __always_inline void tell_process(enum wire_process_kind kind, struct task_struct *task,
					 struct task_struct *parent, const char *name)
{
	struct wire_process *p = bpf_ringbuf_reserve(&processes, sizeof(*p), 0);

	if (!p) {
		__sync_fetch_and_add(&processes_lost, 1);
		return;
	}
	fill_process(p, kind, task, parent);
	if (name)
		bpf_probe_read_kernel_str(p->name, sizeof(p->name), name);
	bpf_ringbuf_submit(p, process_wakeup());
}

static __always_inline int tell_fork(struct task_struct *child, const bool again)
{
	if (!is_call_told(NESTED_FORK, child, again) && is_process(child))
		tell_process(WIRE_PROCESS_FORK, child, BPF_CORE_READ(child, real_parent), NULL);
	return 0;
}

/* Other threads may live on behind the leader; several may see none left, which is told twice then. */
static __always_inline int tell_exit(struct task_struct *task, const bool again)
{
	if (!is_call_told(NESTED_EXIT, task, again) &&
	    BPF_CORE_READ(task, signal, live.counter) == 0 &&
	    !(BPF_CORE_READ(task, flags) & TASK_IS_KTHREAD))
		tell_process(WIRE_PROCESS_EXIT, task, BPF_CORE_READ(task, real_parent), NULL);
	return 0;
}

static __always_inline int tell_rename(struct task_struct *task, const char *name, const bool again)
{
	if (!is_call_told(NESTED_RENAME, task, again) && is_process(task))
		tell_process(WIRE_PROCESS_RENAME, task, BPF_CORE_READ(task, real_parent), name);
	return 0;
}

#endif
