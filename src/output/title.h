/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * title.h - what a process is called in a column: its name, and of an interpreter the script: "python3 web-app.py".
 *
 * A script that does not fit into TITLE_COLUMNS together with the name is cut, with a mark.
 */
#ifndef SOCKWATCH_OUTPUT_TITLE_H
#define SOCKWATCH_OUTPUT_TITLE_H

#include "process.h"

#define TITLE_COLUMNS 20
#define TITLE_SIZE    (4 * PROCESS_NAME_SIZE + 4 * TITLE_COLUMNS + 8)

/* Escaped, TITLE_SIZE bytes at most, no NUL; returns how many.  0 where it has no name. */
size_t title_format(char *out, const struct process *p);

#endif
