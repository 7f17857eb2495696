/* SPDX-License-Identifier: GPL-2.0-only */
/* exec.h - which program a process runs: its arguments, and the paths of its executable and its cgroup. */
#ifndef SOCKWATCH_BPF_EXEC_H
#define SOCKWATCH_BPF_EXEC_H

#include "process.h"

#define PATH_NAMES 32

/* The verifier follows a value by its register only: the compiler must not keep a second one. */
#define KEEP_BOUNDS(value) asm volatile("" : "+r"(value))

/*
 * One name of a path is put by a function that the verifier looks at once, on its own, and that finds everything in the
 * record: inlined, the two loops took it 100 ms, which is most of the time that a trace takes to begin.
 */
enum step { STEP_FAILED, STEP_NEXT, STEP_DONE };

static __always_inline enum step put_name(struct process_record *r, const unsigned char *name)
{
	__u32 to = r->at;
	long n;

	KEEP_BOUNDS(to);
	if (to >= r->end || to > sizeof(r->text) - NAME_ROOM)
		return STEP_FAILED;
	n = bpf_probe_read_kernel_str(r->text + to, NAME_ROOM, name);
	if (n <= 0)
		return STEP_FAILED;
	r->at = to + (__u32)n;
	return r->at <= r->end ? STEP_NEXT : STEP_FAILED;
}

/* d_path() may not be called here.  Mounts are crossed upwards to the root of their namespace. */
__weak __noinline int put_path_name(__u32 room)
{
	struct process_record *r = bpf_map_lookup_elem(&process_room, &room);
	struct dentry *dentry, *parent;
	struct vfsmount *mnt;
	struct mount *mount, *above;

	if (!r)
		return STEP_FAILED;
	dentry = (void *)r->above;
	mnt = (void *)r->mount;
	if (!dentry || !mnt)
		return STEP_FAILED;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (dentry != BPF_CORE_READ(mnt, mnt_root) && dentry != parent) {
		r->above = (__u64)parent;
		return put_name(r, BPF_CORE_READ(dentry, d_name.name));
	}
	mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	above = BPF_CORE_READ(mount, mnt_parent);
	if (!above || above == mount)
		return STEP_DONE;
	r->above = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
	r->mount = (__u64)above + bpf_core_field_offset(struct mount, mnt);
	return STEP_NEXT;
}

/* `parent` became `__parent` in 6.15. */
struct kernfs_node___old {
	struct kernfs_node___old *parent;
	const char *name;
} __attribute__((preserve_access_index));

__weak __noinline int put_cgroup_name(__u32 room)
{
	struct process_record *r = bpf_map_lookup_elem(&process_room, &room);
	struct kernfs_node *node, *above;
	struct kernfs_node___old *old;

	if (!r || !r->above)
		return STEP_FAILED;
	node = (void *)r->above;
	old = (void *)node;
	if (bpf_core_field_exists(node->__parent))
		above = BPF_CORE_READ(node, __parent);
	else
		above = (void *)BPF_CORE_READ(old, parent);
	if (!above)
		return STEP_DONE; /* the root has no name */
	r->above = (__u64)above;
	return put_name(r, (const unsigned char *)BPF_CORE_READ(node, name));
}

/* The length of the path that was put behind the record; 0 where it is not there whole, else `flag` says that it is. */
static __always_inline __u32 put_names(struct process_record *r, enum wire_process_flag flag,
				       const bool again)
{
	__u32 begin = r->at;
	int did = STEP_NEXT;

	r->end = begin + WIRE_PATH_MAX;
	for (int i = 0; i < PATH_NAMES && did == STEP_NEXT; i++)
		did = flag == WIRE_PROCESS_EXE ? put_path_name(again) : put_cgroup_name(again);
	if (did == STEP_DONE)
		r->head.flags |= flag;
	else
		r->at = begin;
	return r->at - begin;
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
static __always_inline int tell_exec(struct task_struct *task, const bool again)
{
	struct process_record *r;
	struct mm_struct *mm;
	__u32 room = again;
	__u64 size;

	if (is_call_told(NESTED_EXEC, task, again))
		return 0;
	r = bpf_map_lookup_elem(&process_room, &room);
	mm = BPF_CORE_READ(task, mm);
	if (!r || !mm)
		return 0;
	fill_process(&r->head, WIRE_PROCESS_EXEC, task, BPF_CORE_READ(task, real_parent));
	r->at = put_args(r, mm);
	r->above = (__u64)BPF_CORE_READ(mm, exe_file, f_path.dentry);
	r->mount = (__u64)BPF_CORE_READ(mm, exe_file, f_path.mnt);
	r->head.exe_len = put_names(r, WIRE_PROCESS_EXE, again);
	r->above = (__u64)BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	r->head.cgroup_len = put_names(r, WIRE_PROCESS_CGROUP, again);
	size = sizeof(r->head) + r->at;
	r->head.size = size;
	KEEP_BOUNDS(size);
	if (size > WIRE_PROCESS_MAX || bpf_ringbuf_output(&processes, r, size, process_wakeup()))
		__sync_fetch_and_add(&processes_lost, 1);
	return 0;
}

#endif
