// SPDX-License-Identifier: GPL-2.0-only
/* read_name.c - what a network namespace was called when something happened in it. */
#include "read_private.h"

#include <string.h>

/* Facts come a little out of order, and a name is asked for with the first. */
#define SLACK_NS 1000000000ll

/* The last name by then, since when, and until when. */
static const char find[] =
	"SELECT (SELECT name FROM netns_name WHERE netns=?1 AND at<=?2 ORDER BY at DESC LIMIT 1),"
	"(SELECT max(at) FROM netns_name WHERE netns=?1 AND at<=?2),"
	"(SELECT min(at) FROM netns_name WHERE netns=?1 AND at>?2)";

static int64_t time_of(sqlite3_stmt *s, int column, int64_t otherwise)
{
	return sqlite3_column_type(s, column) == SQLITE_INTEGER ? sqlite3_column_int64(s, column)
								: otherwise;
}

const char *reader_netns_name(struct store_reader *r, int64_t netns, uint64_t time_ns)
{
	int64_t at = time_ns > INT64_MAX - SLACK_NS ? INT64_MAX : (int64_t)time_ns + SLACK_NS;
	struct netns_name *n = &r->name;
	const unsigned char *name = NULL;

	if (n->netns == netns && at >= n->from && at < n->until)
		return n->away ? n->name : NULL;
	if (!r->find_name && sqlite3_prepare_v2(r->db, find, -1, &r->find_name, NULL) != SQLITE_OK)
		return NULL;
	*n = (struct netns_name){.netns = netns, .until = INT64_MAX};
	sqlite3_bind_int64(r->find_name, 1, netns);
	sqlite3_bind_int64(r->find_name, 2, at);
	if (sqlite3_step(r->find_name) == SQLITE_ROW) {
		if (sqlite3_column_type(r->find_name, 0) == SQLITE_TEXT)
			name = sqlite3_column_text(r->find_name, 0);
		n->from = time_of(r->find_name, 1, 0);
		n->until = time_of(r->find_name, 2, INT64_MAX);
	}
	n->away = name != NULL;
	if (name)
		memcpy(n->name, name, strnlen((const char *)name, sizeof(n->name) - 1));
	sqlite3_reset(r->find_name);
	return n->away ? n->name : NULL;
}

void reader_forget_name(struct store_reader *r)
{
	r->name.netns = 0;
}
