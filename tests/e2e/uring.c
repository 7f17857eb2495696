// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uring.h"

struct ring {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqe;
	size_t sq_size, cq_size;
};

static void *map(const struct ring *r, size_t size, off_t what)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, what);

	return at == MAP_FAILED ? NULL : at;
}

static int ring_open(struct ring *r)
{
	*r = (struct ring){.fd = -1};
	r->fd = (int)syscall(SYS_io_uring_setup, 1, &r->params);
	if (r->fd < 0)
		return -errno;
	r->sq_size = r->params.sq_off.array + r->params.sq_entries * sizeof(uint32_t);
	r->cq_size = r->params.cq_off.cqes + r->params.cq_entries * sizeof(struct io_uring_cqe);
	r->sq = map(r, r->sq_size, IORING_OFF_SQ_RING);
	r->cq = map(r, r->cq_size, IORING_OFF_CQ_RING);
	r->sqe = map(r, r->params.sq_entries * sizeof(*r->sqe), IORING_OFF_SQES);
	return r->sq && r->cq && r->sqe ? 0 : -ENOMEM;
}

static void ring_close(struct ring *r)
{
	if (r->sqe)
		munmap(r->sqe, r->params.sq_entries * sizeof(*r->sqe));
	if (r->cq)
		munmap(r->cq, r->cq_size);
	if (r->sq)
		munmap(r->sq, r->sq_size);
	if (r->fd >= 0)
		close(r->fd);
}

static long ring_run(struct ring *r, const struct io_uring_sqe *sqe)
{
	atomic_uint *sq_tail = (atomic_uint *)(void *)(r->sq + r->params.sq_off.tail);
	atomic_uint *cq_head = (atomic_uint *)(void *)(r->cq + r->params.cq_off.head);
	atomic_uint *cq_tail = (atomic_uint *)(void *)(r->cq + r->params.cq_off.tail);
	uint32_t *array = (uint32_t *)(void *)(r->sq + r->params.sq_off.array);
	const struct io_uring_cqe *cqe = (void *)(r->cq + r->params.cq_off.cqes);

	r->sqe[0] = *sqe;
	array[0] = 0;
	atomic_store_explicit(sq_tail, 1, memory_order_release);
	while (atomic_load_explicit(cq_tail, memory_order_acquire) == atomic_load(cq_head)) {
		unsigned int submit =
			atomic_load((atomic_uint *)(void *)(r->sq + r->params.sq_off.head)) == 0;

		if (syscall(SYS_io_uring_enter, r->fd, submit, 1, IORING_ENTER_GETEVENTS, NULL, 0) <
			    0 &&
		    errno != EINTR)
			return -errno;
	}
	return cqe[0].res;
}

long uring_run(const struct io_uring_sqe *sqe)
{
	struct ring r;
	long result = ring_open(&r);

	if (result == 0)
		result = ring_run(&r, sqe);
	ring_close(&r);
	return result;
}
