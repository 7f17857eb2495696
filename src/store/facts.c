// SPDX-License-Identifier: GPL-2.0-only
/* facts.c - what a row packs into few numbers. */
#include "store_private.h"

#include <string.h>

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

/* ---- parents ---- */

enum parent_flag {
	PARENT_HAS_ARGS = 1,
	PARENT_ARGS_CUT = 2,
};

static uint8_t *put_number(uint8_t *p, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		*p++ = (uint8_t)(value >> 8 * i);
	return p;
}

static uint64_t take_number(const uint8_t **p, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value |= (uint64_t)*(*p)++ << 8 * i;
	return value;
}

static uint8_t *put_text(uint8_t *p, const char *text, size_t len)
{
	*p++ = (uint8_t)len;
	memcpy(p, text, len);
	return p + len;
}

size_t parents_pack(uint8_t *out, const struct process *process, int64_t wall_offset_ns)
{
	uint8_t *p = out;

	for (uint32_t i = 0; i < process->parent_count; i++) {
		const struct program *parent = process->parent[i];
		bool cut = parent->args && (parent->args_cut || parent->args_len > PARENT_ARGS);
		size_t len = parent->args_len < PARENT_ARGS ? parent->args_len : PARENT_ARGS;

		p = put_number(p, parent->pid, 4);
		p = put_number(p,
			       parent->start_ns ? parent->start_ns + (uint64_t)wall_offset_ns : 0, 8);
		*p++ = (uint8_t)((parent->args ? PARENT_HAS_ARGS : 0) | (cut ? PARENT_ARGS_CUT : 0));
		p = put_text(p, parent->name, strnlen(parent->name, PROCESS_NAME_SIZE - 1));
		p = put_text(p, parent->args ? parent->args : "", parent->args ? len : 0);
	}
	return (size_t)(p - out);
}

/* One parent, its texts pointing into the bytes; false where they end before it does. */
static bool take_parent(const uint8_t **at, const uint8_t *end, struct program *ret)
{
	const uint8_t *p = *at;
	uint8_t flags, len;

	if (end - p < 15)
		return false;
	*ret = (struct program){.pid = (uint32_t)take_number(&p, 4)};
	ret->start_ns = take_number(&p, 8);
	flags = *p++;
	len = *p++;
	if (len >= PROCESS_NAME_SIZE || end - p <= len || memchr(p, '\0', len))
		return false;
	memcpy(ret->name, p, len);
	p += len;
	len = *p++;
	if (len > PARENT_ARGS || end - p < len || !ret->pid || ret->start_ns > INT64_MAX)
		return false;
	if (flags & PARENT_HAS_ARGS) {
		ret->args = (const char *)p;
		ret->args_len = len;
		ret->args_cut = flags & PARENT_ARGS_CUT;
	}
	*at = p + len;
	return true;
}

void parents_unpack(struct process *ret, const uint8_t *bytes, size_t len)
{
	const uint8_t *end = bytes + len;
	struct program parent;

	ret->parents_known = true;
	while (ret->parent_count < PROCESS_PARENTS && bytes < end &&
	       take_parent(&bytes, end, &parent)) {
		ret->parent[ret->parent_count] = program_copy(&parent);
		if (!ret->parent[ret->parent_count])
			break;
		ret->parent_count++;
	}
}
