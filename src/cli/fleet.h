/* SPDX-License-Identifier: GPL-2.0-only */
/* fleet.h - `history` of a fleet's database instead of a store; the exit code. */
#ifndef SOCKWATCH_CLI_FLEET_H
#define SOCKWATCH_CLI_FLEET_H

#include "options.h"

int fleet_history(const struct options *options);

#endif
