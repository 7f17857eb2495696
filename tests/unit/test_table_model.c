// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_table_model.c - the socket table against a small world of sockets, step by step at random.
 *
 * The world knows what is true; some of its facts are lost on the way.  A plain array with the simplest rules
 * says what records the table must hold after the facts that arrived, and a repair must bring the
 * table back to the world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/model/table_private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SOCKETS	     150
#define STEPS	     20000
#define SK_STEP	     0x940u
#define LOOK_EVERY   977
#define REST_EVERY   331

struct truth {
	bool alive, passive, lived; /* lived: a life goes on that a close must end */
	uint64_t cookie;
	enum tcp_state state;
	uint16_t port;
};

struct known {
	bool kept;
	uint64_t cookie;
};

struct world {
	struct table *table;
	struct process_set *processes;
	struct truth socket[SOCKETS];
	struct known known[SOCKETS]; /* the naive model of the table */
	uint64_t seed, now_ns, cookies;
	unsigned int loss_percent;
	size_t begun, closed, connects;
};

static uint64_t next(struct world *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed;
}

static unsigned int pick(struct world *w, unsigned int n)
{
	return (unsigned int)((next(w) >> 11) % n);
}

static void check_close(const struct event *e)
{
	const struct event_close *c = &e->close;
	uint64_t sum = 0;

	assert_in_range(c->span_count, 0, SPANS);
	for (unsigned int i = 0; i < c->span_count; i++)
		sum += c->spans[i].ns;
	if (c->duration_ns == UINT64_MAX)
		return;
	assert_true(c->opened_ns != 0);
	assert_true(c->duration_ns <= e->time_ns);
	assert_true(sum <= c->duration_ns);
}

static void on_event(void *ctx, const struct event *e)
{
	struct world *w = ctx;

	assert_true(e->time_ns <= w->now_ns);
	if (e->kind == EVENT_STATE && e->state.after_known)
		assert_true(e->state.after_ns <= e->time_ns);
	if (e->kind == EVENT_CONNECT && !e->error)
		w->connects++;
	if (e->kind == EVENT_CLOSE) {
		check_close(e);
		w->closed++;
	}
}

static uint64_t address(size_t i)
{
	return 0xffff888000000000ull + i * SK_STEP;
}

static struct fact fact_of(const struct world *w, size_t i, enum wire_kind kind)
{
	const struct truth *s = &w->socket[i];
	/* No two connections have the same ends. */
	const uint16_t peer = (uint16_t)(1 + s->cookie % UINT16_MAX);
	struct fact f = {
		.kind = kind,
		.netns = 1,
		.time_ns = w->now_ns,
		.sk = address(i),
		.cookie = s->cookie,
		.family = FAMILY_IPV4,
		.to = s->state,
		.protocol = IPPROTO_TCP,
		.local = {.addr = {10, 0, 0, 1}, .port = s->port},
		.peer = {.addr = {10, 0, 0, 2}, .port = s->state == STATE_LISTEN ? 0 : peer},
	};

	return f;
}

/* ---- the naive model: which records are there ---- */

static void model(struct world *w, size_t i, const struct fact *f)
{
	struct known *k = &w->known[i];

	if (f->kind == WIRE_DESTROY) {
		if (f->cookie == k->cookie || k->cookie == 0)
			k->kept = false;
	} else if (f->kind != WIRE_RESET_SENT && f->kind != WIRE_RESET_RECEIVED && f->result == 0) {
		if (f->from == STATE_LISTEN && f->kind == WIRE_STATE)
			k->cookie = 0; /* a birth is a new socket, whatever was there */
		if (!k->kept)
			k->cookie = 0;
		if (f->cookie)
			k->cookie = f->cookie;
		k->kept = true;
	}
}

static void send_fact(struct world *w, size_t i, const struct fact *f)
{
	if (pick(w, 100) < w->loss_percent)
		return;
	model(w, i, f);
	table_apply(w->table, f);
}

static void call(struct world *w, size_t i, enum wire_kind kind, int result)
{
	struct fact f = fact_of(w, i, kind);

	f.has_task = pick(w, 20) != 0;
	f.task.pid = f.task.tid = 100 + pick(w, 30);
	f.result = result;
	f.flags = result ? WIRE_F_OPENED : 0;
	send_fact(w, i, &f);
}

static void change(struct world *w, size_t i, enum tcp_state to)
{
	struct truth *s = &w->socket[i];
	enum tcp_state from = s->state;
	struct fact f;

	s->state = to;
	f = fact_of(w, i,
		    to == STATE_CLOSE	  ? WIRE_CLOSED
		    : from == STATE_CLOSE ? WIRE_OPEN
					  : WIRE_STATE);
	f.from = from;
	if (f.kind == WIRE_OPEN) {
		f.has_task = true;
		f.task.pid = f.task.tid = 100 + pick(w, 30);
	}
	if (f.kind == WIRE_CLOSED) {
		static const uint16_t errors[] = {0, 0, 0, 104, 110, 111};

		f.error = errors[pick(w, COUNT(errors))];
		f.flags = (uint8_t)(next(w) & 0xf) | (from == STATE_LISTEN ? WIRE_F_SHUTDOWN : 0);
		f.counted = true;
	}
	if (from == STATE_LISTEN && to != STATE_CLOSE)
		f.cookie = 0;
	send_fact(w, i, &f);
}

