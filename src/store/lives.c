// SPDX-License-Identifier: GPL-2.0-only
/* lives.c - rows for lives: those that go on, those that have ended, and the former into the latter. */
#include "store_private.h"

#include <stdio.h>

/* What names a socket among those that are open: its cookie, or a hash of its ends without one. */
static int64_t key_of(const struct record *e)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	const uint8_t *part[] = {e->local, e->peer};

	if (e->cookie)
		return (int64_t)(e->cookie & INT64_MAX);
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 16; k++)
			hash = (hash ^ part[i][k]) * 0x100000001b3ull;
	}
	hash = (hash ^ ((uint64_t)e->local_port << 16 | e->peer_port)) * 0x100000001b3ull;
	hash = (hash ^ (e->facts & FACTS_PROTOCOL)) * 0x100000001b3ull;
	return (int64_t)(hash | UINT64_C(1) << 63);
}

struct known {
	int64_t id; /* 0: no row */
	int64_t since_boot;
	uint64_t facts;
};

static int find_open(struct rows *r, int64_t netns, int64_t key, struct known *ret)
{
	sqlite3_stmt *s = r->statement[FIND_OPEN];

	*ret = (struct known){0};
	sqlite3_bind_int64(s, 1, netns);
	sqlite3_bind_int64(s, 2, key);
	if (sqlite3_step(s) == SQLITE_ROW) {
		ret->id = sqlite3_column_int64(s, 0);
		ret->since_boot = sqlite3_column_int64(s, 1);
		ret->facts = (uint64_t)sqlite3_column_int64(s, 2);
	}
	return sqlite3_reset(s);
}

/* What an earlier look or an earlier run knew of a start that this trace has not seen. */
static void take_start(struct life_row *row, const struct known *k)
{
	const uint64_t ended_ns = row->e->boot_ns;

	if ((row->facts & FACTS_OPENED) || !k->id || k->since_boot < 0 ||
	    (int64_t)ended_ns < k->since_boot)
		return;
	row->facts |= k->facts & FACTS_OPENED;
	row->lived_ns = ended_ns - (uint64_t)k->since_boot;
}

/* All but the id and the process. */
static int begin_row(struct rows *r, struct life_row *row, const struct record *e)
{
	*row = (struct life_row){.e = e, .facts = e->facts, .lived_ns = e->life.lived_ns};
	return rows_netns(r, e->netns, &row->netns);
}

int rows_life(struct rows *r, const struct record *e)
{
	struct known known = {0};
	struct life_row *row;
	int rc = SQLITE_OK;

	if (r->batch_count == BATCH_ROWS)
		rc = batch_flush(r);
	row = &r->batch[r->batch_count];
	if (rc == SQLITE_OK)
		rc = begin_row(r, row, e);
	/* No other life was ever told as open. */
	if (rc == SQLITE_OK &&
	    (e->life.told || !(e->facts & FACTS_OPENED) || scale_of(e->life.lived_ns) > 0))
		rc = find_open(r, row->netns, key_of(e), &known);
	if (rc == SQLITE_OK && known.id) {
		sqlite3_bind_int64(r->statement[DELETE_OPEN], 1, known.id);
		rc = rows_run(r->statement[DELETE_OPEN]);
		take_start(row, &known);
	}
	if (rc == SQLITE_OK)
		rc = rows_new_id(r, e->time_ns, row->lived_ns, &row->id);
	if (rc != SQLITE_OK)
		return rc;
	row->process = rows_name_process(r, e->slot);
	r->batch_count++;
	return SQLITE_OK;
}

int rows_open_life(struct rows *r, const struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_OPEN];
	struct known known;
	struct life_row row;
	struct value v;
	int rc = begin_row(r, &row, e);

	if (rc == SQLITE_OK)
		rc = find_open(r, row.netns, key_of(e), &known);
	if (rc != SQLITE_OK)
		return rc;
	take_start(&row, &known);
	row.id = known.id;
	row.process = e->slot == NO_SLOT ? 0 : r->process[e->slot];
	for (int i = 0; i < LIFE_VALUES; i++) {
		life_value(&v, &row, i);
		value_bind(s, 1 + i, &v);
	}
	sqlite3_bind_int64(s, 23, key_of(e));
	sqlite3_bind_int64(s, 24, r->run);
	sqlite3_bind_int64(s, 25, (int64_t)(e->boot_ns - row.lived_ns));
	r->opened++;
	return rows_run(s);
}

/*
 * Moves rows of open lives to those of ended ones; they lasted at least until their run was last
 * heard of.
 */
int rows_sweep(struct rows *r, const struct record *until)
{
	char condition[256], text[2048];
	sqlite3_stmt *s = NULL;
	int rc;

	if (until)
		snprintf(condition, sizeof(condition), "since_boot+lived<%lld",
			 (long long)until->sweep.since_boot_ns);
	else
		snprintf(condition, sizeof(condition),
			 "(SELECT boot FROM run WHERE id=open.run)<>%lld", (long long)r->boot);
	snprintf(text, sizeof(text),
		 "INSERT INTO life SELECT %lld+row_number() OVER (ORDER BY id),"
		 "max(closed,alive),lived+max(alive-closed,0),local_port,peer_port,"
		 "CASE WHEN l<1e9 THEN 0 WHEN l<1e10 THEN 1 WHEN l<1e11 THEN 2 WHEN l<1e12 THEN 3 "
		 "WHEN l<1e13 THEN 4 WHEN l<1e14 THEN 5 WHEN l<1e15 THEN 6 ELSE 7 END,"
		 "(facts&~(3<<%d))|(%d<<%d),netns,cookie,local,peer,process,sent,received,"
		 "retransmits,rtt,error,states,asked,syns,heard,unacked FROM (SELECT "
		 "*,lived+max(alive-closed,0) AS l "
		 "FROM (SELECT open.*,CASE run.id WHEN %lld THEN %lld ELSE run.alive END AS alive "
		 "FROM open JOIN run ON run.id=open.run WHERE %s));"
		 "UPDATE process SET lives=lives+c FROM (SELECT process AS p,count(*) AS c FROM "
		 "open WHERE %s GROUP BY 1) WHERE id=p;"
		 "DELETE FROM open WHERE %s",
		 (long long)r->next_id - 1, FACTS_END_SHIFT, EVENT_END_UNSEEN, FACTS_END_SHIFT,
		 (long long)r->run, until ? (long long)until->sweep.alive_ns : 0, condition,
		 condition, condition);
	rc = sqlite3_exec(r->db, text, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_prepare_v2(r->db, "SELECT closed,lived FROM life WHERE id>=? ORDER BY id", -1,
				&s, NULL);
	sqlite3_bind_int64(s, 1, r->next_id);
	for (int64_t id; rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW;) {
		int64_t closed = sqlite3_column_int64(s, 0), lived = sqlite3_column_int64(s, 1);

		if (sqlite3_column_type(s, 0) != SQLITE_INTEGER || closed < 0 ||
		    sqlite3_column_type(s, 1) != SQLITE_INTEGER || lived < 0)
			rc = SQLITE_CORRUPT;
		else
			rc = rows_new_id(r, (uint64_t)closed, (uint64_t)lived, &id);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
