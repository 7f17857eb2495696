// SPDX-License-Identifier: GPL-2.0-only
/* `sockwatch ls` and `who`: the sockets of /proc/net, and the holders that the scenario itself made. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listed.h"
#include "remote.h"
#include "scenario.h"
#include "tracer.h"

static struct listed ls, proc;

static const char *const sources[] = {"auto", "proc"};
#define SOURCES (sizeof(sources) / sizeof(sources[0]))

static int listen_at(struct peer *p, const char *addr, int backlog, unsigned int *ret_port)
{
	struct address at = address_of(addr, 0);
	int fd = (int)must("socket", remote_socket(p, at.ss.ss_family, 0));

	must("bind", remote_bind(p, fd, at));
	must("listen", remote_listen(p, fd, backlog));
	at = remote_local(p, fd);
	*ret_port = address_port(&at);
	return fd;
}

static int connect_to(struct peer *p, const char *addr, unsigned int port)
{
	struct address at = address_of(addr, port);
	int fd = (int)must("socket", remote_socket(p, at.ss.ss_family, 0));

	must("connect", remote_connect(p, fd, at));
	return fd;
}

static void do_datagram(struct call *c)
{
	c->result = socket((int)c->arg[0], SOCK_DGRAM, (int)c->arg[1]);
	c->error = errno;
}

static int datagram(struct peer *p, int family, int protocol)
{
	struct call c = {.arg = {family, protocol}};

	peer_call(p, do_datagram, &c);
	return c.result < 0 ? -c.error : (int)c.result;
}

static struct peer *own_namespace(const char *name)
{
	struct peer *p = peer_start(name);

	remote_own_netns(p);
	if (!p->netns)
		scenario_skip("no /proc");
	return p;
}

/* ---- the set of sockets ---- */

/* Both ends stay: a listener, its connection, one that waits for accept(), one half-open, one left, one in TIME_WAIT. */
static void fill_tcp(struct peer *p, const char *addr, const char *to)
{
	unsigned int port, deferred;
	int listener = listen_at(p, addr, 8, &port), conn, child;
	int half = listen_at(p, addr, 8, &deferred);

	connect_to(p, to, port);
	must("accept", remote_accept(p, listener, ACCEPT_ADDRESS));
	/* Left: FIN_WAIT2 without a process. */
	conn = connect_to(p, to, port);
	must("accept", remote_accept(p, listener, ACCEPT_ADDRESS));
	must("close", remote_close(p, conn));
	/* TIME_WAIT. */
	conn = connect_to(p, to, port);
	child = (int)must("accept", remote_accept(p, listener, ACCEPT_ADDRESS));
	must("close", remote_close(p, conn));
	must("close", remote_close(p, child));
	connect_to(p, to, port);
	/* The handshake's last segment alone does not end SYN_RECV. */
	must("TCP_DEFER_ACCEPT", remote_option(p, half, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30));
	connect_to(p, to, deferred);
}

static void fill_udp(struct peer *p, const char *addr, int protocol)
{
	struct address at = address_of(addr, 0);
	int bound = datagram(p, at.ss.ss_family, protocol);
	int conn = datagram(p, at.ss.ss_family, protocol);

	if (bound < 0 || conn < 0)
		return;
	must("bind", remote_bind(p, bound, at));
	must("connect", remote_connect(p, conn, remote_local(p, bound)));
}

static struct peer *fill_namespace(const char *name)
{
	struct peer *p = own_namespace(name);

	fill_tcp(p, "127.0.0.1", "127.0.0.1");
	fill_udp(p, "127.0.0.1", 0);
	fill_udp(p, "127.0.0.1", IPPROTO_UDPLITE);
	if (remote_socket(p, AF_INET6, 0) < 0)
		return p;
	fill_tcp(p, "::1", "::1");
	fill_tcp(p, "::", "127.0.0.1");
	fill_udp(p, "::1", 0);
	fill_udp(p, "::1", IPPROTO_UDPLITE);
	return p;
}

/* What has just been closed may still be on its way. */
static void compare_namespace(const struct peer *p, const char *source)
{
	struct listed again;

	for (int i = 0; i < 20; i++) {
		listed_take_proc(&proc, p->pid);
		listed_take(&ls, source, p->netns);
		listed_take_proc(&again, p->pid);
		if (proc.count == again.count &&
		    memcmp(proc.row, again.row, sizeof(proc.row[0]) * proc.count) == 0)
			break;
	}
	listed_compare(&ls, &proc, source);
}

