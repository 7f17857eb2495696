// SPDX-License-Identifier: GPL-2.0-only
/* read_row.c - a row as the event it was. */
#include "read_private.h"

#include <stdlib.h>
#include <string.h>

#define ERROR_MAX 4095 /* MAX_ERRNO of the kernel */

/* 0 where there is none; *ok becomes false for what is no integer or above max (UINT64_MAX: any, as its 64 bits). */
static uint64_t read_number(sqlite3_stmt *s, int column, uint64_t max, bool *ok)
{
	int type = sqlite3_column_type(s, column);
	int64_t value = type == SQLITE_INTEGER ? sqlite3_column_int64(s, column) : 0;

	if ((type != SQLITE_INTEGER && type != SQLITE_NULL) || (uint64_t)value > max) {
		*ok = false;
		return 0;
	}
	return (uint64_t)value;
}

static const char *text_of(sqlite3_stmt *s, int column, bool *ok)
{
	int type = sqlite3_column_type(s, column);

	if (type == SQLITE_TEXT && sqlite3_column_bytes(s, column) <= TEXT_MAX)
		return (const char *)sqlite3_column_text(s, column);
	if (type != SQLITE_NULL)
		*ok = false;
	return NULL;
}

static void forget(struct cached *c)
{
	process_copy_done(&c->process);
	c->id = 0;
}

static void forget_trouble(struct store_reader *r)
{
	for (size_t i = 0; i < HOLDERS_MAX; i++)
		process_copy_done(&r->holder_process[i]);
	sqlite3_finalize(r->find_trouble);
	sqlite3_finalize(r->find_holders);
	r->find_trouble = r->find_holders = NULL;
}

void reader_forget(struct store_reader *r)
{
	for (size_t i = 0; i < PROCESS_CACHE; i++)
		forget(&r->cached[i]);
	forget_trouble(r);
}

/* The columns of find_process. */
enum { AT_PID, AT_TID, AT_UID, AT_NAME, AT_RUID, AT_START, AT_CUT, AT_TEXT };

/* NULL where there are none; *ok becomes false for what is no blob, or a longer one than is kept. */
static const uint8_t *blob_of(sqlite3_stmt *s, int column, int max, int *ret_len, bool *ok)
{
	int type = sqlite3_column_type(s, column);

	*ret_len = 0;
	if (type == SQLITE_NULL)
		return NULL;
	if (type != SQLITE_BLOB || sqlite3_column_bytes(s, column) > max) {
		*ok = false;
		return NULL;
	}
	*ret_len = sqlite3_column_bytes(s, column);
	return *ret_len ? sqlite3_column_blob(s, column) : (const uint8_t *)"";
}

static void read_program(const struct store_reader *r, sqlite3_stmt *s, struct program *ret, bool *ok)
{
	int len;
	const uint8_t *args = blob_of(s, AT_TEXT + TEXT_ARGS, PROCESS_ARGS_MAX, &len, ok);

	ret->start_ns = read_number(s, AT_START, INT64_MAX, ok);
	ret->exe = text_of(s, AT_TEXT + TEXT_EXE, ok);
	if (!args || r->no_args)
		return;
	ret->args = (const char *)args;
	ret->args_len = (uint32_t)len;
	ret->args_cut = read_number(s, AT_CUT, 1, ok);
}

static void forget_args(struct process *p)
{
	for (uint32_t i = 0; i < p->parent_count; i++) {
		struct program *parent = (struct program *)(uintptr_t)p->parent[i];

		free((char *)(uintptr_t)parent->args);
		parent->args = NULL;
	}
}

