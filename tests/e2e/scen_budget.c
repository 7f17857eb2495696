// SPDX-License-Identifier: GPL-2.0-only
/* How many TCP connects `sockwatch ephemeral` says will still succeed: by the kernel's own rule, in each of its corners. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "budget_case.h"
#include "module.h"
#include "netlink.h"
#include "scenario.h"
#include "tracer.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

#define VRF    "sw-red"
#define IN_VRF "10.77.9.1"

static int new_socket(const char *addr)
{
	return budget_socket(addr, SOCK_STREAM);
}

static int serve(const char *addr, unsigned int port)
{
	int fd = new_socket(addr);

	budget_bind(fd, addr, port);
	child_need("listen", listen(fd, 1000));
	return fd;
}

static long available(const char *addr)
{
	return budget_left(addr, SOCK_STREAM).sure;
}

static long connect_all(const char *addr)
{
	return budget_connect_all(addr, SOCK_STREAM);
}

static void prove(const char *addr, long expected)
{
	budget_prove(addr, SOCK_STREAM, expected);
}

static void plain(void)
{
	serve("0.0.0.0", SERVER_PORT);
	prove("127.0.0.1", 10);
	prove("127.0.0.2", 10);
	prove("127.0.0.3", 10);
}

static void bound_elsewhere(void)
{
	serve("0.0.0.0", SERVER_PORT);
	budget_bind(new_socket("127.0.0.9"), "127.0.0.9", 40001);
	budget_bind(new_socket("127.0.0.9"), "127.0.0.9", 40004);
	serve("127.0.0.9", 40009);
	prove("127.0.0.1", 7);
}

/* bind() first: with IP_BIND_ADDRESS_NO_PORT the port stays free for other destinations. */
static void bind_connect(bool no_port)
{
	int one = 1;

	serve("0.0.0.0", SERVER_PORT);
	for (int i = 0; i < 3; i++) {
		int fd = new_socket("127.0.0.1"), err;

		if (no_port)
			child_need("IP_BIND_ADDRESS_NO_PORT",
				   setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
					      sizeof(one)));
		budget_bind(fd, "127.0.0.1", 0);
		err = budget_connect(fd, "127.0.0.1");
		if (err)
			child_fail("connect: %s", strerror(-err));
	}
	prove("127.0.0.2", no_port ? 10 : 7);
	prove("127.0.0.1", 7);
}

static void bind_then_connect(void)
{
	bind_connect(false);
}

static void bind_no_port(void)
{
	bind_connect(true);
}

static void reserved(void)
{
	serve("0.0.0.0", SERVER_PORT);
	child_sysctl("ip_local_reserved_ports", "40000,40005-40006,50000");
	prove("127.0.0.1", 7);
}

/*
 * Ten connections whose client closes first.  Where a FIN had to be sent again the answer meets the listener, whose reset must not
 * end the TIME_WAIT.
 */
static void leave_time_wait(int server)
{
	char byte;

	child_sysctl("tcp_rfc1337", "1");
	for (int i = 0; i < 10; i++) {
		int fd = new_socket("127.0.0.1"), err = budget_connect(fd, "127.0.0.1"), child;

		if (err)
			child_fail("connect: %s", strerror(-err));
		child = (int)child_need("accept", accept(server, NULL, NULL));
		close(fd);
		child_need("read", read(child, &byte, 1));
		close(child);
	}
}

static void wait_until_ten(void)
{
	uint64_t deadline = deadline_in(20000);
	long left;

	while ((left = available("127.0.0.1")) != 10) {
		if (!deadline_left(deadline))
			child_fail("%ld of 10 TIME_WAITs became reusable", left);
	}
	if (connect_all("127.0.0.1") != 10)
		child_fail("said 10, fewer connects succeeded");
}

static void time_wait(const char *reuse)
{
	int server = serve("0.0.0.0", SERVER_PORT);

	child_sysctl("tcp_tw_reuse", reuse);
	leave_time_wait(server);
	if (reuse[0] == '0') {
		prove("127.0.0.1", 0);
		return;
	}
	wait_until_ten();
}

static void time_wait_kept(void)
{
	time_wait("0");
}

static void time_wait_reused(void)
{
	time_wait("1");
}

