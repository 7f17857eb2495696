// SPDX-License-Identifier: GPL-2.0-only
/* file.c - is this file a store, may we write it, and how a new one is made. */
#include "safe_file.h"
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEADER_BYTES 100
/* The check for damage ends after this: a day's store must not hold up the start. */
#define CHECK_NS 2000000000ull
#define LOCK_MS	 500
/* A value or a row of a store is far shorter. */
#define LENGTH_MAX (1 << 20)
#define LOCK_STEP  20

int store_fail(struct store_error *error, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return err;
}

/* Any text from a file, in printable ASCII. */
static const char *plain_text(const char *text, char *out, size_t size)
{
	char *to = out;

	for (const char *p = text ? text : ""; *p && to + 5 < out + size; p++) {
		if (*p >= ' ' && *p <= '~')
			*to++ = *p;
		else
			to += snprintf(to, 5, "\\x%02x", (unsigned char)*p);
	}
	*to = '\0';
	return out;
}

const char *store_why(sqlite3 *db, int rc, char *out, size_t size)
{
	/* An error that this code found itself is not the one that SQLite noted last. */
	const char *text = db && (sqlite3_errcode(db) & 0xff) == (rc & 0xff) ? sqlite3_errmsg(db)
									     : sqlite3_errstr(rc);

	return plain_text(text, out, size);
}

