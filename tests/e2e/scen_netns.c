// SPDX-License-Identifier: GPL-2.0-only
/* Every network namespace is seen, and each line names its own. */
#include <errno.h>
#include <string.h>

#include "netlink.h"
#include "pair.h"
#include "scenario.h"

struct link {
	const char *name, *address;
	unsigned int prefix;
};

static void do_veth(struct call *c)
{
	c->result = netlink_veth_add("east", "west", (pid_t)c->arg[0]);
}

static void do_link(struct call *c)
{
	const struct link *link = (const struct link *)c->arg[0];

	c->result = netlink_address_add(link->name, link->address, link->prefix);
	if (c->result == 0)
		c->result = netlink_link_up(link->name);
}

static void set_up(struct peer *p, const struct link *link)
{
	struct call c = {.arg = {(long)link}};

	peer_call(p, do_link, &c);
	if (c.result < 0)
		scenario_fail("%s on %s: %s", link->address, link->name, strerror(c.error));
}

/* The server in one new namespace, the client in another, a veth pair between them. */
static struct pair split(const struct link *east, const struct link *west)
{
	struct pair p = pair_new(west->address);
	struct call c = {.arg = {p.server->pid}};

	remote_own_netns(p.server);
	remote_own_netns(p.client);
	peer_call(p.client, do_veth, &c);
	if (c.result < 0 && (c.error == EOPNOTSUPP || c.error == ENOENT || c.error == EPERM))
		scenario_skip("no veth device: %s", strerror(c.error));
	if (c.result < 0)
		scenario_fail("veth: %s", strerror(c.error));
	set_up(p.server, west);
	set_up(p.client, east);
	return p;
}

static void veth_ipv4(void)
{
	static const struct link east = {"east", "10.77.0.1", 24}, west = {"west", "10.77.0.2", 24};
	struct tracer *t = tracer_shared();
	struct pair p = split(&east, &west);

	pair_whole_life(t, &p, ACCEPT_ADDRESS, CLIENT_FIRST);
}

static void veth_ipv6(void)
{
	static const struct link east = {"east", "fd77::1", 64}, west = {"west", "fd77::2", 64};
	struct tracer *t = tracer_shared();
	struct pair p = split(&east, &west);

	pair_whole_life(t, &p, ACCEPT_NULL, SERVER_FIRST);
}

/* The same address and port twice at once, told apart by the namespace alone. */
static void same_port_twice(void)
{
	struct tracer *t = tracer_shared();
	struct pair a = pair_new("127.0.0.1"), b = pair_new("127.0.0.1");

	remote_own_netns(b.server);
	b.client = peer_fork(b.server, "sw-client-2");
	pair_listen(&a);
	b.listen_at = a.listen_at;
	pair_listen(&b);
	pair_connect(&a);
	pair_connect(&b);
	pair_accept(&a, ACCEPT_ADDRESS);
	pair_accept(&b, ACCEPT_ADDRESS);
	pair_know(&a);
	pair_know(&b);
	pair_close(&a, CLIENT_FIRST);
	pair_close(&b, SERVER_FIRST);
	pair_check(t, &a);
	pair_check(t, &b);
}

const struct scenario namespace_scenarios[] = {
	{"netns-veth-ipv4", veth_ipv4},
	{"netns-veth-ipv6", veth_ipv6},
	{"netns-same-port-twice", same_port_twice},
	{0},
};
