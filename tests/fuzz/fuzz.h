/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz.h - what the fuzz targets share: a cursor over the input, and judges of each output.
 *
 * Owns: strict readers of what the program writes, written apart from its writers.  Refuses to know: libFuzzer and files.  A
 * target is one function; a judge ends the process with a word on what it found.  One thread.
 *
 *     int fuzz_one(const uint8_t *data, size_t size) { struct input in = {data, size}; ... must_be_json(out, len); }
 */
#ifndef SOCKWATCH_FUZZ_H
#define SOCKWATCH_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fuzz_fail(__FILE__, __LINE__, #condition);                                 \
	} while (0)

/* The names are libFuzzer's.  `data` may be of any alignment. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void fuzz_fail(const char *file, int line, const char *what);

struct input {
	const uint8_t *at;
	size_t left;
};

/* The next byte or number; 0 behind the end. */
uint8_t input_8(struct input *in);
uint16_t input_16(struct input *in);
uint64_t input_64(struct input *in);
/*
 * At most `len` of the next bytes in an allocation of exactly their length, so that a sanitizer sees a read behind it; or with
 * a NUL behind them.  The caller frees.
 */
uint8_t *input_bytes(struct input *in, size_t len, size_t *ret_len);
char *input_string(struct input *in, size_t len);
/* The same of any bytes. */
uint8_t *exact_copy(const void *bytes, size_t len);

/* Lines of one JSON object each (RFC 8259, no key twice), valid UTF-8, nothing that a terminal obeys or turns around. */
void must_be_json(const char *text, size_t len);
/* Whole lines of valid UTF-8, only what is seen and, where `color`, sequences that set a colour; `lines` of them. */
void must_be_text(const char *text, size_t len, size_t lines, bool color);
/* One entry in the journal's format, with a message. */
void must_be_journal(const char *text, size_t len);

#endif
