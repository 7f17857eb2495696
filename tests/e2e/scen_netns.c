// SPDX-License-Identifier: GPL-2.0-only
/* Every network namespace is seen, and each line names its own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "listed.h"
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

/* arg[0]: a process whose network namespace the caller goes to; it keeps the one that it comes from open. */
static void do_leave(struct call *c)
{
	char there[32];

	snprintf(there, sizeof(there), "/proc/%ld/ns/net", c->arg[0]);
	c->result = open("/proc/self/ns/net", O_RDONLY) < 0 ? -1 : setns(open(there, O_RDONLY), 0);
}

/* What is left in a namespace that nobody is in. */
static void kept_by_descriptor(void)
{
	static const char *const sources[] = {"auto", "proc"};
	static struct listed ls;
	struct pair p = pair_new("127.0.0.1");
	struct call c = {.arg = {getpid()}};

	remote_own_netns(p.server);
	peer_end(p.client, 0);
	p.client = peer_fork(p.server, "sw-client-2");
	pair_whole_life(tracer_shared(), &p, ACCEPT_ADDRESS, CLIENT_FIRST);
	peer_call(p.server, do_leave, &c);
	must("setns", c.result < 0 ? -c.error : c.result);
	peer_end(p.client, 0);
	for (int i = 0; i < 2; i++) {
		listed_take(&ls, sources[i], p.server->netns);
		if (!listed_find(&ls, "tcp", "TIME_WAIT", address_port(&p.of_client.local)))
			scenario_fail("ls --hooks %s does not list the TIME_WAIT", sources[i]);
	}
}

const struct scenario namespace_scenarios[] = {
	{"netns-veth-ipv4", veth_ipv4},
	{"netns-veth-ipv6", veth_ipv6},
	{"netns-same-port-twice", same_port_twice},
	{"netns-kept-by-descriptor", kept_by_descriptor},
	{0},
};
