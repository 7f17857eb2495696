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

/* A FIN takes a number among the bytes. */
static uint32_t unacked_bytes(const struct fact *f)
{
	bool fin =
		f->from == STATE_FIN_WAIT1 || f->from == STATE_CLOSING || f->from == STATE_LAST_ACK;

	return f->unacked_bytes - (fin && f->unacked_bytes);
}

/*
 * The kernel says ETIMEDOUT in each case (net/ipv4/tcp_timer.c).  Only with nothing on its way do probes of keepalive end a
 * connection.  With data on its way TCP_USER_TIMEOUT stands in for the number of retransmissions, but beside it for SYNs.
 */
static enum close_reason reason_of_silence(const struct event_close *c, const struct fact *f)
{
	uint64_t limit_ns = f->user_timeout_ms * UINT64_C(1000000);
	const struct event_span *last = c->span_count ? &c->spans[c->span_count - 1] : NULL;

	if (f->from == STATE_SYN_SENT && (!last || last->state != f->from || last->ns < limit_ns))
		return REASON_TIMEOUT;
	if (f->probes && !f->unacked_bytes)
		return REASON_KEEPALIVE;
	return limit_ns ? REASON_USER_TIMEOUT : REASON_TIMEOUT;
}

/* Whether the kernel sends a reset when the connection is dropped here: tcp_need_reset(). */
static bool needs_reset(enum tcp_state from)
{
	return from == STATE_ESTABLISHED || from == STATE_CLOSE_WAIT || from == STATE_FIN_WAIT1 ||
	       from == STATE_FIN_WAIT2 || from == STATE_SYN_RECV;
}

/*
 * From the first three states a connection goes straight to CLOSE only by SO_LINGER 0, unread data or connect(AF_UNSPEC), or
 * by tcp_disconnect() on the children in a closing listener's queue, which no shutdown precedes.
 */
static bool is_cut(const struct fact *f)
{
	if (f->from == STATE_FIN_WAIT1 || f->from == STATE_FIN_WAIT2)
		return f->end & WIRE_E_KNOWN;
	return needs_reset(f->from);
}

static enum close_reason reason_of_close(const struct event_close *c, const struct socket *s,
					 const struct fact *f)
{
	if (f->from == STATE_LISTEN)
		return REASON_LOCAL_CLOSE;
	if (f->error == ETIMEDOUT)
		return reason_of_silence(c, f);
	if (f->error == ECONNABORTED && needs_reset(f->from))
		return REASON_LOCAL_RESET;
	if (f->error)
		return reason_of_errno(f->error, f->local.port != 0);
	if (f->from == STATE_SYN_SENT) {
		/* With a port, or a SYN, only an errno that follows says that connect() failed by itself. */
		return (f->flags & WIRE_F_SHUTDOWN) || f->syns || f->local.port
			       ? REASON_ABANDONED
			       : REASON_PORT_EXHAUSTED;
	}
	if (is_cut(f) && (f->end & WIRE_E_REPAIR))
		return REASON_LOCAL_CLOSE; /* nothing was sent */
	if (is_cut(f))
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

/* In the order of tcp_close(). */
static enum close_how how_of_close(const struct fact *f, enum close_reason reason)
{
	if (f->error == ECONNABORTED)
		return HOW_KILLED;
	if (reason != REASON_LOCAL_RESET)
		return HOW_UNKNOWN;
	if ((f->end & WIRE_E_KNOWN) && !(f->flags & WIRE_F_SHUTDOWN))
		return HOW_DISCONNECT;
	if (f->end & WIRE_E_UNREAD)
		return HOW_UNREAD;
	if (f->end & WIRE_E_LINGER)
		return HOW_LINGER;
	return f->from == STATE_FIN_WAIT2 && (f->flags & WIRE_F_LINGER2_OFF) ? HOW_LINGER2
									     : HOW_UNKNOWN;
}

void reason_tell(struct event_close *c, const struct socket *s, const struct fact *f)
{
	c->counted = f->counted;
	c->sent_bytes = f->sent_bytes;
	c->received_bytes = f->received_bytes;
	c->retransmits = f->retransmits;
	c->rtt_us = f->rtt_us;
	c->reason = reason_of_close(c, s, f);
	c->how = how_of_close(f, c->reason);
	c->syns = f->syns;
	c->silent = (f->end & WIRE_E_HEARD) &&
		    (c->reason == REASON_TIMEOUT || c->reason == REASON_KEEPALIVE ||
		     c->reason == REASON_USER_TIMEOUT || c->reason == REASON_UNREACHABLE);
	if (c->silent) {
		c->last_heard_ns = f->last_heard_ms * UINT64_C(1000000);
		c->unacked_bytes = unacked_bytes(f);
	}
}

static bool may_time_wait(const struct socket *s, const struct fact *f,
			  enum tcp_state *ret_substate)
{
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

bool reason_is_time_wait(const struct socket *s, const struct fact *f, bool traced,
			 enum tcp_state *ret_substate, bool *ret_unknown)
{
	*ret_unknown = false;
	if (traced) {
		*ret_substate = s->flags & SOCKET_TO_FIN_WAIT2 ? STATE_FIN_WAIT2 : STATE_NONE;
		return s->flags & SOCKET_WAITS;
	}
	if ((f->end & WIRE_E_TW_NONE) || !may_time_wait(s, f, ret_substate))
		return false;
	if (!(f->end & WIRE_E_TW_FULL))
		return true;
	*ret_unknown = true;
	*ret_substate = STATE_NONE;
	return false;
}

bool reason_must_wait(const struct socket *s, const struct fact *f)
{
	if (s->flags & SOCKET_WAITS)
		return false;
	if (f->from == STATE_SYN_SENT)
		return !f->error && !f->syns && !(f->flags & WIRE_F_SHUTDOWN);
	/* Data for a closed socket ends it by a reset that is traced only after this. */
	return (f->from == STATE_FIN_WAIT1 || f->from == STATE_FIN_WAIT2) &&
	       (f->flags & WIRE_F_ORPHAN) &&
	       !(f->flags & (WIRE_F_FIN_RECEIVED | WIRE_F_LINGER2_OFF)) &&
	       (!f->error || f->error == ECONNRESET) && !(s->flags & SOCKET_RESET_SENT);
}

bool event_reason_is_failure(enum close_reason reason)
{
	return reason != REASON_UNKNOWN && reason != REASON_LOCAL_CLOSE &&
	       reason != REASON_PEER_CLOSE;
}

enum close_reason event_reason(const struct event *e)
{
	enum close_reason reason;

	if (e->kind == EVENT_CLOSE)
		return e->close.end == EVENT_END_OPEN ? REASONS : e->close.reason;
	if (e->kind != EVENT_CONNECT || !e->error)
		return REASONS;
	/* Without a range it was an address that was missing. */
	if (e->error == EADDRNOTAVAIL && e->trouble && !e->trouble->has_range)
		return REASONS;
	if (e->error == EAGAIN && inet_is_udp(e->protocol))
		return REASON_PORT_EXHAUSTED;
	reason = reason_of_errno(e->error, e->local.port != 0);
	return reason == REASON_UNKNOWN ? REASONS : reason;
}
