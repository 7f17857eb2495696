/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scenario.h - one thing a user may rely on, tried against the running kernel.
 *
 * Owns: the verdict of a scenario and the deadlines.  A scenario is a straight story;
 * scenario_fail() and scenario_skip() leave it by longjmp, so it owns nothing but peers and
 * tracers, which the runner takes back.
 *
 *     static void refused(void) { ... scenario_fail("connect gave %ld", err); }
 *     const struct scenario close_scenarios[] = {{"close-refused", refused}, {0}};
 */
#ifndef E2E_SCENARIO_H
#define E2E_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

struct line;

struct scenario {
	const char *name;
	void (*run)(void);
};

extern const struct scenario seed_scenarios[], owner_scenarios[], namespace_scenarios[],
	thread_scenarios[], port_scenarios[], bind_scenarios[], close_scenarios[],
	reset_scenarios[], connect_scenarios[], uring_scenarios[], compat_scenarios[],
	protocol_scenarios[], name_scenarios[], run_scenarios[], split_scenarios[],
	ending_scenarios[], filter_scenarios[], filter_netns_scenarios[], loss_scenarios[],
	room_scenarios[], udp_scenarios[], budget_scenarios[], budget_udp_scenarios[],
	time_wait_scenarios[], holders_scenarios[], tuple_scenarios[], handover_scenarios[],
	listing_scenarios[], unix_scenarios[], btf_scenarios[], flood_scenarios[],
	flood_apart_scenarios[], asked_scenarios[], headless_scenarios[], unheld_scenarios[],
	kernel_scenarios[], redirect_scenarios[], bound_scenarios[], failure_scenarios[],
	refusal_scenarios[], ends_scenarios[], cut_scenarios[], overflow_scenarios[],
	process_scenarios[], same_scenarios[];

__attribute__((noreturn, format(printf, 1, 2))) void scenario_fail(const char *format, ...);
/* `format` says what was probed and found missing. */
__attribute__((noreturn, format(printf, 1, 2))) void scenario_skip(const char *format, ...);
/* Printed below the verdict if the scenario fails. */
void scenario_show(const struct line *line);
__attribute__((format(printf, 1, 2))) void scenario_note(const char *format, ...);
/* With --story: printed as "STORY <scenario> <line>", for a comparison of two tiers. */
void scenario_tell(const struct line *line);

/* `value`, or the end of the scenario when it is a negative errno. */
long must(const char *what, long value);

/* A moment `ms` ahead on a slow machine's clock (AGENT_SLOW scales it), and whether it has passed.
 */
uint64_t deadline_in(unsigned int ms);
/* scen_process.c: what `agent --connect PORT` does in place of scenarios; its exit code. */
int process_connect_and_exit(const char *port);

/* Milliseconds to `deadline`, 0 once it is over. */
int deadline_left(uint64_t deadline);

/* --kernel: what is done again and again to be sure is done less often. */
bool scenario_is_brief(void);

#endif
