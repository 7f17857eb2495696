// SPDX-License-Identifier: GPL-2.0-only
/* Which hooks are used when the kernel refuses some: the real loop over a kernel that is made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../src/kernel/plan.h"

#define T TIER_TRAMPOLINES
#define P TIER_TRACEPOINTS
#define B TIER_BOTH

static const struct kernel_hook rows[] = {
	{.fact = "state", .program = "state", .tier = B},
	{.fact = "bind", .program = "t-bind4", .tier = T},
	{.fact = "bind", .program = "t-bind6", .tier = T},
	{.fact = "listen", .program = "t-listen", .tier = T},
	{.fact = "connect", .program = "t-connect", .tier = T},
	{.fact = "accept", .program = "t-accept", .tier = T},
	{.fact = "send", .program = "t-send", .tier = T},
	{.fact = "time-wait", .program = "t-tw", .tier = T},
	{.fact = "connect, listen", .program = "p-ports", .tier = P},
	{.fact = "bind", .program = "p-bind", .tier = P},
	{.fact = "bind", .program = "p-bind-enter", .tier = P},
	{.fact = "listen", .program = "p-listen", .tier = P},
	{.fact = "connect", .program = "p-connect", .tier = P},
	{.fact = "accept", .program = "p-accept", .tier = P},
	{.fact = "send", .program = "p-send", .tier = P},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool in(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(list, word); at; at = strstr(at + 1, word)) {
		if ((at == list || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
			return true;
	}
	return false;
}

/* Tries, marks what this kernel refuses, and plans again until all that is tried works. */
static void settle(enum kernel_choice choice, const char *refused, const char *needless,
		   struct plan *ret)
{
	static struct kernel_hook hooks[ROWS];
	static bool not_needed[ROWS];
	unsigned int rounds = 0;
	bool failed = true;

	memcpy(hooks, rows, sizeof(rows));
	for (size_t i = 0; i < ROWS; i++) {
		hooks[i].status = HOOK_UNUSED;
		not_needed[i] = in(needless, hooks[i].program);
	}
	while (failed) {
		assert_true(rounds++ <= ROWS);
		plan_make(ret, hooks, not_needed, ROWS, choice);
		failed = false;
		for (size_t i = 0; i < ROWS; i++) {
			if (!ret->load[i])
				continue;
			assert_int_not_equal(hooks[i].status, HOOK_FAILED);
			if (in(refused, hooks[i].program)) {
				hooks[i].status = HOOK_FAILED;
				failed = true;
			}
		}
	}
}

static void check(enum kernel_choice choice, const char *refused, const char *needless,
		  enum kernel_tier tier, const char *used)
{
	struct plan plan;

	settle(choice, refused, needless, &plan);
	for (size_t i = 0; i < ROWS; i++) {
		if (plan.load[i] != in(used, rows[i].program))
			fail_msg("refused '%s': %s is %sused", refused, rows[i].program,
				 plan.load[i] ? "" : "not ");
	}
	assert_int_equal(plan.tier, tier);
}

#define ALL_T "t-bind4 t-bind6 t-listen t-connect t-accept t-send"
#define ALL_P "p-ports p-bind p-bind-enter p-listen p-connect p-accept p-send"

static void a_tier_that_works_is_taken_whole(void **state)
{
	(void)state;
	check(HOOKS_AUTO, "", "", T, "state t-tw " ALL_T);
	check(HOOKS_AUTO, ALL_T " t-tw", "", P, "state " ALL_P);
	check(HOOKS_TRACEPOINTS, "", "", P, "state " ALL_P);
	check(HOOKS_TRAMPOLINES, "", "", T, "state t-tw " ALL_T);
}

static void one_that_fails_changes_its_fact_only(void **state)
{
	(void)state;
	check(HOOKS_AUTO, "t-listen", "", B,
	      "state t-tw t-bind4 t-bind6 t-connect t-accept t-send p-ports p-listen");
	check(HOOKS_AUTO, "t-accept", "", B,
	      "state t-tw t-bind4 t-bind6 t-listen t-connect t-send p-accept");
	check(HOOKS_AUTO, "t-send", "", B,
	      "state t-tw t-bind4 t-bind6 t-listen t-connect t-accept p-send");
	check(HOOKS_AUTO, "t-tw", "", T, "state " ALL_T);
}

static void no_fact_is_told_by_both(void **state)
{
	(void)state;
	/* t-bind4 works and is not used: IPv4 would be told twice. */
	check(HOOKS_AUTO, "t-bind6", "", B,
	      "state t-tw t-listen t-connect t-accept p-bind p-bind-enter p-send");
}

static void ports_of_sends_need_both_notes(void **state)
{
	(void)state;
	check(HOOKS_AUTO, "t-connect", "", B,
	      "state t-tw t-bind4 t-bind6 t-listen t-accept p-ports p-connect p-send");
}

static void the_rest_of_the_last_way_stays(void **state)
{
	(void)state;
	check(HOOKS_AUTO, "t-bind6 p-bind-enter", "", B,
	      "state t-tw t-listen t-connect t-accept p-bind p-send");
	check(HOOKS_AUTO, "t-bind6 p-bind p-bind-enter", "", T,
	      "state t-tw t-bind4 t-listen t-connect t-accept t-send");
	check(HOOKS_TRAMPOLINES, "t-bind6", "", T,
	      "state t-tw t-bind4 t-listen t-connect t-accept t-send");
	check(HOOKS_TRACEPOINTS, "p-ports", "", P,
	      "state p-bind p-bind-enter p-listen p-connect p-accept p-send");
}

static void a_needless_row_fails_nothing(void **state)
{
	(void)state;
	check(HOOKS_AUTO, "t-bind6", "t-bind6", T,
	      "state t-tw t-bind4 t-listen t-connect t-accept t-send");
}

static void every_single_refusal_leaves_every_fact(void **state)
{
	static const char *const facts[] = {"bind", "listen", "connect", "accept", "send"};
	struct plan plan;

	(void)state;
	for (size_t r = 0; r < ROWS; r++) {
		settle(HOOKS_AUTO, rows[r].program, "", &plan);
		for (size_t f = 0; f < sizeof(facts) / sizeof(facts[0]); f++) {
			size_t by[3] = {0};

			for (size_t i = 0; i < ROWS; i++) {
				/* p-ports gives two facts and is told which of them to give. */
				if (plan.load[i] && strcmp(rows[i].fact, facts[f]) == 0)
					by[rows[i].tier]++;
			}
			assert_true((by[T] > 0) != (by[P] > 0));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tier_that_works_is_taken_whole),
		cmocka_unit_test(one_that_fails_changes_its_fact_only),
		cmocka_unit_test(no_fact_is_told_by_both),
		cmocka_unit_test(ports_of_sends_need_both_notes),
		cmocka_unit_test(the_rest_of_the_last_way_stays),
		cmocka_unit_test(a_needless_row_fails_nothing),
		cmocka_unit_test(every_single_refusal_leaves_every_fact),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
