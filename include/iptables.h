/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iptables.h - which rules of iptables-legacy take a port away.
 *
 * Owns: a search that plays a packet to one port through a table as the kernel hands it out.  What the search does not know of
 * the packet (its source, its interface) may be anything.  Refuses to know: sockets.  One thread.
 *
 *     iptables_find(&table, &packet, fn, ctx);
 *
 * The table may hold anything: what is malformed ends its chain.
 */
#ifndef SOCKWATCH_IPTABLES_H
#define SOCKWATCH_IPTABLES_H

#include "nft.h"

#define IPTABLES_HOOKS 5 /* NF_INET_NUMHOOKS */

struct iptables {
	uint8_t family;		/* NFPROTO_IPV4, NFPROTO_IPV6 */
	const char *name;	/* "nat" */
	const uint8_t *entries; /* of IPT_SO_GET_ENTRIES, the caller's */
	size_t size;
	uint32_t hooks; /* 1 << NF_INET_ each */
	uint32_t hook_entry[IPTABLES_HOOKS];
};

/* As nft_find(). */
bool iptables_find(const struct iptables *t, const struct nft_packet *packet, redirect_fn fn,
		   void *ctx);

#endif
