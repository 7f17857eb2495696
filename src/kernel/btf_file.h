/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * btf_file.h - a file with the kernel's types, for kernels that carry none.
 *
 * Owns: where such files lie, and which cannot be one.  Refuses to know: who reads them.
 */
#ifndef SOCKWATCH_BTF_FILE_H
#define SOCKWATCH_BTF_FILE_H

#include "kernel.h"

#define BTF_OF_KERNEL "/sys/kernel/btf/vmlinux"

/* The build id of the running kernel; 0 bytes where it tells none. */
#define BTF_ID_BYTES 64
size_t btf_running_id(unsigned char ret[BTF_ID_BYTES]);

/* This kernel shows its own. */
bool btf_is_in_kernel(void);
/* Where distributions put a vmlinux of this release: `ret` gets the first that kernel_check_btf() accepts.  False: none. */
bool btf_find(char *ret, size_t size);

#endif
