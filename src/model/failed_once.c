// SPDX-License-Identifier: GPL-2.0-only
#include "failed_once.h"

#include "hash.h"

bool failed_before(struct failed_once *once, const struct event *e)
{
	uint64_t *told = &once->cookie[hash_u64(e->cookie) % FAILED_ONCE];
	bool same = e->cookie && *told == e->cookie;

	if (e->kind == EVENT_CONNECT && e->error)
		*told = e->cookie;
	else if (same)
		*told = 0;
	return e->kind == EVENT_CLOSE && same;
}
