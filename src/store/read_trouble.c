// SPDX-License-Identifier: GPL-2.0-only
/* read_trouble.c - what was in the way of a call, as the event had it. */
#include "read_private.h"

static bool prepare(struct store_reader *r, sqlite3_stmt **s, const char *text)
{
	return *s || sqlite3_prepare_v2(r->db, text, -1, s, NULL) == SQLITE_OK;
}

void row_forget_trouble(struct store_reader *r)
{
	for (size_t i = 0; i < HOLDERS_MAX; i++)
		row_forget_process(&r->holder_process[i]);
	sqlite3_finalize(r->find_trouble);
	sqlite3_finalize(r->find_holders);
	r->find_trouble = r->find_holders = NULL;
}

static void read_holder(struct store_reader *r, size_t at)
{
	sqlite3_stmt *s = r->find_holders;
	struct event_holder *h = &r->holder[at];
	uint32_t facts = (uint32_t)sqlite3_column_int64(s, 1);

	*h = (struct event_holder){
		.protocol = facts & FACTS_PROTOCOL,
		.family = facts & FACTS_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.mapped = facts & FACTS_MAPPED,
		.has_peer = facts & FACTS_HAS_PEER,
		.state = (enum tcp_state)(sqlite3_column_int(s, 6) & 15),
		.since_ns = (uint64_t)sqlite3_column_int64(s, 7),
		.why = (uint32_t)sqlite3_column_int64(s, 8),
	};
	row_endpoint(s, 4, 2, &h->local);
	if (h->has_peer)
		row_endpoint(s, 5, 3, &h->peer);
	if (row_process(r, sqlite3_column_int64(s, 0), &r->holder_process[at]))
		h->process = &r->holder_process[at];
}

static void read_holders(struct store_reader *r, int64_t call)
{
	struct event_trouble *t = &r->trouble;
	sqlite3_stmt *s;

	if (!prepare(r, &r->find_holders,
		     "SELECT process,facts,local_port,peer_port,local,peer,state,since,why "
		     "FROM holder WHERE call=? ORDER BY place"))
		return;
	s = r->find_holders;
	sqlite3_bind_int64(s, 1, call);
	while (t->holder_count < HOLDERS_MAX && sqlite3_step(s) == SQLITE_ROW)
		read_holder(r, t->holder_count++);
	sqlite3_reset(s);
}

const struct event_trouble *row_trouble(struct store_reader *r, int64_t call, struct event *e)
{
	struct event_trouble *t = &r->trouble;
	unsigned int known = 0;
	bool found;
	sqlite3_stmt *s;

	if (!prepare(r, &r->find_trouble,
		     "SELECT known,more,low,high,reserved,used,unprivileged FROM trouble "
		     "WHERE call=?"))
		return NULL;
	s = r->find_trouble;
	sqlite3_bind_int64(s, 1, call);
	found = sqlite3_step(s) == SQLITE_ROW;
	if (found)
		known = (unsigned int)sqlite3_column_int(s, 0);
	if (known & TROUBLE_REPEATED) {
		e->repeated = (uint64_t)sqlite3_column_int64(s, 1);
		e->since_ns = e->time_ns - (uint64_t)sqlite3_column_int64(s, 5);
		found = false;
	}
	if (found) {
		*t = (struct event_trouble){
			.has_holders = known & TROUBLE_HOLDERS,
			.holders = r->holder,
			.holders_more = (uint64_t)sqlite3_column_int64(s, 1),
			.has_range = known & TROUBLE_RANGE,
			.low = (uint16_t)sqlite3_column_int(s, 2),
			.high = (uint16_t)sqlite3_column_int(s, 3),
			.reserved = (uint16_t)sqlite3_column_int(s, 4),
			.used = (uint32_t)sqlite3_column_int64(s, 5),
			.unprivileged_from = (uint32_t)sqlite3_column_int64(s, 6),
		};
	}
	sqlite3_reset(s);
	if (found && t->has_holders)
		read_holders(r, call);
	return found ? t : NULL;
}
