// SPDX-License-Identifier: GPL-2.0-only
/* A port is on every line once it exists, and connect says who chose it. */
#include <netinet/in.h>
#include <stddef.h>

#include "pair.h"
#include "scenario.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static void connect_unbound(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	const struct line *l;

	pair_listen(&p);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	l = expect_line(t, p.of_client.cookie, LINE_CONNECT, NULL);
	if (l->autobind != 1 || l->local.port != address_port(&p.of_client.local)) {
		scenario_show(l);
		scenario_fail("connect must show the port that was chosen and autobind");
	}
	pair_close(&p, CLIENT_FIRST);
	pair_check(t, &p);
}

/* A client bound to `bind_to` first; `no_port` leaves the choice to connect() nevertheless. */
static void bound_client(const char *bind_to, bool reserve_first, bool no_port)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct address at = address_of(bind_to, 0);

	pair_listen(&p);
	if (reserve_first) {
		int fd = (int)must("socket", remote_socket(p.client, AF_INET, 0));
		struct address free_port;

		must("bind", remote_bind(p.client, fd, at));
		free_port = remote_local(p.client, fd);
		must("close", remote_close(p.client, fd));
		at = address_with_port(at, address_port(&free_port));
	}
	p.conn = (int)must("socket", remote_socket(p.client, AF_INET, 0));
	if (no_port)
		must("IP_BIND_ADDRESS_NO_PORT",
		     remote_option(p.client, p.conn, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1));
	must("bind", remote_bind(p.client, p.conn, at));
	at = remote_local(p.client, p.conn);
	if (no_port != (address_port(&at) == 0))
		scenario_fail("bind gave port %u", address_port(&at));
	must("connect", remote_connect(p.client, p.conn, p.connect_to));
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	p.of_client.owner = owner_of(p.client);
	p.of_client.calls = "bind connect";
	p.of_client.bound = at;
	p.of_client.autobind = no_port ? PORT_AUTO : PORT_NOT_AUTO;
	pair_close(&p, CLIENT_FIRST);
	pair_check(t, &p);
}

static void bind_zero_connect(void)
{
	bound_client("127.0.0.1", false, false);
}

static void bind_any_zero_connect(void)
{
	bound_client("0.0.0.0", false, false);
}

static void bind_explicit_connect(void)
{
	bound_client("127.0.0.1", true, false);
}

static void bind_no_port_connect(void)
{
	bound_client("127.0.0.1", false, true);
}

/* listen() on an unbound socket chooses a port, and the wildcard address with it. */
static void listen_unbound(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");

	p.listener = (int)must("socket", remote_socket(p.server, AF_INET, 0));
	must("listen", remote_listen(p.server, p.listener, 7));
	p.listen_at = remote_local(p.server, p.listener);
	p.connect_to = address_with_port(p.connect_to, address_port(&p.listen_at));
	p.of_listener.owner = owner_of(p.server);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	p.of_listener.calls = "listen";
	if (expect_line(t, p.of_listener.cookie, LINE_LISTEN, NULL)->backlog != 7) {
		expect_show(t, p.of_listener.cookie);
		scenario_fail("backlog must be 7");
	}
	pair_close(&p, CLIENT_FIRST);
	pair_check(t, &p);
}

/* listen() again changes the backlog; that is one more listen event and no new socket. */
static void listen_twice(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");

	pair_listen(&p);
	must("listen", remote_listen(p.server, p.listener, 32));
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	pair_close(&p, CLIENT_FIRST);
	p.of_listener.calls = "bind listen|bind listen listen";
	pair_check(t, &p);
}

/* An IPv6-only feature of bind(): one port for both families. */
static void dual_stack_bind(void)
{
	struct tracer *t = tracer_shared();
	struct peer *p = peer_start("sw-server");
	int fd = remote_socket(p, AF_INET6, 0);
	struct address at;
	const struct line *l;

	if (fd < 0)
		scenario_skip("no IPv6");
	must("IPV6_V6ONLY", remote_option(p, fd, IPPROTO_IPV6, IPV6_V6ONLY, 0));
	must("bind", remote_bind(p, fd, address_of("::", 0)));
	at = remote_local(p, fd);
	l = expect_line(t, remote_cookie(p, fd), LINE_BIND, NULL);
	if (l->local.port != address_port(&at) || l->family[3] != '6' || l->mapped ||
	    l->process.pid != (uint32_t)p->pid || l->local.addr[0] != ':' || l->peer.present) {
		scenario_show(l);
		scenario_fail("bind must show [::]:%u of %d", address_port(&at), p->pid);
	}
}

const struct scenario port_scenarios[] = {
	{"port-connect-unbound", connect_unbound},
	{"port-bind-0-connect", bind_zero_connect},
	{"port-bind-any-0-connect", bind_any_zero_connect},
	{"port-bind-explicit-connect", bind_explicit_connect},
	{"port-bind-address-no-port", bind_no_port_connect},
	{"port-listen-unbound", listen_unbound},
	{"port-listen-twice", listen_twice},
	{"port-dual-stack-bind", dual_stack_bind},
	{0},
};
