/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uring.h - one operation through io_uring, without its library.
 *
 * Owns: a ring for one submission.  Refuses to know: what the operation is for.
 *
 *     struct io_uring_sqe sqe = {.opcode = IORING_OP_ACCEPT, .fd = listener};
 *     long result = uring_run(&sqe);	// waits for its completion
 */
#ifndef E2E_URING_H
#define E2E_URING_H

#include <linux/io_uring.h>

/* The completion's result (a negative errno on failure); -ENOSYS or -EPERM where there is no
 * io_uring. */
long uring_run(const struct io_uring_sqe *sqe);

#endif
