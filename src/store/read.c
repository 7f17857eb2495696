// SPDX-License-Identifier: GPL-2.0-only
/* read.c - a store asked, while it is written or later. */
#include "read_private.h"
#include "store_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP_STEPS 10000 /* of sqlite's machine between two questions whether to stop: below a millisecond */

static int (*read_stop)(void *unused);

int reader_fail(struct store_reader *r, int rc, struct store_error *error)
{
	char why[256];

	if (rc == SQLITE_MISMATCH)
		return store_fail(error, -EINVAL, "cannot read the store: its tables are not those "
						  "that sockwatch makes");
	return store_fail(error, -EIO, "cannot read the store: %s",
			  store_why(r->db, rc, why, sizeof(why)));
}

/*
 * A store without a writer can be read even where its readers may write nothing, not the index of
 * its log either.
 */
static int open_unchanging(const char *path, sqlite3 **ret)
{
	char *uri = store_uri(path, "immutable=1");
	int rc;

	sqlite3_close(*ret);
	*ret = NULL;
	rc = uri ? sqlite3_open_v2(uri, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL)
		 : SQLITE_NOMEM;
	sqlite3_free(uri);
	return rc;
}

static bool has_log(const char *path)
{
	char *log = sqlite3_mprintf("%s-wal", path);
	struct stat st;
	bool has = log && stat(log, &st) == 0 && st.st_size > 0;

	sqlite3_free(log);
	return has;
}

void store_read_until(int (*stop)(void *unused))
{
	read_stop = stop;
}

