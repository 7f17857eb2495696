// SPDX-License-Identifier: GPL-2.0-only
/* pack.c - events into records; the thread that drains the kernel runs this. */
#include "store_budget.h"
#include "store_private.h"

#include <stdio.h>
#include <string.h>

/* Text behind a record is cut where it would not fit; paths of cgroups end at 4096. */
#define TEXT_MAX 3900
/* The most bytes that a life takes, its process included. */
#define OPEN_BYTES                                                                                 \
	(sizeof(struct record) + SPANS_BYTES + sizeof(struct record_process) + TEXT_ARGS * TEXT_MAX + \
	 PROCESS_ARGS_MAX + PARENTS_BYTES + 8)

static uint16_t text_len(const char *text)
{
	return text ? (uint16_t)strnlen(text, TEXT_MAX) : 0;
}

static void drop(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->stats.dropped++ == s->dropped_told)
		s->dropped_since_ns = store_clock(true);
	pthread_mutex_unlock(&s->lock);
}

/* Tells which process `slot` stands for from here on; false when there is no room. */
static bool put_process(struct store *s, uint32_t slot, const struct process *p, int64_t wall_offset_ns)
{
	const struct program *program = p->program;
	const char *args = program ? program->args : NULL;
	uint8_t parents[PARENTS_BYTES];
	const void *text[TEXTS] = {
		[TEXT_CGROUP] = p->cgroup,
		[TEXT_CONTAINER] = p->container,
		[TEXT_CONTAINER_NAME] = p->container_name,
		[TEXT_POD] = p->pod,
		[TEXT_UNIT] = p->unit,
		[TEXT_EXE] = program ? program->exe : NULL,
		[TEXT_ARGS] = args,
		[TEXT_PARENTS] = p->parents_known ? parents : NULL,
	};
	uint16_t len[TEXTS];
	size_t size = sizeof(struct record_process);
	struct record_process *r;
	char *to;

	for (int i = 0; i < TEXTS; i++)
		len[i] = text_len(i < TEXT_ARGS ? text[i] : NULL);
	len[TEXT_ARGS] = (uint16_t)(args ? program->args_len : 0);
	len[TEXT_PARENTS] = (uint16_t)(p->parents_known ? parents_pack(parents, p, wall_offset_ns) : 0);
	for (int i = 0; i < TEXTS; i++)
		size += len[i];
	size = (size + 7) & ~(size_t)7;
	r = queue_reserve(&s->queue, size);
	if (!r)
		return false;
	to = (char *)(r + 1);
	*r = (struct record_process){
		.size = (uint16_t)size,
		.kind = RECORD_PROCESS,
		.args_cut = args && program->args_cut,
		.slot = slot,
		.pid = p->pid,
		.tid = p->tid,
		.uid = p->uid,
		.ruid = p->ruid,
		.cgroup_id = p->cgroup_id,
		.program = program ? program->hash : 0,
	};
	if (program && program->start_ns) {
		r->start_boot_ns = program->start_ns;
		r->start_ns = program->start_ns + (uint64_t)wall_offset_ns;
	}
	memcpy(r->name, p->name, sizeof(r->name));
	for (int i = 0; i < TEXTS; i++) {
		r->len[i] = len[i];
		r->has |= (uint8_t)((text[i] != NULL) << i);
		if (len[i])
			memcpy(to, text[i], len[i]);
		to += len[i];
	}
	queue_commit(&s->queue, size, false);
	return true;
}

static bool find_slot(struct store *s, const struct process *p, int64_t wall_offset_ns, uint32_t *ret)
{
	bool is_new;

	*ret = NO_SLOT;
	if (!p)
		return true;
	*ret = slots_find(s->slots, p, &is_new);
	if (!is_new || put_process(s, *ret, p, wall_offset_ns))
		return true;
	slots_forget(s->slots, *ret);
	return false;
}

static uint64_t facts_of(const struct event *e)
{
	return (e->protocol & FACTS_PROTOCOL) | (e->family == FAMILY_IPV6 ? FACTS_IPV6 : 0) |
	       (e->mapped ? FACTS_MAPPED : 0) | (e->kernel ? FACTS_KERNEL : 0) |
	       (e->has_asked ? FACTS_ASKED : 0) | (e->has_local ? FACTS_HAS_LOCAL : 0) |
	       (e->has_peer ? FACTS_HAS_PEER : 0) |
	       (uint32_t)e->local.takes << FACTS_TAKES_SHIFT;
}

