// SPDX-License-Identifier: GPL-2.0-only
/* test_table_unseen.c - a repair whose look could not look everywhere: what was not found goes only where it was looked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "budget.h"
#include "look.h"
#include "table.h"

#define HERE	  10
#define ELSEWHERE 11
#define LOOK_NS	  1000

struct world {
	struct table *table;
	struct process_set *processes;
	bool ended[UINT16_MAX + 1];
};

static void on_event(void *ctx, const struct event *e)
{
	struct world *w = ctx;

	if (e->kind == EVENT_CLOSE)
		w->ended[e->local.port] = true;
}

/* A socket that was there before, with a port of its own. */
static void add(struct world *w, uint32_t netns, uint16_t port, uint16_t protocol,
		enum tcp_state state)
{
	const struct fact f = {
		.kind = WIRE_SEED_FILE,
		.time_ns = LOOK_NS / 2,
		.sk = port,
		.cookie = port,
		.netns = netns,
		.family = FAMILY_IPV4,
		.protocol = protocol,
		.to = state,
		.local = {.addr = {127, 0, 0, 1}, .port = port},
		.peer = {.addr = {127, 0, 0, 1}, .port = 443},
		.has_task = true,
		.task = {.pid = 5, .tid = 5, .name = "web"},
	};

	table_seed(w->table, &f);
}

static int setup(void **state)
{
	static struct world world;
	uint64_t added, removed;

	world = (struct world){.processes = process_set_new(16, NULL, NULL)};
	world.table = table_new(64, world.processes, on_event, &world);
	table_seed_begin(world.table, 1);
	add(&world, HERE, 1, IPPROTO_TCP, STATE_ESTABLISHED);
	add(&world, HERE, 2, IPPROTO_TCP, STATE_CLOSE);
	add(&world, HERE, 3, IPPROTO_UDP, STATE_CLOSE);
	add(&world, ELSEWHERE, 4, IPPROTO_TCP, STATE_ESTABLISHED);
	add(&world, ELSEWHERE, 5, IPPROTO_TCP, STATE_LISTEN);
	table_seed_end(world.table, false, &added, &removed);
	assert_int_equal(added, 5);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	table_free(w->table);
	process_set_free(w->processes);
	return 0;
}

/* A look that finds nothing, and what it says that it could not look at. */
static uint64_t look(struct world *w, uint32_t netns, unsigned int unseen)
{
	const struct look_sink sink = table_look_sink(w->table);
	uint64_t added, removed;

	table_seed_begin(w->table, LOOK_NS);
	if (unseen)
		sink.unseen(sink.ctx, netns, unseen);
	table_seed_end(w->table, true, &added, &removed);
	assert_int_equal(added, 0);
	return removed;
}

static void test_all_that_is_gone_goes(void **state)
{
	assert_int_equal(look(*state, 0, 0), 5);
}

static void test_a_table_that_was_not_read_keeps_its_namespace(void **state)
{
	struct world *w = *state;

	assert_int_equal(look(w, ELSEWHERE, UNSEEN_TCP), 3);
	assert_true(w->ended[1]);
	assert_false(w->ended[4] || w->ended[5]);
	/* The next look is another one. */
	assert_int_equal(look(w, 0, 0), 2);
	assert_true(w->ended[4]);
}

static void test_a_namespace_that_was_not_entered_keeps_all_of_it(void **state)
{
	struct world *w = *state;

	assert_int_equal(look(w, HERE, UNSEEN_RANGE), 2);
	assert_false(w->ended[1] || w->ended[2] || w->ended[3]);
	assert_true(w->ended[4]);
}

static void test_a_namespace_that_nobody_knows_may_have_any(void **state)
{
	assert_int_equal(look(*state, 0, UNSEEN_RANGE), 0);
}

/* Connections and listeners are in tables; what is bound only, and UDP, only descriptors lead to. */
static void test_descriptors_that_were_not_read_keep_what_only_they_lead_to(void **state)
{
	struct world *w = *state;

	assert_int_equal(look(w, LOOK_EVERY_NETNS, UNSEEN_BOUND), 3);
	assert_true(w->ended[1] && w->ended[4]);
	assert_false(w->ended[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_that_is_gone_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_table_that_was_not_read_keeps_its_namespace,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_namespace_that_was_not_entered_keeps_all_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_namespace_that_nobody_knows_may_have_any,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_descriptors_that_were_not_read_keep_what_only_they_lead_to, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
