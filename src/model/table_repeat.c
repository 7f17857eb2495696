// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_repeat.c - the same failure again, as a program that tries in a loop makes it: told at once the first time, and
 * then with a count when a second has passed or what stands in the way has changed.
 *
 *     item: a ring in the order in which the seconds began    head (by hash) ──▶ chains through the items
 *
 * Which socket failed makes no difference: a program that tries anew makes a new one.
 */
#include "ports_private.h"

#include <errno.h>
#include <stdlib.h>

#define REPEATS	  512 /* more different ones in a second: the oldest is told before its time */
#define WINDOW_NS 1000000000u
#define NO_ITEM	  UINT16_MAX

struct repeat {
	struct event e;	   /* the last one, with references to its processes */
	uint64_t count;	   /* not told yet */
	uint64_t since_ns; /* of the first of these */
	uint64_t due_ns;
	uint32_t change; /* of the port, when it was told last */
	uint32_t hash, device;
	uint16_t next;
	uint8_t options;
	bool told; /* once, with what stood in the way */
};

struct repeats {
	struct repeat item[REPEATS];
	size_t first, count;
	uint16_t head[REPEATS];
};

bool repeat_init(struct table *t)
{
	t->repeats = calloc(1, sizeof(*t->repeats));
	if (t->repeats)
		memset(t->repeats->head, 0xff, sizeof(t->repeats->head));
	return t->repeats != NULL;
}

static const struct process *listener_of(const struct event *e)
{
	return e->kind == EVENT_ACCEPT ? e->accept.listener : NULL;
}

static void release_item(struct table *t, const struct repeat *item)
{
	process_release(t->processes, item->e.process);
	process_release(t->processes, listener_of(&item->e));
}

void repeat_done(struct table *t)
{
	struct repeats *r = t->repeats;

	for (; r->count; r->count--) {
		release_item(t, &r->item[r->first]);
		r->first = (r->first + 1) % REPEATS;
	}
	free(r);
}

static uint32_t hash_of(const struct event *e)
{
	const struct endpoint *ends[] = {&e->local, &e->peer};
	uint32_t hash = 0x811c9dc5u ^ (e->process ? e->process->pid : 0);

	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < sizeof(ends[i]->addr); k++)
			hash = (hash ^ ends[i]->addr[k]) * 0x01000193u;
		hash = (hash ^ ends[i]->port) * 0x01000193u;
	}
	hash = (hash ^ (uint32_t)e->error ^ (uint32_t)e->kind << 16) * 0x01000193u;
	return hash ^ hash >> 15;
}

/* The threads of a process are one. */
static bool same_process(const struct process *a, const struct process *b)
{
	return a == b ||
	       (a && b && a->pid == b->pid && a->uid == b->uid && a->cgroup_id == b->cgroup_id &&
		memcmp(a->name, b->name, sizeof(a->name)) == 0);
}

static bool is_same(const struct repeat *item, const struct event *e, const struct fact *f)
{
	const struct event *last = &item->e;

	return last->kind == e->kind && last->error == e->error && last->netns == e->netns &&
	       last->protocol == e->protocol && last->family == e->family &&
	       item->options == f->options && item->device == f->device &&
	       same_place(&last->local, &e->local) && same_place(&last->peer, &e->peer) &&
	       same_process(last->process, e->process) &&
	       (e->kind != EVENT_CONNECT || last->connect.no_source == e->connect.no_source);
}

/* EADDRINUSE tells who holds the port, so it is told anew when that changes. */
static uint32_t change_of(const struct table *t, const struct event *e)
{
	return e->error == EADDRINUSE ? t->change[port_bucket(e->netns, e->local.port)] : 0;
}

static void tell(struct table *t, struct repeat *item)
{
	struct event e = item->e;

	if (!item->told) {
		e.time_ns = item->since_ns;
		t->sink(t->ctx, &e);
		e.time_ns = item->e.time_ns;
		item->told = true;
		item->count--;
	}
	if (!item->count)
		return;
	e.repeated = item->count;
	e.since_ns = item->since_ns;
	item->count = 0;
	t->sink(t->ctx, &e);
}

static void end_first(struct table *t)
{
	struct repeats *r = t->repeats;
	struct repeat *item = &r->item[r->first];
	uint16_t *link = &r->head[item->hash % REPEATS];

	tell(t, item);
	while (*link != r->first)
		link = &r->item[*link].next;
	*link = item->next;
	release_item(t, item);
	r->first = (r->first + 1) % REPEATS;
	r->count--;
}

void repeat_release(struct table *t, uint64_t now_ns)
{
	struct repeats *r = t->repeats;

	while (r->count && r->item[r->first].due_ns <= now_ns)
		end_first(t);
}

static void add(struct repeat *item, const struct event *e, const struct fact *f)
{
	if (!item->count) {
		item->since_ns = f->since_ns ? f->since_ns : f->time_ns;
		item->e.cookie = e->cookie;
	} else if (item->e.cookie != e->cookie) {
		item->e.cookie = 0; /* of several sockets */
	}
	item->count += f->repeated + 1;
	item->e.time_ns = e->time_ns;
}

static struct repeat *new_item(struct table *t, uint32_t hash)
{
	struct repeats *r = t->repeats;
	size_t at;

	if (r->count == REPEATS)
		end_first(t);
	at = (r->first + r->count++) % REPEATS;
	r->item[at] = (struct repeat){.hash = hash, .next = r->head[hash % REPEATS]};
	r->head[hash % REPEATS] = (uint16_t)at;
	return &r->item[at];
}

static struct repeat *find(struct repeats *r, uint32_t hash, const struct event *e,
			   const struct fact *f)
{
	for (uint16_t i = r->head[hash % REPEATS]; i != NO_ITEM; i = r->item[i].next) {
		if (is_same(&r->item[i], e, f))
			return &r->item[i];
	}
	return NULL;
}

void repeat_learned(struct table *t, const struct event *e, const struct fact *f)
{
	struct repeat *item = find(t->repeats, hash_of(e), e, f);

	if (item)
		item->change = change_of(t, e);
}

bool repeat_take(struct table *t, const struct event *e, const struct fact *f)
{
	/* Counted by the kernel side: late, so who holds the port now would be wrong. */
	bool late = f->since_ns != 0;
	struct repeats *r = t->repeats;
	uint32_t hash = hash_of(e), change = change_of(t, e);
	struct repeat *item = find(r, hash, e, f);

	if (!item) {
		item = new_item(t, hash);
		item->e = *e;
		process_hold(e->process);
		process_hold(listener_of(e));
		item->options = f->options;
		item->device = f->device;
		item->due_ns = f->time_ns + WINDOW_NS;
	} else if (item->told && item->change != change && !late) {
		/* Without credit nothing new would be said of it. */
		late = !ports_have_credit(t, f->time_ns);
		if (!late)
			tell(t, item);
	} else {
		late |= item->told;
	}
	if (late) {
		add(item, e, f);
		return true;
	}
	item->told = true;
	item->change = change;
	return false;
}
