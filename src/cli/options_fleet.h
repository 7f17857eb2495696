/* SPDX-License-Identifier: GPL-2.0-only */
/* options_fleet.h - the part of struct options that names a fleet's database.  Part of options.h. */
#ifndef SOCKWATCH_OPTIONS_FLEET_H
#define SOCKWATCH_OPTIONS_FLEET_H

#include <stdbool.h>
#include <stdint.h>

/* schema, ship, record --to, history --from; all of them point into argv. */
struct options_fleet {
	const char *to;	  /* ship, record: as `from`; NULL: nowhere */
	const char *from; /* "http://HOST:8123/DATABASE"; NULL: a store */
	const char *host; /* whose record; NULL: every host's */
	const char *user; /* of the database; NULL: its default */
	const char *password_file;
	const char *ca_file;
	const char *table_prefix; /* NULL: none */
	const char *database;	  /* NULL: the default */
	const char *cluster;	  /* NULL: one server */
	uint64_t ttl_ns;	  /* 0: rows stay */
	uint64_t rows;		  /* ship, record: of a batch at most; 0: as many as are good for a server */
	bool once;		  /* ship: what there is, and no more */
	bool dialect;		  /* schema: which one was said */
};

#endif
