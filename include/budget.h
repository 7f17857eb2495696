/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * budget.h - how many more connections could be opened from here: the local ports of each network namespace, counted by
 * the kernel's own rule (net/ipv4/inet_hashtables.c, __inet_hash_connect()).
 *
 *     connect() without a bound port may take P when P is in the range and not reserved, and either nobody has P, or
 *     only connect() gave P away (bucket_open) and these four ends are free or a TIME_WAIT that may be reused.
 *
 * So one bind() to P, whatever its address, takes P from every destination.  UDP knows no such sharing (udp_lib_get_port()):
 *
 *     connect() or the first send of an unbound socket may take P when P is in the range, not reserved, and no UDP socket
 *     has P; one bound to IPv6 alone (IPV6_V6ONLY, or an IPv6 address) does not keep an IPv4 socket from it.
 *
 * Owns: the uses added and the rows made of them.  Refuses to know: iterators, the clock, formats.  One thread.
 *
 *     struct budget *b = budget_new();
 *     budget_add_namespace(b, netns, &range); // VRFs are made for their sockets
 *     budget_add(b, &use);                    // once for each socket
 *     budget_finish(b);                       // b->row[i].available ...
 *     budget_free(b);
 */
#ifndef SOCKWATCH_BUDGET_H
#define SOCKWATCH_BUDGET_H

#include "hash.h"
#include "inet.h"
#include "port_range.h"
#include "process.h"

/* One socket with a local port. */
struct port_use {
	uint32_t netns;
	uint32_t vrf;		  /* TCP: interface of the VRF that its port is bound in, 0 none */
	uint16_t protocol;	  /* IPPROTO_TCP or IPPROTO_UDP */
	enum family family;	  /* of the addresses: a mapped one is FAMILY_IPV4 */
	bool mapped;		  /* of a socket of FAMILY_IPV6 all the same */
	bool v6only;		  /* UDP: IPV6_V6ONLY on a socket of FAMILY_IPV6 */
	bool bucket_open;	  /* TCP: nobody but connect() chose this port */
	bool accepted;		  /* TCP: it came to a listener, who may be gone */
	bool never_reused;	  /* TIME_WAIT without timestamps */
	enum tcp_state state;	  /* TIME_WAIT is FIN_WAIT2 where the peer's FIN is still to come */
	bool minisock;		  /* the state is that of a minisock */
	uint32_t tw_age_ms, left; /* left: the caller's, whose owner may be learnt; 0 none */
	struct endpoint local, peer;
	const struct process *owner; /* NULL unknown; must live as long as the budget */
	bool owner_ended;	     /* and is no process any more */
	bool selected;		     /* meets what the user asked for */
	bool owner_selected;	     /* and so does its owner, not only another holder */
};

enum port_mark { /* what a port is taken by, for a picture */
	PORT_FREE,
	PORT_RESERVED,
	PORT_TIME_WAIT,
	PORT_CONNECTED, /* by connect(): free for other destinations */
	PORT_BOUND,	/* by bind(): for none */
	PORT_LISTENING,
	PORT_MARKS,
};

/* What a look did not see of a namespace.  RANGE: nothing; BOUND: descriptors, so TCP sockets that are only bound, and holders. */
enum budget_unseen { UNSEEN_RANGE = 1, UNSEEN_TCP = 2, UNSEEN_UDP = 4, UNSEEN_BOUND = 8 };

/* Or (`vrf`) a VRF of it, where TCP has ports of its own, and UDP those of the namespace. */
struct budget_namespace {
	uint32_t netns, vrf;
	char *name;		   /* as of an event; freed with it */
	char *vrf_name;		   /* of the interface, or its number; NULL: not asked for */
	unsigned int unseen;	   /* enum budget_unseen: numbers that need it are not known */
	bool selected;		   /* a socket of it is */
	struct port_range range;
	uint32_t left, number;	   /* from budget_finish(): for the destination that has fewest; in the order of addition */
	uint32_t usable;	   /* ports of the range that are not reserved */
	uint32_t blocked;	   /* of these, taken from every destination by a bind() */
	uint32_t udp_free4, udp_free6; /* ports an unbound UDP socket could get */
	uint32_t available, uncertain; /* TCP, as in a row, for a destination nobody talks to */
	uint32_t udp_held;	   /* UDP sockets with a port of the range */
	uint64_t in_use[STATES];   /* TCP sockets with a port of the range; CLOSE: bound only */
	uint8_t mark[65536];	   /* enum port_mark */
	uint8_t blocked_bits[8192], udp4_bits[8192], udp6_bits[8192], listen_bits[8192];
	uint8_t bound_bits[8192]; /* somebody is bound to it and no more */
	uint8_t udp_open_bits[8192]; /* of a UDP socket that takes from everybody */
};

