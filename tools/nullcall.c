/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nullcall - what the cheapest system call costs here and now, in nanoseconds.
 *
 *     nullcall          {"ns":86.1,"ns_median":86.4,"calls":4000000}
 *
 * A tracer that hooks a system call's entry or exit makes every call of the host take the slow way;
 * getppid() does nothing, so all that is added shows.  Many short batches: the fastest is the cost
 * without interruptions, the median tells how busy the machine was.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 400
#define CALLS	10000

static double batch_ns(void)
{
	struct timespec a, b;
	int i;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / CALLS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static double ns[BATCHES];
	int i;

	for (i = 0; i < BATCHES; i++)
		ns[i] = batch_ns();
	qsort(ns, BATCHES, sizeof(ns[0]), compare);
	printf("{\"ns\":%.1f,\"ns_median\":%.1f,\"calls\":%d}\n", ns[0], ns[BATCHES / 2],
	       BATCHES * CALLS);
	return 0;
}
