/* SPDX-License-Identifier: GPL-2.0-only */
/* budget_map.h - a range of ports as a picture in characters. */
#ifndef SOCKWATCH_BUDGET_MAP_H
#define SOCKWATCH_BUDGET_MAP_H

#include "budget_writer.h"

/* In lines of the report's columns; what most ports of a stretch are taken by. */
void budget_put_map(struct buffer *out, const struct budget_report *report,
		    const struct budget_namespace *ns);

#endif
