// SPDX-License-Identifier: GPL-2.0-only
/* core.bpf.c - core.h by raw BTF tracepoints, which work wherever the kernel carries BTF and need no tracefs. */
#include "core.h"
#include "exec.h"
#include "listeners.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__inet_sock_set_state, struct sock *sk, int from, int to)
{
	return tell_state(sk, true, from, to, false);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(again__inet_sock_set_state, struct sock *sk, int from, int to)
{
	return tell_state(sk, true, from, to, true);
}

/* Once per TCP socket, also those that never connected. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tp_btf__tcp_destroy_sock, struct sock *sk)
{
	return tell_destroy(sk, true, false);
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(again__tcp_destroy_sock, struct sock *sk)
{
	return tell_destroy(sk, true, true);
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tp_btf__tcp_receive_reset, struct sock *sk)
{
	return tell_reset_received(sk, true, false);
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(again__tcp_receive_reset, struct sock *sk)
{
	return tell_reset_received(sk, true, true);
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tp_btf__tcp_send_reset, struct sock *sk)
{
	return tell_reset_sent(sk, true, false);
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(again__tcp_send_reset, struct sock *sk)
{
	return tell_reset_sent(sk, true, true);
}

SEC("raw_tp")
int BPF_PROG(run__listeners)
{
	look_at_listeners();
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(tp_btf__sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	return tell_fork(child, false);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(again__sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	return tell_fork(child, true);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(tp_btf__sched_process_exec, struct task_struct *task)
{
	return tell_exec(task, false);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(again__sched_process_exec, struct task_struct *task)
{
	return tell_exec(task, true);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(tp_btf__sched_process_exit, struct task_struct *task)
{
	return tell_exit(task, false);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(again__sched_process_exit, struct task_struct *task)
{
	return tell_exit(task, true);
}

SEC("tp_btf/task_rename")
int BPF_PROG(tp_btf__task_rename, struct task_struct *task, const char *name)
{
	return tell_rename(task, name, false);
}

SEC("tp_btf/task_rename")
int BPF_PROG(again__task_rename, struct task_struct *task, const char *name)
{
	return tell_rename(task, name, true);
}
