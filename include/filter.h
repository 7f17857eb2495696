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

#include <regex.h>

#include "event.h"
#include "listing.h"
#include "units.h"

struct filter_cidr {
	enum family family;
	uint8_t addr[16];
	unsigned int bits;
};

/* One of lsof's -i[46][protocol][@host][:ports]. */
struct filter_inet {
	uint8_t version;		/* 4 or 6, 0 both */
	uint16_t protocol;		/* IPPROTO_, 0 any; TCP includes MPTCP */
	bool has_host;
	struct filter_cidr host;
	struct units_ranges ports;	/* empty: any */
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
	char *comm;			/* the name, or the executable's, begins with this (lsof's -c) */
	regex_t *args;			/* finds something in the arguments, a space between each; by filter_set_args() */
	char *unit;			/* of systemd; ".service" may be missing */
	bool children;			/* of `pids`, too: as far as their parents are known */
	bool has_netns;
	uint32_t netns;			/* inode */
	char *cgroup;			/* this path or one below it */
	char *container;		/* the name, the id or a prefix of it, at least its first characters */
	uint32_t kinds;			/* bit per enum event_kind; 0 any.  EVENT_LOST always passes */
	uint32_t reasons;		/* bit per enum close_reason; 0 any; see event_reason() */
	bool failed;			/* calls that failed, and lives that ended so */
	bool listening;			/* listings: waits for peers */
	bool brief;			/* no changes of state, nor connects and accepts that went well: a life tells them */
	struct filter_inet *inet;	/* listings: any of them, 0 every socket */
	size_t inet_count;
};

void filter_init(struct filter *f);
void filter_done(struct filter *f);

/*
 * 0, -EINVAL or -ENOMEM, `f` untouched then; "10.0.0.0/8", "::1", "fe80::/10", "192.0.2.1".  Several calls or a
 * comma list add up.  IPv4 conditions match mapped sockets too, ::ffff:10.0.0.0/104 is 10.0.0.0/8.
 */
int filter_add_cidr(struct filter *f, const char *list);
/* `addr` is of the family of `cidr`. */
bool filter_cidr_contains(const struct filter_cidr *cidr, const uint8_t *addr);
/* "established,time-wait"; -EINVAL and *ret_bad set to the word that is no state. */
int filter_add_states(struct filter *f, const char *list, const char **ret_bad);
/* "refused,timeout"; likewise. */
int filter_add_reasons(struct filter *f, const char *list, const char **ret_bad);
/* "bind,close"; likewise. */
int filter_add_kinds(struct filter *f, const char *list, const char **ret_bad);

/* An extended regular expression; 0, -EINVAL or -ENOMEM, `f` untouched then. */
int filter_set_args(struct filter *f, const char *regex);

/*
 * lsof's words behind -i: "", "4", "tcp", "6UDP@::1:53", ":80,443,8000-8100", ":http".  Names of ports are looked up by
 * `port_of` (-1 unknown), names of hosts by `address_of` (false: unknown; 4 or 16 bytes).  0, -EINVAL or -ENOMEM.
 */
struct filter_names {
	int (*port_of)(void *ctx, const char *name, uint16_t protocol);
	bool (*address_of)(void *ctx, const char *name, bool ipv6, uint8_t ret[16]);
	void *ctx;
};
int filter_add_inet(struct filter *f, const char *text, const struct filter_names *names);

/* The socket has or shares the asked local address and port: *:80 has 127.0.0.1:80 too. */
bool filter_inet_match_local(const struct filter_inet *inet, const struct listing_socket *s);
/* True when `f` has a condition on processes. */
bool filter_asks_process(const struct filter *f);
/* ... and on what a process must be resolved for: more than its number, name and user. */
bool filter_asks_details(const struct filter *f);
/* Only the conditions on processes; NULL meets none. */
bool filter_match_process(const struct filter *f, const struct process *p);
/* All conditions but those on processes and kinds of events. */
bool filter_match_ends(const struct filter *f, const struct event *event);
/*
 * A socket of a listing: -p and its like are met by any holder, or by the owner of a connection that waits for accept().
 * Cgroups and containers must be resolved where `f` asks for them.
 */
bool filter_match_socket(const struct filter *f, const struct listing *l,
			 const struct listing_socket *socket);
/*
 * A socket of a look at local ports (include/budget.h); TIME_WAIT whatever its substate, and no state for UDP without a
 * peer.  Its owner answers to the conditions on processes.
 */
struct port_use;
bool filter_match_use(const struct filter *f, const struct port_use *use);
/* True when `f` has a condition on sockets or processes: any but the namespace. */
bool filter_asks_socket(const struct filter *f);

struct wire_filter;
struct wire_filter_ports;
/*
 * The conditions that the programs decide by themselves (wire_filter.h): what these leave out, filter_match() would.  `ports` is filled
 * where the result names ends.  False: nothing is left out.  No port is beyond 65535.
 */
bool filter_for_programs(const struct filter *f, struct wire_filter *ret,
			 struct wire_filter_ports *ports);

/* A call that failed, a life that ended so, a queue that overflows: what `failed` asks for. */
bool filter_is_failure(const struct event *event);
/*
 * O(conditions), no allocation.  An event without a process matches no condition on processes, one without an
 * end none on that end.  States: a state event answers to either of its two, listen to LISTEN, close to all it
 * went through, CLOSE and a TIME_WAIT left behind; bind, connect and accept carry no state and match none.
 */
bool filter_match(const struct filter *f, const struct event *event);
/* All of that but the conditions on processes, which must be resolved for them. */
bool filter_may_match(const struct filter *f, const struct event *event);

#endif
