/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uring.h - one operation through io_uring, without its library.
 *
 * Owns: a ring for one submission.  Refuses to know: what the operation is for.
 *
 *     struct io_uring_sqe sqe = {.opcode = IORING_OP_ACCEPT, .fd = listener};
 *     long result = uring_run(URING_PLAIN, &sqe, &worker);	// waits for its completion
 */
#ifndef E2E_URING_H
#define E2E_URING_H

#include <linux/io_uring.h>
#include <sys/types.h>

enum uring_way {
	URING_PLAIN,  /* by the caller, where it can be done at once or when it is ready */
	URING_ASYNC,  /* IOSQE_ASYNC: by one of its workers, "iou-wrk-PID" */
	URING_SQPOLL, /* by the thread that polls the ring, "iou-sq-PID" or "iou-sqp-PID" */
};

/*
 * The completion's result (a negative errno on failure); -ENOSYS or -EPERM where there is no
 * io_uring, -EBADF where URING_SQPOLL takes registered files only (before Linux 5.11).  *ret_worker
 * is the thread of this process that io_uring made for this way, 0 when there is none: before
 * Linux 5.12 these are kernel threads.
 */
long uring_run(enum uring_way way, const struct io_uring_sqe *sqe, pid_t *ret_worker);

#endif
