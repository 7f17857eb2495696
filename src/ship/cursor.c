// SPDX-License-Identifier: GPL-2.0-only
#include "cursor_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MARKS 1000 /* of a store */

/* ---- statements: n numbers (0 ends none), t text, b bytes and their length ---- */

static int prepare(struct cursor *c, sqlite3_stmt **ret, const char *sql, const char *types,
		   va_list args)
{
	int rc = sqlite3_prepare_v2(c->db, sql, -1, ret, NULL);

	for (int at = 1; *types && rc == SQLITE_OK; types++, at++) {
		if (*types == 'n') {
			rc = sqlite3_bind_int64(*ret, at, va_arg(args, int64_t));
		} else if (*types == 't') {
			rc = sqlite3_bind_text(*ret, at, va_arg(args, const char *), -1,
					       SQLITE_STATIC);
		} else {
			const void *bytes = va_arg(args, const void *);

			rc = sqlite3_bind_blob64(*ret, at, bytes, va_arg(args, size_t),
						 SQLITE_STATIC);
		}
	}
	return rc;
}

/* Its number, where one is wanted; *ret stays where there is no row. */
static int step(struct cursor *c, int64_t *ret, const char *sql, const char *types, ...)
{
	sqlite3_stmt *s = NULL;
	va_list args;
	int rc;

	va_start(args, types);
	rc = prepare(c, &s, sql, types, args);
	va_end(args);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (ret && rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
		*ret = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int begin(struct cursor *c)
{
	return step(c, NULL, "BEGIN IMMEDIATE", "");
}

/* Ends what begin() began: nothing is changed unless all was. */
static int end(struct cursor *c, int rc, struct ship_error *error)
{
	if (rc == SQLITE_OK)
		rc = step(c, NULL, "COMMIT", "");
	if (rc == SQLITE_OK)
		return 0;
	if (!sqlite3_get_autocommit(c->db))
		step(c, NULL, "ROLLBACK", "");
	return cursor_fail_sql(c, rc, error);
}

/* ---- how far ---- */

int cursor_sent(struct cursor *c, const char *store, uint64_t *ret, struct ship_error *error)
{
	int64_t sent = 0;
	int rc = step(c, NULL,
		      "INSERT INTO cursor SELECT ?1,0 WHERE NOT EXISTS(SELECT 1 FROM cursor WHERE "
		      "store=?1)",
		      "t", store);

	if (rc == SQLITE_OK)
		rc = step(c, &sent, "SELECT sent FROM cursor WHERE store=?", "t", store);
	if (rc != SQLITE_OK)
		return cursor_fail_sql(c, rc, error);
	*ret = sent > 0 ? (uint64_t)sent : 0;
	return 0;
}

int cursor_skip(struct cursor *c, const char *store, uint64_t last, struct ship_error *error)
{
	int rc = step(c, NULL, "INSERT OR REPLACE INTO cursor VALUES(?,?)", "tn", store,
		      (int64_t)last);

	return rc == SQLITE_OK ? 0 : cursor_fail_sql(c, rc, error);
}

/* ---- the batch ---- */

int cursor_batch(struct cursor *c, struct cursor_batch *ret, struct ship_error *error)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(c->db, "SELECT store,first,last,frozen,mark FROM batch", -1, &s,
				    NULL);

	*ret = (struct cursor_batch){0};
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		snprintf(ret->store, sizeof(ret->store), "%s",
			 (const char *)sqlite3_column_text(s, 0));
		ret->first = (uint64_t)sqlite3_column_int64(s, 1);
		ret->last = (uint64_t)sqlite3_column_int64(s, 2);
		ret->frozen_ns = (uint64_t)sqlite3_column_int64(s, 3);
		ret->mark = (uint64_t)sqlite3_column_int64(s, 4);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : cursor_fail_sql(c, rc, error);
}

int cursor_freeze_begin(struct cursor *c, struct ship_error *error)
{
	int rc = begin(c);

	c->frozen_parts = 0;
	return rc == SQLITE_OK ? 0 : cursor_fail_sql(c, rc, error);
}

int cursor_freeze_part(struct cursor *c, const struct cursor_part *p, struct ship_error *error)
{
	int rc = step(c, NULL, "INSERT INTO part(name,columns,token,rows,body) VALUES(?,?,?,?,?)",
		      "tttnb", p->table, p->columns, p->token, (int64_t)p->rows, p->body, p->len);

	c->frozen_parts++;
	return rc == SQLITE_OK ? 0 : cursor_fail_sql(c, rc, error);
}

static int put_mark(struct cursor *c, const char *store, uint64_t last, uint64_t hash)
{
	int rc = step(c, NULL, "INSERT OR REPLACE INTO mark VALUES(?,?,?)", "tnn", store,
		      (int64_t)last, (int64_t)hash);

	if (rc == SQLITE_OK)
		rc = step(c, NULL,
			  "DELETE FROM mark WHERE store=?1 AND number<=(SELECT number FROM mark "
			  "WHERE store=?1 "
			  "ORDER BY number DESC LIMIT 1 OFFSET ?2)",
			  "tn", store, (int64_t)MARKS);
	return rc;
}

int cursor_freeze_end(struct cursor *c, const struct cursor_batch *b, struct ship_error *error)
{
	int rc;

	if (c->frozen_parts)
		rc = step(c, NULL, "INSERT INTO batch VALUES(?,?,?,?,?)", "tnnnn", b->store,
			  (int64_t)b->first, (int64_t)b->last, (int64_t)b->frozen_ns,
			  (int64_t)b->mark);
	else
		rc = step(c, NULL, "INSERT OR REPLACE INTO cursor VALUES(?,?)", "tn", b->store,
			  (int64_t)b->last);
	return end(c, rc, error);
}

void cursor_freeze_drop(struct cursor *c)
{
	if (!sqlite3_get_autocommit(c->db))
		step(c, NULL, "ROLLBACK", "");
}

int cursor_part(struct cursor *c, struct cursor_part *ret, struct ship_error *error)
{
	int rc;

	sqlite3_finalize(c->part);
	c->part = NULL;
	rc = sqlite3_prepare_v2(c->db,
				"SELECT number,name,columns,token,rows,body FROM part ORDER "
				"BY number LIMIT 1",
				-1, &c->part, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(c->part);
	if (rc == SQLITE_ROW) {
		*ret = (struct cursor_part){
			.number = sqlite3_column_int64(c->part, 0),
			.table = (const char *)sqlite3_column_text(c->part, 1),
			.columns = (const char *)sqlite3_column_text(c->part, 2),
			.token = (const char *)sqlite3_column_text(c->part, 3),
			.rows = (uint64_t)sqlite3_column_int64(c->part, 4),
			.body = sqlite3_column_blob(c->part, 5),
			.len = (size_t)sqlite3_column_bytes(c->part, 5),
		};
		return 1;
	}
	return rc == SQLITE_DONE ? 0 : cursor_fail_sql(c, rc, error);
}

/* The store has been taken as far as the batch went. */
static int end_batch(struct cursor *c)
{
	struct ship_error unused;
	struct cursor_batch b;
	int rc = cursor_batch(c, &b, &unused) < 0 ? SQLITE_CORRUPT : SQLITE_OK;

	if (rc == SQLITE_OK)
		rc = step(c, NULL, "INSERT OR REPLACE INTO cursor VALUES(?,?)", "tn", b.store,
			  (int64_t)b.last);
	if (rc == SQLITE_OK)
		rc = put_mark(c, b.store, b.last, b.mark);
	if (rc == SQLITE_OK)
		rc = step(c, NULL, "DELETE FROM batch", "");
	return rc == SQLITE_OK ? step(c, NULL, "UPDATE tally SET batches=batches+1", "") : rc;
}

int cursor_taken(struct cursor *c, int64_t part, uint64_t now_ns, struct ship_error *error)
{
	int64_t left = 0;
	int rc;

	sqlite3_finalize(c->part);
	c->part = NULL;
	rc = begin(c);
	if (rc == SQLITE_OK)
		rc = step(c, NULL,
			  "UPDATE tally SET sent=?2,why='',rows=rows+(SELECT rows FROM part WHERE "
			  "number=?1),"
			  "bytes=bytes+(SELECT length(body) FROM part WHERE number=?1)",
			  "nn", part, (int64_t)now_ns);
	if (rc == SQLITE_OK)
		rc = step(c, NULL, "DELETE FROM part WHERE number=?", "n", part);
	if (rc == SQLITE_OK)
		rc = step(c, &left, "SELECT count(*) FROM part", "");
	if (rc == SQLITE_OK && left == 0)
		rc = end_batch(c);
	return end(c, rc, error);
}

/* ---- marks ---- */

static int each(struct cursor *c, sqlite3_stmt *s, int rc,
		bool (*fn)(void *ctx, uint64_t number, uint64_t hash), void *ctx,
		struct ship_error *error)
{
	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		rc = SQLITE_OK;
		if (!fn(ctx, (uint64_t)sqlite3_column_int64(s, 0),
			(uint64_t)sqlite3_column_int64(s, 1)))
			rc = SQLITE_DONE;
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : cursor_fail_sql(c, rc, error);
}

int cursor_marks(struct cursor *c, const char *store,
		 bool (*fn)(void *ctx, uint64_t number, uint64_t hash), void *ctx,
		 struct ship_error *error)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(
		c->db, "SELECT number,hash FROM mark WHERE store=? ORDER BY number DESC", -1, &s,
		NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(s, 1, store, -1, SQLITE_STATIC);
	return each(c, s, rc, fn, ctx, error);
}

int cursor_rewind(struct cursor *c, const char *store, uint64_t last, struct ship_error *error)
{
	int rc = begin(c);

	if (rc == SQLITE_OK)
		rc = step(c, NULL, "INSERT OR REPLACE INTO cursor VALUES(?,?)", "tn", store,
			  (int64_t)last);
	if (rc == SQLITE_OK)
		rc = step(c, NULL, "DELETE FROM mark WHERE store=? AND number>?", "tn", store,
			  (int64_t)last);
	return end(c, rc, error);
}

/* ---- rows that change ---- */

int cursor_known(struct cursor *c, enum cursor_kind kind, const char *store,
		 bool (*fn)(void *ctx, uint64_t number, uint64_t hash), void *ctx,
		 struct ship_error *error)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(
		c->db, "SELECT number,hash FROM known WHERE kind=? AND store=? ORDER BY number", -1,
		&s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int(s, 1, (int)kind);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(s, 2, store, -1, SQLITE_STATIC);
	return each(c, s, rc, fn, ctx, error);
}

int cursor_learn_begin(struct cursor *c, struct ship_error *error)
{
	int rc = begin(c);

	return rc == SQLITE_OK ? 0 : cursor_fail_sql(c, rc, error);
}

int cursor_learn(struct cursor *c, enum cursor_kind kind, const char *store, uint64_t row,
		 uint64_t hash, bool gone, struct ship_error *error)
{
	int rc;

	if (gone)
		rc = step(c, NULL, "DELETE FROM known WHERE kind=? AND store=? AND number=?", "ntn",
			  (int64_t)kind, store, (int64_t)row);
	else
		rc = step(c, NULL, "INSERT OR REPLACE INTO known VALUES(?,?,?,?)", "ntnn",
			  (int64_t)kind, store, (int64_t)row, (int64_t)hash);
	return rc == SQLITE_OK ? 0 : cursor_fail_sql(c, rc, error);
}

int cursor_learn_end(struct cursor *c, struct ship_error *error)
{
	return end(c, SQLITE_OK, error);
}

int cursor_revision(struct cursor *c, uint64_t now_ns, uint64_t *ret, struct ship_error *error)
{
	int64_t last = 0;
	int rc = step(c, NULL, "UPDATE revision SET last=max(last+1,?)", "n", (int64_t)now_ns);

	if (rc == SQLITE_OK)
		rc = step(c, &last, "SELECT last FROM revision", "");
	if (rc != SQLITE_OK)
		return cursor_fail_sql(c, rc, error);
	*ret = (uint64_t)last;
	return 0;
}

/* ---- for status ---- */

int cursor_tell(struct cursor *c, const struct ship_tally *t, struct ship_error *error)
{
	int rc = step(c, NULL,
		      "UPDATE tally SET failures=failures+?,waiting=?,oldest=?,place=?,why=?",
		      "nnntt", (int64_t)t->failures, (int64_t)t->waiting, (int64_t)t->oldest_ns,
		      t->place, t->why);

	return rc == SQLITE_OK ? 0 : cursor_fail_sql(c, rc, error);
}
