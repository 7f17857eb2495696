/* SPDX-License-Identifier: GPL-2.0-only */
/* confine_private.h - what confine.c has in files of their own: places and system calls. */
#ifndef SOCKWATCH_CONFINE_PRIVATE_H
#define SOCKWATCH_CONFINE_PRIVATE_H

#include "confine.h"

/* confine_files.c: the places as a descriptor; then for good, and closes it.  Each -errno. */
int confine_open_rules(const struct confine *wish);
int confine_enter_rules(int rules);

/* confine_calls.c: 0 or -errno. */
int confine_filter_calls(const struct confine *wish);

#endif