static bool read_process(const struct store_reader *r, sqlite3_stmt *s, struct process *ret)
{
	bool ok = true;
	const char *name = text_of(s, AT_NAME, &ok);
	struct program program = {0};
	const uint8_t *parents;
	int len;
	struct process p = {
		.pid = (uint32_t)read_number(s, AT_PID, UINT32_MAX, &ok),
		.tid = (uint32_t)read_number(s, AT_TID, UINT32_MAX, &ok),
		.uid = (uint32_t)read_number(s, AT_UID, UINT32_MAX, &ok),
		.ruid = (uint32_t)read_number(s, AT_RUID, UINT32_MAX, &ok),
		.cgroup = text_of(s, AT_TEXT + TEXT_CGROUP, &ok),
		.container = text_of(s, AT_TEXT + TEXT_CONTAINER, &ok),
		.container_name = text_of(s, AT_TEXT + TEXT_CONTAINER_NAME, &ok),
		.pod = text_of(s, AT_TEXT + TEXT_POD, &ok),
		.unit = text_of(s, AT_TEXT + TEXT_UNIT, &ok),
	};

	if (sqlite3_column_type(s, AT_RUID) == SQLITE_NULL)
		p.ruid = PROCESS_NO_UID;
	read_program(r, s, &program, &ok);
	parents = blob_of(s, AT_TEXT + TEXT_PARENTS, PARENTS_BYTES, &len, &ok);
	if (!ok)
		return false;
	if (name)
		memcpy(p.name, name, strnlen(name, PROCESS_NAME_SIZE - 1));
	program.pid = p.pid;
	memcpy(program.name, p.name, sizeof(p.name));
	if (program.start_ns || program.exe || program.args)
		p.program = &program;
	process_copy_done(ret);
	process_copy(ret, &p);
	if (parents)
		parents_unpack(ret, parents, (size_t)len);
	if (r->no_args)
		forget_args(ret);
	return true;
}

/* The copy has strings of its own; false when there is no such row. */
static bool find_process(struct store_reader *r, int64_t id, struct process *ret)
{
	sqlite3_stmt *s = r->find_process;
	bool found;

	sqlite3_bind_int64(s, 1, id);
	found = sqlite3_step(s) == SQLITE_ROW && read_process(r, s, ret);
	sqlite3_reset(s);
	return found;
}

static const struct process *process_of(struct store_reader *r, int64_t id)
{
	struct cached *c = &r->cached[(uint64_t)id % PROCESS_CACHE];

	if (c->id != id && find_process(r, id, &c->process))
		c->id = id;
	return c->id == id ? &c->process : NULL;
}

static uint32_t netns_of(struct store_reader *r, int64_t row)
{
	sqlite3_stmt *s = r->find_netns;
	bool ok;

	if (row == r->netns_row)
		return r->netns_inode;
	sqlite3_bind_int64(s, 1, row);
	r->netns_inode = 0;
	if (sqlite3_step(s) == SQLITE_ROW)
		r->netns_inode = (uint32_t)read_number(s, 0, UINT32_MAX, &ok);
	r->netns_row = row;
	sqlite3_reset(s);
	return r->netns_inode;
}

static bool read_endpoint(sqlite3_stmt *s, int column, int port, struct endpoint *ret)
{
	bool ok = true;

	*ret = (struct endpoint){.port = (uint16_t)read_number(s, port, UINT16_MAX, &ok)};
	if (sqlite3_column_type(s, column) == SQLITE_BLOB) {
		const uint8_t *bytes = sqlite3_column_blob(s, column);
		int len = sqlite3_column_bytes(s, column);

		if (len != 16 && len != 20)
			return false;
		memcpy(ret->addr, bytes, 16);
		if (len == 20)
			memcpy(&ret->ifindex, bytes + 16, 4);
	} else {
		uint64_t v4 = read_number(s, column, UINT32_MAX, &ok);

		for (int i = 0; i < 4; i++)
			ret->addr[i] = (uint8_t)(v4 >> (24 - 8 * i));
	}
	return ok;
}

static bool read_spans(sqlite3_stmt *s, struct event_close *c)
{
	int type = sqlite3_column_type(s, COLUMN_STATES);

	if (type == SQLITE_BLOB) {
		const uint8_t *bytes = sqlite3_column_blob(s, COLUMN_STATES);

		spans_unpack(c, bytes, (size_t)sqlite3_column_bytes(s, COLUMN_STATES));
	}
	return type == SQLITE_BLOB || type == SQLITE_NULL;
}

static void read_asked(sqlite3_stmt *s, uint64_t facts, struct event *e)
{
	const uint8_t *bytes = sqlite3_column_blob(s, COLUMN_ASKED);

	if (!(facts & FACTS_ASKED) || sqlite3_column_bytes(s, COLUMN_ASKED) != ASKED_BYTES)
		return;
	e->has_asked = true;
	e->asked.port = (uint16_t)(bytes[0] << 8 | bytes[1]);
	memcpy(e->asked.addr, bytes + 2, sizeof(e->asked.addr));
}

