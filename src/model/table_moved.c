// SPDX-License-Identifier: GPL-2.0-only
/* table_moved.c - the states that a look has overtaken, until the facts of its time were read. */
#include "table_later.h"

#include <stdlib.h>

#include "hash.h"

#define MOVED_MAX 16384

struct move {
	uint64_t sk, since_ns;
	enum tcp_state from;
};
HASH_TYPE(moved, struct move);
HASH_FUNCTIONS(moved, struct move, item->sk, hash_u64(item->sk))

/* Without memory, and where the fact was lost, the time in that state stays unknown. */
void moved_note(struct table *t, const struct socket *s)
{
	const struct move move = {.sk = s->sk, .since_ns = s->since_ns, .from = s->state};

	if (!t->moved)
		t->moved = calloc(1, sizeof(*t->moved));
	if (t->moved && s->since_ns && t->moved->count < MOVED_MAX)
		moved_add(t->moved, move);
}

uint64_t moved_since(const struct table *t, uint64_t sk, enum tcp_state from)
{
	if (!t->moved)
		return 0;
	for (struct move *m = moved_first(t->moved, hash_u64(sk)); m; m = moved_next(t->moved, m)) {
		if (m->sk == sk && m->from == from)
			return m->since_ns;
	}
	return 0;
}

void moved_drop(struct table *t)
{
	if (t->moved)
		moved_done(t->moved);
	free(t->moved);
	t->moved = NULL;
}
