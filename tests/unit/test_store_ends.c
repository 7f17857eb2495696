// SPDX-License-Identifier: GPL-2.0-only
/* Why lives ended and what they were to reach, kept and found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>

#include "store_case.h"

static void test_why_a_life_ended(void **state)
{
	struct event in[3] = {life(0, 1, 41000, 1), life(0, 2, 42000, 2), life(0, 3, 43000, 3)};
	struct store *s = OPEN();

	(void)state;
	in[0].close.reason = REASON_USER_TIMEOUT;
	in[0].close.silent = true;
	in[0].close.last_heard_ns = 900 * SEC;
	in[0].close.unacked_bytes = UINT32_MAX;
	in[1].close.reason = REASON_ABANDONED;
	in[1].close.how = HOW_KILLED;
	in[1].close.syns = 7;
	in[2].close.time_wait_unknown = true;
	for (int i = 0; i < 3; i++)
		store_event(s, &in[i], OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 3);
	for (int i = 0; i < 3; i++) {
		const struct event_close *is = &found[i].close, *was = &in[i].close;

		assert_int_equal(is->reason, was->reason);
		assert_int_equal(is->how, was->how);
		assert_int_equal(is->syns, was->syns);
		assert_int_equal(is->silent, was->silent);
		assert_int_equal(is->last_heard_ns, was->last_heard_ns);
		assert_int_equal(is->unacked_bytes, was->unacked_bytes);
		assert_int_equal(is->time_wait_unknown, was->time_wait_unknown);
		assert_int_equal(is->time_wait, was->time_wait);
	}
}

static void test_overflows(void **state)
{
	struct event in[2] = {life(0, 1, 80, 1), life(0, 5, 80, 1)};
	struct filter f = {.kinds = 1u << EVENT_OVERFLOW};
	struct store *s = OPEN();

	(void)state;
	for (int i = 0; i < 2; i++)
		in[i].kind = EVENT_OVERFLOW;
	in[0].overflow = (struct event_overflow){.waiting = 2, .limit = 1, .dropped = 3};
	in[1].overflow = (struct event_overflow){
		.ended = true, .limit = 128, .dropped = UINT32_MAX, .since_ns = in[0].time_ns};
	for (int i = 0; i < 2; i++)
		store_event(s, &in[i], OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask(all(&f)), 2);
	for (int i = 0; i < 2; i++) {
		const struct event_overflow *is = &found[i].overflow, *was = &in[i].overflow;

		assert_int_equal(found[i].kind, EVENT_OVERFLOW);
		assert_int_equal(found[i].process->pid, 901);
		assert_int_equal(found[i].local.port, 80);
		assert_int_equal(is->ended, was->ended);
		assert_int_equal(is->waiting, was->waiting);
		assert_int_equal(is->limit, was->limit);
		assert_int_equal(is->dropped, was->dropped);
	}
	assert_int_equal(found[1].overflow.since_ns, found[0].time_ns);
}

/* By the views, the only row of `view` whose asked port is `port`. */
static int64_t asked_in(const char *view, const char *address, unsigned int port)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "SELECT asked_addr='%s' AND count(*)=1 FROM %s WHERE asked_port=%u", address, view,
		 port);
	return sql(text);
}

