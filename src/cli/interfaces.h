/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * interfaces.h - names of interfaces, of any namespace, asked for before the right to enter it is given away.
 *
 * Owns: the names.  Read by any threads once it is filled.
 */
#ifndef SOCKWATCH_INTERFACES_H
#define SOCKWATCH_INTERFACES_H

#include "hash.h"
#include "listing.h"

#include <net/if.h>

struct interface_name {
	uint32_t netns, ifindex;
	char name[IF_NAMESIZE]; /* "": it has none */
};
HASH_TYPE(interfaces, struct interface_name);

/* Those of a socket's ends, and of the kernel's own that receives through one; what finds no memory has no name. */
void interfaces_want(struct interfaces *i, const struct listing_socket *s);
/* NULL unknown; lives as long as `i`, which interfaces_end() frees. */
const char *interfaces_of(const struct interfaces *i, uint32_t netns, uint32_t ifindex);
void interfaces_end(struct interfaces *i);

#endif
