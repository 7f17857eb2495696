// SPDX-License-Identifier: GPL-2.0-only
/* rows.c - what every row needs: the statements, processes, namespaces, numbers; inside a transaction that store.c begins and ends. */
#include "store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 8192
#define BLOCK_NS   10000000000ll

static const char *const sql[STATEMENTS] = {
	[PUT_LIVES] = "INSERT INTO life SELECT * FROM temp.batch",
	[PUT_OPEN] = "INSERT OR REPLACE INTO open VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
		     "?,?,?,?,?,?,?)",
	[PUT_CALL] = "INSERT INTO call VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[PUT_LOSS] = "INSERT INTO loss VALUES(?,?,?,?,?,?)",
	[PUT_TROUBLE] = "INSERT INTO trouble VALUES(?,?,?,?,?,?,?,?)",
	[PUT_HOLDER] = "INSERT INTO holder VALUES(?,?,?,?,?,?,?,?,?,?,?)",
	[PUT_BUDGET] = "INSERT INTO budget VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[PUT_UNSENT] = "INSERT INTO unsent VALUES(?,?,?)",
	[PUT_PROCESS] =
		"INSERT INTO process(boot,pid,tid,uid,cgroup_id,name,start_boot,program,ruid,"
		"start,cut,cgroup,container,container_name,pod,unit,exe,args,parents) "
		"VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[FIND_PROCESS] = "SELECT id FROM process WHERE boot=? AND pid=? AND tid=? AND uid=? AND "
			 "cgroup_id=? AND name=? AND start_boot=? AND program=?",
	[COUNT_PROCESS] = "UPDATE process SET lives=lives+? WHERE id=?",
	[PUT_NETNS] = "INSERT INTO netns(inode) VALUES(?)",
	[FIND_NETNS] = "SELECT id FROM netns WHERE inode=?",
	[NAME_NETNS] =
		"INSERT OR REPLACE INTO netns_name SELECT ?1,?2,?3 WHERE ?3 IS NOT (SELECT name "
		"FROM netns_name WHERE netns=?1 ORDER BY at DESC LIMIT 1)",
	[FIND_OPEN] = "SELECT id,since_boot,facts,run FROM open WHERE netns=? AND key=?",
	[DELETE_OPEN] = "DELETE FROM open WHERE id=?",
	[PUT_BLOCK] = "INSERT OR REPLACE INTO block VALUES(?,?,?,?,?,?)",
	[ALIVE] = "UPDATE run SET alive=? WHERE id=?",
};

static int read_state(struct rows *r)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(r->db,
				    "SELECT 1+max(ifnull((SELECT max(id) FROM life),0),"
				    "ifnull((SELECT max(id) FROM call),0),"
				    "ifnull((SELECT max(id) FROM loss),0),"
				    "ifnull((SELECT max(id) FROM budget),0),"
				    "ifnull((SELECT max(last) FROM identity),0),"
				    "ifnull((SELECT max(last) FROM block),0))",
				    -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		r->next_id = sqlite3_column_int64(s, 0);
		rc = rows_are_numbers(1, r->next_id) && sqlite3_column_type(s, 0) == SQLITE_INTEGER
			     ? SQLITE_OK
			     : SQLITE_CORRUPT;
	}
	sqlite3_finalize(s);
	return rc;
}

int rows_init(struct rows *r, sqlite3 *db, int64_t boot, int64_t run)
{
	int rc;

	r->db = db;
	r->boot = boot;
	r->run = run;
	r->named = malloc((SLOTS + 1) * sizeof(*r->named));
	if (!r->named)
		return SQLITE_NOMEM;
	rc = batch_init(r);
	for (int i = 0; i < STATEMENTS && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &r->statement[i],
					NULL);
	return rc == SQLITE_OK ? read_state(r) : rc;
}

void rows_done(struct rows *r)
{
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(r->statement[i]);
	free(r->named);
	free(r->undo);
}

int rows_run(sqlite3_stmt *s)
{
	sqlite3_step(s);
	return sqlite3_reset(s);
}

/* Runs a statement that gives at most one number; 0 when none. */
static int find(sqlite3_stmt *s, int64_t *ret)
{
	*ret = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	return sqlite3_reset(s);
}

void rows_begin(struct rows *r)
{
	r->undo_count = 0;
	r->named_count = 0;
	r->count = r->opened = 0;
	r->batch_count = 0;
	r->undo_next_id = r->next_id;
	r->undo_call = r->call;
	r->undo_follow = r->follow;
	r->undo_block = r->block;
}