static bool has_state(const struct listed *l, const char *state)
{
	for (unsigned int i = 0; i < l->count; i++) {
		if (strcmp(l->row[i].state, state) == 0)
			return true;
	}
	return false;
}

static void equals_proc(void)
{
	static const char *const needed[] = {"LISTEN",	   "ESTABLISHED", "SYN_RECV",
					     "CLOSE_WAIT", "FIN_WAIT2",	  "TIME_WAIT"};
	struct peer *one = fill_namespace("sw-one"), *two = fill_namespace("sw-two");

	for (size_t i = 0; i < SOURCES; i++) {
		compare_namespace(one, sources[i]);
		for (size_t k = 0; k < sizeof(needed) / sizeof(needed[0]); k++) {
			if (!has_state(&ls, needed[k]))
				scenario_fail("the scenario made no %s", needed[k]);
		}
		compare_namespace(two, sources[i]);
	}
}

static void every_namespace(void)
{
	struct peer *one = own_namespace("sw-one"), *two = own_namespace("sw-two");
	unsigned int first, second;

	listen_at(one, "127.0.0.1", 1, &first);
	listen_at(two, "127.0.0.1", 1, &second);
	for (size_t i = 0; i < SOURCES; i++) {
		unsigned int found = 0;

		listed_take(&ls, sources[i], 0);
		for (unsigned int k = 0; k < ls.count; k++) {
			const struct row *r = &ls.row[k];

			found += r->netns == one->netns && r->local.port == first &&
				 row_is_held(r, one->pid);
			found += r->netns == two->netns && r->local.port == second &&
				 row_is_held(r, two->pid);
		}
		if (found != 2)
			scenario_fail("%s: %u of 2 namespaces", sources[i], found);
	}
}

/* ---- holders ---- */

/* `state` of `port` is held by exactly these (0: by nobody more). */
static const struct row *expect_holders(const struct peer *space, const char *source,
					const char *state, unsigned int port, pid_t a, pid_t b)
{
	const struct row *r;

	listed_take(&ls, source, space->netns);
	r = listed_find(&ls, "tcp", state, port);
	if (!r)
		scenario_fail("%s: no %s at port %u", source, state, port);
	if (r->holders != (unsigned int)(a != 0) + (b != 0) || (a && !row_is_held(r, a)) ||
	    (b && !row_is_held(r, b)))
		scenario_fail("%s: %u holders of %s, the first %d, must be %d and %d", source,
			      r->holders, state, r->holders ? r->holder[0] : 0, a, b);
	return r;
}

static void inherited(void)
{
	struct peer *server = own_namespace("sw-server"), *worker;
	const struct row *r;
	unsigned int port;

	listen_at(server, "127.0.0.1", 4, &port);
	worker = peer_fork(server, "sw-worker");
	for (size_t i = 0; i < SOURCES; i++) {
		r = expect_holders(server, sources[i], "LISTEN", port, server->pid, worker->pid);
		if (!r->process.known || r->process.pid != (uint32_t)server->pid)
			scenario_fail("%s: owned by %u, must be %d", sources[i], r->process.pid,
				      server->pid);
	}
}

static void maker_has_died(void)
{
	struct peer *server = own_namespace("sw-server"), *worker;
	const struct row *r;
	unsigned int port;

	listen_at(server, "127.0.0.1", 4, &port);
	worker = peer_fork(server, "sw-worker");
	worker->netns = server->netns;
	remote_survive(worker);
	peer_end(server, SIGKILL);
	for (size_t i = 0; i < SOURCES; i++) {
		r = expect_holders(worker, sources[i], "LISTEN", port, worker->pid, 0);
		if (r->binder.known)
			scenario_fail("%s: binder %u, but nobody can know", sources[i],
				      r->binder.pid);
	}
}

static void passed_on(void)
{
	struct peer *maker = own_namespace("sw-maker"), *taker;
	unsigned int port;
	int fd, pair[2];

	remote_socketpair(maker, pair);
	taker = peer_fork(maker, "sw-taker");
	fd = listen_at(maker, "127.0.0.1", 4, &port);
	must("SCM_RIGHTS", remote_pass(maker, pair[0], fd));
	must("close", remote_close(maker, fd));
	/* Nobody's while it is on its way. */
	for (size_t i = 0; i < SOURCES; i++)
		expect_holders(maker, sources[i], "LISTEN", port, 0, 0);
	must("SCM_RIGHTS", remote_take(taker, pair[1]));
	for (size_t i = 0; i < SOURCES; i++)
		expect_holders(maker, sources[i], "LISTEN", port, taker->pid, 0);
}

