// SPDX-License-Identifier: GPL-2.0-only
/* table_apply.c - one function per kind of fact: what it changes, and the events it makes. */
#include "table_ports.h"

#include <netinet/in.h>
#include <string.h>

/* ---- records and events ---- */

static void set_mapped(struct socket *s)
{
	bool mapped = s->family == FAMILY_IPV6 &&
		      (inet_is_mapped(s->local.addr) || inet_is_mapped(s->peer.addr));

	s->flags = mapped ? s->flags | SOCKET_MAPPED : s->flags & ~(uint32_t)SOCKET_MAPPED;
}

void socket_update(struct socket *s, const struct fact *f)
{
	/* A port once known stays in the record, although the kernel clears its own. */
	uint16_t port = f->local.port ? f->local.port : s->local.port;

	s->netns = f->netns;
	if (f->options & WIRE_O_KNOWN) {
		s->options = f->options;
		s->device = f->device;
	}
	s->family = (uint8_t)f->family;
	s->protocol = f->protocol;
	s->touched_ns = f->time_ns;
	if (f->cookie)
		s->cookie = f->cookie;
	s->local = f->local;
	s->local.port = port;
	if (f->peer.port || s->peer.port == 0)
		s->peer = f->peer;
	set_mapped(s);
}

void event_of_socket(struct event *e, const struct socket *s, enum event_kind kind,
		     uint64_t time_ns)
{
	e->kind = kind;
	e->time_ns = time_ns;
	e->protocol = s->protocol;
	e->family = (enum family)s->family;
	e->mapped = (s->flags & SOCKET_MAPPED) != 0;
	e->netns = s->netns;
	e->cookie = s->cookie;
	e->local = s->local;
	e->peer = s->peer;
	e->has_local = s->local.port != 0 || !inet_is_any(e->family, s->local.addr);
	e->has_peer = s->peer.port != 0;
	e->process = s->owner;
	e->error = 0;
	e->trouble = NULL;
	e->repeated = e->since_ns = 0;
}

static void push_span(struct socket *s, enum tcp_state state, uint64_t ns)
{
	if (s->span_count == SPANS)
		return;
	s->span_state[s->span_count] = (uint8_t)state;
	s->span_ns[s->span_count++] = ns;
}

/* Fills a state event and leaves `from`: its time becomes a span.  The record is in `to`
 * afterwards. */
static void move(struct socket *s, struct event *e, enum tcp_state from, enum tcp_state to,
		 uint64_t time_ns)
{
	event_of_socket(e, s, EVENT_STATE, time_ns);
	e->state.from = from;
	e->state.to = to;
	e->state.substate = STATE_NONE;
	e->state.after_known = s->state == from && s->since_ns && time_ns >= s->since_ns;
	e->state.after_ns = e->state.after_known ? time_ns - s->since_ns : 0;
	if (e->state.after_known && from != STATE_CLOSE)
		push_span(s, from, e->state.after_ns);
	s->state = (uint8_t)to;
	s->since_ns = time_ns;
	s->flags &= ~(uint32_t)SOCKET_TOLD;
}

/* Forgets the life before; the owner stays until a call names another. */
static void begin_life(struct socket *s, uint64_t time_ns)
{
	s->opened_ns = time_ns;
	s->span_count = 0;
	s->flags &= SOCKET_MAPPED | SOCKET_SEED_OWNER | SOCKET_TOLD_OPEN;
}

bool socket_is_stale(const struct socket *s, const struct fact *f)
{
	return (s->flags & SOCKET_MINISOCK) || (s->cookie && f->cookie && s->cookie != f->cookie) ||
	       inet_is_udp(s->protocol) != inet_is_udp(f->protocol);
}

/* LISTEN -> SYN_RECV waits for the child's next fact: older kernels do not know its peer before. */
static void show_birth(struct table *t, struct socket *s)
{
	struct event e;

	if (!(s->flags & SOCKET_BORN_HELD))
		return;
	s->flags &= ~(uint32_t)SOCKET_BORN_HELD;
	event_of_socket(&e, s, EVENT_STATE, s->opened_ns);
	e.state.from = STATE_LISTEN;
	e.state.to = STATE_SYN_RECV;
	e.state.substate = STATE_NONE;
	e.state.after_known = false;
	e.state.after_ns = 0;
	t->sink(t->ctx, &e);
}

