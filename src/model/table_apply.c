// SPDX-License-Identifier: GPL-2.0-only
/* table_apply.c - one function per kind of fact: what it changes, and the events it makes. */
#include "table_bound.h"
#include "table_later.h"
#include "table_record.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

struct table *table_new(size_t max, struct process_set *processes, event_sink_fn sink, void *ctx)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->max = max;
	t->processes = processes;
	t->sink = sink;
	t->ctx = ctx;
	table_init(t);
	if (ports_init(t) && repeat_init(t) && question_init(t))
		return t;
	if (t->ports)
		ports_done(t);
	free(t->repeats);
	free(t);
	errno = ENOMEM;
	return NULL;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	question_done(t);
	overflows_free(t);
	ports_done(t);
	repeat_done(t);
	held_drop(t);
	table_seed_drop(t);
	table_done(t);
	free(t);
}

bool table_release(struct table *t, uint64_t now_ns)
{
	table_settle(t);
	repeat_release(t, now_ns);
	return held_release(t, now_ns);
}

/* ---- facts ---- */

static void apply_open(struct table *t, const struct fact *f)
{
	struct socket *s = socket_of(t, f);
	uint32_t bound, asked;
	struct event e;

	bound = f->to == STATE_LISTEN ? s->flags & SOCKET_BOUND : 0;
	asked = s->flags & SOCKET_ASKED_NEXT ? SOCKET_ASKED : 0;
	socket_begin_life(s, f->time_ns);
	s->flags |= bound | asked;
	if (f->to == STATE_SYN_SENT) {
		s->local.port = f->local.port; /* none: the kernel will choose */
		if (!f->local.port)
			s->flags |= SOCKET_AUTOBIND;
	}
	s->peer = f->peer;
	socket_update(s, f);
	socket_own(t, s, f);
	socket_move(t, s, &e, STATE_CLOSE, f->to, f->time_ns);
	t->sink(t->ctx, &e);
	if (f->to == STATE_LISTEN && s->local.port)
		table_add_listener(t, s);
}

/* Of a child that a look has found: both ends are its own.  Kernels up to 6.12 tell no peer. */
static bool is_birth_of(const struct socket *s, const struct fact *f)
{
	return s && (s->flags & SOCKET_FOUND) && table_is_overtaken(s, f) && f->peer.port &&
	       s->netns == f->netns && s->protocol == f->protocol &&
	       s->local.port == f->local.port && s->peer.port == f->peer.port &&
	       memcmp(s->local.addr, f->local.addr, sizeof(s->local.addr)) == 0 &&
	       memcmp(s->peer.addr, f->peer.addr, sizeof(s->peer.addr)) == 0;
}

static void apply_birth(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);
	const struct process *of_listener;
	struct event e;

	if (is_birth_of(s, f)) {
		table_remove_listener(t, s);
		ports_changed(t, s);
	} else {
		s = table_begin_record(t, f);
	}
	socket_begin_life(s, f->time_ns);
	s->flags |= SOCKET_PASSIVE;
	if (f->flags & WIRE_F_STEERED)
		s->flags |= SOCKET_STEERED;
	socket_update(s, f);
	of_listener = table_listener_owner(t, s, f->listener);
	if (!s->owner) /* by a look */
		table_set_owner(t, s, of_listener);
	process_release(t->processes, s->listener);
	s->listener = process_hold(of_listener);
	if (f->to == STATE_SYN_RECV) {
		s->flags |= SOCKET_BORN_HELD;
		s->state = STATE_SYN_RECV;
		s->since_ns = f->time_ns;
		if (s == &t->spare)
			table_show_birth(t, s); /* no later fact will find it */
		return;
	}
	s->state = STATE_LISTEN;
	socket_move(t, s, &e, STATE_LISTEN, f->to, f->time_ns);
	t->sink(t->ctx, &e);
}

