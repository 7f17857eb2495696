// SPDX-License-Identifier: GPL-2.0-only
/*
 * untyped.bpf.c - core.h by raw tracepoints, for kernels that carry no BTF: the verifier knows no types, and everything is read
 * as bytes at the offsets that a file told the loader (--btf).
 */
#include "core.h"
#include "exec.h"

SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(raw_tp__inet_sock_set_state, struct sock *sk, int from, int to)
{
	return tell_state(sk, false, from, to, false);
}

SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(raw_again__inet_sock_set_state, struct sock *sk, int from, int to)
{
	return tell_state(sk, false, from, to, true);
}

/* Once per TCP socket, also those that never connected. */
SEC("raw_tp/tcp_destroy_sock")
int BPF_PROG(raw_tp__tcp_destroy_sock, struct sock *sk)
{
	return tell_destroy(sk, false, false);
}

SEC("raw_tp/tcp_destroy_sock")
int BPF_PROG(raw_again__tcp_destroy_sock, struct sock *sk)
{
	return tell_destroy(sk, false, true);
}

SEC("raw_tp/tcp_receive_reset")
int BPF_PROG(raw_tp__tcp_receive_reset, struct sock *sk)
{
	return tell_reset_received(sk, false, false);
}

SEC("raw_tp/tcp_receive_reset")
int BPF_PROG(raw_again__tcp_receive_reset, struct sock *sk)
{
	return tell_reset_received(sk, false, true);
}

SEC("raw_tp/tcp_send_reset")
int BPF_PROG(raw_tp__tcp_send_reset, struct sock *sk)
{
	return tell_reset_sent(sk, false, false);
}

SEC("raw_tp/tcp_send_reset")
int BPF_PROG(raw_again__tcp_send_reset, struct sock *sk)
{
	return tell_reset_sent(sk, false, true);
}

SEC("raw_tp/sched_process_fork")
int BPF_PROG(raw_tp__sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	return tell_fork(child, false);
}

SEC("raw_tp/sched_process_fork")
int BPF_PROG(raw_again__sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	return tell_fork(child, true);
}

SEC("raw_tp/sched_process_exec")
int BPF_PROG(raw_tp__sched_process_exec, struct task_struct *task)
{
	return tell_exec(task, false);
}

SEC("raw_tp/sched_process_exec")
int BPF_PROG(raw_again__sched_process_exec, struct task_struct *task)
{
	return tell_exec(task, true);
}

SEC("raw_tp/sched_process_exit")
int BPF_PROG(raw_tp__sched_process_exit, struct task_struct *task)
{
	return tell_exit(task, false);
}

SEC("raw_tp/sched_process_exit")
int BPF_PROG(raw_again__sched_process_exit, struct task_struct *task)
{
	return tell_exit(task, true);
}

SEC("raw_tp/task_rename")
int BPF_PROG(raw_tp__task_rename, struct task_struct *task, const char *name)
{
	return tell_rename(task, name, false);
}

SEC("raw_tp/task_rename")
int BPF_PROG(raw_again__task_rename, struct task_struct *task, const char *name)
{
	return tell_rename(task, name, true);
}