struct budget_row {
	const struct budget_namespace *ns;
	uint16_t protocol;	     /* IPPROTO_TCP or IPPROTO_UDP */
	enum family family;
	bool selected;		     /* a socket of it is; its numbers are those of all */
	struct endpoint local, peer; /* local.port is 0 */
	uint64_t in_use[STATES];     /* outgoing connections, those on bound ports too; a connected UDP is ESTABLISHED */
	uint32_t taken;		     /* ports of the range this pair holds; TCP: beside blocked ones */
	uint32_t available;	     /* so many connects succeed */
	uint32_t uncertain;	     /* so many more may: an odd range, see count_tried() */
	uint32_t time_wait;	     /* minisocks among in_use, whatever their substate */
	uint32_t drain_ms;	     /* until the last TIME_WAIT has gone by itself; 0 none */
	size_t first_use, use_count; /* its sockets, and what listens there */
	double churn_per_s;	     /* ports taken per second while watched; < 0 not watched */
	double exhausted_in_s;	     /* at this rate; < 0 never or not known */
};

/* What one process holds in one namespace. */
struct budget_process {
	const struct process *process;
	const struct budget_namespace *ns;
	bool selected, ended;	      /* ended: it is no process any more */
	uint32_t held;		      /* ports of a range, by sockets it holds or left in TIME_WAIT */
	uint32_t time_wait;	      /* left behind, where it was seen */
	uint32_t bound_before_connect;/* connections whose port was chosen by bind(), where that is certain */
	double churn_per_s;	      /* < 0 not watched */
};

HASH_TYPE(budget_index, struct budget_namespace *);
struct budget {
	struct budget_namespace **ns; /* in the order in which they were added */
	struct budget_index index;
	struct budget_row *row;		/* least available first */
	struct budget_process *process; /* most ports held first */
	struct port_use *use;
	size_t ns_count, row_count, process_count, use_count, use_cap;
	bool failed, partial; /* without memory, numbers would be wrong; only what is selected is to be shown */
};

struct budget *budget_new(void);
void budget_free(struct budget *b);
/* Repeated calls for one namespace are ignored.  What is unseen of it adds up. */
void budget_add_namespace(struct budget *b, uint32_t netns, const struct port_range *range);
void budget_add_unseen(struct budget *b, uint32_t netns, unsigned int unseen);
/* O(1), the other amortized; NULL: not added.  A use in a namespace that was not added is ignored. */
struct budget_namespace *budget_find_namespace(const struct budget *b, uint32_t netns,
					       uint32_t vrf);
void budget_add(struct budget *b, const struct port_use *use);
/* O(n log n), 0 or -ENOMEM; so is the other, after it: owners were learnt, and what is selected; processes are counted anew. */
int budget_finish(struct budget *b);
int budget_count_owners(struct budget *b);
/* Who has most ports of the range for a row's destination, by a TIME_WAIT too; NULL unknown, or no memory.  O(n log n) of its uses. */
const struct process *budget_row_owner(const struct budget *b, const struct budget_row *row,
				       uint32_t *ret_held);
const char *budget_vrf(const struct budget_namespace *ns); /* its name; "?" not asked for */
/* Which sockets of a protocol have which port; where not, there is no row.  And which ports are left. */
bool budget_knows(const struct budget_namespace *ns, uint16_t protocol);
bool budget_knows_left(const struct budget_namespace *ns, uint16_t protocol);
static inline bool budget_shows(const struct budget *b, bool selected)
{
	return selected || !b->partial;
}
/* Either end is a loopback address, as tcp_twsk_unique() sees it. */
bool budget_is_local(enum family family, const struct endpoint *local, const struct endpoint *peer);

#endif