/* ---- the world ---- */

static void create(struct world *w, size_t i)
{
	struct truth *s = &w->socket[i];

	*s = (struct truth){.alive = true, .cookie = ++w->cookies, .state = STATE_CLOSE};
	w->begun += s->lived = true;
	switch (pick(w, 4)) {
	case 0:
		change(w, i, STATE_SYN_SENT);
		s->port = (uint16_t)(40000 + pick(w, 20000));
		call(w, i, WIRE_CONNECT, 0);
		break;
	case 1:
		s->port = (uint16_t)(80 + pick(w, 5));
		s->state = STATE_LISTEN;
		s->passive = true;
		change(w, i, STATE_SYN_RECV);
		break;
	case 2:
		s->port = (uint16_t)(80 + pick(w, 5));
		call(w, i, WIRE_BIND, 0);
		break;
	default:
		s->port = (uint16_t)(80 + pick(w, 5));
		change(w, i, STATE_LISTEN);
		call(w, i, WIRE_LISTEN, 0);
		break;
	}
}

static void end(struct world *w, size_t i)
{
	struct fact f;

	if (w->socket[i].state != STATE_CLOSE)
		change(w, i, STATE_CLOSE);
	f = fact_of(w, i, WIRE_DESTROY);
	send_fact(w, i, &f);
	if (pick(w, 8) == 0) {
		f.kind = WIRE_RESET_SENT;
		send_fact(w, i, &f);
	}
	w->socket[i].alive = false;
}

static void step(struct world *w)
{
	size_t i = pick(w, SOCKETS);
	struct truth *s = &w->socket[i];

	w->now_ns += pick(w, 100000);
	if (!s->alive) {
		create(w, i);
	} else if (pick(w, 6) == 0) {
		end(w, i);
	} else if (s->state == STATE_SYN_SENT || s->state == STATE_SYN_RECV) {
		change(w, i, STATE_ESTABLISHED);
	} else if (s->state == STATE_ESTABLISHED && s->passive && pick(w, 2)) {
		call(w, i, WIRE_ACCEPT, 0);
	} else if (s->state == STATE_ESTABLISHED) {
		change(w, i, pick(w, 2) ? STATE_FIN_WAIT1 : STATE_CLOSE_WAIT);
	} else if (s->state == STATE_FIN_WAIT1) {
		change(w, i, STATE_FIN_WAIT2);
	} else if (s->state == STATE_LISTEN) {
		call(w, i, WIRE_LISTEN, 0);
	} else if (s->state == STATE_CLOSE && pick(w, 2)) {
		call(w, i, WIRE_CONNECT, -99);
	}
}

static void check(const struct world *w)
{
	struct table_stats stats;
	size_t kept = 0;

	for (size_t i = 0; i < SOCKETS; i++) {
		const struct socket *s = table_find(w->table, address(i));

		assert_int_equal(s != NULL, w->known[i].kept);
		kept += w->known[i].kept;
		if (s && w->known[i].cookie)
			assert_int_equal(s->cookie, w->known[i].cookie);
	}
	table_get_stats(w->table, &stats);
	assert_int_equal(stats.sockets, kept);
	assert_int_equal(stats.full, 0);
}

/* After a look that repairs, the table holds what the world holds, and nothing else. */
static void repair(struct world *w)
{
	uint64_t added, removed;

	table_seed_begin(w->table, ++w->now_ns);
	w->now_ns++;
	for (size_t i = 0; i < SOCKETS; i++) {
		struct fact f = fact_of(w, i, pick(w, 2) ? WIRE_SEED_FILE : WIRE_SEED_SOCKET);
		struct known *k = &w->known[i];

		f.has_task = f.kind == WIRE_SEED_FILE;
		f.task.pid = 100 + pick(w, 5);
		f.arg = 100 + pick(w, 5);
		if (w->socket[i].alive)
			table_seed(w->table, &f);
		*k = (struct known){w->socket[i].alive, w->socket[i].cookie};
	}
	table_seed_end(w->table, true, &added, &removed);
	check(w);
	for (size_t i = 0; i < SOCKETS; i++) {
		const struct socket *s = table_find(w->table, address(i));

		if (s)
			assert_int_equal(s->state, w->socket[i].state);
	}
}

