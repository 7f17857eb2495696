/* SPDX-License-Identifier: GPL-2.0-only */
/* options_fleet.c - values that name places in a fleet's database. */
#include <stdio.h>
#include <string.h>

#include "options_plain.h"
#include "options_set.h"
#include "ship_http.h"

static int refuse(const struct options_row *row, const char *arg)
{
	const char *name = options_row_name(row);

	return options_complain("%s '%.*s': %s; write for example %s %s", name,
				(int)strnlen(arg, 100), arg, row->why, name, row->example);
}

/* It stands in SQL as it is. */
int set_database_name(struct options_parse *p, const struct options_row *row, const char *arg)
{
	if (!ship_is_name(arg))
		return refuse(row, arg);
	*(const char **)((char *)p->options + row->field) = arg;
	return 0;
}

int set_cluster(struct options_parse *p, const struct options_row *row, const char *arg)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	if (!*arg || strspn(arg, letters) != strlen(arg))
		return refuse(row, arg);
	p->options->fleet.cluster = arg;
	return 0;
}

int options_set_dialect(struct options *o, const char *word)
{
	if (strcmp(word, "clickhouse") != 0)
		return options_complain(
			"'%.*s': no database that sockwatch knows; there is clickhouse",
			(int)strnlen(word, 100), word);
	o->fleet.dialect = true;
	return 0;
}