void rows_rollback(struct rows *r)
{
	while (r->undo_count > 0) {
		r->undo_count--;
		r->process[r->undo[r->undo_count].slot] = r->undo[r->undo_count].process;
	}
	while (r->named_count > 0) {
		uint32_t slot = r->named[--r->named_count];

		r->lives[slot] = 0;
		r->is_named[slot] = false;
	}
	memset(r->netns_inode, 0, sizeof(r->netns_inode));
	r->next_id = r->undo_next_id;
	r->call = r->undo_call;
	r->follow = r->undo_follow;
	r->block = r->undo_block;
	r->count = r->opened = 0;
}

/* ---- processes and namespaces ---- */

static int set_slot(struct rows *r, uint32_t slot, int64_t process)
{
	if (r->undo_count == r->undo_cap) {
		size_t cap = r->undo_cap ? r->undo_cap * 2 : 256;
		struct touched *grown = realloc(r->undo, cap * sizeof(*grown));

		if (!grown)
			return SQLITE_NOMEM;
		r->undo = grown;
		r->undo_cap = cap;
	}
	r->undo[r->undo_count++] = (struct touched){slot, r->process[slot]};
	r->process[slot] = process;
	return SQLITE_OK;
}

static int count_lives(struct rows *r, uint32_t slot)
{
	sqlite3_stmt *s = r->statement[COUNT_PROCESS];

	if (r->lives[slot] == 0 || r->process[slot] == 0)
		return SQLITE_OK;
	sqlite3_bind_int64(s, 1, r->lives[slot]);
	sqlite3_bind_int64(s, 2, r->process[slot]);
	r->lives[slot] = 0;
	return rows_run(s);
}

static void bind_unless_zero(sqlite3_stmt *s, int at, int64_t value)
{
	if (value)
		sqlite3_bind_int64(s, at, value);
	else
		sqlite3_bind_null(s, at);
}

/* What no other process of this key can have. */
static void bind_details(sqlite3_stmt *s, const struct record_process *p)
{
	const char *text = (const char *)(p + 1);

	if (p->ruid == PROCESS_NO_UID)
		sqlite3_bind_null(s, 9);
	else
		sqlite3_bind_int64(s, 9, p->ruid);
	bind_unless_zero(s, 10, (int64_t)p->start_ns);
	bind_unless_zero(s, 11, p->args_cut);
	for (int i = 0; i < TEXTS; i++) {
		if (!(p->has >> i & 1))
			sqlite3_bind_null(s, 12 + i);
		else if (i < TEXT_ARGS)
			sqlite3_bind_text(s, 12 + i, text, p->len[i], SQLITE_TRANSIENT);
		else
			sqlite3_bind_blob(s, 12 + i, text, p->len[i], SQLITE_TRANSIENT);
		text += p->len[i];
	}
}

int rows_process(struct rows *r, const struct record_process *p)
{
	sqlite3_stmt *s = r->statement[FIND_PROCESS], *put = r->statement[PUT_PROCESS];
	int64_t id;
	int rc = count_lives(r, p->slot); /* of the process that was there before */

	for (int i = 0; i < 2; i++) {
		sqlite3_stmt *both = i ? put : s;

		sqlite3_bind_int64(both, 1, r->boot);
		sqlite3_bind_int64(both, 2, p->pid);
		sqlite3_bind_int64(both, 3, p->tid);
		sqlite3_bind_int64(both, 4, p->uid);
		sqlite3_bind_int64(both, 5, (int64_t)p->cgroup_id);
		sqlite3_bind_text(both, 6, p->name, (int)strnlen(p->name, sizeof(p->name)),
				  SQLITE_TRANSIENT);
		sqlite3_bind_int64(both, 7, (int64_t)p->start_boot_ns);
		sqlite3_bind_int64(both, 8, (int64_t)p->program);
	}
	if (rc == SQLITE_OK)
		rc = find(s, &id);
	if (rc != SQLITE_OK)
		return rc;
	if (id == 0) {
		bind_details(put, p);
		rc = rows_run(put);
		id = sqlite3_last_insert_rowid(r->db);
	}
	return rc == SQLITE_OK ? set_slot(r, p->slot, id) : rc;
}

int rows_netns(struct rows *r, uint32_t inode, int64_t *ret)
{
	sqlite3_stmt *s = r->statement[FIND_NETNS], *put = r->statement[PUT_NETNS];
	unsigned int at = inode % 256;
	int rc;

	if (r->netns_inode[at] == inode && inode) {
		*ret = r->netns_row[at];
		return SQLITE_OK;
	}
	sqlite3_bind_int64(s, 1, inode);
	rc = find(s, ret);
	if (rc == SQLITE_OK && *ret == 0) {
		sqlite3_bind_int64(put, 1, inode);
		rc = rows_run(put);
		*ret = sqlite3_last_insert_rowid(r->db);
	}
	if (rc == SQLITE_OK) {
		r->netns_inode[at] = inode;
		r->netns_row[at] = *ret;
	}
	return rc;
}

