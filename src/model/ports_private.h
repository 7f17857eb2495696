/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ports_private.h - who holds a port, for the files that search for it.
 *
 *     port[P]          ──▶ record ⇄ record ⇄ ...      every socket whose local port is P (hashed with its namespace)
 *     ports->newest[P] ──▶ ring of TIME_WAITs, each leads to the one before on the same port.  Numbers count up and
 *                          are never reused, so one that was overwritten is known by its number.
 */
#ifndef SOCKWATCH_PORTS_PRIVATE_H
#define SOCKWATCH_PORTS_PRIVATE_H

#include "table_ports.h"
#include "time_wait.h"

#include <string.h>

#define MAX_SHOWN 64
#define USED_KEPT 16

struct port_state {
	struct time_wait *ring;
	size_t size;   /* a power of two */
	size_t max;    /* of it */
	uint64_t last; /* number of the newest */
	uint64_t over; /* those up to this one are forgotten */
	uint64_t newest[PORTS];

	/* Steps that searches may still take, see ports_have_credit(). */
	int64_t credit;
	uint64_t credit_ns;

	/*
	 * The trouble of the last failed call and its holders: listeners first, the others from
	 * MAX_SHOWN on.  Of the others `sockets` are sockets, TIME_WAITs follow.
	 */
	struct event_trouble trouble;
	struct event_holder holder[2 * MAX_SHOWN];
	uint64_t holder_id[2 * MAX_SHOWN]; /* of a TIME_WAIT its cookie, else its sk, 0 where it is not in the table */
	size_t listeners, others, sockets;
	uint64_t sockets_more; /* holders_more before TIME_WAITs */
	bool has_mptcp;	       /* among these */
	uint32_t vrf;	       /* of the asker's device */
	struct used_ports {
		uint32_t netns, used;
		uint16_t protocol;
		bool bind;
		struct endpoint local, peer;
		uint64_t counted_ns;
	} used[USED_KEPT];
};

/* NULL: there is none, or no more. */
static inline struct time_wait *ring_at(const struct port_state *p, uint64_t number)
{
	struct time_wait *w;

	if (!number || p->last - number >= p->size)
		return NULL;
	w = &p->ring[number & (p->size - 1)];
	return w->there && w->number == (uint32_t)number ? w : NULL;
}

/* The one before on the same port. */
static inline struct time_wait *ring_before(const struct port_state *p, const struct time_wait *w)
{
	uint64_t number = p->last - (uint32_t)((uint32_t)p->last - w->number);

	return w->before ? ring_at(p, number - w->before) : NULL;
}

static inline bool same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

/* TCP and MPTCP share their ports. */
static inline bool same_ports(uint16_t a, uint16_t b)
{
	return a == b || (!inet_is_udp(a) && !inet_is_udp(b));
}

static inline bool holds_port(const struct socket *s)
{
	return s->state != STATE_CLOSE || (s->flags & SOCKET_BOUND) ||
	       (s->options & WIRE_O_KEEPS_PORT) || inet_is_udp(s->protocol);
}

/* When a TIME_WAIT of a look began, where the kernel says so; else 0. */
static inline uint64_t time_wait_since(const struct fact *f)
{
	return f->arg ? f->time_ns - (f->arg - 1) * UINT64_C(1000000) : 0;
}

/* table_holders.c: who keeps `f` from its port, in the order of the calls */
/* A connect() of a socket with a port, which another socket with the same four-tuple keeps from it (EADDRNOTAVAIL). */
bool holders_by_four_tuple(const struct fact *f);
/* Sockets, each marked SOCKET_ASKED when it is listed.  O(sockets on the port). */
void holders_find(struct table *t, const struct fact *f);
/* One that the kernel has.  O(1) once the list is full, and until then but for as many sockets as it holds. */
void holders_add_time_wait(struct table *t, const struct fact *asking, const struct fact *f);
/* Who left these.  O(TIME_WAITs on the port), once. */
void holders_name_time_waits(struct table *t, const struct fact *f);
/* Those that facts told instead: forgets what the kernel said. */
void holders_recall_time_waits(struct table *t, const struct fact *f);
/* A socket of a look that the table has not listed; false when it is not in the way.  O(1). */
bool holders_fill_found(struct table *t, struct event_holder *ret, const struct fact *asking,
			const struct fact *f);
/* A table of its namespace leads to a socket in the list: `unheld` unless a descriptor leads there too. */
void holders_note_loose(struct table *t, const struct fact *f);
/* Neither waiting for accept() nor closed by its process. */
static inline bool holders_is_alive(const struct fact *f)
{
	return f->kind == WIRE_SEED_SOCKET && !(f->flags & (WIRE_F_NO_FILE | WIRE_F_ORPHAN));
}
void holders_add_found(struct table *t, const struct event_holder *h);
/* Both kinds together, as `trouble` shows them. */
void holders_join(struct table *t);

/* table_range.c */
void range_describe(struct table *t, const struct fact *f, const struct port_range *range, bool bind);

#endif
