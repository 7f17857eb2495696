// SPDX-License-Identifier: GPL-2.0-only
#include "insert.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Every setting is said, because a profile of the user's may have another one.  Without a wait a row that the server has lost would
 * count as sent.
 */
static char *make_target(const struct insert_to *to, const struct insert_rows *rows,
			 const char *query)
{
	const char *const parameters[] = {
		"query", query, "wait_end_of_query", "1",
		/* Of a table in pieces on several servers: the answer comes once they have it. */
		"insert_distributed_sync", "1",
		/* Older servers know nothing of what follows. */
		to->old ? NULL : "async_insert", rows->rows < INSERT_SMALL ? "1" : "0",
		"wait_for_async_insert", "1", "insert_deduplicate", "1", "async_insert_deduplicate",
		rows->token ? "1" : "0", rows->token ? "insert_deduplication_token" : NULL,
		rows->token, NULL};

	return ship_http_target("/", parameters);
}

enum pace_verdict insert_send(struct insert_to *to, const struct insert_rows *rows,
			      uint64_t *ret_retry_after_ns, struct ship_error *words)
{
	enum pace_verdict verdict;
	struct ship_http_answer answer = {.failure = SHIP_HTTP_IMPOSSIBLE, .text = "no memory"};
	char *query = NULL, *target = NULL, table[200];

	snprintf(table, sizeof(table), "%s%s", to->prefix, rows->table);
	to->about.table = table;
	if (asprintf(&query, "INSERT INTO `%s`.`%s` (%s) FORMAT TabSeparated", to->about.database,
		     table, rows->columns) < 0)
		query = NULL;
	if (query)
		target = make_target(to, rows, query);
	if (target)
		ship_http_do(to->http,
			     &(struct ship_http_request){.target = target,
							 .body = rows->body,
							 .len = rows->len,
							 .gzip = true},
			     &answer);
	verdict = pace_judge(&answer, &to->about, words);
	*ret_retry_after_ns = answer.retry_after_ns;
	to->about.table = NULL;
	free(target);
	free(query);
	/* A setting that is not known, and it was not said: somebody else's. */
	return verdict == PACE_OLD && to->old ? PACE_REFUSED : verdict;
}
