// SPDX-License-Identifier: GPL-2.0-only
/* Who made which call: client, server and acceptor in processes of their own. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>

#include "pair.h"
#include "scenario.h"

static void whole(const char *address, enum accept_how how, enum close_order order)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new(address);

	pair_whole_life(t, &p, how, order);
}

static void ipv4(void)
{
	whole("127.0.0.1", ACCEPT_ADDRESS, CLIENT_FIRST);
}

static void ipv4_server_first(void)
{
	whole("127.0.0.1", ACCEPT_ADDRESS, SERVER_FIRST);
}

static void need_ipv6(void)
{
	struct peer *p = peer_start("sw-probe");
	int fd = remote_socket(p, AF_INET6, 0);

	if (fd < 0 || remote_bind(p, fd, address_of("::1", 0)) < 0)
		scenario_skip("no IPv6 loopback");
}

static void ipv6(void)
{
	need_ipv6();
	whole("::1", ACCEPT_ADDRESS, CLIENT_FIRST);
}

static void ipv6_server_first(void)
{
	need_ipv6();
	whole("::1", ACCEPT4, SERVER_FIRST);
}

static void mapped(void)
{
	need_ipv6();
	whole("::ffff:127.0.0.1", ACCEPT_ADDRESS, CLIENT_FIRST);
}

/* A dual-stack listener takes an IPv4 client: the child is an IPv6 socket with mapped addresses. */
static void dual_stack(void)
{
	struct tracer *t = tracer_shared();
	struct pair p;

	need_ipv6();
	p = pair_new("::");
	p.connect_to = address_of("127.0.0.1", 0);
	pair_whole_life(t, &p, ACCEPT_ADDRESS, SERVER_FIRST);
}

static void accept_null(void)
{
	whole("127.0.0.1", ACCEPT_NULL, CLIENT_FIRST);
}

static void accept4_address(void)
{
	whole("127.0.0.1", ACCEPT4, CLIENT_FIRST);
}

static void accept4_null(void)
{
	whole("127.0.0.1", ACCEPT4_NULL, SERVER_FIRST);
}

/* The acceptor waits inside accept() before the client comes. */
static void accept_waiting(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");

	pair_listen(&p);
	remote_accept_begin(p.server, p.listener, ACCEPT_NULL);
	pair_connect(&p);
	p.child = (int)must("accept", remote_finish(p.server));
	p.of_child.owner = owner_of(p.server);
	pair_know(&p);
	pair_close(&p, CLIENT_FIRST);
	pair_check(t, &p);
}

static void nonblocking(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	int err;

	pair_listen(&p);
	must("O_NONBLOCK", remote_nonblock(p.server, p.listener));
	err = remote_accept(p.server, p.listener, ACCEPT_ADDRESS);
	if (err != -EAGAIN)
		scenario_fail("accept on an empty queue gave %d", err);
	p.conn = (int)must("socket", remote_socket(p.client, AF_INET, SOCK_NONBLOCK));
	err = remote_connect(p.client, p.conn, p.connect_to);
	if (err != -EINPROGRESS && err != 0)
		scenario_fail("non-blocking connect gave %d", err);
	p.of_client.owner = owner_of(p.client);
	if (!(must("poll", remote_wait(p.client, p.conn, POLLOUT, 5000)) & POLLOUT))
		scenario_fail("the connection is not made");
	if (!(must("poll", remote_wait(p.server, p.listener, POLLIN, 5000)) & POLLIN))
		scenario_fail("no connection to accept");
	pair_accept(&p, ACCEPT4);
	pair_know(&p);
	pair_talk(&p, 10, 10);
	pair_close(&p, CLIENT_FIRST);
	pair_check(t, &p);
}

#define WORKERS 3

/* A parent listens, its children accept: before accept() a connection is the parent's, then the
 * child's. */
