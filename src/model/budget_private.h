/* SPDX-License-Identifier: GPL-2.0-only */
/* budget_private.h - what the files of the budget have in common, for src/model/budget*.c only. */
#ifndef SOCKWATCH_BUDGET_PRIVATE_H
#define SOCKWATCH_BUDGET_PRIVATE_H

#include "budget.h"

/* Where a socket has its port; NULL: it was not added. */
struct budget_namespace *budget_space_of(const struct budget *b, const struct port_use *u);
/* A VRF is known by its sockets; it has the range of its namespace, and what a look did not see there. */
void budget_add_vrfs(struct budget *b);

#endif
