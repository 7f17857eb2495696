/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pair.h - a listener, the connection made to it and the one it accepted: the story most scenarios
 * vary.
 *
 * Owns: the steps of that story and what must be printed if nothing else is said.  Refuses to know:
 * how a scenario deviates; it changes the three expectations before they are checked.
 *
 *     struct pair p = pair_new("127.0.0.1");	// peers "sw-server" and "sw-client"
 *     pair_listen(&p); pair_connect(&p); pair_accept(&p, ACCEPT_ADDRESS);
 *     pair_know(&p);				// addresses, cookies, owners as they are now
 *     pair_close(&p, CLIENT_FIRST);
 *     pair_check(tracer_shared(), &p);
 */
#ifndef E2E_PAIR_H
#define E2E_PAIR_H

#include "expect.h"

#define STATES_CLIENT_ACTIVE  "CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>FIN_WAIT2>TIME_WAIT"
#define STATES_CLIENT_PASSIVE "CLOSE>SYN_SENT>ESTABLISHED>CLOSE_WAIT>LAST_ACK>CLOSE"
#define STATES_CHILD_ACTIVE   "SYN_RECV>ESTABLISHED>FIN_WAIT1>FIN_WAIT2>TIME_WAIT"
#define STATES_CHILD_PASSIVE  "SYN_RECV>ESTABLISHED>CLOSE_WAIT>LAST_ACK>CLOSE"
#define STATES_LISTENER	      "CLOSE>LISTEN>CLOSE"

enum close_order {
	CLIENT_FIRST,
	SERVER_FIRST,
};

struct pair {
	struct peer *server, *client;
	struct peer *acceptor; /* NULL: the server */
	struct address listen_at, connect_to;
	int listener, child, conn; /* descriptors in their peers */
	struct expect of_listener, of_child, of_client;
};

/* `address` to bind and to connect to; its family makes the sockets. */
struct pair pair_new(const char *address);
/* Skips the scenario where `address` is of IPv6 and this machine has none. */
void pair_need_ipv6(const char *address);
void pair_listen(struct pair *p);
void pair_connect(struct pair *p);
void pair_accept(struct pair *p, enum accept_how how);
/* Fills the three expectations; call while all sockets are open. */
void pair_know(struct pair *p);
/* Payload both ways, known to the expectations. */
void pair_talk(struct pair *p, long from_client, long from_server);
/*
 * What is left to do once one side has closed, after pair_know(): the other sees the end of the stream and closes. Before
 * that the first one's TIME_WAIT must be there: on two processors a kernel (5.10) may reset the other side in the moment
 * between, and the reason is no longer "peer-close".
 */
void pair_follow(const struct pair *p, enum close_order order);
/* One side, then the other, then the listener. */
void pair_close(struct pair *p, enum close_order order);
void pair_check(struct tracer *t, const struct pair *p);
/* All of the above for a tracer. */
void pair_whole_life(struct tracer *t, struct pair *p, enum accept_how how, enum close_order order);

#endif
