// SPDX-License-Identifier: GPL-2.0-only
/* How many UDP sockets can still get a port: one that any socket of the namespace has, none gets. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "budget_case.h"
#include "scenario.h"

static void udp_plain(void)
{
	budget_prove("127.0.0.1", SOCK_DGRAM, 10);
	budget_prove("127.0.0.2", SOCK_DGRAM, 0);
	budget_prove("::1", SOCK_DGRAM, 0);
}

static void udp_ipv6(void)
{
	budget_prove("::1", SOCK_DGRAM, 10);
	budget_prove("127.0.0.1", SOCK_DGRAM, 0);
}

static void udp_odd(void)
{
	child_sysctl("ip_local_port_range", "40000 40008");
	child_sysctl("ip_local_reserved_ports", "40003");
	budget_prove("127.0.0.1", SOCK_DGRAM, 8);
}

/* A socket for each way to share a port or to have it on some addresses only. */
static void udp_bind_all(void)
{
	int fd;

	budget_bind(budget_socket("127.0.0.9", SOCK_DGRAM), "127.0.0.9", 40001);
	fd = budget_socket("0.0.0.0", SOCK_DGRAM);
	budget_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	budget_bind(fd, "0.0.0.0", 40002);
	for (int i = 0; i < 2; i++) {
		fd = budget_socket("127.0.0.1", SOCK_DGRAM);
		budget_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
		budget_bind(fd, "127.0.0.1", 40003);
	}
	budget_bind(budget_socket("::1", SOCK_DGRAM), "::1", 40004);
	fd = budget_socket("::", SOCK_DGRAM);
	budget_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	budget_bind(fd, "::", 40005);
	budget_bind(budget_socket("::", SOCK_DGRAM), "::", 40006);
	fd = budget_socket("0.0.0.0", SOCK_DGRAM);
	child_need("SO_BINDTODEVICE", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
	budget_bind(fd, "0.0.0.0", 40007);
}

static void udp_bound(void)
{
	udp_bind_all();
	budget_prove("127.0.0.1", SOCK_DGRAM, 5);
}

static void udp_bound_ipv6(void)
{
	udp_bind_all();
	budget_prove("::1", SOCK_DGRAM, 3);
}

/* A mapped destination is asked for by an IPv6 socket. */
static void udp_mapped(void)
{
	struct budget_left said;

	budget_bind(budget_socket("::1", SOCK_DGRAM), "::1", 40004);
	for (int i = 0; i < 3; i++)
		child_need("connect",
			   budget_connect(budget_socket("::", SOCK_DGRAM), "::ffff:127.0.0.1"));
	said = budget_left("127.0.0.1", SOCK_DGRAM);
	if (said.sure != 7)
		child_fail("said %ld, expected 7", said.sure);
	budget_prove("127.0.0.1", SOCK_DGRAM, 7);
}

static void udp_send(void)
{
	struct sockaddr_storage to, any;
	socklen_t len = budget_address(&to, "127.0.0.1", SERVER_PORT);
	long said = budget_left("127.0.0.1", SOCK_DGRAM).sure, done = 0;
	int fd;

	for (; done < MAX_PORTS; done++) {
		fd = budget_socket("127.0.0.1", SOCK_DGRAM);
		if (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, len) < 0)
			break;
	}
	if (errno != EAGAIN || done != said || said != 10)
		child_fail("said %ld, %ld sends succeeded: %s", said, done, strerror(errno));
	budget_address(&any, "0.0.0.0", 0);
	if (!bind(fd, (struct sockaddr *)&any, len) || errno != EADDRINUSE)
		child_fail("bind(0) did not fail with EADDRINUSE: %s", strerror(errno));
	if (budget_left("127.0.0.1", SOCK_DGRAM).sure)
		child_fail("some are left after the last");
}

IN_CHILD(udp_plain)
IN_CHILD(udp_ipv6)
IN_CHILD(udp_odd)
IN_CHILD(udp_bound)
IN_CHILD(udp_bound_ipv6)
IN_CHILD(udp_mapped)
IN_CHILD(udp_send)

const struct scenario budget_udp_scenarios[] = {
	{"budget-udp", run_udp_plain},
	{"budget-udp-ipv6", run_udp_ipv6},
	{"budget-udp-odd", run_udp_odd},
	{"budget-udp-bound", run_udp_bound},
	{"budget-udp-bound-ipv6", run_udp_bound_ipv6},
	{"budget-udp-mapped", run_udp_mapped},
	{"budget-udp-send", run_udp_send},
	{0},
};
