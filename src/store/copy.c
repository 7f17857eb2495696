// SPDX-License-Identifier: GPL-2.0-only
/* copy.c - rows with what they name in other tables, for who keeps them elsewhere. */
#include "read_private.h"
#include "store_copy.h"

#include <errno.h>
#include <string.h>

#define AS_COLUMN(name, kind, sql) {name, COPY_##kind},
#define AS_SQL(name, kind, sql)	   sql ","
#define HAS                                                                                        \
	{                                                                                          \
		"has", COPY_NUMBER                                                                 \
	}

#define LIFE_FIELDS(X)                                                                             \
	X("id", NUMBER, "l.id")                                                                    \
	X("closed", TIME, "l.closed")                                                              \
	X("lived", NUMBER, "l.lived")                                                              \
	X("local_port", NUMBER, "l.local_port")                                                    \
	X("peer_port", NUMBER, "l.peer_port")                                                      \
	X("scale", NUMBER, "l.scale")                                                              \
	X("facts", NUMBER, "l.facts")                                                              \
	NETNS(X, "l.closed")                                                                       \
	X("cookie", NUMBER, "l.cookie")                                                            \
	ENDS(X, "l.")                                                                              \
	X("sent", NUMBER, "l.sent")                                                                \
	X("received", NUMBER, "l.received")                                                        \
	X("retransmits", NUMBER, "l.retransmits")                                                  \
	X("rtt", NUMBER, "l.rtt")                                                                  \
	X("error", NUMBER, "l.error")                                                              \
	X("states", BYTES, "l.states")                                                             \
	X("asked", BYTES, "l.asked")                                                               \
	X("syns", NUMBER, "l.syns")                                                                \
	X("heard", NUMBER, "l.heard")                                                              \
	X("unacked", NUMBER, "l.unacked")

/* As of an event: see read_name.c. */
#define NETNS(X, at)                                                                               \
	X("netns", NUMBER, "(SELECT inode FROM netns WHERE id=l.netns)")                           \
	X("netns_name", TEXT,                                                                      \
	  "(SELECT name FROM netns_name AS n WHERE n.netns=l.netns AND n.at<=" at                  \
	  "+1000000000 ORDER BY n.at DESC LIMIT 1)")

/* An interface lies in its address. */
#define ENDS(X, t)                                                                                 \
	X("local", ADDRESS, t "local")                                                             \
	X("local_if", NUMBER, "NULL")                                                              \
	X("peer", ADDRESS, t "peer")                                                               \
	X("peer_if", NUMBER, "NULL")

/* That of the process, else of who recorded then. */
#define BOOT(X, at)                                                                                \
	X("boot", TEXT,                                                                            \
	  "(SELECT b.name FROM boot AS b WHERE b.id=ifnull(p.boot,(SELECT r.boot FROM run AS r "   \
	  "WHERE r.started<=" at " ORDER BY r.id DESC LIMIT 1)))")

#define PROCESS(X)                                                                                 \
	X("pid", NUMBER, "p.pid")                                                                  \
	X("tid", NUMBER, "p.tid")                                                                  \
	X("uid", NUMBER, "p.uid")                                                                  \
	X("ruid", NUMBER, "p.ruid")                                                                \
	X("comm", TEXT, "p.name")                                                                  \
	X("start", TIME, "p.start")                                                                \
	X("args_cut", NUMBER, "p.cut")                                                             \
	X("cgroup_id", NUMBER, "p.cgroup_id")                                                      \
	X("cgroup", TEXT, "p.cgroup")                                                              \
	X("container", TEXT, "p.container")                                                        \
	X("container_name", TEXT, "p.container_name")                                              \
	X("pod", TEXT, "p.pod")                                                                    \
	X("unit", TEXT, "p.unit")                                                                  \
	X("exe", TEXT, "p.exe")                                                                    \
	X("args", BYTES, "p.args")                                                                 \
	X("parents", BYTES, "p.parents")