uint64_t store_clock(bool realtime)
{
	struct timespec t = {0};

	clock_gettime(realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int refuse_foreign(const char *path, struct store_error *error)
{
	return store_fail(error, -EINVAL,
			  "%s is not a store of sockwatch and was left as it is; name another file",
			  path);
}

static int refuse_damaged(const char *path, const char *what, struct store_error *error)
{
	return store_fail(error, -EBADMSG,
			  "%s is damaged (%s) and was left as it is; move it away or name another "
			  "file",
			  path, what);
}

/* Of https://sqlite.org/fileformat.html, 1.3: page size at 16, pages at 28, version at 60, id at
 * 68. */
static int check_header(const char *path, const uint8_t *h, const struct stat *st,
			struct store_error *error)
{
	uint64_t page = (uint64_t)h[16] << 8 | h[17];
	char log[4200];
	struct stat log_st;

	if (memcmp(h, "SQLite format 3", 16) || be32(h + 68) != STORE_APPLICATION_ID)
		return refuse_foreign(path, error);
	if (be32(h + 60) != STORE_VERSION && be32(h + 60) != STORE_VERSION_OLD)
		return store_fail(error, -EINVAL,
				  "%s is a store of version %u, this sockwatch writes version %u; "
				  "name another file",
				  path, be32(h + 60), STORE_VERSION);
	if (page == 1)
		page = 65536;
	snprintf(log, sizeof(log), "%s-wal", path);
	/* With a log, the newest pages may be in the log only. */
	if ((stat(log, &log_st) < 0 || log_st.st_size == 0) &&
	    (uint64_t)st->st_size < page * be32(h + 28))
		return refuse_damaged(path, "it is cut short", error);
	return 0;
}

static int out_of_time(void *ctx)
{
	return store_clock(false) > *(uint64_t *)ctx;
}

static int check_content(const char *path, struct store_error *error)
{
	uint64_t until = store_clock(false) + CHECK_NS;
	sqlite3_stmt *check = NULL;
	char what[200] = "";
	sqlite3 *db = NULL;
	int err, rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, file_vfs());

	if (rc == SQLITE_OK)
		rc = file_guard(db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "SELECT max(id) FROM life; SELECT max(id) FROM call", NULL,
				  NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &check, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_progress_handler(db, 1000, out_of_time, &until);
		rc = sqlite3_step(check);
	}
	if (rc == SQLITE_ROW && sqlite3_stricmp((const char *)sqlite3_column_text(check, 0), "ok"))
		plain_text((const char *)sqlite3_column_text(check, 0), what, sizeof(what));
	else if (rc != SQLITE_ROW && rc != SQLITE_INTERRUPT)
		store_why(db, rc, what, sizeof(what));
	sqlite3_finalize(check);
	sqlite3_close(db);
	err = what[0] ? -EBADMSG : 0;
	if (rc == SQLITE_MISMATCH)
		return refuse_foreign(path, error);
	if (rc == SQLITE_CANTOPEN || rc == SQLITE_PERM || rc == SQLITE_IOERR || rc == SQLITE_BUSY)
		return store_fail(error, -EIO, "cannot read %s: %s", path, what);
	return err ? refuse_damaged(path, what, error) : 0;
}

int file_check_header(const char *path, bool *ret_new, struct store_error *error)
{
	uint8_t header[HEADER_BYTES];
	struct stat st = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err = 0;
	ssize_t n;

	*ret_new = false;
	if (fd < 0 && errno == ENOENT) {
		*ret_new = true;
		return 0;
	}
	if (fd < 0)
		return store_fail(error, -errno, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return refuse_foreign(path, error);
	}
	n = pread(fd, header, sizeof(header), 0);
	if (n < 0)
		err = store_fail(error, -errno, "cannot read %s: %s", path, strerror(errno));
	/* Before sqlite opens it: closing a descriptor drops the process's locks on the file. */
	close(fd);
	if (err == 0 && n > 0 && n < HEADER_BYTES)
		err = refuse_foreign(path, error);
	else if (err == 0 && n > 0)
		err = check_header(path, header, &st, error);
	if (err == 0)
		*ret_new = n == 0;
	return err;
}

int file_check(const char *path, bool *ret_new, struct store_error *error)
{
	int err = file_check_header(path, ret_new, error);

	return err == 0 && !*ret_new ? check_content(path, error) : err;
}

/* ---- files that nobody else has a hand in ---- */

/*
 * An empty file where none is; false where a stranger has a hand in it.  By a descriptor without rights where it is there: closing
 * any other would drop this process's locks on the file.
 */
static bool make(const char *path)
{
	const char *why;
	int fd;

	do {
		fd = safe_open(path, O_PATH, 0, &why);
		if (fd == -ENOENT)
			fd = safe_open(path, O_RDWR | O_CREAT | O_EXCL, 0640, &why);
	} while (fd == -EEXIST);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/*
 * SQLite opens its files by their names: the store, what it is to be taken back to, the log and the log's index, which it makes
 * by itself after the log.  Each is there and ours before it does, and nobody else can take it away then.
 */
static int open_ours(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
		     int *ret_flags)
{
	sqlite3_vfs *base = sqlite3_vfs_find(NULL);
	char index[PATH_MAX];
	size_t len = name ? strlen(name) : 0;

	(void)vfs;
	if (len > 4 && (flags & SQLITE_OPEN_WAL)) {
		snprintf(index, sizeof(index), "%.*s-shm", (int)(len - 4), name);
		if (!make(index))
			return SQLITE_CANTOPEN;
	}
	if (name && (flags & SQLITE_OPEN_READWRITE) && !make(name))
		return SQLITE_CANTOPEN;
	return base->xOpen(base, name, file, flags, ret_flags);
}

const char *file_vfs(void)
{
	static sqlite3_vfs ours;

	if (!ours.zName) {
		ours = *sqlite3_vfs_find(NULL);
		ours.zName = "sockwatch";
		ours.xOpen = open_ours;
		sqlite3_vfs_register(&ours, 0);
	}
	return ours.zName;
}

static int fail_open(const char *path, int err, const char *why, struct store_error *error)
{
	return store_fail(error, err, "cannot write to %s: %s", path, why ? why : strerror(-err));
}

int file_ours(const char *path, struct store_error *error)
{
	static const char *const beside[] = {"", "-wal", "-shm", "-journal"};
	char name[PATH_MAX];
	const char *why;

	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		int fd;

		snprintf(name, sizeof(name), "%s%s", path, beside[i]);
		fd = safe_open(name, O_PATH, 0, &why);
		if (fd >= 0)
			close(fd);
		else if (fd != -ENOENT)
			return fail_open(name, fd, why, error);
	}
	return 0;
}

int file_open(const char *path, struct store_error *error)
{
	const char *why;
	int fd = safe_open(path, O_RDWR | O_CREAT | O_NONBLOCK, 0640, &why);

	return fd < 0 ? fail_open(path, fd, why, error) : fd;
}

/*
 * Not of the store itself: whoever may read a file may lock it.  Left behind, for the next recorder: a lock ends with who holds
 * it, and a file that is removed could be locked twice under one name.
 */
int file_lock(const char *path, struct store_error *error)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP * 1000000};
	char name[PATH_MAX];
	const char *why;
	int fd, err;

	if (snprintf(name, sizeof(name), "%s-lock", path) >= (int)sizeof(name))
		return fail_open(path, -ENAMETOOLONG, NULL, error);
	fd = safe_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &why);
	if (fd < 0)
		return fail_open(name, fd, why, error);
	/* The recorder before may just end. */
	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP) {
		if (errno != EWOULDBLOCK || waited >= LOCK_MS) {
			err = -errno;
			close(fd);
			if (err != -EWOULDBLOCK)
				return store_fail(error, err, "cannot lock %s: %s", name,
						  strerror(-err));
			return store_fail(error, -EBUSY,
					  "another sockwatch is recording into %s; stop it or name "
					  "another file",
					  path);
		}
		nanosleep(&step, NULL);
	}
	return fd;
}

