// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters keep what they name and drop the rest.  Two lives, A and B, differ in everything; an
 * unfiltered tracer tells which lines there are, a condition written here which of them must be
 * kept.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"
#include "scenario.h"

struct two {
	struct pair a, b;
	char text[64]; /* the filter's argument */
};

typedef bool (*keep_fn)(const struct two *two, const struct line *l);

static bool of_pair(const struct pair *p, const struct line *l)
{
	return l->cookie == p->of_client.cookie || l->cookie == p->of_child.cookie ||
	       l->cookie == p->of_listener.cookie;
}

static bool is_ours(const struct two *two, const struct line *l)
{
	return l->kind != LINE_LOST && (of_pair(&two->a, l) || of_pair(&two->b, l));
}

static size_t expected(const struct tracer *all, const struct two *two, keep_fn keep)
{
	size_t n = 0;

	for (size_t i = 0; i < all->count; i++)
		n += is_ours(two, all->line[i]) && keep(two, all->line[i]);
	return n;
}

static void compare(const struct tracer *all, const struct tracer *kept, const struct two *two,
		    keep_fn keep)
{
	size_t must_be = expected(all, two, keep), n = 0;

	for (size_t i = 0; i < kept->count; i++) {
		const struct line *l = kept->line[i];

		if (!is_ours(two, l))
			continue;
		n++;
		if (!keep(two, l)) {
			scenario_show(l);
			scenario_fail("%s keeps what it must drop", two->text);
		}
	}
	if (must_be == 0)
		scenario_fail("nothing to keep: the scenario is wrong");
	if (n == must_be)
		return;
	for (size_t i = 0; i < kept->count; i++) {
		if (is_ours(two, kept->line[i]))
			scenario_show(kept->line[i]);
	}
	scenario_fail("%s keeps %zu lines, must keep %zu", two->text, n, must_be);
}

/* One after the other, so that no line of one falls between those of the other. */
static void live(struct pair *p)
{
	pair_connect(p);
	pair_accept(p, ACCEPT_ADDRESS);
	pair_know(p);
	pair_close(p, CLIENT_FIRST);
}

/* Runs both lives under a tracer with `option` and its argument in two->text, their listeners older
 * than it. */
static void filtered(struct two *two, const char *option, keep_fn keep)
{
	const char *const args[] = {option, two->text, NULL};
	struct tracer *all = tracer_shared(), *kept = tracer_open(args);

	live(&two->a);
	live(&two->b);
	pair_check(all, &two->a);
	pair_check(all, &two->b);
	tracer_end(kept, SIGINT, 0);
	compare(all, kept, two, keep);
}

/* Both listen, and their clients are there; the tracers come after. */
static void prepare(struct two *two, const char *address_a, const char *address_b)
{
	tracer_shared();
	two->a = pair_new(address_a);
	two->b = pair_new(address_b);
	two->b.client = peer_start("other-client");
	two->b.server = peer_start("other-server");
	pair_listen(&two->a);
	pair_listen(&two->b);
}

static bool keep_a(const struct two *two, const struct line *l)
{
	/* Its bind and listen lines are older than the filtered tracer. */
	return of_pair(&two->a, l) && l->kind != LINE_BIND && l->kind != LINE_LISTEN &&
	       strcmp(l->to, "LISTEN") != 0;
}

static bool keep_client_a(const struct two *two, const struct line *l)
{
	return l->cookie == two->a.of_client.cookie;
}

static bool keep_server_a(const struct two *two, const struct line *l)
{
	return keep_a(two, l) && !keep_client_a(two, l);
}

/* A client has no remote port before it connects; after that every line of it has. */
static void port_either(void)
{
	struct two two;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	snprintf(two.text, sizeof(two.text), "1,%u", address_port(&two.a.listen_at));
	filtered(&two, "--port", keep_a);
}

static void port_range(void)
{
	struct two two;
	unsigned int port;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	port = address_port(&two.a.listen_at);
	snprintf(two.text, sizeof(two.text), "%u-%u", port, port);
	filtered(&two, "--port", keep_a);
}

static void port_local(void)
{
	struct two two;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	snprintf(two.text, sizeof(two.text), "%u", address_port(&two.a.listen_at));
	filtered(&two, "-L", keep_server_a);
}

static void port_remote(void)
{
	struct two two;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	snprintf(two.text, sizeof(two.text), "%u", address_port(&two.a.listen_at));
	filtered(&two, "-D", keep_client_a);
}

static void pid(void)
{
	struct two two;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	snprintf(two.text, sizeof(two.text), "%d,%d", two.a.client->pid, two.a.server->pid);
	filtered(&two, "-p", keep_a);
}

static void pid_one(void)
{
	struct two two;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	snprintf(two.text, sizeof(two.text), "%d", two.a.client->pid);
	filtered(&two, "--pid", keep_client_a);
}

static void comm(void)
{
	struct two two;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	snprintf(two.text, sizeof(two.text), "sw-client");
	filtered(&two, "-c", keep_client_a);
}

