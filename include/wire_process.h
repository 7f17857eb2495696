/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_process.h - what bpf/process.h tells of processes, in a ring of its own.
 *
 * Owns: the byte layout.  Refuses to know: sockets.  Only leaders of thread groups are told: what users call a process.
 *
 *     struct wire_process, then of EXEC: arguments | names of the executable's path | names of the cgroup's path
 *
 * Arguments are as the process has them, each ended by NUL.  A path is told as names, each ended by NUL, the last part
 * first: "curl\0bin\0usr\0" is /usr/bin/curl.
 */
#ifndef SOCKWATCH_WIRE_PROCESS_H
#define SOCKWATCH_WIRE_PROCESS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define WIRE_ARGS_MAX 4096
#define WIRE_PATH_MAX 1024 /* of each path */

enum wire_process_kind {
	WIRE_PROCESS_NONE,
	WIRE_PROCESS_FORK,   /* `pid` is new, `name` its parent's too */
	WIRE_PROCESS_EXEC,   /* it runs another program now */
	WIRE_PROCESS_EXIT,   /* its last thread ends */
	WIRE_PROCESS_RENAME, /* prctl(PR_SET_NAME) and its like; exec() does it too */
	WIRE_PROCESS_KINDS,
};

enum wire_process_flag {
	WIRE_PROCESS_ARGS = 1 << 0,	 /* the arguments were read, maybe none */
	WIRE_PROCESS_ARGS_CUT = 1 << 1,	 /* there are more than WIRE_ARGS_MAX bytes */
	WIRE_PROCESS_EXE = 1 << 2,	 /* the whole path follows, not a part */
	WIRE_PROCESS_CGROUP = 1 << 3,	 /* likewise */
	WIRE_PROCESS_FLAGS = (1 << 4) - 1,
};

struct wire_process {
	__u8 kind;  /* enum wire_process_kind */
	__u8 flags; /* enum wire_process_flag */
	__u16 size; /* of the whole record in bytes */
	__u32 pid;  /* tgid in the initial pid namespace */
	__u64 time_ns;	       /* CLOCK_BOOTTIME */
	__u64 start_ns;	       /* likewise: when it began; with the pid its identity */
	__u64 parent_start_ns;
	__u32 parent;
	__u16 args_len, exe_len;
	__u64 cgroup_id;
	__u16 cgroup_len;
	__u16 pad[3]; /* 0 */
	char name[16]; /* NUL-terminated, any bytes */
};

#define WIRE_PROCESS_MAX (sizeof(struct wire_process) + WIRE_ARGS_MAX + 2 * WIRE_PATH_MAX)

_Static_assert(sizeof(struct wire_process) == 72, "wire_process has no hidden padding");

#endif
