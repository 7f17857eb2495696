/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * time_wait.h - a TIME_WAIT as the table remembers it: who left it, between which ends, until when.
 *
 * Owns: its shape, as small as it can be, since there may be a quarter of a million.  Refuses to know: how it is found.  For
 * src/model/table*.c only.
 */
#ifndef SOCKWATCH_TIME_WAIT_H
#define SOCKWATCH_TIME_WAIT_H

#include "inet.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct process;

/* An end without what follows from the rest. */
struct place {
	uint8_t addr[16];
	uint16_t port;
};

struct time_wait {
	uint64_t since_ns; /* 0 unknown */
	uint64_t end_ns;
	uint64_t cookie;
	const struct process *owner;
	struct place local, peer;
	uint32_t number; /* its low half */
	uint32_t before; /* on this port: the last one has a number that much lower, 0 none */
	uint32_t netns, device;
	uint8_t options;
	bool there : 1; /* else empty or ended */
	bool ipv6 : 1, mapped : 1, outgoing : 1, mptcp : 1;
};
_Static_assert(sizeof(struct time_wait) == 88, "no holes");

static inline struct place place_of(const struct endpoint *e)
{
	struct place p = {.port = e->port};

	memcpy(p.addr, e->addr, sizeof(p.addr));
	return p;
}

static inline bool is_place(const struct place *p, const struct endpoint *e)
{
	return p->port == e->port && memcmp(p->addr, e->addr, sizeof(p->addr)) == 0;
}

/* Of a connection: an address of a link is one of the device that the socket is bound to. */
static inline struct endpoint time_wait_end(const struct time_wait *w, const struct place *p)
{
	struct endpoint e = {.port = p->port};

	memcpy(e.addr, p->addr, sizeof(e.addr));
	if (w->ipv6 && inet_is_link_local(p->addr))
		e.ifindex = w->device;
	return e;
}

static inline enum family time_wait_family(const struct time_wait *w)
{
	return w->ipv6 ? FAMILY_IPV6 : FAMILY_IPV4;
}

static inline uint16_t time_wait_protocol(const struct time_wait *w)
{
	return w->mptcp ? IPPROTO_MPTCP : IPPROTO_TCP;
}

#endif
