/* SPDX-License-Identifier: GPL-2.0-only */
/* by.h - what --by has in common: how many groups have room, and how they are printed. */
#ifndef SOCKWATCH_BY_H
#define SOCKWATCH_BY_H

#include "group_writer.h"
#include "options.h"

/* 0 and NULL where there is no --by; or the exit code after saying why. */
int by_open(const struct options *options, struct groups **ret);
/* Says, too, where groups found no room. */
void by_write(const struct options *options, struct groups *g, const struct group_style *style,
	      struct buffer *out);

#endif
