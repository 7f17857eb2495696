// SPDX-License-Identifier: GPL-2.0-only
/* UDP sockets: a life is the time a port is held. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "scenario.h"

/* A line of a socket, in the order of printing. */
struct want {
	enum line_kind kind;
	struct address local, peer; /* len 0: absent */
	int autobind;		    /* of bind and connect lines */
	const char *error;	    /* NULL: none */
	bool late;		    /* close: older than the tracer, no `opened` */
};

struct udp {
	struct peer *p;
	int fd;
	const char *proto;
};

static void do_datagram_socket(struct call *c)
{
	c->result = socket((int)c->arg[0], (int)c->arg[1], (int)c->arg[2]);
}

static int socket_of(struct peer *p, int family, int type, int protocol)
{
	struct call c = {.arg = {family, type, protocol}};

	peer_call(p, do_datagram_socket, &c);
	p->tid = c.tid;
	return c.result < 0 ? -c.error : (int)c.result;
}

static struct udp udp_new(struct peer *p, int family)
{
	int fd = socket_of(p, family, SOCK_DGRAM, 0);

	if (fd < 0)
		scenario_skip("no UDP socket of family %d: %s", family, strerror(-fd));
	return (struct udp){.p = p, .fd = fd, .proto = "udp"};
}

static void do_send_many(struct call *c)
{
	for (long i = 0; i < c->arg[1]; i++) {
		c->result =
			sendto((int)c->arg[0], "x", 1, 0, (struct sockaddr *)&c->addr, c->addr_len);
		if (c->result < 0)
			return;
	}
}

static long send_many(struct udp u, struct address to, long count)
{
	struct call c = {.arg = {u.fd, count}, .addr = to.ss, .addr_len = to.len};

	peer_call(u.p, do_send_many, &c);
	u.p->tid = c.tid;
	return c.result < 0 ? -c.error : c.result;
}

/* Somebody to send to, who is not looked at. */
static struct address receiver(const char *address)
{
	struct udp u =
		udp_new(peer_start("sw-receiver"), strchr(address, ':') ? AF_INET6 : AF_INET);

	must("bind", remote_bind(u.p, u.fd, address_of(address, 0)));
	return remote_local(u.p, u.fd);
}

static const char *check_end(const struct end *e, const struct address *a)
{
	static char text[160];
	struct end asked;

	if (a->len == 0)
		return e->present ? "an address is there that must be absent" : NULL;
	asked = address_end(a);
	if (e->present && e->port == asked.port && strcmp(e->addr, asked.addr) == 0)
		return NULL;
	snprintf(text, sizeof(text), "%s port %u is missing", asked.addr, asked.port);
	return text;
}

static const char *check_line(const struct line *l, const struct udp *u, const struct want *w)
{
	const char *bad;

	if (l->kind != w->kind || strcmp(l->proto, u->proto) != 0)
		return "another event or protocol";
	if (l->process.pid != (uint32_t)u->p->pid || strcmp(l->process.name, u->p->name) != 0)
		return "the owner is another";
	bad = check_end(&l->local, &w->local);
	if (!bad)
		bad = check_end(&l->peer, &w->peer);
	if (bad)
		return bad;
	if (strcmp(l->error, w->error ? w->error : "") != 0)
		return "the error is another";
	if (l->kind != LINE_CLOSE && (l->autobind == 1) != (w->autobind == PORT_AUTO))
		return "autobind is wrong";
	if (l->kind != LINE_CLOSE)
		return NULL;
	if (strcmp(l->reason, "local-close") != 0)
		return "the reason must be local-close";
	if (l->has_opened == w->late || l->has_duration == w->late)
		return w->late ? "opened must be unknown" : "opened is missing";
	return l->has_counters || l->span_count ? "UDP has neither counters nor states" : NULL;
}

