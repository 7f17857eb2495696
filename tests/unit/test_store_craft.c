// SPDX-License-Identifier: GPL-2.0-only
/* Stores that a stranger made: sound files for SQLite, with rows, types and tables that no recorder writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_case.h"

#define COLUMNS_MAX 200

static char column[COLUMNS_MAX][2][32]; /* table, column */
static size_t columns;
static char saved[1 << 20];
static size_t saved_size;

/* One line that a terminal may show, and a reason. */
static void assert_plain(const char *why, const char *after)
{
	for (const char *p = why; *p; p++) {
		if (!isprint((unsigned char)*p))
			fail_msg("byte %u after %s", (unsigned char)*p, after);
	}
	if (!why[0] || strstr(why, "not an error"))
		fail_msg("'%s' after %s", why, after);
}

static void save(void)
{
	int fd = open(path, O_RDONLY);
	ssize_t size = read(fd, saved, sizeof(saved));

	assert_in_range(size, 1, sizeof(saved) - 1);
	saved_size = (size_t)size;
	close(fd);
}

static void restore(void)
{
	char log[80];
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, saved, saved_size), saved_size);
	close(fd);
	snprintf(log, sizeof(log), "%s-wal", path);
	unlink(log);
	snprintf(log, sizeof(log), "%s-shm", path);
	unlink(log);
}

static void find_columns(void)
{
	sqlite3_stmt *s;
	sqlite3 *db;

	columns = 0;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT t.name,c.name FROM sqlite_schema AS t,"
				   "pragma_table_info(t.name) AS c WHERE t.type='table' ORDER BY 1",
				   -1, &s, NULL),
		SQLITE_OK);
	for (; sqlite3_step(s) == SQLITE_ROW; columns++) {
		assert_true(columns < COLUMNS_MAX);
		for (int i = 0; i < 2; i++)
			snprintf(column[columns][i], sizeof(column[0][0]), "%s",
				 (const char *)sqlite3_column_text(s, i));
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	assert_true(columns > 70);
}

static void test_any_value_in_any_column(void **state)
{
	static const char *const values[] = {
		"-1",	 "65536", "1<<40", "9223372036854775807", "-9223372036854775808",
		"1e300", "x'0f'", "NULL",  "char(27)||'[2J'",	  "hex(zeroblob(9000))",
		"-id-1",
	};
	char text[256], why[STORE_ERROR_SIZE];
	size_t refused = 0, written = 0, crafted = 0;

	(void)state;
	sample_store();
	save();
	find_columns();
	for (size_t c = 0; c < columns; c++) {
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			bool is_id = strcmp(column[c][1], "id") == 0;

			/* Half of the pairs, in a few seconds. */
			if (strcmp(values[v], "-id-1") == 0 ? !is_id : (c + v) % 2)
				continue;
			restore();
			sqlite3_snprintf(sizeof(text), text, "UPDATE OR IGNORE %s SET %s=%s",
					 column[c][0], column[c][1], values[v]);
			if (!craft(text))
				continue;
			crafted++;
			if (!read_store(why)) {
				assert_plain(why, text);
				refused++;
			}
			/* A write waits for the disk: one a column, each value in turn. */
			if (written > c)
				continue;
			if (v >= c % (sizeof(values) / sizeof(values[0])) && !write_to(why))
				assert_plain(why, text);
			written += v >= c % (sizeof(values) / sizeof(values[0]));
		}
	}
	assert_true(refused > 50 && refused < crafted);
}

static void test_found_before(void **state)
{
	static const char *const crafts[] = {
		"UPDATE life SET process=-1",
		"UPDATE process SET id=-id",
		"UPDATE process SET id=-id; UPDATE life SET process=-process",
		"UPDATE OR IGNORE block SET first=9223372036854775000,last=9223372036854775807",
		"UPDATE life SET local=x'0102'",
		"UPDATE life SET facts=facts|(15<<23)",
		"UPDATE life SET facts=facts|(3<<16)",
		"UPDATE holder SET state=15",
		"UPDATE open SET since_boot=-9223372036854775808,closed=9223372036854775807",
	};
	char why[STORE_ERROR_SIZE];

	(void)state;
	sample_store();
	save();
	for (size_t i = 0; i < sizeof(crafts) / sizeof(crafts[0]); i++) {
		restore();
		assert_true(craft(crafts[i]));
		if (!read_store(why))
			assert_plain(why, crafts[i]);
		if (!write_to(why))
			assert_plain(why, crafts[i]);
	}
}

static void test_tables_that_are_not_ours(void **state)
{
	static const char *const crafts[] = {
		"DROP TABLE holder",
		"CREATE TRIGGER t AFTER INSERT ON life BEGIN DELETE FROM life; END",
		"ALTER TABLE life RENAME TO was; CREATE VIEW life AS WITH RECURSIVE n(x) AS "
		"(SELECT 1 "
		"UNION ALL SELECT x+1 FROM n) SELECT x AS id FROM n",
		"ALTER TABLE process ADD COLUMN more",
		"ALTER TABLE process RENAME COLUMN name TO called",
		"DROP INDEX life_long",
	};
	char why[STORE_ERROR_SIZE], damage[512];

	(void)state;
	sample_store();
	save();
	for (size_t i = 0; i < sizeof(crafts) / sizeof(crafts[0]); i++) {
		restore();
		assert_true(craft(crafts[i]));
		assert_false(read_store(why));
		assert_plain(why, crafts[i]);
		assert_false(write_to(why));
		assert_plain(why, crafts[i]);
	}
	/* What SQLite says of a schema it cannot read is the schema's text. */
	restore();
	snprintf(damage, sizeof(damage),
		 "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql='CREATE TABLE "
		 "'||char(27)||"
		 "'[31m',name=char(27)||'[2J'||char(155)||char(0x202e) WHERE name='loss'");
	assert_true(craft(damage));
	assert_false(read_store(why));
	assert_plain(why, damage);
	assert_false(write_to(why));
	assert_plain(why, damage);
}

/* The views are for people, who may change them or add their own. */
static void test_views_may_be_any(void **state)
{
	char why[STORE_ERROR_SIZE];

	(void)state;
	sample_store();
	assert_true(craft("DROP VIEW life_states; CREATE VIEW mine AS SELECT 1; CREATE INDEX i ON "
			  "life(cookie)"));
	if (!read_store(why))
		fail_msg("%s", why);
	if (!write_to(why))
		fail_msg("%s", why);
}

static void *hold_lock(void *ctx)
{
	pause_ms(5000);
	sqlite3_close(ctx);
	return NULL;
}

/* Whoever holds the file's lock over the start: it is waited for, or the start fails, but no row is left out. */
static void test_a_store_that_is_locked_at_the_start(void **state)
{
	pthread_t holder;
	sqlite3 *db;

	(void)state;
	sample_store();
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(pthread_create(&holder, NULL, hold_lock, db), 0);
	store_close(open_store((struct store_options){.boot_id = "boot-b"}), NULL);
	pthread_join(holder, NULL);
	assert_int_equal(sql("SELECT count(*) FROM run"), 3);
	assert_int_equal(sql("SELECT count(*) FROM runs WHERE boot='boot-b' AND stopped NOT NULL"),
			 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_any_value_in_any_column),
		TEST(test_found_before),
		TEST(test_tables_that_are_not_ours),
		TEST(test_views_may_be_any),
		TEST(test_a_store_that_is_locked_at_the_start),
	};

	return cmocka_run_group_tests_name("store craft", tests, NULL, NULL);
}
