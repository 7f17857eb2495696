/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * utf8.h - what bytes mean as UTF-8, and how wide a terminal shows them.
 *
 * Owns: decoding and column counting.  Refuses to know: locales (the host's may differ from the
 * reader's). Thread-safe.
 *
 *     size_t n = utf8_decode(bytes, len, &code);      // 0: bytes[0] begins no valid sequence
 */
#ifndef SOCKWATCH_OUTPUT_UTF8_H
#define SOCKWATCH_OUTPUT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length (1 to 4) of the sequence that `bytes` begins with, 0 when RFC 3629 does not allow it. */
size_t utf8_decode(const char *bytes, size_t len, uint32_t *ret_code);

/* Controls, spaces beyond the ASCII one, and what a terminal does not show or reorders the line
 * for. */
bool utf8_is_invisible(uint32_t code);

/*
 * How many leading bytes of valid UTF-8 fit into `columns`, whole characters only; *ret_used tells
 * how many columns these take.  O(len).
 */
size_t utf8_fit(const char *text, size_t len, unsigned int columns, unsigned int *ret_used);

#endif