static void apply_state(struct table *t, const struct fact *f)
{
	struct socket *s;
	struct event e;

	if (f->from == STATE_LISTEN) {
		apply_birth(t, f);
		return;
	}
	s = socket_of(t, f);
	socket_update(s, f);
	table_show_birth(t, s);
	if (!(s->flags & (SOCKET_LOCAL_FIRST | SOCKET_PEER_FIRST))) {
		if (f->to == STATE_FIN_WAIT1)
			s->flags |= SOCKET_LOCAL_FIRST;
		else if (f->to == STATE_CLOSE_WAIT)
			s->flags |= SOCKET_PEER_FIRST;
	}
	socket_move(t, s, &e, f->from, f->to, f->time_ns);
	t->sink(t->ctx, &e);
}

static void end_life(struct socket *s)
{
	s->opened_ns = 0;
	s->span_count = 0;
	s->flags &= SOCKET_MAPPED | SOCKET_SEED_OWNER | SOCKET_ACCEPTED | SOCKET_CONNECT_SHOWN |
		    SOCKET_PASSIVE | SOCKET_AUTOBIND | SOCKET_TOLD_OPEN | SOCKET_ASKED;
}

static void apply_closed(struct table *t, const struct fact *f)
{
	struct socket *s = socket_of(t, f);
	enum tcp_state substate = STATE_NONE;
	bool time_wait, unknown, wait, failed_listen, traced;
	uint32_t still_bound = 0;
	struct event state, close;

	socket_update(s, f);
	table_show_birth(t, s);
	if (f->from == STATE_LISTEN)
		overflow_end(t, s, f->time_ns);
	traced = (t->sees_time_wait || (f->end & WIRE_E_TW_TOLD)) && s != &t->spare &&
		 f->protocol == IPPROTO_TCP;
	time_wait = reason_is_time_wait(s, f, traced, &substate, &unknown);
	wait = reason_must_wait(s, f);
	/* listen() that finds its port taken goes to LISTEN and back; its errno follows. */
	failed_listen = f->from == STATE_LISTEN && !(f->flags & WIRE_F_SHUTDOWN) && s->opened_ns &&
			!(s->flags & SOCKET_LISTEN_SHOWN);
	socket_move(t, s, &state, f->from, time_wait ? STATE_TIME_WAIT : STATE_CLOSE, f->time_ns);
	state.state.substate = substate;
	event_of_close(&close, s, f->time_ns);
	reason_tell(&close.close, s, f);
	close.close.time_wait = time_wait;
	close.close.time_wait_unknown = unknown;
	close.error = f->error;
	s->state = STATE_CLOSE;
	if (time_wait)
		ports_time_wait(t, s, f->time_ns, substate);
	if (wait) {
		const bool in_connect = f->from == STATE_SYN_SENT;
		struct held *h = held_push(t,
					   in_connect ? HELD_FOR_ERRNO
					   : f->error ? HELD_FOR_LIKELY_RESET
						      : HELD_FOR_RESET,
					   f->time_ns);

		h->sk = s->sk;
		h->has_state = !in_connect;
		h->state = state;
		h->close = close;
		process_hold(close.process);
		if (in_connect)
			t->sink(t->ctx, &state);
	} else {
		t->sink(t->ctx, &state);
		if (!failed_listen)
			t->sink(t->ctx, &close);
	}
	if (failed_listen)
		still_bound = s->flags & SOCKET_BOUND;
	end_life(s);
	s->flags |= still_bound;
	if (!still_bound)
		bound_leave(s, f);
	if (wait)
		s->flags |= SOCKET_HELD;
}

static void apply_bind(struct table *t, const struct fact *f)
{
	struct socket *s;
	struct event e;

	if (f->result < 0) {
		emit_failure(t, f, EVENT_BIND);
		return;
	}
	s = socket_of(t, f);
	socket_begin_life(s, f->time_ns);
	s->local.port = 0;
	s->peer = f->peer;
	socket_update(s, f);
	socket_own(t, s, f);
	s->flags |= SOCKET_BOUND;
	s->state = STATE_CLOSE;
	s->since_ns = f->time_ns;
	event_of_socket(&e, s, EVENT_BIND, f->time_ns);
	e.has_local = true;
	e.bind.autobind = false;
	t->sink(t->ctx, &e);
}