/* A life that goes on lasts until now; where no recorder runs any more, until it was last seen. */
static void read_open(struct store_reader *r, uint64_t alive_ns, bool now, struct event *e)
{
	struct event_close *c = &e->close;
	uint64_t seen = e->time_ns;

	e->time_ns = now ? r->now_ns : alive_ns;
	if (e->time_ns < seen)
		e->time_ns = seen;
	if (c->span_count)
		c->spans[c->span_count - 1].ns += e->time_ns - seen;
	if (!now)
		c->end = EVENT_END_UNSEEN;
}

static bool read_close(struct store_reader *r, sqlite3_stmt *s, uint64_t facts, struct event *e)
{
	bool ok = true;
	uint64_t lived = read_number(s, COLUMN_LIVED, INT64_MAX, &ok), seen = e->time_ns;
	uint64_t alive = read_number(s, COLUMN_ALIVE, INT64_MAX, &ok);
	uint64_t run = read_number(s, COLUMN_RUN, INT64_MAX, &ok);
	unsigned int end = facts >> FACTS_END_SHIFT & 3, state = facts >> FACTS_STATE_SHIFT & 15;
	struct event_close *c = &e->close;

	*c = (struct event_close){
		.end = (enum event_end)end,
		.state = (enum tcp_state)state,
		.duration_ns = UINT64_MAX,
		.counted = facts & FACTS_COUNTED,
		.sent_bytes = read_number(s, COLUMN_A, UINT64_MAX, &ok),
		.received_bytes = read_number(s, COLUMN_B, UINT64_MAX, &ok),
		.retransmits = (uint32_t)read_number(s, COLUMN_C, UINT32_MAX, &ok),
		.rtt_us = (uint32_t)read_number(s, COLUMN_D, UINT32_MAX, &ok),
		.reason = (enum close_reason)(facts >> FACTS_REASON_SHIFT & 15),
		.how = (enum close_how)(facts >> FACTS_HOW_SHIFT & 7),
		.syns = (uint32_t)read_number(s, COLUMN_SYNS, UINT16_MAX, &ok),
		.silent = facts & FACTS_SILENT,
		.last_heard_ns = read_number(s, COLUMN_HEARD, INT64_MAX, &ok),
		.unacked_bytes = (uint32_t)read_number(s, COLUMN_UNACKED, UINT32_MAX, &ok),
		.time_wait_unknown = facts & FACTS_TIME_WAIT_UNKNOWN,
		.time_wait = facts & FACTS_TIME_WAIT,
	};
	if (end > EVENT_END_UNSEEN || state >= STATES || !read_spans(s, c) || !ok)
		return false;
	if (c->reason >= REASONS)
		c->reason = REASON_UNKNOWN;
	if (c->how >= HOWS)
		c->how = HOW_UNKNOWN;
	if (facts & FACTS_OPENED)
		c->opened_ns = e->time_ns > lived ? e->time_ns - lived : 1;
	if (c->end == EVENT_END_OPEN)
		read_open(r, alive, r->running && (int64_t)run == r->running, e);
	if ((facts & FACTS_OPENED) && c->end != EVENT_END_UNSEEN)
		c->duration_ns = lived + (e->time_ns - seen);
	return true;
}

static bool read_lost(sqlite3_stmt *s, struct event *e)
{
	bool ok = true;

	e->lost = (struct event_lost){
		.count = read_number(s, COLUMN_A, UINT64_MAX, &ok),
		.since_ns = read_number(s, COLUMN_B, INT64_MAX, &ok),
		.added = read_number(s, COLUMN_C, UINT64_MAX, &ok),
		.removed = read_number(s, COLUMN_D, UINT64_MAX, &ok),
	};
	if (read_number(s, COLUMN_LIVED, 1, &ok))
		e->lost.unsent = e->lost.count;
	return ok;
}

/* Stores of older versions do not say. */
static uint8_t takes_of(uint64_t facts, enum family family, const struct endpoint *local)
{
	unsigned int takes = facts >> FACTS_TAKES_SHIFT & 3;

	if (takes || facts & (FACTS_MAPPED | FACTS_HAS_PEER) || !(facts & FACTS_HAS_LOCAL))
		return (uint8_t)takes;
	return (uint8_t)inet_takes(family, local->addr, false, false);
}

/* ---- what was in the way of a call ---- */

