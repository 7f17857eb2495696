// SPDX-License-Identifier: GPL-2.0-only
/* read_row.c - a row as the event it was. */
#include "read_private.h"

#include <stdlib.h>
#include <string.h>

static char *copy_text(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

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

bool row_process(struct store_reader *r, int64_t id, struct process *ret)
{
	sqlite3_stmt *s = r->find_process;
	bool found;

	sqlite3_bind_int64(s, 1, id);
	found = sqlite3_step(s) == SQLITE_ROW;
	if (found) {
		const char *name = (const char *)sqlite3_column_text(s, 3);

		row_forget_process(ret);
		*ret = (struct process){
			.pid = (uint32_t)sqlite3_column_int64(s, 0),
			.tid = (uint32_t)sqlite3_column_int64(s, 1),
			.uid = (uint32_t)sqlite3_column_int64(s, 2),
			.ruid = PROCESS_NO_UID, /* not kept */
			.cgroup = copy_text(s, 4),
			.container = copy_text(s, 5),
		};
		if (name)
			memcpy(ret->name, name, strnlen(name, PROCESS_NAME_SIZE - 1));
	}
	sqlite3_reset(s);
	return found;
}

static const struct process *process_of(struct store_reader *r, int64_t id)
{
	struct cached *c = &r->cached[id % PROCESS_CACHE];

	if (c->id != id && row_process(r, id, &c->process))
		c->id = id;
	return c->id == id ? &c->process : NULL;
}

static uint32_t netns_of(struct store_reader *r, int64_t row)
{
	sqlite3_stmt *s = r->find_netns;

	if (row == r->netns_row)
		return r->netns_inode;
	sqlite3_bind_int64(s, 1, row);
	r->netns_inode = sqlite3_step(s) == SQLITE_ROW ? (uint32_t)sqlite3_column_int64(s, 0) : 0;
	r->netns_row = row;
	sqlite3_reset(s);
	return r->netns_inode;
}

bool row_endpoint(sqlite3_stmt *s, int column, int port, struct endpoint *ret)
{
	*ret = (struct endpoint){.port = (uint16_t)sqlite3_column_int(s, port)};
	if (sqlite3_column_type(s, column) == SQLITE_BLOB) {
		const uint8_t *bytes = sqlite3_column_blob(s, column);
		int len = sqlite3_column_bytes(s, column);

		if (len != 16 && len != 20)
			return false;
		memcpy(ret->addr, bytes, 16);
		if (len == 20)
			memcpy(&ret->ifindex, bytes + 16, 4);
	} else {
		int64_t v4 = sqlite3_column_int64(s, column);

		for (int i = 0; i < 4; i++)
			ret->addr[i] = (uint8_t)(v4 >> (24 - 8 * i));
	}
	return true;
}

static void read_close(struct store_reader *r, sqlite3_stmt *s, uint32_t facts, struct event *e)
{
	uint64_t lived = (uint64_t)sqlite3_column_int64(s, COLUMN_LIVED);
	struct event_close *c = &e->close;

	*c = (struct event_close){
		.end = (enum event_end)(facts >> FACTS_END_SHIFT & 3),
		.state = (enum tcp_state)(facts >> FACTS_STATE_SHIFT & 15),
		.duration_ns = UINT64_MAX,
		.counted = facts & FACTS_COUNTED,
		.sent_bytes = (uint64_t)sqlite3_column_int64(s, COLUMN_A),
		.received_bytes = (uint64_t)sqlite3_column_int64(s, COLUMN_B),
		.retransmits = (uint32_t)sqlite3_column_int64(s, COLUMN_C),
		.rtt_us = (uint32_t)sqlite3_column_int64(s, COLUMN_D),
		.reason = (enum close_reason)(facts >> FACTS_REASON_SHIFT & 15),
		.time_wait = facts & FACTS_TIME_WAIT,
	};
	if (c->reason >= REASONS)
		c->reason = REASON_UNKNOWN;
	spans_unpack(c, sqlite3_column_blob(s, COLUMN_STATES),
		     (size_t)sqlite3_column_bytes(s, COLUMN_STATES));
	if (facts & FACTS_OPENED)
		c->opened_ns = e->time_ns - lived;
	if (c->end == EVENT_END_OPEN) {
		uint64_t seen = e->time_ns;
		bool now = store_is_recording(r);

		e->time_ns = now ? r->now_ns : (uint64_t)sqlite3_column_int64(s, COLUMN_ALIVE);
		if (e->time_ns < seen)
			e->time_ns = seen;
		lived += e->time_ns - seen;
		if (c->span_count)
			c->spans[c->span_count - 1].ns += e->time_ns - seen;
		if (!now)
			c->end = EVENT_END_UNSEEN;
	}
	if ((facts & FACTS_OPENED) && c->end != EVENT_END_UNSEEN)
		c->duration_ns = lived;
}

bool row_event(struct store_reader *r, sqlite3_stmt *s, struct event *e)
{
	uint32_t facts = (uint32_t)sqlite3_column_int64(s, COLUMN_FACTS);
	int64_t process = sqlite3_column_int64(s, COLUMN_PROCESS);

	*e = (struct event){
		.kind = (enum event_kind)sqlite3_column_int(s, COLUMN_KIND),
		.time_ns = (uint64_t)sqlite3_column_int64(s, COLUMN_TIME),
		.protocol = facts & FACTS_PROTOCOL,
		.family = facts & FACTS_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.mapped = facts & FACTS_MAPPED,
		.has_local = facts & FACTS_HAS_LOCAL,
		.has_peer = facts & FACTS_HAS_PEER,
		.cookie = (uint64_t)sqlite3_column_int64(s, COLUMN_COOKIE),
		.error = sqlite3_column_int(s, COLUMN_ERROR),
	};
	if (e->kind == EVENT_LOST) {
		e->lost.count = (uint64_t)sqlite3_column_int64(s, COLUMN_A);
		e->lost.since_ns = (uint64_t)sqlite3_column_int64(s, COLUMN_B);
		e->lost.added = (uint64_t)sqlite3_column_int64(s, COLUMN_C);
		e->lost.removed = (uint64_t)sqlite3_column_int64(s, COLUMN_D);
		return true;
	}
	e->netns = netns_of(r, sqlite3_column_int64(s, COLUMN_NETNS));
	if (process)
		e->process = process_of(r, process);
	if (!row_endpoint(s, COLUMN_LOCAL, COLUMN_LOCAL_PORT, &e->local) ||
	    !row_endpoint(s, COLUMN_PEER, COLUMN_PEER_PORT, &e->peer))
		return false;
	if (e->kind != EVENT_CLOSE && e->error)
		e->trouble = row_trouble(r, sqlite3_column_int64(s, COLUMN_ID));
	switch (e->kind) {
	case EVENT_CLOSE: read_close(r, s, facts, e); return true;
	case EVENT_LISTEN:
		e->listen.backlog = (uint32_t)sqlite3_column_int64(s, COLUMN_A);
		return true;
	case EVENT_CONNECT: e->connect.autobind = facts & FACTS_AUTOBIND; return true;
	case EVENT_BIND: e->bind.autobind = facts & FACTS_AUTOBIND; return true;
	case EVENT_ACCEPT:
	case EVENT_STATE:
	case EVENT_LOST:
	case EVENT_KINDS: break;
	}
	return false;
}