static void apply_listen(struct table *t, const struct fact *f)
{
	struct socket *s;
	struct event e;

	if (f->result < 0) {
		emit_failure(t, f, EVENT_LISTEN);
		return;
	}
	s = socket_of(t, f);
	socket_update(s, f);
	socket_own(t, s, f);
	if (s->state != STATE_LISTEN) {
		/* The fact that this life began was lost. */
		socket_begin_life(s, 0);
		s->state = STATE_LISTEN;
		s->since_ns = 0;
	}
	s->flags |= SOCKET_LISTEN_SHOWN;
	table_add_listener(t, s);
	event_of_socket(&e, s, EVENT_LISTEN, f->time_ns);
	e.listen.backlog = f->arg;
	t->sink(t->ctx, &e);
}

static void connect_failed(struct table *t, const struct fact *f)
{
	const struct socket *s = table_find(t, f->sk);
	bool opened = s && !socket_is_stale(s, f) && (f->flags & WIRE_F_OPENED);

	/*
	 * Once the connect event is out with its port, the close event tells how it ended (refused,
	 * timed out).
	 */
	if (!opened || !(s->flags & SOCKET_CONNECT_SHOWN))
		emit_failure(t, f, EVENT_CONNECT);
	asked_forget(t, f);
	if (!table_is_asked(t))
		held_connect_failed(t, f);
}

/* A signal ended the call, not the connection. */
static bool is_interrupted(const struct table *t, const struct fact *f)
{
	const struct socket *s = table_find(t, f->sk);

	return s && !socket_is_stale(s, f) && (f->flags & WIRE_F_OPENED) && f->local.port &&
	       s->state == STATE_SYN_SENT && f->to == STATE_SYN_SENT;
}

static void apply_connect(struct table *t, const struct fact *f)
{
	struct socket *s;
	struct event e;

	if (f->result < 0 && !is_interrupted(t, f)) {
		connect_failed(t, f);
		return;
	}
	s = socket_of(t, f);
	if (s->state == STATE_CLOSE && f->to != STATE_CLOSE) {
		/* The fact that this life began was lost. */
		socket_begin_life(s, 0);
		s->state = (uint8_t)f->to;
		s->since_ns = 0;
	}
	socket_update(s, f);
	socket_own(t, s, f);
	if (s->flags & SOCKET_CONNECT_SHOWN)
		return;
	s->flags |= SOCKET_CONNECT_SHOWN;
	event_of_socket(&e, s, EVENT_CONNECT, f->time_ns);
	e.connect.autobind = (s->flags & SOCKET_AUTOBIND) != 0;
	e.connect.no_source = false;
	t->sink(t->ctx, &e);
}

static void apply_accept(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);
	struct event e;

	if (f->result < 0) {
		emit_failure(t, f, EVENT_ACCEPT);
		return;
	}
	if ((f->flags & WIRE_F_MAYBE_ACCEPT) &&
	    (!s || socket_is_stale(s, f) || !(s->flags & SOCKET_PASSIVE)))
		return;
	s = socket_of(t, f);
	if (s->flags & SOCKET_ACCEPTED)
		return;
	socket_update(s, f);
	table_show_birth(t, s);
	s->flags = (s->flags | SOCKET_PASSIVE | SOCKET_ACCEPTED) & ~(uint32_t)SOCKET_QUEUED;
	socket_own(t, s, f);
	event_of_socket(&e, s, EVENT_ACCEPT, f->time_ns);
	e.accept.listener =
		s->listener && s->owner && s->listener->pid != s->owner->pid ? s->listener : NULL;
	t->sink(t->ctx, &e);
}