/* Behind all that SQLite locks of a file. */
static struct flock recorders_lock(void)
{
	return (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = INT64_MAX - 1, .l_len = 1};
}

bool file_tell_recording(int fd)
{
	struct flock lock = recorders_lock();

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool file_is_recorded(int fd)
{
	struct flock lock = recorders_lock();

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK;
}

/* The tables first, then the log, so that the file itself says from the start what it is. */
int file_create(sqlite3 *db, struct store_error *error)
{
	int rc = sqlite3_exec(db, schema_sql, NULL, NULL, NULL);
	char why[256];

	if (rc != SQLITE_OK)
		return store_fail(error, -EIO, "cannot make the store: %s",
				  store_why(db, rc, why, sizeof(why)));
	return 0;
}

/*
 * Every table and index of ours is in `db` as we make it, for a store of this version those that came with it, too; others may be
 * there besides.
 */
static int same_tables(sqlite3 *ours, sqlite3 *db, int version)
{
	static const char each[] = "SELECT type,name,sql FROM sqlite_schema WHERE type IN "
				   "('table','index') AND sql IS NOT NULL AND "
				   "(?>=4 OR name NOT IN ('identity','budget','unsent'))";
	static const char find[] = "SELECT 1 FROM sqlite_schema WHERE type=? AND name=? AND sql=?";
	sqlite3_stmt *o = NULL, *s = NULL;
	int rc = sqlite3_prepare_v2(ours, each, -1, &o, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, find, -1, &s, NULL);
	sqlite3_bind_int(o, 1, version);
	while (rc == SQLITE_OK && (rc = sqlite3_step(o)) == SQLITE_ROW) {
		for (int i = 0; i < 3; i++)
			sqlite3_bind_value(s, i + 1, sqlite3_column_value(o, i));
		rc = sqlite3_step(s);
		rc = rc == SQLITE_DONE ? SQLITE_MISMATCH : rc == SQLITE_ROW ? SQLITE_OK : rc;
		sqlite3_reset(s);
	}
	sqlite3_finalize(o);
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int has_trigger(sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema WHERE type='trigger' LIMIT 1",
				    -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? SQLITE_MISMATCH : rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/*
 * As https://sqlite.org/security.html advises for a file that others may have made.  The views are for people: their text may
 * differ, and nothing here reads one.
 */
int file_guard(sqlite3 *db)
{
	sqlite3 *ours = NULL;
	int version = 0, rc;

	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, LENGTH_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	rc = sqlite3_exec(db, "PRAGMA cell_size_check=ON;PRAGMA mmap_size=0", NULL, NULL, NULL);
	/* That of the header may be older than the log. */
	if (rc == SQLITE_OK)
		rc = file_version(db, &version);
	if (rc == SQLITE_OK && version != STORE_VERSION && version != STORE_VERSION_OLD)
		rc = SQLITE_MISMATCH;
	if (rc == SQLITE_OK)
		rc = sqlite3_open(":memory:", &ours);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(ours, schema_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = same_tables(ours, db, version);
	if (rc == SQLITE_OK)
		rc = has_trigger(db);
	sqlite3_close(ours);
	return rc;
}
