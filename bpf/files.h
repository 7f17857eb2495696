/* SPDX-License-Identifier: GPL-2.0-only */
/* files.h - from a descriptor to its file and its socket, through memory: for programs that are handed neither. */
#ifndef SOCKWATCH_BPF_FILES_H
#define SOCKWATCH_BPF_FILES_H

#include "read.h"

/* S_ISSOCK(): what private_data is, before it is read. */
static __always_inline bool is_socket_file(struct file *file)
{
	return (BPF_CORE_READ(file, f_inode, i_mode) & 0170000) == 0140000;
}

/* NULL where the task has no such descriptor. */
static __always_inline struct file *file_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files, *file;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	files = BPF_CORE_READ(table, fd);
	return bpf_probe_read_kernel(&file, sizeof(file), &files[fd]) ? NULL : file;
}

/* NULL where the file is no socket. */
static __always_inline struct sock *socket_of_file(struct file *file)
{
	struct socket *socket;

	if (!is_socket_file(file))
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

#define RING_NAME "[io_uring]"

/* A ring of io_uring: its file has no place, but a name. */
static __always_inline bool is_ring_file(struct file *file)
{
	const unsigned char *at = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	const char wanted[16] = RING_NAME;
	__u64 name[2] = {0}, ring[2];

	__builtin_memcpy(ring, wanted, sizeof(ring));
	bpf_probe_read_kernel(name, sizeof(RING_NAME), at);
	return name[0] == ring[0] && name[1] == ring[1];
}

/* A namespace of whatever kind, whose inode is the file's: NSFS_MAGIC. */
static __always_inline bool is_namespace_file(struct file *file)
{
	return BPF_CORE_READ(file, f_inode, i_sb, s_magic) == 0x6e736673;
}

/* Each process has credentials of its own: a file keeps those it was made with. */
static __always_inline bool task_made_file(struct task_struct *task, struct file *file)
{
	return BPF_CORE_READ(file, f_cred) == BPF_CORE_READ(task, real_cred);
}

#endif
