// SPDX-License-Identifier: GPL-2.0-only
/* insert.c - records into rows: calls with what was in their way, losses, and which record becomes what. */
#include "store_private.h"

/* Of what happened at one moment in a namespace: its number and time are the first columns. */
static int begin_row(struct rows *r, sqlite3_stmt *s, const struct record *e, int64_t *ret_id,
		     int64_t *ret_netns)
{
	int rc = rows_netns(r, e->netns, ret_netns);

	if (rc == SQLITE_OK)
		rc = rows_new_id(r, e->time_ns, 0, ret_id);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(s, 1, *ret_id);
	sqlite3_bind_int64(s, 2, (int64_t)e->time_ns);
	return SQLITE_OK;
}

static int apply_call(struct rows *r, const struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_CALL];
	struct value asked;
	int64_t netns, id;
	int rc = begin_row(r, s, e, &id, &netns);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int(s, 3, e->call.event);
	rows_bind_ends(s, 4, 9, e);
	sqlite3_bind_int64(s, 6, (int64_t)e->facts);
	sqlite3_bind_int64(s, 7, netns);
	sqlite3_bind_int64(s, 8, (int64_t)e->cookie);
	rows_bind_process(r, s, 11, e->slot);
	if (e->error)
		sqlite3_bind_int(s, 12, e->error);
	else
		sqlite3_bind_null(s, 12);
	sqlite3_bind_int64(s, 13, e->call.number);
	value_asked(&asked, e);
	value_bind(s, 14, &asked);
	r->call = id;
	r->holders = 0;
	r->follow = e->call.follow;
	return rows_run(s);
}

static int apply_trouble(struct rows *r, const struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_TROUBLE];
	bool range = e->trouble.known & TROUBLE_RANGE, queue = e->trouble.known & TROUBLE_QUEUE;
	bool took = e->trouble.known & (TROUBLE_REPEATED | TROUBLE_AS_OF);

	sqlite3_bind_int64(s, 1, r->call);
	sqlite3_bind_int64(s, 2, e->trouble.known);
	sqlite3_bind_int64(s, 3, (int64_t)(queue ? e->trouble.took_ns : e->trouble.more));
	rows_bind_known(s, 4, range, e->trouble.low);
	rows_bind_known(s, 5, range, e->trouble.high);
	rows_bind_known(s, 6, range, e->trouble.reserved);
	rows_bind_known(s, 7, range || queue || took,
			range || queue ? e->trouble.used : (int64_t)e->trouble.took_ns);
	rows_bind_known(s, 8, queue || e->trouble.unprivileged_from, e->trouble.unprivileged_from);
	return rows_run(s);
}

static int apply_holder(struct rows *r, const struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_HOLDER];

	sqlite3_bind_int64(s, 1, r->call);
	sqlite3_bind_int64(s, 2, r->holders++);
	rows_bind_process(r, s, 3, e->slot);
	sqlite3_bind_int64(s, 4, (int64_t)e->facts);
	rows_bind_ends(s, 5, 7, e);
	rows_bind_known(s, 9, e->holder.state != STATE_NONE, e->holder.state);
	rows_bind_known(s, 10, e->holder.since_ns != 0, (int64_t)e->holder.since_ns);
	sqlite3_bind_int64(s, 11, e->holder.why);
	return rows_run(s);
}

static int apply_budget(struct rows *r, const struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_BUDGET];
	const int64_t numbers[] = {e->budget.low,	e->budget.high,	     e->budget.reserved,
				   e->budget.usable,	e->budget.used,	     e->budget.time_wait,
				   e->budget.available, e->budget.uncertain, e->budget.drain_ms};
	struct value v;
	int64_t netns, id;
	int rc = begin_row(r, s, e, &id, &netns);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int(s, 3, e->peer_port);
	sqlite3_bind_int64(s, 4, (int64_t)e->facts);
	sqlite3_bind_int64(s, 5, netns);
	value_address(&v, e, FACTS_HAS_LOCAL);
	value_bind(s, 6, &v);
	value_address(&v, e, FACTS_HAS_PEER);
	value_bind(s, 7, &v);
	rows_bind_process(r, s, 8, e->slot);
	rows_bind_known(s, 9, e->slot != NO_SLOT, e->budget.held);
	for (int i = 0; i < 9; i++)
		sqlite3_bind_int64(s, 10 + i, numbers[i]);
	return rows_run(s);
}

