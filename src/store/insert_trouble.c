// SPDX-License-Identifier: GPL-2.0-only
/* insert_trouble.c - rows for what was in the way of a call: who held its port, the range that was used up. */
#include "store_private.h"

static void bind_known(sqlite3_stmt *s, int at, bool known, int64_t value)
{
	if (known)
		sqlite3_bind_int64(s, at, value);
	else
		sqlite3_bind_null(s, at);
}

int trouble_apply(struct rows *r, const struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_TROUBLE];
	bool range = e->facts & TROUBLE_RANGE;

	sqlite3_bind_int64(s, 1, r->call);
	sqlite3_bind_int64(s, 2, e->facts);
	sqlite3_bind_int64(s, 3, (int64_t)e->sent);
	bind_known(s, 4, range, e->local_port);
	bind_known(s, 5, range, e->peer_port);
	bind_known(s, 6, range, e->retransmits);
	bind_known(s, 7, range || (e->facts & TROUBLE_REPEATED),
		   range ? e->rtt_us : (int64_t)e->lived_ns);
	bind_known(s, 8, e->number != 0, e->number);
	return rows_run(s);
}

int holder_apply(struct rows *r, const struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_HOLDER];

	sqlite3_bind_int64(s, 1, r->call);
	sqlite3_bind_int64(s, 2, r->holders++);
	rows_bind_process(r, s, 3, e->slot, true);
	sqlite3_bind_int64(s, 4, e->facts);
	rows_bind_ends(s, 5, 7, e);
	bind_known(s, 9, e->event != STATE_NONE, e->event);
	bind_known(s, 10, e->time_ns != 0, (int64_t)e->time_ns);
	sqlite3_bind_int64(s, 11, e->number);
	return rows_run(s);
}
