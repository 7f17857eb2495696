// SPDX-License-Identifier: GPL-2.0-only
#include "table_later.h"

#include <stdlib.h>

/* Sockets whose pointer had another one while facts waited: those that live at one moment and not at the next. */
#define LATER_MAX 4096

struct later {
	struct fact seed;
	bool seen; /* facts of this socket have come: where it has no record then, it has ended */
};
struct later_place {
	uint64_t sk;
	uint32_t at;
};
HASH_TYPE(later_index, struct later_place);
HASH_FUNCTIONS(later_index, struct later_place, item->sk != 0, hash_u64(item->sk))

/* In the order in which they were found: one pointer may have several. */
struct laters {
	struct later *list;
	size_t count, taken;
	struct later_index index;
};

/* The record is of the socket that the seed is about, or of a child whose cookie is not known yet. */
static bool is_of_same(const struct socket *s, const struct fact *seed)
{
	return !(s->flags & SOCKET_MINISOCK) && (!s->cookie || s->cookie == seed->cookie) &&
	       inet_is_udp(s->protocol) == inet_is_udp(seed->protocol);
}

static bool add(struct laters *l, const struct fact *seed)
{
	struct later *grown;

	/* Doubled at each power of two. */
	if ((l->count & (l->count - 1)) == 0) {
		grown = realloc(l->list, (l->count ? 2 * l->count : 1) * sizeof(*grown));
		if (!grown)
			return false;
		l->list = grown;
	}
	if (!later_index_add(&l->index,
			     (struct later_place){.sk = seed->sk, .at = (uint32_t)l->count}))
		return false;
	l->list[l->count++] = (struct later){.seed = *seed};
	return true;
}

bool later_put(struct table *t, const struct fact *seed)
{
	/* Without a cookie no fact can be told to be its own. */
	if (!t->defers || !seed->sk || !seed->cookie)
		return false;
	if (!t->later)
		t->later = calloc(1, sizeof(*t->later));
	return t->later && t->later->count < LATER_MAX && add(t->later, seed);
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
	return s && is_of_same(s, &l->seed);
}

void later_note_fact(struct table *t, const struct fact *f)
{
	struct later_index *index = &t->later->index;

	if (f->kind == WIRE_SEED_FILE || f->kind == WIRE_SEED_SOCKET)
		return;
	for (struct later_place *i = later_index_first(index, hash_u64(f->sk)); i;
	     i = later_index_next(index, i)) {
		struct later *l = &t->later->list[i->at];

		l->seen |= i->sk == f->sk && is_of(t, l, f);
	}
}

bool later_take(struct table *t, struct fact *ret)
{
	while (t->later && t->later->taken < t->later->count) {
		const struct later *l = &t->later->list[t->later->taken++];
		const struct socket *s = table_find(t, l->seed.sk);

		if (s && !is_of_same(s, &l->seed))
			s = NULL;
		if (l->seen && !s)
			continue;
		*ret = l->seed;
		/* A hook may tell a change a moment before a look sees it: facts know better, whatever their time. */
		if (l->seen && ret->time_ns >= s->touched_ns)
			ret->time_ns = s->touched_ns ? s->touched_ns - 1 : 0;
		return true;
	}
	return false;
}

void later_drop(struct table *t)
{
	if (t->later) {
		later_index_done(&t->later->index);
		free(t->later->list);
	}
	free(t->later);
	t->later = NULL;
	t->defers = false;
}
