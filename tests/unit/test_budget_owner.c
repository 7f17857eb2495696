// SPDX-License-Identifier: GPL-2.0-only
/* Who has most of a destination's ports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "budget.h"

/* Of those who have ports towards one destination; elsewhere another has more. */
static void tells_who_has_most_for_a_destination(void **state)
{
	static const struct program then = {.start_ns = 1}, now = {.start_ns = 2};
	static const struct process one = {.pid = 1}, two = {.pid = 2},
				    ended = {.pid = 2, .program = &then},
				    again = {.pid = 2, .program = &now};
	const struct process *const owners[] = {&one,	&two, &two, NULL,   &one,   &two,
						&ended, NULL, &one, &again, &again, NULL};
	const struct port_range range = {.low = 40000, .high = 40099};
	struct port_use u = {.netns = 1,
			     .protocol = IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .state = STATE_ESTABLISHED,
			     .bucket_open = true,
			     .peer = {.addr = {127, 0, 0, 1}, .port = 80}};
	struct budget *b = budget_new();
	uint32_t held = 9;

	(void)state;
	budget_add_namespace(b, 1, &range);
	for (uint16_t i = 0; i < 12; i++) {
		u.local.port = (uint16_t)(40000 + i);
		u.owner = owners[i];
		u.owner_ended = owners[i] == &ended;
		budget_add(b, &u);
	}
	u.owner = &one;
	u.owner_ended = false;
	u.local.port = 39999; /* no port that connect() would choose */
	budget_add(b, &u);
	u.peer.port = 81;
	for (uint16_t i = 0; i < 9; i++) {
		u.local.port = (uint16_t)(40050 + i);
		budget_add(b, &u);
	}
	u.peer.port = 82;
	u.owner = NULL;
	budget_add(b, &u);
	assert_int_equal(budget_finish(b), 0);
	assert_int_equal(b->row_count, 3);
	/* The number of one that has ended is another's now: `two` and `again` are the same one, who goes on. */
	assert_int_equal(b->row[0].peer.port, 80);
	assert_int_equal(budget_row_owner(b, &b->row[0], &held)->pid, 2);
	assert_int_equal(held, 5);
	assert_ptr_equal(budget_row_owner(b, &b->row[1], &held), &one);
	assert_int_equal(held, 9);
	assert_null(budget_row_owner(b, &b->row[2], &held));
	assert_int_equal(held, 0);
	budget_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_who_has_most_for_a_destination),
	};

	return cmocka_run_group_tests_name("budget owner", tests, NULL, NULL);
}