void table_forget(struct table *t, struct socket *s, uint64_t time_ns)
{
	struct event e;

	show_birth(t, s);
	overflow_end(t, s, time_ns);
	if (!(s->flags & SOCKET_MINISOCK) &&
	    (s->state != STATE_CLOSE || (s->flags & SOCKET_BOUND))) {
		event_of_close(&e, s, time_ns);
		e.close.duration_ns = UINT64_MAX;
		t->sink(t->ctx, &e);
	}
	table_remove(t, s);
}

/* Counts `s`, which the table drops, where its start was told and its end was not. */
static void note_unseen(struct table *t, const struct socket *s)
{
	t->stats.unseen += s->protocol == IPPROTO_TCP && s->state != STATE_CLOSE && s->opened_ns &&
			   !(s->flags & SOCKET_MINISOCK);
}

/*
 * Another socket has the pointer now.  A fact older than the record is one of the past that a look
 * overtook: the facts that follow tell the life better than the look.  Else the end of `s` was
 * lost.
 */
static void replace(struct table *t, struct socket *s, const struct fact *f)
{
	if (f->time_ns < s->touched_ns) {
		table_remove(t, s);
		return;
	}
	t->stats.stale++;
	note_unseen(t, s);
	table_forget(t, s, f->time_ns);
}

struct socket *socket_of(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);

	if (s && socket_is_stale(s, f)) {
		replace(t, s, f);
		s = NULL;
	}
	if (!s) {
		s = table_insert(t, f->sk);
		/* Only a change of state has a `from`; else `to` is the state now. */
		s->state = (uint8_t)(f->from ? f->from : f->to);
	}
	table_remove_listener(t, s);
	ports_changed(t, s);
	if (s->flags & SOCKET_HELD) {
		s->flags &= ~(uint32_t)SOCKET_HELD;
		held_flush(t, s);
	}
	return s;
}

/* The process a fact names, with a reference the caller releases; NULL when it names none. */
static const struct process *process_of(struct table *t, const struct fact *f)
{
	return f->has_task ? process_intern(t->processes, &f->task) : NULL;
}

void socket_own(struct table *t, struct socket *s, const struct fact *f)
{
	const struct process *p = process_of(t, f);

	if (!f->has_task)
		return;
	table_set_owner(t, s, p); /* NULL without room for a process: better nobody than the last */
	s->flags &= ~(uint32_t)SOCKET_SEED_OWNER;
	process_release(t->processes, p);
}

/* ---- facts ---- */

static void apply_open(struct table *t, const struct fact *f)
{
	struct socket *s = socket_of(t, f);
	uint32_t bound;
	struct event e;

	bound = f->to == STATE_LISTEN ? s->flags & SOCKET_BOUND : 0;
	begin_life(s, f->time_ns);
	s->flags |= bound;
	if (f->to == STATE_SYN_SENT) {
		s->local.port = f->local.port; /* none: the kernel will choose */
		if (!f->local.port)
			s->flags |= SOCKET_AUTOBIND;
	}
	s->peer = f->peer;
	socket_update(s, f);
	socket_own(t, s, f);
	move(s, &e, STATE_CLOSE, f->to, f->time_ns);
	t->sink(t->ctx, &e);
	if (f->to == STATE_LISTEN && s->local.port)
		table_add_listener(t, s);
}

static void apply_birth(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);
	struct event e;

	if (s)
		replace(t, s, f);
	s = table_insert(t, f->sk);
	begin_life(s, f->time_ns);
	s->flags |= SOCKET_PASSIVE;
	socket_update(s, f);
	table_set_owner(t, s, table_listener_owner(t, s, f->listener));
	s->listener = process_hold(s->owner);
	if (f->to == STATE_SYN_RECV) {
		s->flags |= SOCKET_BORN_HELD;
		s->state = STATE_SYN_RECV;
		s->since_ns = f->time_ns;
		if (s == &t->spare)
			show_birth(t, s); /* no later fact will find it */
		return;
	}
	s->state = STATE_LISTEN;
	move(s, &e, STATE_LISTEN, f->to, f->time_ns);
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
	show_birth(t, s);
	if (!(s->flags & (SOCKET_LOCAL_FIRST | SOCKET_PEER_FIRST))) {
		if (f->to == STATE_FIN_WAIT1)
			s->flags |= SOCKET_LOCAL_FIRST;
		else if (f->to == STATE_CLOSE_WAIT)
			s->flags |= SOCKET_PEER_FIRST;
	}
	move(s, &e, f->from, f->to, f->time_ns);
	t->sink(t->ctx, &e);
}

