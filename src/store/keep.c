// SPDX-License-Identifier: GPL-2.0-only
/*
 * keep.c - the oldest rows go, a few with each transaction, so that nothing ever waits for a large
 * deletion.  Freed pages are used again; a file made too large before is cut in small steps.
 */
#include "store_private.h"

#include <stdio.h>
#include <string.h>

#define BLOCKS_MAX   100
#define UNUSED_MAX   500
#define VACUUM_PAGES 512
#define MARKS	     65536

struct oldest {
	int64_t first, last, newest, oldest;
	bool found;
};

static int find_oldest(sqlite3 *db, struct oldest *ret)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(
		db, "SELECT first,last,newest,oldest FROM block ORDER BY first LIMIT 1", -1, &s,
		NULL);

	*ret = (struct oldest){0};
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		ret->first = sqlite3_column_int64(s, 0);
		ret->last = sqlite3_column_int64(s, 1);
		ret->newest = sqlite3_column_int64(s, 2);
		ret->oldest = sqlite3_column_int64(s, 3);
		ret->found = true;
	}
	sqlite3_finalize(s);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	return rows_are_numbers(ret->first, ret->last) ? SQLITE_OK : SQLITE_CORRUPT;
}

static int pragma(sqlite3 *db, const char *text, uint64_t *ret)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, text, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*ret = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

/* The number of a row may be any in a file that others made. */
static size_t mark_of(int64_t process)
{
	return (size_t)((uint64_t)process % MARKS);
}

