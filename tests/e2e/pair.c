// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "pair.h"
#include "scenario.h"
#include "tracer.h"

/* Timers as /proc/net/tcp numbers them. */
#define PROC_KEEPALIVE 2
#define PROC_TIME_WAIT 3

struct pair pair_new(const char *address)
{
	struct pair p = {
		.server = peer_start("sw-server"),
		.client = peer_start("sw-client"),
		.listen_at = address_of(address, 0),
		.connect_to = address_of(address, 0),
		.listener = -1,
		.child = -1,
		.conn = -1,
	};

	return p;
}

void pair_need_ipv6(const char *address)
{
	struct peer *probe;
	int fd;

	if (!strchr(address, ':'))
		return;
	probe = peer_start("sw-probe");
	fd = remote_socket(probe, AF_INET6, 0);
	if (fd < 0 || remote_bind(probe, fd, address_of("::1", 0)) < 0)
		scenario_skip("no IPv6 loopback");
}

void pair_listen(struct pair *p)
{
	p->listener = (int)must("socket", remote_socket(p->server, p->listen_at.ss.ss_family, 0));
	must("bind", remote_bind(p->server, p->listener, p->listen_at));
	must("listen", remote_listen(p->server, p->listener, 16));
	p->listen_at = remote_local(p->server, p->listener);
	p->connect_to = address_with_port(p->connect_to, address_port(&p->listen_at));
	p->of_listener.owner = owner_of(p->server);
}

void pair_connect(struct pair *p)
{
	p->conn = (int)must("socket", remote_socket(p->client, p->connect_to.ss.ss_family, 0));
	must("connect", remote_connect(p->client, p->conn, p->connect_to));
	p->of_client.owner = owner_of(p->client);
}

void pair_accept(struct pair *p, enum accept_how how)
{
	struct peer *acceptor = p->acceptor ? p->acceptor : p->server;

	p->child = (int)must("accept", remote_accept(acceptor, p->listener, how));
	p->of_child.owner = owner_of(acceptor);
}

static void know_client(struct pair *p)
{
	struct expect *x = &p->of_client;

	x->label = "client";
	x->netns = p->client->netns;
	x->local = remote_local(p->client, p->conn);
	x->peer = p->connect_to;
	x->cookie = remote_cookie(p->client, p->conn);
	x->calls = "connect";
	x->autobind = PORT_AUTO;
}

static void know_child(struct pair *p)
{
	struct peer *acceptor = p->acceptor ? p->acceptor : p->server;
	struct expect *x = &p->of_child;

	x->label = "child";
	x->netns = p->server->netns;
	x->local = remote_local(acceptor, p->child);
	x->peer = remote_peer(acceptor, p->child);
	x->cookie = remote_cookie(acceptor, p->child);
	x->before = p->of_listener.owner;
	x->listener_named = acceptor != p->server;
	x->calls = "accept";
}

static void know_listener(struct pair *p)
{
	struct expect *x = &p->of_listener;

	x->label = "listener";
	x->netns = p->server->netns;
	x->bound = p->listen_at;
	x->cookie = remote_cookie(p->server, p->listener);
	x->calls = "bind listen";
	x->states = STATES_LISTENER;
	x->reason = "local-close";
}

void pair_know(struct pair *p)
{
	know_client(p);
	know_child(p);
	know_listener(p);
}

void pair_talk(struct pair *p, long from_client, long from_server)
{
	struct peer *acceptor = p->acceptor ? p->acceptor : p->server;

	must("send", remote_send(p->client, p->conn, from_client));
	if (must("receive", remote_receive(acceptor, p->child, from_client)) != from_client)
		scenario_fail("the server received too little");
	must("send", remote_send(acceptor, p->child, from_server));
	if (must("receive", remote_receive(p->client, p->conn, from_server)) != from_server)
		scenario_fail("the client received too little");
	p->of_client.counted = p->of_child.counted = true;
	p->of_client.sent = p->of_child.received = (uint64_t)from_client;
	p->of_client.received = p->of_child.sent = (uint64_t)from_server;
}

/*
 * An end that nobody has open any more is on its way into a TIME_WAIT that packets find.  Not so where its FIN was acknowledged
 * while close() had the socket: that one stays in FIN_WAIT2 itself, with a timer, and takes the other FIN (net/ipv4/tcp_input.c
 * tcp_rcv_state_process()).
 */
static bool is_closing(pid_t pid, const char *table, unsigned int local, unsigned int peer)
{
	unsigned int from, to, state, timer, inode, references;
	char path[48], line[256];
	bool closing = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, table);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d: %*[^:]:%x %*[^:]:%x %x %*x:%*x %x:%*x %*x %*d %*d %u %u",
			   &from, &to, &state, &timer, &inode, &references) != 6 ||
		    from != local || to != peer ||
		    (state == TCP_FIN_WAIT2 && timer == PROC_KEEPALIVE))
			continue;
		closing |= (timer == PROC_TIME_WAIT ? references : inode) == 0;
	}
	if (f)
		fclose(f);
	return closing;
}

/* It is what comes next that is judged, not this. */
static void wait_time_wait(pid_t pid, unsigned int local, unsigned int peer)
{
	uint64_t deadline = deadline_in(1000);

	while ((is_closing(pid, "tcp", local, peer) || is_closing(pid, "tcp6", local, peer)) &&
	       deadline_left(deadline) > 0)
		tracer_pump(-1, deadline_in(1));
}

void pair_follow(const struct pair *p, enum close_order order)
{
	struct peer *acceptor = p->acceptor ? p->acceptor : p->server;
	unsigned int ports[2] = {address_port(&p->of_client.local), address_port(&p->listen_at)};
	bool client_first = order == CLIENT_FIRST;
	struct peer *first = client_first ? p->client : acceptor;
	struct peer *second = client_first ? acceptor : p->client;
	int fd = client_first ? p->child : p->conn;

	if (must("receive", remote_receive(second, fd, 1)) != 0)
		scenario_fail("the stream does not end");
	wait_time_wait(first->gone ? second->pid : first->pid, ports[!client_first],
		       ports[client_first]);
	must("close", remote_close(second, fd));
}

void pair_close(struct pair *p, enum close_order order)
{
	struct peer *acceptor = p->acceptor ? p->acceptor : p->server;
	bool client_first = order == CLIENT_FIRST;

	if (client_first)
		must("close", remote_close(p->client, p->conn));
	else
		must("close", remote_close(acceptor, p->child));
	pair_follow(p, order);
	if (acceptor != p->server)
		must("close", remote_close(acceptor, p->listener));
	must("close", remote_close(p->server, p->listener));
	p->of_client.states = client_first ? STATES_CLIENT_ACTIVE : STATES_CLIENT_PASSIVE;
	p->of_child.states = client_first ? STATES_CHILD_PASSIVE : STATES_CHILD_ACTIVE;
	p->of_client.reason = client_first ? "local-close" : "peer-close";
	p->of_child.reason = client_first ? "peer-close" : "local-close";
}

void pair_check(struct tracer *t, const struct pair *p)
{
	const struct expect *const all[] = {&p->of_client, &p->of_child, &p->of_listener};

	expect_lives(t, all, 3);
}

void pair_whole_life(struct tracer *t, struct pair *p, enum accept_how how, enum close_order order)
{
	pair_listen(p);
	pair_connect(p);
	pair_accept(p, how);
	pair_know(p);
	pair_talk(p, 1000, 300);
	pair_close(p, order);
	pair_check(t, p);
}
