/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * title.h - what a process is called: "nginx[901]", and of an interpreter the script behind it: "python3[12636] web-app.py".
 *
 * Everything is escaped, and without a NUL.
 */
#ifndef SOCKWATCH_OUTPUT_TITLE_H
#define SOCKWATCH_OUTPUT_TITLE_H

#include "process.h"

#define OWNER_SIZE  (4 * PROCESS_NAME_SIZE + 16)
/* Bytes of a script's name that are shown: as many as a file's may have. */
#define SCRIPT_MAX  255
#define TITLE_SIZE  (OWNER_SIZE + 4 * SCRIPT_MAX + 8)

/* "nginx[901]", into OWNER_SIZE bytes; returns how many it takes. */
size_t title_owner(char *out, const char *name, uint32_t pid);
/* With the script, into TITLE_SIZE bytes; `pid` false leaves the number out. */
size_t title_format(char *out, const struct process *p, bool pid);

#endif