static void apply_destroy(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);
	struct event e;

	if (!s || socket_is_stale(s, f))
		return;
	table_show_birth(t, s);
	table_note_unseen(t, s);
	if (s->flags & SOCKET_HELD)
		held_errno_missed(t, s);
	/*
	 * Every life reaches CLOSE before this.  Where it did not, that fact was lost; a socket
	 * that was only bound ends here.
	 */
	if (bound_has_end(s)) {
		if (s->state == STATE_CLOSE && s->since_ns && f->time_ns >= s->since_ns)
			socket_push_span(s, STATE_CLOSE, f->time_ns - s->since_ns);
		event_of_close(&e, s, f->time_ns);
		e.close.reason = s->state == STATE_CLOSE ? REASON_LOCAL_CLOSE : REASON_UNKNOWN;
		t->sink(t->ctx, &e);
	}
	table_remove(t, s);
}

static void apply_reset(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);

	if (f->kind == WIRE_RESET_SENT)
		held_reset_sent(t, f);
	if (s && !socket_is_stale(s, f))
		s->flags |= f->kind == WIRE_RESET_SENT ? SOCKET_RESET_SENT : SOCKET_RESET_RECEIVED;
}

/* What the second copy of a hook tells the first may have told already (bpf/core.bpf.c). */
static bool is_repeated(const struct table *t, const struct fact *f)
{
	const struct socket *s;

	if (!(f->flags & WIRE_F_AGAIN) || !f->to || f->kind == WIRE_DESTROY ||
	    f->kind == WIRE_TIME_WAIT)
		return false;
	s = table_find(t, f->sk);
	return s && !socket_is_stale(s, f) && s->state == f->to;
}

/* After other facts a socket has the port it had before. */
static bool may_move_port(const struct fact *f)
{
	switch (f->kind) {
	case WIRE_OPEN:
	case WIRE_BIND:
	case WIRE_LISTEN:
	case WIRE_CONNECT:
	case WIRE_ACCEPT: return true;
	case WIRE_STATE: return f->from == STATE_LISTEN || f->from == STATE_SYN_SENT;
	case WIRE_CLOSED: /* of a socket not known before: soon gone */
	case WIRE_DESTROY:
	case WIRE_RESET_RECEIVED:
	case WIRE_RESET_SENT:
	case WIRE_SEED_FILE: /* table_seed() does it */
	case WIRE_SEED_SOCKET:
	case WIRE_TIME_WAIT:
	case WIRE_TIME_WAIT_END: /* in no chain */
	case WIRE_ASKED:
	case WIRE_NONE:
	case WIRE_KINDS: break;
	}
	return false;
}

static void apply_tcp(struct table *t, const struct fact *f)
{
	switch (f->kind) {
	case WIRE_OPEN: apply_open(t, f); break;
	case WIRE_STATE: apply_state(t, f); break;
	case WIRE_CLOSED: apply_closed(t, f); break;
	case WIRE_BIND: apply_bind(t, f); break;
	case WIRE_LISTEN: apply_listen(t, f); break;
	case WIRE_CONNECT: apply_connect(t, f); break;
	case WIRE_ACCEPT: apply_accept(t, f); break;
	case WIRE_DESTROY: apply_destroy(t, f); break;
	case WIRE_RESET_RECEIVED:
	case WIRE_RESET_SENT: apply_reset(t, f); break;
	case WIRE_TIME_WAIT: minisock_enter(t, f); break;
	case WIRE_TIME_WAIT_END: minisock_leave(t, f); break;
	case WIRE_ASKED: asked_apply(t, f); break;
	case WIRE_SEED_FILE:
	case WIRE_SEED_SOCKET: /* table_apply() does it */
	case WIRE_NONE:
	case WIRE_KINDS: break;
	}
}

void table_apply(struct table *t, const struct fact *f)
{
	struct socket *s;

	table_release(t, f->time_ns);
	if (is_repeated(t, f))
		return;
	if (f->kind == WIRE_SEED_FILE || f->kind == WIRE_SEED_SOCKET)
		table_seed(t, f);
	else if (inet_is_udp(f->protocol))
		udp_apply(t, f);
	else
		apply_tcp(t, f);
	if (t->later)
		later_note_fact(t, f);
	s = may_move_port(f) ? table_find(t, f->sk) : NULL;
	if (s)
		ports_link(t, s);
}
