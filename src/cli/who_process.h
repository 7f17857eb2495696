/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * who_process.h - what /proc tells of a process that has something, for `who`.
 *
 * Owns: the last one that was asked for.  One thread.
 */
#ifndef SOCKWATCH_WHO_PROCESS_H
#define SOCKWATCH_WHO_PROCESS_H

#include <linux/capability.h>

#include "options.h"
#include "procinfo.h"
#include "who_writer.h"

/* Capabilities: processes are read as they are told, and those of other users. */
#define WHO_TO_READ (1ull << CAP_SYS_PTRACE | 1ull << CAP_DAC_READ_SEARCH)

struct who_reader {
	const struct options *options;
	struct procinfo process; /* last asked for; procinfo_done() */
};

/* False where it has ended; the strings stay until the next call. */
bool who_read_process(struct who_reader *r, uint32_t pid, struct who_process *ret);

#endif