static void time_wait_loopback(void)
{
	time_wait("2");
}

static void ipv6(void)
{
	serve("::", SERVER_PORT);
	budget_bind(new_socket("::1"), "::1", 40002);
	budget_bind(new_socket("127.0.0.1"), "127.0.0.1", 40003);
	prove("::1", 8);
}

/* Of an odd number connect() leaves out the first or the last, by chance: as many succeed as said, or one more. */
static void prove_odd(const char *addr, long sure, long uncertain)
{
	struct budget_left said = budget_left(addr, SOCK_STREAM);
	long done = connect_all(addr);

	if (said.sure != sure || said.uncertain != uncertain)
		child_fail("to %s: said %ld and %ld more, the case expects %ld and %ld", addr,
			   said.sure, said.uncertain, sure, uncertain);
	if (done < sure || done > sure + uncertain)
		child_fail("to %s: said %ld and %ld more, %ld connects succeeded", addr, sure,
			   uncertain, done);
	said = budget_left(addr, SOCK_STREAM);
	if (said.sure || said.uncertain != sure + uncertain - done)
		child_fail("to %s: said %ld and %ld more after the last", addr, said.sure,
			   said.uncertain);
}

static void odd(void)
{
	char addr[32];

	serve("0.0.0.0", SERVER_PORT);
	child_sysctl("ip_local_port_range", "40000 40008");
	for (int i = 1; i <= 12; i++) {
		snprintf(addr, sizeof(addr), "127.0.0.%d", i);
		prove_odd(addr, 8, 1);
	}
}

/* Its ends being taken, what is between is found. */
static void odd_ends_taken(void)
{
	char addr[32];

	serve("0.0.0.0", SERVER_PORT);
	child_sysctl("ip_local_port_range", "40000 40008");
	child_sysctl("ip_local_reserved_ports", "40000");
	budget_bind(new_socket("127.0.0.99"), "127.0.0.99", 40008);
	for (int i = 1; i <= 6; i++) {
		snprintf(addr, sizeof(addr), "127.0.0.%d", i);
		prove(addr, 7);
	}
}

/* After half of them the same holds; of three the last is never tried. */
static void odd_in_use(void)
{
	char addr[32];

	serve("0.0.0.0", SERVER_PORT);
	child_sysctl("ip_local_port_range", "40000 40006");
	for (int i = 1; i <= 6; i++) {
		struct budget_left said;

		snprintf(addr, sizeof(addr), "127.0.0.%d", i);
		for (int n = 0; n < 4; n++)
			child_need("connect", budget_connect(new_socket(addr), addr));
		said = budget_left(addr, SOCK_STREAM);
		if (said.sure + said.uncertain != 3)
			child_fail("to %s: said %ld and %ld more of 3", addr, said.sure,
				   said.uncertain);
		prove_odd(addr, said.sure, said.uncertain);
	}
	child_sysctl("ip_local_port_range", "40000 40002");
	prove("127.0.0.11", 2);
	prove("127.0.0.12", 2);
}

static void one_port(void)
{
	serve("0.0.0.0", SERVER_PORT);
	child_sysctl("ip_local_port_range", "40000 40000");
	prove("127.0.0.1", 1);
}

static void step_width(void)
{
	char addr[32];

	child_sysctl("ip_local_port_step_width", "4");
	serve("0.0.0.0", SERVER_PORT);
	for (int i = 1; i <= 6; i++) {
		snprintf(addr, sizeof(addr), "127.0.0.%d", i);
		prove(addr, 10);
	}
	child_sysctl("ip_local_port_range", "40000 40008");
	child_sysctl("ip_local_port_step_width", "100");
	for (int i = 11; i <= 16; i++) {
		snprintf(addr, sizeof(addr), "127.0.0.%d", i);
		prove_odd(addr, 8, 1);
	}
}

/* Sockets that choose from a range of their own take from the namespace's as any others. */
static void socket_range(void)
{
	uint32_t range = 40003u << 16 | 40002u;

	serve("0.0.0.0", SERVER_PORT);
	for (int i = 0; i < 2; i++) {
		int fd = new_socket("127.0.0.1"), err;

		if (setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof(range)))
			child_skip("no IP_LOCAL_PORT_RANGE");
		err = budget_connect(fd, "127.0.0.1");
		if (err)
			child_fail("connect: %s", strerror(-err));
	}
	prove("127.0.0.2", 10);
	prove("127.0.0.1", 8);
}

