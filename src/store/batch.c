// SPDX-License-Identifier: GPL-2.0-only
/*
 * batch.c - lives that have ended as a table that SQLite reads: one statement puts hundreds of them into the file.
 *
 *     INSERT INTO life SELECT * FROM temp.batch      each column is read in place by life_value()
 *
 * To bind and run a statement for each costs twice as much.  The table is in `temp`, by its full name: a file that others made
 * may have a table of any name.
 */
#include "store_private.h"

#include <stdlib.h>

/* sqlite3_vtab and sqlite3_vtab_cursor come first in what a module hands out. */
struct batch_table {
	sqlite3_vtab base;
	const struct rows *rows;
};

struct batch_cursor {
	sqlite3_vtab_cursor base;
	size_t at;
};

static const struct rows *rows_of(const sqlite3_vtab_cursor *cursor)
{
	return ((const struct batch_table *)cursor->pVtab)->rows;
}

static int on_connect(sqlite3 *db, void *rows, int argc, const char *const *argv,
		      sqlite3_vtab **ret, char **ret_why)
{
	struct batch_table *table;
	int rc = sqlite3_declare_vtab(db, "CREATE TABLE batch(id," LIFE_COLUMNS ")");

	(void)argc, (void)argv, (void)ret_why;
	if (rc != SQLITE_OK)
		return rc;
	table = calloc(1, sizeof(*table));
	if (!table)
		return SQLITE_NOMEM;
	table->rows = rows;
	*ret = &table->base;
	return SQLITE_OK;
}

static int on_disconnect(sqlite3_vtab *table)
{
	free(table);
	return SQLITE_OK;
}

static int on_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
	(void)table, (void)info;
	return SQLITE_OK;
}

static int on_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret)
{
	struct batch_cursor *cursor = calloc(1, sizeof(*cursor));

	(void)table;
	if (!cursor)
		return SQLITE_NOMEM;
	*ret = &cursor->base;
	return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *cursor)
{
	free(cursor);
	return SQLITE_OK;
}

static int on_filter(sqlite3_vtab_cursor *cursor, int index, const char *name, int argc,
		     sqlite3_value **argv)
{
	(void)index, (void)name, (void)argc, (void)argv;
	((struct batch_cursor *)cursor)->at = 0;
	return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *cursor)
{
	((struct batch_cursor *)cursor)->at++;
	return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *cursor)
{
	return ((struct batch_cursor *)cursor)->at >= rows_of(cursor)->batch_count;
}

void life_value(struct value *v, const struct life_row *row, int column)
{
	const struct record *e = row->e;
	bool counted = row->facts & FACTS_COUNTED, silent = row->facts & FACTS_SILENT;

	switch (column) {
	case 0: value_number(v, row->id != 0, row->id); break;
	case 1: value_number(v, true, (int64_t)e->time_ns); break;
	case 2: value_number(v, true, (int64_t)row->lived_ns); break;
	case 3: value_number(v, row->facts & FACTS_HAS_LOCAL, e->local_port); break;
	case 4: value_number(v, row->facts & FACTS_HAS_PEER, e->peer_port); break;
	case 5: value_number(v, true, scale_of(row->lived_ns)); break;
	case 6: value_number(v, true, (int64_t)row->facts); break;
	case 7: value_number(v, true, row->netns); break;
	case 8: value_number(v, true, (int64_t)e->cookie); break;
	case 9: value_address(v, e, FACTS_HAS_LOCAL); break;
	case 10: value_address(v, e, FACTS_HAS_PEER); break;
	case 11: value_number(v, row->process != 0, row->process); break;
	case 12: value_number(v, counted, (int64_t)e->life.sent); break;
	case 13: value_number(v, counted, (int64_t)e->life.received); break;
	case 14: value_number(v, counted, e->life.retransmits); break;
	case 15: value_number(v, counted, e->life.rtt_us); break;
	case 16: value_number(v, e->error != 0, e->error); break;
	case 17: value_bytes(v, e + 1, e->spans); break;
	case 18: value_asked(v, e); break;
	case 19: value_number(v, e->life.syns != 0, e->life.syns); break;
	case 20: value_number(v, silent, (int64_t)e->life.heard_ns); break;
	default: value_number(v, silent, e->life.unacked); break;
	}
}

static int on_column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int column)
{
	const struct life_row *row = &rows_of(cursor)->batch[((struct batch_cursor *)cursor)->at];
	struct value v;

	life_value(&v, row, column);
	switch (v.kind) {
	case VALUE_NUMBER: sqlite3_result_int64(out, v.number); break;
	case VALUE_BYTES:
		sqlite3_result_blob(out, v.bytes, v.len,
				    v.bytes == v.room ? SQLITE_TRANSIENT : SQLITE_STATIC);
		break;
	case VALUE_NONE: break; /* NULL */
	}
	return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)((struct batch_cursor *)cursor)->at;
	return SQLITE_OK;
}

int batch_init(struct rows *r)
{
	static const sqlite3_module module = {
		.xCreate = on_connect,
		.xConnect = on_connect,
		.xBestIndex = on_best_index,
		.xDisconnect = on_disconnect,
		.xDestroy = on_disconnect,
		.xOpen = on_open,
		.xClose = on_close,
		.xFilter = on_filter,
		.xNext = on_next,
		.xEof = on_eof,
		.xColumn = on_column,
		.xRowid = on_rowid,
	};
	int rc = sqlite3_create_module(r->db, "batch", &module, r);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->db, "CREATE VIRTUAL TABLE temp.batch USING batch", NULL, NULL,
				  NULL);
	return rc;
}

int batch_flush(struct rows *r)
{
	int rc = r->batch_count ? rows_run(r->statement[PUT_LIVES]) : SQLITE_OK;

	r->batch_count = 0;
	return rc;
}
