// SPDX-License-Identifier: GPL-2.0-only
/* facts.c - what a row packs into few numbers. */
#include "store_private.h"

unsigned int scale_of(uint64_t ns)
{
	uint64_t limit = 1000000000u;
	unsigned int scale = 0;

	for (; scale < SCALES - 1 && ns >= limit; limit *= 10)
		scale++;
	return scale;
}

uint64_t scale_max_ns(unsigned int scale)
{
	uint64_t limit = 1000000000u;

	if (scale >= SCALES - 1)
		return UINT64_MAX;
	while (scale-- > 0)
		limit *= 10;
	return limit;
}

size_t spans_pack(uint8_t *out, const struct event_close *close)
{
	uint8_t *p = out;

	for (unsigned int i = 0; i < close->span_count; i++) {
		uint64_t ns = close->spans[i].ns;
		unsigned int bytes = 0;

		while (bytes < 8 && ns >> (8 * bytes))
			bytes++;
		*p++ = (uint8_t)((unsigned int)close->spans[i].state << 4 | bytes);
		while (bytes-- > 0)
			*p++ = (uint8_t)(ns >> (8 * bytes));
	}
	return (size_t)(p - out);
}

void spans_unpack(struct event_close *close, const uint8_t *bytes, size_t len)
{
	close->span_count = 0;
	for (size_t at = 0; at < len && close->span_count < EVENT_MAX_STATES;) {
		unsigned int state = bytes[at] >> 4, more = bytes[at] & 15;
		uint64_t ns = 0;

		at++;
		if (state >= STATES || more > 8 || more > len - at)
			return;
		while (more-- > 0)
			ns = ns << 8 | bytes[at++];
		close->spans[close->span_count].state = (enum tcp_state)state;
		close->spans[close->span_count++].ns = ns;
	}
}
