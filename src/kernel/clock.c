// SPDX-License-Identifier: GPL-2.0-only
/* clock.c - the clock of the facts, and how far the wall's is from it. */
#include "clock.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "kernel.h"
#include "units.h"

static int64_t shift_ns;

/* "boottime  172800  0": seconds and nanoseconds, of a time namespace (Linux 5.6); the initial one has zeros. */
static void read_shift(void)
{
	FILE *file = fopen("/proc/self/timens_offsets", "re");
	char name[16];
	long long seconds;
	long nanoseconds;

	while (file && fscanf(file, "%15s %lld %ld", name, &seconds, &nanoseconds) == 3) {
		if (name[0] == 'b' || name[0] == '7') /* or its number */
			shift_ns = seconds * (int64_t)NSEC_PER_SEC + nanoseconds;
	}
	if (file)
		fclose(file);
}

int64_t clock_shift_ns(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_shift);
	return shift_ns;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

uint64_t kernel_now(void)
{
	return clock_ns(CLOCK_BOOTTIME) - (uint64_t)clock_shift_ns();
}

int64_t kernel_wall_offset(void)
{
	uint64_t before = kernel_now(), wall = clock_ns(CLOCK_REALTIME), after = kernel_now();

	return (int64_t)(wall - (before + (after - before) / 2));
}
