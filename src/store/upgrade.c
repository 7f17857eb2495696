// SPDX-License-Identifier: GPL-2.0-only
/* upgrade.c - which version a store is of, what one of version 3 lacks, and the name that tells stores apart. */
#include "store_private.h"

#include <stdio.h>
#include <string.h>

int file_version(sqlite3 *db, int *ret)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static bool is_id(const unsigned char *text, int len)
{
	return text && len == STORE_ID_SIZE - 1 &&
	       strspn((const char *)text, "0123456789abcdef") == STORE_ID_SIZE - 1;
}

static uint64_t hash(uint64_t seed, const char *text, uint64_t number)
{
	for (; *text; text++)
		seed = (seed ^ (unsigned char)*text) * 0x100000001b3ull;
	for (int i = 0; i < 64; i += 8)
		seed = (seed ^ (number >> i & 255)) * 0x100000001b3ull;
	seed = (seed ^ seed >> 33) * 0xff51afd7ed558ccdull;
	return seed ^ seed >> 33;
}

/*
 * Of a store that has no name: made of what never changes in it, so that who only reads finds the one that the next writer will
 * write down.  Boots are named at random and runs start at some nanosecond.
 */
static int name_by_first_run(sqlite3 *db, char *ret)
{
	static const char find[] =
		"SELECT boot.name,run.started FROM run JOIN boot ON boot.id=run.boot "
		"ORDER BY run.id LIMIT 1";
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, find, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		const char *boot = (const char *)sqlite3_column_text(s, 0);
		uint64_t started = (uint64_t)sqlite3_column_int64(s, 1);

		snprintf(
			ret, STORE_ID_SIZE, "%016llx%016llx",
			(unsigned long long)hash(0xcbf29ce484222325ull, boot ? boot : "", started),
			(unsigned long long)hash(0x736b777400000003ull, boot ? boot : "", started));
	}
	sqlite3_finalize(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int file_id(sqlite3 *db, char *ret)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT id FROM identity", -1, &s, NULL);

	ret[0] = '\0';
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		const unsigned char *id = sqlite3_column_text(s, 0);

		if (is_id(id, sqlite3_column_bytes(s, 0)))
			memcpy(ret, id, STORE_ID_SIZE);
		else
			rc = SQLITE_CORRUPT;
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? name_by_first_run(db, ret) : rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int write_id(sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	char id[STORE_ID_SIZE];
	int rc = file_id(db, id);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db,
					"INSERT INTO identity(id,last) SELECT "
					"ifnull(?,lower(hex(randomblob(16)))),0 "
					"WHERE NOT EXISTS(SELECT 1 FROM identity)",
					-1, &s, NULL);
	if (rc == SQLITE_OK && id[0])
		rc = sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = rows_run(s);
	sqlite3_finalize(s);
	return rc;
}

int file_upgrade(sqlite3 *db)
{
	int version = STORE_VERSION, rc;

	rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return rc;
	rc = file_version(db, &version);
	if (rc == SQLITE_OK && version < STORE_VERSION)
		rc = sqlite3_exec(db, schema_upgrade_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = write_id(db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

int file_stand_in(sqlite3 *db, bool *ret)
{
	int version = STORE_VERSION, rc = file_version(db, &version);

	*ret = rc == SQLITE_OK && version < STORE_VERSION;
	return *ret ? sqlite3_exec(db, schema_stand_in_sql, NULL, NULL, NULL) : rc;
}

int file_stand_back(sqlite3 *db, bool *stands_in)
{
	int version = STORE_VERSION_OLD, rc = file_version(db, &version);

	if (rc != SQLITE_OK || version != STORE_VERSION)
		return rc;
	*stands_in = false;
	return sqlite3_exec(
		db, "DROP TABLE temp.identity;DROP TABLE temp.budget;DROP TABLE temp.unsent", NULL,
		NULL, NULL);
}