/* What waits for accept() has no descriptor, and belongs to its listener. */
static void waits_for_accept(void)
{
	struct peer *server = own_namespace("sw-server");
	const struct row *r;
	unsigned int port;

	listen_at(server, "127.0.0.1", 4, &port);
	connect_to(server, "127.0.0.1", port);
	for (size_t i = 0; i < SOURCES; i++) {
		r = expect_holders(server, sources[i], "ESTABLISHED", port, 0, 0);
		if (!r->process.known || r->process.pid != (uint32_t)server->pid)
			scenario_fail("%s: owned by %u, must be %d", sources[i], r->process.pid,
				      server->pid);
	}
}

/* /proc shows these since Linux 6.8 only. */
static void only_bound(void)
{
	struct peer *p = own_namespace("sw-binder");
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0));
	struct address at;

	must("bind", remote_bind(p, fd, address_of("127.0.0.1", 0)));
	at = remote_local(p, fd);
	listed_take(&ls, "iterators", p->netns);
	if (!listed_find(&ls, "tcp", "CLOSE", address_port(&at)))
		scenario_fail("a socket that is only bound is missing");
	expect_holders(p, "iterators", "CLOSE", address_port(&at), p->pid, 0);
}

static void need_iterators(void)
{
	if (!listed_has_iterators())
		scenario_skip("no iterators that a listing could use");
}

static void bound(void)
{
	need_iterators();
	only_bound();
}

static void multipath(void)
{
	struct peer *p = own_namespace("sw-multipath");
	int fd = remote_protocol_socket(p, AF_INET, 262);
	const struct row *r;
	struct address at;

	if (fd < 0)
		scenario_skip("no MPTCP: %s", strerror(-fd));
	need_iterators();
	must("bind", remote_bind(p, fd, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(p, fd, 4));
	at = remote_local(p, fd);
	listed_take(&ls, "auto", p->netns);
	r = listed_find(&ls, "mptcp", "LISTEN", address_port(&at));
	if (!r || !row_is_held(r, p->pid))
		scenario_fail("an MPTCP listener is missing, or its holder");
}

static void do_open(struct call *c)
{
	c->result = socket(AF_INET, (int)c->arg[0], (int)c->arg[1]);
	c->error = errno;
}

static bool has_row_of(const struct listed *l, const char *proto, pid_t pid)
{
	for (unsigned int i = 0; i < l->count; i++) {
		if (strcmp(l->row[i].proto, proto) == 0 && row_is_held(&l->row[i], pid))
			return true;
	}
	return false;
}

/* SCTP has a module of its own for sock_diag, and other files in /proc/net. */
static void other_protocols(void)
{
	static const struct {
		const char *name;
		int type, protocol;
		bool everywhere;
	} kinds[] = {
		{"raw", SOCK_RAW, IPPROTO_ICMP, true},
		{"icmp", SOCK_DGRAM, IPPROTO_ICMP, true},
		{"udplite", SOCK_DGRAM, IPPROTO_UDPLITE, true},
		{"sctp", SOCK_STREAM, IPPROTO_SCTP, false},
	};
	bool made[4] = {false};
	struct peer *p = own_namespace("sw-protocols");
	bool iterators = listed_has_iterators();

	remote_write_file(p, "/proc/sys/net/ipv4/ping_group_range", "0 0");
	for (size_t i = 0; i < 4; i++) {
		struct call c = {.arg = {kinds[i].type, kinds[i].protocol}};

		peer_call(p, do_open, &c);
		made[i] = c.result >= 0 &&
			  remote_bind(p, (int)c.result, address_of("127.0.0.1", 0)) == 0;
	}
	for (size_t k = 0; k < SOURCES; k++) {
		listed_take(&ls, sources[k], p->netns);
		for (size_t i = 0; i < 4; i++) {
			bool is_shown = kinds[i].everywhere || (k == 0 && iterators);

			if (made[i] && is_shown && !has_row_of(&ls, kinds[i].name, p->pid))
				scenario_fail("%s: %s is missing", sources[k], kinds[i].name);
		}
	}
	if (!made[0])
		scenario_fail("not even a raw socket could be made");
}

/* ---- who ---- */

static void expect_answer(const char *source, unsigned int port, int code, const char *words)
{
	static char out[65536];
	char asked[32];
	const char *const args[] = {"who", asked, "--hooks", source, NULL};
	struct run r;
	int got;

	snprintf(asked, sizeof(asked), "tcp/127.0.0.1:%u", port);
	run_begin(&r, args);
	got = run_end(&r, out, sizeof(out));
	if (got != code)
		scenario_fail("who %s: exit code %d, must be %d; it said: %s", asked, got, code,
			      r.words);
	if (!strstr(out, words))
		scenario_fail("who %s says nothing of '%s': %s", asked, words, out);
}

static void who_has_it(void)
{
	struct peer *p = own_namespace("sw-who");
	unsigned int port;
	char words[64];
	int fd = listen_at(p, "127.0.0.1", 4, &port);

	snprintf(words, sizeof(words), "sw-who[%d]", p->pid);
	for (size_t i = 0; i < SOURCES; i++)
		expect_answer(sources[i], port, 0, words);
	must("close", remote_close(p, fd));
	for (size_t i = 0; i < SOURCES; i++)
		expect_answer(sources[i], port, 3, "");
}

static void who_waits(void)
{
	static char out[65536];
	struct peer *p = own_namespace("sw-taker");
	struct address at = address_of("127.0.0.1", 4970);
	const char *const args[] = {"who", "--wait", "tcp/127.0.0.1:4970", NULL};
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0)), code;
	char words[64];
	struct run r;

	snprintf(words, sizeof(words), "bind() by sw-taker[%d]", p->pid);
	run_begin(&r, args);
	run_wait_words(&r, "waiting for somebody");
	must("bind", remote_bind(p, fd, at));
	code = run_end(&r, out, sizeof(out));
	if (code != 0 || !strstr(out, words))
		scenario_fail("exit code %d: %.400s; it said: %s", code, out, r.words);
}

