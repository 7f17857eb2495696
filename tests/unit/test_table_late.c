// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_table_late.c - looks that repair while facts of their time wait to be read, at random.
 *
 * A small world of sockets with few pointers, so that most have had another socket a moment ago.  Its facts wait in a queue while a
 * look reads it, and some are lost.  Whatever happens, no end is told twice, and whoever was told that a life goes on hears
 * of its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "table.h"

#define POINTERS 12
#define STEPS	 3000
#define LOOKS	 61 /* steps from one to the next */
#define QUEUE	 256
#define PORT	 1000 /* each socket has one of its own, which names it in events */

struct truth {
	bool alive, udp;
	enum tcp_state state;
	uint64_t cookie;
};

struct world {
	struct table *table;
	struct process_set *processes;
	struct truth socket[POINTERS];
	struct fact queue[QUEUE];
	size_t queued;
	bool waits; /* facts do */
	uint64_t seed, now_ns, cookies, lost;
	unsigned int loss_percent;
	uint8_t ends[UINT16_MAX + 1];
	bool told[UINT16_MAX + 1], dead[UINT16_MAX + 1], heard[UINT16_MAX + 1];
};

static unsigned int pick(struct world *w, unsigned int n)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (unsigned int)((w->seed >> 11) % n);
}

static void on_event(void *ctx, const struct event *e)
{
	struct world *w = ctx;

	if (e->kind != EVENT_CLOSE)
		return;
	assert_int_equal(w->ends[e->local.port], 0);
	w->ends[e->local.port]++;
	w->heard[e->local.port] |= e->close.told;
}

static enum open_answer on_open(void *ctx, const struct event *life)
{
	struct world *w = ctx;

	assert_int_equal(w->ends[life->local.port], 0);
	if (pick(w, 8) == 0)
		return OPEN_LATER;
	w->told[life->local.port] = true;
	return OPEN_TAKEN;
}

/* ---- facts ---- */

static void read_queue(struct world *w)
{
	for (size_t i = 0; i < w->queued; i++)
		table_apply(w->table, &w->queue[i]);
	w->queued = 0;
}

static struct fact fact_of(const struct world *w, size_t i, enum wire_kind kind)
{
	const struct truth *s = &w->socket[i];

	return (struct fact){
		.kind = kind,
		.netns = 1,
		.time_ns = w->now_ns,
		.sk = 0xffff888000000000ull + i * 0x940u,
		.cookie = s->cookie,
		.family = FAMILY_IPV4,
		.to = s->state,
		.protocol = s->udp ? IPPROTO_UDP : IPPROTO_TCP,
		.local = {.addr = {10, 0, 0, 1}, .port = (uint16_t)(PORT + s->cookie)},
		.peer = {.addr = {10, 0, 0, 2},
			 .port = s->state == STATE_LISTEN || s->udp ? 0 : 80},
	};
}

static void send_fact(struct world *w, const struct fact *f)
{
	w->now_ns += 1 + pick(w, 1000);
	if (pick(w, 100) < w->loss_percent) {
		w->lost++;
		return;
	}
	assert_true(w->queued < QUEUE);
	w->queue[w->queued++] = *f;
	if (!w->waits)
		read_queue(w);
}

static void call(struct world *w, size_t i, enum wire_kind kind)
{
	struct fact f = fact_of(w, i, kind);

	f.has_task = true;
	f.task.pid = f.task.tid = 100 + pick(w, 5);
	send_fact(w, &f);
}

static void change(struct world *w, size_t i, enum tcp_state from, enum tcp_state to)
{
	struct fact f;

	w->socket[i].state = to;
	f = fact_of(w, i,
		    to == STATE_CLOSE	  ? WIRE_CLOSED
		    : from == STATE_CLOSE ? WIRE_OPEN
					  : WIRE_STATE);
	f.from = from;
	/* A child has no cookie at its birth. */
	if (from == STATE_LISTEN && to != STATE_CLOSE)
		f.cookie = 0;
	f.flags = to == STATE_CLOSE ? WIRE_F_SHUTDOWN : 0;
	send_fact(w, &f);
}

/* ---- the world ---- */

/* The second change follows at once, and tells the cookie: who misses it cannot tell this child from the next. */
static void be_born(struct world *w, size_t i)
{
	const unsigned int loss_percent = w->loss_percent;

	w->loss_percent = pick(w, 100) < loss_percent ? 100 : 0;
	change(w, i, STATE_LISTEN, STATE_SYN_RECV);
	change(w, i, STATE_SYN_RECV, STATE_ESTABLISHED);
	w->loss_percent = loss_percent;
}

static void create(struct world *w, size_t i)
{
	w->socket[i] = (struct truth){
		.alive = true, .state = STATE_CLOSE, .cookie = ++w->cookies};
	switch (pick(w, 4)) {
	case 2:
		w->socket[i].udp = true;
		call(w, i, WIRE_BIND);
		break;
	case 0:
		change(w, i, STATE_CLOSE, STATE_SYN_SENT);
		call(w, i, WIRE_CONNECT);
		break;
	case 1: be_born(w, i); break;
	default:
		call(w, i, WIRE_BIND);
		change(w, i, STATE_CLOSE, STATE_LISTEN);
		call(w, i, WIRE_LISTEN);
		break;
	}
}

