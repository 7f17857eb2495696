// SPDX-License-Identifier: GPL-2.0-only
/* table_held.c - ends that wait for the fact that explains them, oldest first. */
#include "table_ports.h"

static void emit(struct table *t, struct held *h)
{
	if (h->out)
		return; /* before its turn */
	h->out = true;
	t->held_waiting--;
	if (h->has_state)
		t->sink(t->ctx, &h->state);
	t->sink(t->ctx, &h->close);
	process_release(t->processes, h->close.process);
}

static struct held *at(struct held_queue *q, size_t i)
{
	return &q->held[(q->first + i) % HELD_MAX];
}

static void drop_first(struct held_queue *q)
{
	q->first = (q->first + 1) % HELD_MAX;
	q->count--;
}

static void emit_first(struct table *t, struct held_queue *q)
{
	emit(t, at(q, 0));
	drop_first(q);
}

bool held_release(struct table *t, uint64_t now_ns)
{
	/* Called for every fact. */
	if (!t->held_waiting || now_ns < t->held_due_ns)
		return t->held_waiting > 0;
	t->held_due_ns = UINT64_MAX;
	for (int what = 0; what < HELD_FOR_KINDS; what++) {
		struct held_queue *q = &t->held[what];

		while (q->count && (at(q, 0)->out || at(q, 0)->due_ns <= now_ns))
			emit_first(t, q);
		if (q->count && at(q, 0)->due_ns < t->held_due_ns)
			t->held_due_ns = at(q, 0)->due_ns;
	}
	return t->held_waiting > 0;
}

struct held *held_push(struct table *t, enum held_for what, uint64_t time_ns)
{
	static const uint64_t wait_ns[HELD_FOR_KINDS] = {
		[HELD_FOR_RESET] = TABLE_HOLD_NS,
		[HELD_FOR_LIKELY_RESET] = TABLE_LATE_NS,
		[HELD_FOR_ERRNO] = TABLE_ERRNO_NS,
	};
	struct held_queue *q = &t->held[what];
	struct held *h;

	if (q->count == HELD_MAX)
		emit_first(t, q);
	h = at(q, q->count++);
	h->out = false;
	h->due_ns = time_ns + wait_ns[what];
	if (!t->held_waiting++ || h->due_ns < t->held_due_ns)
		t->held_due_ns = h->due_ns;
	return h;
}

/* The pointer may have a new life by now: the cookie, where both are known, tells. */
static struct held *find(struct table *t, enum held_for what, uint64_t sk, uint64_t cookie)
{
	struct held_queue *q = &t->held[what];

	for (size_t i = q->count; i-- > 0;) {
		struct held *h = at(q, i);

		if (h->sk == sk && !h->out &&
		    (!cookie || !h->close.cookie || h->close.cookie == cookie))
			return h;
	}
	return NULL;
}

void held_reset_sent(struct table *t, const struct fact *f)
{
	struct held *h = find(t, HELD_FOR_RESET, f->sk, f->cookie);

	if (!h)
		h = find(t, HELD_FOR_LIKELY_RESET, f->sk, f->cookie);
	if (!h)
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
	struct held *h = find(t, HELD_FOR_ERRNO, f->sk, f->cookie);

	if (!h)
		return;
	h->close.close.reason = reason_of_errno(-f->result, h->close.local.port != 0);
	h->close.error = -f->result;
	emit(t, h);
}

const struct event *held_of_connect(struct table *t, const struct fact *f)
{
	const struct held *h = find(t, HELD_FOR_ERRNO, f->sk, f->cookie);

	return h ? &h->close : NULL;
}

static void flush_kind(struct table *t, enum held_for what, const struct socket *s)
{
	struct held *h = find(t, what, s->sk, s->cookie);

	if (h)
		emit(t, h);
}

void held_errno_missed(struct table *t, const struct socket *s)
{
	flush_kind(t, HELD_FOR_ERRNO, s);
}

void held_flush(struct table *t, const struct socket *s)
{
	for (int what = 0; what < HELD_FOR_KINDS; what++)
		flush_kind(t, (enum held_for)what, s);
}

void held_drop(struct table *t)
{
	for (int what = 0; what < HELD_FOR_KINDS; what++)
		for (struct held_queue *q = &t->held[what]; q->count; drop_first(q))
			if (!at(q, 0)->out)
				process_release(t->processes, at(q, 0)->close.process);
}
