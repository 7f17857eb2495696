// SPDX-License-Identifier: GPL-2.0-only
/* Failures told apart: no address to send from, no port, and ports that bind() took first. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "expect.h"
#include "scenario.h"

static void do_socket(struct call *c)
{
	c->result = socket((int)c->arg[0], (int)c->arg[1] | SOCK_CLOEXEC, 0);
}

/* `type`: SOCK_STREAM or SOCK_DGRAM, with flags. */
static int open_socket(struct peer *p, int family, int type)
{
	struct call c = {.arg = {family, type}};

	peer_call(p, do_socket, &c);
	if (c.result < 0)
		scenario_fail("socket: %s", strerror(c.error));
	return (int)c.result;
}

/* ---- no source address ---- */

/* A namespace whose loopback device has no IPv6 address: nothing to send from to ::1. */
static struct peer *without_ipv6(const char *name)
{
	struct peer *p = peer_start(name);

	remote_own_netns(p);
	if (remote_write_file(p, "/proc/sys/net/ipv6/conf/lo/disable_ipv6", "1") < 0)
		scenario_skip("no IPv6");
	return p;
}

/* The one line of a connect() that found no address to send from. */
static void check_no_source(struct peer *p, uint64_t cookie)
{
	struct tracer *t = tracer_shared();
	const struct line *l = expect_line(t, cookie, LINE_CONNECT, NULL);

	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		if (t->line[i]->cookie == cookie && t->line[i] != l &&
		    (t->line[i]->kind == LINE_CONNECT || t->line[i]->kind == LINE_STATE))
			scenario_fail("there must be one line of the call");
	}
	if (strcmp(l->error, "EADDRNOTAVAIL") == 0 && !l->has_range &&
	    strcmp(l->missing, "source-address") == 0 && l->process.pid == (uint32_t)p->pid &&
	    l->peer.port == 4711)
		return;
	expect_show(t, cookie);
	scenario_fail("connect must fail with EADDRNOTAVAIL for want of a source-address");
}

static void no_source(int type, bool bound)
{
	struct peer *p = without_ipv6("sw-nosource");
	int fd = open_socket(p, AF_INET6, type);
	int err;

	tracer_shared();
	if (bound)
		must("bind", remote_bind(p, fd, address_of("::", 0)));
	err = remote_connect(p, fd, address_of("::1", 4711));
	if (err != -EADDRNOTAVAIL)
		scenario_skip("connect gave %d", err);
	check_no_source(p, remote_cookie(p, fd));
}

static void no_source_tcp(void)
{
	no_source(SOCK_STREAM, false);
}

static void no_source_nonblocking(void)
{
	no_source(SOCK_STREAM | SOCK_NONBLOCK, false);
}

static void no_source_bound(void)
{
	no_source(SOCK_STREAM, true);
}

static void no_source_udp(void)
{
	no_source(SOCK_DGRAM, false);
}

/* ---- ports that bind() took ---- */

enum ports { BOUND_ONLY, BOUND_CONNECTED, BOUND_WAITING };

/* Takes all ten ports of the range, so that no unbound connect to 127.0.0.1:5000 gets one. */
static void take_ports(struct peer *p, enum ports how)
{
	struct address at = address_of("127.0.0.1", 5001);
	int listener = (int)must("socket", remote_socket(p, AF_INET, 0));

	must("bind", remote_bind(p, listener, at));
	must("listen", remote_listen(p, listener, 16));
	for (int i = 0; i < 10; i++) {
		int fd = (int)must("socket", remote_socket(p, AF_INET, 0)), child;

		must("bind", remote_bind(p, fd, address_of("127.0.0.1", 0)));
		if (how == BOUND_ONLY)
			continue;
		must("connect", remote_connect(p, fd, at));
		child = (int)must("accept", remote_accept(p, listener, ACCEPT_NULL));
		if (how != BOUND_WAITING)
			continue;
		must("close", remote_close(p, fd));
		must("read", remote_receive(p, child, 1));
		must("close", remote_close(p, child));
	}
}

static void ports_taken(enum ports how, bool before)
{
	struct peer *p = peer_start("sw-bound");
	struct tracer *t = before ? NULL : tracer_shared();
	const struct line *l;
	int fd, err;

	remote_own_netns(p);
	if (remote_write_file(p, "/proc/sys/net/ipv4/ip_local_port_range", "40000 40009") < 0)
		scenario_skip("the port range cannot be set");
	take_ports(p, how);
	if (before)
		t = tracer_open(NULL);
	fd = (int)must("socket", remote_socket(p, AF_INET, 0));
	err = remote_connect(p, fd, address_of("127.0.0.1", 5000));
	if (err != -EADDRNOTAVAIL)
		scenario_fail("connect gave %d", err);
	l = expect_line(t, remote_cookie(p, fd), LINE_CONNECT, NULL);
	if (l->has_range && l->used == 10 && !l->missing[0])
		return;
	scenario_show(l);
	scenario_fail("10 ports of 40000 to 40009 must be used");
}

static void ports_bound(void)
{
	ports_taken(BOUND_ONLY, false);
}

static void ports_bound_before(void)
{
	ports_taken(BOUND_ONLY, true);
}

static void ports_connected(void)
{
	ports_taken(BOUND_CONNECTED, false);
}

static void ports_connected_before(void)
{
	ports_taken(BOUND_CONNECTED, true);
}

static void ports_waiting(void)
{
	ports_taken(BOUND_WAITING, false);
}

static void ports_waiting_before(void)
{
	ports_taken(BOUND_WAITING, true);
}

const struct scenario failure_scenarios[] = {
	{"failure-no-source", no_source_tcp},
	{"failure-no-source-nonblocking", no_source_nonblocking},
	{"failure-no-source-bound", no_source_bound},
	{"failure-no-source-udp", no_source_udp},
	{"failure-ports-bound", ports_bound},
	{"failure-ports-bound-before", ports_bound_before},
	{"failure-ports-connected", ports_connected},
	{"failure-ports-connected-before", ports_connected_before},
	{"failure-ports-waiting", ports_waiting},
	{"failure-ports-waiting-before", ports_waiting_before},
	{0},
};
