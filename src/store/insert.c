// SPDX-License-Identifier: GPL-2.0-only
/* insert.c - records into rows, inside a transaction that store.c begins and ends. */
#include "store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 8192
#define BLOCK_NS   10000000000ll

#define LIFE_PLACES "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"

static const char *const sql[STATEMENTS] = {
	[PUT_LIFE] = "INSERT INTO life VALUES(" LIFE_PLACES ",?)",
	[PUT_OPEN] = "INSERT OR REPLACE INTO open VALUES(" LIFE_PLACES ",?,?,?,?)",
	[PUT_CALL] = "INSERT INTO call VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[PUT_LOSS] = "INSERT INTO loss VALUES(?,?,?,?,?,?)",
	[PUT_TROUBLE] = "INSERT INTO trouble VALUES(?,?,?,?,?,?,?,?)",
	[PUT_HOLDER] = "INSERT INTO holder VALUES(?,?,?,?,?,?,?,?,?,?,?)",
	[PUT_PROCESS] = "INSERT INTO process(boot,pid,tid,uid,cgroup_id,name,cgroup,container) "
			"VALUES(?,?,?,?,?,?,?,?)",
	[FIND_PROCESS] = "SELECT id FROM process WHERE boot=? AND pid=? AND tid=? AND uid=? AND "
			 "cgroup_id=? AND name=?",
	[COUNT_PROCESS] = "UPDATE process SET lives=lives+? WHERE id=?",
	[PUT_NETNS] = "INSERT INTO netns(inode) VALUES(?)",
	[FIND_NETNS] = "SELECT id FROM netns WHERE inode=?",
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
	int rc = SQLITE_OK;

	r->db = db;
	r->boot = boot;
	r->run = run;
	r->named = malloc((SLOTS + 1) * sizeof(*r->named));
	if (!r->named)
		return SQLITE_NOMEM;
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
	r->undo_next_id = r->next_id;
	r->undo_call = r->call;
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

static int apply_process(struct rows *r, const struct record_process *p)
{
	const char *text = (const char *)(p + 1);
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
	}
	if (rc == SQLITE_OK)
		rc = find(s, &id);
	if (rc != SQLITE_OK)
		return rc;
	if (id == 0) {
		sqlite3_bind_null(put, 7);
		sqlite3_bind_null(put, 8);
		if (p->has_cgroup)
			sqlite3_bind_text(put, 7, text, p->cgroup_len, SQLITE_TRANSIENT);
		if (p->has_container)
			sqlite3_bind_text(put, 8, text + p->cgroup_len, p->container_len,
					  SQLITE_TRANSIENT);
		rc = rows_run(put);
		id = sqlite3_last_insert_rowid(r->db);
	}
	return rc == SQLITE_OK ? set_slot(r, p->slot, id) : rc;
}

static int netns_of(struct rows *r, uint32_t inode, int64_t *ret)
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

/* ---- rows ---- */

static void bind_address(sqlite3_stmt *s, int at, const struct record *e, bool known,
			 const uint8_t addr[16], uint32_t ifindex)
{
	uint8_t bytes[20];

	if (!known) {
		sqlite3_bind_null(s, at);
	} else if (!(e->facts & FACTS_IPV6)) {
		sqlite3_bind_int64(s, at,
				   (int64_t)addr[0] << 24 | addr[1] << 16 | addr[2] << 8 | addr[3]);
	} else {
		memcpy(bytes, addr, 16);
		memcpy(bytes + 16, &ifindex, 4);
		sqlite3_bind_blob(s, at, bytes, ifindex ? 20 : 16, SQLITE_TRANSIENT);
	}
}

void rows_bind_process(struct rows *r, sqlite3_stmt *s, int at, uint32_t slot, bool counts)
{
	if (slot == NO_SLOT || r->process[slot] == 0) {
		sqlite3_bind_null(s, at);
		return;
	}
	sqlite3_bind_int64(s, at, r->process[slot]);
	if (!counts)
		return;
	r->lives[slot]++;
	if (!r->is_named[slot]) {
		r->is_named[slot] = true;
		r->named[r->named_count++] = slot;
	}
}

static void bind_port(sqlite3_stmt *s, int at, bool known, uint16_t port)
{
	if (known)
		sqlite3_bind_int(s, at, port);
	else
		sqlite3_bind_null(s, at);
}

void rows_bind_ends(sqlite3_stmt *s, int ports_at, int addresses_at, const struct record *e)
{
	bool local = e->facts & FACTS_HAS_LOCAL, peer = e->facts & FACTS_HAS_PEER;

	bind_port(s, ports_at, local, e->local_port);
	bind_port(s, ports_at + 1, peer, e->peer_port);
	bind_address(s, addresses_at, e, local, e->local, e->local_if);
	bind_address(s, addresses_at + 1, e, peer, e->peer, e->peer_if);
}

