// SPDX-License-Identifier: GPL-2.0-only
/* connect() that fails, waits, is interrupted or finds no port: one event for one attempt. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "netlink.h"
#include "pair.h"
#include "scenario.h"

/* A port nobody listens on: bound, so that nobody else gets it. */
static struct address closed_port(struct peer *p, const char *address)
{
	struct address a = address_of(address, 0);
	int fd = (int)must("socket", remote_socket(p, a.ss.ss_family, 0));

	must("bind", remote_bind(p, fd, a));
	return remote_local(p, fd);
}

/* A failed attempt takes the source address away again, not the port; here both ends have the same
 * address. */
static struct expect attempt(struct peer *p, int fd, struct address to, const char *reason)
{
	struct address local = remote_local(p, fd);

	return (struct expect){
		.label = "client",
		.netns = p->netns,
		.owner = owner_of(p),
		.calls = "connect",
		.states = "CLOSE>SYN_SENT>CLOSE",
		.reason = reason,
		.autobind = PORT_AUTO,
		.local = address_with_port(to, address_port(&local)),
		.peer = to,
		.cookie = remote_cookie(p, fd),
	};
}

static void refused(const char *address)
{
	struct tracer *t = tracer_shared();
	struct peer *server = peer_start("sw-server"), *client = peer_start("sw-client");
	struct address to = closed_port(server, address);
	int fd = (int)must("socket", remote_socket(client, to.ss.ss_family, 0));
	int err = remote_connect(client, fd, to);
	struct expect x;

	if (err != -ECONNREFUSED)
		scenario_fail("connect gave %d", err);
	x = attempt(client, fd, to, "refused");
	must("close", remote_close(client, fd));
	expect_life(t, &x);
}

static void refused_ipv4(void)
{
	refused("127.0.0.1");
}

static void refused_ipv6(void)
{
	struct peer *probe = peer_start("sw-probe");
	int fd = remote_socket(probe, AF_INET6, 0);

	if (fd < 0 || remote_bind(probe, fd, address_of("::1", 0)) < 0)
		scenario_skip("no IPv6 loopback");
	refused("::1");
}

static void refused_nonblocking(void)
{
	struct tracer *t = tracer_shared();
	struct peer *server = peer_start("sw-server"), *client = peer_start("sw-client");
	struct address to = closed_port(server, "127.0.0.1");
	int fd = (int)must("socket", remote_socket(client, AF_INET, SOCK_NONBLOCK));
	int err = remote_connect(client, fd, to), so_error = 0;
	struct expect x;

	if (err != -EINPROGRESS && err != -ECONNREFUSED)
		scenario_fail("connect gave %d", err);
	remote_wait(client, fd, POLLOUT, 5000);
	must("SO_ERROR", remote_get_option(client, fd, SOL_SOCKET, SO_ERROR, &so_error));
	x = attempt(client, fd, to, "refused");
	must("close", remote_close(client, fd));
	expect_life(t, &x);
}

/* Linux lets a refused socket try again: two attempts, two lives, one cookie. */
static void refused_then_connected(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct address nowhere = closed_port(p.server, "127.0.0.1");
	int connects = 0, closes = 0;
	const char *reason[2] = {"", ""};
	uint64_t cookie;

	pair_listen(&p);
	p.conn = (int)must("socket", remote_socket(p.client, AF_INET, 0));
	if (remote_connect(p.client, p.conn, nowhere) != -ECONNREFUSED)
		scenario_fail("connect was not refused");
	must("connect", remote_connect(p.client, p.conn, p.connect_to));
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	cookie = p.of_client.cookie;
	pair_close(&p, CLIENT_FIRST);
	expect_life(t, &p.of_child);
	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		if (l->cookie != cookie)
			continue;
		connects += l->kind == LINE_CONNECT;
		if (l->kind == LINE_CLOSE && closes < 2)
			reason[closes++] = l->reason;
	}
	if (connects == 2 && strcmp(reason[0], "refused") == 0 &&
	    strcmp(reason[1], "local-close") == 0)
		return;
	expect_show(t, cookie);
	scenario_fail("%d connect events and reasons '%s', '%s'", connects, reason[0], reason[1]);
}

/* A listener whose queue is full drops every SYN: a peer that never answers, without any device. */
struct silence {
	struct peer *server;
	int listener;
	struct address at;
};

static struct silence silent_listener(void)
{
	struct silence s = {.server = peer_start("sw-server")};
	struct peer *filler = peer_start("sw-filler");
	int fd = (int)must("socket", remote_socket(filler, AF_INET, 0));

