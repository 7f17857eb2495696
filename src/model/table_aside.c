// SPDX-License-Identifier: GPL-2.0-only
#include "table_aside.h"

/* No pointer of the kernel's: its highest bit is that of a user's. */
static uint64_t key_of(uint64_t sk)
{
	return sk ^ UINT64_C(1) << 63;
}

bool aside_put(struct table *t, struct socket *s)
{
	if (!t->look || t->stats.sockets >= t->max || table_find(t, key_of(s->sk)))
		return false;
	table_rename(t, s, key_of(s->sk));
	s->flags |= SOCKET_ASIDE;
	t->aside++;
	return true;
}

struct socket *aside_find(const struct table *t, uint64_t sk)
{
	struct socket *s = t->aside ? table_find(t, key_of(sk)) : NULL;

	return s && (s->flags & SOCKET_ASIDE) ? s : NULL;
}

uint64_t aside_pointer(const struct socket *s)
{
	return key_of(s->sk);
}

void aside_leave(struct table *t, struct socket *s)
{
	s->flags &= ~(uint32_t)SOCKET_ASIDE;
	t->aside--;
}

void aside_take(struct table *t, struct socket *s)
{
	aside_leave(t, s);
	table_rename(t, s, key_of(s->sk));
}

void aside_swap(struct table *t, struct socket *s, struct socket *other)
{
	table_swap(t, s, other);
	s->flags &= ~(uint32_t)SOCKET_ASIDE;
	other->flags |= SOCKET_ASIDE;
}
