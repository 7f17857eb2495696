/* SPDX-License-Identifier: GPL-2.0-only */
/* options_fleet.c - values that name places in a fleet's database. */
#include <stdio.h>
#include <string.h>

#include "options_plain.h"
#include "options_set.h"
#include "ship_http.h"
#include "units.h"

#define HOST_MAX 253
#define ROWS_MAX 50000

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

int set_server(struct options_parse *p, const struct options_row *row, const char *arg)
{
	struct ship_place place;

	if (!ship_place_parse(arg, &place))
		return refuse(row, arg);
	*(const char **)((char *)p->options + row->field) = arg;
	return 0;
}

/* What is kept of a host with each row, in a line of its own. */
int set_host(struct options_parse *p, const struct options_row *row, const char *arg)
{
	if (!*arg || strlen(arg) > HOST_MAX || strpbrk(arg, "\t\r\n"))
		return refuse(row, arg);
	p->options->fleet.host = arg;
	return 0;
}

int set_rows(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return units_parse_number(arg, 1, ROWS_MAX, &p->options->fleet.rows) ? refuse(row, arg) : 0;
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

int set_asked_host(struct options_parse *p, const struct options_row *row, const char *arg)
{
	if (!*arg)
		return refuse(row, arg);
	p->options->fleet.host = strcmp(arg, "*") != 0 ? arg : NULL;
	return 0;
}

const char *options_fleet_word(const struct options_fleet *f)
{
	if (f->user)
		return "--as";
	if (f->password_file)
		return "--password-file";
	if (f->ca_file)
		return "--ca";
	if (f->table_prefix)
		return "--table-prefix";
	return f->host ? "--host" : NULL;
}

int options_check_fleet(const struct options *o)
{
	const struct options_fleet *f = &o->fleet;

	if (o->command != COMMAND_HISTORY)
		return 0;
	if (f->from && o->store_file)
		return options_complain("--from asks a database, --store a file; give either");
	if (f->from && o->follow)
		return options_complain("--follow goes on with what a store of this host records, "
					"--from asks a database; give either");
	if (!f->from && options_fleet_word(f))
		return options_complain("%s is for --from: of which database? write for example "
					"--from http://clickhouse:8123/sockwatch",
					options_fleet_word(f));
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
