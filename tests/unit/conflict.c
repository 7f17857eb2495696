// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conflict.h"

static void on_event(void *ctx, const struct event *e)
{
	struct world *w = ctx;

	w->last = *e;
	w->has_trouble |= e->trouble != NULL;
	if (!e->trouble)
		return;
	w->trouble = *e->trouble;
	for (size_t i = 0; i < e->trouble->holder_count; i++) {
		w->holder[i] = e->trouble->holders[i];
		if (w->holder[i].process)
			w->owner[i] = *w->holder[i].process;
		if (w->holder[i].bound_by)
			w->binder[i] = *w->holder[i].bound_by;
	}
}

int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->processes = process_set_new(1000, NULL, NULL);
	w->table = table_new(10000, w->processes, on_event, w);
	w->now = 1000 * SECOND;
	w->sk = 0x1000;
	*state = w;
	return 0;
}

int teardown(void **state)
{
	struct world *w = *state;

	table_free(w->table);
	assert_int_equal(process_set_count(w->processes), 0);
	process_set_free(w->processes);
	free(w);
	return 0;
}

void place(struct fact *f, enum where where)
{
	f->family = where < ANY6 ? FAMILY_IPV4 : FAMILY_IPV6;
	switch (where) {
	case ANY4:
	case ANY6: break;
	case ONE4: memcpy(f->local.addr, "\x7f\0\0\1", 4); break;
	case TWO4: memcpy(f->local.addr, "\x7f\0\0\2", 4); break;
	case ANY6ONLY: f->options |= WIRE_O_V6ONLY; break;
	case ONE6: f->local.addr[15] = 1; break;
	case MAPPED1: memcpy(f->local.addr + 10, "\xff\xff\x7f\0\0\1", 6); break;
	}
}

struct fact call(struct world *w, enum wire_kind kind, uint64_t sk, uint32_t pid, uint32_t uid)
{
	w->now += 1000;
	return (struct fact){
		.kind = kind,
		.netns = NETNS,
		.time_ns = w->now,
		.sk = sk,
		.cookie = sk,
		.family = FAMILY_IPV4,
		.to = STATE_CLOSE,
		.protocol = IPPROTO_TCP,
		.local.port = PORT,
		.options = WIRE_O_KNOWN,
		.has_task = true,
		.socket_uid = uid,
		.task = {.pid = pid, .tid = pid, .uid = uid, .name = "holder"},
	};
}

/* bind(), and listen() where wanted; returns the socket. */
uint64_t hold(struct world *w, enum where where, uint8_t options, uint32_t uid, bool listening)
{
	uint64_t sk = w->sk += 64;
	struct fact f = call(w, WIRE_BIND, sk, 100, uid);

	f.options |= options | WIRE_O_KEEPS_PORT;
	place(&f, where);
	table_apply(w->table, &f);
	if (!listening)
		return sk;
	f.kind = WIRE_OPEN;
	f.from = STATE_CLOSE;
	f.to = STATE_LISTEN;
	table_apply(w->table, &f);
	f.kind = WIRE_LISTEN;
	table_apply(w->table, &f);
	return sk;
}

void fail_call(struct world *w, const struct fact *f)
{
	w->last = (struct event){0};
	w->has_trouble = false;
	table_apply(w->table, f);
	if (w->answer)
		w->answer(w);
}

void ask_port(struct world *w, enum where where, uint8_t options, uint32_t uid)
{
	struct fact f = call(w, WIRE_BIND, w->sk += 64, 200, uid);

	f.options |= options;
	f.result = -EADDRINUSE;
	place(&f, where);
	fail_call(w, &f);
	assert_int_equal(w->last.kind, EVENT_BIND);
	assert_true(w->has_trouble && w->trouble.has_holders);
}

void open_connection(struct world *w, uint64_t sk, uint16_t peer_port)
{
	struct fact f = call(w, WIRE_OPEN, sk, 100, 0);

	place(&f, ONE4);
	memcpy(f.peer.addr, "\x7f\0\0\1", 4);
	f.peer.port = peer_port;
	f.from = STATE_CLOSE;
	f.to = STATE_SYN_SENT;
	f.local.port = 0;
	table_apply(w->table, &f);
	f.local.port = PORT;
	f.kind = WIRE_CONNECT;
	table_apply(w->table, &f);
	f.kind = WIRE_STATE;
	f.has_task = false;
	f.from = STATE_SYN_SENT;
	f.to = STATE_ESTABLISHED;
	table_apply(w->table, &f);
}

/* ESTABLISHED to TIME_WAIT, and the socket itself is gone. */
void close_connection(struct world *w, uint64_t sk, uint16_t peer_port)
{
	static const enum tcp_state path[] = {STATE_ESTABLISHED, STATE_FIN_WAIT1, STATE_FIN_WAIT2,
					      STATE_CLOSE};
	struct fact f = call(w, WIRE_STATE, sk, 0, 0);

	f.has_task = false;
	f.options = 0;
	place(&f, ONE4);
	memcpy(f.peer.addr, "\x7f\0\0\1", 4);
	f.peer.port = peer_port;
	for (int i = 0; i < 3; i++) {
		f.from = path[i];
		f.to = path[i + 1];
		f.kind = f.to == STATE_CLOSE ? WIRE_CLOSED : WIRE_STATE;
		f.flags = f.to == STATE_CLOSE ? WIRE_F_FIN_RECEIVED | WIRE_F_SHUTDOWN : 0;
		table_apply(w->table, &f);
	}
	f.kind = WIRE_DESTROY;
	table_apply(w->table, &f);
}
