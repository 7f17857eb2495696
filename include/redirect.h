/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * redirect.h - what takes a port without a socket: a rule that sends its packets elsewhere.
 *
 * Owns: one value type.  Refuses to know: where rules come from, sockets, formats.
 */
#ifndef SOCKWATCH_REDIRECT_H
#define SOCKWATCH_REDIRECT_H

#include "inet.h"

#define REDIRECT_RULE 256

enum redirect_kind {
	REDIRECT_DNAT,	/* to another address */
	REDIRECT_LOCAL, /* to another port of this host */
	REDIRECT_TPROXY, /* to a socket that takes foreign addresses */
	REDIRECT_IPVS,	/* a virtual service; one of its servers */
};

struct redirect {
	enum redirect_kind kind;
	uint32_t netns;		/* inode of the network namespace whose rule it is */
	uint16_t protocol;	/* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port;		/* asked for */
	enum family family;	/* of the addresses; 0 where there is none */
	bool has_to;		/* it takes only what goes to `to` */
	struct endpoint to;
	bool has_addr, has_port; /* of the target; without, the address or port stays as it is */
	struct endpoint target;
	bool has_target;	/* false: the target is computed by the rule in a way that is not followed */
	bool from_outside, from_here; /* it takes packets that arrive, packets that this host sends */
	bool conditional;	/* it has conditions besides port and address, which are not judged */
	char rule[REDIRECT_RULE]; /* which, NUL-terminated: "nftables ip nat, chain DOCKER, handle 12" */
};

typedef void (*redirect_fn)(void *ctx, const struct redirect *r);

#endif
