// SPDX-License-Identifier: GPL-2.0-only
/* report_ports.c - which ports were in use when, and what is known of the range they are taken from. */
#include "report_private.h"

#include <stdlib.h>
#include <string.h>

#define PORTS 65536

void ports_free(struct report_space *s)
{
	for (size_t b = 0; b < REPORT_BUCKETS; b++)
		free(s->bits[b]);
	free(s->mark);
	free(s);
}

struct report_space *report_space(const struct report *r, uint32_t netns)
{
	for (size_t i = 0; i < r->space_count; i++) {
		if (r->space[i]->netns == netns)
			return r->space[i];
	}
	return NULL;
}

struct report_space *ports_space(struct report *r, const struct event *e)
{
	struct report_space *s = report_space(r, e->netns);

	if (s)
		return s;
	if (r->space_count == REPORT_SPACES) {
		r->spaceless++;
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (s)
		s->mark = calloc(PORTS, 1);
	if (!s || !s->mark) {
		free(s);
		r->no_memory = true;
		return NULL;
	}
	s->netns = e->netns;
	if (e->netns_name) {
		s->away = true;
		memcpy(s->name, e->netns_name, strnlen(e->netns_name, sizeof(s->name) - 1));
	}
	r->space[r->space_count++] = s;
	return s;
}

void ports_use(struct report *r, struct report_space *s, uint16_t port, uint64_t from, uint64_t to)
{
	if (to < r->from_ns || from > r->to_ns)
		return;
	for (size_t i = report_step(r, from); i <= report_step(r, to); i++) {
		if (!s->bits[i] && !(s->bits[i] = calloc(PORTS / 8, 1))) {
			r->no_memory = true;
			return;
		}
		s->bits[i][port / 8] |= (uint8_t)(1u << port % 8);
	}
}

void ports_mark(struct report_space *s, uint16_t port, enum report_mark mark)
{
	if (s->mark[port] < mark)
		s->mark[port] = (uint8_t)mark;
}

void ports_take_range(struct report *r, const struct event *e)
{
	const struct event_trouble *t = e->trouble;
	struct report_space *s;

	if (!t || !t->has_range || t->low > t->high || !(s = r->here))
		return;
	s->ranges_differ |= s->has_range &&
			    (s->low != t->low || s->high != t->high || s->reserved != t->reserved);
	s->has_range = true;
	s->low = t->low;
	s->high = t->high;
	s->reserved = t->reserved;
	s->range_ns = e->time_ns;
	s->used = s->used > t->used ? s->used : t->used;
}

void ports_count(struct report_space *s, size_t buckets)
{
	uint32_t low = s->has_range ? s->low : 1, high = s->has_range ? s->high : PORTS - 1;

	for (uint32_t port = low; port <= high; port++) {
		bool seen = false;

		for (size_t b = 0; b < buckets; b++) {
			bool used = s->bits[b] && s->bits[b][port / 8] & 1u << port % 8;

			s->in_use[b] += used;
			seen |= used;
		}
		s->distinct += seen;
	}
	for (size_t b = 0; b < buckets; b++)
		s->in_use_most = s->in_use_most > s->in_use[b] ? s->in_use_most : s->in_use[b];
}
