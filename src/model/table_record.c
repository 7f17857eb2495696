// SPDX-License-Identifier: GPL-2.0-only
/* table_record.c - the record that a fact speaks of, its lives, and the events about it. */
#include "table_bound.h"
#include "table_later.h"
#include "table_record.h"

#include <netinet/in.h>
#include <string.h>

/* The longest that a look reads at once, unless it is kept from the processor. */
#define READ_NS 100000000u

void socket_update(struct socket *s, const struct fact *f)
{
	/* A port once known stays in the record, although the kernel clears its own. */
	uint16_t port = f->local.port ? f->local.port : s->local.port;

	s->netns = f->netns;
	if (f->options & WIRE_O_KNOWN) {
		s->options = f->options;
		s->device = f->device;
		s->uid = f->socket_uid;
		s->vrf = f->vrf;
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
	bound_set_ends(s);
}

void event_of_socket(struct event *e, const struct socket *s, enum event_kind kind,
		     uint64_t time_ns)
{
	e->kind = kind;
	e->time_ns = time_ns;
	e->host = NULL;
	e->protocol = s->protocol;
	e->family = (enum family)s->family;
	e->mapped = (s->flags & SOCKET_MAPPED) != 0;
	e->netns = s->netns;
	e->netns_name = NULL;
	e->cookie = s->cookie;
	e->local = s->local;
	e->peer = s->peer;
	e->has_local = s->local.port != 0 || !inet_is_any(e->family, s->local.addr);
	e->has_peer = s->peer.port != 0;
	e->process = s->owner;
	e->kernel = socket_is_kernels(s);
	e->passive = (s->flags & SOCKET_PASSIVE) != 0;
	e->has_asked = (s->flags & SOCKET_ASKED) != 0;
	e->asked.port = s->asked_port;
	e->asked.ifindex = 0;
	memcpy(e->asked.addr, s->asked, sizeof(s->asked));
	e->error = 0;
	e->trouble = NULL;
	e->repeated = e->since_ns = 0;
}

void socket_push_span(struct socket *s, enum tcp_state state, uint64_t ns)
{
	if (s->span_count == SPANS)
		return;
	s->span_state[s->span_count] = (uint8_t)state;
	s->span_ns[s->span_count++] = ns;
}

/* Fills a state event and leaves `from`: its time becomes a span.  The record is in `to`
 * afterwards. */
void socket_move(const struct table *t, struct socket *s, struct event *e, enum tcp_state from,
		 enum tcp_state to, uint64_t time_ns)
{
	uint64_t since_ns = s->state == from ? s->since_ns : moved_since(t, s->sk, from);

	event_of_socket(e, s, EVENT_STATE, time_ns);
	e->state.from = from;
	e->state.to = to;
	e->state.substate = STATE_NONE;
	e->state.after_known = since_ns && time_ns >= since_ns;
	e->state.after_ns = e->state.after_known ? time_ns - since_ns : 0;
	if (e->state.after_known && from != STATE_CLOSE)
		socket_push_span(s, from, e->state.after_ns);
	s->state = (uint8_t)to;
	s->since_ns = time_ns;
	s->flags &= ~(uint32_t)SOCKET_TOLD;
}

/* Forgets the life before; the owner stays until a call names another. */
void socket_begin_life(struct socket *s, uint64_t time_ns)
{
	s->opened_ns = time_ns;
	s->span_count = 0;
	s->flags &= SOCKET_MAPPED | SOCKET_SEED_OWNER | SOCKET_TOLD_OPEN;
}

/*
 * A socket keeps the cookie that it once got.  These facts read it from the socket; the kernel's own has none before Linux 5.12,
 * where nobody asks for it.
 */
static bool lacks_cookie(const struct socket *s, const struct fact *f)
{
	return s->cookie && !f->cookie &&
	       (f->kind == WIRE_OPEN || f->kind == WIRE_BIND || f->kind == WIRE_LISTEN ||
		f->kind == WIRE_CONNECT);
}

bool socket_is_stale(const struct socket *s, const struct fact *f)
{
	return (s->flags & SOCKET_MINISOCK) || (s->cookie && f->cookie && s->cookie != f->cookie) ||
	       lacks_cookie(s, f) || inet_is_udp(s->protocol) != inet_is_udp(f->protocol);
}

/* LISTEN -> SYN_RECV waits for the child's next fact: older kernels do not know its peer before. */
void table_show_birth(struct table *t, struct socket *s)
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

	table_show_birth(t, s);
	overflow_end(t, s, time_ns);
	if (!(s->flags & SOCKET_MINISOCK) && bound_has_end(s)) {
		event_of_close(&e, s, time_ns);
		e.close.duration_ns = UINT64_MAX;
		t->sink(t->ctx, &e);
	}
	table_remove(t, s);
}

/* Counts `s`, which the table drops, where its start was told and its end was not. */
void table_note_unseen(struct table *t, const struct socket *s)
{
	t->stats.unseen += s->protocol == IPPROTO_TCP && s->state != STATE_CLOSE && s->opened_ns &&
			   !(s->flags & SOCKET_MINISOCK);
}

bool table_is_overtaken(const struct socket *s, const struct fact *f)
{
	return f->time_ns < s->touched_ns + (s->flags & SOCKET_FOUND ? READ_NS : 0);
}

