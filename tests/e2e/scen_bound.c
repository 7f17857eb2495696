// SPDX-License-Identifier: GPL-2.0-only
/* What takes a port, by name: wildcards of either family and of both, and sockets that are bound and do not listen. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "expect.h"
#include "listed.h"
#include "scenario.h"

static const char *const sources[] = {"auto", "proc"};
#define SOURCES (sizeof(sources) / sizeof(sources[0]))

/* `port` is a scenario's, which sets it first of all; `taken` counts them. */
static unsigned int port, taken = 18087;
static char said[65536];

/* What `who` says of `port` in the namespace of `p`. */
static void ask_who(const struct peer *p, const char *source)
{
	char asked[16];

	snprintf(asked, sizeof(asked), "tcp/%u", port);
	snprintf(said, sizeof(said), "%s", listed_who(source, p->netns, asked));
}

/* Somewhere behind `from`. */
__attribute__((format(printf, 3, 4))) static void must_say(const char *source, const char *from,
							   const char *format, ...)
{
	char words[128];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (!from || !strstr(from, words))
		scenario_fail("%s: '%s' is missing in: %s", source, words, said);
}

static int bound_at(struct peer *p, const char *addr, bool v6only)
{
	struct address at = address_of(addr, port);
	int fd = remote_socket(p, at.ss.ss_family, 0);

	if (fd < 0)
		scenario_skip("no such family: %s", addr);
	if (at.ss.ss_family == AF_INET6)
		must("V6ONLY", remote_option(p, fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only));
	must("bind", remote_bind(p, fd, at));
	return fd;
}

static int listen_at(struct peer *p, const char *addr, bool v6only)
{
	int fd = bound_at(p, addr, v6only);

	must("listen", remote_listen(p, fd, 5));
	return fd;
}

/* Without cookies a look has only /proc/net, which does not tell IPV6_V6ONLY. */
static bool tells_v6only(const struct peer *p, const char *source)
{
	static struct listed ls;
	const struct row *r;

	listed_take(&ls, source, p->netns);
	r = listed_find(&ls, "tcp", "LISTEN", port);
	if (!r)
		scenario_fail("%s: no listener on %u", source, port);
	return r->cookie != 0;
}

static void two_families(void)
{
	struct peer *a = peer_start("sw-four"), *b;
	struct address at;
	int conn;

	port = ++taken;
	remote_own_netns(a);
	b = peer_fork(a, "sw-six");
	listen_at(a, "0.0.0.0", false);
	listen_at(b, "::", true);
	at = address_of("127.0.0.1", port);
	conn = (int)must("socket", remote_socket(a, AF_INET, 0));
	must("connect", remote_connect(a, conn, at));
	for (size_t i = 0; i < SOURCES; i++) {
		const char *four, *six;

		ask_who(a, sources[i]);
		four = strstr(said, "tcp 0.0.0.0:");
		six = strstr(said, "tcp [::]");
		must_say(sources[i], four, ":%u: listens", port);
		must_say(sources[i], six, "tcp [::]%s:%u: listens",
			 tells_v6only(a, sources[i]) ? "" : "?", port);
		must_say(sources[i], four, "connections 1");
		must_say(sources[i], six, "connections 0");
		if (strstr(said, "served by"))
			scenario_fail("%s: somebody else serves: %s", sources[i], said);
	}
}

static void both_families(void)
{
	struct peer *p = peer_start("sw-both");
	struct address at;
	const struct line *l;
	int fd, conn;

	port = ++taken;
	remote_own_netns(p);
	fd = listen_at(p, "::", false);
	l = expect_line(tracer_shared(), remote_cookie(p, fd), LINE_BIND, NULL);
	if (!strstr(l->text, "\"v6only\":false")) {
		scenario_show(l);
		scenario_fail("bind must say that IPv4 is taken too");
	}
	at = address_of("127.0.0.1", port);
	conn = (int)must("socket", remote_socket(p, AF_INET, 0));
	must("connect", remote_connect(p, conn, at));
	for (size_t i = 0; i < SOURCES; i++) {
		ask_who(p, sources[i]);
		must_say(sources[i], said, "tcp %s:%u: listens",
			 tells_v6only(p, sources[i]) ? "*" : "[::]?", port);
		must_say(sources[i], said, "connections 1");
	}
}

/* ---- bound, and nobody listens ---- */

/* Whether a source shows what is only bound: /proc and sock_diag do not before Linux 6.8. */
static bool shows_bound(const struct peer *p, const char *source)
{
	static struct listed ls;

	listed_take(&ls, source, p->netns);
	return listed_find(&ls, "tcp", "CLOSE", port + 1000) != NULL;
}

