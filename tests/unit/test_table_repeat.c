// SPDX-License-Identifier: GPL-2.0-only
/* The same failure again: told at once, then with a count; nothing is lost, and what is told stays small. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conflict.h"

/* What one process, the asker, was told. */
struct sums {
	unsigned int lines, plain, with_holders, with_range;
	uint64_t failures, more;
	struct event last;
	uint32_t pid;
	size_t most_holders;
};

static struct sums sums;

static void on_event(void *ctx, const struct event *e)
{
	(void)ctx;
	if (!e->error)
		return;
	sums.lines++;
	sums.failures += e->repeated ? e->repeated : 1;
	sums.plain += !e->repeated;
	sums.with_holders += e->trouble && e->trouble->has_holders;
	sums.with_range += e->trouble && e->trouble->has_range;
	if (e->trouble && e->trouble->holder_count > sums.most_holders)
		sums.most_holders = e->trouble->holder_count;
	sums.more = e->trouble ? e->trouble->holders_more : 0;
	sums.pid = e->process ? e->process->pid : 0;
	sums.last = *e;
}

static int begin(void **state)
{
	struct world *w;

	setup(state);
	w = *state;
	table_free(w->table);
	w->table = table_new(10000, w->processes, on_event, w);
	memset(&sums, 0, sizeof(sums));
	return 0;
}

static struct fact failure(struct world *w, enum where where, int error, uint32_t pid)
{
	struct fact f = call(w, WIRE_BIND, w->sk += 64, pid, 1000);

	f.result = -error;
	place(&f, where);
	return f;
}

static void refuse(struct world *w, enum where where, int error)
{
	struct fact f = failure(w, where, error, 200);

	table_apply(w->table, &f);
}

static void a_repeated_failure_is_told_once_and_then_counted(void **state)
{
	struct world *w = *state;
	uint64_t first_ns;

	hold(w, ANY4, 0, 0, true);
	refuse(w, ONE4, EADDRINUSE);
	assert_int_equal(sums.lines, 1);
	assert_int_equal(sums.with_holders, 1);
	first_ns = w->now;
	for (int i = 0; i < 99999; i++)
		refuse(w, ONE4, EADDRINUSE);
	assert_int_equal(sums.lines, 1);
	table_release(w->table, first_ns + SECOND);
	assert_int_equal(sums.lines, 2);
	assert_int_equal(sums.last.repeated, 99999);
	assert_int_equal(sums.last.since_ns, first_ns + 1000);
	assert_int_equal(sums.last.time_ns, w->now);
	assert_int_equal(sums.last.cookie, 0); /* each was another socket */
	assert_int_equal(sums.pid, 200);
	assert_null(sums.last.trouble);
	/* The next second begins with a line of its own. */
	w->now = first_ns + 2 * SECOND;
	refuse(w, ONE4, EADDRINUSE);
	assert_int_equal(sums.lines, 3);
	assert_int_equal(sums.with_holders, 2);
	table_release(w->table, UINT64_MAX);
	assert_int_equal(sums.lines, 3);
	assert_int_equal(sums.failures, 100001);
}

static void another_holder_is_told_at_once(void **state)
{
	struct world *w = *state;

	hold(w, ANY4, WIRE_O_REUSEPORT, 0, true);
	refuse(w, ONE4, EADDRINUSE);
	refuse(w, ONE4, EADDRINUSE);
	hold(w, TWO4, WIRE_O_REUSEPORT, 0, false); /* does not stand in the way, but may have */
	refuse(w, ONE4, EADDRINUSE);
	assert_int_equal(sums.lines, 3);
	assert_int_equal(sums.plain, 2);
	assert_int_equal(sums.with_holders, 2);
	table_release(w->table, UINT64_MAX);
	assert_int_equal(sums.failures, 3);
}

static void what_differs_is_told_apart(void **state)
{
	struct world *w = *state;
	struct fact f;

	refuse(w, ONE4, EADDRINUSE);
	refuse(w, TWO4, EADDRINUSE);
	refuse(w, ONE4, EACCES);
	f = failure(w, ONE4, EADDRINUSE, 201);
	table_apply(w->table, &f);
	f = failure(w, ONE4, EADDRINUSE, 200);
	f.netns++;
	table_apply(w->table, &f);
	f = failure(w, ONE4, EADDRINUSE, 200);
	f.options |= WIRE_O_REUSEADDR;
	table_apply(w->table, &f);
	f = failure(w, ONE4, EADDRINUSE, 200);
	f.kind = WIRE_LISTEN;
	table_apply(w->table, &f);
	assert_int_equal(sums.plain, 7);
	/* A thread of the same process is not another. */
	f = failure(w, ONE4, EADDRINUSE, 200);
	f.task.tid++;
	table_apply(w->table, &f);
	assert_int_equal(sums.lines, 7);
	table_release(w->table, UINT64_MAX);
	assert_int_equal(sums.failures, 8);
}

static void more_different_ones_than_are_remembered_lose_nothing(void **state)
{
	struct world *w = *state;

	for (unsigned int round = 0; round < 3; round++) {
		for (uint16_t port = 1; port <= 2000; port++) {
			struct fact f = failure(w, ONE4, EADDRINUSE, 200);

			f.local.port = port;
			table_apply(w->table, &f);
			table_apply(w->table, &f);
		}
	}
	table_release(w->table, UINT64_MAX);
	assert_int_equal(sums.failures, 12000);
}

