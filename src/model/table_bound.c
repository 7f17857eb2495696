// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_bound.c - sockets that are bound and no more: before their first life, and after one.
 *
 *     bind() ──▶ SOCKET_BOUND ──▶ listen(), connect() ... the life ends ──▶ SOCKET_LEFT_BOUND
 */
#include "table_bound.h"

#include <string.h>

void bound_set_ends(struct socket *s)
{
	bool mapped = s->family == FAMILY_IPV6 &&
		      (inet_is_mapped(s->local.addr) || inet_is_mapped(s->peer.addr));

	s->flags = mapped ? s->flags | SOCKET_MAPPED : s->flags & ~(uint32_t)SOCKET_MAPPED;
	s->local.takes = TAKES_NONE;
	if (!s->peer.port && !mapped)
		s->local.takes = inet_takes((enum family)s->family, s->local.addr,
					    s->options & WIRE_O_KNOWN, s->options & WIRE_O_V6ONLY);
}

bool bound_has_end(const struct socket *s)
{
	return s->state != STATE_CLOSE || (s->flags & SOCKET_BOUND) ||
	       (socket_is_bound(s) && (s->flags & SOCKET_TOLD_OPEN));
}

/*
 * bind() named its port and its process keeps it open: shutdown() of a listener, a connect() that failed, connect(AF_UNSPEC), a
 * peer's reset.  close() shuts both directions down before these changes of state, and ends others only after the last.
 */
static bool is_left_bound(const struct socket *s, const struct fact *f)
{
	bool after_fin = f->from == STATE_FIN_WAIT1 || f->from == STATE_FIN_WAIT2 ||
			 f->from == STATE_CLOSING || f->from == STATE_LAST_ACK;

	return (s->options & WIRE_O_KEEPS_PORT) && !(f->flags & WIRE_F_ORPHAN) &&
	       (after_fin || !(f->flags & WIRE_F_SHUTDOWN));
}

/* tcp_disconnect(), net/ipv4/tcp.c: by connect(AF_UNSPEC) and shutdown(), not where the connection ended by itself. */
static bool is_dissolved(const struct fact *f)
{
	return !f->error && !(f->flags & WIRE_F_SHUTDOWN);
}

void bound_leave(struct socket *s, const struct fact *f)
{
	if (!is_left_bound(s, f))
		return;
	s->flags = (s->flags & ~(uint32_t)(SOCKET_TOLD | SOCKET_TOLD_OPEN)) | SOCKET_LEFT_BOUND;
	s->opened_ns = f->time_ns;
	s->peer = (struct endpoint){0};
	if (is_dissolved(f) && !(s->options & WIRE_O_KEEPS_ADDR))
		memset(s->local.addr, 0, sizeof(s->local.addr));
	bound_set_ends(s);
}

void bound_seeded(struct socket *s, const struct fact *f)
{
	const uint32_t bound = SOCKET_BOUND | SOCKET_LEFT_BOUND;

	if (s->state == STATE_CLOSE && s->touched_ns == f->time_ns && s->local.port &&
	    (s->options & WIRE_O_KEEPS_PORT) && !(s->flags & bound))
		s->flags |= SOCKET_BOUND;
}
