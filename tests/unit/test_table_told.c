// SPDX-License-Identifier: GPL-2.0-only
/* test_table_told.c - what an event points to was put there: nothing is left over of what the stack had before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "table.h"

struct told {
	unsigned int count[EVENT_KINDS];
};

static void on_event(void *ctx, const struct event *e)
{
	struct told *told = ctx;

	told->count[e->kind]++;
	assert_null(e->host);
	assert_null(e->netns_name);
	if (e->process)
		assert_string_equal(e->process->name, "web");
	assert_null(e->trouble);
}

/* Where the next function has its own. */
__attribute__((noinline)) static void soil_stack(void)
{
	volatile uint8_t bytes[16384];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0x5a;
}

static struct fact make(enum wire_kind kind, uint64_t sk, uint16_t protocol)
{
	return (struct fact){
		.kind = kind,
		.time_ns = 1000 * sk,
		.sk = sk,
		.cookie = sk,
		.netns = 10,
		.family = FAMILY_IPV4,
		.protocol = protocol,
		.to = STATE_CLOSE,
		.local = {.addr = {127, 0, 0, 1}, .port = (uint16_t)(40000 + sk)},
		.peer = {.addr = {127, 0, 0, 1}, .port = 443},
		.has_task = true,
		.task = {.pid = 5, .tid = 5, .name = "web"},
	};
}

static void apply(struct table *t, const struct fact *f)
{
	soil_stack();
	table_apply(t, f);
	soil_stack();
	table_release(t, UINT64_MAX);
}

static void test_no_event_has_what_nobody_put_there(void **state)
{
	struct told told = {0};
	struct process_set *processes = process_set_new(16, NULL, NULL);
	struct table *t = table_new(64, processes, on_event, &told);
	struct fact f;

	(void)state;
	for (uint64_t sk = 1; sk < 3; sk++) {
		f = make(WIRE_BIND, sk, sk == 1 ? IPPROTO_TCP : IPPROTO_UDP);
		apply(t, &f);
		f.kind = WIRE_CONNECT;
		apply(t, &f);
	}
	f = make(WIRE_LISTEN, 3, IPPROTO_TCP);
	f.to = STATE_LISTEN;
	apply(t, &f);
	f = make(WIRE_ACCEPT, 4, IPPROTO_TCP);
	f.to = STATE_ESTABLISHED;
	apply(t, &f);
	f = make(WIRE_STATE, 4, IPPROTO_TCP);
	f.from = STATE_ESTABLISHED;
	f.to = STATE_FIN_WAIT1;
	apply(t, &f);
	f = make(WIRE_CLOSED, 4, IPPROTO_TCP);
	f.from = STATE_FIN_WAIT1;
	apply(t, &f);
	for (uint64_t sk = 1; sk < 5; sk++) {
		f = make(WIRE_DESTROY, sk, sk == 2 ? IPPROTO_UDP : IPPROTO_TCP);
		apply(t, &f);
	}
	assert_true(told.count[EVENT_BIND] && told.count[EVENT_CONNECT] &&
		    told.count[EVENT_LISTEN] && told.count[EVENT_ACCEPT] &&
		    told.count[EVENT_STATE] && told.count[EVENT_CLOSE]);
	table_free(t);
	process_set_free(processes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_event_has_what_nobody_put_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