static void end(struct world *w, size_t i)
{
	struct truth *s = &w->socket[i];
	struct fact f;

	if (!s->udp)
		change(w, i, s->state, STATE_CLOSE);
	f = fact_of(w, i, WIRE_DESTROY);
	send_fact(w, &f);
	s->alive = false;
	w->dead[PORT + s->cookie] = true;
}

static void step(struct world *w)
{
	size_t i = pick(w, POINTERS);
	const struct truth *s = &w->socket[i];

	if (!s->alive)
		create(w, i);
	else if (s->state == STATE_SYN_SENT)
		change(w, i, s->state, STATE_ESTABLISHED);
	else if (s->state == STATE_ESTABLISHED && pick(w, 3) == 0)
		call(w, i, WIRE_ACCEPT);
	else
		end(w, i);
}

/* ---- looks ---- */

/* Its time is when the read began, and facts may be younger. */
static void find(struct world *w, size_t i, enum wire_kind kind, uint64_t read_ns)
{
	struct fact f = fact_of(w, i, kind);

	/* Without a descriptor a UDP socket is the kernel's own. */
	if (!w->socket[i].alive || (w->socket[i].udp && kind == WIRE_SEED_SOCKET))
		return;
	f.time_ns = read_ns;
	f.has_task = kind == WIRE_SEED_FILE;
	f.task.pid = 100 + pick(w, 5);
	table_seed(w->table, &f);
}

static void check(const struct world *w)
{
	struct table_stats stats;
	size_t alive = 0;

	for (size_t i = 0; i < POINTERS; i++)
		alive += w->socket[i].alive;
	table_get_stats(w->table, &stats);
	assert_int_equal(stats.sockets, alive);
}

static void tell_open(struct world *w)
{
	table_each_open(w->table, &(struct table_telling){0}, SIZE_MAX, w->now_ns, on_open, w);
}

/* Twice over all, as descriptors and tables are; the world goes on meanwhile. */
static void look(struct world *w)
{
	uint64_t read_ns = w->now_ns;

	w->waits = true;
	for (unsigned int n = pick(w, 4); n; n--)
		step(w);
	table_seed_begin(w->table, ++w->now_ns);
	for (unsigned int n = 0; n < 2 * POINTERS; n++) {
		if (pick(w, 3) == 0)
			step(w);
		if (pick(w, 3) == 0)
			read_ns = w->now_ns;
		find(w, n % POINTERS, n < POINTERS ? WIRE_SEED_FILE : WIRE_SEED_SOCKET, read_ns);
	}
}

/* The first one, whose facts are read when it has ended. */
static void begin(struct world *w)
{
	const unsigned int loss_percent = w->loss_percent;
	uint64_t added, removed;

	w->loss_percent = 100; /* before the hooks are attached */
	for (unsigned int n = 0; n < 3 * POINTERS; n++)
		step(w);
	memset(w->dead, 0, sizeof(w->dead));
	w->loss_percent = loss_percent;
	look(w);
	table_seed_end(w->table, false, &added, &removed);
	if (pick(w, 4))
		tell_open(w);
	w->waits = false;
	read_queue(w);
	w->now_ns += 1000000000;
}

static void repair(struct world *w)
{
	const uint64_t lost = w->lost;
	uint64_t added, removed;

	look(w);
	w->waits = false;
	read_queue(w);
	table_seed_end(w->table, true, &added, &removed);
	/* What is lost during a look is left to the next. */
	if (w->lost == lost)
		check(w);
}

static void run(uint64_t seed, unsigned int loss_percent)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.seed = seed;
	w.now_ns = 1000000000;
	w.loss_percent = loss_percent;
	w.processes = process_set_new(1000, NULL, NULL);
	w.table = table_new(1000, w.processes, on_event, &w);
	begin(&w);
	for (unsigned int n = 1; n <= STEPS; n++) {
		step(&w);
		if (n % LOOKS == 0) {
			/* In half of them nothing more is lost. */
			w.loss_percent = pick(&w, 2) ? loss_percent : 0;
			repair(&w);
			w.loss_percent = loss_percent;
			table_release(w.table, w.now_ns);
		}
		if (pick(&w, 20) == 0)
			tell_open(&w);
	}
	w.loss_percent = 0;
	repair(&w);
	table_release(w.table, UINT64_MAX);
	for (uint64_t n = 1; n <= w.cookies; n++) {
		const uint16_t port = (uint16_t)(PORT + n);

		assert_true(w.dead[port] || !w.ends[port]);
		if (w.dead[port] && (w.told[port] || !loss_percent))
			assert_int_equal(w.ends[port], 1);
		assert_true(w.heard[port] || !w.told[port] || !w.dead[port]);
	}
	table_free(w.table);
	assert_int_equal(process_set_count(w.processes), 0);
	process_set_free(w.processes);
}

static void nothing_is_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++)
		run(seed * 0x9e3779b97f4a7c15ull, 0);
}

static void some_are_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++)
		run(seed * 0xc2b2ae3d27d4eb4full, (unsigned int)seed % 30 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(some_are_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