static void fill_socket(struct record *r, const struct event *e)
{
	r->facts = facts_of(e);
	r->netns = e->netns;
	r->cookie = e->cookie;
	r->error = (uint16_t)e->error;
	r->local_port = e->local.port;
	r->peer_port = e->peer.port;
	r->local_if = e->local.ifindex;
	r->peer_if = e->peer.ifindex;
	memcpy(r->local, e->local.addr, sizeof(r->local));
	memcpy(r->peer, e->peer.addr, sizeof(r->peer));
	r->asked_port = e->asked.port;
	memcpy(r->asked, e->asked.addr, sizeof(r->asked));
}

static void fill_life(struct record *r, const struct event *e)
{
	const struct event_close *c = &e->close;
	enum event_end end = c->end;

	/* Found gone after a loss: the time is when it was missed, not when it ended. */
	if (end == EVENT_END_SEEN && c->opened_ns && c->duration_ns == UINT64_MAX)
		end = EVENT_END_UNSEEN;
	r->facts |= (c->counted ? FACTS_COUNTED : 0) | (c->time_wait ? FACTS_TIME_WAIT : 0) |
		    (c->opened_ns ? FACTS_OPENED : 0) | (uint32_t)end << FACTS_END_SHIFT |
		    (uint32_t)c->reason << FACTS_REASON_SHIFT |
		    (uint64_t)c->how << FACTS_HOW_SHIFT |
		    (c->time_wait_unknown ? FACTS_TIME_WAIT_UNKNOWN : 0) |
		    (c->silent ? FACTS_SILENT : 0);
	if (c->end == EVENT_END_OPEN)
		r->facts |= (uint32_t)c->state << FACTS_STATE_SHIFT;
	if (c->opened_ns && e->time_ns > c->opened_ns)
		r->life.lived_ns = e->time_ns - c->opened_ns;
	r->life.sent = c->sent_bytes;
	r->life.received = c->received_bytes;
	r->life.retransmits = c->retransmits;
	r->life.rtt_us = c->rtt_us;
	r->life.heard_ns = c->last_heard_ns;
	r->life.unacked = c->unacked_bytes;
	r->life.syns = c->syns;
	r->life.told = c->told;
	r->spans = (uint16_t)spans_pack((uint8_t *)(r + 1), c);
}

/* Told once and when it changes, also where another with its inode follows; without room with the next event. */
static void note_netns(struct store *s, const struct event *e, int64_t wall_offset_ns)
{
	struct told_netns *told = &s->told_netns[e->netns % TOLD_NETNS];
	const char *name = e->netns_name ? e->netns_name : "";
	struct record_netns *r;

	if (told->netns == e->netns && told->away == (e->netns_name != NULL) &&
	    strcmp(told->name, name) == 0)
		return;
	r = queue_reserve(&s->queue, sizeof(*r));
	if (!r)
		return;
	*r = (struct record_netns){
		.size = sizeof(*r),
		.kind = RECORD_NETNS,
		.away = e->netns_name != NULL,
		.netns = e->netns,
		.time_ns = e->time_ns + (uint64_t)wall_offset_ns,
	};
	snprintf(r->name, sizeof(r->name), "%s", name);
	told->netns = e->netns;
	told->away = r->away;
	memcpy(told->name, r->name, sizeof(told->name));
	queue_commit(&s->queue, r->size, false);
}

/* As put_call() puts them. */
static uint32_t follow_of(const struct event *e)
{
	if (e->kind == EVENT_OVERFLOW || e->repeated)
		return 1;
	return e->trouble ? 1 + (uint32_t)e->trouble->holder_count : 0;
}

/* False when it was dropped. */
static bool put_event(struct store *s, const struct event *e, int64_t wall_offset_ns,
		      enum record_kind kind)
{
	size_t size = sizeof(struct record) + SPANS_BYTES;
	struct record *r;
	uint32_t slot = NO_SLOT;

