// SPDX-License-Identifier: GPL-2.0-only
/* What a listener has left is looked at until it was read whole, whatever that takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>

#include "../../src/cli/left_ports.h"
#include "look_source.h"
#include "units.h"

/* A kernel whose sockets take so long to read, and what it was asked. */
static struct {
	uint64_t now_ns, takes_ns;
	unsigned int looks, whole;
	uint16_t ports[256];
} kernel;

uint64_t kernel_now(void)
{
	return kernel.now_ns;
}

struct look_reader *kernel_look(const struct kernel *k)
{
	(void)k;
	return NULL;
}

int look_take(struct look_reader *r, const struct look_request *request,
	      const struct look_sink *sink, struct kernel_error *error)
{
	(void)r;
	(void)sink;
	(void)error;
	kernel.looks++;
	if (request->until_ns && request->until_ns < kernel.now_ns + kernel.takes_ns) {
		kernel.now_ns = request->until_ns;
		return -ETIME;
	}
	kernel.now_ns += kernel.takes_ns;
	kernel.ports[kernel.whole++] = request->port;
	return 0;
}

static struct event end_of(uint16_t port)
{
	return (struct event){
		.kind = EVENT_STATE,
		.protocol = IPPROTO_TCP,
		.netns = 1,
		.has_local = true,
		.local = {.port = port},
		.state = {.from = STATE_LISTEN, .to = STATE_CLOSE},
	};
}

/* Of `listeners` ends on such a host, until nothing is left.  Returns how long it took. */
static uint64_t look_for(struct left_ports *l, unsigned int listeners, uint64_t takes_ns)
{
	struct process_set *processes = process_set_new(1000, NULL, NULL);
	struct table *t = table_new(1000, processes, NULL, NULL);

	assert_non_null(t);
	kernel.now_ns = NSEC_PER_SEC;
	kernel.takes_ns = takes_ns;
	kernel.looks = kernel.whole = 0;
	for (unsigned int i = 0; i < listeners; i++) {
		const struct event e = end_of((uint16_t)(1000 + i));

		left_ports_note(l, &e);
	}
	for (unsigned int turns = 0; left_ports_look(l, t, NULL, kernel.now_ns); turns++) {
		assert_true(turns < 100000);
		kernel.now_ns += NSEC_PER_SEC / 100;
	}
	table_free(t);
	process_set_free(processes);
	return kernel.now_ns - NSEC_PER_SEC;
}

static void what_is_read_in_time_is_read_once(void **state)
{
	struct left_ports l = {0};

	(void)state;
	look_for(&l, 10, NSEC_PER_SEC / 1000);
	assert_int_equal(kernel.looks, 10);
	assert_int_equal(kernel.whole, 10);
}

/* Where a look takes longer than it may, the port is not given up: the next one takes what it needs, and rests for it. */
static void what_was_cut_off_is_looked_at_again(void **state)
{
	struct left_ports l = {0};
	uint64_t took_ns;

	(void)state;
	took_ns = look_for(&l, 3, NSEC_PER_SEC / 2);
	assert_int_equal(kernel.looks, 6);
	assert_int_equal(kernel.whole, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(kernel.ports[i], 1002 - i);
	assert_true(took_ns > 2 * 9 * NSEC_PER_SEC / 2);
}

static void more_than_there_is_room_for(void **state)
{
	struct left_ports l = {0};

	(void)state;
	look_for(&l, LEFT_PORTS + 1, NSEC_PER_SEC / 2);
	assert_int_equal(kernel.looks, 2);
	assert_int_equal(kernel.whole, 1);
	assert_int_equal(kernel.ports[0], 0);
	assert_false(l.more);
}

static void nothing_else_is_remembered(void **state)
{
	struct event others[] = {end_of(80), end_of(80), end_of(80), end_of(80)};
	struct left_ports l = {0};

	(void)state;
	others[0].protocol = IPPROTO_UDP;
	others[1].state.from = STATE_ESTABLISHED;
	others[2].kind = EVENT_BIND;
	others[3].has_local = false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		left_ports_note(&l, &others[i]);
	assert_int_equal(l.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_in_time_is_read_once),
		cmocka_unit_test(what_was_cut_off_is_looked_at_again),
		cmocka_unit_test(more_than_there_is_room_for),
		cmocka_unit_test(nothing_else_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
