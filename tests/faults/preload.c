// SPDX-License-Identifier: GPL-2.0-only
/*
 * preload.c - a library that lets one allocation of a program fail, or hands its system calls to inject.c.  It begins when
 * the loader is done: what fails before is not the program's.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <link.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct faults *shared;

/* ---- memory ---- */

#define fails() fails_to(__builtin_return_address(0))

/* libseccomp (2.5.4) makes another filter than was asked for where it lacks memory, and says nothing: not the program's to mend. */
static struct {
	uintptr_t low, high;
} spared;

static int find_spared(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size, (void)ctx;
	if (!info->dlpi_name || !strstr(info->dlpi_name, "/libseccomp.so"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		spared.low = info->dlpi_addr + part->p_vaddr;
		spared.high = spared.low + part->p_memsz;
	}
	return 1;
}

static int fails_to(const void *caller)
{
	struct faults *f = shared;
	uint64_t n;

	if (!f || f->kind != FAULT_ALLOC ||
	    ((uintptr_t)caller >= spared.low && (uintptr_t)caller < spared.high))
		return 0;
	n = __atomic_add_fetch(&f->count, 1, __ATOMIC_RELAXED);
	if (n < f->first || n > f->last)
		return 0;
	__atomic_add_fetch(&f->hits, 1, __ATOMIC_RELAXED);
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *p = fails() ? NULL : __libc_memalign(alignment, size);

	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

/* ---- the wall's clock ---- */

/* From the first call of these on somebody has set it forward, or back, by so many days. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int result = (int)syscall(SYS_clock_gettime, clock, ret);
	struct faults *f = shared;

	if (result == 0 && clock == CLOCK_REALTIME && f && f->kind == FAULT_CLOCK &&
	    __atomic_add_fetch(&f->count, 1, __ATOMIC_RELAXED) >= f->first) {
		f->hits++;
		ret->tv_sec += f->days * 86400;
	}
	return result;
}

/* ---- system calls ---- */

static const int fd_calls[] = {
#ifdef SYS_open
	SYS_open,      SYS_dup2,
#endif
	SYS_openat,    SYS_socket,	 SYS_socketpair, SYS_accept4,	    SYS_dup,
	SYS_dup3,      SYS_fcntl,	 SYS_eventfd2,	 SYS_epoll_create1, SYS_timerfd_create,
	SYS_signalfd4, SYS_memfd_create, SYS_pipe2,	 SYS_inotify_init1, SYS_perf_event_open,
	SYS_bpf,       SYS_pidfd_open,	 SYS_fsopen,	 SYS_fsmount,	    SYS_openat2,
};
static const int map_calls[] = {SYS_mmap, SYS_mremap};
static const int bpf_calls[] = {SYS_bpf, SYS_perf_event_open};
static const int file_calls[] = {SYS_write,	SYS_writev, SYS_pwrite64,  SYS_pwritev,
				 SYS_ftruncate, SYS_fsync,  SYS_fdatasync, SYS_fallocate};
static const int open_calls[] = {SYS_openat, SYS_fsopen, SYS_openat2};
static const int rights_calls[] = {SYS_setgroups,   SYS_setresgid,    SYS_setresuid,  SYS_capset,
				   SYS_prctl,	    SYS_seccomp,      SYS_socketpair, SYS_clone,
				   LANDLOCK_CREATE, LANDLOCK_RESTRICT};

#define CALLS(list)                                                                                \
	{                                                                                          \
		list, sizeof(list) / sizeof((list)[0])                                             \
	}
static const struct {
	const int *calls;
	size_t count;
} of_kind[FAULT_KINDS] = {
	[FAULT_FD] = CALLS(fd_calls),	      [FAULT_MAP] = CALLS(map_calls),
	[FAULT_LOAD] = CALLS(bpf_calls),      [FAULT_LINK] = CALLS(bpf_calls),
	[FAULT_FILE] = CALLS(file_calls),     [FAULT_OPEN] = CALLS(open_calls),
	[FAULT_RIGHTS] = CALLS(rights_calls),
};

/* The descriptor by which inject.c is asked about each of these calls; negative without it. */
static int ask_about(const int *calls, size_t count)
{
	struct sock_filter code[2 * 32 + 2];
	struct sock_fprog program = {.filter = code};
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < count; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (uint32_t)calls[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = n;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

static void hand_over(int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = fd < 0 ? (char)errno : 0;
	struct iovec part = {&byte, 1};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (fd >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	if (sendmsg(FAULTS_SOCKET, &m, MSG_NOSIGNAL) < 0)
		_exit(99);
	if (fd >= 0)
		close(fd);
}

__attribute__((constructor)) static void begin(void)
{
	void *p = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, FAULTS_SHARED, 0);
	struct faults *f = p;

	if (p == MAP_FAILED)
		return; /* a program that this one has started */
	close(FAULTS_SHARED);
	unsetenv("LD_PRELOAD");
	if (of_kind[f->kind].count)
		hand_over(ask_about(of_kind[f->kind].calls, of_kind[f->kind].count));
	close(FAULTS_SOCKET);
	dl_iterate_phdr(find_spared, NULL);
	shared = f;
}
