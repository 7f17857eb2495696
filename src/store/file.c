// SPDX-License-Identifier: GPL-2.0-only
/* file.c - is this file a store, may we write it, and how a new one is made. */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEADER_BYTES 100
/* A look for damage is cut short: a day's store must not hold up the start. */
#define CHECK_NS  2000000000ull
#define LOCK_MS	  500
#define LOCK_STEP 20

int store_fail(struct store_error *error, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return err;
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
	if (be32(h + 60) != STORE_VERSION)
		return store_fail(error, -EINVAL,
				  "%s is a store of version %u, this sockwatch writes version %u; "
				  "name another file",
				  path, be32(h + 60), STORE_VERSION);
	if (page == 1)
		page = 65536;
	snprintf(log, sizeof(log), "%s-wal", path);
	/* With a log the newest pages may be there alone. */
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
	int err, rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "SELECT max(id) FROM life; SELECT max(id) FROM call", NULL,
				  NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &check, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_progress_handler(db, 1000, out_of_time, &until);
		rc = sqlite3_step(check);
	}
	if (rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(check, 0), "ok"))
		snprintf(what, sizeof(what), "%s", sqlite3_column_text(check, 0));
	else if (rc != SQLITE_ROW && rc != SQLITE_INTERRUPT)
		snprintf(what, sizeof(what), "%s", db ? sqlite3_errmsg(db) : "no memory");
	for (char *p = what; *p; p++) {
		if (*p == '\n')
			*p = ' ';
	}
	sqlite3_finalize(check);
	sqlite3_close(db);
	err = what[0] ? -EBADMSG : 0;
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

int file_lock(const char *path, struct store_error *error)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP * 1000000};
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	int err;

	if (fd < 0)
		return store_fail(error, -errno, "cannot write to %s: %s", path, strerror(errno));
	/* A reader that asks whether a recorder runs holds the lock for a moment. */
	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP) {
		if (errno != EWOULDBLOCK || waited >= LOCK_MS) {
			err = -errno;
			close(fd);
			if (err != -EWOULDBLOCK)
				return store_fail(error, err, "cannot lock %s: %s", path,
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

/* The tables first, then the log, so that the file itself says from the start what it is. */
int file_create(sqlite3 *db, struct store_error *error)
{
	if (sqlite3_exec(db, schema_sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(error, -EIO, "cannot make the store: %s", sqlite3_errmsg(db));
	return 0;
}
