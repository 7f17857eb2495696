// SPDX-License-Identifier: GPL-2.0-only
/*
 * paste.c - a store in memory, of rows that store_copy() gave elsewhere.
 *
 * Each row is taken by a few statements whose parameters have the names of its columns, and these beside: `process`, a hash of all
 * that is known of its process; `start`, when a life began that its block is to know of.
 */
#include "read_private.h"
#include "store_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENTS_MAX 7
/* A namespace's name is looked for a second after the row that asks for it: see read_name.c. */
#define NAMED_AT(at)                                                                               \
	"INSERT OR IGNORE INTO netns_name SELECT id," at "+1000000000,:netns_name FROM netns "     \
	"WHERE inode=:netns"

#define NETNS_ROW "INSERT OR IGNORE INTO netns(inode) SELECT :netns WHERE :netns NOTNULL"
#define BOOT_ROW  "INSERT OR IGNORE INTO boot(name) SELECT :boot WHERE :boot NOTNULL"
#define BOOT	  "(SELECT id FROM boot WHERE name=:boot)"
#define NETNS	  "(SELECT id FROM netns WHERE inode=:netns)"
/* `start_boot` and `program` only tell apart what is not equal in all. */
#define PROCESS_ROW                                                                                \
	"INSERT OR IGNORE INTO process(boot,pid,tid,uid,cgroup_id,name,start_boot,program,ruid,"   \
	"start,cut,cgroup,container,container_name,pod,unit,exe,args,parents) SELECT ifnull(" BOOT \
	",0),:pid,:tid,:uid,:cgroup_id,:comm,0,:process,:ruid,:start,:args_cut,:cgroup,"           \
	":container,:container_name,:pod,:unit,:exe,:args,:parents WHERE :pid NOTNULL"
#define PROCESS                                                                                    \
	"(SELECT id FROM process WHERE pid=:pid AND tid=:tid AND boot=ifnull(" BOOT ",0) AND "     \
	"uid=:uid AND cgroup_id=:cgroup_id AND name=:comm AND start_boot=0 AND program=:process)"
#define OF_SOCKET(at) NETNS_ROW, NAMED_AT(at), BOOT_ROW, PROCESS_ROW
#define LIFE                                                                                       \
	":id,:closed,:lived,:local_port,:peer_port,:scale,:facts," NETNS                           \
	",:cookie,:local,:peer," PROCESS                                                           \
	",:sent,:received,:retransmits,:rtt,:error,:states,:asked,:syns,:heard,:unacked"
/* One for all rows. */
#define BLOCK(at, start)                                                                           \
	"INSERT INTO block VALUES(1,:id," at "," at "," start ",1) ON CONFLICT DO UPDATE SET "     \
	"last=max(last,excluded.last),oldest=min(oldest,excluded.oldest),"                         \
	"newest=max(newest,excluded.newest),earliest=min(earliest,excluded.earliest),rows=rows+1"

static const char *const sql[COPY_TABLES][STATEMENTS_MAX] = {
	[COPY_LIFE] = {OF_SOCKET(":closed"), "INSERT OR REPLACE INTO life VALUES(" LIFE ")",
		       BLOCK(":closed", ":closed-CASE :scale WHEN 0 THEN :lived ELSE 0 END")},
	[COPY_CALL] = {OF_SOCKET(":at"),
		       "INSERT OR REPLACE INTO call VALUES(:id,:at,:kind,:local_port,:peer_port,"
		       ":facts," NETNS ",:cookie,:local,:peer," PROCESS ",:error,:number,:asked)",
		       "INSERT OR REPLACE INTO trouble SELECT :id,:trouble,:more,:low,:high,"
		       ":reserved,:used,:unprivileged WHERE :trouble NOTNULL",
		       BLOCK(":at", ":at")},
	[COPY_HOLDER] = {BOOT_ROW, PROCESS_ROW,
			 "INSERT OR REPLACE INTO holder VALUES(:call,:place," PROCESS
			 ",:facts,:local_port,:peer_port,:local,:peer,:state,:since,:why)"},
	[COPY_LOSS] = {"INSERT OR REPLACE INTO loss VALUES(:id,:at,:since,:count,:added,:removed)",
		       "INSERT OR REPLACE INTO unsent SELECT :id,:first,:last WHERE :first NOTNULL",
		       BLOCK(":at", ":at")},
	[COPY_BUDGET] = {OF_SOCKET(":at"),
			 "INSERT OR REPLACE INTO budget VALUES(:id,:at,:peer_port,:facts," NETNS
			 ",:local,:peer," PROCESS ",:held,:low,:high,:reserved,:usable,:used,"
			 ":time_wait,:available,:uncertain,:drain)",
			 BLOCK(":at", ":at")},
	[COPY_RUN] = {BOOT_ROW, "INSERT OR REPLACE INTO run VALUES(:id," BOOT
				",:version,:started,:alive,:stopped)"},
	[COPY_OPEN] = {OF_SOCKET(":closed"),
		       "INSERT OR REPLACE INTO open VALUES(" LIFE ",:key,:run,:since_boot)"},
};

