// SPDX-License-Identifier: GPL-2.0-only
/*
 * reason.c - why a connection ended, from its last change of state.
 *
 * The kernel notes sk_err before it traces CLOSE (net/ipv4/tcp_input.c tcp_reset(), tcp_timer.c
 * tcp_write_err()); where sk_err is 0 the shape of the change tells.
 */
#include "table_private.h"

#include <errno.h>

enum close_reason reason_of_errno(int error, bool had_port)
{
	switch (error) {
	case ECONNREFUSED: return REASON_REFUSED;
	case ETIMEDOUT: return REASON_TIMEOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN: return REASON_UNREACHABLE;
	case ECONNRESET:
	case EPIPE: /* a reset after the peer's FIN */ return REASON_PEER_RESET;
	case ECONNABORTED: return REASON_ABORTED;
	case EADDRNOTAVAIL: /* with a bound port it is the 4-tuple that is taken */
		return had_port ? REASON_UNKNOWN : REASON_PORT_EXHAUSTED;
	default: return REASON_UNKNOWN;
	}
}

static bool is_waiting_child(const struct socket *s)
{
	return (s->flags & SOCKET_PASSIVE) && !(s->flags & SOCKET_ACCEPTED);
}

enum close_reason reason_of_close(const struct socket *s, const struct fact *f)
{
	if (f->from == STATE_LISTEN)
		return REASON_LOCAL_CLOSE;
	if (f->error)
		return reason_of_errno(f->error, f->local.port != 0);
	if (f->from == STATE_SYN_SENT) {
		if (f->flags & WIRE_F_SHUTDOWN)
			return REASON_LOCAL_CLOSE;
		/*
		 * With a port, only connect(AF_UNSPEC) makes this change without an errno that
		 * follows.
		 */
		return f->local.port == 0 ? REASON_PORT_EXHAUSTED : REASON_LOCAL_CLOSE;
	}
	/*
	 * These states go straight to CLOSE only by SO_LINGER 0, unread data or connect(AF_UNSPEC),
	 * or by tcp_disconnect() on the children in a closing listener's queue, which no shutdown
	 * precedes: all send a reset.
	 */
	if (f->from == STATE_ESTABLISHED || f->from == STATE_CLOSE_WAIT ||
	    f->from == STATE_SYN_RECV)
		return is_waiting_child(s) && !(f->flags & WIRE_F_SHUTDOWN) ? REASON_ABORTED
									    : REASON_LOCAL_RESET;
	if ((s->flags & SOCKET_RESET_SENT) ||
	    (f->from == STATE_FIN_WAIT2 && (f->flags & WIRE_F_LINGER2_OFF)))
		return REASON_LOCAL_RESET;
	if (s->flags & SOCKET_PEER_FIRST)
		return REASON_PEER_CLOSE;
	if (s->flags & SOCKET_LOCAL_FIRST)
		return REASON_LOCAL_CLOSE;
	return f->from == STATE_LAST_ACK ? REASON_PEER_CLOSE : REASON_LOCAL_CLOSE;
}

bool reason_is_time_wait(const struct socket *s, const struct fact *f, bool traced,
			 enum tcp_state *ret_substate)
{
	if (traced) {
		*ret_substate = s->flags & SOCKET_TO_FIN_WAIT2 ? STATE_FIN_WAIT2 : STATE_NONE;
		return s->flags & SOCKET_WAITS;
	}
	if (f->error || (s->flags & (SOCKET_RESET_SENT | SOCKET_RESET_RECEIVED)) ||
	    (f->from != STATE_FIN_WAIT2 && f->from != STATE_CLOSING))
		return false;
	if (f->flags & WIRE_F_FIN_RECEIVED) {
		*ret_substate = STATE_NONE;
		return true;
	}
	/* An orphan does not wait in FIN_WAIT2 itself: a minisock does, and becomes TIME_WAIT with
	 * the peer's FIN. */
	if ((f->flags & WIRE_F_ORPHAN) && !(f->flags & WIRE_F_LINGER2_OFF)) {
		*ret_substate = STATE_FIN_WAIT2;
		return true;
	}
	return false;
}

bool reason_must_wait(const struct socket *s, const struct fact *f)
{
	if (s->flags & SOCKET_WAITS)
		return false;
	if (f->from == STATE_SYN_SENT)
		return !f->error && !(f->flags & WIRE_F_SHUTDOWN);
	/* Data for a closed socket ends it by a reset that is traced only after this. */
	return (f->from == STATE_FIN_WAIT1 || f->from == STATE_FIN_WAIT2) &&
	       (f->flags & WIRE_F_ORPHAN) &&
	       !(f->flags & (WIRE_F_FIN_RECEIVED | WIRE_F_LINGER2_OFF)) &&
	       (!f->error || f->error == ECONNRESET) && !(s->flags & SOCKET_RESET_SENT);
}
