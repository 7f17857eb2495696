// SPDX-License-Identifier: GPL-2.0-only
/* clock.c - the clock of the facts, and how far the wall's is from it. */
#include "kernel.h"

#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t kernel_now(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

int64_t kernel_wall_offset(void)
{
	uint64_t before = clock_ns(CLOCK_BOOTTIME), wall = clock_ns(CLOCK_REALTIME);
	uint64_t after = clock_ns(CLOCK_BOOTTIME);

	return (int64_t)(wall - (before + (after - before) / 2));
}
