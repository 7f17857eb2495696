// SPDX-License-Identifier: GPL-2.0-only
/* filter_budget.c - the filter on sockets of a look at local ports. */
#include <netinet/in.h>
#include <string.h>

#include "budget.h"
#include "filter.h"

static struct endpoint map_end(const struct endpoint *e)
{
	struct endpoint mapped = {.addr = {[10] = 0xff, [11] = 0xff}, .port = e->port};

	memcpy(mapped.addr + 12, e->addr, 4);
	return mapped;
}

bool filter_match_use(const struct filter *f, const struct port_use *u)
{
	struct event event = {
		.kind = EVENT_STATE,
		.protocol = u->protocol,
		.family = u->mapped ? FAMILY_IPV6 : u->family,
		.mapped = u->mapped,
		.has_local = true,
		.has_peer = u->peer.port != 0,
		.netns = u->netns,
		.local = u->mapped ? map_end(&u->local) : u->local,
		.peer = u->mapped ? map_end(&u->peer) : u->peer,
		.process = u->owner,
	};

	event.state.to = u->minisock ? STATE_TIME_WAIT : u->state;
	if (u->protocol == IPPROTO_UDP && !u->peer.port)
		event.state.to = STATE_NONE;
	event.state.from = event.state.to;
	return filter_match_ends(f, &event) && filter_match_process(f, event.process);
}

bool filter_asks_socket(const struct filter *f)
{
	return f->tcp || f->udp || f->ipv4 || f->ipv6 || f->ports.count || f->local_ports.count ||
	       f->peer_ports.count || f->cidr_count || f->states || f->inet_count || f->listening ||
	       filter_asks_process(f);
}
