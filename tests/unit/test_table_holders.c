// SPDX-License-Identifier: GPL-2.0-only
/* Which TIME_WAITs hold a port: those that the kernel has, as far as it can be asked. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conflict.h"

/* A kernel that hands out the first `count`, and may break off. */
struct kernel {
	struct fact found[200];
	unsigned int count, asked;
	bool breaks;
	uint32_t netns, pid;
	uint16_t port;
};

static bool look_at_kernel(void *ctx, uint32_t netns, uint32_t pid, uint16_t port,
			   void (*fn)(void *ctx, const struct fact *), void *fn_ctx)
{
	struct kernel *k = ctx;

	k->asked++;
	k->netns = netns;
	k->pid = pid;
	k->port = port;
	for (unsigned int i = 0; i < k->count; i++)
		fn(fn_ctx, &k->found[i]);
	return !k->breaks;
}

/* One that began `age_ms` before the call that will ask; `age_ms` 0: the kernel does not say. */
static void kernel_has(struct world *w, struct kernel *k, uint16_t peer_port, uint64_t cookie,
		       uint32_t age_ms)
{
	struct fact f = call(w, WIRE_SEED_SOCKET, 0xf000, 0, 0);

	f.has_task = false;
	f.cookie = cookie;
	f.to = STATE_TIME_WAIT;
	f.arg = age_ms ? age_ms + 1 : 0;
	place(&f, ONE4);
	memcpy(f.peer.addr, "\x7f\0\0\1", 4);
	f.peer.port = peer_port;
	k->found[k->count++] = f;
}

static void the_kernel_says_which_time_waits_there_are(void **state)
{
	struct world *w = *state;
	struct kernel k = {0};

	table_set_time_waits(w->table, look_at_kernel, &k);
	open_connection(w, 0x9000, 80);
	close_connection(w, 0x9000, 80);
	open_connection(w, 0x9000, 81);
	close_connection(w, 0x9000, 81);
	kernel_has(w, &k, 81, 0x9000, 0); /* the other is gone */
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(k.asked, 1);
	assert_int_equal(k.netns, NETNS);
	assert_int_equal(k.pid, 200);
	assert_int_equal(k.port, PORT);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].peer.port, 81);
	assert_int_equal(w->owner[0].pid, 100);
	assert_true(w->holder[0].why & WHY_OUTGOING && w->holder[0].why & WHY_TIME_WAIT);
	/* Timers are late: it may last longer than a minute. */
	w->now += 65 * SECOND;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->owner[0].pid, 100);
	assert_true(w->holder[0].since_ns < w->now - 64 * SECOND);
	/* What conflicts with nobody is no holder, whoever says that it is there. */
	ask_port(w, TWO4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 0);
	k.count = 0;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 0);
}

static void a_time_wait_nobody_saw_is_named_without_process(void **state)
{
	struct world *w = *state;
	struct kernel k = {0};

	table_set_time_waits(w->table, look_at_kernel, &k);
	w->now += 100 * SECOND;
	kernel_has(w, &k, 80, 0x77, 5000);
	kernel_has(w, &k, 81, 0x78, 0);
	/* Another one had these ends once. */
	open_connection(w, 0x9000, 81);
	close_connection(w, 0x9000, 81);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_null(w->holder[i].process);
		assert_int_equal(w->holder[i].state, STATE_TIME_WAIT);
	}
	assert_true(w->now - w->holder[0].since_ns > 5 * SECOND - SECOND / 100 &&
		    w->now - w->holder[0].since_ns < 5 * SECOND + SECOND / 100);
	assert_int_equal(w->holder[1].since_ns, 0);
}

static void what_came_after_the_call_is_no_holder(void **state)
{
	struct world *w = *state;
	struct kernel k = {0};

	table_set_time_waits(w->table, look_at_kernel, &k);
	/* Still a connection when bind() failed, in TIME_WAIT when the kernel was asked. */
	open_connection(w, 0x9000, 80);
	kernel_has(w, &k, 80, 0x9000, 0);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].state, STATE_ESTABLISHED);
	/* Unknown, and too young. */
	k.count = 0;
	w->now += 10 * SECOND;
	kernel_has(w, &k, 90, 0x99, 1);
	w->now -= 5 * SECOND;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
}

static void a_kernel_that_cannot_be_asked_changes_nothing(void **state)
{
	struct world *w = *state;
	struct kernel k = {.breaks = true};

	table_set_time_waits(w->table, look_at_kernel, &k);
	open_connection(w, 0x9000, 80);
	close_connection(w, 0x9000, 80);
	kernel_has(w, &k, 81, 0x77, 0);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].peer.port, 80);
	/* UDP has none. */
	k.asked = 0;
	{
		struct fact f = call(w, WIRE_BIND, 0xa000, 200, 0);

		f.protocol = IPPROTO_UDP;
		f.result = -EADDRINUSE;
		table_apply(w->table, &f);
	}
	assert_int_equal(k.asked, 0);
}

static void many_of_the_kernel_are_counted(void **state)
{
	struct world *w = *state;
	struct kernel k = {0};

	table_set_time_waits(w->table, look_at_kernel, &k);
	for (uint16_t i = 0; i < 200; i++)
		kernel_has(w, &k, 1000 + i, 0x77, 0);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 64);
	assert_int_equal(w->trouble.holders_more, 200 - 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_kernel_says_which_time_waits_there_are, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_time_wait_nobody_saw_is_named_without_process,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_came_after_the_call_is_no_holder, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_kernel_that_cannot_be_asked_changes_nothing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(many_of_the_kernel_are_counted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
