// SPDX-License-Identifier: GPL-2.0-only
/* What a burst took is given back when it is over, and nothing that is still there is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conflict.h"

/* What is there is found meanwhile, and what comes after. */
static void ended_time_waits_give_their_room_back(void **state)
{
	struct world *w = *state;
	struct table_stats before, burst, after;

	open_connection(w, 0x9000, 80);
	close_connection(w, 0x9000, 80);
	table_get_stats(w->table, &before);
	for (unsigned int i = 0; i < 50000; i++) {
		open_connection(w, 0x9000, (uint16_t)(1000 + i));
		close_connection(w, 0x9000, (uint16_t)(1000 + i));
	}
	table_get_stats(w->table, &burst);
	assert_true(burst.bytes > 5 * before.bytes);
	assert_false(table_rest(w->table, w->now));
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holders_more, 50001 - 64);
	w->now += 200 * SECOND;
	open_connection(w, 0x9000, 80);
	close_connection(w, 0x9000, 80);
	for (int i = 0; i < 100; i++)
		table_rest(w->table, w->now);
	table_get_stats(w->table, &after);
	assert_int_equal(after.bytes, before.bytes);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->trouble.holders_more, 0);
	assert_int_equal(w->owner[0].pid, 100);
}

/* The room of a burst is not gone through in turn by what comes after it, less than half as much in two minutes. */
static void fewer_time_waits_need_less_room(void **state)
{
	struct world *w = *state;
	struct table_stats burst, after;

	for (unsigned int i = 0; i < 50000; i++) {
		open_connection(w, 0x9000, (uint16_t)(1000 + i));
		close_connection(w, 0x9000, (uint16_t)(1000 + i));
	}
	table_get_stats(w->table, &burst);
	w->now += 200 * SECOND;
	for (unsigned int i = 0; i < 30000; i++) {
		open_connection(w, 0x9000, (uint16_t)(1000 + i));
		close_connection(w, 0x9000, (uint16_t)(1000 + i));
	}
	for (int i = 0; i < 100; i++)
		table_rest(w->table, w->now);
	table_get_stats(w->table, &after);
	assert_true(after.bytes < burst.bytes * 2 / 3);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holders_more, 30000 - 64);
}

static void records_of_a_burst_give_their_room_back(void **state)
{
	enum { COUNT = 9000, KEPT = 3000 };
	struct world *w = *state;
	struct table_stats burst, after;

	for (unsigned int i = 0; i < COUNT; i++)
		open_connection(w, 0x100000 + i * 64, (uint16_t)(1000 + i));
	table_get_stats(w->table, &burst);
	assert_int_equal(burst.sockets, COUNT);
	for (unsigned int i = 0; i < COUNT; i++) {
		if (i != KEPT)
			close_connection(w, 0x100000 + i * 64, (uint16_t)(1000 + i));
	}
	w->now += 200 * SECOND;
	for (int i = 0; i < 100; i++)
		table_rest(w->table, w->now);
	table_get_stats(w->table, &after);
	assert_true(after.bytes < burst.bytes / 2);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].peer.port, 1000 + KEPT);
	/* And have it again. */
	for (unsigned int i = 0; i < COUNT; i++) {
		if (i != KEPT)
			open_connection(w, 0x100000 + i * 64, (uint16_t)(1000 + i));
	}
	table_get_stats(w->table, &after);
	assert_int_equal(after.sockets, COUNT);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holders_more, COUNT - 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ended_time_waits_give_their_room_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(fewer_time_waits_need_less_room, setup, teardown),
		cmocka_unit_test_setup_teardown(records_of_a_burst_give_their_room_back, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