static void preforked(void)
{
	static const char *const name[WORKERS] = {"sw-worker-1", "sw-worker-2", "sw-worker-3"};
	struct tracer *t = tracer_shared();
	struct pair first = pair_new("127.0.0.1"), p[WORKERS];
	struct peer *worker[WORKERS];

	pair_listen(&first);
	for (int i = 0; i < WORKERS; i++)
		worker[i] = peer_fork(first.server, name[i]);
	for (int i = 0; i < WORKERS; i++) {
		const struct expect *lives[2] = {&p[i].of_client, &p[i].of_child};

		p[i] = first;
		p[i].acceptor = worker[i];
		pair_connect(&p[i]);
		pair_accept(&p[i], i % 2 ? ACCEPT_NULL : ACCEPT_ADDRESS);
		pair_know(&p[i]);
		pair_talk(&p[i], 5, 7);
		must("close", remote_close(p[i].client, p[i].conn));
		pair_follow(&p[i], CLIENT_FIRST);
		p[i].of_client.states = STATES_CLIENT_ACTIVE;
		p[i].of_child.states = STATES_CHILD_PASSIVE;
		p[i].of_client.reason = "local-close";
		p[i].of_child.reason = "peer-close";
		expect_lives(t, lives, 2);
	}
	for (int i = 0; i < WORKERS; i++)
		must("close", remote_close(worker[i], first.listener));
	must("close", remote_close(first.server, first.listener));
	expect_life(t, &p[0].of_listener);
}

static struct pair reuse_listener(struct pair *other, const char *name)
{
	struct pair p = {.server = peer_start(name), .client = other->client};

	p.connect_to = other->connect_to;
	p.listener = (int)must("socket", remote_socket(p.server, AF_INET, 0));
	must("SO_REUSEPORT", remote_option(p.server, p.listener, SOL_SOCKET, SO_REUSEPORT, 1));
	must("bind", remote_bind(p.server, p.listener, other->listen_at));
	must("listen", remote_listen(p.server, p.listener, 16));
	p.listen_at = other->listen_at;
	p.of_listener.owner = owner_of(p.server);
	return p;
}

/* Which of the two listeners has a connection to accept. */
static struct pair *wait_either(struct pair *a, struct pair *b)
{
	uint64_t deadline = deadline_in(5000);

	while (deadline_left(deadline) > 0) {
		if (remote_wait(a->server, a->listener, POLLIN, 5) > 0)
			return a;
		if (remote_wait(b->server, b->listener, POLLIN, 5) > 0)
			return b;
	}
	scenario_fail("no listener got the connection");
}

/* Two listeners on one port: the kernel chooses by a hash, so clients come until both were chosen.
 */
static void reuseport(void)
{
	struct tracer *t = tracer_shared();
	struct pair a = pair_new("127.0.0.1"), b;
	bool a_served = false, b_served = false;

	a.listener = (int)must("socket", remote_socket(a.server, AF_INET, 0));
	must("SO_REUSEPORT", remote_option(a.server, a.listener, SOL_SOCKET, SO_REUSEPORT, 1));
	must("bind", remote_bind(a.server, a.listener, a.listen_at));
	must("listen", remote_listen(a.server, a.listener, 16));
	a.listen_at = remote_local(a.server, a.listener);
	a.connect_to = a.listen_at;
	a.of_listener.owner = owner_of(a.server);
	b = reuse_listener(&a, "sw-server-2");
	for (int i = 0; i < 64 && !(a_served && b_served); i++) {
		struct pair p = a;
		const struct expect *lives[2] = {&p.of_client, &p.of_child};

		pair_connect(&p);
		if (wait_either(&a, &b) == &b) {
			p.server = b.server;
			p.listener = b.listener;
			p.of_listener = b.of_listener;
		}
		*(p.server == a.server ? &a_served : &b_served) = true;
		pair_accept(&p, ACCEPT_ADDRESS);
		pair_know(&p);
		must("close", remote_close(p.client, p.conn));
		pair_follow(&p, CLIENT_FIRST);
		p.of_child.before_or_null = true;
		p.of_client.reason = "local-close";
		p.of_child.reason = "peer-close";
		expect_lives(t, lives, 2);
	}
	if (!a_served || !b_served)
		scenario_skip("the kernel sent 64 connections to one of two listeners");
}

const struct scenario owner_scenarios[] = {
	{"owner-ipv4", ipv4},
	{"owner-ipv4-server-closes-first", ipv4_server_first},
	{"owner-ipv6", ipv6},
	{"owner-ipv6-server-closes-first", ipv6_server_first},
	{"owner-mapped", mapped},
	{"owner-dual-stack", dual_stack},
	{"owner-accept-null", accept_null},
	{"owner-accept4", accept4_address},
	{"owner-accept4-null", accept4_null},
	{"owner-accept-waiting", accept_waiting},
	{"owner-nonblocking", nonblocking},
	{"owner-preforked", preforked},
	{"owner-reuseport", reuseport},
	{0},
};