/* The lines of `cookie` are these and no more. */
static void expect_told(struct tracer *t, const struct udp *u, uint64_t cookie,
			const struct want *want, size_t count)
{
	size_t n = 0;

	if (count)
		expect_line(t, cookie, want[count - 1].kind, NULL);
	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];
		const char *bad;

		if (l->kind == LINE_LOST || l->cookie != cookie)
			continue;
		bad = n < count ? check_line(l, u, &want[n]) : "there must be no more lines";
		if (bad) {
			expect_show(t, cookie);
			scenario_fail("line %zu of the socket: %s", n + 1, bad);
		}
		n++;
	}
	if (n != count)
		scenario_fail("%zu lines, must be %zu", n, count);
}

#define TOLD(t, u, cookie, ...)                                                                    \
	expect_told(t, u, cookie, (const struct want[]){__VA_ARGS__},                              \
		    sizeof((const struct want[]){__VA_ARGS__}) / sizeof(struct want))

static void bind_at(const char *address, int protocol, const char *proto)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	struct peer *p = peer_start("sw-bound");
	struct udp u = {.p = p, .fd = socket_of(p, family, SOCK_DGRAM, protocol), .proto = proto};
	struct address at;
	uint64_t cookie;

	if (u.fd < 0)
		scenario_skip("no such socket: %s", strerror(-u.fd));
	must("bind", remote_bind(p, u.fd, address_of(address, 0)));
	at = remote_local(p, u.fd);
	/* A bound port is the sender's own: not another event, however often. */
	must("sendto", send_many(u, at, 20));
	cookie = remote_cookie(p, u.fd);
	must("close", remote_close(p, u.fd));
	TOLD(tracer_shared(), &u, cookie, {LINE_BIND, .local = at}, {LINE_CLOSE, .local = at});
}

static void bind_ipv4(void)
{
	bind_at("127.0.0.1", 0, "udp");
}

static void bind_ipv6(void)
{
	bind_at("::1", 0, "udp");
}

static void bind_mapped(void)
{
	bind_at("::ffff:127.0.0.1", 0, "udp");
}

static void bind_lite(void)
{
	bind_at("127.0.0.1", IPPROTO_UDPLITE, "udplite");
}

/* A hundred sends, one event. */
static void send_to(const char *address)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	struct address to = receiver(address), at;
	struct udp u = udp_new(peer_start("sw-sender"), family);
	uint64_t cookie;

	must("sendto", send_many(u, to, 100));
	at = remote_local(u.p, u.fd);
	cookie = remote_cookie(u.p, u.fd);
	must("close", remote_close(u.p, u.fd));
	TOLD(tracer_shared(), &u, cookie, {LINE_BIND, .local = at, .autobind = PORT_AUTO},
	     {LINE_CLOSE, .local = at});
}

static void send_ipv4(void)
{
	send_to("127.0.0.1");
}

static void send_ipv6(void)
{
	send_to("::1");
}

static void send_mapped(void)
{
	send_to("::ffff:127.0.0.1");
}

static void connect_to(const char *address)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	struct address to = receiver(address), at;
	struct udp u = udp_new(peer_start("sw-client"), family);
	uint64_t cookie;

	must("connect", remote_connect(u.p, u.fd, to));
	at = remote_local(u.p, u.fd);
	must("send", remote_send(u.p, u.fd, 10));
	cookie = remote_cookie(u.p, u.fd);
	must("close", remote_close(u.p, u.fd));
	TOLD(tracer_shared(), &u, cookie,
	     {LINE_CONNECT, .local = at, .peer = to, .autobind = PORT_AUTO},
	     {LINE_CLOSE, .local = at, .peer = to});
}

static void connect_ipv4(void)
{
	connect_to("127.0.0.1");
}

static void connect_ipv6(void)
{
	connect_to("::1");
}

static void connect_mapped(void)
{
	connect_to("::ffff:127.0.0.1");
}