struct statement_of {
	sqlite3_stmt *s;
	uint8_t at[COPY_COLUMNS_MAX]; /* parameter of a column, 0 none */
	uint8_t process;
};

/* Its statements end with the reader. */
struct paste {
	struct statement_of statement[COPY_TABLES][STATEMENTS_MAX];
};

static int prepare(sqlite3 *db, enum copy_table table, const char *text, struct statement_of *ret)
{
	size_t count;
	const struct copy_column *column = copy_columns(table, &count);
	int rc = sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &ret->s, NULL);

	for (size_t i = 0; rc == SQLITE_OK && i < count; i++) {
		char name[32];

		sqlite3_snprintf(sizeof(name), name, ":%s", column[i].name);
		ret->at[i] = (uint8_t)sqlite3_bind_parameter_index(ret->s, name);
	}
	if (rc == SQLITE_OK)
		ret->process = (uint8_t)sqlite3_bind_parameter_index(ret->s, ":process");
	return rc;
}

static int open_memory(struct store_reader *r)
{
	int rc = sqlite3_open_v2(":memory:", &r->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX,
				 NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->db, schema_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = file_guard(r->db);
	for (int t = 0; t < COPY_TABLES; t++) {
		for (int i = 0; rc == SQLITE_OK && i < STATEMENTS_MAX && sql[t][i]; i++)
			rc = prepare(r->db, (enum copy_table)t, sql[t][i],
				     &r->paste->statement[t][i]);
	}
	return rc == SQLITE_OK ? reader_prepare(r) : rc;
}

struct store_reader *store_reader_new(uint64_t now_ns, uint64_t alive_ns, struct store_error *error)
{
	struct store_reader *r = calloc(1, sizeof(*r));
	int rc;

	if (r)
		r->paste = calloc(1, sizeof(*r->paste));
	if (!r || !r->paste) {
		free(r);
		store_fail(error, -ENOMEM, "no memory");
		return NULL;
	}
	r->fd = -1;
	r->now_ns = now_ns;
	r->alive_ns = alive_ns;
	rc = open_memory(r);
	if (rc == SQLITE_OK)
		return r;
	reader_fail(r, rc, error);
	store_reader_close(r);
	return NULL;
}

/* ---- a row ---- */

struct pasting {
	const struct copy_column *column;
	const struct copy_value *value;
	size_t count;
	uint64_t has, facts, process;
};

static bool is_known(const struct pasting *p, size_t at)
{
	return p->has >> at & 1;
}

static size_t find(const struct pasting *p, const char *name)
{
	size_t at = 0;

	while (at < p->count && strcmp(p->column[at].name, name) != 0)
		at++;
	return at;
}

/* Its boot, too: a pid of another is another process. */
static uint64_t hash_process(const struct pasting *p)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (size_t i = find(p, "boot"); i < p->count - 1; i++) {
		const struct copy_value *v = &p->value[i];
		bool is_number = p->column[i].kind <= COPY_TIME;
		const uint8_t *bytes = is_number ? (const uint8_t *)&v->number : v->bytes;
		size_t len = is_number ? sizeof(v->number) : v->len;

		hash = (hash ^ is_known(p, i)) * 0x100000001b3ull;
		for (size_t k = 0; is_known(p, i) && k < len; k++)
			hash = (hash ^ bytes[k]) * 0x100000001b3ull;
		hash = (hash ^ len) * 0x100000001b3ull;
	}
	return hash;
}

