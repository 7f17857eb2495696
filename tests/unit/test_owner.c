// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "owner.h"
#include "table.h"

#define MAX_HOLDERS 6

/* ---- the rule ---- */

static const struct rule_case {
	const char *what;
	uint32_t named, owner; /* pids, 0 nobody */
	struct owner_holder holder[MAX_HOLDERS];
} cases[] = {
	{"one holder", 0, 10, {{10, 1, false, 0}}},
	{"one holder, another bound it and closed it", 9, 10, {{10, 9, false, 0}}},
	{"one process by two descriptors", 0, 10, {{10, 1, false, 0}, {10, 1, false, 0}}},
	{"a master and its workers",
	 0,
	 10,
	 {{10, 1, false, 0}, {11, 10, false, 0}, {12, 10, false, 0}}},
	{"a master of a higher pid than its workers",
	 0,
	 90,
	 {{11, 90, false, 0}, {12, 90, false, 0}, {90, 1, false, 0}}},
	{"workers, the master has ended", 10, 0, {{11, 1, false, 0}, {12, 1, false, 0}}},
	{"workers, the master has closed it", 10, 0, {{11, 10, false, 0}, {12, 10, false, 0}}},
	{"a worker and its child, the master has ended",
	 10,
	 11,
	 {{11, 1, false, 0}, {12, 11, false, 0}}},
	{"a chain of grandchildren",
	 0,
	 10,
	 {{12, 11, false, 0}, {11, 10, false, 0}, {10, 1, false, 0}}},
	{"a grandchild, its parent has closed it", 0, 0, {{10, 1, false, 0}, {12, 11, false, 0}}},
	{"init holds what it activated", 0, 1, {{1, 0, false, 0}, {20, 1, false, 0}}},
	{"init holds what orphans inherited",
	 0,
	 1,
	 {{30, 1, false, 0}, {1, 0, false, 0}, {20, 1, false, 0}}},
	{"unrelated, the maker has it open", 0, 20, {{10, 1, false, 0}, {20, 1, true, 0}}},
	{"a child made it and passed it to its parent",
	 0,
	 20,
	 {{10, 1, false, 0}, {20, 10, true, 0}}},
	{"unrelated, nobody knows who made it", 0, 0, {{10, 1, false, 0}, {20, 1, false, 0}}},
	{"who bound it goes before who made it", 10, 10, {{10, 1, false, 0}, {20, 1, true, 0}}},
	{"a worker that accepted it goes before its master",
	 11,
	 11,
	 {{10, 1, true, 0}, {11, 10, false, 0}}},
	{"who bound it has closed it: who made it", 9, 20, {{10, 1, false, 0}, {20, 1, true, 0}}},
	{"parents in a circle, pids were given again meanwhile",
	 0,
	 0,
	 {{10, 11, false, 0}, {11, 10, false, 0}}},
};

static size_t count_holders(const struct rule_case *c)
{
	size_t n = 0;

	while (n < MAX_HOLDERS && c->holder[n].pid)
		n++;
	return n;
}

static void test_the_rule_in_any_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rule_case *c = &cases[i];
		size_t count = count_holders(c);

		for (size_t turn = 0; turn < count; turn++) {
			struct owner_holder h[MAX_HOLDERS];
			const struct owner_holder *got;

			for (size_t k = 0; k < count; k++) {
				h[k] = c->holder[(k + turn) % count];
				h[k].index = (uint32_t)((k + turn) % count);
			}
			got = owner_choose(h, count, c->named);
			if ((got ? got->pid : 0) != c->owner)
				fail_msg("%s: %u, must be %u", c->what, got ? got->pid : 0,
					 c->owner);
			if (got)
				assert_int_equal(c->holder[got->index].pid, got->pid);
		}
	}
}

static void test_nobody_of_nobody(void **state)
{
	struct owner_holder none[1] = {{0}};

	(void)state;
	assert_null(owner_choose(none, 0, 10));
}

/* ---- a look ---- */

static void add(struct owner_look *look, uint64_t key, uint32_t pid, uint32_t parent, bool maker)
{
	struct process p = {.pid = pid, .tid = pid, .name = "p"};

	assert_true(owner_look_add(look, key, &p, parent, maker));
}

