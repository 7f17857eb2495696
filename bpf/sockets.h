/* SPDX-License-Identifier: GPL-2.0-only */
/* sockets.h - what a program that tells of a socket reads of it, by its type or through memory. */
#ifndef SOCKWATCH_BPF_SOCKETS_H
#define SOCKWATCH_BPF_SOCKETS_H

#include "compat.h"
#include "options.h"

/*
 * What every socket begins with, copied at once where its fields cannot be loaded: each helper call that reads one costs what the
 * whole copy does.
 */
struct common_bytes {
	__u64 at[13];
};

static __always_inline void read_common(struct common_bytes *ret, const void *sk,
					const bool trusted)
{
	if (!trusted)
		bpf_probe_read_kernel(ret, sizeof(*ret), sk);
}

/* A field of sock_common; one behind the copied bytes is read by itself. */
#define COMMON(trusted, sk, bytes, field)                                                          \
	({                                                                                         \
		typeof((sk)->__sk_common.field) field_;                                            \
		const __u64 at_ = OFFSET_OF(sk, __sk_common.field);                                \
		if (trusted)                                                                       \
			field_ = (sk)->__sk_common.field;                                          \
		else if (at_ + sizeof(field_) <= sizeof(*(bytes)))                                 \
			field_ = *(const typeof(field_) *)((const char *)(bytes) + at_);           \
		else                                                                               \
			bpf_core_read((void *)&field_, sizeof(field_), &(sk)->__sk_common.field);  \
		field_;                                                                            \
	})

/* Likewise one of its bits. */
#define COMMON_BITS(trusted, sk, bytes, field)                                                     \
	({                                                                                         \
		const __u64 at_ = OFFSET_OF(sk, __sk_common.field);                                \
		__u64 bits_ = 0;                                                                   \
		if (trusted)                                                                       \
			bits_ = ((const __u8 *)(sk))[at_];                                         \
		else if (at_ < sizeof(*(bytes)))                                                   \
			bits_ = ((const __u8 *)(bytes))[at_];                                      \
		else                                                                               \
			bpf_probe_read_kernel(&bits_, 1, (const char *)(sk) + at_);                \
		CUT_BITS(bits_, (sk), __sk_common.field);                                          \
	})

/* Programs of cgroups are given neither a cookie of any socket nor the current task with its type. */
#ifdef OF_CGROUPS
#define has_types false
#else
#define has_types has_cookie_helper
#endif

/* `sk` has its type. */
static __always_inline __u64 socket_cookie(struct sock *sk)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;

	return cookie || !has_types ? cookie : bpf_get_socket_cookie(sk);
}

/*
 * Where the verifier trusts a pointer (6.2 on), it searches all the kernel's types by name for each pointer that is loaded through
 * it, a millisecond each.  It does not trust what this helper returns.
 */
static __always_inline struct inet_sock *inet_of(struct sock *sk, const bool trusted)
{
	struct tcp_sock *tp = trusted ? bpf_skc_to_tcp_sock(sk) : NULL;

	return tp ? &tp->inet_conn.icsk_inet : NULL;
}

static __always_inline __u32 common_netns(struct sock *sk, const struct common_bytes *bytes,
					  const bool trusted)
{
	struct net *net;

	net = trusted ? BPF_CORE_READ(sk, __sk_common.skc_net.net)
		      : COMMON(false, sk, bytes, skc_net.net);
	return BPF_CORE_READ(net, ns.inum);
}

/* Once the port was given back, another field still has it. */
static __always_inline __be16 left_port(struct sock *sk, const bool trusted)
{
	struct inet_sock *inet = inet_of(sk, trusted);

	return inet ? inet->inet_sport : inet_source_port(sk);
}

static __always_inline __be16 source_port(struct sock *sk, const struct common_bytes *bytes,
					  const bool trusted)
{
	__u16 port = COMMON(trusted, sk, bytes, skc_num);

	return port ? bpf_htons(port) : left_port(sk, trusted);
}

/* The kernel works for itself, in whatever task runs.  The TCP sockets under an MPTCP socket are the application's. */
static __always_inline bool is_kernel_socket(struct sock *sk, const bool trusted)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	return READ_BITS_OF(trusted, sk, sk_kern_sock) &&
	       !(READ(trusted, sk, sk_protocol) == IPPROTO_TCP &&
		 bpf_core_field_exists(tp->is_mptcp) &&
		 BPF_CORE_READ_BITFIELD_PROBED(tp, is_mptcp));
}

/* Read where a call was made: options seldom change later. */
static __always_inline __u8 socket_options(struct sock *sk, const struct common_bytes *bytes,
					   const bool trusted)
{
	return options_of(COMMON_BITS(trusted, sk, bytes, skc_reuse),
			  COMMON_BITS(trusted, sk, bytes, skc_reuseport),
			  COMMON_BITS(trusted, sk, bytes, skc_ipv6only)) |
	       lock_options(READ_BITS_OF(trusted, sk, sk_userlocks)) |
	       (is_kernel_socket(sk, trusted) ? WIRE_O_KERNEL : 0);
}

#endif
