// SPDX-License-Identifier: GPL-2.0-only
/* Overflows of listeners, by what looks at them find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "story.h"
#include "wire_listener.h"

#define SEC	 1000000000ull
#define EPOCH_NS SEC /* of stories */

static struct story story;

static int setup(void **state)
{
	(void)state;
	story_init(&story, 1000, 100);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(story_done(&story));
	return 0;
}

static void listens(const char *rest)
{
	char line[128];

	snprintf(line, sizeof(line), "0 open A CLOSE>LISTEN 10.0.0.1:80>0.0.0.0:0 p100%s", rest);
	story_tell(&story, line);
	story_tell(&story, "1 listen A arg=1");
}

/* A look after `second` finds this of every listener there is. */
static void look(unsigned int second, uint32_t waiting, uint32_t dropped)
{
	struct table_round round = {0};
	struct wire_listener list[4];
	size_t n = table_listeners(story.table, &round, list, 4);

	story.out_len = 0;
	for (size_t i = 0; i < n; i++) {
		list[i].cookie = 1;
		list[i].state = STATE_LISTEN;
		list[i].waiting = waiting;
		list[i].limit = 1;
		list[i].dropped = dropped;
	}
	table_listeners_seen(story.table, list, n, EPOCH_NS + second * SEC);
}

static void tells(const char *what)
{
	char line[128];

	if (!what) {
		assert_int_equal(story.out_len, 0);
		return;
	}
	snprintf(line, sizeof(line), "overflow #1 %s p100 10.0.0.1:80\n", what);
	assert_true(story.out_len > strlen(line));
	story.out[story.out_len] = '\0';
	assert_non_null(strstr(story.out, line));
}

/* There was no time. */
#define NOT_ASKED (UINT64_MAX - 1)

/* A look, and what the namespace's own counter says then; `other` is what a listener beside it dropped. */
static void look_counted(unsigned int second, uint32_t dropped, uint32_t other, uint64_t counted)
{
	struct table_round round = {0};
	struct wire_listener list[4];
	size_t n = table_listeners(story.table, &round, list, 4), at = 0;
	uint32_t netns, pid;

	story.out_len = 0;
	for (size_t i = 0; i < n; i++) {
		bool first = table_owner(story.table, list[i].sk, 1) != NULL;

		list[i].cookie = first ? 1 : 2;
		list[i].state = STATE_LISTEN;
		list[i].limit = 1;
		list[i].dropped = first ? dropped : other;
	}
	table_listeners_seen(story.table, list, n, EPOCH_NS + second * SEC);
	while (counted != NOT_ASKED && table_uncounted(story.table, &at, &netns, &pid)) {
		assert_int_equal(pid, 100);
		table_counted(story.table, netns, counted, EPOCH_NS + second * SEC);
	}
	table_round_end(story.table);
}

/* The queue was full, and is not any more at the next look. */
static void test_between_two_looks(void **state)
{
	(void)state;
	listens("");
	look_counted(1, 0, 0, 70);
	look_counted(2, 4, 0, 70);
	tells(NULL); /* stray packets */
	look_counted(3, 7, 0, 73);
	tells("begin queue=0/1 dropped=3");
	look_counted(4, 7, 0, 73);
	tells("end queue=0/1 dropped=3");
	look_counted(5, 9, 0, 2); /* another namespace has the inode */
	tells(NULL);
	look_counted(6, 10, 0, UINT64_MAX);
	look_counted(7, 11, 0, 50);
	tells(NULL); /* since when is not known */
	look_counted(8, 12, 0, NOT_ASKED);
	look_counted(9, 13, 0, 60);
	tells(NULL); /* of which round the counter tells neither */
}

/* Only what others cannot have dropped is its own. */
static void test_beside_another_one(void **state)
{
	(void)state;
	listens("");
	story_tell(&story, "2 open B CLOSE>LISTEN 10.0.0.1:81>0.0.0.0:0 cookie=2 p100");
	story_tell(&story, "3 listen B arg=1");
	look_counted(1, 0, 0, 0);
	look_counted(2, 3, 3, 3);
	tells(NULL);
	look_counted(3, 6, 4, 7);
	tells("begin queue=0/1 dropped=3");
	look_counted(4, 6, 4, 7);
	/* What one dropped that has ended is not known. */
	story_tell(&story, "4500000 closed B LISTEN>CLOSE shutdown orphan");
	look_counted(5, 8, 0, 9);
	tells(NULL);
	look_counted(6, 9, 0, 10);
	tells("begin queue=0/1 dropped=1");
}

