// SPDX-License-Identifier: GPL-2.0-only
/* A socket that is bound and does not listen, before its first life or after one: it holds its port and is known. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conflict.h"

#define KEEPS (WIRE_O_KEEPS_PORT | WIRE_O_KEEPS_ADDR)

/* Of lives that go on: how many, and the last. */
struct open_lives {
	unsigned int count;
	struct event last;
};

static enum open_answer on_open(void *ctx, const struct event *life)
{
	struct open_lives *o = ctx;

	o->count++;
	o->last = *life;
	return OPEN_TAKEN;
}

static struct open_lives open_lives(struct world *w)
{
	struct table_telling telling = {.again = true};
	struct open_lives o = {0};

	assert_true(table_each_open(w->table, &telling, SIZE_MAX, w->now, on_open, &o));
	return o;
}

/* bind() to `where`, and the change of state to `to`. */
static uint64_t begin(struct world *w, enum where where, uint8_t options, enum tcp_state to)
{
	uint64_t sk = w->sk += 64;
	struct fact f = call(w, WIRE_BIND, sk, 100, 0);

	f.options |= options;
	place(&f, where);
	table_apply(w->table, &f);
	f = call(w, WIRE_OPEN, sk, 100, 0);
	f.options |= options;
	place(&f, where);
	f.from = STATE_CLOSE;
	f.to = to;
	if (to == STATE_SYN_SENT) {
		place(&f, ONE4);
		memcpy(f.peer.addr, "\x7f\0\0\1", 4);
		f.peer.port = 80;
	}
	table_apply(w->table, &f);
	f.kind = WIRE_LISTEN;
	if (to == STATE_LISTEN)
		table_apply(w->table, &f);
	return sk;
}

static void end(struct world *w, uint64_t sk, enum tcp_state from, uint8_t flags, uint16_t error)
{
	struct fact f = call(w, WIRE_CLOSED, sk, 0, 0);

	f.has_task = false;
	f.options = 0;
	f.flags = flags;
	f.error = error;
	f.from = from;
	if (from != STATE_LISTEN) {
		place(&f, ONE4);
		memcpy(f.peer.addr, "\x7f\0\0\1", 4);
		f.peer.port = 80;
	}
	table_apply(w->table, &f);
	table_release(w->table, UINT64_MAX);
}

static void destroy(struct world *w, uint64_t sk)
{
	struct fact f = call(w, WIRE_DESTROY, sk, 0, 0);

	f.has_task = false;
	table_apply(w->table, &f);
}

