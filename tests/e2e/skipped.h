/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * skipped.h - changes of state for which the kernel ran no program, as an observer sees it that is none.
 *
 * Owns: a perf counter of sock:inet_sock_set_state, and the runs of the tracer's second copy there.  Refuses to know: why.
 * Some kernels run no program while certain tasks are interrupted; what happens then nobody is told, but perf counts it.
 *
 *     skipped_begin(t->pid);		// once its hooks are attached
 *     ...
 *     if (skipped_count() > 0) ...	// while it still runs
 */
#ifndef E2E_SKIPPED_H
#define E2E_SKIPPED_H

#include <stdint.h>
#include <sys/types.h>

/* Without perf or tracefs nothing is counted. */
void skipped_begin(pid_t tracer);
/* Since skipped_begin(), rather too few than too many. */
uint64_t skipped_count(void);

#endif
