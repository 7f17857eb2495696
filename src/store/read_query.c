// SPDX-License-Identifier: GPL-2.0-only
/*
 * read_query.c - the question as SQL.
 *
 * A life that touches [from, to] and is shorter than a second lies in a block whose newest end is
 * not before `from` and whose earliest start is not after `to`: those give a range of rows.  The
 * longer ones that ended later come from their index, one range for each scale. SQL narrows down by
 * time, ports and process; the filter has the last word.  ("scale>0" stands beside "scale=3"
 * because SQLite uses the index, which has the condition scale>0, only where the query repeats that
 * condition.)
 */
#include "read_private.h"

#define RANGES_MAX 64

struct span {
	int64_t from, to;    /* of what was asked */
	int64_t first, last; /* rows of the blocks */
};

static int64_t clamp(uint64_t ns)
{
	return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

static int64_t later(int64_t ns, uint64_t more)
{
	return more > (uint64_t)(INT64_MAX - ns) ? INT64_MAX : ns + (int64_t)more;
}

static void find_span(sqlite3 *db, const struct store_query *q, struct span *ret)
{
	sqlite3_stmt *s = NULL;

	*ret = (struct span){.from = clamp(q->from_ns), .to = clamp(q->to_ns), .first = 1};
	if (sqlite3_prepare_v2(db,
			       "SELECT min(first),max(last) FROM block WHERE newest>=? AND "
			       "earliest<=?",
			       -1, &s, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, ret->from);
		sqlite3_bind_int64(s, 2, ret->to);
		if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL) {
			ret->first = sqlite3_column_int64(s, 0);
			ret->last = sqlite3_column_int64(s, 1);
		}
	}
	sqlite3_finalize(s);
	if (q->after >= INT64_MAX)
		ret->first = INT64_MAX;
	else if ((int64_t)q->after >= ret->first)
		ret->first = (int64_t)q->after + 1;
}

static void put_ranges(sqlite3_str *s, const char *column, const struct units_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++)
		sqlite3_str_appendf(s, "%s%s BETWEEN %lld AND %lld", i ? " OR " : "", column,
				    (long long)ranges->item[i].low,
				    (long long)ranges->item[i].high);
}

static bool is_given(const struct units_ranges *ranges)
{
	return ranges->count > 0 && ranges->count <= RANGES_MAX;
}

/* The column lies in one of the ranges, where any are given. */
static void put_any(sqlite3_str *s, const char *column, const struct units_ranges *ranges)
{
	if (!is_given(ranges))
		return;
	sqlite3_str_appendall(s, " AND (");
	put_ranges(s, column, ranges);
	sqlite3_str_appendall(s, ")");
}

static void put_process(sqlite3_str *s, const struct filter *f)
{
	if (!is_given(&f->pids) && !f->has_uid && !f->comm && !f->container)
		return;
	sqlite3_str_appendall(s, " AND process IN (SELECT id FROM process WHERE 1");
	put_any(s, "pid", &f->pids);
	if (f->has_uid)
		sqlite3_str_appendf(s, " AND uid=%lld", (long long)f->uid);
	if (f->comm)
		sqlite3_str_appendf(s, " AND substr(name,1,length(%Q))=%Q", f->comm, f->comm);
	if (f->container)
		sqlite3_str_appendf(s, " AND substr(container,1,length(%Q))=%Q", f->container,
				    f->container);
	sqlite3_str_appendall(s, ")");
}

static void put_filter(sqlite3_str *s, const struct filter *f)
{
	if (is_given(&f->ports)) {
		sqlite3_str_appendall(s, " AND (");
		put_ranges(s, "local_port", &f->ports);
		sqlite3_str_appendall(s, " OR ");
		put_ranges(s, "peer_port", &f->ports);
		sqlite3_str_appendall(s, " OR asked IS NOT NULL)");
	}
	put_any(s, "local_port", &f->local_ports);
	if (is_given(&f->peer_ports)) {
		sqlite3_str_appendall(s, " AND (asked IS NOT NULL OR ");
		put_ranges(s, "peer_port", &f->peer_ports);
		sqlite3_str_appendall(s, ")");
	}
	if (f->has_netns)
		sqlite3_str_appendf(s, " AND netns=(SELECT id FROM netns WHERE inode=%lld)",
				    (long long)f->netns);
	put_process(s, f);
}

#define LIFE_FROM(table, more)                                                                     \
	"SELECT " table "id AS id,5 AS kind,closed,lived,local_port,peer_port,facts,netns,"        \
	"cookie,local,peer,process,sent,received,retransmits,rtt,error,states,asked,syns,heard,"   \
	"unacked," more

_Static_assert(EVENT_CLOSE == 5 && EVENT_LOST == 6 && EVENT_OVERFLOW == 7,
	       "the numbers in the questions");