#define CALL_FIELDS(X)                                                                             \
	X("id", NUMBER, "l.id")                                                                    \
	X("at", TIME, "l.at")                                                                      \
	X("kind", NUMBER, "l.kind")                                                                \
	X("local_port", NUMBER, "l.local_port")                                                    \
	X("peer_port", NUMBER, "l.peer_port")                                                      \
	X("facts", NUMBER, "l.facts")                                                              \
	NETNS(X, "l.at")                                                                           \
	X("cookie", NUMBER, "l.cookie")                                                            \
	ENDS(X, "l.")                                                                              \
	X("error", NUMBER, "l.error")                                                              \
	X("number", NUMBER, "l.number")                                                            \
	X("asked", BYTES, "l.asked")                                                               \
	X("trouble", NUMBER, "t.known")                                                            \
	X("more", NUMBER, "t.more")                                                                \
	X("low", NUMBER, "t.low")                                                                  \
	X("high", NUMBER, "t.high")                                                                \
	X("reserved", NUMBER, "t.reserved")                                                        \
	X("used", NUMBER, "t.used")                                                                \
	X("unprivileged", NUMBER, "t.unprivileged")

#define HOLDER_FIELDS(X)                                                                           \
	X("call", NUMBER, "l.call")                                                                \
	X("place", NUMBER, "l.place")                                                              \
	X("facts", NUMBER, "l.facts")                                                              \
	X("local_port", NUMBER, "l.local_port")                                                    \
	X("peer_port", NUMBER, "l.peer_port")                                                      \
	ENDS(X, "l.")                                                                              \
	X("state", NUMBER, "l.state")                                                              \
	X("since", TIME, "l.since")                                                                \
	X("why", NUMBER, "l.why")                                                                  \
	X("at", TIME, "c.at")

#define LOSS_FIELDS(X)                                                                             \
	X("id", NUMBER, "l.id")                                                                    \
	X("at", TIME, "l.at")                                                                      \
	X("since", TIME, "l.since")                                                                \
	X("count", NUMBER, "l.count")                                                              \
	X("added", NUMBER, "l.added")                                                              \
	X("removed", NUMBER, "l.removed")                                                          \
	X("what", TEXT, "CASE WHEN u.loss NOTNULL THEN 'unsent' ELSE 'facts' END")                 \
	X("first", NUMBER, "u.first")                                                              \
	X("last", NUMBER, "u.last")

#define BUDGET_FIELDS(X)                                                                           \
	X("id", NUMBER, "l.id")                                                                    \
	X("at", TIME, "l.at")                                                                      \
	X("peer_port", NUMBER, "l.peer_port")                                                      \
	X("facts", NUMBER, "l.facts")                                                              \
	NETNS(X, "l.at")                                                                           \
	ENDS(X, "l.")                                                                              \
	X("low", NUMBER, "l.low")                                                                  \
	X("high", NUMBER, "l.high")                                                                \
	X("reserved", NUMBER, "l.reserved")                                                        \
	X("usable", NUMBER, "l.usable")                                                            \
	X("used", NUMBER, "l.used")                                                                \
	X("time_wait", NUMBER, "l.time_wait")                                                      \
	X("available", NUMBER, "l.available")                                                      \
	X("uncertain", NUMBER, "l.uncertain")                                                      \
	X("drain", NUMBER, "l.drain")                                                              \
	X("held", NUMBER, "l.held")

#define RUN_FIELDS(X)                                                                              \
	X("id", NUMBER, "l.id")                                                                    \
	X("boot", TEXT, "(SELECT b.name FROM boot AS b WHERE b.id=l.boot)")                        \
	X("version", TEXT, "l.version")                                                            \
	X("started", TIME, "l.started")                                                            \
	X("alive", TIME, "l.alive")                                                                \
	X("stopped", TIME, "l.stopped")

/* Its boot is that of its run. */
#define OPEN_FIELDS(X)                                                                             \
	LIFE_FIELDS(X)                                                                             \
	X("since_boot", NUMBER, "l.since_boot")                                                    \
	X("key", NUMBER, "l.key")                                                                  \
	X("run", NUMBER, "l.run")                                                                  \
	X("boot", TEXT,                                                                            \
	  "(SELECT b.name FROM run AS r JOIN boot AS b ON b.id=r.boot WHERE r.id=l.run)")

