// SPDX-License-Identifier: GPL-2.0-only
#include "listing_port.h"

#include <string.h>

static bool is_loopback(const struct listing_socket *s)
{
	static const uint8_t one[16] = {[15] = 1};

	if (s->family == FAMILY_IPV4 || s->mapped)
		return s->local.addr[s->mapped ? 12 : 0] == 127;
	return memcmp(s->local.addr, one, sizeof(one)) == 0;
}

enum reach listing_reach(const struct listing_socket *s)
{
	if (inet_is_any((enum family)s->family, s->local.addr))
		return REACH_EVERYWHERE;
	if (is_loopback(s))
		return REACH_HERE;
	return s->family == FAMILY_IPV6 && inet_is_link_local(s->local.addr) ? REACH_LINK
									    : REACH_ADDRESS;
}
