/* SPDX-License-Identifier: GPL-2.0-only */
/* look_port.h - what a look reads of a socket's claim to its port. */
#ifndef SOCKWATCH_BPF_LOOK_PORT_H
#define SOCKWATCH_BPF_LOOK_PORT_H

#include "options.h"
#include "wire_look.h"

/* (uid_t)-1 is nobody's. */
#define NO_UID ((__u32)-1)

static __always_inline void fill_bucket(struct wire_look *r, struct inet_bind_bucket *bucket)
{
	if (!bucket)
		return;
	r->flags |= LOOK_F_BUCKET;
	r->fastreuse = BPF_CORE_READ(bucket, fastreuse);
	r->fastreuseport = BPF_CORE_READ(bucket, fastreuseport);
	r->l3mdev = BPF_CORE_READ(bucket, l3mdev);
}

static __always_inline void fill_locks(struct wire_look *r, struct sock *sk, const bool tcp,
				       const bool trusted)
{
	r->options |= lock_options(READ_BITS(sk, sk_userlocks));
	/* A closed socket may still show a port that is somebody else's by now: one that it keeps was bound. */
	if (r->state == TCP_CLOSE && r->local_port)
		r->options |= WIRE_O_KEEPS_PORT;
	r->uid = READ(trusted, sk, sk_uid.val);
	if (tcp && r->protocol == IPPROTO_TCP && r->type == SOCK_STREAM)
		r->l3mdev = socket_vrf(sk, r->ifindex);
}

#endif