static void what_the_kernel_side_counted_is_added(void **state)
{
	struct world *w = *state;
	struct fact f;

	hold(w, ANY4, 0, 0, true);
	refuse(w, ONE4, EADDRINUSE);
	f = failure(w, ONE4, EADDRINUSE, 200);
	f.since_ns = f.time_ns - 500;
	f.repeated = 999;
	table_apply(w->table, &f);
	assert_int_equal(sums.lines, 1);
	table_release(w->table, w->now + SECOND);
	assert_int_equal(sums.last.repeated, 1000);
	assert_int_equal(sums.last.since_ns, f.since_ns);
	/* Told late, nobody can say who held the port then; one that comes in time says it. */
	w->now += SECOND;
	f.since_ns += SECOND;
	f.time_ns += SECOND;
	table_apply(w->table, &f);
	assert_int_equal(sums.lines, 2);
	refuse(w, ONE4, EADDRINUSE);
	assert_int_equal(sums.lines, 3);
	assert_int_equal(sums.with_holders, 2);
	table_release(w->table, UINT64_MAX);
	assert_int_equal(sums.failures, 1 + 1000 + 1000 + 1);
	/* Never told by itself: a line, and then the count. */
	f.local.port++;
	f.repeated = 9;
	memset(&sums, 0, sizeof(sums));
	table_apply(w->table, &f);
	table_release(w->table, UINT64_MAX);
	assert_int_equal(sums.lines, 2);
	assert_int_equal(sums.plain, 1);
	assert_int_equal(sums.with_holders, 0);
	assert_int_equal(sums.failures, 10);
	/* Of several ends none is told. */
	assert_true(sums.last.has_local);
	f.flags |= WIRE_F_VARIOUS;
	f.local = (struct endpoint){0};
	table_apply(w->table, &f);
	table_release(w->table, UINT64_MAX);
	assert_int_equal(sums.failures, 20);
	assert_false(sums.last.has_local);
}

/* A port that changes hands all the time, and every failure another address: the search is paid for by time. */
static void a_flood_of_different_failures_is_searched_for_within_a_budget(void **state)
{
	struct world *w = *state;
	const unsigned int holders = 2000, calls = 20000;

	for (unsigned int i = 0; i < holders; i++)
		hold(w, ANY4, WIRE_O_REUSEPORT, 0, true);
	for (unsigned int i = 0; i < calls; i++) {
		struct fact f = failure(w, ONE4, EADDRINUSE, 200);

		f.local.addr[1] = (uint8_t)(i >> 8);
		f.local.addr[2] = (uint8_t)i;
		table_apply(w->table, &f);
	}
	table_release(w->table, UINT64_MAX);
	assert_int_equal(sums.failures, calls);
	assert_int_equal(sums.most_holders, 64);
	/* 20,000 calls in 20 ms; each search is 2,000 steps or more. */
	assert_true(sums.with_holders >= 10 && sums.with_holders < 400);
	/* A second later there is credit again. */
	memset(&sums, 0, sizeof(sums));
	w->now += SECOND;
	refuse(w, ONE4, EADDRINUSE);
	assert_int_equal(sums.with_holders, 1);
	assert_int_equal(sums.more, holders - 64);
}

static void holders_in_other_namespaces_cost_nothing(void **state)
{
	struct world *w = *state;
	const unsigned int calls = 20000;

	for (unsigned int i = 0; i < 2000; i++)
		hold(w, ANY4, WIRE_O_REUSEPORT, 0, true);
	for (unsigned int i = 0; i < calls; i++) {
		struct fact f = failure(w, ONE4, EADDRINUSE, 200);

		f.netns = NETNS + 1;
		f.local.addr[1] = (uint8_t)(i >> 8);
		f.local.addr[2] = (uint8_t)i;
		table_apply(w->table, &f);
	}
	assert_int_equal(sums.with_holders, calls);
	assert_int_equal(sums.most_holders, 0);
}

/* To another destination each time, so that the range is to be counted anew. */
static void a_range_is_counted_within_the_same_budget(void **state)
{
	struct world *w = *state;
	const unsigned int calls = 5000;

	const struct port_range range = {.low = 32768, .high = 60999};
	struct table_question q;

	table_take_questions(w->table);
	for (unsigned int i = 0; i < calls; i++) {
		struct fact f = failure(w, ANY4, EADDRNOTAVAIL, 200);

		f.kind = WIRE_CONNECT;
		f.flags = WIRE_F_OPENED;
		f.local.port = 0;
		f.peer.port = (uint16_t)(i + 1);
		table_apply(w->table, &f);
		if (table_question(w->table, &q))
			table_answer_range(w->table, &range);
	}
	assert_int_equal(sums.lines, calls);
	assert_true(sums.with_range >= 10 && sums.with_range < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(holders_in_other_namespaces_cost_nothing, begin,
						teardown),
		cmocka_unit_test_setup_teardown(a_range_is_counted_within_the_same_budget, begin,
						teardown),
		cmocka_unit_test_setup_teardown(a_repeated_failure_is_told_once_and_then_counted,
						begin, teardown),
		cmocka_unit_test_setup_teardown(another_holder_is_told_at_once, begin, teardown),
		cmocka_unit_test_setup_teardown(what_differs_is_told_apart, begin, teardown),
		cmocka_unit_test_setup_teardown(
			more_different_ones_than_are_remembered_lose_nothing, begin, teardown),
		cmocka_unit_test_setup_teardown(what_the_kernel_side_counted_is_added, begin,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_flood_of_different_failures_is_searched_for_within_a_budget, begin,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