static bool prepare(struct store_reader *r, sqlite3_stmt **s, const char *text)
{
	return *s || sqlite3_prepare_v2(r->db, text, -1, s, NULL) == SQLITE_OK;
}

static bool prepare_trouble(struct store_reader *r)
{
	return prepare(r, &r->find_trouble,
		       "SELECT known,more,low,high,reserved,used,unprivileged FROM trouble "
		       "WHERE call=?");
}

static bool read_holder(struct store_reader *r, size_t at)
{
	sqlite3_stmt *s = r->find_holders;
	struct event_holder *h = &r->holder[at];
	bool ok = true;
	uint64_t facts = read_number(s, 1, FACTS_MAX, &ok);
	int64_t process = (int64_t)read_number(s, 0, UINT64_MAX, &ok);

	*h = (struct event_holder){
		.protocol = facts & FACTS_PROTOCOL,
		.family = facts & FACTS_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.mapped = facts & FACTS_MAPPED,
		.has_peer = facts & FACTS_HAS_PEER,
		.kernel = facts & FACTS_KERNEL,
		.state = (enum tcp_state)read_number(s, 6, STATES - 1, &ok),
		.since_ns = read_number(s, 7, INT64_MAX, &ok),
		.why = (uint32_t)read_number(s, 8, (1u << HOLDER_WHYS) - 1, &ok),
	};
	ok &= read_endpoint(s, 4, 2, &h->local);
	h->local.takes = takes_of(facts, h->family, &h->local);
	if (h->has_peer)
		ok &= read_endpoint(s, 5, 3, &h->peer);
	if (process && find_process(r, process, &r->holder_process[at]))
		h->process = &r->holder_process[at];
	return ok;
}

static void read_holders(struct store_reader *r, int64_t call)
{
	struct event_trouble *t = &r->trouble;
	sqlite3_stmt *s;

	if (!prepare(r, &r->find_holders,
		     "SELECT process,facts,local_port,peer_port,local,peer,state,since,why "
		     "FROM holder WHERE call=? ORDER BY place"))
		return;
	s = r->find_holders;
	sqlite3_bind_int64(s, 1, call);
	while (t->holder_count < HOLDERS_MAX && sqlite3_step(s) == SQLITE_ROW)
		t->holder_count += read_holder(r, t->holder_count);
	sqlite3_reset(s);
}

/* False for a row that is not to be believed. */
static bool read_trouble(sqlite3_stmt *s, struct store_reader *r, const struct event *e)
{
	uint64_t took_ns;
	bool ok = true;
	unsigned int known = (unsigned int)read_number(s, 0, UINT32_MAX, &ok);

	r->trouble = (struct event_trouble){
		.has_holders = known & TROUBLE_HOLDERS,
		.holders = r->holder,
		.holders_more = read_number(s, 1, UINT64_MAX, &ok),
		.has_range = known & TROUBLE_RANGE,
		.low = (uint16_t)read_number(s, 2, UINT16_MAX, &ok),
		.high = (uint16_t)read_number(s, 3, UINT16_MAX, &ok),
		.reserved = (uint16_t)read_number(s, 4, UINT16_MAX, &ok),
		.unprivileged_from = (uint32_t)read_number(s, 6, UINT32_MAX, &ok),
	};
	took_ns = read_number(s, 5, r->trouble.has_range ? UINT32_MAX : INT64_MAX, &ok);
	if (r->trouble.has_range)
		r->trouble.used = (uint32_t)took_ns;
	else if ((known & TROUBLE_AS_OF) && took_ns < e->time_ns)
		r->trouble.holders_as_of_ns = e->time_ns - took_ns;
	return ok;
}

/* Nothing else is known of a failure that was repeated. */
static void read_repeated(sqlite3_stmt *s, struct event *e)
{
	bool ok = true;
	uint64_t repeated = read_number(s, 1, INT64_MAX, &ok);
	uint64_t took_ns = read_number(s, 5, INT64_MAX, &ok);

	if (!ok || took_ns > e->time_ns)
		return;
	e->repeated = repeated;
	e->since_ns = e->time_ns - took_ns;
}