static void connect_bound(void)
{
	struct address to = receiver("127.0.0.1"), at;
	struct udp u = udp_new(peer_start("sw-client"), AF_INET);
	uint64_t cookie;

	must("bind", remote_bind(u.p, u.fd, address_of("127.0.0.1", 0)));
	at = remote_local(u.p, u.fd);
	must("connect", remote_connect(u.p, u.fd, to));
	cookie = remote_cookie(u.p, u.fd);
	must("close", remote_close(u.p, u.fd));
	TOLD(tracer_shared(), &u, cookie, {LINE_BIND, .local = at},
	     {LINE_CONNECT, .local = at, .peer = to}, {LINE_CLOSE, .local = at, .peer = to});
}

static void in_use(void)
{
	struct address at = receiver("127.0.0.1");
	struct udp u = udp_new(peer_start("sw-late"), AF_INET);
	int err = remote_bind(u.p, u.fd, at);
	uint64_t cookie = remote_cookie(u.p, u.fd);

	if (err != -EADDRINUSE)
		scenario_fail("bind gave %d", err);
	must("close", remote_close(u.p, u.fd));
	TOLD(tracer_shared(), &u, cookie, {LINE_BIND, .local = at, .error = "EADDRINUSE"});
}

static void not_local(void)
{
	struct address at = address_of("192.0.2.77", 4711);
	struct udp u = udp_new(peer_start("sw-lost"), AF_INET);
	int err = remote_bind(u.p, u.fd, at);
	uint64_t cookie = remote_cookie(u.p, u.fd);

	if (err == 0)
		scenario_skip("192.0.2.77 may be bound here");
	if (err != -EADDRNOTAVAIL)
		scenario_fail("bind gave %d", err);
	must("close", remote_close(u.p, u.fd));
	TOLD(tracer_shared(), &u, cookie, {LINE_BIND, .local = at, .error = "EADDRNOTAVAIL"});
}

/* What a resolver does to learn the source address for a destination. */
static void probe(void)
{
	struct udp u = udp_new(peer_start("sw-resolver"), AF_INET);
	uint64_t cookie;

	must("connect", remote_connect(u.p, u.fd, address_of("127.0.0.1", 0)));
	cookie = remote_cookie(u.p, u.fd);
	must("close", remote_close(u.p, u.fd));
	tracer_fence(tracer_shared());
	expect_no_line(tracer_shared(), cookie);
}

/* Between two destinations it dissolves the first; then it may be used after all. */
static void probe_then_connect(void)
{
	static const struct address unspecified = {.len = sizeof(struct sockaddr_in)};
	struct address to = receiver("127.0.0.1"), at;
	struct udp u = udp_new(peer_start("sw-resolver"), AF_INET);
	uint64_t cookie;

	must("connect", remote_connect(u.p, u.fd, address_of("127.0.0.1", 0)));
	must("dissolve", remote_connect(u.p, u.fd, unspecified));
	must("connect", remote_connect(u.p, u.fd, to));
	at = remote_local(u.p, u.fd);
	cookie = remote_cookie(u.p, u.fd);
	must("close", remote_close(u.p, u.fd));
	TOLD(tracer_shared(), &u, cookie,
	     {LINE_CONNECT, .local = at, .peer = to, .autobind = PORT_AUTO},
	     {LINE_CLOSE, .local = at, .peer = to});
}

/* connect(AF_UNSPEC) gives the port back; the next send takes another. */
static void dissolve(void)
{
	static const struct address unspecified = {.len = sizeof(struct sockaddr_in)};
	struct address to = receiver("127.0.0.1"), first, second;
	struct udp u = udp_new(peer_start("sw-client"), AF_INET);
	uint64_t cookie;

	must("connect", remote_connect(u.p, u.fd, to));
	first = remote_local(u.p, u.fd);
	must("dissolve", remote_connect(u.p, u.fd, unspecified));
	must("sendto", send_many(u, to, 3));
	second = remote_local(u.p, u.fd);
	cookie = remote_cookie(u.p, u.fd);
	must("close", remote_close(u.p, u.fd));
	TOLD(tracer_shared(), &u, cookie,
	     {LINE_CONNECT, .local = first, .peer = to, .autobind = PORT_AUTO},
	     {LINE_CLOSE, .local = first, .peer = to},
	     {LINE_BIND, .local = second, .autobind = PORT_AUTO}, {LINE_CLOSE, .local = second});
}