static void put_lives(sqlite3_str *s, const struct store_query *q, const struct span *span)
{
	sqlite3_str_appendf(s,
			    LIFE_FROM("", "0 AS alive,0 AS run") " FROM life WHERE id BETWEEN %lld AND "
							    "%lld AND closed>=%lld AND "
							    "closed-lived<=%lld",
			    (long long)span->first, (long long)span->last, (long long)span->from,
			    (long long)span->to);
	put_filter(s, q->filter);
	if (span->to == INT64_MAX)
		return;
	for (unsigned int scale = 1; scale < SCALES; scale++) {
		sqlite3_str_appendf(
			s,
			" UNION ALL " LIFE_FROM(
				"", "0,0") " FROM life INDEXED BY life_long WHERE "
					   "scale=%u AND scale>0 AND closed>=%lld AND closed<=%lld "
					   "AND closed-lived<=%lld AND "
					   "id NOT BETWEEN %lld AND %lld AND id>%lld",
			scale, (long long)span->from,
			(long long)later(span->to, scale_max_ns(scale)), (long long)span->to,
			(long long)span->first, (long long)span->last, (long long)clamp(q->after));
		put_filter(s, q->filter);
	}
}

static void put_calls(sqlite3_str *s, const struct store_query *q, const struct span *span)
{
	sqlite3_str_appendf(s,
			    " UNION ALL SELECT id,kind,at,0,local_port,peer_port,facts,netns,"
			    "cookie,local,peer,process,number,0,0,0,error,NULL,asked,0,0,0,0,0 FROM call "
			    "WHERE id BETWEEN %lld AND %lld AND at BETWEEN %lld AND %lld",
			    (long long)span->first, (long long)span->last, (long long)span->from,
			    (long long)span->to);
	put_filter(s, q->filter);
	sqlite3_str_appendf(
		s,
		" UNION ALL SELECT id,6,at,EXISTS(SELECT 1 FROM unsent WHERE "
		"loss=loss.id),0,0,0,0,0,NULL,NULL,NULL,count,since,"
		"added,removed,0,NULL,NULL,0,0,0,0,0 FROM loss WHERE id BETWEEN %lld AND %lld AND "
		"at BETWEEN %lld AND %lld",
		(long long)span->first, (long long)span->last, (long long)span->from,
		(long long)span->to);
}

static void put_rows(sqlite3_str *s, sqlite3 *db, const struct store_query *q)
{
	struct span span;

	find_span(db, q, &span);
	put_lives(s, q, &span);
	if (!q->lives_only)
		put_calls(s, q, &span);
}

static void put_open(sqlite3_str *s, const struct store_query *q)
{
	sqlite3_str_appendf(
		s,
		LIFE_FROM("open.", "run.alive,run.id") " FROM open JOIN run ON run.id=open.run "
						       "WHERE closed-lived<=%lld",
		(long long)clamp(q->to_ns));
	put_filter(s, q->filter);
}

char *query_rows(sqlite3 *db, const struct store_query *q)
{
	sqlite3_str *s = sqlite3_str_new(db);

	put_rows(s, db, q);
	if (!q->any_order)
		sqlite3_str_appendall(s, " ORDER BY id");
	return sqlite3_str_finish(s);
}

char *query_open(const struct store_query *q)
{
	sqlite3_str *s = sqlite3_str_new(NULL);

	put_open(s, q);
	if (!q->any_order)
		sqlite3_str_appendall(s, " ORDER BY closed-lived,open.id");
	return sqlite3_str_finish(s);
}

char *query_by_time(sqlite3 *db, const struct store_query *q, int64_t running)
{
	sqlite3_str *s = sqlite3_str_new(db);

	sqlite3_str_appendall(s, "SELECT * FROM (");
	put_rows(s, db, q);
	if (!q->no_open) {
		sqlite3_str_appendall(s, " UNION ALL ");
		put_open(s, q);
	}
	sqlite3_str_appendf(s, ") ORDER BY CASE run WHEN 0 THEN closed WHEN %lld THEN closed-lived "
			       "ELSE alive END,id",
			    (long long)running);
	return sqlite3_str_finish(s);
}

char *query_open_of(int64_t boot)
{
	return sqlite3_mprintf(LIFE_FROM("open.", "run.alive,run.id") " FROM open JOIN run ON "
								      "run.id=open.run "
								      "WHERE run.boot=%lld",
			       (long long)boot);
}

/* A row says of which boot it is by its process. */
char *query_time_waits_of(sqlite3 *db, int64_t boot, uint64_t from_ns)
{
	const struct store_query q = {.from_ns = from_ns, .to_ns = UINT64_MAX};
	struct span span;

	find_span(db, &q, &span);
	return sqlite3_mprintf(LIFE_FROM("", "0,0") " FROM life WHERE id BETWEEN %lld AND %lld AND "
						    "closed>=%lld AND facts&%u AND process IN "
						    "(SELECT id FROM process WHERE boot=%lld) "
						    "ORDER BY id DESC",
			       (long long)span.first, (long long)span.last, (long long)span.from,
			       FACTS_TIME_WAIT, (long long)boot);
}