/* Rows of processes that no life names any more; those a slot still stands for stay. */
static int delete_unused(struct rows *r)
{
	static const char find[] = "SELECT id FROM process WHERE lives<=0 AND NOT EXISTS(SELECT 1 "
				   "FROM open WHERE open.process=process.id) LIMIT ?";
	uint64_t mark[MARKS / 64] = {0};
	int64_t unused[UNUSED_MAX];
	sqlite3_stmt *s = NULL;
	int count = 0, rc;

	for (int i = 1; i <= SLOTS; i++)
		mark[mark_of(r->process[i]) / 64] |= UINT64_C(1) << mark_of(r->process[i]) % 64;
	rc = sqlite3_prepare_v2(r->db, find, -1, &s, NULL);
	sqlite3_bind_int(s, 1, UNUSED_MAX);
	while (rc == SQLITE_OK && count < UNUSED_MAX && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		unused[count++] = sqlite3_column_int64(s, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
	for (int i = 0; i < count && rc == SQLITE_OK; i++) {
		char text[64];

		if (mark[mark_of(unused[i]) / 64] >> mark_of(unused[i]) % 64 & 1)
			continue;
		snprintf(text, sizeof(text), "DELETE FROM process WHERE id=%lld",
			 (long long)unused[i]);
		rc = sqlite3_exec(r->db, text, NULL, NULL, NULL);
	}
	return rc;
}

static int delete_rows(struct rows *r, const struct oldest *o, int64_t upto)
{
	char text[1500];

	snprintf(text, sizeof(text),
		 "UPDATE process SET lives=lives-c FROM (SELECT process AS p,sum(n) AS c FROM "
		 "(SELECT process,count(*) AS n FROM life WHERE id<=%1$lld GROUP BY 1 UNION ALL "
		 "SELECT process,count(*) FROM call WHERE id<=%1$lld GROUP BY 1 UNION ALL "
		 "SELECT process,count(*) FROM budget WHERE id<=%1$lld GROUP BY 1 UNION ALL "
		 "SELECT process,count(*) FROM holder WHERE call<=%1$lld GROUP BY 1) GROUP BY 1) "
		 "WHERE id=p;"
		 "DELETE FROM life WHERE id<=%1$lld;"
		 "DELETE FROM call WHERE id<=%1$lld;"
		 "DELETE FROM trouble WHERE call<=%1$lld;"
		 "DELETE FROM holder WHERE call<=%1$lld;"
		 "DELETE FROM loss WHERE id<=%1$lld;"
		 "DELETE FROM unsent WHERE loss<=%1$lld;"
		 "DELETE FROM budget WHERE id<=%1$lld;"
		 "UPDATE identity SET last=%1$lld WHERE last<%1$lld;"
		 "DELETE FROM block WHERE first=%2$lld AND last<=%1$lld;"
		 "UPDATE block SET first=%1$lld+1 WHERE first=%2$lld;"
		 "DELETE FROM netns_name WHERE EXISTS(SELECT 1 FROM netns_name AS n WHERE "
		 "n.netns=netns_name.netns AND n.at>netns_name.at AND n.at<=%3$lld)",
		 (long long)upto, (long long)o->first, (long long)o->newest);
	if (r->block.rows > 0 && r->block.first == o->first) {
		r->block.first = upto + 1;
		r->block.rows = upto < o->last ? o->last - upto : 0;
	}
	return sqlite3_exec(r->db, text, NULL, NULL, NULL);
}

/* The file, with what a commit may add to the log, is above `bytes`. */
static int is_too_large(const struct keep *k, uint64_t bytes, sqlite3 *db, bool *ret, bool *ret_cut)
{
	uint64_t limit = (bytes - k->log_bytes) / k->page_bytes, pages = 0, unused = 0;
	int rc = pragma(db, "PRAGMA page_count", &pages);

	if (rc == SQLITE_OK)
		rc = pragma(db, "PRAGMA freelist_count", &unused);
	*ret_cut = pages > limit && unused > 0;
	/* A few pages stay free, or the next rows would grow the file. */
	*ret = pages + limit / 64 > limit + unused;
	return rc;
}

/* Notes that rows from `first` to `last` go unsent, and how many; what a row of such a loss tells goes on being told. */
static int note_unsent(struct rows *r, const struct oldest *o, int64_t first, int64_t last,
		       uint64_t *count)
{
	sqlite3_stmt *s = NULL;
	char text[1024];
	int64_t gone = 0;
	int rc;

	snprintf(text, sizeof(text),
		 "SELECT (SELECT count(*) FROM life WHERE id BETWEEN %1$lld AND %2$lld)+"
		 "(SELECT count(*) FROM call WHERE id BETWEEN %1$lld AND %2$lld)+"
		 "(SELECT count(*) FROM budget WHERE id BETWEEN %1$lld AND %2$lld)+"
		 "(SELECT count(*) FROM loss WHERE id BETWEEN %1$lld AND %2$lld AND id NOT IN "
		 "(SELECT loss FROM unsent)),"
		 "(SELECT ifnull(sum(count),0) FROM loss WHERE id BETWEEN %1$lld AND %2$lld AND id "
		 "IN "
		 "(SELECT loss FROM unsent))",
		 (long long)first, (long long)last);
	rc = sqlite3_prepare_v2(r->db, text, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		gone = sqlite3_column_int64(s, 0);
		*count += (uint64_t)gone;
		if (sqlite3_column_int64(s, 1) > 0 && sqlite3_column_int64(s, 1) < ROW_MAX)
			gone += sqlite3_column_int64(s, 1);
	}
	sqlite3_finalize(s);
	if (rc != SQLITE_ROW || !gone)
		return rc == SQLITE_ROW ? SQLITE_OK : rc;
	snprintf(text, sizeof(text),
		 "UPDATE identity SET unsent_first=CASE unsent WHEN 0 THEN %1$lld ELSE "
		 "unsent_first END,"
		 "unsent_since=CASE unsent WHEN 0 THEN %2$lld ELSE min(unsent_since,%2$lld) END,"
		 "unsent_last=%3$lld,unsent=unsent+%4$lld",
		 (long long)first, (long long)o->oldest, (long long)last, (long long)gone);
	return sqlite3_exec(r->db, text, NULL, NULL, NULL);
}

/* Rows that were not sent stay until the file is too large for that; *upto: the last that goes, before o->first where none does. */
static int spare_unsent(const struct keep *k, struct rows *r, const struct oldest *o, int64_t *upto,
			uint64_t *count)
{
	bool large = false, cut;
	int rc;

	if ((uint64_t)*upto <= k->sent)
		return SQLITE_OK;
	rc = is_too_large(k, k->unsent_bytes, r->db, &large, &cut);
	if (rc == SQLITE_OK && large)
		return note_unsent(r, o,
				   k->sent < (uint64_t)o->first ? o->first : (int64_t)k->sent + 1,
				   *upto, count);
	*upto = k->sent < (uint64_t)o->first ? o->first - 1 : (int64_t)k->sent;
	return rc;
}

/* One block, or its first `*max` rows; *ret_due: there was something to do. */
static int delete_block(const struct keep *k, struct rows *r, uint64_t now_ns, int64_t *max,
			bool *ret_due, bool *ret_cut, uint64_t *unsent)
{
	struct oldest o;
	int64_t upto;
	bool large = false;
	int rc = find_oldest(r->db, &o);

	if (rc != SQLITE_OK)
		return rc;
	*ret_due = o.found && k->ns && now_ns > k->ns && o.newest < (int64_t)(now_ns - k->ns);
	if (k->bytes)
		rc = is_too_large(k, k->bytes, r->db, &large, ret_cut);
	*ret_due |= o.found && large;
	if (rc != SQLITE_OK || !*ret_due)
		return rc;
	upto = o.last < o.first + *max ? o.last : o.first + *max - 1;
	rc = spare_unsent(k, r, &o, &upto, unsent);
	*ret_due = upto >= o.first;
	if (rc != SQLITE_OK || !*ret_due)
		return rc;
	*max -= upto - o.first + 1;
	return delete_rows(r, &o, upto);
}

int keep_step(const struct keep *k, struct rows *r, uint64_t now_ns, int64_t max, struct kept *ret)
{
	bool due = true, cut = false, deleted = false;
	int rc = SQLITE_OK;

	*ret = (struct kept){0};
	if (!k->ns && !k->bytes)
		return SQLITE_OK;
	for (int blocks = 0; rc == SQLITE_OK && due && max > 0 && blocks < BLOCKS_MAX; blocks++) {
		rc = delete_block(k, r, now_ns, &max, &due, &cut, &ret->unsent);
		deleted |= due;
	}
	if (rc == SQLITE_OK && deleted)
		rc = delete_unused(r);
	if (rc == SQLITE_OK && cut) {
		char text[64];

		snprintf(text, sizeof(text), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
		rc = sqlite3_exec(r->db, text, NULL, NULL, NULL);
	}
	ret->more = due || cut;
	return rc;
}