/* Two ports in a namespace of its own, and a third socket. */
static void exhausted(void)
{
	struct peer *p = peer_start("sw-many");
	struct address to = address_of("127.0.0.1", 4711);
	uint64_t cookie;
	struct udp u;
	int err;

	remote_own_netns(p);
	if (remote_write_file(p, "/proc/sys/net/ipv4/ip_local_port_range", "40000 40001") < 0)
		scenario_skip("ip_local_port_range cannot be set");
	for (int i = 0; i < 2; i++) {
		u = udp_new(p, AF_INET);
		must("connect", remote_connect(p, u.fd, to));
	}
	u = udp_new(p, AF_INET);
	err = remote_connect(p, u.fd, to);
	if (err != -EAGAIN)
		scenario_fail("connect gave %d", err);
	cookie = remote_cookie(p, u.fd);
	must("close", remote_close(p, u.fd));
	TOLD(tracer_shared(), &u, cookie, {LINE_CONNECT, .peer = to, .error = "EAGAIN"});
}

/* Likewise without a connection; before Linux 6.3 only trampolines see that a send finds no port. */
static void send_exhausted(void)
{
	struct peer *p = peer_start("sw-many");
	struct address to = address_of("127.0.0.1", 4711), none = address_of("0.0.0.0", 0);
	struct tracer *t = tracer_shared();
	uint64_t cookie;
	struct udp u;
	long err;

	remote_own_netns(p);
	if (remote_write_file(p, "/proc/sys/net/ipv4/ip_local_port_range", "40000 40001") < 0)
		scenario_skip("ip_local_port_range cannot be set");
	for (int i = 0; i < 2; i++) {
		u = udp_new(p, AF_INET);
		must("sendto", send_many(u, to, 1));
	}
	u = udp_new(p, AF_INET);
	err = send_many(u, to, 1);
	if (err != -EAGAIN)
		scenario_fail("sendto gave %ld", err);
	cookie = remote_cookie(p, u.fd);
	must("close", remote_close(p, u.fd));
	tracer_fence(t);
	if (expect_count(t, cookie) == 0)
		scenario_skip("not seen by the hooks in use before Linux 6.3");
	TOLD(t, &u, cookie, {LINE_BIND, .local = none, .autobind = PORT_AUTO, .error = "EAGAIN"});
}

static void closed_by_exit(void)
{
	struct udp u = udp_new(peer_start("sw-mortal"), AF_INET);
	struct address at;
	uint64_t cookie;

	must("bind", remote_bind(u.p, u.fd, address_of("127.0.0.1", 0)));
	at = remote_local(u.p, u.fd);
	cookie = remote_cookie(u.p, u.fd);
	peer_end(u.p, SIGKILL);
	TOLD(tracer_shared(), &u, cookie, {LINE_BIND, .local = at}, {LINE_CLOSE, .local = at});
}

/* Who sends from, and who closes last, what another bound does not own it. */
static void inherited(void)
{
	struct address to = receiver("127.0.0.1"), at;
	struct udp u = udp_new(peer_start("sw-parent"), AF_INET), child = u;
	uint64_t cookie;

	must("bind", remote_bind(u.p, u.fd, address_of("127.0.0.1", 0)));
	at = remote_local(u.p, u.fd);
	cookie = remote_cookie(u.p, u.fd);
	child.p = peer_fork(u.p, "sw-child");
	must("close", remote_close(u.p, u.fd));
	must("sendto", send_many(child, to, 3));
	must("close", remote_close(child.p, child.fd));
	TOLD(tracer_shared(), &u, cookie, {LINE_BIND, .local = at}, {LINE_CLOSE, .local = at});
}