static bool read_overflow(struct store_reader *r, sqlite3_stmt *row, struct event *e)
{
	bool ok = true;
	uint64_t took_ns = 0;
	sqlite3_stmt *s;

	e->overflow =
		(struct event_overflow){.dropped = read_number(row, COLUMN_A, UINT32_MAX, &ok)};
	if (!prepare_trouble(r))
		return false;
	s = r->find_trouble;
	sqlite3_bind_int64(s, 1, sqlite3_column_int64(row, COLUMN_ID));
	if (sqlite3_step(s) == SQLITE_ROW) {
		took_ns = read_number(s, 1, e->time_ns, &ok);
		e->overflow.waiting = (uint32_t)read_number(s, 5, UINT32_MAX, &ok);
		e->overflow.limit = (uint32_t)read_number(s, 6, UINT32_MAX, &ok);
	}
	sqlite3_reset(s);
	e->overflow.ended = took_ns > 0;
	e->overflow.since_ns = e->time_ns - took_ns;
	return ok;
}

/* What was in the way of a call, as the event had it, until the next; NULL when nothing is known. */
static const struct event_trouble *find_trouble(struct store_reader *r, int64_t call,
						struct event *e)
{
	struct event_trouble *t = &r->trouble;
	bool ok = true, found;
	sqlite3_stmt *s;

	if (!prepare_trouble(r))
		return NULL;
	s = r->find_trouble;
	sqlite3_bind_int64(s, 1, call);
	found = sqlite3_step(s) == SQLITE_ROW;
	if (found && (read_number(s, 0, UINT32_MAX, &ok) & TROUBLE_REPEATED)) {
		read_repeated(s, e);
		found = false;
	}
	found = found && read_trouble(s, r, e);
	sqlite3_reset(s);
	if (found && t->has_holders)
		read_holders(r, call);
	return found ? t : NULL;
}

/* ---- the event ---- */

bool row_event(struct store_reader *r, sqlite3_stmt *s, struct event *e)
{
	bool ok = true;
	uint64_t facts = read_number(s, COLUMN_FACTS, FACTS_MAX, &ok);
	int64_t process = (int64_t)read_number(s, COLUMN_PROCESS, UINT64_MAX, &ok);
	int64_t netns;

	*e = (struct event){
		.kind = (enum event_kind)read_number(s, COLUMN_KIND, EVENT_KINDS - 1, &ok),
		.time_ns = read_number(s, COLUMN_TIME, INT64_MAX, &ok),
		.protocol = facts & FACTS_PROTOCOL,
		.family = facts & FACTS_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.mapped = facts & FACTS_MAPPED,
		.kernel = facts & FACTS_KERNEL,
		.has_local = facts & FACTS_HAS_LOCAL,
		.has_peer = facts & FACTS_HAS_PEER,
		.cookie = read_number(s, COLUMN_COOKIE, UINT64_MAX, &ok),
		.error = (int)read_number(s, COLUMN_ERROR, ERROR_MAX, &ok),
	};
	if (!ok)
		return false;
	if (e->kind == EVENT_LOST)
		return read_lost(s, e);
	netns = (int64_t)read_number(s, COLUMN_NETNS, UINT64_MAX, &ok);
	e->netns = netns_of(r, netns);
	e->netns_name = reader_netns_name(r, netns, e->time_ns);
	if (process)
		e->process = process_of(r, process);
	if (!read_endpoint(s, COLUMN_LOCAL, COLUMN_LOCAL_PORT, &e->local) ||
	    !read_endpoint(s, COLUMN_PEER, COLUMN_PEER_PORT, &e->peer))
		return false;
	e->local.takes = takes_of(facts, e->family, &e->local);
	read_asked(s, facts, e);
	if (e->kind != EVENT_CLOSE && e->error)
		e->trouble = find_trouble(r, sqlite3_column_int64(s, COLUMN_ID), e);
	switch (e->kind) {
	case EVENT_CLOSE: return read_close(r, s, facts, e) && ok;
	case EVENT_LISTEN:
		e->listen.backlog = (uint32_t)read_number(s, COLUMN_A, UINT32_MAX, &ok);
		return ok;
	case EVENT_CONNECT:
		e->connect.autobind = facts & FACTS_AUTOBIND;
		e->connect.no_source = facts & FACTS_NO_SOURCE;
		return ok;
	case EVENT_BIND: e->bind.autobind = facts & FACTS_AUTOBIND; return ok;
	case EVENT_ACCEPT: return ok;
	case EVENT_OVERFLOW: return read_overflow(r, s, e) && ok;
	case EVENT_STATE:
	case EVENT_LOST:
	case EVENT_KINDS: break;
	}
	return false;
}