/* ---- with a running trace ---- */

static void maker_of_time_wait(void)
{
	/* One that prints nothing, so that no busy host keeps it from answering. */
	static const char *const args[] = {"--events", "lost", NULL};
	struct tracer *t = tracer_open(args);
	struct peer *server = own_namespace("sw-server"), *client = peer_fork(server, "sw-client");
	unsigned int port;
	int listener = listen_at(server, "127.0.0.1", 4, &port), conn, child;
	struct address at;

	conn = connect_to(client, "127.0.0.1", port);
	at = remote_local(client, conn);
	child = (int)must("accept", remote_accept(server, listener, ACCEPT_ADDRESS));
	must("close", remote_close(client, conn));
	must("close", remote_close(server, child));
	for (size_t i = 0; i < SOURCES; i++) {
		uint64_t deadline = deadline_in(10000);
		const struct row *r;

		/* Until both ends have met softirq, and the facts have reached the trace. */
		do {
			listed_take(&ls, sources[i], server->netns);
			r = listed_find(&ls, "tcp", "TIME_WAIT", address_port(&at));
		} while ((!r || (r->cookie && !r->process.known)) && deadline_left(deadline));
		if (!r)
			scenario_fail("%s: no TIME_WAIT", sources[i]);
		/* /proc/net has no cookies, and nothing else is sure to be the same socket. */
		if (!r->cookie) {
			if (r->since || r->process.known)
				scenario_fail("%s: a process without a cookie", sources[i]);
			continue;
		}
		if (!r->since || !r->process.known || r->process.pid != (uint32_t)client->pid)
			scenario_fail("%s: TIME_WAIT of %u, must be %d; since is %sthere",
				      sources[i], r->process.pid, client->pid,
				      r->since ? "" : "not ");
		r = listed_find(&ls, "tcp", "LISTEN", port);
		if (!r || !r->since)
			scenario_fail("%s: since when it listens is missing", sources[i]);
	}
	tracer_end(t, SIGINT, 0);
}

const struct scenario listing_scenarios[] = {
	{"ls-equals-proc", equals_proc},
	{"ls-every-namespace", every_namespace},
	{"ls-inherited", inherited},
	{"ls-maker-has-died", maker_has_died},
	{"ls-passed-on", passed_on},
	{"ls-waits-for-accept", waits_for_accept},
	{"ls-only-bound", bound},
	{"ls-mptcp", multipath},
	{"ls-other-protocols", other_protocols},
	{"ls-maker-of-time-wait", maker_of_time_wait},
	{"who-has-it", who_has_it},
	{"who-waits", who_waits},
	{0},
};