static void end_life(struct socket *s)
{
	s->opened_ns = 0;
	s->span_count = 0;
	s->flags &= SOCKET_MAPPED | SOCKET_SEED_OWNER | SOCKET_ACCEPTED | SOCKET_CONNECT_SHOWN |
		    SOCKET_PASSIVE | SOCKET_AUTOBIND | SOCKET_TOLD_OPEN;
}

static void apply_closed(struct table *t, const struct fact *f)
{
	struct socket *s = socket_of(t, f);
	enum tcp_state substate = STATE_NONE;
	bool time_wait, unknown, wait, failed_listen, traced;
	uint32_t still_bound = 0;
	struct event state, close;

	socket_update(s, f);
	show_birth(t, s);
	if (f->from == STATE_LISTEN)
		overflow_end(t, s, f->time_ns);
	traced = (t->sees_time_wait || (f->end & WIRE_E_TW_TOLD)) && s != &t->spare &&
		 f->protocol == IPPROTO_TCP;
	time_wait = reason_is_time_wait(s, f, traced, &substate, &unknown);
	wait = reason_must_wait(s, f);
	/* listen() that finds its port taken goes to LISTEN and back; its errno follows. */
	failed_listen = f->from == STATE_LISTEN && !(f->flags & WIRE_F_SHUTDOWN) && s->opened_ns &&
			!(s->flags & SOCKET_LISTEN_SHOWN);
	move(s, &state, f->from, time_wait ? STATE_TIME_WAIT : STATE_CLOSE, f->time_ns);
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
		struct held *h = held_push(t);

		h->sk = s->sk;
		h->in_connect = f->from == STATE_SYN_SENT;
		h->due_ns = f->time_ns + (h->in_connect ? TABLE_CONNECT_NS : TABLE_HOLD_NS);
		h->has_state = !h->in_connect;
		h->state = state;
		h->close = close;
		process_hold(close.process);
		if (h->in_connect)
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
	if (wait)
		s->flags |= SOCKET_HELD;
}

void emit_failure(struct table *t, const struct fact *f, enum event_kind kind)
{
	const struct process *p = process_of(t, f);
	struct socket asked = {.owner = p};
	struct event e = {0};

	socket_update(&asked, f);
	event_of_socket(&e, &asked, kind, f->time_ns);
	e.error = -f->result;
	e.has_local |= kind == EVENT_BIND && !fact_is_of_various(f);
	if (kind == EVENT_BIND)
		e.bind.autobind = f->arg != 0;
	if (kind == EVENT_LISTEN)
		e.listen.backlog = f->arg;
	if (kind == EVENT_CONNECT) {
		const struct socket *s = table_find(t, f->sk);

		e.has_local = f->local.port != 0;
		e.connect.autobind =
			s && !socket_is_stale(s, f) && e.has_local && (s->flags & SOCKET_AUTOBIND);
	}
	if (!repeat_take(t, &e, f)) {
		e.trouble = ports_explain(t, f, kind);
		t->sink(t->ctx, &e);
	}
	process_release(t->processes, p);
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
	begin_life(s, f->time_ns);
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
		begin_life(s, 0);
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
		begin_life(s, 0);
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
	t->sink(t->ctx, &e);
}

static void apply_accept(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);
	struct event e;

	if ((f->flags & WIRE_F_MAYBE_ACCEPT) &&
	    (!s || socket_is_stale(s, f) || !(s->flags & SOCKET_PASSIVE)))
		return;
	s = socket_of(t, f);
	if (s->flags & SOCKET_ACCEPTED)
		return;
	socket_update(s, f);
	show_birth(t, s);
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
	show_birth(t, s);
	note_unseen(t, s);
	/*
	 * Every life reaches CLOSE before this.  Where it did not, that fact was lost; a socket
	 * that was only bound ends here.
	 */
	if (s->state != STATE_CLOSE || (s->flags & SOCKET_BOUND)) {
		if (s->state == STATE_CLOSE && s->since_ns && f->time_ns >= s->since_ns)
			push_span(s, STATE_CLOSE, f->time_ns - s->since_ns);
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
	case WIRE_SEED_FILE:
	case WIRE_SEED_SOCKET: table_seed(t, f); break;
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
	if (inet_is_udp(f->protocol))
		udp_apply(t, f);
	else
		apply_tcp(t, f);
	s = may_move_port(f) ? table_find(t, f->sk) : NULL;
	if (s)
		ports_link(t, s);
}