static void bind_life(struct rows *r, sqlite3_stmt *s, const struct record *e, int64_t netns)
{
	sqlite3_bind_int64(s, 2, (int64_t)e->time_ns);
	sqlite3_bind_int64(s, 3, (int64_t)e->lived_ns);
	rows_bind_ends(s, 4, 10, e);
	sqlite3_bind_int(s, 6, (int)scale_of(e->lived_ns));
	sqlite3_bind_int64(s, 7, e->facts);
	sqlite3_bind_int64(s, 8, netns);
	sqlite3_bind_int64(s, 9, (int64_t)e->cookie);
	rows_bind_process(r, s, 12, e->slot, e->kind == RECORD_LIFE);
	if (e->facts & FACTS_COUNTED) {
		sqlite3_bind_int64(s, 13, (int64_t)e->sent);
		sqlite3_bind_int64(s, 14, (int64_t)e->received);
		sqlite3_bind_int64(s, 15, e->retransmits);
		sqlite3_bind_int64(s, 16, e->rtt_us);
	} else {
		for (int i = 13; i <= 16; i++)
			sqlite3_bind_null(s, i);
	}
	if (e->error)
		sqlite3_bind_int(s, 17, e->error);
	else
		sqlite3_bind_null(s, 17);
	sqlite3_bind_blob(s, 18, e + 1, e->spans, SQLITE_STATIC);
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
static int new_id(struct rows *r, uint64_t time_ns, uint64_t lived_ns, int64_t *ret)
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

/* What names a socket among those that are open: its cookie, or a hash of its ends without one. */
static int64_t key_of(const struct record *e)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	const uint8_t *part[] = {e->local, e->peer};

	if (e->cookie)
		return (int64_t)(e->cookie & INT64_MAX);
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 16; k++)
			hash = (hash ^ part[i][k]) * 0x100000001b3ull;
	}
	hash = (hash ^ ((uint64_t)e->local_port << 16 | e->peer_port)) * 0x100000001b3ull;
	hash = (hash ^ (e->facts & FACTS_PROTOCOL)) * 0x100000001b3ull;
	return (int64_t)(hash | UINT64_C(1) << 63);
}

struct known {
	int64_t id; /* 0: no row */
	int64_t since_boot;
	uint32_t facts;
};

static int find_open(struct rows *r, int64_t netns, int64_t key, struct known *ret)
{
	sqlite3_stmt *s = r->statement[FIND_OPEN];

	*ret = (struct known){0};
	sqlite3_bind_int64(s, 1, netns);
	sqlite3_bind_int64(s, 2, key);
	if (sqlite3_step(s) == SQLITE_ROW) {
		ret->id = sqlite3_column_int64(s, 0);
		ret->since_boot = sqlite3_column_int64(s, 1);
		ret->facts = (uint32_t)sqlite3_column_int64(s, 2);
	}
	return sqlite3_reset(s);
}

/* What an earlier look or an earlier run knew of a start that this trace has not seen. */
static void take_start(struct record *e, const struct known *k)
{
	if ((e->facts & FACTS_OPENED) || !k->id || k->since_boot < 0 ||
	    (int64_t)e->boot_ns < k->since_boot)
		return;
	e->facts |= k->facts & FACTS_OPENED;
	e->lived_ns = e->boot_ns - (uint64_t)k->since_boot;
}

static int apply_life(struct rows *r, struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_LIFE];
	struct known known = {0};
	int64_t netns, id;
	int rc = netns_of(r, e->netns, &netns);

	/* No other life was ever told as open. */
	if (rc == SQLITE_OK &&
	    (e->number || !(e->facts & FACTS_OPENED) || scale_of(e->lived_ns) > 0))
		rc = find_open(r, netns, key_of(e), &known);
	if (rc == SQLITE_OK && known.id) {
		sqlite3_bind_int64(r->statement[DELETE_OPEN], 1, known.id);
		rc = rows_run(r->statement[DELETE_OPEN]);
		take_start(e, &known);
	}
	if (rc == SQLITE_OK)
		rc = new_id(r, e->time_ns, e->lived_ns, &id);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(s, 1, id);
	bind_life(r, s, e, netns);
	return rows_run(s);
}

static int apply_open(struct rows *r, struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_OPEN];
	struct known known;
	int64_t netns;
	int rc = netns_of(r, e->netns, &netns);

	if (rc == SQLITE_OK)
		rc = find_open(r, netns, key_of(e), &known);
	if (rc != SQLITE_OK)
		return rc;
	take_start(e, &known);
	if (known.id)
		sqlite3_bind_int64(s, 1, known.id);
	else
		sqlite3_bind_null(s, 1);
	bind_life(r, s, e, netns);
	sqlite3_bind_int64(s, 19, key_of(e));
	sqlite3_bind_int64(s, 20, r->run);
	sqlite3_bind_int64(s, 21, (int64_t)(e->boot_ns - e->lived_ns));
	r->opened++;
	return rows_run(s);
}

