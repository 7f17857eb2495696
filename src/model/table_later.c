// SPDX-License-Identifier: GPL-2.0-only
#include "table_later.h"
#include "table_record.h"

#include <stdlib.h>

/* Sockets whose pointer had another one while facts waited: those that live at one moment and not at the next. */
#define LATER_MAX 4096

struct later {
	struct fact seed;
	bool seen; /* facts of this socket have come: where it has no record then, it has ended */
};
HASH_TYPE(laters, struct later);
HASH_FUNCTIONS(laters, struct later, item->seed.sk != 0, hash_u64(item->seed.sk))

bool later_put(struct table *t, const struct fact *seed)
{
	/* Without a cookie no fact can be told to be its own. */
	if (!t->defers || !seed->sk || !seed->cookie)
		return false;
	if (!t->later)
		t->later = calloc(1, sizeof(*t->later));
	return t->later && t->later->count < LATER_MAX &&
	       laters_add(t->later, (struct later){.seed = *seed});
}

/* What seeds have said of a socket that no fact has told of; who has it open is remembered by the look. */
static struct fact seed_of(const struct socket *s)
{
	const bool udp = inet_is_udp(s->protocol);

	return (struct fact){
		.kind = WIRE_SEED_SOCKET,
		.flags = s->flags & SOCKET_QUEUED ? WIRE_F_NO_FILE : 0,
		.options = s->options,
		.netns = s->netns,
		.device = s->device,
		.vrf = s->vrf,
		.time_ns = s->touched_ns,
		.sk = s->sk,
		.cookie = s->cookie,
		.family = (enum family)s->family,
		/* A UDP socket that is not shown: udp_seeded(). */
		.to = udp && !(s->flags & SOCKET_BOUND) ? STATE_ESTABLISHED
							: (enum tcp_state)s->state,
		.protocol = s->protocol,
		.local = s->local,
		.peer = s->peer,
		.socket_uid = s->uid,
	};
}

void later_give_back(struct table *t, struct socket *s)
{
	const struct fact seed = seed_of(s);

	later_put(t, &seed);
	table_remove(t, s);
	t->look_added--;
}

/* Failed calls make no record. */
static bool is_of(const struct table *t, const struct later *l, const struct fact *f)
{
	const struct socket *s;

	if (f->cookie != l->seed.cookie)
		return false;
	if (f->kind == WIRE_DESTROY || (inet_is_udp(f->protocol) && f->result == 0))
		return true;
	s = table_find(t, f->sk);
	return s && !socket_is_stale(s, &l->seed);
}

void later_note_fact(struct table *t, const struct fact *f)
{
	if (f->kind == WIRE_SEED_FILE || f->kind == WIRE_SEED_SOCKET)
		return;
	for (struct later *l = laters_first(t->later, hash_u64(f->sk)); l;
	     l = laters_next(t->later, l)) {
		l->seen |= l->seed.sk == f->sk && is_of(t, l, f);
	}
}

/* The seeds of one pointer in their order. */
static struct later *first_of_one(struct laters *h)
{
	const struct later *any = laters_each(h, NULL);
	struct later *l = any ? laters_first(h, hash_u64(any->seed.sk)) : NULL;

	while (l && l->seed.sk != any->seed.sk)
		l = laters_next(h, l);
	return l;
}

bool later_take(struct table *t, struct fact *ret)
{
	struct later *first;

	while (t->later && (first = first_of_one(t->later))) {
		const struct later l = *first;
		const struct socket *s = table_find(t, l.seed.sk);

		laters_remove(t->later, first);
		if (s && socket_is_stale(s, &l.seed))
			s = NULL;
		if (l.seen && !s)
			continue;
		*ret = l.seed;
		/* A hook may tell a change a moment before a look sees it: facts know better, whatever their time. */
		if (l.seen && ret->time_ns >= s->touched_ns)
			ret->time_ns = s->touched_ns ? s->touched_ns - 1 : 0;
		return true;
	}
	return false;
}

void later_drop(struct table *t)
{
	if (t->later)
		laters_done(t->later);
	free(t->later);
	t->later = NULL;
	t->defers = false;
}