static void time_wait_delay(void)
{
	int server = serve("0.0.0.0", SERVER_PORT);

	child_sysctl("tcp_tw_reuse_delay", "60000");
	child_sysctl("tcp_tw_reuse", "1");
	leave_time_wait(server);
	prove("127.0.0.1", 0);
	child_sysctl("tcp_tw_reuse_delay", "1");
	wait_until_ten();
}

static int socket_in_vrf(void)
{
	int fd = new_socket(IN_VRF);

	child_need("SO_BINDTODEVICE",
		   setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, VRF, sizeof(VRF)));
	return fd;
}

/* TCP has ports of its own in a VRF: what is taken there is free outside, and the other way round. */
static void vrf(void)
{
	int server, err;
	long done = 0;

	module_load("vrf");
	if (netlink_vrf_add(VRF) < 0)
		child_skip("no VRF: %s", strerror(errno));
	child_need("address", netlink_address_add(VRF, IN_VRF, 24));
	child_need("up", netlink_link_up(VRF));
	server = socket_in_vrf();
	budget_bind(server, IN_VRF, SERVER_PORT);
	child_need("listen", listen(server, 1000));
	budget_bind(socket_in_vrf(), IN_VRF, 40003);
	serve("127.0.0.1", SERVER_PORT);
	budget_bind(new_socket("127.0.0.1"), "127.0.0.1", 40005);
	budget_bind(new_socket("127.0.0.1"), "127.0.0.1", 40006);
	for (int i = 0; i < 2; i++) {
		err = budget_connect(i ? socket_in_vrf() : new_socket("127.0.0.1"),
				     i ? IN_VRF : "127.0.0.1");
		if (err)
			child_fail("connect: %s", strerror(-err));
	}
	if (available(IN_VRF) != 8)
		child_fail("in the VRF %ld are left, must be 8", available(IN_VRF));
	if (!strstr(budget_ask(), "\"vrf\":\"" VRF "\""))
		child_fail("the VRF has no name: %s", budget_ask());
	prove("127.0.0.1", 7);
	while (!(err = budget_connect(socket_in_vrf(), IN_VRF)) && done < MAX_PORTS)
		done++;
	if (err != -EADDRNOTAVAIL || done != 8 || available(IN_VRF))
		child_fail(
			"in the VRF %ld connects succeeded, then %s; %ld are left, must be 8 and 0",
			done, strerror(-err), available(IN_VRF));
}

IN_CHILD(plain)
IN_CHILD(bound_elsewhere)
IN_CHILD(bind_then_connect)
IN_CHILD(bind_no_port)
IN_CHILD(reserved)
IN_CHILD(time_wait_kept)
IN_CHILD(time_wait_reused)
IN_CHILD(time_wait_loopback)
IN_CHILD(ipv6)
IN_CHILD(odd)
IN_CHILD(odd_ends_taken)
IN_CHILD(odd_in_use)
IN_CHILD(one_port)
IN_CHILD(step_width)
IN_CHILD(socket_range)
IN_CHILD(time_wait_delay)
IN_CHILD(vrf)

const struct scenario budget_scenarios[] = {
	{"budget-plain", run_plain},
	{"budget-bound-elsewhere", run_bound_elsewhere},
	{"budget-bind-then-connect", run_bind_then_connect},
	{"budget-bind-no-port", run_bind_no_port},
	{"budget-reserved", run_reserved},
	{"budget-time-wait-kept", run_time_wait_kept},
	{"budget-time-wait-reused", run_time_wait_reused},
	{"budget-time-wait-loopback", run_time_wait_loopback},
	{"budget-ipv6", run_ipv6},
	{"budget-odd", run_odd},
	{"budget-odd-ends-taken", run_odd_ends_taken},
	{"budget-odd-in-use", run_odd_in_use},
	{"budget-one-port", run_one_port},
	{"budget-step-width", run_step_width},
	{"budget-socket-range", run_socket_range},
	{"budget-time-wait-delay", run_time_wait_delay},
	{"budget-vrf", run_vrf},
	{0},
};