/* Somebody else's bind() fails, and names `holder`, bound at `at`. */
static void must_hold(struct tracer *t, struct peer *late, const struct peer *holder,
		      const char *at, const char *asked)
{
	int fd = (int)must("socket", remote_socket(late, address_of(asked, port).ss.ss_family, 0));
	uint64_t cookie = remote_cookie(late, fd);
	int err = remote_bind(late, fd, address_of(asked, port));
	const struct line *l;
	char place[64];

	if (err != -EADDRINUSE)
		scenario_fail("bind gave %d, must be EADDRINUSE", err);
	l = expect_line(t, cookie, LINE_BIND, NULL);
	snprintf(place, sizeof(place), "\"local\":{\"addr\":\"%s\",\"port\":%u}", at, port);
	if (l->holder_count == 1 && l->holder.known && l->holder.pid == (uint32_t)holder->pid &&
	    strstr(l->text, "\"state\":\"CLOSE\"") && strstr(l->text, place))
		return;
	scenario_show(l);
	scenario_fail("the holder must be %d %s, bound at %s", holder->pid, holder->name, at);
}

struct bound {
	struct peer *p, *late;
	int fd;
};

static struct bound bound_new(void)
{
	struct bound b = {.p = peer_start("sw-bound")};
	int other;

	port = ++taken;
	remote_own_netns(b.p);
	b.late = peer_fork(b.p, "sw-late");
	other = (int)must("socket", remote_socket(b.p, AF_INET, 0));
	must("bind", remote_bind(b.p, other, address_of("127.0.0.1", port + 1000)));
	return b;
}

static void check_bound(struct tracer *t, const struct bound *b, const char *at, const char *asked)
{
	must_hold(t, b->late, b->p, at, asked);
	for (size_t i = 0; i < SOURCES; i++) {
		if (!shows_bound(b->p, sources[i])) {
			if (i == 0)
				scenario_fail("what is only bound is not listed");
			continue;
		}
		ask_who(b->p, sources[i]);
		must_say(sources[i], said, "tcp %s:%u: bound, but does not listen", at, port);
		must_say(sources[i], said, "%s[%d]", b->p->name, b->p->pid);
		if (strstr(said, "->"))
			scenario_fail("%s: it has no peer: %s", sources[i], said);
	}
}

static void only_bound(void)
{
	struct bound b = bound_new();

	b.fd = bound_at(b.p, "127.0.0.1", false);
	check_bound(tracer_shared(), &b, "127.0.0.1", "0.0.0.0");
}

static void only_bound_before(void)
{
	struct bound b = bound_new();

	b.fd = bound_at(b.p, "0.0.0.0", false);
	check_bound(tracer_open(NULL), &b, "0.0.0.0", "127.0.0.1");
}

static void listener_shut_down(void)
{
	struct bound b = bound_new();

	b.fd = listen_at(b.p, "0.0.0.0", false);
	must("shutdown", remote_shutdown(b.p, b.fd, SHUT_RDWR));
	check_bound(tracer_shared(), &b, "0.0.0.0", "127.0.0.2");
	check_bound(tracer_open(NULL), &b, "0.0.0.0", "127.0.0.2");
	must("close", remote_close(b.p, b.fd));
	must("bind", remote_bind(b.late, (int)must("socket", remote_socket(b.late, AF_INET, 0)),
				 address_of("127.0.0.2", port)));
}

static void connect_refused(void)
{
	struct bound b = bound_new();
	int err;

	b.fd = bound_at(b.p, "127.0.0.1", false);
	err = remote_connect(b.p, b.fd, address_of("127.0.0.1", 9));
	if (err != -ECONNREFUSED)
		scenario_fail("connect gave %d, must be ECONNREFUSED", err);
	check_bound(tracer_shared(), &b, "127.0.0.1", "0.0.0.0");
	check_bound(tracer_open(NULL), &b, "127.0.0.1", "0.0.0.0");
}

/* The kernel forgets the address that connect() chose, and keeps the port that bind() was given. */
static void dissolved(void)
{
	const struct address nowhere = {.len = sizeof(struct sockaddr)};
	struct bound b = bound_new();
	int listener = (int)must("socket", remote_socket(b.late, AF_INET, 0));

	must("bind", remote_bind(b.late, listener, address_of("127.0.0.1", port + 2000)));
	must("listen", remote_listen(b.late, listener, 5));
	b.fd = bound_at(b.p, "0.0.0.0", false);
	must("connect", remote_connect(b.p, b.fd, address_of("127.0.0.1", port + 2000)));
	must("connect", remote_connect(b.p, b.fd, nowhere));
	check_bound(tracer_shared(), &b, "0.0.0.0", "127.0.0.2");
}

/* ---- who began a connection ---- */

struct conn {
	struct peer *server, *client;
	int listener, child, fd;
	struct address client_at;
};

/* A server on a port that connect() might choose, too. */
static struct conn conn_new(void)
{
	struct conn c = {.server = peer_start("sw-server")};

	port = 40000 + ++taken;
	remote_own_netns(c.server);
	c.client = peer_fork(c.server, "sw-client");
	c.listener = (int)must("socket", remote_socket(c.server, AF_INET, 0));
	must("setsockopt", remote_option(c.server, c.listener, SOL_SOCKET, SO_REUSEADDR, 1));
	must("bind", remote_bind(c.server, c.listener, address_of("127.0.0.1", port)));
	must("listen", remote_listen(c.server, c.listener, 5));
	c.fd = (int)must("socket", remote_socket(c.client, AF_INET, 0));
	must("connect", remote_connect(c.client, c.fd, address_of("127.0.0.1", port)));
	c.client_at = remote_local(c.client, c.fd);
	c.child = (int)must("accept", remote_accept(c.server, c.listener, ACCEPT_NULL));
	return c;
}

