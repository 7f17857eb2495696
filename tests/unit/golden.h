/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * golden.h - compares what a test produced to a file in tests/golden, line by line.
 *
 * Run from the top of the tree; UPDATE_GOLDEN=1 in the environment rewrites the files instead.
 */
#ifndef SOCKWATCH_GOLDEN_H
#define SOCKWATCH_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>

/* False, with the differing lines on stderr, when the file tests/golden/`name` holds other bytes.
 */
bool golden_matches(const char *name, const char *data, size_t len);

#endif