int rows_name_netns(struct rows *r, const struct record_netns *n)
{
	sqlite3_stmt *s = r->statement[NAME_NETNS];
	int64_t netns;
	int rc = rows_netns(r, n->netns, &netns);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(s, 1, netns);
	sqlite3_bind_int64(s, 2, (int64_t)n->time_ns);
	if (n->away)
		sqlite3_bind_text(s, 3, n->name, -1, SQLITE_TRANSIENT);
	else
		sqlite3_bind_null(s, 3);
	return rows_run(s);
}

/* ---- rows ---- */

int64_t rows_name_process(struct rows *r, uint32_t slot)
{
	if (slot == NO_SLOT || r->process[slot] == 0)
		return 0;
	r->lives[slot]++;
	if (!r->is_named[slot]) {
		r->is_named[slot] = true;
		r->named[r->named_count++] = slot;
	}
	return r->process[slot];
}

void rows_bind_process(struct rows *r, sqlite3_stmt *s, int at, uint32_t slot)
{
	bind_unless_zero(s, at, rows_name_process(r, slot));
}

void rows_bind_known(sqlite3_stmt *s, int at, bool known, int64_t value)
{
	if (known)
		sqlite3_bind_int64(s, at, value);
	else
		sqlite3_bind_null(s, at);
}

void rows_bind_ends(sqlite3_stmt *s, int ports_at, int addresses_at, const struct record *e)
{
	struct value v;

	rows_bind_known(s, ports_at, e->facts & FACTS_HAS_LOCAL, e->local_port);
	rows_bind_known(s, ports_at + 1, e->facts & FACTS_HAS_PEER, e->peer_port);
	value_address(&v, e, FACTS_HAS_LOCAL);
	value_bind(s, addresses_at, &v);
	value_address(&v, e, FACTS_HAS_PEER);
	value_bind(s, addresses_at + 1, &v);
}

static void add_to_block(struct rows *r, int64_t id, int64_t time, int64_t start)
{
	struct block *b = &r->block;

	b->last = id;
	b->rows++;
	if (time < b->oldest)
		b->oldest = time;
	if (time > b->newest)
		b->newest = time;
	if (start < b->earliest)
		b->earliest = start;
}

static int put_block(struct rows *r)
{
	sqlite3_stmt *s = r->statement[PUT_BLOCK];
	const struct block *b = &r->block;

	if (b->rows == 0)
		return SQLITE_OK;
	sqlite3_bind_int64(s, 1, b->first);
	sqlite3_bind_int64(s, 2, b->last);
	sqlite3_bind_int64(s, 3, b->oldest);
	sqlite3_bind_int64(s, 4, b->newest);
	sqlite3_bind_int64(s, 5, b->earliest);
	sqlite3_bind_int64(s, 6, b->rows);
	return rows_run(s);
}

/*
 * The number of the next row.  A block holds rows whose ends lie near each other in time; the start
 * of a long life is not in it, because the index of long lives has it.
 */
int rows_new_id(struct rows *r, uint64_t time_ns, uint64_t lived_ns, int64_t *ret)
{
	int64_t time = (int64_t)time_ns;
	struct block *b = &r->block;
	int rc = SQLITE_OK;

	if (b->rows > 0 &&
	    (b->rows >= BLOCK_ROWS || time - b->oldest > BLOCK_NS || b->newest - time > BLOCK_NS)) {
		rc = put_block(r);
		b->rows = 0;
	}
	*ret = r->next_id++;
	if (b->rows == 0)
		*b = (struct block){
			.first = *ret, .oldest = time, .newest = time, .earliest = time};
	add_to_block(r, *ret, time, scale_of(lived_ns) ? time : time - (int64_t)lived_ns);
	r->count++;
	return rc;
}

int rows_finish(struct rows *r, uint64_t now_ns)
{
	sqlite3_stmt *s = r->statement[ALIVE];
	int rc = SQLITE_OK;

	for (size_t i = 0; i < r->named_count && rc == SQLITE_OK; i++)
		rc = count_lives(r, r->named[i]);
	if (rc == SQLITE_OK) {
		for (size_t i = 0; i < r->named_count; i++)
			r->is_named[r->named[i]] = false;
		r->named_count = 0;
	}
	if (rc == SQLITE_OK)
		rc = put_block(r);
	sqlite3_bind_int64(s, 1, (int64_t)now_ns);
	sqlite3_bind_int64(s, 2, r->run);
	return rc == SQLITE_OK ? rows_run(s) : rc;
}
