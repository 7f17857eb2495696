/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recording.h - what the kernel side would tell of one made-up host: the same bytes in every run and on every machine.
 *
 * Owns: the facts of four busy seconds.  Refuses to know: who reads them.  Nothing is random, asks the machine or depends on
 * the time.
 *
 *     struct recording r = {0};
 *     recording_make(&r, now_ns);
 *     for (at = 0; (e = recording_next(&r, &at));) ... e->process ? process_fact_decode(...) : fact_decode(...)
 */
#ifndef SOCKWATCH_TEST_RECORDING_H
#define SOCKWATCH_TEST_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recording {
	uint8_t *data;
	size_t len, cap;
	unsigned int facts;
};

struct recorded {
	uint64_t time_ns;
	uint32_t size;
	bool process; /* struct wire_process, else struct wire_fact and what follows it */
	_Alignas(8) uint8_t bytes[];
};

#define RECORDED_NETNS	 4026531840u
#define RECORDED_FACTS	 20000
#define RECORDED_STEP_NS 200000u /* 5,000 facts a second */

/* Ends the process without memory, as the rest of it. */
void recording_make(struct recording *r, uint64_t begin_ns);
/* The record at *at, which is moved behind it; NULL at the end. */
const struct recorded *recording_next(const struct recording *r, size_t *at);
void recording_append(struct recording *r, const void *bytes, size_t len);

#endif
