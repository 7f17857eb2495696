// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_overflow.c - listeners whose queue is full, by what the kernel counts.
 *
 * The counter of a listener grows with each SYN or ACK that finds the queue full, and with stray packets that no queue has to do with
 * (net/ipv4/tcp_input.c tcp_rcv_state_process()).  So it grows for an overflow only where the queue was full at a look, too, or
 * where the namespace's own counter grew by more than all its other listeners may have added (tcp_conn_request()).
 */
#include "table_record.h"

#include "wire_listener.h"

#include <netinet/in.h>
#include <stdlib.h>

/* Who is dropped asks again after 1, 2, 4 ... seconds: a pause shorter than this ends nothing. */
#define PAUSE_NS 10000000000ull

#define MAX_DOUBTS 64

/* A namespace whose listeners were looked at. */
struct space {
	uint32_t netns, pid; /* a process that may be in it */
	uint64_t overflows;  /* of its counter, UINT64_MAX not known */
	uint64_t grown;	     /* all its listeners, in this round */
	uint64_t early;	     /* counted in the round before, after its listeners were looked at */
	bool gone;	     /* one has ended in this round: what it added is not known */
	bool seen, counted;  /* in this round */
	bool tried;
};

struct overflows {
	struct space *space;
	size_t count;
	/* Grown in this round, and the queue was not full at a look. */
	struct {
		uint64_t sk;
		uint32_t netns, grown;
	} doubt[MAX_DOUBTS];
	size_t doubts;
};

void overflows_free(struct table *t)
{
	if (t->overflows)
		free(t->overflows->space);
	free(t->overflows);
}

static struct space *find_space(const struct table *t, uint32_t netns)
{
	for (size_t i = 0; t->overflows && i < t->overflows->count; i++) {
		if (t->overflows->space[i].netns == netns)
			return &t->overflows->space[i];
	}
	return NULL;
}

/* NULL without memory: short overflows are not seen then. */
static struct space *space_of(struct table *t, const struct socket *s)
{
	struct space *space = find_space(t, s->netns), *grown;
	struct overflows *o;

	if (!t->overflows)
		t->overflows = calloc(1, sizeof(*t->overflows));
	o = t->overflows;
	if (!space && o) {
		grown = realloc(o->space, (o->count + 1) * sizeof(*grown));
		if (!grown)
			return NULL;
		o->space = grown;
		space = &grown[o->count++];
		*space = (struct space){.netns = s->netns, .overflows = UINT64_MAX};
	}
	if (!space)
		return NULL;
	space->seen = true;
	if (s->owner)
		space->pid = s->owner->pid;
	return space;
}

size_t table_listeners(const struct table *t, struct table_round *round, struct wire_listener *list,
		       size_t max)
{
	size_t count = 0;

	for (; round->port < PORTS; round->port++, round->seen = 0) {
		uint32_t at = 0;

		for (uint32_t i = t->listener[round->port]; i != NO_SLOT;) {
			const struct socket *s = table_slot(t, i);

			i = s->next_listener;
			if (at++ < round->seen || s->protocol != IPPROTO_TCP)
				continue;
			if (count == max)
				return count;
			round->seen = at;
			list[count++] = (struct wire_listener){.sk = s->sk};
		}
	}
	return count;
}

void table_each_listener(const struct table *t, event_sink_fn fn, void *ctx)
{
	for (uint32_t port = 0; port < PORTS; port++) {
		for (uint32_t i = t->listener[port]; i != NO_SLOT;) {
			const struct socket *s = table_slot(t, i);
			struct event e = {0};

			i = s->next_listener;
			if (s->state != STATE_LISTEN)
				continue;
			event_of_socket(&e, s, EVENT_OVERFLOW, s->since_ns);
			if (s->flags & SOCKET_LOOKED_AT) {
				e.overflow.waiting = s->queue.waiting;
				e.overflow.limit = s->queue.limit;
			}
			fn(ctx, &e);
		}
	}
}

static void tell(struct table *t, const struct socket *s, bool ended, uint64_t time_ns)
{
	const struct listener_queue *q = &s->queue;
	struct event e;

	event_of_socket(&e, s, EVENT_OVERFLOW, time_ns);
	e.overflow = (struct event_overflow){
		.ended = ended,
		.waiting = q->waiting,
		.limit = q->limit,
		.dropped = q->dropped - q->before,
		.since_ns = q->begun_ns,
	};
	t->sink(t->ctx, &e);
}

void overflow_end(struct table *t, struct socket *s, uint64_t time_ns)
{
	struct space *space = find_space(t, s->netns);

	if (space)
		space->gone = true;
	if ((s->flags & SOCKET_LOOKED_AT) && s->queue.begun_ns)
		tell(t, s, true, time_ns);
	s->flags &= ~(uint32_t)SOCKET_LOOKED_AT;
}

