// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_udp.c - UDP sockets: a life from the moment a port is held to the moment it is given back.
 *
 *     bind() ────────────┐
 *     connect() ─────────┼──▶ SOCKET_BOUND: shown ──▶ closed, or dissolved by connect(AF_UNSPEC)
 *     sendto() unbound ──┘
 *     connect() to port 0 ──▶ a record without it: a resolver asks for its source address, which
 *                             is not traffic; shown only from a real call on
 *
 * The record's state stays CLOSE: the kernel's ESTABLISHED only says that a peer is set.
 */
#include "table_record.h"

/* Connected to port 0.  After connect(AF_UNSPEC) the state is CLOSE. */
static bool is_probe(const struct fact *f)
{
	return f->to == STATE_ESTABLISHED && f->peer.port == 0;
}

static void update(struct socket *s, const struct fact *f, const struct endpoint *peer)
{
	uint16_t port = s->local.port;
	struct fact got = *f;

	got.peer = *peer;
	s->peer = *peer; /* socket_update() keeps a peer that TCP would not lose */
	s->local.port = 0;
	s->state = STATE_CLOSE;
	socket_update(s, &got);
	/* At release the port may be given back already. */
	if (s->local.port == 0)
		s->local.port = port;
}

static struct socket *find(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);

	return s && !socket_is_stale(s, f) ? s : NULL;
}

/* The record of a socket that holds a port. */
static struct socket *holder_of(struct table *t, const struct fact *f)
{
	bool known = find(t, f) != NULL;
	struct socket *s = socket_of(t, f);

	if (!known)
		s->opened_ns = f->time_ns;
	return s;
}

/* The table would keep it for ever. */
static void show_endless(struct table *t, const struct fact *f)
{
	struct socket passing = {.sk = f->sk};
	struct event e;

	socket_update(&passing, f);
	event_of_socket(&e, &passing, EVENT_BIND, f->time_ns);
	e.has_local = true;
	e.bind.autobind = false;
	t->sink(t->ctx, &e);
}

static void apply_bind(struct table *t, const struct fact *f)
{
	struct socket *s;
	struct event e;

	if (f->result < 0) {
		emit_failure(t, f, EVENT_BIND);
		return;
	}
	if (f->flags & WIRE_F_ENDLESS) {
		show_endless(t, f);
		return;
	}
	s = holder_of(t, f);
	/* sendto() on a socket that was bound or connected before: nothing new. */
	if (f->arg && (s->flags & SOCKET_BOUND) && s->local.port)
		return;
	update(s, f, &f->peer);
	socket_own(t, s, f);
	if (f->arg)
		s->flags |= SOCKET_AUTOBIND;
	else
		s->opened_ns = f->time_ns;
	s->flags |= SOCKET_BOUND;
	event_of_socket(&e, s, EVENT_BIND, f->time_ns);
	e.has_local = true;
	e.bind.autobind = f->arg != 0;
	t->sink(t->ctx, &e);
}

static void emit_close(struct table *t, const struct socket *s, uint64_t time_ns)
{
	struct event e;

	event_of_close(&e, s, time_ns);
	e.close.reason = REASON_LOCAL_CLOSE;
	t->sink(t->ctx, &e);
}

/* connect(AF_UNSPEC) gives a port back that the kernel chose. */
static void apply_dissolved(struct table *t, const struct fact *f)
{
	struct socket *s = find(t, f);

	if (!s)
		return;
	if (s->flags & SOCKET_BOUND)
		emit_close(t, s, f->time_ns);
	table_remove(t, s);
}

/* A call may get a port and then fail; the socket keeps the port. */
static void apply_connect(struct table *t, const struct fact *f)
{
	const struct endpoint *peer = &f->peer;
	struct socket *s;
	struct event e;

	if (f->local.port == 0) {
		if (f->result == 0)
			apply_dissolved(t, f);
		else if (f->peer.port || fact_is_of_various(f))
			emit_failure(t, f, EVENT_CONNECT);
		return;
	}
	s = holder_of(t, f);
	if (f->arg) {
		s->flags |= SOCKET_AUTOBIND;
		s->opened_ns = f->time_ns;
	}
	if (f->result < 0)
		peer = &s->peer; /* the fact carries the one asked for */
	update(s, f, peer);
	s->flags &= ~(uint32_t)SOCKET_ASKED;
	if (s->flags & SOCKET_ASKED_NEXT)
		s->flags ^= SOCKET_ASKED | SOCKET_ASKED_NEXT;
	if (f->peer.port == 0)
		return;
	socket_own(t, s, f);
	s->flags |= SOCKET_BOUND;
	event_of_socket(&e, s, EVENT_CONNECT, f->time_ns);
	e.peer = f->peer;
	e.has_peer = true;
	e.mapped |= e.family == FAMILY_IPV6 && inet_is_mapped(f->peer.addr);
	e.error = -f->result;
	e.connect.autobind = (s->flags & SOCKET_AUTOBIND) != 0;
	e.connect.no_source = ports_lack_source(f);
	if (!e.error || !repeat_take(t, &e, f))
		t->sink(t->ctx, &e);
}

static void apply_closed(struct table *t, const struct fact *f)
{
	struct socket unseen = {0}, *s = find(t, f);

	if (!s) {
		/* Its beginning went by io_uring or was lost: the end is all there is to tell. */
		if (f->local.port && !is_probe(f)) {
			socket_update(&unseen, f);
			emit_close(t, &unseen, f->time_ns);
		}
		return;
	}
	update(s, f, &f->peer);
	if (s->flags & SOCKET_BOUND)
		emit_close(t, s, f->time_ns);
	table_remove(t, s);
}

void udp_seeded(struct socket *s, const struct fact *f, bool fresh)
{
	s->state = STATE_CLOSE;
	if (fresh && !is_probe(f))
		s->flags |= SOCKET_BOUND;
}

void udp_apply(struct table *t, const struct fact *f)
{
	switch (f->kind) {
	case WIRE_BIND: apply_bind(t, f); break;
	case WIRE_CONNECT: apply_connect(t, f); break;
	case WIRE_ASKED: asked_apply(t, f); break;
	case WIRE_DESTROY: apply_closed(t, f); break;
	case WIRE_SEED_FILE:
	case WIRE_SEED_SOCKET: /* table_apply() does it */
	case WIRE_OPEN:
	case WIRE_STATE:
	case WIRE_CLOSED:
	case WIRE_LISTEN:
	case WIRE_ACCEPT:
	case WIRE_RESET_RECEIVED:
	case WIRE_RESET_SENT:
	case WIRE_TIME_WAIT:
	case WIRE_TIME_WAIT_END: /* TCP's */
	case WIRE_NONE:
	case WIRE_KINDS: break;
	}
}
