// SPDX-License-Identifier: GPL-2.0-only
/* read_row.c - a row as the event it was. */
#include "read_private.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX  4096
#define ERROR_MAX 4095 /* MAX_ERRNO of the kernel */

/* A number as the writer puts it: an integer, NULL where it has none. */
uint64_t row_number(sqlite3_stmt *s, int column, uint64_t max, bool *ok)
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

static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

void row_forget_process(struct process *p)
{
	free((void *)(uintptr_t)p->cgroup);
	free((void *)(uintptr_t)p->container);
	*p = (struct process){0};
}

static void forget(struct cached *c)
{
	row_forget_process(&c->process);
	c->id = 0;
}

void reader_forget(struct store_reader *r)
{
	for (size_t i = 0; i < PROCESS_CACHE; i++)
		forget(&r->cached[i]);
}

static bool read_process(sqlite3_stmt *s, struct process *ret)
{
	bool ok = true;
	const char *name = text_of(s, 3, &ok), *cgroup = text_of(s, 4, &ok);
	const char *container = text_of(s, 5, &ok);
	struct process p = {
		.pid = (uint32_t)row_number(s, 0, UINT32_MAX, &ok),
		.tid = (uint32_t)row_number(s, 1, UINT32_MAX, &ok),
		.ruid = PROCESS_NO_UID, /* not kept */
		.uid = (uint32_t)row_number(s, 2, UINT32_MAX, &ok),
	};

	if (!ok)
		return false;
	if (name)
		memcpy(p.name, name, strnlen(name, PROCESS_NAME_SIZE - 1));
	p.cgroup = copy_text(cgroup);
	p.container = copy_text(container);
	row_forget_process(ret);
	*ret = p;
	return true;
}

bool row_process(struct store_reader *r, int64_t id, struct process *ret)
{
	sqlite3_stmt *s = r->find_process;
	bool found;

	sqlite3_bind_int64(s, 1, id);
	found = sqlite3_step(s) == SQLITE_ROW && read_process(s, ret);
	sqlite3_reset(s);
	return found;
}

static const struct process *process_of(struct store_reader *r, int64_t id)
{
	struct cached *c = &r->cached[(uint64_t)id % PROCESS_CACHE];

	if (c->id != id && row_process(r, id, &c->process))
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
		r->netns_inode = (uint32_t)row_number(s, 0, UINT32_MAX, &ok);
	r->netns_row = row;
	sqlite3_reset(s);
	return r->netns_inode;
}

bool row_endpoint(sqlite3_stmt *s, int column, int port, struct endpoint *ret)
{
	bool ok = true;

	*ret = (struct endpoint){.port = (uint16_t)row_number(s, port, UINT16_MAX, &ok)};
	if (sqlite3_column_type(s, column) == SQLITE_BLOB) {
		const uint8_t *bytes = sqlite3_column_blob(s, column);
		int len = sqlite3_column_bytes(s, column);

		if (len != 16 && len != 20)
			return false;
		memcpy(ret->addr, bytes, 16);
		if (len == 20)
			memcpy(&ret->ifindex, bytes + 16, 4);
	} else {
		uint64_t v4 = row_number(s, column, UINT32_MAX, &ok);

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

static bool read_close(struct store_reader *r, sqlite3_stmt *s, uint32_t facts, struct event *e)
{
	bool ok = true;
	uint64_t lived = row_number(s, COLUMN_LIVED, INT64_MAX, &ok), seen = e->time_ns;
	uint64_t alive = row_number(s, COLUMN_ALIVE, INT64_MAX, &ok);
	uint64_t run = row_number(s, COLUMN_RUN, INT64_MAX, &ok);
	unsigned int end = facts >> FACTS_END_SHIFT & 3, state = facts >> FACTS_STATE_SHIFT & 15;
	struct event_close *c = &e->close;

	*c = (struct event_close){
		.end = (enum event_end)end,
		.state = (enum tcp_state)state,
		.duration_ns = UINT64_MAX,
		.counted = facts & FACTS_COUNTED,
		.sent_bytes = row_number(s, COLUMN_A, UINT64_MAX, &ok),
		.received_bytes = row_number(s, COLUMN_B, UINT64_MAX, &ok),
		.retransmits = (uint32_t)row_number(s, COLUMN_C, UINT32_MAX, &ok),
		.rtt_us = (uint32_t)row_number(s, COLUMN_D, UINT32_MAX, &ok),
		.reason = (enum close_reason)(facts >> FACTS_REASON_SHIFT & 15),
		.time_wait = facts & FACTS_TIME_WAIT,
	};
	if (end > EVENT_END_UNSEEN || state >= STATES || !read_spans(s, c) || !ok)
		return false;
	if (c->reason >= REASONS)
		c->reason = REASON_UNKNOWN;
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
		.count = row_number(s, COLUMN_A, UINT64_MAX, &ok),
		.since_ns = row_number(s, COLUMN_B, INT64_MAX, &ok),
		.added = row_number(s, COLUMN_C, UINT64_MAX, &ok),
		.removed = row_number(s, COLUMN_D, UINT64_MAX, &ok),
	};
	return ok;
}

bool row_event(struct store_reader *r, sqlite3_stmt *s, struct event *e)
{
	bool ok = true;
	uint32_t facts = (uint32_t)row_number(s, COLUMN_FACTS, UINT32_MAX, &ok);
	int64_t process = (int64_t)row_number(s, COLUMN_PROCESS, UINT64_MAX, &ok);

	*e = (struct event){
		.kind = (enum event_kind)row_number(s, COLUMN_KIND, EVENT_KINDS - 1, &ok),
		.time_ns = row_number(s, COLUMN_TIME, INT64_MAX, &ok),
		.protocol = facts & FACTS_PROTOCOL,
		.family = facts & FACTS_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.mapped = facts & FACTS_MAPPED,
		.has_local = facts & FACTS_HAS_LOCAL,
		.has_peer = facts & FACTS_HAS_PEER,
		.cookie = row_number(s, COLUMN_COOKIE, UINT64_MAX, &ok),
		.error = (int)row_number(s, COLUMN_ERROR, ERROR_MAX, &ok),
	};
	if (!ok)
		return false;
	if (e->kind == EVENT_LOST)
		return read_lost(s, e);
	e->netns = netns_of(r, (int64_t)row_number(s, COLUMN_NETNS, UINT64_MAX, &ok));
	if (process)
		e->process = process_of(r, process);
	if (!row_endpoint(s, COLUMN_LOCAL, COLUMN_LOCAL_PORT, &e->local) ||
	    !row_endpoint(s, COLUMN_PEER, COLUMN_PEER_PORT, &e->peer))
		return false;
	if (e->kind != EVENT_CLOSE && e->error)
		e->trouble = row_trouble(r, sqlite3_column_int64(s, COLUMN_ID), e);
	switch (e->kind) {
	case EVENT_CLOSE: return read_close(r, s, facts, e) && ok;
	case EVENT_LISTEN:
		e->listen.backlog = (uint32_t)row_number(s, COLUMN_A, UINT32_MAX, &ok);
		return ok;
	case EVENT_CONNECT: e->connect.autobind = facts & FACTS_AUTOBIND; return ok;
	case EVENT_BIND: e->bind.autobind = facts & FACTS_AUTOBIND; return ok;
	case EVENT_ACCEPT:
	case EVENT_STATE:
	case EVENT_LOST:
	case EVENT_KINDS: break;
	}
	return false;
}
