// SPDX-License-Identifier: GPL-2.0-only
/* cursor_file.c - the file of a cursor: whose it is, how it begins, who has it. */
#include "cursor_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "safe_file.h"
#include "store_names.h"

#define APPLICATION_ID 0x736b7763 /* "skwc" */
#define FILE_VERSION   1
#define BUSY_MS	       2000
/* The sender before may just end. */
#define LOCK_MS	  500
#define LOCK_STEP 20
/* What stays of the log beside the file. */
#define LOG_BYTES "4194304"

/* The first is read by the recorder, too, which keeps what is not sent. */
static const char schema[] =
	"BEGIN;"
	"CREATE TABLE IF NOT EXISTS cursor(store TEXT PRIMARY KEY,sent INTEGER NOT NULL);"
	"CREATE TABLE batch(store TEXT NOT NULL,first INTEGER NOT NULL,last INTEGER NOT "
	"NULL,frozen INTEGER NOT NULL,"
	"mark INTEGER NOT NULL);"
	"CREATE TABLE part(number INTEGER PRIMARY KEY,name TEXT NOT NULL,columns TEXT NOT "
	"NULL,token TEXT NOT NULL,"
	"rows INTEGER NOT NULL,body BLOB NOT NULL);"
	"CREATE TABLE mark(store TEXT NOT NULL,number INTEGER NOT NULL,hash INTEGER NOT NULL,"
	"PRIMARY KEY(store,number)) WITHOUT ROWID;"
	"CREATE TABLE known(kind INTEGER NOT NULL,store TEXT NOT NULL,number INTEGER NOT NULL,hash "
	"INTEGER NOT NULL,"
	"PRIMARY KEY(kind,store,number)) WITHOUT ROWID;"
	"CREATE TABLE revision(last INTEGER NOT NULL);"
	"CREATE TABLE tally(rows INTEGER NOT NULL,batches INTEGER NOT NULL,bytes INTEGER NOT "
	"NULL,failures INTEGER NOT NULL,"
	"sent INTEGER NOT NULL,waiting INTEGER NOT NULL,oldest INTEGER NOT NULL,place TEXT NOT "
	"NULL,why TEXT NOT NULL);"
	"INSERT INTO revision VALUES(0);"
	"INSERT INTO tally VALUES(0,0,0,0,0,0,0,'','');"
	"PRAGMA application_id=0x736b7763;"
	"PRAGMA user_version=1;"
	"COMMIT;";

__attribute__((format(printf, 3, 4))) static int fail(struct ship_error *error, int err,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return err;
}

int cursor_fail_sql(struct cursor *c, int rc, struct ship_error *error)
{
	int err = rc == SQLITE_FULL ? -ENOSPC : rc == SQLITE_NOMEM ? -ENOMEM : -EIO;

	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
		return fail(error, -EBADMSG,
			    "%.300s is damaged (%.100s); move it away, and all of the store is "
			    "sent again",
			    c->path, sqlite3_errstr(rc));
	return fail(error, err, "%.300s: %.100s", c->path, sqlite3_errstr(rc));
}

/* ---- the file ---- */

static int fail_open(const char *path, int err, const char *why, struct ship_error *error)
{
	return fail(error, err, "cannot write to %.300s: %s", path, why ? why : strerror(-err));
}

/* Makes it where it is missing, so that it has a name that is no link's. */
static int make_file(struct cursor *c, const char *store, struct ship_error *error)
{
	char name[PATH_MAX], *slash;
	const char *why;
	int fd;

	if (snprintf(name, sizeof(name), "%s-ship", store) >= (int)sizeof(name) - 8)
		return fail_open(store, -ENAMETOOLONG, NULL, error);
	fd = safe_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0640, &why);
	if (fd < 0)
		return fail_open(name, fd, why, error);
	close(fd);
	if (!realpath(name, c->path) || strlen(c->path) >= sizeof(c->path) - 8)
		return fail_open(name, -ENAMETOOLONG, NULL, error);
	strcpy(c->directory, c->path);
	slash = strrchr(c->directory, '/');
	slash[slash == c->directory] = '\0';
	return 0;
}

/* What SQLite opens beside it must not be a stranger's either. */
static int check_beside(const struct cursor *c, struct ship_error *error)
{
	static const char *const beside[] = {"-wal", "-shm", "-journal"};
	char name[PATH_MAX + 16];
	const char *why;

	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		int fd;

		snprintf(name, sizeof(name), "%s%s", c->path, beside[i]);
		fd = safe_open(name, O_PATH, 0, &why);
		if (fd >= 0)
			close(fd);
		else if (fd != -ENOENT)
			return fail_open(name, fd, why, error);
	}
	return 0;
}

/* As of the store: a file of its own, which nobody but the sender may open. */
static int take_lock(struct cursor *c, struct ship_error *error)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP * 1000000};
	char name[PATH_MAX + 16];
	const char *why;

	snprintf(name, sizeof(name), "%s-lock", c->path);
	c->lock = safe_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &why);
	if (c->lock < 0)
		return fail_open(name, c->lock, why, error);
	for (int waited = 0; flock(c->lock, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP) {
		if (errno != EWOULDBLOCK)
			return fail(error, -errno, "cannot lock %.300s: %s", name, strerror(errno));
		if (waited >= LOCK_MS)
			return fail(error, -EBUSY,
				    "another sockwatch sends what is recorded here (%.300s); stop "
				    "it first",
				    c->path);
		nanosleep(&step, NULL);
	}
	return 0;
}

