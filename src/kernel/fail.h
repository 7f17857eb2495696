/* SPDX-License-Identifier: GPL-2.0-only */
/* fail.h - why something failed, as one line for the user. */
#ifndef SOCKWATCH_KERNEL_FAIL_H
#define SOCKWATCH_KERNEL_FAIL_H

#include "kernel.h"

/* Fills `error` like printf and returns `err`, so that a caller can write `return
 * kernel_fail(...)`. */
__attribute__((format(printf, 3, 4))) int kernel_fail(struct kernel_error *error, int err,
						      const char *format, ...);

#endif