#define OF_PROCESS  " LEFT JOIN process AS p ON p.id=l.process"
#define BETWEEN(id) " WHERE l." id " BETWEEN ? AND ? ORDER BY l." id

/* clang-format off */
static const struct copy_column life[] = {LIFE_FIELDS(AS_COLUMN) BOOT(AS_COLUMN, "l.closed") PROCESS(AS_COLUMN) HAS};
static const struct copy_column call[] = {CALL_FIELDS(AS_COLUMN) BOOT(AS_COLUMN, "l.at") PROCESS(AS_COLUMN) HAS};
static const struct copy_column holder[] = {HOLDER_FIELDS(AS_COLUMN) BOOT(AS_COLUMN, "c.at") PROCESS(AS_COLUMN) HAS};
static const struct copy_column loss[] = {LOSS_FIELDS(AS_COLUMN) HAS};
static const struct copy_column budget[] = {BUDGET_FIELDS(AS_COLUMN) BOOT(AS_COLUMN, "l.at") PROCESS(AS_COLUMN) HAS};
static const struct copy_column run[] = {RUN_FIELDS(AS_COLUMN) HAS};
static const struct copy_column open[] = {OPEN_FIELDS(AS_COLUMN) PROCESS(AS_COLUMN) HAS};

#define TABLE(name, sql) {#name, name, sizeof(name) / sizeof((name)[0]), sql}

static const struct {
	const char *name;
	const struct copy_column *columns;
	size_t count;
	const char *sql; /* all columns but "has" */
} tables[COPY_TABLES] = {
	[COPY_LIFE] = TABLE(life, "SELECT " LIFE_FIELDS(AS_SQL) BOOT(AS_SQL, "l.closed") PROCESS(AS_SQL)
		"NULL FROM life AS l" OF_PROCESS BETWEEN("id")),
	[COPY_CALL] = TABLE(call, "SELECT " CALL_FIELDS(AS_SQL) BOOT(AS_SQL, "l.at") PROCESS(AS_SQL)
		"NULL FROM call AS l" OF_PROCESS " LEFT JOIN trouble AS t ON t.call=l.id" BETWEEN("id")),
	[COPY_HOLDER] = TABLE(holder, "SELECT " HOLDER_FIELDS(AS_SQL) BOOT(AS_SQL, "c.at") PROCESS(AS_SQL)
		"NULL FROM holder AS l" OF_PROCESS " LEFT JOIN call AS c ON c.id=l.call" BETWEEN("call") ",l.place"),
	[COPY_LOSS] = TABLE(loss, "SELECT " LOSS_FIELDS(AS_SQL)
		"NULL FROM loss AS l LEFT JOIN unsent AS u ON u.loss=l.id" BETWEEN("id")),
	[COPY_BUDGET] = TABLE(budget, "SELECT " BUDGET_FIELDS(AS_SQL) BOOT(AS_SQL, "l.at") PROCESS(AS_SQL)
		"NULL FROM budget AS l" OF_PROCESS BETWEEN("id")),
	[COPY_RUN] = TABLE(run, "SELECT " RUN_FIELDS(AS_SQL) "NULL FROM run AS l" BETWEEN("id")),
	[COPY_OPEN] = TABLE(open, "SELECT " OPEN_FIELDS(AS_SQL) PROCESS(AS_SQL)
		"NULL FROM open AS l" OF_PROCESS BETWEEN("id")),
};
/* clang-format on */

#define FITS(t) (sizeof(t) / sizeof((t)[0]) <= COPY_COLUMNS_MAX)
_Static_assert(FITS(life) && FITS(call) && FITS(holder) && FITS(budget) && FITS(open),
	       "a bit of \"has\" for each");

const char *copy_name(enum copy_table table)
{
	return tables[table].name;
}

const struct copy_column *copy_columns(enum copy_table table, size_t *ret_count)
{
	*ret_count = tables[table].count;
	return tables[table].columns;
}

struct row {
	struct copy_value value[COPY_COLUMNS_MAX];
	uint8_t room[COPY_COLUMNS_MAX][4]; /* of addresses */
};

