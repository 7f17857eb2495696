/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * look_socket.h - what a look reads of a socket as the kernel has it, whichever way it is found.
 *
 * Each line of memory counts at 40,000 sockets: what is not wanted is not read.  `trusted` is a compile-time constant, see
 * READ(); `wants` is the loader's choice, see wire_look.h.
 */
#ifndef SOCKWATCH_BPF_LOOK_SOCKET_H
#define SOCKWATCH_BPF_LOOK_SOCKET_H

#include "files.h"
#include "look_port.h"
#include "look_queue.h"

/* enum wire_look_want, and what is looked for, 0 anything.  Set by the loader before each look. */
__u32 wants SEC(".bss") __weak;
/* All that any look of this loader will want: the verifier drops the rest. */
const volatile __u32 may_want SEC(".rodata") __weak = ~0u;
__u32 wanted_netns SEC(".bss") __weak;
__u16 wanted_port SEC(".bss") __weak; /* local, host order */

static __always_inline bool wants_any(__u32 what)
{
	return (may_want & what) && (wants & what);
}

static __always_inline bool is_wanted(struct sock_common *c, __u32 netns, const bool trusted)
{
	return (!wanted_port || READ(trusted, c, skc_num) == wanted_port) &&
	       (!wanted_netns || netns == wanted_netns);
}

static __always_inline void copy_address(__u8 *out, struct sock_common *c, const bool peer,
					 const bool v6, const bool trusted)
{
	__u32 *word = (__u32 *)out;

#define V6_WORD(n)                                                                                 \
	(peer ? READ(trusted, c, skc_v6_daddr.in6_u.u6_addr32[n])                                  \
	      : READ(trusted, c, skc_v6_rcv_saddr.in6_u.u6_addr32[n]))
	if (v6) {
		word[0] = V6_WORD(0);
		word[1] = V6_WORD(1);
		word[2] = V6_WORD(2);
		word[3] = V6_WORD(3);
		return;
	}
#undef V6_WORD
	word[0] = peer ? READ(trusted, c, skc_daddr) : READ(trusted, c, skc_rcv_saddr);
	word[1] = word[2] = word[3] = 0;
}

/* For its name: few sockets are bound to ::, so that the others are not read. */
static __always_inline __u8 wildcard_options(const struct wire_look *r, struct sock_common *c)
{
	const __u32 *word = (const __u32 *)r->local;

	if (!wants_any(LOOK_W_V6ONLY) || r->family != AF_INET6 ||
	    (word[0] | word[1] | word[2] | word[3]))
		return 0;
	return READ_BITS(c, skc_ipv6only) ? WIRE_O_V6ONLY : WIRE_O_V4_TOO;
}

/* What every kind of socket has, minisocks included.  Sets the whole record but kind, fd, socket, netns, protocol, type. */
static __always_inline void fill_common(struct wire_look *r, struct sock_common *c,
					const bool trusted)
{
	r->size = sizeof(*r);
	r->flags = 0;
	r->sk = (__u64)c;
	r->cookie = READ(trusted, c, skc_cookie.counter);
	if (trusted && has_cookie_helper && wants_any(LOOK_W_COOKIE) && !r->cookie)
		r->cookie = bpf_get_socket_cookie(c);
	r->ifindex = READ(trusted, c, skc_bound_dev_if);
	r->local_port = READ(trusted, c, skc_num);
	r->peer_port_be = READ(trusted, c, skc_dport);
	r->family = READ(trusted, c, skc_family);
	r->state = READ(trusted, c, skc_state);
	r->options = wants_any(LOOK_W_OPTIONS) ? common_options(c) : 0;
	r->fastreuse = r->fastreuseport = 0;
	r->pad[0] = r->pad[1] = r->pad[2] = 0;
	r->l3mdev = 0;
	r->since_ns = 0;
	r->backlog = 0;
	r->uid = NO_UID;
	copy_address(r->local, c, false, r->family == AF_INET6, trusted);
	copy_address(r->peer, c, true, r->family == AF_INET6, trusted);
	r->options |= wildcard_options(r, c);
}

/* Behind fill_common().  `tcp`: a look at TCP, or at descriptors, which may lead to any protocol. */
static __always_inline void fill_sock(struct wire_look *r, struct sock *sk, const bool tcp,
				      const bool trusted)
{
	if (!fill_listener(r, sk, tcp, trusted) && wants_any(LOOK_W_QUEUES))
		fill_queues(r, sk, tcp, trusted);
	if (wants_any(LOOK_W_OPTIONS))
		fill_locks(r, sk, tcp, trusted);
	if (tcp && wants_any(LOOK_W_BUCKET) && r->protocol == IPPROTO_TCP &&
	    r->type == SOCK_STREAM) {
		fill_bucket(r, BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_bind_hash));
		if (r->state != TCP_LISTEN && r->state != TCP_CLOSE &&
		    READ(trusted, sk, sk_max_ack_backlog))
			r->flags |= LOOK_F_ACCEPTED;
	}
}

#endif
