// SPDX-License-Identifier: GPL-2.0-only
#include "interfaces.h"

#include <stdio.h>

#include "procinfo.h"

HASH_FUNCTIONS(interfaces, struct interface_name, item->ifindex,
	       hash_u64((uint64_t)item->netns << 32 | item->ifindex))

static const struct interface_name *find(const struct interfaces *i, uint32_t netns,
					 uint32_t ifindex)
{
	struct interface_name *n = interfaces_first(i, hash_u64((uint64_t)netns << 32 | ifindex));

	while (n && (n->netns != netns || n->ifindex != ifindex))
		n = interfaces_next(i, n);
	return n;
}

static void want(struct interfaces *i, uint32_t netns, uint32_t ifindex)
{
	struct interface_name one = {.netns = netns, .ifindex = ifindex};
	const char *name;

	if (!ifindex || find(i, netns, ifindex))
		return;
	name = procinfo_interface_name(netns, ifindex);
	snprintf(one.name, sizeof(one.name), "%s", name ? name : "");
	interfaces_add(i, one);
}

void interfaces_want(struct interfaces *i, const struct listing_socket *s)
{
	want(i, s->netns, s->local.ifindex);
	want(i, s->netns, s->peer.ifindex);
	want(i, s->netns, s->kernel_device);
}

const char *interfaces_of(const struct interfaces *i, uint32_t netns, uint32_t ifindex)
{
	const struct interface_name *n = find(i, netns, ifindex);

	return n && n->name[0] ? n->name : NULL;
}

void interfaces_end(struct interfaces *i)
{
	interfaces_done(i);
}
