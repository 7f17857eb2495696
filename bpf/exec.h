/* SPDX-License-Identifier: GPL-2.0-only */
/* exec.h - which program a process runs: its arguments, and the paths of its executable and its cgroup. */
#ifndef SOCKWATCH_BPF_EXEC_H
#define SOCKWATCH_BPF_EXEC_H

#include "process.h"

#define PATH_NAMES 32

/* The verifier follows a value by its register only: the compiler must not keep a second one. */
#define KEEP_BOUNDS(value) asm volatile("" : "+r"(value))

/* Appends a name, moves *at behind it; false where it cannot. */
static __always_inline bool put_name(struct process_record *r, __u32 *at, __u32 end,
				     const unsigned char *name)
{
	__u32 to = *at;
	long n;

	KEEP_BOUNDS(to);
	if (to >= end || to > sizeof(r->text) - NAME_ROOM)
		return false;
	n = bpf_probe_read_kernel_str(r->text + to, NAME_ROOM, name);
	if (n <= 0)
		return false;
	*at = to + ((__u32)n & (2 * NAME_ROOM - 1));
	return *at <= end;
}

/* d_path() may not be called here.  Mounts are crossed upwards to the root of their namespace. */
static __always_inline bool put_path(struct process_record *r, __u32 *at, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	__u32 end = *at + WIRE_PATH_MAX;

	for (int i = 0; i < PATH_NAMES && dentry && mnt; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

		if (dentry == BPF_CORE_READ(mnt, mnt_root) || dentry == parent) {
			struct mount *mount =
				(void *)mnt - bpf_core_field_offset(struct mount, mnt);
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);

			if (!above || above == mount)
				return true;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mnt = (void *)above + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		if (!put_name(r, at, end, BPF_CORE_READ(dentry, d_name.name)))
			return false;
		dentry = parent;
	}
	return false;
}

/* `parent` became `__parent` in 6.15. */
struct kernfs_node___old {
	struct kernfs_node___old *parent;
	const char *name;
} __attribute__((preserve_access_index));

static __always_inline bool put_cgroup(struct process_record *r, __u32 *at,
				       struct task_struct *task)
{
	struct kernfs_node *node = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	__u32 end = *at + WIRE_PATH_MAX;

	for (int i = 0; i < PATH_NAMES && node; i++) {
		struct kernfs_node___old *old = (void *)node;
		struct kernfs_node *above;

		if (bpf_core_field_exists(node->__parent))
			above = BPF_CORE_READ(node, __parent);
		else
			above = (void *)BPF_CORE_READ(old, parent);
		if (!above)
			return true; /* the root has no name */
		if (!put_name(r, at, end, (const unsigned char *)BPF_CORE_READ(node, name)))
			return false;
		node = above;
	}
	return false;
}

static __always_inline __u32 put_args(struct process_record *r, struct mm_struct *mm)
{
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	unsigned long whole = BPF_CORE_READ(mm, arg_end) - start;
	__u32 len = whole > WIRE_ARGS_MAX ? WIRE_ARGS_MAX : whole;

	KEEP_BOUNDS(len);
	if (len > WIRE_ARGS_MAX || bpf_probe_read_user(r->text, len, (void *)start))
		return 0;
	r->head.flags |= WIRE_PROCESS_ARGS;
	if (whole > WIRE_ARGS_MAX)
		r->head.flags |= WIRE_PROCESS_ARGS_CUT;
	r->head.args_len = len;
	return len;
}

/* Runs in the process itself, once it has its new memory. */
static __always_inline int tell_exec(struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u32 zero = 0, begin, at;
	struct process_record *r = bpf_map_lookup_elem(&process_room, &zero);
	__u64 size;

	if (!r || !mm)
		return 0;
	fill_process(&r->head, WIRE_PROCESS_EXEC, task, BPF_CORE_READ(task, real_parent));
	begin = at = put_args(r, mm);
	if (put_path(r, &at, BPF_CORE_READ(mm, exe_file)))
		r->head.flags |= WIRE_PROCESS_EXE;
	else
		at = begin;
	r->head.exe_len = at - begin;
	begin = at;
	if (put_cgroup(r, &at, task))
		r->head.flags |= WIRE_PROCESS_CGROUP;
	else
		at = begin;
	r->head.cgroup_len = at - begin;
	size = sizeof(r->head) + at;
	r->head.size = size;
	KEEP_BOUNDS(size);
	if (size > WIRE_PROCESS_MAX || bpf_ringbuf_output(&processes, r, size, process_wakeup()))
		__sync_fetch_and_add(&processes_lost, 1);
	return 0;
}

#endif