static void test_a_look_says_the_same(void **state)
{
	struct process_set *set = process_set_new(1000, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct owner_look *look = owner_look_new(set);
		const struct process *owner = NULL;

		assert_non_null(look);
		assert_false(owner_look_choose(look, 640, 10, &owner));
		assert_false(owner_look_knows(look, 640));
		for (size_t k = 0; k < count_holders(&cases[i]); k++) {
			const struct owner_holder *h = &cases[i].holder[k];

			add(look, 640, h->pid, h->parent, h->maker);
			add(look, 704, 5, 1, false);
		}
		assert_true(owner_look_choose(look, 640, cases[i].named, &owner));
		assert_int_equal(owner ? owner->pid : 0, cases[i].owner);
		assert_true(owner_look_knows(look, 640));
		assert_true(owner_look_choose(look, 704, 0, &owner));
		assert_int_equal(owner->pid, 5);
		owner_look_free(look);
		assert_int_equal(process_set_count(set), 0);
	}
	process_set_free(set);
}

#define SOCKETS 20000u
#define WORKERS 3u

static bool count_each(void *ctx, const struct process *p)
{
	assert_non_null(p);
	return ++*(unsigned int *)ctx < WORKERS;
}

static void test_many_sockets(void **state)
{
	struct process_set *set = process_set_new(1000, NULL, NULL);
	struct owner_look *look = owner_look_new(set);
	const struct process *owner;
	unsigned int visits = 0;

	(void)state;
	for (uint32_t worker = 0; worker < WORKERS; worker++) {
		for (uint64_t key = 1; key <= SOCKETS; key++)
			add(look, key * 64, 100 + worker, worker ? 100 : 1, false);
	}
	for (uint64_t key = 1; key <= SOCKETS; key++) {
		assert_true(owner_look_choose(look, key * 64, 0, &owner));
		assert_int_equal(owner->pid, 100);
	}
	assert_false(owner_look_each(look, 64, count_each, &visits));
	assert_int_equal(visits, WORKERS);
	assert_true(owner_look_each(look, 1, count_each, &visits));
	assert_int_equal(visits, WORKERS);
	owner_look_free(look);
	process_set_free(set);
}

static void test_no_room_for_a_process(void **state)
{
	struct process_set *set = process_set_new(1, NULL, NULL);
	struct owner_look *look = owner_look_new(set);
	const struct process *owner;

	(void)state;
	add(look, 64, 10, 1, false);
	add(look, 128, 11, 1, false);
	assert_true(owner_look_choose(look, 128, 0, &owner));
	assert_null(owner);
	owner_look_free(look);
	owner_look_free(NULL);
	process_set_free(set);
}

/* ---- in the table ---- */

#define KEY 640

static void ignore(void *ctx, const struct event *e)
{
	(void)ctx, (void)e;
}

static struct fact fact_of(enum wire_kind kind, uint64_t time_ns, const char *name)
{
	struct fact f = {
		.kind = kind,
		.netns = 7,
		.time_ns = time_ns,
		.sk = KEY,
		.cookie = 1,
		.family = FAMILY_IPV4,
		.protocol = IPPROTO_TCP,
		.to = STATE_LISTEN,
		.local = {.addr = {127, 0, 0, 1}, .port = 80},
		.has_task = true,
		.task = {.pid = 10, .tid = kind == WIRE_SEED_FILE ? 10 : 12},
	};

	strcpy(f.task.name, name);
	return f;
}

static void look(struct table *t, const struct fact *seed)
{
	uint64_t added, removed;

	table_seed_begin(t, seed->time_ns);
	table_seed(t, seed);
	table_seed_end(t, true, &added, &removed);
}

/* A look keeps the thread that made the call, and takes the name that exec() gave its process. */
static void test_a_look_takes_the_name_of_another_program(void **state)
{
	struct process_set *set = process_set_new(1000, NULL, NULL);
	struct table *t = table_new(100, set, ignore, NULL);
	struct fact f = fact_of(WIRE_OPEN, 1000, "server");

	(void)state;
	f.from = STATE_CLOSE;
	table_apply(t, &f);
	f = fact_of(WIRE_SEED_FILE, 2000, "server");
	look(t, &f);
	assert_int_equal(table_owner(t, KEY, 1)->tid, 12);
	f = fact_of(WIRE_SEED_FILE, 3000, "sleep");
	look(t, &f);
	assert_int_equal(table_owner(t, KEY, 1)->pid, 10);
	assert_string_equal(table_owner(t, KEY, 1)->name, "sleep");
	table_free(t);
	assert_int_equal(process_set_count(set), 0);
	process_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_rule_in_any_order),
		cmocka_unit_test(test_nobody_of_nobody),
		cmocka_unit_test(test_a_look_says_the_same),
		cmocka_unit_test(test_many_sockets),
		cmocka_unit_test(test_no_room_for_a_process),
		cmocka_unit_test(test_a_look_takes_the_name_of_another_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
