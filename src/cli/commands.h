/* SPDX-License-Identifier: GPL-2.0-only */
/* commands.h - one function per command; each returns the exit code of the program. */
#ifndef SOCKWATCH_COMMANDS_H
#define SOCKWATCH_COMMANDS_H

#include "kernel.h"
#include "options.h"

#define EXIT_LOST 4 /* done, but events were lost */

int command_trace(const struct options *options);
int command_ephemeral(const struct options *options);
int command_features(const struct options *options);

/* Opens the kernel side as the options say; NULL after saying why. */
struct kernel *command_open_kernel(const struct options *options);

#endif