	if (kind != RECORD_LOST)
		note_netns(s, e, wall_offset_ns);
	if ((kind != RECORD_LOST && !find_slot(s, e->process, wall_offset_ns, &slot)) ||
	    !(r = queue_reserve(&s->queue, size))) {
		if (kind != RECORD_OPEN)
			drop(s);
		return false;
	}
	memset(r, 0, sizeof(*r));
	r->kind = (uint8_t)kind;
	r->slot = slot;
	r->boot_ns = e->time_ns;
	r->time_ns = e->time_ns + (uint64_t)wall_offset_ns;
	switch (kind) {
	case RECORD_LIFE:
	case RECORD_OPEN:
		fill_socket(r, e);
		fill_life(r, e);
		break;
	case RECORD_CALL:
		fill_socket(r, e);
		r->call.event = (uint8_t)e->kind;
		r->call.follow = follow_of(e);
		if (e->kind == EVENT_LISTEN)
			r->call.number = e->listen.backlog;
		if (e->kind == EVENT_OVERFLOW)
			r->call.number = (uint32_t)e->overflow.dropped;
		if ((e->kind == EVENT_CONNECT && e->connect.autobind) ||
		    (e->kind == EVENT_BIND && e->bind.autobind))
			r->facts |= FACTS_AUTOBIND;
		if (e->kind == EVENT_CONNECT && e->connect.no_source)
			r->facts |= FACTS_NO_SOURCE;
		break;
	case RECORD_LOST:
		r->lost.count = e->lost.count;
		r->lost.since_ns = e->lost.since_ns + (uint64_t)wall_offset_ns;
		r->lost.added = e->lost.added;
		r->lost.removed = e->lost.removed;
		break;
	case RECORD_PROCESS:
	case RECORD_NETNS:
	case RECORD_SWEEP:
	case RECORD_TROUBLE:
	case RECORD_BUDGET:
	case RECORD_HOLDER: break;
	}
	r->size = (uint16_t)((sizeof(*r) + r->spans + 7) & ~7u);
	queue_commit(&s->queue, r->size, kind != RECORD_OPEN);
	return true;
}

static struct record *new_record(struct store *s, enum record_kind kind)
{
	struct record *r = queue_reserve(&s->queue, sizeof(*r));

	if (r)
		*r = (struct record){.size = sizeof(*r), .kind = (uint8_t)kind};
	else
		drop(s);
	return r;
}

static void put_holder(struct store *s, const struct event_holder *h, int64_t wall_offset_ns)
{
	struct event as = {
		.protocol = h->protocol,
		.family = h->family,
		.mapped = h->mapped,
		.has_local = true,
		.has_peer = h->has_peer,
		.local = h->local,
		.peer = h->peer,
		.kernel = h->kernel,
	};
	uint32_t slot;
	struct record *r;

	if (!find_slot(s, h->process, wall_offset_ns, &slot)) {
		drop(s);
		return;
	}
	r = new_record(s, RECORD_HOLDER);
	if (!r)
		return;
	fill_socket(r, &as);
	r->slot = slot;
	r->holder.state = (uint8_t)h->state;
	r->holder.why = h->why;
	if (h->since_ns)
		r->holder.since_ns = h->since_ns + (uint64_t)wall_offset_ns;
	queue_commit(&s->queue, r->size, false);
}

/* Behind the call that met it. */
static void put_trouble(struct store *s, const struct event *e, int64_t wall_offset_ns)
{
	const struct event_trouble *t = e->trouble;
	struct record *r = new_record(s, RECORD_TROUBLE);

	if (!r)
		return;
	r->trouble.known =
		(t->has_holders ? TROUBLE_HOLDERS : 0) | (t->has_range ? TROUBLE_RANGE : 0);
	r->trouble.more = t->holders_more;
	r->trouble.low = t->low;
	r->trouble.high = t->high;
	r->trouble.reserved = t->reserved;
	r->trouble.used = t->used;
	r->trouble.unprivileged_from = t->unprivileged_from;
	if (t->holders_as_of_ns) {
		r->trouble.known |= TROUBLE_AS_OF;
		r->trouble.took_ns = e->time_ns - t->holders_as_of_ns;
	}
	queue_commit(&s->queue, r->size, false);
	for (size_t i = 0; i < t->holder_count; i++)
		put_holder(s, &t->holders[i], wall_offset_ns);
}