/* A program led them elsewhere: both ends are told, and either finds them. */
static void test_what_was_asked_for(void **state)
{
	struct event v4 = life(0, 1, 41000, 1), v6 = life(0, 1, 42000, 2);
	struct event open = open_life(0, 1, 43000, 3), failed = life(0, 1, 44000, 4);
	struct event plain = life(0, 1, 45000, 5);
	struct event *led[] = {&v4, &v6, &open, &failed};
	struct filter by_port = {0}, by_address = {0};
	struct store *s = OPEN();

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		led[i]->has_asked = true;
		led[i]->asked =
			(struct endpoint){.addr = {10, 96, 0, 200}, .port = (uint16_t)(60080 + i)};
	}
	v6.family = FAMILY_IPV6;
	memcpy(v6.asked.addr, (uint8_t[16]){0xfd, [7] = 0xab, [15] = 0x0c}, 16);
	failed.kind = EVENT_CONNECT;
	failed.error = ECONNREFUSED;
	store_event(s, &plain, OFFSET);
	store_event(s, &v4, OFFSET);
	store_event(s, &v6, OFFSET);
	assert_true(store_open_life(s, &open, OFFSET));
	store_event(s, &failed, OFFSET);
	store_close(s, NULL);
	assert_true(asked_in("lives", "10.96.0.200", 60080));
	assert_true(asked_in("lives", "fd00:0000:0000:00ab:0000:0000:0000:000c", 60081));
	assert_true(asked_in("open_lives", "10.96.0.200", 60082));
	assert_true(asked_in("calls", "10.96.0.200", 60083));
	assert_int_equal(sql("SELECT count(*) FROM lives WHERE asked_addr IS NULL AND "
			     "asked_port IS NULL"),
			 1);
	assert_int_equal(units_parse_ranges("60080-60089", 65535, &by_port.peer_ports), 0);
	assert_int_equal(ask(all(&by_port)), 4);
	assert_int_equal(filter_add_cidr(&by_address, "10.96.0.0/16"), 0);
	assert_int_equal(ask(all(&by_address)), 3);
	filter_done(&by_port);
	filter_done(&by_address);
}

/* An inode is given to the next namespace at once, and a name may come late. */
static void test_what_a_namespace_was_called(void **state)
{
	static const struct {
		double ended;
		const char *name, *found;
	} steps[] = {
		{10, NULL, NULL}, {20, "web", "web"}, {30, "web", "web"}, {40, "", ""},
		{50, "db", "db"}, {60, NULL, NULL},   {70, "web", "web"},
	};
	const size_t count = sizeof(steps) / sizeof(steps[0]);
	struct store *s = OPEN();

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct event e = life(0, steps[i].ended, (uint16_t)(4000 + i), i + 1);

		e.netns_name = steps[i].name;
		store_event(s, &e, OFFSET);
		/* Another one in between, which the writer tells apart by the same place. */
		e.netns += 256;
		e.cookie += 100;
		e.netns_name = "other";
		store_event(s, &e, OFFSET);
	}
	store_close(s, NULL);
	assert_int_equal(ask_all(), 2 * count);
	for (size_t i = 0; i < count; i++) {
		const char *found_name = found[2 * i].netns_name;

		assert_int_equal(found_name != NULL, steps[i].found != NULL);
		if (found_name)
			assert_string_equal(found_name, steps[i].found);
		assert_string_equal(found[2 * i + 1].netns_name, "other");
	}
	assert_int_equal(sql("SELECT count(*) FROM netns_name"), 6);
}

/* Stored as they came; what goes on is told from where it began, what another run left open from when that was last heard of. */
static void test_rows_by_time(void **state)
{
	struct event in[3] = {life(0, 5, 41000, 1), life(2, 4, 42000, 2), life(1, 9, 43000, 3)};
	struct event goes_on = open_life(3, 8, 80, 4);
	static const uint16_t by_number[] = {41000, 42000, 43000, 80};
	static const uint16_t by_time[] = {80, 42000, 41000, 43000};
	const struct filter any = {0};
	struct store_query q = all(&any);
	struct store *s = OPEN();

	(void)state;
	for (int i = 0; i < 3; i++)
		store_event(s, &in[i], OFFSET);
	wait_stored(s, 3);
	store_open_life(s, &goes_on, OFFSET);
	for (int i = 0; i < 500 && sql("SELECT count(*) FROM open") == 0; i++) {
		store_pulse(s, (uint64_t)i * SEC);
		pause_ms(20);
	}
	for (int turn = 0; turn < 2; turn++) {
		q.by_time = turn;
		assert_int_equal(ask(q), 4);
		for (int i = 0; i < 4; i++)
			assert_int_equal(found[i].local.port, (turn ? by_time : by_number)[i]);
	}
	q.no_open = true;
	assert_int_equal(ask(q), 3);
	assert_int_equal(found[0].local.port, 42000);
	store_close(s, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_why_a_life_ended),
		TEST(test_overflows),
		TEST(test_what_was_asked_for),
		TEST(test_what_a_namespace_was_called),
		TEST(test_rows_by_time),
	};

	return cmocka_run_group_tests_name("store ends", tests, NULL, NULL);
}
