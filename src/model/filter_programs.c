// SPDX-License-Identifier: GPL-2.0-only
/* filter_programs.c - what of a filter the programs can decide before they make a fact. */
#include <string.h>

#include "filter.h"
#include "wire_filter.h"

static void set_ports(const struct units_ranges *ranges, struct wire_filter *f,
		      struct wire_filter_ports *ports)
{
	memset(ports, 0, sizeof(*ports));
	f->lowest = UINT16_MAX;
	f->highest = 0;
	for (size_t i = 0; i < ranges->count; i++) {
		const struct units_range *r = &ranges->item[i];

		for (uint64_t port = r->low; port <= r->high; port++)
			ports->bits[port / 64] |= UINT64_C(1) << port % 64;
		f->lowest = r->low < f->lowest ? (uint16_t)r->low : f->lowest;
		f->highest = r->high > f->highest ? (uint16_t)r->high : f->highest;
	}
}

bool filter_for_programs(const struct filter *f, struct wire_filter *ret,
			 struct wire_filter_ports *ports)
{
	*ret = (struct wire_filter){
		.netns = f->has_netns ? f->netns : 0,
		.without_tcp = f->udp && !f->tcp,
		.without_udp = f->tcp && !f->udp,
	};
	/* All lists must hold, so any of them may decide alone. */
	if (f->peer_ports.count > 0) {
		ret->ends = WIRE_FILTER_PEER;
		set_ports(&f->peer_ports, ret, ports);
	} else if (f->local_ports.count > 0) {
		ret->ends = WIRE_FILTER_LOCAL;
		set_ports(&f->local_ports, ret, ports);
	} else if (f->ports.count > 0) {
		ret->ends = WIRE_FILTER_LOCAL | WIRE_FILTER_PEER;
		set_ports(&f->ports, ret, ports);
	}
	return ret->netns || ret->without_tcp || ret->without_udp || ret->ends;
}
