// SPDX-License-Identifier: GPL-2.0-only
/* Ends by reset, and connections nobody accepted. */
#include <poll.h>
#include <stddef.h>

#include "pair.h"
#include "scenario.h"

#define CLIENT_RESET "CLOSE>SYN_SENT>ESTABLISHED>CLOSE"
#define CHILD_RESET  "SYN_RECV>ESTABLISHED>CLOSE"

static struct pair connected(const char *address)
{
	struct pair p = pair_new(address);

	pair_listen(&p);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	p.of_client.states = CLIENT_RESET;
	p.of_child.states = CHILD_RESET;
	return p;
}

/* The side that has been reset finds out and closes. */
static void finish(struct pair *p, struct peer *other, int fd)
{
	remote_wait(other, fd, POLLIN, 5000);
	must("close", remote_close(other, fd));
	must("close", remote_close(p->server, p->listener));
	pair_check(tracer_shared(), p);
}

static void linger_client(void)
{
	struct pair p;

	tracer_shared();
	p = connected("127.0.0.1");
	must("SO_LINGER", remote_linger_reset(p.client, p.conn));
	must("close", remote_close(p.client, p.conn));
	p.of_client.reason = "local-reset";
	p.of_child.reason = "peer-reset";
	finish(&p, p.server, p.child);
}

static void linger_server(void)
{
	struct pair p;

	tracer_shared();
	p = connected("127.0.0.1");
	must("SO_LINGER", remote_linger_reset(p.server, p.child));
	must("close", remote_close(p.server, p.child));
	p.of_client.reason = "peer-reset";
	p.of_child.reason = "local-reset";
	finish(&p, p.client, p.conn);
}

/* close() with data unread resets, although the application asked for nothing of the kind. */
static void unread_data(void)
{
	struct pair p;

	tracer_shared();
	p = connected("127.0.0.1");
	must("send", remote_send(p.client, p.conn, 100));
	if (!(must("poll", remote_wait(p.server, p.child, POLLIN, 5000)) & POLLIN))
		scenario_fail("the data does not arrive");
	must("close", remote_close(p.server, p.child));
	p.of_client.reason = "peer-reset";
	p.of_child.reason = "local-reset";
	finish(&p, p.client, p.conn);
}

/* Sending to a peer that has closed: its answer is a reset. */
static void send_to_closed(void)
{
	struct pair p;

	tracer_shared();
	p = connected("127.0.0.1");
	must("close", remote_close(p.server, p.child));
	if (must("receive", remote_receive(p.client, p.conn, 1)) != 0)
		scenario_fail("the stream does not end");
	/* Before the FIN is acknowledged the data itself would abort the connection. */
	expect_line(tracer_shared(), p.of_child.cookie, LINE_STATE, "TIME_WAIT");
	must("send", remote_send(p.client, p.conn, 10));
	p.of_child.states = STATES_CHILD_ACTIVE;
	p.of_child.reason = "local-close";
	p.of_client.states = "CLOSE>SYN_SENT>ESTABLISHED>CLOSE_WAIT>CLOSE";
	p.of_client.reason = "peer-reset";
	finish(&p, p.client, p.conn);
}

/* The listener closes over connections in its queue: they never had an owner but the listener's. */
static void aborted(const char *address)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new(address);
	struct address client_local;

	pair_listen(&p);
	pair_connect(&p);
	client_local = remote_local(p.client, p.conn);
	if (!(must("poll", remote_wait(p.server, p.listener, POLLIN, 5000)) & POLLIN))
		scenario_fail("no connection in the queue");
	p.of_listener = (struct expect){
		.label = "listener",
		.netns = p.server->netns,
		.owner = owner_of(p.server),
		.bound = p.listen_at,
		.cookie = remote_cookie(p.server, p.listener),
		.calls = "bind listen",
		.states = STATES_LISTENER,
		.reason = "local-close",
	};
	p.of_child = (struct expect){
		.label = "child",
		.netns = p.server->netns,
		.owner = owner_of(p.server),
		.local = p.listen_at,
		.peer = client_local,
		.cookie = expect_cookie_of(t, &p.listen_at, &client_local),
		.calls = "",
		.states = CHILD_RESET,
		.reason = "aborted",
	};
	p.of_client.label = "client";
	p.of_client.netns = p.client->netns;
	p.of_client.local = client_local;
	p.of_client.peer = p.connect_to;
	p.of_client.cookie = remote_cookie(p.client, p.conn);
	p.of_client.calls = "connect";
	p.of_client.autobind = PORT_AUTO;
	p.of_client.states = CLIENT_RESET;
	p.of_client.reason = "peer-reset";
	must("close", remote_close(p.server, p.listener));
	remote_wait(p.client, p.conn, POLLIN, 5000);
	must("close", remote_close(p.client, p.conn));
	pair_check(t, &p);
}

static void aborted_ipv4(void)
{
	aborted("127.0.0.1");
}

static void aborted_ipv6(void)
{
	struct peer *probe = peer_start("sw-probe");
	int fd = remote_socket(probe, AF_INET6, 0);

	if (fd < 0 || remote_bind(probe, fd, address_of("::1", 0)) < 0)
		scenario_skip("no IPv6 loopback");
	aborted("::1");
}

/* Closed before anybody accepted it: accept() hands out a connection that is over already. */
static void closed_before_accept(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");

	pair_listen(&p);
	pair_connect(&p);
	p.of_client.local = remote_local(p.client, p.conn);
	p.of_client.cookie = remote_cookie(p.client, p.conn);
	must("close", remote_close(p.client, p.conn));
	expect_line(t, p.of_client.cookie, LINE_STATE, "TIME_WAIT");
	p.child = (int)must("accept", remote_accept(p.server, p.listener, ACCEPT_ADDRESS));
	p.of_child = (struct expect){
		.label = "child",
		.netns = p.server->netns,
		.owner = owner_of(p.server),
		.before = owner_of(p.server),
		.local = p.connect_to,
		.peer = p.of_client.local,
		.cookie = remote_cookie(p.server, p.child),
		.calls = "accept",
		.states = STATES_CHILD_PASSIVE,
		.reason = "peer-close",
	};
	must("receive", remote_receive(p.server, p.child, 1));
	must("close", remote_close(p.server, p.child));
	expect_life(t, &p.of_child);
}

const struct scenario reset_scenarios[] = {
	{"close-reset-by-client", linger_client},
	{"close-reset-by-server", linger_server},
	{"close-reset-of-unread-data", unread_data},
	{"close-reset-of-late-data", send_to_closed},
	{"close-aborted-in-queue", aborted_ipv4},
	{"close-aborted-in-queue-ipv6", aborted_ipv6},
	{"close-before-accept", closed_before_accept},
	{0},
};