static int apply_call(struct rows *r, const struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_CALL];
	int64_t netns, id;
	int rc = netns_of(r, e->netns, &netns);

	if (rc == SQLITE_OK)
		rc = new_id(r, e->time_ns, 0, &id);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, (int64_t)e->time_ns);
	sqlite3_bind_int(s, 3, e->event);
	rows_bind_ends(s, 4, 9, e);
	sqlite3_bind_int64(s, 6, e->facts);
	sqlite3_bind_int64(s, 7, netns);
	sqlite3_bind_int64(s, 8, (int64_t)e->cookie);
	rows_bind_process(r, s, 11, e->slot, true);
	if (e->error)
		sqlite3_bind_int(s, 12, e->error);
	else
		sqlite3_bind_null(s, 12);
	sqlite3_bind_int64(s, 13, e->number);
	r->call = id;
	r->holders = 0;
	return rows_run(s);
}

static int put_loss(struct rows *r, uint64_t at, const struct record *e)
{
	sqlite3_stmt *s = r->statement[PUT_LOSS];
	int64_t id;
	int rc = new_id(r, at, 0, &id);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, (int64_t)at);
	sqlite3_bind_int64(s, 3, (int64_t)e->received);
	sqlite3_bind_int64(s, 4, (int64_t)e->sent);
	sqlite3_bind_int64(s, 5, (int64_t)e->added);
	sqlite3_bind_int64(s, 6, (int64_t)e->removed);
	return rows_run(s);
}

int rows_lost(struct rows *r, uint64_t count, uint64_t since_ns, uint64_t now_ns)
{
	struct record e = {.sent = count, .received = since_ns};

	return put_loss(r, now_ns, &e);
}

/*
 * Moves rows of open lives to those of ended ones; they lasted at least until their run was last
 * heard of.
 */
int rows_sweep(struct rows *r, const struct record *until)
{
	char condition[256], text[2048];
	sqlite3_stmt *s = NULL;
	int rc;

	if (until)
		snprintf(condition, sizeof(condition), "since_boot+lived<%lld",
			 (long long)until->boot_ns);
	else
		snprintf(condition, sizeof(condition),
			 "(SELECT boot FROM run WHERE id=open.run)<>%lld", (long long)r->boot);
	snprintf(text, sizeof(text),
		 "INSERT INTO life SELECT %lld+row_number() OVER (ORDER BY id),"
		 "max(closed,alive),lived+max(alive-closed,0),local_port,peer_port,"
		 "CASE WHEN l<1e9 THEN 0 WHEN l<1e10 THEN 1 WHEN l<1e11 THEN 2 WHEN l<1e12 THEN 3 "
		 "WHEN l<1e13 THEN 4 WHEN l<1e14 THEN 5 WHEN l<1e15 THEN 6 ELSE 7 END,"
		 "(facts&~(3<<%d))|(%d<<%d),netns,cookie,local,peer,process,sent,received,"
		 "retransmits,rtt,error,states FROM (SELECT *,lived+max(alive-closed,0) AS l "
		 "FROM (SELECT open.*,CASE run.id WHEN %lld THEN %lld ELSE run.alive END AS alive "
		 "FROM open JOIN run ON run.id=open.run WHERE %s));"
		 "UPDATE process SET lives=lives+c FROM (SELECT process AS p,count(*) AS c FROM "
		 "open WHERE %s GROUP BY 1) WHERE id=p;"
		 "DELETE FROM open WHERE %s",
		 (long long)r->next_id - 1, FACTS_END_SHIFT, EVENT_END_UNSEEN, FACTS_END_SHIFT,
		 (long long)r->run, until ? (long long)until->time_ns : 0, condition, condition,
		 condition);
	rc = sqlite3_exec(r->db, text, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_prepare_v2(r->db, "SELECT closed,lived FROM life WHERE id>=? ORDER BY id", -1,
				&s, NULL);
	sqlite3_bind_int64(s, 1, r->next_id);
	for (int64_t id; rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW;) {
		int64_t closed = sqlite3_column_int64(s, 0), lived = sqlite3_column_int64(s, 1);

		if (sqlite3_column_type(s, 0) != SQLITE_INTEGER || closed < 0 ||
		    sqlite3_column_type(s, 1) != SQLITE_INTEGER || lived < 0)
			rc = SQLITE_CORRUPT;
		else
			rc = new_id(r, (uint64_t)closed, (uint64_t)lived, &id);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int rows_apply(struct rows *r, const struct chunk *chunk)
{
	int rc = SQLITE_OK;

	for (size_t at = 0; at < chunk->used && rc == SQLITE_OK;) {
		struct record e[2 + SPANS_BYTES / sizeof(struct record)];
		const struct record *head = (const struct record *)(chunk->data + at);

		at += head->size;
		if (head->kind == RECORD_PROCESS) {
			rc = apply_process(r, (const struct record_process *)head);
			continue;
		}
		/* A copy, because what is found in the file is added, and a chunk may be applied
		 * again. */
		memcpy(e, head, head->size);
		switch (head->kind) {
		case RECORD_LIFE: rc = apply_life(r, e); break;
		case RECORD_OPEN: rc = apply_open(r, e); break;
		case RECORD_CALL: rc = apply_call(r, e); break;
		case RECORD_LOST: rc = put_loss(r, e->time_ns, e); break;
		case RECORD_SWEEP: rc = rows_sweep(r, e); break;
		case RECORD_TROUBLE: rc = trouble_apply(r, e); break;
		case RECORD_HOLDER: rc = holder_apply(r, e); break;
		}
	}
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
