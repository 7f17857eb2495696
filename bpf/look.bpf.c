// SPDX-License-Identifier: GPL-2.0-only
/*
 * look.bpf.c - a look by iterators: who has which socket open (all namespaces in one pass), and what no descriptor leads to
 * (a pass per namespace).  An object of its own, because a listing must start fast and needs none of the tracer.
 */
#include "look_types.h"

#include "look.h"
#include "look_left_out.h"

char LICENSE[] SEC("license") = "GPL";

/* Where look_tcp and look_udp run; set by the loader. */
__u32 this_netns SEC(".bss");
/* CLOCK_BOOTTIME, when a look is to end; 0 never.  The clock is asked now and then. */
__u64 until_ns SEC(".bss");
__u32 asked SEC(".bss");
#define ASK_EVERY 32

/* Then the same object is asked for again, and read() returns to the loader, which asks the clock itself. */
static __always_inline bool is_late(void)
{
	return until_ns && !(++asked % ASK_EVERY) && bpf_ktime_get_boot_ns() > until_ns;
}

/* The task that the stream carried last; its address alone may be another's by now.  Zeroed before each look. */
__u64 last_task SEC(".bss");
__u64 last_started SEC(".bss");

/* The tracer's own map, see maps.h; a listing does without. */
const volatile bool has_listener_of = false;
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, __u64);
} listener_of SEC(".maps");

/* Children that a SO_REUSEPORT listener gets from now on are told by the cookie they inherit. */
static __always_inline void note_listener(struct sock *sk, __u64 cookie)
{
	__u64 *of;

	if (!READ_BITS(&sk->__sk_common, skc_reuseport))
		return;
	of = bpf_sk_storage_get(&listener_of, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (of)
		*of = cookie;
}

/* The context's pointers were checked: read again, the verifier would have them checked again. */
static __always_inline int tell_held(struct bpf_iter__task_file *ctx, struct task_struct *task,
				     struct file *file, struct sock *sk, struct socket *socket,
				     __u32 netns, const bool trusted)
{
	struct seq_file *seq = ctx->meta->seq;
	struct wire_look_first r;
	__u64 started;

	if (!is_wanted(&sk->__sk_common, netns, trusted) ||
	    (trusted && is_held_left_out(sk, netns)))
		return 0;
	r.look.netns = netns;
	fill_held(&r.look, sk, socket, file, ctx->fd, task, trusted);
	if (trusted && has_listener_of && r.look.state == TCP_LISTEN)
		note_listener(sk, r.look.cookie);
	started = READ(trusted, task, start_boottime);
	if (last_task == (__u64)task && last_started == started) {
		r.look.kind = LOOK_HELD;
		bpf_seq_write(seq, &r.look, sizeof(r.look));
		return 0;
	}
	fill_holder(&r, task);
	/* What found no room is asked for again. */
	if (bpf_seq_write(seq, &r, sizeof(r)) == 0) {
		last_task = (__u64)task;
		last_started = started;
	}
	return 0;
}

static __always_inline bool is_inet(__u16 family)
{
	return family == AF_INET || family == AF_INET6;
}

/* Kinds of files that lead to no socket, by the low bits of their address. */
#define PLAIN_KINDS 64
__u64 plain_kind[PLAIN_KINDS] SEC(".bss");

/* What a file is is asked once of each kind: most are plain, and each line of memory counts. */
static __always_inline int tell_way(struct bpf_iter__task_file *ctx, struct task_struct *task,
				     struct file *file)
{
	__u64 kind = (__u64)BPF_CORE_READ(file, f_op);
	__u32 at = kind / 64 % PLAIN_KINDS;
	struct wire_look r;

	if (plain_kind[at] == kind)
		return 0;
	if (fill_way(&r, task, file, ctx->fd))
		bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	else
		plain_kind[at] = kind;
	return 0;
}

/* `plain`: before bpf_sock_from_file(), 5.11. */
static __always_inline int tell_file(struct bpf_iter__task_file *ctx, const bool plain)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket = NULL;
	struct sock *sk;

	if (is_late())
		return 1;
	if (!task || !file)
		return 0;
	if (!plain)
		socket = bpf_sock_from_file(file);
	else if (is_socket_file(file))
		socket = BPF_CORE_READ(file, private_data);
	if (!socket)
		return tell_way(ctx, task, file);
	sk = READ(!plain, socket, sk);
	if (!sk || !is_inet(READ(!plain, sk, __sk_common.skc_family)))
		return 0;
	return tell_held(ctx, task, file, sk, socket,
			 plain ? BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum)
			       : sk->__sk_common.skc_net.net->ns.inum,
			 !plain);
}

SEC("look/task_file")
int look_held(struct bpf_iter__task_file *ctx)
{
	return tell_file(ctx, false);
}

/* A program of its own, because each member that is read costs every start. */
SEC("look/task_file")
int look_held_plain(struct bpf_iter__task_file *ctx)
{
	return tell_file(ctx, true);
}

/* Not sk->sk_socket: to follow a trusted pointer the verifier searches all of the kernel's types, for longer than this takes on
 * 10,000 sockets. */
static __always_inline struct socket *socket_of(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_socket);
}

static __always_inline void begin_loose(struct wire_look *r, struct sock_common *common)
{
	r->kind = LOOK_LOOSE;
	r->fd = 0;
	r->socket = 0;
	r->netns = this_netns;
	fill_common(r, common, true);
}

SEC("look/tcp")
int look_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct wire_look r;
	struct tcp_sock *tp;

	if (is_late())
		return 1;
	if (!common || (wanted_port && common->skc_num != wanted_port))
		return 0;
	/* NULL for the minisocks of TIME_WAIT and NEW_SYN_RECV, which have no more than sock_common. */
	tp = bpf_skc_to_tcp_sock(common);
	if (leaves_out && asked_only &&
	    ((filter.netns && this_netns != filter.netns) ||
	     (tp ? is_tcp_left_out((struct sock *)tp) : is_minisock_left_out(common))))
		return 0;
	begin_loose(&r, common);
	if (tp) {
		fill_loose(&r, (struct sock *)tp, socket_of((struct sock *)tp), true, true);
	} else if (r.state == TCP_TIME_WAIT) {
		fill_minisock(&r, common);
	} else {
		r.protocol = IPPROTO_TCP;
		r.type = SOCK_STREAM;
		r.flags = LOOK_F_QUEUED;
		r.socket = (__u64)BPF_CORE_READ(common, skc_listener);
	}
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

SEC("look/udp")
int look_udp(struct bpf_iter__udp *ctx)
{
	struct sock *sk = (struct sock *)ctx->udp_sk;
	struct wire_look r;

	if (is_late())
		return 1;
	if (!sk || (wanted_port && sk->__sk_common.skc_num != wanted_port))
		return 0;
	begin_loose(&r, &sk->__sk_common);
	fill_loose(&r, sk, socket_of(sk), false, true);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