/* A raw socket has UDP's number too, and no port. */
static void raw(void)
{
	struct peer *p = peer_start("sw-raw");
	int fd = socket_of(p, AF_INET, SOCK_RAW, IPPROTO_UDP);
	uint64_t cookie;

	if (fd < 0)
		scenario_skip("no raw socket: %s", strerror(-fd));
	must("bind", remote_bind(p, fd, address_of("127.0.0.1", 0)));
	cookie = remote_cookie(p, fd);
	must("close", remote_close(p, fd));
	tracer_fence(tracer_shared());
	expect_no_line(tracer_shared(), cookie);
}

static void seeded(void)
{
	struct address to = receiver("127.0.0.1"), at[2];
	struct udp u[2] = {udp_new(peer_start("sw-old"), AF_INET)};
	struct tracer *t;
	uint64_t cookie[2];

	must("bind", remote_bind(u[0].p, u[0].fd, address_of("127.0.0.1", 0)));
	u[1] = udp_new(u[0].p, AF_INET);
	must("connect", remote_connect(u[1].p, u[1].fd, to));
	t = tracer_open(NULL);
	must("sendto", send_many(u[0], to, 3));
	for (int i = 0; i < 2; i++) {
		at[i] = remote_local(u[i].p, u[i].fd);
		cookie[i] = remote_cookie(u[i].p, u[i].fd);
		must("close", remote_close(u[i].p, u[i].fd));
	}
	TOLD(t, &u[0], cookie[0], {LINE_CLOSE, .local = at[0], .late = true});
	TOLD(t, &u[1], cookie[1], {LINE_CLOSE, .local = at[1], .peer = to, .late = true});
	tracer_end(t, SIGINT, 0);
}

/* -u: nothing of a TCP socket that came first. */
static void only_udp(void)
{
	static const char *const args[] = {"-u", NULL};
	struct tracer *t = tracer_open(args);
	struct udp u = udp_new(peer_start("sw-both"), AF_INET);
	int tcp = (int)must("socket", remote_socket(u.p, AF_INET, 0));
	uint64_t cookie;

	must("bind", remote_bind(u.p, tcp, address_of("127.0.0.1", 0)));
	must("bind", remote_bind(u.p, u.fd, address_of("127.0.0.1", 0)));
	cookie = remote_cookie(u.p, u.fd);
	must("close", remote_close(u.p, u.fd));
	expect_line(t, cookie, LINE_CLOSE, NULL);
	expect_no_line(t, remote_cookie(u.p, tcp));
	tracer_end(t, SIGINT, 0);
}

const struct scenario udp_scenarios[] = {
	{"udp-bind-ipv4", bind_ipv4},
	{"udp-bind-ipv6", bind_ipv6},
	{"udp-bind-mapped", bind_mapped},
	{"udp-bind-lite", bind_lite},
	{"udp-bind-in-use", in_use},
	{"udp-bind-not-local", not_local},
	{"udp-send-ipv4", send_ipv4},
	{"udp-send-ipv6", send_ipv6},
	{"udp-send-mapped", send_mapped},
	{"udp-send-exhausted", send_exhausted},
	{"udp-connect-ipv4", connect_ipv4},
	{"udp-connect-ipv6", connect_ipv6},
	{"udp-connect-mapped", connect_mapped},
	{"udp-connect-bound", connect_bound},
	{"udp-connect-exhausted", exhausted},
	{"udp-probe", probe},
	{"udp-probe-then-connect", probe_then_connect},
	{"udp-dissolve", dissolve},
	{"udp-exit", closed_by_exit},
	{"udp-inherited", inherited},
	{"udp-raw", raw},
	{"udp-seed", seeded},
	{"udp-filter", only_udp},
	{0},
};
