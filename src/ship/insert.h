/* SPDX-License-Identifier: GPL-2.0-only */
/* insert.h - rows into one table, by one request.  Owns: the text of the request. */
#ifndef SOCKWATCH_SHIP_INSERT_H
#define SOCKWATCH_SHIP_INSERT_H

#include "pace.h"

/* The server gathers rows of requests as small as this before it writes, and answers when it has. */
#define INSERT_SMALL 1000

struct insert_to {
	struct ship_http *http;
	struct pace_about about; /* its table is set here */
	const char *prefix;
	bool old; /* the server knows no token: what is sent twice counts once by the tables' keys alone */
};

struct insert_rows {
	const char *table, *columns;
	const char *token; /* NULL: what is sent again is known by its key */
	uint64_t rows;
	const void *body; /* gzip */
	size_t len;
};

enum pace_verdict insert_send(struct insert_to *to, const struct insert_rows *rows, uint64_t *ret_retry_after_ns,
			      struct ship_error *words);

#endif
