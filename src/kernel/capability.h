/* SPDX-License-Identifier: GPL-2.0-only */
/* capability.h - which capabilities this process has.  What cannot be asked is taken for there. */
#ifndef SOCKWATCH_KERNEL_CAPABILITY_H
#define SOCKWATCH_KERNEL_CAPABILITY_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>

struct capability {
	unsigned int bit;	 /* CAP_BPF ... */
	unsigned int instead;	 /* the kernel takes this one in its place; else the same */
	unsigned int ways;	 /* a bit for each of the caller's ways that needs it */
	const char *name;
};

bool capability_has(unsigned int bit);
/* Those of `way` that are missing, as text ("CAP_BPF, CAP_PERFMON"); false, and "", when none is. */
bool capability_missing(const struct capability *needed, size_t count, unsigned int way, char *ret,
			size_t size);

#endif