/* `ephemeral` must have no row for connections to `peer`. */
static void expect_no_budget(const struct peer *p, unsigned int peer)
{
	char inode[24], words[64];
	const char *const args[] = {"ephemeral", "-o", "json", "--netns", inode, NULL};
	struct run r;

	snprintf(inode, sizeof(inode), "%llu", (unsigned long long)p->netns);
	snprintf(words, sizeof(words), "\"peer\":{\"addr\":\"127.0.0.1\",\"port\":%u}", peer);
	run_begin(&r, args);
	if (run_end(&r, said, sizeof(said)) != 0)
		scenario_fail("ephemeral said: %s", r.words);
	if (!strstr(said, "\"event\":\"namespace\""))
		scenario_fail("no namespace: %s", said);
	if (strstr(said, words))
		scenario_fail("a server's connection counts as outgoing: %s", said);
}

/* "an outgoing connection", "accepted here" or neither; sources without BPF know nothing. */
static void expect_direction(const struct peer *p, const char *words)
{
	for (size_t i = 0; i < SOURCES; i++) {
		const char *known = i == 0 ? words : "";

		ask_who(p, sources[i]);
		must_say(sources[i], said, "nobody listens on the port");
		must_say(sources[i], said, "%s", known);
		if ((strstr(said, "outgoing") && !strstr(known, "outgoing")) ||
		    (strstr(said, "accepted") && !strstr(known, "accepted")))
			scenario_fail("%s: a direction that is not known: %s", sources[i], said);
	}
}

static void server_left_time_wait(void)
{
	static struct listed ls;
	struct conn c = conn_new();

	must("close", remote_close(c.server, c.child));
	if (remote_receive(c.client, c.fd, 1) != 0)
		scenario_fail("the client read something");
	must("close", remote_close(c.client, c.fd));
	must("close", remote_close(c.server, c.listener));
	listed_take(&ls, "auto", c.server->netns);
	if (!listed_find(&ls, "tcp", "TIME_WAIT", port))
		scenario_skip("the kernel ended the TIME_WAIT early");
	expect_direction(c.server, "");
	expect_no_budget(c.server, address_port(&c.client_at));
}

static void server_listens_no_more(void)
{
	struct conn c = conn_new();

	must("close", remote_close(c.server, c.listener));
	expect_direction(c.server, "accepted here");
	expect_no_budget(c.server, address_port(&c.client_at));
}

static void client_connected(void)
{
	struct conn c = conn_new();
	unsigned int server_port = port;

	port = address_port(&c.client_at);
	expect_direction(c.client, "held by an outgoing connection");
	port = server_port - 40000;
}

static void connected_to_itself(void)
{
	struct peer *p = peer_start("sw-self");
	int fd;

	port = ++taken;
	remote_own_netns(p);
	fd = bound_at(p, "127.0.0.1", false);
	must("connect", remote_connect(p, fd, address_of("127.0.0.1", port)));
	expect_direction(p, "connected to itself");
}

/* ---- namespaces ---- */

/* `ls` tells one place from the other: the namespaces have no name here, and are known by inode. */
static void two_namespaces(void)
{
	struct peer *p[2] = {peer_start("sw-one"), peer_start("sw-two")};

	port = ++taken;
	for (int i = 0; i < 2; i++) {
		remote_own_netns(p[i]);
		listen_at(p[i], "127.0.0.1", false);
	}
	for (size_t i = 0; i < SOURCES; i++) {
		char asked[16];
		const char *const args[] = {"ls",      "--local-port", asked,
					    "--hooks", sources[i],     NULL};
		struct run r;

		snprintf(asked, sizeof(asked), "%u", port);
		run_begin(&r, args);
		if (run_end(&r, said, sizeof(said)) != 0)
			scenario_fail("%s said: %s", sources[i], r.words);
		must_say(sources[i], said, "NETNS");
		for (int k = 0; k < 2; k++) {
			const char *row = strstr(said, p[k]->name);

			must_say(sources[i], row, "%llu", (unsigned long long)p[k]->netns);
		}
	}
}

const struct scenario bound_scenarios[] = {
	{"bound-two-families", two_families},
	{"bound-both-families", both_families},
	{"bound-only", only_bound},
	{"bound-only-before", only_bound_before},
	{"bound-listener-shut-down", listener_shut_down},
	{"bound-connect-refused", connect_refused},
	{"bound-dissolved", dissolved},
	{"bound-server-left", server_left_time_wait},
	{"bound-server-accepted", server_listens_no_more},
	{"bound-outgoing", client_connected},
	{"bound-to-itself", connected_to_itself},
	{"bound-two-namespaces", two_namespaces},
	{0},
};