/* False for what no recorder writes, as a reader of events has it. */
static bool read_address(sqlite3_stmt *s, int at, struct row *row)
{
	struct copy_value *v = &row->value[at], *interface = v + 1;
	int64_t v4 = sqlite3_column_int64(s, at);
	uint32_t ifindex = 0;

	if (sqlite3_column_type(s, at) == SQLITE_INTEGER) {
		if (v4 < 0 || v4 > UINT32_MAX)
			return false;
		for (int i = 0; i < 4; i++)
			row->room[at][i] = (uint8_t)(v4 >> (24 - 8 * i));
		v->bytes = row->room[at];
		v->len = 4;
		return true;
	}
	v->bytes = sqlite3_column_blob(s, at);
	v->len = (size_t)sqlite3_column_bytes(s, at);
	if (sqlite3_column_type(s, at) != SQLITE_BLOB || (v->len != 16 && v->len != 20))
		return false;
	if (v->len == 20)
		memcpy(&ifindex, (const uint8_t *)v->bytes + 16, 4);
	v->len = 16;
	*interface = (struct copy_value){.known = ifindex != 0, .number = ifindex};
	return true;
}

static bool read_value(sqlite3_stmt *s, int at, enum copy_kind kind, struct row *row)
{
	struct copy_value *v = &row->value[at];
	int type = sqlite3_column_type(s, at);

	v->known = type != SQLITE_NULL;
	if (!v->known)
		return true;
	switch (kind) {
	case COPY_NUMBER:
	case COPY_TIME:
		v->number = sqlite3_column_int64(s, at);
		return type == SQLITE_INTEGER && (kind == COPY_NUMBER || v->number >= 0);
	case COPY_TEXT:
		v->bytes = sqlite3_column_text(s, at);
		v->len = (size_t)sqlite3_column_bytes(s, at);
		return type == SQLITE_TEXT && v->len <= TEXT_MAX && !memchr(v->bytes, '\0', v->len);
	case COPY_BYTES:
		v->bytes = sqlite3_column_blob(s, at);
		v->len = (size_t)sqlite3_column_bytes(s, at);
		if (!v->bytes)
			v->bytes = "";
		return type == SQLITE_BLOB;
	case COPY_ADDRESS: return read_address(s, at, row);
	}
	return false;
}

static bool read_row(struct store_reader *r, sqlite3_stmt *s, enum copy_table table,
		     struct row *row)
{
	const struct copy_column *column = tables[table].columns;
	size_t has = tables[table].count - 1;

	memset(row->value, 0, sizeof(row->value));
	for (size_t i = 0; i < has; i++) {
		if (i > 0 && column[i - 1].kind == COPY_ADDRESS)
			continue;
		if (!read_value(s, (int)i, column[i].kind, row))
			return false;
		if (r->no_args && column[i].kind == COPY_BYTES &&
		    (!strcmp(column[i].name, "args") || !strcmp(column[i].name, "parents")))
			row->value[i] = (struct copy_value){0};
	}
	for (size_t i = 0; i < has; i++)
		row->value[has].number |= (int64_t)row->value[i].known << i;
	row->value[has].known = true;
	return true;
}

int store_copy(struct store_reader *r, enum copy_table table, uint64_t first, uint64_t last,
	       bool (*fn)(void *ctx, const struct copy_value *values), void *ctx,
	       struct store_error *error)
{
	sqlite3_stmt *s = NULL;
	struct row row;
	int rc = r->stands_in ? file_stand_back(r->db, &r->stands_in) : SQLITE_OK;

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(r->db, tables[table].sql, -1, &s, NULL);
	sqlite3_bind_int64(s, 1, first > INT64_MAX ? INT64_MAX : (int64_t)first);
	sqlite3_bind_int64(s, 2, last > INT64_MAX ? INT64_MAX : (int64_t)last);
	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		rc = read_row(r, s, table, &row) ? SQLITE_OK : SQLITE_CORRUPT;
		if (rc == SQLITE_OK && !fn(ctx, row.value))
			break;
	}
	sqlite3_finalize(s);
	return rc == SQLITE_OK || rc == SQLITE_DONE ? 0 : reader_fail(r, rc, error);
}

const char *store_id(struct store_reader *r)
{
	if (file_id(r->db, r->id) != SQLITE_OK)
		r->id[0] = '\0';
	return r->id;
}
