// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static int ring_open(struct ring *r, enum uring_way way)
{
	*r = (struct ring){.fd = -1};
	if (way == URING_SQPOLL)
		r->params.flags = IORING_SETUP_SQPOLL;
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

/* The thread of this process whose name begins so; the newest of several. */
static pid_t thread_named(const char *begin)
{
	char path[64], name[32];
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	pid_t found = 0;

	while (dir && (entry = readdir(dir))) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && strncmp(name, begin, strlen(begin)) == 0)
			found = atoi(entry->d_name);
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return found;
}

static long ring_run(struct ring *r, const struct io_uring_sqe *sqe)
{
	bool polled = r->params.flags & IORING_SETUP_SQPOLL;
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
		unsigned int flags = IORING_ENTER_GETEVENTS;

		if (polled)
			flags |= IORING_ENTER_SQ_WAKEUP;
		if (syscall(SYS_io_uring_enter, r->fd, submit, 1, flags, NULL, 0) < 0 &&
		    errno != EINTR)
			return -errno;
	}
	return cqe[0].res;
}

long uring_run(enum uring_way way, const struct io_uring_sqe *sqe, pid_t *ret_worker)
{
	static const char *const worker[] = {NULL, "iou-wrk", "iou-sq"};
	struct io_uring_sqe with_way = *sqe;
	struct ring r;
	long result = ring_open(&r, way);

	if (way == URING_ASYNC)
		with_way.flags |= IOSQE_ASYNC;
	if (result == 0)
		result = ring_run(&r, &with_way);
	/* A worker outlives the operation by seconds, the thread that polls ends with the ring. */
	*ret_worker = worker[way] ? thread_named(worker[way]) : 0;
	ring_close(&r);
	return result;
}
