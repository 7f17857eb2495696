// SPDX-License-Identifier: GPL-2.0-only
#include "past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_MAKERS 64

static size_t home_of(const struct past *p, uint64_t cookie)
{
	return (size_t)((cookie * 0x9e3779b97f4a7c15ull) >> 24) & (p->bucket_count - 1);
}

/* A minisock: what is left of a socket that its process closed. */
static bool is_left(const struct listing_socket *s)
{
	return s->state == STATE_TIME_WAIT ||
	       (s->state == STATE_FIN_WAIT2 && s->first == LISTING_NONE);
}

/* One that lives and that nobody has open is on its way over a Unix socket: who sent it has no more to do with it. */
static bool wants_maker(const struct listing_socket *s)
{
	return s->first == LISTING_NONE && s->owner == LISTING_NONE &&
	       (is_left(s) || (s->flags & LOOK_DEAD));
}

static bool is_unknown(const struct listing_socket *s)
{
	return !s->since_ns || wants_maker(s);
}

int past_init(struct past *p, struct listing *l)
{
	*p = (struct past){.listing = l, .bucket_count = 1024, .first_maker = l->task_count};
	memset(p->chain, 0xff, sizeof(p->chain));
	while (p->bucket_count < l->socket_count * 2)
		p->bucket_count *= 2;
	p->bucket = calloc(p->bucket_count, sizeof(*p->bucket));
	if (!p->bucket)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->socket_count; i++) {
		const struct listing_socket *s = &l->sockets[i];
		size_t b = home_of(p, s->cookie);

		if (!s->cookie)
			continue;
		while (p->bucket[b])
			b = (b + 1) & (p->bucket_count - 1);
		p->bucket[b] = i + 1;
		p->unknown += is_unknown(s);
		p->left_unknown += is_left(s) && is_unknown(s);
	}
	return 0;
}

void past_done(struct past *p)
{
	free(p->bucket);
	free(p->next_maker);
	p->bucket = NULL;
	p->next_maker = NULL;
}

uint64_t past_wants(const struct past *p, uint32_t index)
{
	const struct listing_socket *s = &p->listing->sockets[index];

	return is_unknown(s) ? s->cookie : 0;
}

/* ---- makers ---- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_process(const struct process *a, const struct process *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->ruid == b->ruid &&
	       a->cgroup_id == b->cgroup_id && memcmp(a->name, b->name, sizeof(a->name)) == 0 &&
	       same_text(a->cgroup, b->cgroup) && same_text(a->container, b->container);
}

static bool grow_makers(struct past *p)
{
	size_t cap = p->maker_cap ? p->maker_cap * 2 : FIRST_MAKERS;
	uint32_t *grown;

	if (p->listing->task_count - p->first_maker < p->maker_cap)
		return true;
	grown = realloc(p->next_maker, cap * sizeof(*grown));
	if (!grown)
		return false;
	p->next_maker = grown;
	p->maker_cap = cap;
	return true;
}

/* The task of a process that may have ended; its pid may be somebody else's by now, so /proc is not asked. */
static uint32_t maker_of(struct past *p, const struct process *process)
{
	struct listing *l = p->listing;
	struct listing_task task = {.resolved = true};
	uint32_t *chain = &p->chain[process->pid % PAST_CHAINS], index;

	for (index = *chain; index != LISTING_NONE; index = p->next_maker[index - p->first_maker]) {
		if (same_process(&l->tasks[index].process, process))
			return index;
	}
	if (!grow_makers(p))
		return LISTING_NONE;
	process_copy(&task.process, process);
	index = listing_add_task(l, &task);
	if (index == LISTING_NONE) {
		process_copy_done(&task.process);
		return LISTING_NONE;
	}
	p->next_maker[index - p->first_maker] = *chain;
	*chain = index;
	return index;
}

/* ---- lives ---- */

static bool same_address(const struct endpoint *a, const struct endpoint *b)
{
	return memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

/* Equal cookies are one socket; one life of it has one pair of ends, but for UDP, which may change its peer. */
static bool is_life_of(const struct listing_socket *s, const struct event *e)
{
	if (s->netns != e->netns || s->protocol != e->protocol || s->family != (uint8_t)e->family ||
	    s->local.port != e->local.port)
		return false;
	if (e->close.end == EVENT_END_SEEN ? !e->close.time_wait || !is_left(s)
					   : s->state == STATE_TIME_WAIT)
		return false;
	if (inet_is_udp(s->protocol))
		return true;
	return same_address(&s->local, &e->local) &&
	       (!listing_has_peer(s) ||
		(e->has_peer && s->peer.port == e->peer.port && same_address(&s->peer, &e->peer)));
}

/* Nobody knows who closed what was still open when it was last seen. */
static bool names_maker(const struct event *e)
{
	return e->process && e->close.end != EVENT_END_UNSEEN;
}

/* Of those that have it open the one that a call named is the owner (owner.h). */
static bool name_owner(const struct listing *l, struct listing_socket *s,
		       const struct process *named)
{
	bool is_known = s->owner != LISTING_NONE && l->tasks[s->owner].process.pid == named->pid;
	uint32_t h = is_known ? LISTING_NONE : s->first;

	while (h != LISTING_NONE && l->tasks[l->holders[h].task].process.pid != named->pid)
		h = l->holders[h].next;
	if (h != LISTING_NONE)
		s->owner = l->holders[h].task;
	return h != LISTING_NONE;
}

static bool fill(struct past *p, struct listing_socket *s, const struct event *e, int64_t offset_ns)
{
	bool ended = e->close.end == EVENT_END_SEEN;
	uint64_t since = ended ? e->time_ns : e->close.opened_ns;
	bool was_unknown = is_unknown(s), is_new = false;

	if (!s->since_ns && since && (int64_t)since > offset_ns) {
		s->since_ns = since - (uint64_t)offset_ns;
		is_new = true;
	}
	if (names_maker(e) && wants_maker(s)) {
		s->owner = maker_of(p, e->process);
		is_new |= s->owner != LISTING_NONE;
	}
	if (e->process && e->close.end == EVENT_END_OPEN && s->first != LISTING_NONE)
		is_new |= name_owner(p->listing, s, e->process);
	if (was_unknown && !is_unknown(s)) {
		p->unknown--;
		p->left_unknown -= is_left(s);
	}
	return is_new;
}

bool past_apply(struct past *p, const struct event *e, int64_t offset_ns)
{
	bool is_new = false;

	if (e->kind != EVENT_CLOSE || !e->cookie || !e->netns)
		return false;
	for (size_t b = home_of(p, e->cookie); p->bucket[b]; b = (b + 1) & (p->bucket_count - 1)) {
		struct listing_socket *s = &p->listing->sockets[p->bucket[b] - 1];

		if (s->cookie == e->cookie && is_life_of(s, e))
			is_new |= fill(p, s, e, offset_ns);
	}
	return is_new;
}
