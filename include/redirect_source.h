/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * redirect_source.h - asks the kernel which rules take a port away, in every network namespace that can be entered.
 *
 * Owns: the reading of nftables (netlink), iptables (socket options) and IPVS (/proc/net/ip_vs), and of the namespaces' addresses.  Refuses to
 * know: what a rule means (nft.h, iptables.h).  One thread.
 */
#ifndef SOCKWATCH_REDIRECT_SOURCE_H
#define SOCKWATCH_REDIRECT_SOURCE_H

#include "kernel.h"
#include "redirect.h"

struct redirect_search {
	uint16_t protocol;  /* 0: TCP and UDP */
	uint16_t port;
	enum family family; /* 0: any, and then any address */
	struct endpoint to;
	uint32_t netns;	    /* the only namespace, 0: all */
};

struct redirects {
	struct redirect *found;
	size_t count, cap;
	struct redirect_address {
		uint32_t netns;
		enum family family;
		uint8_t addr[16];
	} *address; /* that a namespace has, loopback left out */
	size_t address_count, address_cap;
	bool has_addresses; /* they were read */
	bool failed;	/* without memory: what follows is missing */
	bool cut;	/* too many rules to play them all */
};

/*
 * O(rules + elements of their sets) a namespace; nothing is read where no rule is.  0, or -errno with the error filled: nothing
 * was found; an error beside 0 says what could not be read.  The caller frees with redirects_done().
 */
int redirects_find(const struct redirect_search *search, struct redirects *ret,
		   struct kernel_error *error);
void redirects_done(struct redirects *r);
/* The namespace that has this address, 0 when none or several have it.  A tour of the namespaces when it is first asked. */
uint32_t redirects_home(struct redirects *r, enum family family, const uint8_t addr[16]);

#endif
