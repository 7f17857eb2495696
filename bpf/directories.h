/* SPDX-License-Identifier: GPL-2.0-only */
/* directories.h - from a directory of /proc that the loader has open to its task: for programs that the loader runs. */
#ifndef SOCKWATCH_BPF_DIRECTORIES_H
#define SOCKWATCH_BPF_DIRECTORIES_H

#include "read.h"

/* The task behind an open /proc/PID or /proc/PID/task/TID. */
static __always_inline struct task_struct *task_of(struct file *directory)
{
	const int index = PIDTYPE_PID;
	struct proc_inode *inode;
	struct hlist_node *first;
	struct pid *pid;

	inode = (void *)BPF_CORE_READ(directory, f_inode) -
		bpf_core_field_offset(struct proc_inode, vfs_inode);
	pid = BPF_CORE_READ(inode, pid);
	first = BPF_CORE_READ(pid, tasks[index].first);
	if (!first)
		return NULL; /* it has ended */
	return (void *)first - bpf_core_field_offset(struct task_struct, pid_links[0]);
}

#endif
