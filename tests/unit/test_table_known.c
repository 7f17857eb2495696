// SPDX-License-Identifier: GPL-2.0-only
/* What a table tells listings: lives that go on and TIME_WAITs, in steps, each wanted one once. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table.h"

#define SOCKETS 3000

struct world {
	struct process_set *processes;
	struct table *table;
	unsigned int going_on[SOCKETS + 1], ended[SOCKETS + 1]; /* by cookie */
	size_t room;	      /* for lives told open */
	size_t told, not_told; /* ends */
};

static void on_event(void *ctx, const struct event *e)
{
	struct world *w = ctx;

	if (e->kind != EVENT_CLOSE)
		return;
	w->told += e->close.told;
	w->not_told += !e->close.told;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->processes = process_set_new(1000, NULL, NULL);
	w->table = table_new(10000, w->processes, on_event, w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	table_free(w->table);
	process_set_free(w->processes);
	free(w);
	return 0;
}

static struct fact fact_of(enum wire_kind kind, uint64_t cookie, uint64_t time_ns)
{
	return (struct fact){
		.kind = kind,
		.netns = 7,
		.time_ns = time_ns,
		.sk = cookie * 64,
		.cookie = cookie,
		.family = FAMILY_IPV4,
		.protocol = IPPROTO_TCP,
		.local = {.addr = {127, 0, 0, 1}, .port = (uint16_t)(1000 + cookie)},
		.peer = {.addr = {127, 0, 0, 2}, .port = 80},
	};
}

/* connect(), and where wanted close() into TIME_WAIT. */
static void live(struct world *w, uint64_t cookie, bool ends)
{
	struct fact f = fact_of(WIRE_OPEN, cookie, cookie * 10);

	f.from = STATE_CLOSE;
	f.to = STATE_SYN_SENT;
	f.has_task = true;
	f.task = (struct process){.pid = 100 + (uint32_t)cookie % 7, .tid = 1, .name = "client"};
	table_apply(w->table, &f);
	f = fact_of(WIRE_STATE, cookie, cookie * 10 + 1);
	f.from = STATE_SYN_SENT;
	f.to = STATE_ESTABLISHED;
	table_apply(w->table, &f);
	if (!ends)
		return;
	f.from = STATE_ESTABLISHED;
	f.to = STATE_FIN_WAIT1;
	f.time_ns++;
	table_apply(w->table, &f);
	f.from = STATE_FIN_WAIT1;
	f.to = STATE_FIN_WAIT2;
	f.time_ns++;
	table_apply(w->table, &f);
	f = fact_of(WIRE_CLOSED, cookie, cookie * 10 + 4);
	f.from = STATE_FIN_WAIT2;
	f.to = STATE_CLOSE;
	f.flags = WIRE_F_FIN_RECEIVED | WIRE_F_ORPHAN | WIRE_F_SHUTDOWN;
	table_apply(w->table, &f);
	f = fact_of(WIRE_DESTROY, cookie, cookie * 10 + 5);
	f.to = STATE_CLOSE;
	table_apply(w->table, &f);
}

/* Every second one is asked for. */
static bool is_wanted(void *ctx, uint64_t cookie)
{
	(void)ctx;
	return cookie % 2;
}

static void on_life(void *ctx, const struct event *e)
{
	struct world *w = ctx;

	assert_int_equal(e->kind, EVENT_CLOSE);
	assert_in_range(e->cookie, 1, SOCKETS);
	assert_int_equal(e->netns, 7);
	assert_int_equal(e->local.port, 1000 + e->cookie);
	assert_int_equal(e->peer.port, 80);
	assert_non_null(e->process);
	assert_int_equal(e->process->pid, 100 + e->cookie % 7);
	if (e->close.end == EVENT_END_SEEN) {
		assert_true(e->close.time_wait);
		assert_int_equal(e->time_ns, e->cookie * 10 + 4);
		w->ended[e->cookie]++;
	} else {
		assert_int_equal(e->close.end, EVENT_END_OPEN);
		assert_int_equal(e->close.opened_ns, e->cookie * 10);
		assert_int_equal(e->close.state, STATE_ESTABLISHED);
		w->going_on[e->cookie]++;
	}
}

static void walk(struct world *w, size_t step)
{
	struct table_steps steps = {0};

	memset(w->going_on, 0, sizeof(w->going_on));
	memset(w->ended, 0, sizeof(w->ended));
	while (table_each_known(w->table, &steps, step, is_wanted, on_life, w))
		;
	for (uint64_t i = 1; i <= SOCKETS; i++) {
		assert_int_equal(w->going_on[i], i % 2 && i % 3);
		assert_int_equal(w->ended[i], i % 2 && i % 3 == 0);
	}
}

static void test_each_wanted_one_once(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 1; i <= SOCKETS; i++)
		live(w, i, i % 3 == 0);
	walk(w, 1);
	walk(w, 7);
	walk(w, 1000000);
}

