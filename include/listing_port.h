/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listing_port.h - from where a port can be reached.
 *
 * Owns: the rules.  Refuses to know: words, /proc.
 */
#ifndef SOCKWATCH_LISTING_PORT_H
#define SOCKWATCH_LISTING_PORT_H

#include "listing.h"

/*
 * From where what waits for peers can be reached, by the address it is bound to; firewalls are not judged.  HERE: from this host,
 * or where it is in another namespace from within that.
 */
enum reach { REACH_EVERYWHERE, REACH_ADDRESS, REACH_LINK, REACH_HERE };
enum reach listing_reach(const struct listing_socket *s);
static inline bool listing_is_from_outside(const struct listing_socket *s)
{
	return listing_reach(s) != REACH_HERE;
}

#endif
