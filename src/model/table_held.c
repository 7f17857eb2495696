// SPDX-License-Identifier: GPL-2.0-only
/* table_held.c - ends that wait for the fact that explains them, oldest first. */
#include "table_ports.h"

static void emit(struct table *t, struct held *h)
{
	if (h->out)
		return; /* before its turn */
	h->out = true;
	if (h->has_state)
		t->sink(t->ctx, &h->state);
	t->sink(t->ctx, &h->close);
	process_release(t->processes, h->close.process);
}

static void emit_first(struct table *t)
{
	emit(t, &t->held[t->held_first]);
	t->held_first = (t->held_first + 1) % HELD_MAX;
	t->held_count--;
}

bool held_release(struct table *t, uint64_t now_ns)
{
	while (t->held_count &&
	       (t->held[t->held_first].out || t->held[t->held_first].due_ns <= now_ns))
		emit_first(t);
	return t->held_count > 0;
}

struct held *held_push(struct table *t)
{
	struct held *h;

	if (t->held_count == HELD_MAX)
		emit_first(t);
	h = &t->held[(t->held_first + t->held_count++) % HELD_MAX];
	h->out = false;
	return h;
}

/* The pointer may have a new life by now: the cookie, where both are known, tells. */
static struct held *find(struct table *t, uint64_t sk, uint64_t cookie)
{
	for (size_t i = t->held_count; i-- > 0;) {
		struct held *h = &t->held[(t->held_first + i) % HELD_MAX];

		if (h->sk == sk && !h->out &&
		    (!cookie || !h->close.cookie || h->close.cookie == cookie))
			return h;
	}
	return NULL;
}

void held_reset_sent(struct table *t, const struct fact *f)
{
	struct held *h = find(t, f->sk, f->cookie);

	if (!h || h->in_connect)
		return;
	h->state.state.to = STATE_CLOSE;
	h->state.state.substate = STATE_NONE;
	h->close.close.time_wait = h->close.close.time_wait_unknown = false;
	ports_no_time_wait(t, &h->close);
	h->close.close.reason = REASON_LOCAL_RESET;
	/* Else too many orphans, or no memory for them, may be why, too. */
	if (h->close.error || h->state.state.from == STATE_FIN_WAIT2)
		h->close.close.how = HOW_LATE_DATA;
	h->close.error = 0;
	emit(t, h);
}

void held_connect_failed(struct table *t, const struct fact *f)
{
	struct held *h = find(t, f->sk, f->cookie);

	if (!h || !h->in_connect)
		return;
	h->close.close.reason = reason_of_errno(-f->result, h->close.local.port != 0);
	h->close.error = -f->result;
	emit(t, h);
}

void held_flush(struct table *t, const struct socket *s)
{
	struct held *h = find(t, s->sk, s->cookie);

	if (h)
		emit(t, h);
}

void held_drop(struct table *t)
{
	for (; t->held_count; t->held_count--) {
		struct held *h = &t->held[t->held_first];

		if (!h->out)
			process_release(t->processes, h->close.process);
		t->held_first = (t->held_first + 1) % HELD_MAX;
	}
}
