// SPDX-License-Identifier: GPL-2.0-only
/* Which end is the server's, as the events of a connection tell it from the first to the last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"
#include "story.h"

struct told {
	enum server want;
	unsigned int count;
};

static void on_event(void *ctx, const struct event *e)
{
	struct told *told = ctx;

	if (!e->has_peer)
		return;
	if (server_of_event(e) != told->want)
		fail_msg("%s %s>%s: %d instead of %d", event_kind_name(e->kind),
			 e->kind == EVENT_STATE ? inet_state_name(e->state.from) : "",
			 e->kind == EVENT_STATE ? inet_state_name(e->state.to) : "", server_of_event(e),
			 told->want);
	told->count++;
}

static void tell(const char *const *lines, struct told *told)
{
	struct story s;

	story_init(&s, 16, 16);
	s.sink = on_event;
	s.sink_ctx = told;
	for (; *lines; lines++)
		story_tell(&s, *lines);
	assert_null(s.complaint);
	table_release(s.table, UINT64_MAX);
	assert_true(story_done(&s));
}

/* Its later states alone do not say so. */
static void what_came_to_a_listener_is_served_here_to_its_last_state(void **state)
{
	static const char *const lines[] = {
		"0 bind A 10.0.0.2:80 p50",
		"1 open A CLOSE>LISTEN p50",
		"100 state B LISTEN>SYN_RECV 10.0.0.2:80 cookie=0 listener=1",
		"101 state B SYN_RECV>ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 cookie=2",
		"150 accept B p50",
		"200 state B ESTABLISHED>FIN_WAIT1",
		"210 state B FIN_WAIT1>FIN_WAIT2",
		"300 time-wait B FIN_WAIT2>TIME_WAIT listener=4096",
		"301 closed B FIN_WAIT2>CLOSE fin-received shutdown",
		"302 destroy B",
		"60000300 time-wait-end C TIME_WAIT>CLOSE sk=4096 cookie=2 10.0.0.2:80>10.0.0.1:40000",
		NULL,
	};
	struct told told = {.want = SERVER_LOCAL};

	(void)state;
	tell(lines, &told);
	assert_int_equal(told.count, 8);
}

/* Of its end all states are known; those in between are nobody's but for the first. */
static void what_was_connected_is_served_there(void **state)
{
	static const char *const lines[] = {
		"0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100",
		"105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80",
		"106 connect A p100",
		NULL,
	};
	struct told told = {.want = SERVER_PEER};

	(void)state;
	tell(lines, &told);
	assert_true(told.count >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_to_a_listener_is_served_here_to_its_last_state),
		cmocka_unit_test(what_was_connected_is_served_there),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