static void what_is_left_bound_holds_its_port(void **state)
{
	static const struct {
		enum where bound;
		uint8_t options;
		enum tcp_state from;
		uint8_t flags;
		uint16_t error;
		bool holds;
		enum where at; /* where it is left */
	} cases[] = {
		/* shutdown() of a listener, then close() of one */
		{ANY4, WIRE_O_KEEPS_PORT, STATE_LISTEN, 0, 0, true, ANY4},
		{ANY4, WIRE_O_KEEPS_PORT, STATE_LISTEN, WIRE_F_SHUTDOWN, 0, false, ANY4},
		/* bind() to port 0: the kernel takes the port back */
		{ANY4, 0, STATE_LISTEN, 0, 0, false, ANY4},
		/* refused: the address that connect() chose stays; close() before the answer */
		{ANY4, WIRE_O_KEEPS_PORT, STATE_SYN_SENT, 0, ECONNREFUSED, true, ONE4},
		{ONE4, KEEPS, STATE_SYN_SENT, 0, ETIMEDOUT, true, ONE4},
		{ONE4, KEEPS, STATE_SYN_SENT, WIRE_F_SHUTDOWN, 0, false, ONE4},
		/* connect(AF_UNSPEC): only the address that bind() named stays */
		{ANY4, WIRE_O_KEEPS_PORT, STATE_ESTABLISHED, 0, 0, true, ANY4},
		{ONE4, KEEPS, STATE_ESTABLISHED, 0, 0, true, ONE4},
		/* the peer's reset; close() that resets */
		{ONE4, KEEPS, STATE_ESTABLISHED, 0, ECONNRESET, true, ONE4},
		{ONE4, KEEPS, STATE_ESTABLISHED, WIRE_F_SHUTDOWN, 0, false, ONE4},
		/* shutdown() of both directions and no close(); close() */
		{ONE4, KEEPS, STATE_LAST_ACK, WIRE_F_SHUTDOWN, 0, true, ONE4},
		{ONE4, KEEPS, STATE_LAST_ACK, WIRE_F_SHUTDOWN | WIRE_F_ORPHAN, 0, false, ONE4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool listens = cases[i].from == STATE_LISTEN;
		struct open_lives lives;
		void *state_of_case;
		struct world *w;
		uint64_t sk;

		setup(&state_of_case);
		w = state_of_case;
		sk = begin(w, cases[i].bound, cases[i].options,
			   listens ? STATE_LISTEN : STATE_SYN_SENT);
		end(w, sk, cases[i].from, cases[i].flags, cases[i].error);
		lives = open_lives(w);
		assert_int_equal(lives.count, cases[i].holds);
		if (cases[i].holds) {
			ask_port(w, ANY4, 0, 0);
			assert_int_equal(w->trouble.holder_count, 1);
			assert_int_equal(w->holder[0].state, STATE_CLOSE);
			assert_false(w->holder[0].has_peer);
			ask_port(w, TWO4, 0, 0);
			assert_int_equal(w->trouble.holder_count, cases[i].at == ANY4);
			assert_false(lives.last.has_peer);
			assert_int_equal(lives.last.close.state, STATE_CLOSE);
			assert_int_not_equal(lives.last.close.opened_ns, 0);
		}
		destroy(w, sk);
		/* Who was told that it goes on hears of its end. */
		if (cases[i].holds)
			assert_true(w->last.kind == EVENT_CLOSE && w->last.close.told);
		assert_int_equal(open_lives(w).count, 0);
		ask_port(w, ANY4, 0, 0);
		assert_int_equal(w->trouble.holder_count, 0);
		teardown(&state_of_case);
	}
}

/* Most sockets whose connection failed are closed at once: their lives have one end. */
static void an_end_that_nobody_waits_for_is_not_told(void **state)
{
	struct world *w = *state;
	uint64_t sk = begin(w, ONE4, KEEPS, STATE_SYN_SENT);

	end(w, sk, STATE_SYN_SENT, 0, ECONNREFUSED);
	assert_int_equal(w->last.kind, EVENT_CLOSE);
	memset(&w->last, 0, sizeof(w->last));
	destroy(w, sk);
	assert_int_equal(w->last.time_ns, 0);
}

static void what_listens_again_is_one_life(void **state)
{
	struct world *w = *state;
	uint64_t sk = begin(w, ANY4, WIRE_O_KEEPS_PORT, STATE_LISTEN);
	struct fact f;

	end(w, sk, STATE_LISTEN, 0, 0);
	f = call(w, WIRE_OPEN, sk, 100, 0);
	f.options |= WIRE_O_KEEPS_PORT;
	f.from = STATE_CLOSE;
	f.to = STATE_LISTEN;
	table_apply(w->table, &f);
	assert_int_equal(open_lives(w).count, 1);
	end(w, sk, STATE_LISTEN, WIRE_F_SHUTDOWN, 0);
	assert_int_equal(open_lives(w).count, 0);
}

/* Older than the trace. */
static void a_look_finds_what_is_only_bound(void **state)
{
	struct world *w = *state;
	struct fact f = call(w, WIRE_SEED_FILE, 0x9000, 100, 0);
	uint64_t added, removed;

	f.options |= WIRE_O_KEEPS_PORT;
	place(&f, ANY6);
	table_seed_begin(w->table, w->now);
	table_seed(w->table, &f);
	table_seed_end(w->table, false, &added, &removed);
	assert_int_equal(open_lives(w).count, 1);
	assert_int_equal(open_lives(w).last.local.takes, TAKES_BOTH);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	destroy(w, 0x9000);
	assert_int_equal(open_lives(w).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_bound_holds_its_port),
		cmocka_unit_test_setup_teardown(an_end_that_nobody_waits_for_is_not_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_listens_again_is_one_life, setup, teardown),
		cmocka_unit_test_setup_teardown(a_look_finds_what_is_only_bound, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
