/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * filter.h - which events a user asked for; alike in every command.
 *
 * Owns: the parsed conditions.  Refuses to know: option letters, the user database and namespaces' paths (the
 * caller gives numbers).  All given conditions must hold; within one list any may.
 * One filter is read-only while matching and may then be shared by threads.
 *
 *     struct filter f;
 *     filter_init(&f);
 *     filter_add_cidr(&f, "10.0.0.0/8");
 *     if (filter_match(&f, event)) print(event);
 */
#ifndef SOCKWATCH_FILTER_H
#define SOCKWATCH_FILTER_H

#include "event.h"
#include "units.h"

struct filter_cidr {
	enum family family;
	uint8_t addr[16];
	unsigned int bits;
};

struct filter {
	bool tcp, udp;			/* neither: every protocol; tcp includes mptcp, udp udplite */
	bool ipv4, ipv6;		/* neither: both; a mapped socket answers to both */
	struct units_ranges pids;
	struct units_ranges ports;	/* either end */
	struct units_ranges local_ports;
	struct units_ranges peer_ports;
	struct filter_cidr *cidr;	/* either end */
	size_t cidr_count;
	uint32_t states;		/* bit per enum tcp_state; 0 any; see filter_match() */
	bool has_uid;
	uint32_t uid;
	char *comm;			/* the process name begins with this (lsof's -c) */
	bool has_netns;
	uint32_t netns;			/* inode */
	char *cgroup;			/* this path or one below it */
	char *container;		/* id or a prefix of it, at least its first characters */
	uint32_t kinds;			/* bit per enum event_kind; 0 any.  EVENT_LOST always passes */
};

void filter_init(struct filter *f);
void filter_done(struct filter *f);

/*
 * 0, -EINVAL or -ENOMEM, `f` untouched then; "10.0.0.0/8", "::1", "fe80::/10", "192.0.2.1".  Several calls or a
 * comma list add up.  IPv4 conditions match mapped sockets too, ::ffff:10.0.0.0/104 is 10.0.0.0/8.
 */
int filter_add_cidr(struct filter *f, const char *list);
/* "established,time-wait"; -EINVAL and *ret_bad set to the word that is no state. */
int filter_add_states(struct filter *f, const char *list, const char **ret_bad);
/* "bind,close"; likewise. */
int filter_add_kinds(struct filter *f, const char *list, const char **ret_bad);

/*
 * O(conditions), no allocation.  An event without a process matches no condition on processes, one without an
 * end none on that end.  States: a state event answers to either of its two, listen to LISTEN, close to all it
 * went through, CLOSE and a TIME_WAIT left behind; bind, connect and accept carry no state and match none.
 */
bool filter_match(const struct filter *f, const struct event *event);

#endif