static void test_what_comes_between_steps_harms_nothing(void **state)
{
	struct world *w = *state;
	struct table_steps steps = {0};
	uint64_t next = 1;

	while (next <= SOCKETS || table_each_known(w->table, &steps, 100, is_wanted, on_life, w)) {
		if (next <= SOCKETS) {
			live(w, next, next % 3 == 0);
			next++;
			table_each_known(w->table, &steps, 3, is_wanted, on_life, w);
		}
	}
	for (uint64_t i = 1; i <= SOCKETS; i++)
		assert_true(w->going_on[i] <= 1 && w->ended[i] <= 1);
	walk(w, 64);
}

static void test_an_empty_table(void **state)
{
	struct world *w = *state;
	struct table_steps steps = {0};

	assert_false(table_each_known(w->table, &steps, 10, is_wanted, on_life, w));
}

static enum open_answer on_open(void *ctx, const struct event *e)
{
	struct world *w = ctx;

	assert_int_equal(e->close.end, EVENT_END_OPEN);
	if (e->cookie == SOCKETS)
		return OPEN_UNWANTED;
	if (w->room == 0)
		return OPEN_LATER;
	w->room--;
	w->going_on[e->cookie]++;
	return OPEN_TAKEN;
}

/* As a store does whose memory fills: each life comes once, whatever came between. */
static void test_what_has_no_room_comes_later(void **state)
{
	struct world *w = *state;
	struct table_telling telling = {0};
	unsigned int rounds = 0;

	for (uint64_t i = 1; i <= SOCKETS; i++)
		live(w, i, false);
	while (!table_each_open(w->table, &telling, 700, 1000000, on_open, w)) {
		w->room = 100;
		assert_true(rounds++ < SOCKETS / 100 + SOCKETS / 700 + 20);
	}
	for (uint64_t i = 1; i < SOCKETS; i++)
		assert_int_equal(w->going_on[i], 1);
	telling = (struct table_telling){0};
	w->room = 0;
	assert_true(table_each_open(w->table, &telling, SIZE_MAX, 1000000, on_open, w));
	telling = (struct table_telling){.again = true};
	w->room = SOCKETS;
	assert_true(table_each_open(w->table, &telling, SIZE_MAX, 1000000, on_open, w));
	assert_int_equal(w->room, 1);
}

/* However soon it comes, and whatever the socket did in between. */
static void test_an_end_says_that_its_life_was_told(void **state)
{
	struct world *w = *state;
	struct table_telling telling = {0};
	struct fact f = fact_of(WIRE_BIND, 1, 10);

	w->room = SOCKETS;
	f.peer = (struct endpoint){0};
	f.has_task = true;
	f.task = (struct process){.pid = 100, .tid = 1, .name = "client"};
	table_apply(w->table, &f);
	live(w, 2, false);
	assert_true(table_each_open(w->table, &telling, SIZE_MAX, 30, on_open, w));
	assert_int_equal(w->going_on[1] + w->going_on[2], 2);
	live(w, 1, true); /* bound when it was told */
	f = fact_of(WIRE_DESTROY, 2, 31);
	table_apply(w->table, &f);
	live(w, 3, true);
	assert_int_equal(w->told, 2);
	assert_int_equal(w->not_told, 1);
}

/* By the time of what happened: what is still to be read may have ended it. */
static void test_a_life_is_told_at_its_age(void **state)
{
	struct world *w = *state;
	struct table_telling telling = {.min_age_ns = 1000};

	w->room = SOCKETS;
	live(w, 5, false);
	assert_true(table_each_open(w->table, &telling, SIZE_MAX, 1049, on_open, w));
	assert_int_equal(w->going_on[5], 0);
	telling.slot = 0;
	assert_true(table_each_open(w->table, &telling, SIZE_MAX, 1050, on_open, w));
	assert_int_equal(w->going_on[5], 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_each_wanted_one_once),
		TEST(test_what_comes_between_steps_harms_nothing),
		TEST(test_an_empty_table),
		TEST(test_what_has_no_room_comes_later),
		TEST(test_an_end_says_that_its_life_was_told),
		TEST(test_a_life_is_told_at_its_age),
	};

	return cmocka_run_group_tests_name("table_each_known", tests, NULL, NULL);
}
