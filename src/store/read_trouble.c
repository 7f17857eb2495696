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

static bool read_holder(struct store_reader *r, size_t at)
{
	sqlite3_stmt *s = r->find_holders;
	struct event_holder *h = &r->holder[at];
	bool ok = true;
	uint32_t facts = (uint32_t)row_number(s, 1, UINT32_MAX, &ok);
	int64_t process = (int64_t)row_number(s, 0, UINT64_MAX, &ok);

	*h = (struct event_holder){
		.protocol = facts & FACTS_PROTOCOL,
		.family = facts & FACTS_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.mapped = facts & FACTS_MAPPED,
		.has_peer = facts & FACTS_HAS_PEER,
		.state = (enum tcp_state)row_number(s, 6, STATES - 1, &ok),
		.since_ns = row_number(s, 7, INT64_MAX, &ok),
		.why = (uint32_t)row_number(s, 8, (1u << HOLDER_WHYS) - 1, &ok),
	};
	ok &= row_endpoint(s, 4, 2, &h->local);
	if (h->has_peer)
		ok &= row_endpoint(s, 5, 3, &h->peer);
	if (process && row_process(r, process, &r->holder_process[at]))
		h->process = &r->holder_process[at];
	return ok;
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
		t->holder_count += read_holder(r, t->holder_count);
	sqlite3_reset(s);
}

/* False for a row that is not to be believed. */
static bool read_trouble(sqlite3_stmt *s, struct store_reader *r)
{
	bool ok = true;
	unsigned int known = (unsigned int)row_number(s, 0, UINT32_MAX, &ok);

	r->trouble = (struct event_trouble){
		.has_holders = known & TROUBLE_HOLDERS,
		.holders = r->holder,
		.holders_more = row_number(s, 1, UINT64_MAX, &ok),
		.has_range = known & TROUBLE_RANGE,
		.low = (uint16_t)row_number(s, 2, UINT16_MAX, &ok),
		.high = (uint16_t)row_number(s, 3, UINT16_MAX, &ok),
		.reserved = (uint16_t)row_number(s, 4, UINT16_MAX, &ok),
		.used = (uint32_t)row_number(s, 5, UINT32_MAX, &ok),
		.unprivileged_from = (uint32_t)row_number(s, 6, UINT32_MAX, &ok),
	};
	return ok;
}

/* Nothing else is known of a failure that was repeated. */
static void read_repeated(sqlite3_stmt *s, struct event *e)
{
	bool ok = true;
	uint64_t repeated = row_number(s, 1, INT64_MAX, &ok);
	uint64_t took_ns = row_number(s, 5, INT64_MAX, &ok);

	if (!ok || took_ns > e->time_ns)
		return;
	e->repeated = repeated;
	e->since_ns = e->time_ns - took_ns;
}

const struct event_trouble *row_trouble(struct store_reader *r, int64_t call, struct event *e)
{
	struct event_trouble *t = &r->trouble;
	bool ok = true, found;
	sqlite3_stmt *s;

	if (!prepare(r, &r->find_trouble,
		     "SELECT known,more,low,high,reserved,used,unprivileged FROM trouble "
		     "WHERE call=?"))
		return NULL;
	s = r->find_trouble;
	sqlite3_bind_int64(s, 1, call);
	found = sqlite3_step(s) == SQLITE_ROW;
	if (found && (row_number(s, 0, UINT32_MAX, &ok) & TROUBLE_REPEATED)) {
		read_repeated(s, e);
		found = false;
	}
	found = found && read_trouble(s, r);
	sqlite3_reset(s);
	if (found && t->has_holders)
		read_holders(r, call);
	return found ? t : NULL;
}