/* What is dropped after the look, before the namespace's counter is read, is seen of its listener at the next look. */
static void test_counted_before_it_is_seen(void **state)
{
	(void)state;
	listens("");
	story_tell(&story, "2 open B CLOSE>LISTEN 10.0.0.1:81>0.0.0.0:0 cookie=2 p100");
	story_tell(&story, "3 listen B arg=1");
	look_counted(1, 0, 0, 0);
	look_counted(2, 0, 2, 6);
	look_counted(3, 4, 2, 6);
	tells("begin queue=0/1 dropped=4");
	look_counted(4, 4, 2, 6);
	tells("end queue=0/1 dropped=4");
	look_counted(5, 4, 3, 9);
	look_counted(6, 4, 3, 9);
	look_counted(7, 5, 3, 9);
	tells(NULL); /* the next look alone */
}

static void test_begins_and_ends(void **state)
{
	(void)state;
	listens("");
	look(1, 2, 0);
	tells(NULL); /* full, and nobody was dropped */
	look(2, 2, 3);
	tells("begin queue=2/1 dropped=3");
	look(3, 2, 5);
	tells(NULL);
	look(4, 2, 5);
	tells(NULL); /* full still: whoever was dropped comes again later */
	look(5, 0, 6);
	tells(NULL);
	look(6, 0, 6);
	tells("end queue=0/1 dropped=6");
	look(7, 0, 6);
	tells(NULL);
	look(8, 2, 7);
	tells("begin queue=2/1 dropped=1");
}

static void test_ends_while_full(void **state)
{
	(void)state;
	listens("");
	look(1, 2, 3);
	tells("begin queue=2/1 dropped=3");
	look(10, 2, 3);
	tells(NULL);
	look(11, 2, 3);
	tells("end queue=2/1 dropped=3");
}

/* What is dropped for a queue that has room is something else. */
static void test_stray_packets(void **state)
{
	(void)state;
	listens("");
	look(1, 1, 3);
	tells(NULL);
	look(2, 2, 3);
	tells(NULL);
	look(3, 0, 9); /* full before */
	tells("begin queue=0/1 dropped=6");
}

static void test_dropped_before_the_trace(void **state)
{
	(void)state;
	story_tell(&story, "0 look");
	story_tell(&story, "0 seed-file A LISTEN 10.0.0.1:80>0.0.0.0:0 p100");
	story_tell(&story, "0 found");
	look(1, 2, 50);
	tells(NULL);
	look(2, 2, 51);
	tells("begin queue=2/1 dropped=1");
}

static void test_listener_ends(void **state)
{
	(void)state;
	listens("");
	look(1, 2, 3);
	story.out_len = 0;
	story_tell(&story, "2000000 closed A LISTEN>CLOSE shutdown");
	tells("end queue=2/1 dropped=3");
	look(3, 2, 9);
	tells(NULL);
}

/* Another socket, or none, is at the address by now. */
static void test_not_the_listener(void **state)
{
	struct wire_listener l = {.waiting = 2, .limit = 1, .dropped = 3, .state = STATE_LISTEN};
	struct table_round round = {0};
	struct wire_listener asked;

	(void)state;
	listens("");
	assert_int_equal(table_listeners(story.table, &round, &asked, 1), 1);
	story.out_len = 0;
	l.sk = asked.sk;
	l.cookie = 2;
	table_listeners_seen(story.table, &l, 1, EPOCH_NS + SEC);
	l.cookie = 1;
	l.state = STATE_CLOSE;
	table_listeners_seen(story.table, &l, 1, EPOCH_NS + SEC);
	l.state = STATE_LISTEN;
	l.sk += 8;
	table_listeners_seen(story.table, &l, 1, EPOCH_NS + SEC);
	tells(NULL);
}

/* However many share a port, and whatever fits into one list. */
static void test_every_listener(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "0 open %c CLOSE>LISTEN 10.0.0.1:%d>0.0.0.0:0 p100 cookie=%d", 'A' + i,
			 i % 3 ? 80 : 80 + i, i + 1);
		story_tell(&story, line);
	}
	for (size_t max = 1; max <= 21; max++) {
		struct table_round round = {0};
		struct wire_listener list[21], all[64];
		size_t n, count = 0;

		while ((n = table_listeners(story.table, &round, list, max)) > 0) {
			assert_true(count + n <= 20);
			memcpy(all + count, list, n * sizeof(*list));
			count += n;
		}
		assert_int_equal(count, 20);
		for (size_t i = 0; i < count; i++) {
			for (size_t k = 0; k < i; k++)
				assert_int_not_equal(all[i].sk, all[k].sk);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_begins_and_ends),    TEST(test_ends_while_full),
		TEST(test_stray_packets),      TEST(test_dropped_before_the_trace),
		TEST(test_listener_ends),      TEST(test_not_the_listener),
		TEST(test_every_listener),     TEST(test_between_two_looks),
		TEST(test_beside_another_one), TEST(test_counted_before_it_is_seen),
	};

	return cmocka_run_group_tests_name("overflow", tests, NULL, NULL);
}