static int put_loss(struct rows *r, uint64_t at, const struct record_lost *lost)
{
	sqlite3_stmt *s = r->statement[PUT_LOSS];
	int64_t id;
	int rc = rows_new_id(r, at, 0, &id);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, (int64_t)at);
	sqlite3_bind_int64(s, 3, (int64_t)lost->since_ns);
	sqlite3_bind_int64(s, 4, (int64_t)lost->count);
	sqlite3_bind_int64(s, 5, (int64_t)lost->added);
	sqlite3_bind_int64(s, 6, (int64_t)lost->removed);
	return rows_run(s);
}

int rows_lost(struct rows *r, uint64_t count, uint64_t since_ns, uint64_t now_ns)
{
	return put_loss(r, now_ns, &(struct record_lost){.count = count, .since_ns = since_ns});
}

/* False for what no recorder writes. */
static bool read_unsent(sqlite3_stmt *s, int64_t number[4])
{
	for (int i = 0; i < 4; i++) {
		if (sqlite3_column_type(s, i) != SQLITE_INTEGER)
			return false;
		number[i] = sqlite3_column_int64(s, i);
	}
	return number[0] > 0 && number[3] >= 0 && rows_are_numbers(number[1], number[2]);
}

int rows_tell_unsent(struct rows *r, uint64_t now_ns, bool *ret)
{
	static const char find[] =
		"SELECT unsent,unsent_first,unsent_last,unsent_since FROM identity";
	sqlite3_stmt *s = NULL, *put = r->statement[PUT_UNSENT];
	int64_t number[4];
	int rc = sqlite3_prepare_v2(r->db, find, -1, &s, NULL);

	*ret = rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW && read_unsent(s, number);
	sqlite3_finalize(s);
	if (!*ret)
		return rc;
	rc = put_loss(r, now_ns,
		      &(struct record_lost){.count = (uint64_t)number[0],
					    .since_ns = (uint64_t)number[3]});
	sqlite3_bind_int64(put, 1, sqlite3_last_insert_rowid(r->db));
	sqlite3_bind_int64(put, 2, number[1]);
	sqlite3_bind_int64(put, 3, number[2]);
	if (rc == SQLITE_OK)
		rc = rows_run(put);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->db, "UPDATE identity SET unsent=0", NULL, NULL, NULL);
	return rc;
}

/* What does not come any more was dropped, for want of memory. */
static void note_follow(struct rows *r, enum record_kind kind)
{
	switch (kind) {
	case RECORD_TROUBLE:
	case RECORD_HOLDER: r->follow -= r->follow > 0; break;
	case RECORD_PROCESS:
	case RECORD_NETNS: break;
	case RECORD_LIFE:
	case RECORD_OPEN:
	case RECORD_CALL:
	case RECORD_LOST:
	case RECORD_BUDGET:
	case RECORD_SWEEP: r->follow = 0; break;
	}
}

static int apply(struct rows *r, const struct record *e)
{
	int rc;

	note_follow(r, (enum record_kind)e->kind);
	switch (e->kind) {
	case RECORD_LIFE: return rows_life(r, e);
	case RECORD_OPEN: return rows_open_life(r, e);
	case RECORD_CALL: return apply_call(r, e);
	case RECORD_LOST: return put_loss(r, e->time_ns, &e->lost);
	case RECORD_PROCESS: return rows_process(r, (const struct record_process *)e);
	case RECORD_NETNS: return rows_name_netns(r, (const struct record_netns *)e);
	case RECORD_BUDGET: return apply_budget(r, e);
	case RECORD_TROUBLE: return apply_trouble(r, e);
	case RECORD_HOLDER: return apply_holder(r, e);
	case RECORD_SWEEP:
		rc = batch_flush(r);
		return rc == SQLITE_OK ? rows_sweep(r, e) : rc;
	}
	return SQLITE_OK;
}

int rows_apply(struct rows *r, const struct chunk *chunk)
{
	int rc = SQLITE_OK;

	for (size_t at = 0; at < chunk->used && rc == SQLITE_OK;) {
		const struct record *e = (const struct record *)(chunk->data + at);

		at += e->size;
		rc = apply(r, e);
	}
	return rc == SQLITE_OK ? batch_flush(r) : rc;
}