static int first_number(sqlite3 *db, const char *sql, int *ret)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int set_up(struct cursor *c, struct ship_error *error)
{
	int id = 0, version = 0, tables = 0;
	int rc = first_number(c->db, "SELECT count(*) FROM sqlite_schema", &tables);

	if (rc == SQLITE_OK)
		rc = first_number(c->db, "PRAGMA application_id", &id);
	if (rc == SQLITE_OK)
		rc = first_number(c->db, "PRAGMA user_version", &version);
	if (rc == SQLITE_NOTADB ||
	    (rc == SQLITE_OK && (id || version || tables) && id != APPLICATION_ID))
		return fail(error, -EINVAL,
			    "%.300s does not say what was sent, it is something else, and was left "
			    "as it is",
			    c->path);
	if (rc == SQLITE_OK && id == APPLICATION_ID && version != FILE_VERSION)
		return fail(error, -EINVAL, "%.300s is of another version of sockwatch", c->path);
	/* The log and its index stay open, so that nothing has to be made later. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(
			c->db,
			"PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA temp_store=MEMORY;"
			"PRAGMA trusted_schema=OFF;PRAGMA journal_size_limit=" LOG_BYTES,
			NULL, NULL, NULL);
	if (rc == SQLITE_OK && id != APPLICATION_ID)
		rc = sqlite3_exec(c->db, schema, NULL, NULL, NULL);
	/* Opens them, even where nothing has to be made. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(c->db, "BEGIN IMMEDIATE;UPDATE revision SET last=last;COMMIT",
				  NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : cursor_fail_sql(c, rc, error);
}

struct cursor *cursor_open(const char *store, struct ship_error *error)
{
	struct cursor *c = calloc(1, sizeof(*c));
	int keep = 1, rc;

	if (!c) {
		fail(error, -ENOMEM, "no memory");
		return NULL;
	}
	c->lock = -1;
	if (make_file(c, store, error) < 0 || check_beside(c, error) < 0 || take_lock(c, error) < 0)
		goto failed;
	rc = sqlite3_open_v2(c->path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		cursor_fail_sql(c, rc, error);
		goto failed;
	}
	sqlite3_busy_timeout(c->db, BUSY_MS);
	/* Who ends without the right to take files away ends as well as others. */
	sqlite3_file_control(c->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
	if (set_up(c, error) == 0)
		return c;
failed:
	cursor_close(c);
	return NULL;
}

void cursor_close(struct cursor *c)
{
	if (!c)
		return;
	sqlite3_finalize(c->part);
	sqlite3_close(c->db);
	if (c->lock >= 0)
		close(c->lock);
	free(c);
}

const char *cursor_directory(const struct cursor *c)
{
	return c->directory;
}

/* ---- for status ---- */

static void take_tally(sqlite3_stmt *s, struct ship_tally *ret)
{
	const unsigned char *place = sqlite3_column_text(s, 7), *why = sqlite3_column_text(s, 8);

	*ret = (struct ship_tally){
		.rows = (uint64_t)sqlite3_column_int64(s, 0),
		.batches = (uint64_t)sqlite3_column_int64(s, 1),
		.bytes = (uint64_t)sqlite3_column_int64(s, 2),
		.failures = (uint64_t)sqlite3_column_int64(s, 3),
		.sent_ns = (uint64_t)sqlite3_column_int64(s, 4),
		.waiting = (uint64_t)sqlite3_column_int64(s, 5),
		.oldest_ns = (uint64_t)sqlite3_column_int64(s, 6),
	};
	snprintf(ret->place, sizeof(ret->place), "%s", place ? (const char *)place : "");
	snprintf(ret->why, sizeof(ret->why), "%s", why ? (const char *)why : "");
}

static int read_tally(sqlite3 *db, struct ship_tally *ret)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(
		db, "SELECT rows,batches,bytes,failures,sent,waiting,oldest,place,why FROM tally",
		-1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		take_tally(s, ret);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? 0 : -EIO;
}

int cursor_tally(struct cursor *c, struct ship_tally *ret)
{
	return read_tally(c->db, ret);
}

/* Its index as it is: who may not write does not try. */
static int open_to_read(const char *path, sqlite3 **ret)
{
	char *uri = store_uri(path, "readonly_shm=1");
	int rc;

	rc = uri ? sqlite3_open_v2(uri, ret,
				   SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI,
				   NULL)
		 : SQLITE_NOMEM;
	sqlite3_free(uri);
	return rc;
}

int ship_read_tally(const char *store, struct ship_tally *ret)
{
	sqlite3 *db = NULL;
	char name[PATH_MAX];
	int err = -EIO;

	if (snprintf(name, sizeof(name), "%s-ship", store) >= (int)sizeof(name))
		return -ENOENT;
	if (access(name, F_OK) < 0)
		return -errno;
	if (open_to_read(name, &db) == SQLITE_OK)
		err = read_tally(db, ret);
	sqlite3_close(db);
	return err;
}