/*
 * Another socket has the pointer, or had it.  A fact of the past that a look overtook: the facts that follow tell the life of `s` better
 * than the look, unless somebody was told that it goes on: who had the pointer before is shown by its facts alone then.  Else the
 * end of `s` was lost.
 */
static struct socket *replace(struct table *t, struct socket *s, const struct fact *f)
{
	if (t->defers && table_has_only_found(t, s)) {
		later_give_back(t, s);
	} else if (!table_is_overtaken(s, f)) {
		t->stats.stale++;
		table_note_unseen(t, s);
		table_forget(t, s, f->time_ns);
	} else if (s->flags & SOCKET_TOLD_OPEN) {
		s = table_insert(t, 0);
		s->sk = f->sk;
		return s;
	} else {
		table_remove(t, s);
	}
	return table_insert(t, f->sk);
}

struct socket *table_begin_record(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);

	return s ? replace(t, s, f) : table_insert(t, f->sk);
}

struct socket *socket_of(struct table *t, const struct fact *f)
{
	struct socket *s = table_find(t, f->sk);

	if (!s || socket_is_stale(s, f)) {
		s = table_begin_record(t, f);
		/* Only a change of state has a `from`; else `to` is the state now. */
		s->state = (uint8_t)(f->from ? f->from : f->to);
	}
	s->flags &= ~(uint32_t)SOCKET_FOUND;
	table_remove_listener(t, s);
	ports_changed(t, s);
	if (s->flags & SOCKET_HELD) {
		s->flags &= ~(uint32_t)SOCKET_HELD;
		held_flush(t, s);
	}
	return s;
}

/* The process a fact names, with a reference the caller releases; NULL when it names none. */
const struct process *process_of(struct table *t, const struct fact *f)
{
	return f->has_task ? process_intern(t->processes, &f->task) : NULL;
}

void socket_own(struct table *t, struct socket *s, const struct fact *f)
{
	const struct process *p = process_of(t, f);

	if (!f->has_task)
		return;
	process_release(t->processes, s->binder);
	s->binder = NULL;
	s->owned_ns = f->time_ns;
	table_set_owner(t, s, p); /* NULL without room for a process: better nobody than the last */
	s->flags &= ~(uint32_t)SOCKET_SEED_OWNER;
	process_release(t->processes, p);
}

/* Who a call named; a child's owner is its listener's until it is accepted. */
const struct process *socket_named_owner(const struct socket *s)
{
	bool inherited = (s->flags & (SOCKET_PASSIVE | SOCKET_ACCEPTED)) == SOCKET_PASSIVE;

	return inherited || (s->flags & SOCKET_SEED_OWNER) ? NULL : s->owner;
}

/* The same process, and it is still the same program. */
static bool is_unchanged(const struct process *a, const struct process *b)
{
	return a == b || (a && b && a->pid == b->pid && a->uid == b->uid &&
			  memcmp(a->name, b->name, sizeof(a->name)) == 0);
}

/* Who bound or listens, and has it open no more. */
static void keep_binder(struct table *t, struct socket *s, const struct process *named)
{
	if (s->state != STATE_LISTEN && !socket_is_bound(s))
		return;
	process_hold(named);
	process_release(t->processes, s->binder);
	s->binder = named;
}

void table_disown(struct table *t, struct socket *s)
{
	const struct process *named = socket_named_owner(s);

	if (named)
		keep_binder(t, s, named);
	s->flags |= SOCKET_SEED_OWNER;
	table_set_owner(t, s, NULL);
}

bool table_choose_owner(struct table *t, struct owner_look *look, struct socket *s,
			uint64_t looked_ns)
{
	const struct process *named = socket_named_owner(s), *owner;

	if (!owner_look_choose(look, s->sk, named ? named->pid : 0, &owner))
		return false;
	s->owned_ns = looked_ns;
	s->flags &= ~(uint32_t)SOCKET_QUEUED;
	if (named && (!owner || owner->pid != named->pid))
		keep_binder(t, s, named);
	if (!named || !owner || owner->pid != named->pid)
		s->flags |= SOCKET_SEED_OWNER;
	if (!is_unchanged(owner, s->owner))
		table_set_owner(t, s, owner);
	return true;
}

void event_of_close(struct event *e, const struct socket *s, uint64_t time_ns)
{
	struct event_close *c = &e->close;

	event_of_socket(e, s, EVENT_CLOSE, time_ns);
	c->end = EVENT_END_SEEN;
	c->told = s->flags & SOCKET_TOLD_OPEN;
	c->opened_ns = s->opened_ns;
	c->duration_ns =
		s->opened_ns && time_ns >= s->opened_ns ? time_ns - s->opened_ns : UINT64_MAX;
	c->counted = false;
	c->sent_bytes = c->received_bytes = 0;
	c->retransmits = c->rtt_us = 0;
	c->reason = REASON_UNKNOWN;
	c->how = HOW_UNKNOWN;
	c->syns = 0;
	c->silent = c->time_wait = c->time_wait_unknown = false;
	c->span_count = s->span_count;
	for (unsigned int i = 0; i < s->span_count; i++) {
		c->spans[i].state = (enum tcp_state)s->span_state[i];
		c->spans[i].ns = s->span_ns[i];
	}
}
