/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * features.h - what the program under test says of itself: which hooks it took, and what they miss.
 *
 * Owns: one run of `features -o json` for each choice of hooks that the agent uses.
 * Refuses to know: what that should be.
 *
 *     if (!features_attached("fentry/inet_twsk_kill"))
 *             scenario_skip("features says that the end of TIME_WAIT is not seen");
 */
#ifndef E2E_FEATURES_H
#define E2E_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#define FEATURES_HOOKS 64

/* A program is attached to the hook ("fexit/inet_bind"); ends the scenario where no such hook is listed. */
bool features_attached(const char *hook);
/* An attached program is said to miss something whose description has `words`. */
bool features_miss(const char *words);
/* The trampolines that are attached, each hook once; returns how many. */
size_t features_trampolines(char ret[FEATURES_HOOKS][64]);

#endif
