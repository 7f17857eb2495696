/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * read.h - how a program reads the kernel's structs, and the numbers that every program needs.
 *
 * Stands below compat.h because the programs of a look do without vmlinux.h: they include look_types.h first.
 */
#ifndef SOCKWATCH_BPF_READ_H
#define SOCKWATCH_BPF_READ_H

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

/*
 * BPF_CORE_READ_BITFIELD_PROBED() for unsigned fields, on little endian: what is read beyond the field is shifted out.  Half as
 * many relocations, which libbpf looks up one by one at each start.
 */
#define READ_BITS(s, field)                                                                        \
	({                                                                                         \
		__u64 bits_ = 0;                                                                   \
		bpf_probe_read_kernel(&bits_, sizeof(bits_),                                       \
				      (const void *)(s) + __CORE_RELO(s, field, BYTE_OFFSET));     \
		CUT_BITS(bits_, s, field);                                                         \
	})
/* Of the bytes from where the field begins. */
#define CUT_BITS(bits, s, field)                                                                   \
	((bits) << __CORE_RELO(s, field, LSHIFT_U64) >> __CORE_RELO(s, field, RSHIFT_U64))
/* Where a field begins, as a number of its own: folded into a load it would have to be of the same kind and size everywhere. */
#define OFFSET_OF(s, field)                                                                        \
	({                                                                                         \
		__u64 offset_ = __CORE_RELO(s, field, BYTE_OFFSET);                                \
		asm volatile("" : "+r"(offset_));                                                  \
		offset_;                                                                           \
	})
/* As READ(), of bits that are all in one byte; else through memory. */
#define READ_BITS_OF(trusted, s, field)                                                            \
	((trusted) && __CORE_RELO(s, field, BYTE_SIZE) == 1                                        \
		 ? CUT_BITS((__u64)((const __u8 *)(s))[OFFSET_OF(s, field)], s, field)             \
		 : READ_BITS(s, field))

/* task_struct.flags: PF_KTHREAD, PF_IO_WORKER. */
#define TASK_IS_KTHREAD	  0x00200000
#define TASK_IS_IO_WORKER 0x00000010

/* sock flags: enum sock_flags, these since forever. */
#define SOCK_FLAG_DEAD 0
#define SOCK_FLAG_DONE 1
#define SOCK_FLAG_LINGER 4

/* sock.sk_userlocks, SOCK_BINDADDR_LOCK and SOCK_BINDPORT_LOCK: bind() was given an address, a port. */
#define SOCK_BINDADDR_LOCKED 4
#define SOCK_BINDPORT_LOCKED 8

#endif
