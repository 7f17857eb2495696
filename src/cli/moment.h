/* SPDX-License-Identifier: GPL-2.0-only */
/* moment.h - a clock as nanoseconds, for commands that ask no kernel side: it opens no file, so it can be asked without rights. */
#ifndef SOCKWATCH_CLI_MOMENT_H
#define SOCKWATCH_CLI_MOMENT_H

#include <stdint.h>
#include <time.h>

#include "units.h"

static inline uint64_t moment(clockid_t clock)
{
	struct timespec t = {0};

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

#endif