static void do_become_other(struct call *c)
{
	c->result = setresuid((uid_t)c->arg[0], (uid_t)c->arg[0], (uid_t)c->arg[0]);
}

static bool keep_client_b(const struct two *two, const struct line *l)
{
	return l->cookie == two->b.of_client.cookie;
}

static void user(void)
{
	struct call c = {.arg = {4711}};
	struct two two;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	peer_call(two.b.client, do_become_other, &c);
	if (c.result < 0)
		scenario_skip("cannot become another user: %s", strerror(c.error));
	two.b.client->uid = 4711;
	snprintf(two.text, sizeof(two.text), "4711");
	filtered(&two, "-U", keep_client_b);
}

static void need_ipv6(void)
{
	struct peer *p = peer_start("sw-probe");
	int fd = remote_socket(p, AF_INET6, 0);

	if (fd < 0 || remote_bind(p, fd, address_of("::1", 0)) < 0)
		scenario_skip("no IPv6 loopback");
}

static bool keep_b(const struct two *two, const struct line *l)
{
	return of_pair(&two->b, l) && l->kind != LINE_BIND && l->kind != LINE_LISTEN &&
	       strcmp(l->to, "LISTEN") != 0;
}

static void family(const char *option, keep_fn keep)
{
	struct two two;

	need_ipv6();
	prepare(&two, "127.0.0.1", "::1");
	/* An option without argument: the second, harmless one fills its place. */
	snprintf(two.text, sizeof(two.text), "-t");
	filtered(&two, option, keep);
}

static void family_ipv4(void)
{
	family("-4", keep_a);
}

static void family_ipv6(void)
{
	family("-6", keep_b);
}

static void address(void)
{
	struct two two;

	prepare(&two, "127.7.0.1", "127.0.0.1");
	snprintf(two.text, sizeof(two.text), "127.7.0.0/16");
	filtered(&two, "--addr", keep_a);
}

static void address_ipv6(void)
{
	struct two two;

	need_ipv6();
	prepare(&two, "127.0.0.1", "::1");
	snprintf(two.text, sizeof(two.text), "::1");
	filtered(&two, "--addr", keep_b);
}

static bool keep_calls(const struct two *two, const struct line *l)
{
	(void)two;
	return l->kind == LINE_CONNECT || l->kind == LINE_ACCEPT || l->kind == LINE_CLOSE;
}

static void events(void)
{
	struct two two;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	snprintf(two.text, sizeof(two.text), "connect,accept,close");
	filtered(&two, "--events", keep_calls);
}

static bool is_asked_state(const char *state)
{
	return strcmp(state, "FIN_WAIT1") == 0 || strcmp(state, "LAST_ACK") == 0;
}

/* A change answers to either end, a close to every state the life went through. */
static bool keep_states(const struct two *two, const struct line *l)
{
	bool asked = is_asked_state(l->from) || is_asked_state(l->to);

	(void)two;
	for (unsigned int i = 0; i < l->span_count; i++)
		asked |= is_asked_state(l->span[i].state);
	return asked;
}

static void states(void)
{
	struct two two;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	snprintf(two.text, sizeof(two.text), "fin-wait-1,LAST_ACK");
	filtered(&two, "--state", keep_states);
}

static void netns_path(void)
{
	struct two two;
	char path[64];

	tracer_shared();
	two.a = pair_new("127.0.0.1");
	two.b = pair_new("127.0.0.1");
	remote_own_netns(two.a.server);
	two.a.client = peer_fork(two.a.server, "sw-client-2");
	pair_listen(&two.a);
	pair_listen(&two.b);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", two.a.server->pid);
	if (access(path, R_OK) < 0)
		scenario_skip("no %s", path);
	memcpy(two.text, path, sizeof(path));
	filtered(&two, "--netns", keep_a);
}

static void netns_self(void)
{
	struct two two;

	tracer_shared();
	two.a = pair_new("127.0.0.1");
	two.b = pair_new("127.0.0.1");
	remote_own_netns(two.b.server);
	two.b.client = peer_fork(two.b.server, "sw-client-2");
	pair_listen(&two.a);
	pair_listen(&two.b);
	snprintf(two.text, sizeof(two.text), "self");
	filtered(&two, "--netns", keep_a);
}

static bool keep_child_a(const struct two *two, const struct line *l)
{
	return l->cookie == two->a.of_child.cookie;
}

