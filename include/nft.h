/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nft.h - which rules of nftables take a port away.
 *
 * Owns: a copy of the rules of one network namespace, as the kernel's netlink messages tell them, and a search that plays
 * a packet to one port through them: chains, jumps, sets, maps and the matches and targets of iptables-nft.  What the
 * search does not know of the packet (its source, its interface) may be anything.  Refuses to know: netlink sockets.  One thread.
 *
 *     struct nft *n = nft_new();
 *     nft_add_chain(n, family, attributes, length);          // NFT_MSG_NEWCHAIN, all of them, then
 *     nft_add_rule(n, family, attributes, length);           // NFT_MSG_NEWRULE in the order of the kernel, then
 *     for (i = 0; nft_set(n, i, &set); i++)
 *             nft_add_elements(n, i, attributes, length);    // NFT_MSG_NEWSETELEM of that set
 *     nft_find(n, &packet, fn, ctx);
 *     nft_free(n);
 *
 * Messages may hold anything: what is malformed is left out.
 */
#ifndef SOCKWATCH_NFT_H
#define SOCKWATCH_NFT_H

#include "redirect.h"

#include <stddef.h>

struct nft;

struct nft *nft_new(void); /* NULL without memory */
void nft_free(struct nft *n);

/* `family` is the message's nfgen_family; the attributes are copied.  False: no memory, or more than is kept (64 MB). */
bool nft_add_chain(struct nft *n, uint8_t family, const void *attributes, size_t length);
bool nft_add_rule(struct nft *n, uint8_t family, const void *attributes, size_t length);

struct nft_set {
	uint8_t family;
	const char *table, *name;
};
/* The sets that rules look into, by number from 0.  False behind the last.  None where no rule sends packets elsewhere. */
bool nft_set(const struct nft *n, size_t number, struct nft_set *ret);
bool nft_add_elements(struct nft *n, size_t set, const void *attributes, size_t length);

struct nft_packet {
	uint16_t protocol;  /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t port;	    /* it goes to */
	enum family family; /* 0: any, and then any address */
	struct endpoint to;
};
/* Calls `fn` for each rule that may send the packet elsewhere; netns is left 0.  Bounded: false when it stopped before the end. */
bool nft_find(const struct nft *n, const struct nft_packet *packet, redirect_fn fn, void *ctx);

#endif