static void note_grown(struct table *t, const struct socket *s, uint32_t by, bool doubt)
{
	struct space *space = space_of(t, s);
	struct overflows *o = t->overflows;

	if (!space)
		return;
	space->grown += by;
	if (!by || !doubt || o->doubts == MAX_DOUBTS)
		return;
	o->doubt[o->doubts].sk = s->sk;
	o->doubt[o->doubts].netns = s->netns;
	o->doubt[o->doubts++].grown = by;
}

static void see(struct table *t, struct socket *s, const struct wire_listener *l, uint64_t now_ns)
{
	struct listener_queue *q = &s->queue;
	bool was_full, full = l->waiting > l->limit, grown;

	if (!(s->flags & SOCKET_LOOKED_AT)) {
		/* What was dropped before the trace belongs to no overflow that it tells. */
		s->span_count = 0; /* of a life whose end was lost */
		*q = (struct listener_queue){.dropped = s->opened_ns ? 0 : l->dropped};
		s->flags |= SOCKET_LOOKED_AT;
	}
	was_full = q->waiting > q->limit;
	grown = l->dropped != q->dropped;
	note_grown(t, s, l->dropped - q->dropped, !q->begun_ns && !full && !was_full);
	q->waiting = l->waiting;
	q->limit = l->limit;
	if (grown)
		q->grown_ns = now_ns;
	if (!q->begun_ns) {
		q->before = q->dropped;
		q->dropped = l->dropped;
		if (grown && (full || was_full)) {
			q->begun_ns = now_ns;
			tell(t, s, false, now_ns);
		}
		return;
	}
	q->dropped = l->dropped;
	if (grown || (full && now_ns - q->grown_ns < PAUSE_NS))
		return;
	tell(t, s, true, now_ns);
	q->begun_ns = 0;
}

void table_listeners_seen(struct table *t, const struct wire_listener *list, size_t count,
			  uint64_t now_ns)
{
	for (size_t i = 0; i < count; i++) {
		struct socket *s = table_find(t, list[i].sk);

		if (s && s->state == STATE_LISTEN && list[i].state == STATE_LISTEN &&
		    (!s->cookie || s->cookie == list[i].cookie))
			see(t, s, &list[i], now_ns);
	}
}

bool table_uncounted(const struct table *t, size_t *at, uint32_t *ret_netns, uint32_t *ret_pid)
{
	for (; t->overflows && *at < t->overflows->count; ++*at) {
		const struct space *space = &t->overflows->space[*at];

		if (space->tried && !space->grown)
			continue;
		*ret_netns = space->netns;
		*ret_pid = space->pid;
		++*at;
		return true;
	}
	return false;
}

/* It grew by `count`; the other listeners of the namespace may have added as much as they grew. */
static void judge(struct table *t, const struct space *space, uint64_t count, uint64_t now_ns)
{
	const struct overflows *o = t->overflows;

	for (size_t i = 0; i < o->doubts; i++) {
		uint32_t grown = o->doubt[i].grown;
		struct socket *s = table_find(t, o->doubt[i].sk);

		if (o->doubt[i].netns != space->netns || !s || !(s->flags & SOCKET_LOOKED_AT) ||
		    s->queue.begun_ns || count <= space->grown - grown)
			continue;
		s->queue.before = s->queue.dropped - grown;
		s->queue.begun_ns = now_ns;
		tell(t, s, false, now_ns);
	}
}

void table_counted(struct table *t, uint32_t netns, uint64_t overflows, uint64_t now_ns)
{
	struct space *space = find_space(t, netns);
	uint64_t count, early = 0;

	if (!space)
		return;
	/* Lower: another namespace has the inode now. */
	if (!space->gone && overflows != UINT64_MAX && space->overflows <= overflows) {
		count = overflows - space->overflows + space->early;
		judge(t, space, count, now_ns);
		early = count > space->grown ? count - space->grown : 0;
	}
	space->overflows = overflows;
	space->early = early;
	space->tried = space->counted = true;
}

void table_round_end(struct table *t)
{
	struct overflows *o = t->overflows;
	size_t kept = 0;

	for (size_t i = 0; o && i < o->count; i++) {
		struct space space = o->space[i];

		if (!space.seen)
			continue;
		/* What grew and was not counted would be another round's. */
		if (space.grown && !space.counted)
			space.overflows = UINT64_MAX;
		if (!space.counted)
			space.early = 0;
		space.grown = 0;
		space.gone = space.seen = space.counted = false;
		o->space[kept++] = space;
	}
	if (o) {
		o->count = kept;
		o->doubts = 0;
	}
}