static int probe_db(sqlite3 *db)
{
	sqlite3_progress_handler(db, STOP_STEPS, read_stop, NULL);
	return sqlite3_exec(db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
}

static int open_db(struct store_reader *r, const char *path)
{
	int rc = sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = probe_db(r->db);
	if ((rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY) && !has_log(path) &&
	    !store_is_recording(r)) {
		rc = open_unchanging(path, &r->db);
		if (rc == SQLITE_OK)
			rc = probe_db(r->db);
	}
	if (rc == SQLITE_OK)
		sqlite3_busy_timeout(r->db, 2000);
	/* Who has given its rights away makes no file to sort in. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = file_guard(r->db);
	if (rc == SQLITE_OK)
		rc = file_stand_in(r->db, &r->stands_in);
	return rc == SQLITE_OK ? reader_prepare(r) : rc;
}

int reader_prepare(struct store_reader *r)
{
	int rc = sqlite3_prepare_v2(r->db,
				    "SELECT pid,tid,uid,name,ruid,start,cut,cgroup,container,"
				    "container_name,pod,unit,exe,args,parents FROM process "
				    "WHERE id=?",
				    -1, &r->find_process, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(r->db, "SELECT inode FROM netns WHERE id=?", -1,
					&r->find_netns, NULL);
	return rc;
}

struct store_reader *store_reader_open(const char *path, uint64_t now_ns, struct store_error *error)
{
	struct store_reader *r;
	bool is_new = false;
	int rc;

	if (file_check_header(path, &is_new, error) < 0)
		return NULL;
	if (is_new) {
		store_fail(error, -ENOENT, "%s: there is no such store, or nothing in it yet",
			   path);
		return NULL;
	}
	r = calloc(1, sizeof(*r));
	if (!r) {
		store_fail(error, -ENOMEM, "no memory");
		return NULL;
	}
	r->now_ns = now_ns;
	r->fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = open_db(r, path);
	if (rc != SQLITE_OK) {
		reader_fail(r, rc, error);
		store_reader_close(r);
		return NULL;
	}
	return r;
}

void store_reader_close(struct store_reader *r)
{
	sqlite3_stmt *s;

	if (!r)
		return;
	reader_forget(r);
	while (r->db && (s = sqlite3_next_stmt(r->db, NULL)))
		sqlite3_finalize(s);
	sqlite3_close(r->db);
	/* Last, because closing any descriptor of the file drops sqlite's locks on it. */
	if (r->fd >= 0)
		close(r->fd);
	free(r->paste);
	free(r);
}

void store_reader_leave_out_args(struct store_reader *r)
{
	r->no_args = true;
}

void store_reader_set_now(struct store_reader *r, uint64_t now_ns)
{
	r->now_ns = now_ns;
}

static int64_t number(const struct store_reader *r, const char *text, uint64_t bind,
		      int64_t otherwise)
{
	sqlite3_stmt *s = NULL;
	int64_t value = otherwise;

	if (sqlite3_prepare_v2(r->db, text, -1, &s, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, (int64_t)bind);
		if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
			value = sqlite3_column_int64(s, 0);
	}
	sqlite3_finalize(s);
	return value;
}

static int64_t find_pasted_running(const struct store_reader *r)
{
	if (r->alive_ns > INT64_MAX)
		return 0;
	return number(
		r,
		"SELECT id FROM (SELECT * FROM run ORDER BY id DESC LIMIT 1) WHERE stopped IS NULL "
		"AND alive>=?",
		r->alive_ns, 0);
}

bool store_is_recording(const struct store_reader *r)
{
	return r->paste ? find_pasted_running(r) != 0 : file_is_recorded(r->fd);
}

struct answer {
	const struct store_query *query;
	bool (*fn)(void *ctx, const struct event *event);
	void *ctx;
	bool ended;
};

static int64_t find_running(struct store_reader *r)
{
	if (r->paste)
		return find_pasted_running(r);
	return store_is_recording(r) ? number(r, "SELECT max(id) FROM run", 0, 0) : 0;
}

static int answer(struct store_reader *r, struct answer *a, char *text)
{
	sqlite3_stmt *s = NULL;
	struct event e;
	int rc = text ? sqlite3_prepare_v2(r->db, text, -1, &s, NULL) : SQLITE_NOMEM;

	sqlite3_free(text);
	reader_forget_name(r);
	while (rc == SQLITE_OK && !a->ended && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		rc = SQLITE_OK;
		if (!row_event(r, s, &e)) {
			rc = SQLITE_CORRUPT;
			break;
		}
		if (sqlite3_column_int64(s, COLUMN_RUN) && e.time_ns < a->query->from_ns)
			continue;
		if (filter_match(a->query->filter, &e))
			a->ended = !a->fn(a->ctx, &e);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

uint64_t store_last(struct store_reader *r)
{
	return (uint64_t)number(r,
				"SELECT max(ifnull((SELECT max(last) FROM identity),0),"
				"ifnull((SELECT max(last) FROM block),0))",
				0, 0);
}

int store_read(struct store_reader *r, const struct store_query *query,
	       bool (*fn)(void *ctx, const struct event *event), void *ctx, uint64_t *ret_last,
	       struct store_error *error)
{
	struct answer a = {.query = query, .fn = fn, .ctx = ctx};
	/* One view of the store for all of it. */
	int rc = sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL);

	r->running = find_running(r);
	if (rc == SQLITE_OK)
		rc = answer(r, &a,
			    query->by_time ? query_by_time(r->db, query, r->running)
					   : query_rows(r->db, query));
	if (rc == SQLITE_OK && !query->no_open && !query->by_time)
		rc = answer(r, &a, query_open(query));
	if (rc == SQLITE_OK)
		*ret_last = store_last(r);
	else
		reader_fail(r, rc, error);
	sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : -EIO;
}

static int64_t find_boot(struct store_reader *r, const char *boot_id)
{
	sqlite3_stmt *s = NULL;
	int64_t boot = 0;

	if (sqlite3_prepare_v2(r->db, "SELECT id FROM boot WHERE name=?", -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(s, 1, boot_id, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		boot = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return boot;
}

int store_read_past(struct store_reader *r, const char *boot_id, bool open, uint64_t from_ns,
		    bool (*fn)(void *ctx, const struct event *event), void *ctx,
		    struct store_error *error)
{
	struct filter any = {0};
	struct store_query q = {.filter = &any};
	struct answer a = {.query = &q, .fn = fn, .ctx = ctx};
	int64_t boot = find_boot(r, boot_id);
	int rc = SQLITE_OK;

	r->running = find_running(r);
	if (boot)
		rc = answer(r, &a,
			    open ? query_open_of(boot) : query_time_waits_of(r->db, boot, from_ns));
	return rc == SQLITE_OK ? 0 : reader_fail(r, rc, error);
}

bool store_span(struct store_reader *r, uint64_t *ret_from_ns, uint64_t *ret_to_ns)
{
	int64_t from = number(r, "SELECT min(started) FROM run", 0, -1);
	int64_t kept = number(r, "SELECT min(oldest) FROM block", 0, from);
	int64_t to = number(r, "SELECT max(alive) FROM run", 0, -1);

	if (from < 0 || to < 0)
		return false;
	*ret_from_ns = (uint64_t)(kept > from ? kept : from);
	*ret_to_ns = store_is_recording(r) ? r->now_ns : (uint64_t)to;
	return true;
}

bool store_ran_at(struct store_reader *r, uint64_t time_ns)
{
	if (time_ns > INT64_MAX)
		return false;
	return number(r, "SELECT 1 FROM run WHERE started<=?1 AND alive>=?1", time_ns, 0) ||
	       (store_is_recording(r) &&
		number(r, "SELECT 1 FROM run WHERE id=(SELECT max(id) FROM run) AND started<=?",
		       time_ns, 0) &&
		time_ns <= r->now_ns);
}

int store_read_runs(struct store_reader *r, void (*fn)(void *ctx, uint64_t from_ns, uint64_t to_ns),
		    void *ctx, struct store_error *error)
{
	int64_t running = find_running(r);
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(r->db, "SELECT id,started,alive FROM run ORDER BY id", -1, &s, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		uint64_t from = (uint64_t)sqlite3_column_int64(s, 1);
		uint64_t to = running && sqlite3_column_int64(s, 0) == running
				      ? r->now_ns
				      : (uint64_t)sqlite3_column_int64(s, 2);

		rc = SQLITE_OK;
		if (from <= to && to <= INT64_MAX)
			fn(ctx, from, to);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : reader_fail(r, rc, error);
}