/* Likewise; nothing else is known of a failure that was repeated. */
static void put_repeated(struct store *s, const struct event *e)
{
	struct record *r = new_record(s, RECORD_TROUBLE);

	if (!r)
		return;
	r->trouble.known = TROUBLE_REPEATED;
	r->trouble.more = e->repeated;
	r->trouble.took_ns = e->time_ns - e->since_ns;
	queue_commit(&s->queue, r->size, false);
}

static void put_queue(struct store *s, const struct event *e)
{
	const struct event_overflow *o = &e->overflow;
	struct record *r = new_record(s, RECORD_TROUBLE);

	if (!r)
		return;
	r->trouble.known = TROUBLE_QUEUE;
	r->trouble.used = o->waiting;
	r->trouble.unprivileged_from = o->limit;
	r->trouble.took_ns = o->ended ? e->time_ns - o->since_ns : 0;
	queue_commit(&s->queue, r->size, false);
}

static bool put_call(struct store *s, const struct event *e, int64_t wall_offset_ns)
{
	bool put = put_event(s, e, wall_offset_ns, RECORD_CALL);

	if (put && e->kind == EVENT_OVERFLOW)
		put_queue(s, e);
	else if (put && e->repeated)
		put_repeated(s, e);
	else if (put && e->trouble)
		put_trouble(s, e, wall_offset_ns);
	return put;
}

bool store_event(struct store *s, const struct event *event, int64_t wall_offset_ns)
{
	switch (event->kind) {
	case EVENT_CLOSE: return put_event(s, event, wall_offset_ns, RECORD_LIFE);
	case EVENT_BIND:
	case EVENT_OVERFLOW:
	case EVENT_LISTEN: return put_call(s, event, wall_offset_ns);
	case EVENT_CONNECT:
	case EVENT_ACCEPT: return !event->error || put_call(s, event, wall_offset_ns);
	case EVENT_LOST: return put_event(s, event, wall_offset_ns, RECORD_LOST);
	case EVENT_STATE:
	case EVENT_KINDS: break;
	}
	return true;
}

bool store_budget(struct store *s, const struct budget_row *row, uint64_t time_ns,
		  const struct process *most, uint32_t held, int64_t wall_offset_ns)
{
	const struct budget_namespace *ns = row->ns;
	const struct event as = {
		.time_ns = time_ns,
		.protocol = row->protocol,
		.family = row->family,
		.netns = ns->netns,
		.netns_name = ns->name,
		.has_local = true,
		.has_peer = true,
		.local = row->local,
		.peer = row->peer,
	};
	struct record *r = NULL;
	uint32_t slot;

	note_netns(s, &as, wall_offset_ns);
	if (find_slot(s, most, wall_offset_ns, &slot))
		r = queue_reserve(&s->queue, sizeof(*r));
	if (!r) {
		drop(s);
		return false;
	}
	*r = (struct record){
		.size = sizeof(*r),
		.kind = RECORD_BUDGET,
		.slot = slot,
		.time_ns = time_ns + (uint64_t)wall_offset_ns,
		.budget = {.low = ns->range.low,
			   .high = ns->range.high,
			   .reserved = (uint16_t)ns->range.reserved_count,
			   .usable = ns->usable,
			   .used = row->taken,
			   .time_wait = row->time_wait,
			   .available = row->available,
			   .uncertain = row->uncertain,
			   .drain_ms = row->drain_ms,
			   .held = held},
	};
	fill_socket(r, &as);
	queue_commit(&s->queue, r->size, true);
	return true;
}

bool store_open_life(struct store *s, const struct event *life, int64_t wall_offset_ns)
{
	return queue_has_half(&s->queue, OPEN_BYTES) &&
	       put_event(s, life, wall_offset_ns, RECORD_OPEN);
}

bool store_sweep(struct store *s, uint64_t since_boot_ns, uint64_t alive_ns)
{
	struct record *r = queue_reserve(&s->queue, sizeof(*r));

	if (!r)
		return false;
	*r = (struct record){
		.size = sizeof(*r),
		.kind = RECORD_SWEEP,
		.sweep = {.since_boot_ns = since_boot_ns, .alive_ns = alive_ns},
	};
	queue_commit(&s->queue, sizeof(*r), false);
	return true;
}
