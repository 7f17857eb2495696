// SPDX-License-Identifier: GPL-2.0-only
/* schema.c - `sockwatch schema`: SQL that makes a fleet's database. */
#include "commands.h"
#include "confine.h"
#include "log.h"
#include "ship_schema.h"

#include <stdio.h>
#include <stdlib.h>

int command_schema(const struct options *options)
{
	const struct options_fleet *f = &options->fleet;
	const struct ship_schema schema = {
		.database = f->database ? f->database : SHIP_DATABASE,
		.prefix = f->table_prefix,
		.cluster = f->cluster,
		.ttl_ns = f->ttl_ns,
	};
	const struct confine wish = {.calls = CONFINE_HISTORY, .files = true};
	char *sql;
	int code = 0;

	/* Nothing is opened from here on, so who calls it as root loses nothing. */
	if (confine(&wish, options->strict, CONFINE_LANDLOCK) < 0)
		return 1;
	sql = ship_schema(&schema);
	if (!sql) {
		log_error("no memory");
		code = 1;
	} else if (fputs(sql, stdout) == EOF || fflush(stdout) != 0) {
		log_error("cannot write to stdout");
		code = 1;
	}
	free(sql);
	return code;
}
