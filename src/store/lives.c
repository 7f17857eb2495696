// SPDX-License-Identifier: GPL-2.0-only
/* lives.c - rows for lives: those that go on, those that have ended, and the former into the latter. */
#include "store_private.h"

#include <stdio.h>

static void bind_life(struct rows *r, sqlite3_stmt *s, const struct record *e, int64_t netns)
{
	sqlite3_bind_int64(s, 2, (int64_t)e->time_ns);
	sqlite3_bind_int64(s, 3, (int64_t)e->life.lived_ns);
	rows_bind_ends(s, 4, 10, e);
	sqlite3_bind_int(s, 6, (int)scale_of(e->life.lived_ns));
	sqlite3_bind_int64(s, 7, (int64_t)e->facts);
	sqlite3_bind_int64(s, 8, netns);
	sqlite3_bind_int64(s, 9, (int64_t)e->cookie);
	rows_bind_process(r, s, 12, e->slot, e->kind == RECORD_LIFE);
	if (e->facts & FACTS_COUNTED) {
		sqlite3_bind_int64(s, 13, (int64_t)e->life.sent);
		sqlite3_bind_int64(s, 14, (int64_t)e->life.received);
		sqlite3_bind_int64(s, 15, e->life.retransmits);
		sqlite3_bind_int64(s, 16, e->life.rtt_us);
	} else {
		for (int i = 13; i <= 16; i++)
			sqlite3_bind_null(s, i);
	}
	if (e->error)
		sqlite3_bind_int(s, 17, e->error);
	else
		sqlite3_bind_null(s, 17);
	sqlite3_bind_blob(s, 18, e + 1, e->spans, SQLITE_STATIC);
	rows_bind_asked(s, 19, e);
	rows_bind_known(s, 20, e->life.syns != 0, e->life.syns);
	rows_bind_known(s, 21, e->facts & FACTS_SILENT, (int64_t)e->life.heard_ns);
	rows_bind_known(s, 22, e->facts & FACTS_SILENT, e->life.unacked);
}

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
static void take_start(struct record *e, const struct known *k)
{
	if ((e->facts & FACTS_OPENED) || !k->id || k->since_boot < 0 ||
	    (int64_t)e->boot_ns < k->since_boot)
		return;
	e->facts |= k->facts & FACTS_OPENED;
	e->life.lived_ns = e->boot_ns - (uint64_t)k->since_boot;
}

int rows_life(struct rows *r, struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_LIFE];
	struct known known = {0};
	int64_t netns, id;
	int rc = rows_netns(r, e->netns, &netns);

	/* No other life was ever told as open. */
	if (rc == SQLITE_OK &&
	    (e->life.told || !(e->facts & FACTS_OPENED) || scale_of(e->life.lived_ns) > 0))
		rc = find_open(r, netns, key_of(e), &known);
	if (rc == SQLITE_OK && known.id) {
		sqlite3_bind_int64(r->statement[DELETE_OPEN], 1, known.id);
		rc = rows_run(r->statement[DELETE_OPEN]);
		take_start(e, &known);
	}
	if (rc == SQLITE_OK)
		rc = rows_new_id(r, e->time_ns, e->life.lived_ns, &id);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(s, 1, id);
	bind_life(r, s, e, netns);
	return rows_run(s);
}

int rows_open_life(struct rows *r, struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_OPEN];
	struct known known;
	int64_t netns;
	int rc = rows_netns(r, e->netns, &netns);

	if (rc == SQLITE_OK)
		rc = find_open(r, netns, key_of(e), &known);
	if (rc != SQLITE_OK)
		return rc;
	take_start(e, &known);
	if (known.id)
		sqlite3_bind_int64(s, 1, known.id);
	else
		sqlite3_bind_null(s, 1);
	bind_life(r, s, e, netns);
	sqlite3_bind_int64(s, 23, key_of(e));
	sqlite3_bind_int64(s, 24, r->run);
	sqlite3_bind_int64(s, 25, (int64_t)(e->boot_ns - e->life.lived_ns));
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