/* What an accepted connection is asked for by: on many kernels it does not know that port yet when it is born. */
static void port_of_client(void)
{
	struct two two;
	const char *const args[] = {"-D", two.text, NULL};
	struct tracer *all = tracer_shared(), *kept;
	struct address at;

	prepare(&two, "127.0.0.1", "127.0.0.1");
	two.a.conn = (int)must("socket", remote_socket(two.a.client, AF_INET, 0));
	must("bind", remote_bind(two.a.client, two.a.conn, address_of("127.0.0.1", 0)));
	at = remote_local(two.a.client, two.a.conn);
	snprintf(two.text, sizeof(two.text), "%u", address_port(&at));
	kept = tracer_open(args);
	must("connect", remote_connect(two.a.client, two.a.conn, two.a.connect_to));
	pair_accept(&two.a, ACCEPT_ADDRESS);
	pair_know(&two.a);
	pair_close(&two.a, CLIENT_FIRST);
	live(&two.b);
	expect_life(all, &two.a.of_child);
	pair_check(all, &two.b);
	tracer_end(kept, SIGINT, 0);
	compare(all, kept, &two, keep_child_a);
}

#define SERVED 40003 /* and two below it are for listeners */

/* A connection to `at` that stays, from a port that bind() is given, 0 any. */
static void connect_bound(struct peer *p, unsigned int port, const struct address *at, int listener)
{
	struct address got;
	int fd;

	for (int i = 0;; i++) {
		fd = (int)must("socket", remote_socket(p, AF_INET, 0));
		must("bind", remote_bind(p, fd, address_of("127.0.0.1", port)));
		got = remote_local(p, fd);
		if (address_port(&got) < SERVED - 2 || address_port(&got) > SERVED || i == 100)
			break;
		must("close", remote_close(p, fd));
	}
	must("connect", remote_connect(p, fd, *at));
	must("accept", remote_accept(p, listener, ACCEPT_NULL));
}

static int listen_at(struct peer *p, unsigned int port)
{
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0));

	must("bind", remote_bind(p, fd, address_of("127.0.0.1", port)));
	must("listen", remote_listen(p, fd, 16));
	return fd;
}

/* A connection of a listener in the range of ports, whose client's port is not in it; then the listener ends. */
static void serve_once(struct peer *p, int listener, unsigned int port)
{
	const struct address at = address_of("127.0.0.1", port);

	connect_bound(p, 10000 + port, &at, listener);
	must("close", remote_close(p, listener));
}

/*
 * A port that bind() or a listener that has gone took from connects counts for a destination that is asked for, also where the
 * sockets are not: those there before the tracer and those after.
 */
static void ports_of_others(void)
{
	const struct address asked = address_of("127.0.0.1", 5000);
	const struct address other = address_of("127.0.0.1", 5001);
	const char *const args[] = {"-D", "5000", NULL};
	struct tracer *all = tracer_shared(), *kept;
	struct peer *p = peer_start("sw-client");
	int listener, before, fd, err = 0;
	const struct line *l, *m;

	remote_own_netns(p);
	if (remote_write_file(p, "/proc/sys/net/ipv4/ip_local_port_range", "40000 40009") < 0)
		scenario_skip("the port range cannot be set");
	listen_at(p, 5000);
	listener = listen_at(p, 5001);
	before = listen_at(p, SERVED - 2);
	serve_once(p, listen_at(p, SERVED - 1), SERVED - 1);
	connect_bound(p, 0, &other, listener);
	kept = tracer_open(args);
	serve_once(p, before, SERVED - 2);
	serve_once(p, listen_at(p, SERVED), SERVED);
	connect_bound(p, 0, &other, listener);
	fd = (int)must("socket", remote_socket(p, AF_INET, 0));
	must("connect", remote_connect(p, fd, other)); /* its port is good for another */
	/* What the listeners left is looked at soon; a failure that comes again at once is counted with the first. */
	for (int i = 0; i < 10; i++) {
		while (err == 0) {
			fd = (int)must("socket", remote_socket(p, AF_INET, 0));
			err = remote_connect(p, fd, asked);
		}
		if (err != -EADDRNOTAVAIL)
			scenario_fail("the last connect gave %d", err);
		l = expect_line(all, remote_cookie(p, fd), LINE_CONNECT, NULL);
		m = expect_line(kept, remote_cookie(p, fd), LINE_CONNECT, NULL);
		if (l->has_range && l->used == 10 && m->has_range && m->used == 10)
			return;
		poll(NULL, 0, 1200);
		err = 0;
	}
	scenario_show(l);
	scenario_show(m);
	scenario_fail("10 ports must be used, whatever is asked for");
}

const struct scenario filter_scenarios[] = {
	{"filter-port", port_either},
	{"filter-port-range", port_range},
	{"filter-local-port", port_local},
	{"filter-remote-port", port_remote},
	{"filter-pids", pid},
	{"filter-pid", pid_one},
	{"filter-comm", comm},
	{"filter-user", user},
	{"filter-ipv4", family_ipv4},
	{"filter-ipv6", family_ipv6},
	{"filter-addr", address},
	{"filter-addr-ipv6", address_ipv6},
	{"filter-events", events},
	{"filter-state", states},
	{"filter-port-of-client", port_of_client},
	{"filter-ports-of-others", ports_of_others},
	{0},
};

const struct scenario filter_netns_scenarios[] = {
	{"filter-netns-path", netns_path},
	{"filter-netns-self", netns_self},
	{0},
};