/* As value_address() has it, whichever form it had elsewhere: the row's facts say which family it is of. */
static void bind_address(sqlite3_stmt *s, int to, const struct pasting *p, size_t at)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct copy_value *v = &p->value[at];
	uint32_t ifindex = is_known(p, at + 1) ? (uint32_t)p->value[at + 1].number : 0;
	const uint8_t *bytes = v->bytes, *v4 = bytes + v->len - 4;
	uint8_t out[20];

	if (!(p->facts & FACTS_IPV6)) {
		sqlite3_bind_int64(s, to, (int64_t)v4[0] << 24 | v4[1] << 16 | v4[2] << 8 | v4[3]);
		return;
	}
	memcpy(out, mapped, sizeof(mapped));
	memcpy(out + 16 - v->len, bytes, v->len);
	memcpy(out + 16, &ifindex, 4);
	sqlite3_bind_blob(s, to, out, ifindex ? 20 : 16, SQLITE_TRANSIENT);
}

static void bind(sqlite3_stmt *s, int to, const struct pasting *p, size_t at)
{
	const struct copy_value *v = &p->value[at];

	if (!is_known(p, at)) {
		sqlite3_bind_null(s, to);
		return;
	}
	switch (p->column[at].kind) {
	case COPY_NUMBER:
	case COPY_TIME: sqlite3_bind_int64(s, to, v->number); break;
	case COPY_TEXT: sqlite3_bind_text(s, to, v->bytes, (int)v->len, SQLITE_STATIC); break;
	case COPY_BYTES: sqlite3_bind_blob(s, to, v->bytes, (int)v->len, SQLITE_STATIC); break;
	case COPY_ADDRESS: bind_address(s, to, p, at); break;
	}
}

static bool makes_sense(const struct pasting *p)
{
	for (size_t i = 0; i < p->count - 1; i++) {
		const struct copy_value *v = &p->value[i];

		if (!is_known(p, i) || p->column[i].kind <= COPY_TIME)
			continue;
		if (!v->bytes || v->len > TEXT_MAX * 4 ||
		    (p->column[i].kind == COPY_ADDRESS && v->len != 4 && v->len != 16))
			return false;
	}
	return is_known(p, 0) && rows_are_numbers(p->value[0].number, p->value[0].number);
}

int store_paste(struct store_reader *r, enum copy_table table, const struct copy_value *values)
{
	struct pasting p = {.value = values};
	size_t facts;
	int rc = SQLITE_OK;

	p.column = copy_columns(table, &p.count);
	p.has = (uint64_t)values[p.count - 1].number;
	if (!makes_sense(&p))
		return -EINVAL;
	facts = find(&p, "facts");
	if (facts < p.count && is_known(&p, facts))
		p.facts = (uint64_t)values[facts].number;
	if (find(&p, "pid") < p.count)
		p.process = hash_process(&p);
	for (int i = 0; rc == SQLITE_OK && i < STATEMENTS_MAX && sql[table][i]; i++) {
		struct statement_of *to = &r->paste->statement[table][i];

		for (size_t k = 0; k < p.count - 1; k++) {
			if (to->at[k])
				bind(to->s, to->at[k], &p, k);
		}
		if (to->process)
			sqlite3_bind_int64(to->s, to->process, (int64_t)p.process);
		rc = rows_run(to->s);
		sqlite3_clear_bindings(to->s);
	}
	return rc == SQLITE_OK ? 0 : (rc & 0xff) == SQLITE_NOMEM ? -ENOMEM : -EINVAL;
}

void store_paste_clear(struct store_reader *r)
{
	sqlite3_exec(r->db,
		     "DELETE FROM life;DELETE FROM call;DELETE FROM trouble;DELETE FROM holder;"
		     "DELETE FROM loss;DELETE FROM unsent;DELETE FROM budget;DELETE FROM run;"
		     "DELETE FROM open;DELETE FROM block;DELETE FROM netns_name;DELETE FROM netns;"
		     "DELETE FROM process;DELETE FROM boot",
		     NULL, NULL, NULL);
	/* Their numbers come again, for others. */
	reader_forget(r);
	reader_forget_name(r);
	r->netns_row = 0;
}