	s.listener = (int)must("socket", remote_socket(s.server, AF_INET, 0));
	must("bind", remote_bind(s.server, s.listener, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(s.server, s.listener, 0));
	s.at = remote_local(s.server, s.listener);
	must("connect", remote_connect(filler, fd, s.at));
	if (!(must("poll", remote_wait(s.server, s.listener, POLLIN, 5000)) & POLLIN))
		scenario_fail("the queue does not fill");
	return s;
}

static void timeout(void)
{
	struct tracer *t = tracer_shared();
	struct silence s = silent_listener();
	struct peer *client = peer_start("sw-client");
	int fd = (int)must("socket", remote_socket(client, AF_INET, 0));
	struct expect x;
	int err;

	must("TCP_SYNCNT", remote_option(client, fd, IPPROTO_TCP, TCP_SYNCNT, 1));
	err = remote_connect(client, fd, s.at);
	if (err != -ETIMEDOUT)
		scenario_fail("connect gave %d", err);
	x = attempt(client, fd, s.at, "timeout");
	must("close", remote_close(client, fd));
	expect_life(t, &x);
}

static void close_in_syn_sent(void)
{
	struct tracer *t = tracer_shared();
	struct silence s = silent_listener();
	struct peer *client = peer_start("sw-client");
	int fd = (int)must("socket", remote_socket(client, AF_INET, SOCK_NONBLOCK));
	struct expect x;
	int err = remote_connect(client, fd, s.at);

	if (err != -EINPROGRESS)
		scenario_fail("connect gave %d", err);
	x = attempt(client, fd, s.at, "abandoned");
	must("close", remote_close(client, fd));
	expect_life(t, &x);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* connect() with a timer that interrupts it. */
static void do_interrupted_connect(struct call *c)
{
	struct sigaction alarm = {.sa_handler = on_alarm};
	struct itimerval soon = {.it_value.tv_usec = 100000, .it_interval.tv_usec = 100000},
			 off = {0};
	int saved;

	sigaction(SIGALRM, &alarm, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	c->result = connect((int)c->arg[0], (struct sockaddr *)&c->addr, c->addr_len);
	saved = errno;
	setitimer(ITIMER_REAL, &off, NULL);
	errno = saved;
}

static void interrupted(void)
{
	struct tracer *t = tracer_shared();
	struct silence s = silent_listener();
	struct peer *client = peer_start("sw-client");
	int fd = (int)must("socket", remote_socket(client, AF_INET, 0)), err;
	struct call c = {.arg = {fd}, .addr = s.at.ss, .addr_len = s.at.len};
	struct expect x;

	peer_call(client, do_interrupted_connect, &c);
	if (c.result == 0 || c.error != EINTR)
		scenario_fail("connect gave %ld, errno %d", c.result, c.error);
	/* Room for the SYN that the kernel sends again. */
	must("accept", remote_accept(s.server, s.listener, ACCEPT_ADDRESS));
	err = remote_connect(client, fd, s.at);
	if (err != 0 && err != -EISCONN)
		scenario_fail("connect resumed gave %d", err);
	x = attempt(client, fd, s.at, "local-close");
	x.states = "CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>FIN_WAIT2>TIME_WAIT";
	must("close", remote_close(client, fd));
	expect_life(t, &x);
}

/* EINPROGRESS, and success that only poll() and a second connect() tell: one connect. */
static void nonblocking(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct expect x;
	int err;

	pair_listen(&p);
	p.conn = (int)must("socket", remote_socket(p.client, AF_INET, SOCK_NONBLOCK));
	err = remote_connect(p.client, p.conn, p.connect_to);
	if (err != -EINPROGRESS)
		scenario_fail("connect gave %d", err);
	if (!(remote_wait(p.client, p.conn, POLLOUT, 5000) & POLLOUT))
		scenario_fail("it never connects");
	err = remote_connect(p.client, p.conn, p.connect_to);
	if (err != 0 && err != -EISCONN)
		scenario_fail("connect asked again gave %d", err);
	pair_accept(&p, ACCEPT_ADDRESS);
	x = attempt(p.client, p.conn, p.connect_to, "local-close");
	x.states = STATES_CLIENT_ACTIVE;
	pair_close(&p, CLIENT_FIRST);
	expect_life(t, &x);
}

/* What a peer answers to a SYN: that its host cannot be reached (RFC 792, type 3, code 1). */
struct unreachable {
	struct icmphdr icmp;
	struct iphdr ip; /* of the SYN */
	uint8_t tcp[8];
};

static uint16_t checksum(const void *data, size_t size)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* From a raw socket that was there before, because of the sequence number. */
static void do_answer_unreachable(struct call *c)
{
	struct unreachable u = {.icmp = {.type = ICMP_DEST_UNREACH, .code = ICMP_HOST_UNREACH}};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint8_t packet[256];
	int out = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	uint16_t port = htons((uint16_t)c->arg[1]);

	do {
		c->result = recv((int)c->arg[0], packet, sizeof(packet), 0);
	} while (c->result >= 40 && memcmp(packet + 22, &port, 2) != 0);
	memcpy(&u.ip, packet, sizeof(u.ip));
	memcpy(u.tcp, packet + sizeof(u.ip), sizeof(u.tcp));
	u.icmp.checksum = checksum(&u, sizeof(u));
	if (c->result >= 0)
		c->result = sendto(out, &u, sizeof(u), 0, (struct sockaddr *)&to, sizeof(to));
	c->error = errno;
	close(out);
}

static void do_raw_socket(struct call *c)
{
	c->result = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
}

/* The answer comes while connect() waits. */
static void unreachable_by_icmp(void)
{
	struct tracer *t = tracer_shared();
	struct silence s = silent_listener();
	struct peer *router = peer_start("sw-router"), *client = peer_start("sw-client");
	int fd = (int)must("socket", remote_socket(client, AF_INET, 0));
	struct call c = {.arg = {0}}, done;
	struct expect x;

	peer_call(router, do_raw_socket, &c);
	if (c.result < 0)
		scenario_skip("no raw socket: %s", strerror(c.error));
	c.arg[0] = c.result;
	c.arg[1] = address_port(&s.at);
	remote_connect_begin(client, fd, s.at);
	/* An answer that comes before connect() sleeps does not end it: the next SYN, which has come by then, is answered too. */
	do {
		peer_call(router, do_answer_unreachable, &c);
		if (c.result < 0)
			scenario_fail("no ICMP: %s", strerror(c.error));
	} while (!peer_poll(client, &done, 3000));
	if (done.result != -1 || done.error != EHOSTUNREACH)
		scenario_fail("connect gave %ld, %s", done.result, strerror(done.error));
	x = attempt(client, fd, s.at, "unreachable");
	must("close", remote_close(client, fd));
	expect_life(t, &x);
}

/* No state ever changes: connect()'s answer is all there is. */
static void fails_at_once(struct peer *p, const char *address, int error, const char *name)
{
	struct tracer *t = tracer_shared();
	struct address to = address_of(address, 4711);
	struct end asked = address_end(&to);
	const struct line *l;
	uint64_t cookie;
	int fd, err;

	fd = (int)must("socket", remote_socket(p, to.ss.ss_family, 0));
	err = remote_connect(p, fd, to);
	if (err != -error)
		scenario_fail("connect gave %d", err);
	cookie = remote_cookie(p, fd);
	must("close", remote_close(p, fd));
	l = expect_line(t, cookie, LINE_CONNECT, NULL);
	tracer_fence(t);
	if (expect_count(t, cookie) == 1 && strcmp(l->error, name) == 0 && l->peer.port == 4711 &&
	    strcmp(l->peer.addr, asked.addr) == 0 && l->process.pid == (uint32_t)p->pid &&
	    strcmp(l->process.name, p->name) == 0 && l->netns == p->netns)
		return;
	expect_show(t, cookie);
	scenario_fail("there must be one connect to %s port 4711 of %d with %s", asked.addr, p->pid,
		      name);
}

static void no_route(const char *address)
{
	struct peer *p = peer_start("sw-client");

	remote_own_netns(p);
	fails_at_once(p, address, ENETUNREACH, "ENETUNREACH");
}

static void do_unreachable_route(struct call *c)
{
	c->result = netlink_route_unreachable("192.0.2.0", 24);
}

static void unreachable_by_route(void)
{
	struct peer *p = peer_start("sw-client");
	struct call c = {.arg = {0}};

	remote_own_netns(p);
	peer_call(p, do_unreachable_route, &c);
	if (c.result < 0)
		scenario_skip("no such route here: %s", strerror(c.error));
	fails_at_once(p, "192.0.2.1", EHOSTUNREACH, "EHOSTUNREACH");
}

static void no_route_ipv4(void)
{
	no_route("192.0.2.1");
}

static void no_route_ipv6(void)
{
	struct peer *probe = peer_start("sw-probe");
	int fd = remote_socket(probe, AF_INET6, 0);

	if (fd < 0 || remote_bind(probe, fd, address_of("::1", 0)) < 0)
		scenario_skip("no IPv6");
	no_route("2001:db8::1");
}

/* Two source ports, three connections to one destination. */
static struct expect exhaust(struct peer *p)
{
	int listener, fd[3], err = 0;
	struct address at = address_of("127.0.0.1", 5000);
	struct expect x;

	remote_own_netns(p);
	if (remote_write_file(p, "/proc/sys/net/ipv4/ip_local_port_range", "40000 40001") < 0)
		scenario_skip("the port range cannot be set");
	listener = (int)must("socket", remote_socket(p, AF_INET, 0));
	must("bind", remote_bind(p, listener, at));
	must("listen", remote_listen(p, listener, 8));
	for (int i = 0; i < 3; i++) {
		fd[i] = (int)must("socket", remote_socket(p, AF_INET, 0));
		err = remote_connect(p, fd[i], at);
		if (i < 2)
			must("connect", err);
	}
	if (err != -EADDRNOTAVAIL)
		scenario_fail("the third connect gave %d", err);
	x = attempt(p, fd[2], at, "port-exhausted");
	x.error = "EADDRNOTAVAIL";
	x.portless = true;
	x.autobind = PORT_ANY;
	x.close_optional = true;
	must("close", remote_close(p, fd[2]));
	return x;
}

static void exhausted(void)
{
	struct tracer *t = tracer_shared();
	struct expect x = exhaust(peer_start("sw-client"));

	expect_line(t, x.cookie, LINE_CONNECT, NULL);
	expect_life(t, &x);
}

static void exhausted_range(void)
{
	struct tracer *t = tracer_shared();
	struct expect x = exhaust(peer_start("sw-client"));
	const struct line *l = expect_line(t, x.cookie, LINE_CONNECT, NULL);

	if (l->has_range && l->range_low == 40000 && l->range_high == 40001 && l->used == 2)
		return;
	scenario_show(l);
	scenario_fail("range must be 40000 to 40001, used 2");
}

/* The port is bound, but this pair of ends is taken: the same errno, yet a port is known. */
static void tuple_taken(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct address at = address_of("127.0.0.1", 0);
	struct expect x;
	int second, err;

	pair_listen(&p);
	p.conn = (int)must("socket", remote_socket(p.client, AF_INET, 0));
	second = (int)must("socket", remote_socket(p.client, AF_INET, 0));
	must("SO_REUSEADDR", remote_option(p.client, p.conn, SOL_SOCKET, SO_REUSEADDR, 1));
	must("SO_REUSEADDR", remote_option(p.client, second, SOL_SOCKET, SO_REUSEADDR, 1));
	must("bind", remote_bind(p.client, p.conn, at));
	at = remote_local(p.client, p.conn);
	must("bind", remote_bind(p.client, second, at));
	must("connect", remote_connect(p.client, p.conn, p.connect_to));
	err = remote_connect(p.client, second, p.connect_to);
	if (err != -EADDRNOTAVAIL)
		scenario_fail("the second connect gave %d", err);
	x = attempt(p.client, second, p.connect_to, "aborted|unreachable|unknown|port-exhausted");
	x.calls = "bind connect";
	x.bound = x.local = at;
	x.error = "EADDRNOTAVAIL";
	x.autobind = PORT_NOT_AUTO;
	must("close", remote_close(p.client, second));
	expect_line(t, x.cookie, LINE_CONNECT, NULL);
	expect_life(t, &x);
}

const struct scenario connect_scenarios[] = {
	{"connect-refused", refused_ipv4},
	{"connect-refused-ipv6", refused_ipv6},
	{"connect-refused-nonblocking", refused_nonblocking},
	{"connect-refused-then-connected", refused_then_connected},
	{"connect-timeout", timeout},
	{"connect-closed-in-syn-sent", close_in_syn_sent},
	{"connect-interrupted", interrupted},
	{"connect-nonblocking", nonblocking},
	{"connect-unreachable", unreachable_by_icmp},
	{"connect-unreachable-route", unreachable_by_route},
	{"connect-no-route", no_route_ipv4},
	{"connect-no-route-ipv6", no_route_ipv6},
	{"connect-ports-exhausted", exhausted},
	{"connect-ports-exhausted-range", exhausted_range},
	{"connect-tuple-taken", tuple_taken},
	{0},
};