static void run(uint64_t seed, unsigned int loss_percent)
{
	struct world w = {.seed = seed, .now_ns = 1000000000, .loss_percent = loss_percent};

	w.processes = process_set_new(1000, NULL, NULL);
	w.table = table_new(1000, w.processes, on_event, &w);
	for (unsigned int n = 1; n <= STEPS; n++) {
		step(&w);
		check(&w);
		if (loss_percent && n % LOOK_EVERY == 0)
			repair(&w);
		if (n % REST_EVERY == 0)
			table_rest(w.table, w.now_ns);
	}
	if (!loss_percent) {
		for (size_t i = 0; i < SOCKETS; i++) {
			if (w.socket[i].alive)
				end(&w, i);
		}
		table_release(w.table, UINT64_MAX);
		assert_int_equal(w.closed, w.begun); /* each life has one end */
		assert_true(w.connects > 0);
	}
	table_free(w.table);
	assert_int_equal(process_set_count(w.processes), 0);
	process_set_free(w.processes);
}

static void test_without_loss(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		run(seed * 0x9e3779b97f4a7c15ull, 0);
}

static void test_with_loss(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		run(seed * 0xc2b2ae3d27d4eb4full, 5 * (unsigned int)seed * (unsigned int)seed);
}

/* ---- storage ---- */

static void ignore_event(void *ctx, const struct event *e)
{
	(void)ctx;
	(void)e;
}

/* Addresses that all fall on the last places of the index, so that runs go around its end. */
static size_t crowd(uint64_t *sk, size_t count)
{
	size_t n = 0;

	for (uint64_t a = 64; n < count; a += 64) {
		if (hash_u64(a) >> 24 >= 252)
			sk[n++] = a;
	}
	return n;
}

static void test_colliding(void **state)
{
	struct process_set *processes = process_set_new(10, NULL, NULL);
	struct table *t = table_new(1000, processes, ignore_event, NULL);
	struct world random = {.seed = 42};
	uint64_t sk[64];
	bool kept[64] = {0};

	(void)state;
	crowd(sk, COUNT(sk));
	for (unsigned int n = 0; n < 20000; n++) {
		size_t i = pick(&random, COUNT(sk));
		struct socket *s = table_find(t, sk[i]);

		assert_int_equal(s != NULL, kept[i]);
		if (s)
			table_remove(t, s);
		else
			assert_int_equal(table_insert(t, sk[i])->sk, sk[i]);
		kept[i] = !kept[i];
		for (size_t j = 0; j < COUNT(sk); j++) {
			s = table_find(t, sk[j]);
			assert_int_equal(s ? s->sk : 0, kept[j] ? sk[j] : 0);
		}
	}
	table_free(t);
	process_set_free(processes);
}

static void test_growth(void **state)
{
	enum { MANY = 5 * CHUNK + 7 };
	struct process_set *processes = process_set_new(10, NULL, NULL);
	struct table *t = table_new(MANY, processes, ignore_event, NULL);
	struct socket *first = table_insert(t, address(0));
	struct table_stats stats;

	(void)state;
	for (size_t i = 1; i < MANY; i++)
		table_insert(t, address(i));
	assert_ptr_equal(table_find(t, address(0)), first);
	assert_ptr_equal(table_insert(t, address(MANY)), &t->spare);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(table_find(t, address(i))->sk, address(i));
		if (i % 3)
			table_remove(t, table_find(t, address(i)));
	}
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(table_find(t, address(i)) != NULL, i % 3 == 0);
	table_get_stats(t, &stats);
	assert_int_equal(stats.sockets, (MANY + 2) / 3);
	assert_int_equal(stats.full, 1);
	assert_int_equal(table_slots(t), 6 * CHUNK);
	table_free(t);
	process_set_free(processes);
}

static void test_many_held(void **state)
{
	struct world w = {.now_ns = 1000000000};

	(void)state;
	w.processes = process_set_new(10, NULL, NULL);
	w.table = table_new(4 * HELD_MAX, w.processes, on_event, &w);
	for (unsigned int i = 0; i < 2 * HELD_MAX; i++) {
		struct fact f = {
			.kind = WIRE_CLOSED,
			.time_ns = ++w.now_ns,
			.sk = address(i),
			.cookie = i + 1,
			.family = FAMILY_IPV4,
			.from = STATE_FIN_WAIT2,
			.to = STATE_CLOSE,
			.flags = WIRE_F_ORPHAN,
			.protocol = IPPROTO_TCP,
		};

		table_apply(w.table, &f);
	}
	assert_int_equal(w.closed, HELD_MAX);
	assert_true(table_release(w.table, w.now_ns));
	assert_false(table_release(w.table, UINT64_MAX));
	assert_int_equal(w.closed, 2 * HELD_MAX);
	table_free(w.table);
	process_set_free(w.processes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_loss), cmocka_unit_test(test_with_loss),
		cmocka_unit_test(test_colliding),    cmocka_unit_test(test_growth),
		cmocka_unit_test(test_many_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
