/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ship_schema.h - the tables and views of a fleet's database, as SQL for ClickHouse.
 *
 * Owns: their names, columns, keys and codecs.  Refuses to know: the server, who sends rows there.  Pure but for memory.
 *
 * A base table mirrors one of the store (store_copy.h): host, machine_id and store, then its columns, then when the server received
 * it.  Views over them have the names, columns and words of the local store's, so one question runs in both.
 *
 *     char *sql = ship_schema(&(struct ship_schema){.database = "sockwatch"});     // statements that end in ";\n"
 *     free(sql);
 */
#ifndef SOCKWATCH_SHIP_SCHEMA_H
#define SOCKWATCH_SHIP_SCHEMA_H

#include "store_copy.h"

#define SHIP_DATABASE "sockwatch"

struct ship_schema {
	const char *database; /* a name of ship_is_name() */
	const char *prefix;   /* of every table and view; "" or such a name; NULL: none */
	const char *cluster;  /* NULL: one server */
	uint64_t ttl_ns;      /* rows that ended longer ago go, by whole days; 0: all stay */
};

/* To be freed; NULL without memory. */
char *ship_schema(const struct ship_schema *schema);

/* What a table has behind the columns of store_copy.h: "gone", "revision". */
bool ship_schema_is_revised(enum copy_table table);

#endif
