/* SPDX-License-Identifier: GPL-2.0-only */
/* cursor_private.h - what cursor.c and cursor_file.c share. */
#ifndef SOCKWATCH_SHIP_CURSOR_PRIVATE_H
#define SOCKWATCH_SHIP_CURSOR_PRIVATE_H

#include <limits.h>
#include <sqlite3.h>

#include "cursor.h"

struct cursor {
	char path[PATH_MAX]; /* links followed */
	char directory[PATH_MAX];
	int lock;
	sqlite3 *db;
	sqlite3_stmt *part; /* cursor_part()'s row */
	uint64_t frozen_parts;
};

/* cursor_file.c: why a call failed; -errno. */
int cursor_fail_sql(struct cursor *c, int rc, struct ship_error *error);

#endif
