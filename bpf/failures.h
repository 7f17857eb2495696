/* SPDX-License-Identifier: GPL-2.0-only */
/* failures.h - calls that fail where no hook of the socket's own functions is reached. */
#ifndef SOCKWATCH_BPF_FAILURES_H
#define SOCKWATCH_BPF_FAILURES_H

#include "asked.h"
#include "files.h"

/* The socket behind a descriptor of the current task; NULL when it is no socket whose facts are
 * wanted. */
static __always_inline struct sock *socket_of_fd(__u32 fd, const bool udp_too)
{
	struct file *file = file_of((struct task_struct *)bpf_get_current_task(), fd);
	struct sock *sk = file ? socket_of_file(file) : NULL;

	if (!sk || !(is_traced_socket(sk, false) || (udp_too && is_udp_socket(sk, false))))
		return NULL;
	return sk;
}

/* EINTR, EAGAIN, and ERESTARTSYS and its kin, which user space never sees: nothing came, nothing is wrong. */
static __always_inline bool accept_went_wrong(long result)
{
	return result < 0 && result > -512 && result != -4 && result != -11;
}

static __always_inline void on_accept_failed(__u32 fd, long result)
{
	struct sock *sk = socket_of_fd(fd, false);

	if (sk)
		on_failure(WIRE_ACCEPT, sk, false, NULL, result, 0, 0);
}

#endif
