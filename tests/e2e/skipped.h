/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * skipped.h - changes of state for which the kernel ran no program, as an observer sees it that is none.
 *
 * Owns: a perf counter of sock:inet_sock_set_state, and the runs of the tracer's second copy there.  Refuses to know: why.
 * Some kernels run no program while certain tasks are interrupted; what happens then nobody is told, but perf counts it.
 *
 *     skipped_begin(&s, t->pid);	// once its hooks are attached
 *     ...
 *     if (skipped_count(&s) > 0) ...	// while it still runs
 *     skipped_end(&s);
 */
#ifndef E2E_SKIPPED_H
#define E2E_SKIPPED_H

#include <stdint.h>
#include <sys/types.h>

struct skipped {
	int program; /* -1: not found */
	uint64_t changes, runs;
};

/* Without perf or tracefs nothing is counted. */
void skipped_begin(struct skipped *s, pid_t tracer);
/* Since skipped_begin(): exact, unless the host never rests for some microseconds; then rather too few, and maybe
 * less than 0. */
int64_t skipped_count(const struct skipped *s);
void skipped_end(struct skipped *s);

#endif
