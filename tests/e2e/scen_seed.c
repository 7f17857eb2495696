// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that were there before the tracer. */
#include <signal.h>
#include <stddef.h>

#include "pair.h"
#include "scenario.h"

/* What a tracer that came late may leave out. */
static void came_late(struct expect *x, const char *states)
{
	x->seeded = true;
	x->calls = "";
	x->states = states;
	x->counted = false;
}

static void listener(void)
{
	struct pair p = pair_new("127.0.0.1");
	struct tracer *t;

	pair_listen(&p);
	t = tracer_open(NULL);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	pair_close(&p, CLIENT_FIRST);
	came_late(&p.of_listener, "LISTEN>CLOSE");
	pair_check(t, &p);
	tracer_end(t, SIGINT, 0);
}

static void established(enum close_order order)
{
	struct pair p = pair_new("127.0.0.1");
	struct tracer *t;

	pair_listen(&p);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	t = tracer_open(NULL);
	pair_know(&p);
	pair_close(&p, order);
	came_late(&p.of_listener, "LISTEN>CLOSE");
	came_late(&p.of_client, order == CLIENT_FIRST ? "ESTABLISHED>FIN_WAIT1>FIN_WAIT2>TIME_WAIT"
						      : "ESTABLISHED>CLOSE_WAIT>LAST_ACK>CLOSE");
	came_late(&p.of_child, order == SERVER_FIRST ? "ESTABLISHED>FIN_WAIT1>FIN_WAIT2>TIME_WAIT"
						     : "ESTABLISHED>CLOSE_WAIT>LAST_ACK>CLOSE");
	/* Found behind one descriptor: its holder is its owner.  Which thread made it nobody knows.
	 */
	p.of_child.before.pid = 0;
	pair_check(t, &p);
	tracer_end(t, SIGINT, 0);
}

static void established_client_first(void)
{
	established(CLIENT_FIRST);
}

static void established_server_first(void)
{
	established(SERVER_FIRST);
}

static void established_ipv6(void)
{
	struct pair p = pair_new("::ffff:127.0.0.1");
	struct tracer *t;

	if (remote_socket(p.server, AF_INET6, 0) < 0)
		scenario_skip("no IPv6");
	pair_listen(&p);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	t = tracer_open(NULL);
	pair_know(&p);
	pair_close(&p, CLIENT_FIRST);
	came_late(&p.of_listener, "LISTEN>CLOSE");
	came_late(&p.of_client, "ESTABLISHED>FIN_WAIT1>FIN_WAIT2>TIME_WAIT");
	came_late(&p.of_child, "ESTABLISHED>CLOSE_WAIT>LAST_ACK>CLOSE");
	p.of_child.before.pid = 0;
	pair_check(t, &p);
	tracer_end(t, SIGINT, 0);
}

/* In a namespace of its own, where the tracer's iterators must go to look. */
static void other_netns(void)
{
	struct pair p = pair_new("127.0.0.1");
	struct tracer *t;

	remote_own_netns(p.server);
	p.client = peer_fork(p.server, "sw-client-2");
	pair_listen(&p);
	pair_connect(&p);
	t = tracer_open(NULL);
	/* The child existed before the tracer, but its accept() is seen. */
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	pair_close(&p, CLIENT_FIRST);
	came_late(&p.of_listener, "LISTEN>CLOSE");
	came_late(&p.of_client, "ESTABLISHED>FIN_WAIT1>FIN_WAIT2>TIME_WAIT");
	came_late(&p.of_child, "ESTABLISHED>CLOSE_WAIT>LAST_ACK>CLOSE");
	p.of_child.calls = "accept";
	p.of_child.before_or_null = true;
	pair_check(t, &p);
	tracer_end(t, SIGINT, 0);
}

/* A listener that a parent passed on: whatever the tracer thinks of the time before, accept() names
 * the child. */
static void inherited_listener(void)
{
	struct pair p = pair_new("127.0.0.1");
	const struct expect *lives[2] = {&p.of_client, &p.of_child};
	const struct line *l;
	struct tracer *t;

	pair_listen(&p);
	p.acceptor = peer_fork(p.server, "sw-worker");
	t = tracer_open(NULL);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_NULL);
	pair_know(&p);
	/* Two processes hold it; the one or the other or nobody, but no third. */
	p.of_child.before_free = true;
	l = expect_line(t, p.of_child.cookie, LINE_ACCEPT, NULL);
	if (l->process.pid != (uint32_t)p.acceptor->pid) {
		expect_show(t, p.of_child.cookie);
		scenario_fail("accept names %u, must name %d", l->process.pid, p.acceptor->pid);
	}
	pair_close(&p, CLIENT_FIRST);
	expect_lives(t, lives, 2);
	tracer_end(t, SIGINT, 0);
}

/* The process sat inside accept() when the tracer came: no system call entry was ever seen. */
static void blocked_accept(enum accept_how how)
{
	struct pair p = pair_new("127.0.0.1");
	struct tracer *t;

	pair_listen(&p);
	remote_accept_begin(p.server, p.listener, how);
	remote_wait_accepting(p.server);
	t = tracer_open(NULL);
	pair_connect(&p);
	p.child = (int)must("accept", remote_finish(p.server));
	p.of_child.owner = owner_of(p.server);
	pair_know(&p);
	pair_close(&p, SERVER_FIRST);
	came_late(&p.of_listener, "LISTEN>CLOSE");
	pair_check(t, &p);
	tracer_end(t, SIGINT, 0);
}

static void blocked_accept_address(void)
{
	blocked_accept(ACCEPT_ADDRESS);
}

static void blocked_accept_null(void)
{
	blocked_accept(ACCEPT_NULL);
}

static void blocked_accept4(void)
{
	blocked_accept(ACCEPT4_NULL);
}

const struct scenario seed_scenarios[] = {
	{"seed-listener", listener},
	{"seed-established-client-closes-first", established_client_first},
	{"seed-established-server-closes-first", established_server_first},
	{"seed-established-mapped", established_ipv6},
	{"seed-other-netns", other_netns},
	{"seed-inherited-listener", inherited_listener},
	{"seed-blocked-accept", blocked_accept_address},
	{"seed-blocked-accept-null", blocked_accept_null},
	{"seed-blocked-accept4-null", blocked_accept4},
	{0},
};
