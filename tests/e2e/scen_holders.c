// SPDX-License-Identifier: GPL-2.0-only
/* A bind() that finds its port taken names all that hold it, why, and nothing that is gone. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "listed.h"
#include "module.h"
#include "netlink.h"
#include "scenario.h"

/* One for each scenario: the next namespace may have the inode of one that has ended, and what was seen there looks alike. */
static unsigned int port = 4711;

/* A connection whose story explains a failure. */
static uint64_t involved;

/* bind() fails with EADDRINUSE at `at`; the line of `t` that says so.  `waits`: one of the holders is a TIME_WAIT. */
static const struct line *refused_in(struct tracer *t, struct peer *p, int fd, struct address at,
				     unsigned int holders, bool waits)
{
	uint64_t cookie = remote_cookie(p, fd);
	int err = remote_bind(p, fd, at);
	const struct line *l = NULL;

	if (err == -EADDRINUSE)
		l = expect_line(t, cookie, LINE_BIND, NULL);
	if (l && strcmp(l->error, "EADDRINUSE") == 0 && l->holder_count == holders)
		return l;
	if (waits && !listed_time_wait(p->pid, port))
		scenario_skip("the kernel ended the TIME_WAIT early");
	if (!l)
		scenario_fail("bind gave %d", err);
	scenario_show(l);
	if (involved)
		expect_show(t, involved);
	scenario_fail("bind must show EADDRINUSE and %u holders", holders);
}

static const struct line *refused(struct peer *p, int fd, struct address at, unsigned int holders,
				  bool waits)
{
	return refused_in(tracer_shared(), p, fd, at, holders, waits);
}

/* `seen`: since when it has the port. */
static void check_holder_seen(const struct line *l, const struct peer *holder, const char *state,
			      const char *const *why, bool seen)
{
	bool right = l->holder.known && l->holder.pid == (uint32_t)holder->pid &&
		     strcmp(l->holder.name, holder->name) == 0 && strstr(l->text, state) &&
		     (!seen || strstr(l->text, "\"since\":\""));

	for (; *why; why++)
		right &= strstr(l->text, *why) != NULL;
	if (right)
		return;
	scenario_show(l);
	scenario_fail("the holder must be %d %s, %s", holder->pid, holder->name, state);
}

static void check_holder(const struct line *l, const struct peer *holder, const char *state,
			 const char *const *why)
{
	check_holder_seen(l, holder, state, why, true);
}

static int socket_with(struct peer *p, int family, int option)
{
	int fd = (int)must("socket", remote_socket(p, family, 0));

	if (option)
		must("setsockopt", remote_option(p, fd, SOL_SOCKET, option, 1));
	return fd;
}

/* ---- TIME_WAIT ---- */

struct scene {
	struct peer *server, *client, *holder, *late;
	int listener, child, conn;
};

/* A connection from a port that can be had again, in a namespace of its own. */
static void scene_connect(struct scene *s)
{
	s->conn = socket_with(s->client, AF_INET, SO_REUSEADDR);
	must("bind", remote_bind(s->client, s->conn, address_of("127.0.0.1", 5000)));
	must("connect", remote_connect(s->client, s->conn, address_of("127.0.0.1", port)));
	s->child = (int)must("accept", remote_accept(s->server, s->listener, ACCEPT_NULL));
	involved = remote_cookie(s->server, s->child);
}

/* The server closes first: the TIME_WAIT is on its port. */
static void scene_leave_time_wait(struct scene *s)
{
	must("close", remote_close(s->server, s->child));
	if (remote_receive(s->client, s->conn, 1) != 0)
		scenario_fail("the client read something");
	must("close", remote_close(s->client, s->conn));
}

static struct scene scene_new(void)
{
	struct scene s = {.server = peer_start("sw-server")};

	port++;
	remote_own_netns(s.server);
	/* A FIN sent again is answered to the listener, whose reset must not end the TIME_WAIT. */
	remote_write_file(s.server, "/proc/sys/net/ipv4/tcp_rfc1337", "1");
	s.client = peer_fork(s.server, "sw-client");
	s.holder = peer_fork(s.server, "sw-holder");
	s.late = peer_fork(s.server, "sw-late");
	s.listener = socket_with(s.server, AF_INET, SO_REUSEADDR);
	must("bind", remote_bind(s.server, s.listener, address_of("127.0.0.1", port)));
	must("listen", remote_listen(s.server, s.listener, 5));
	scene_connect(&s);
	scene_leave_time_wait(&s);
	return s;
}

static void time_wait(void)
{
	static const char *const why[] = {"\"time-wait\"", "\"reuseaddr-missing-here\"", NULL};
	struct scene s = scene_new();
	struct peer *p = s.late;

	must("close", remote_close(s.server, s.listener));
	check_holder(refused(p, socket_with(p, AF_INET, 0), address_of("127.0.0.1", port), 1, true),
		     s.server, "\"state\":\"TIME_WAIT\"", why);
}

/* A new SYN took the TIME_WAIT over, and a reset ended that connection: nothing is left of either. */
static void no_ghost(void)
{
	struct scene s = scene_new();
	struct peer *holder = s.holder, *p = s.late;
	const struct line *l;
	int held;

	scene_connect(&s);
	must("linger", remote_linger_reset(s.client, s.conn));
	must("close", remote_close(s.client, s.conn));
	if (!(remote_wait(s.server, s.child, POLLIN, 5000) & POLLHUP))
		scenario_fail("the reset did not arrive");
	must("close", remote_close(s.server, s.child));
	must("close", remote_close(s.server, s.listener));
	held = socket_with(holder, AF_INET, 0);
	must("bind", remote_bind(holder, held, address_of("127.0.0.2", port)));
	l = refused(p, socket_with(p, AF_INET, 0), address_of("0.0.0.0", port), 1, false);
	if (l->holder.pid != (uint32_t)holder->pid) {
		scenario_show(l);
		scenario_fail("the holder must be %d %s", holder->pid, holder->name);
	}
}

/* ---- others ---- */

/* Nobody listens: the kernel chose the port for a connection. */
static void outgoing(void)
{
	static const char *const why[] = {"\"outgoing\"", NULL};
	struct peer *server = peer_start("sw-server"), *client, *p;
	int listener, conn;

	port++;
	remote_own_netns(server);
	client = peer_fork(server, "sw-client");
	p = peer_fork(server, "sw-late");
	listener = socket_with(server, AF_INET, 0);
	must("bind", remote_bind(server, listener, address_of("127.0.0.1", port)));
	must("listen", remote_listen(server, listener, 5));
	conn = socket_with(client, AF_INET, 0);
	must("connect", remote_connect(client, conn, address_of("127.0.0.1", port)));
	check_holder(refused(p, socket_with(p, AF_INET, SO_REUSEADDR), remote_local(client, conn),
			     1, false),
		     client, "\"state\":\"ESTABLISHED\"", why);
}

static void do_drop_root(struct call *c)
{
	c->result = setresuid(65534, 65534, 65534);
}

static void drop_root(struct peer *p)
{
	struct call c = {.arg = {0}};

	peer_call(p, do_drop_root, &c);
	if (c.result < 0)
		scenario_skip("cannot become another user: %s", strerror(c.error));
}

static void reuseport_of_another(void)
{
	static const char *const why[] = {"\"reuseport-other-user\"", NULL};
	struct peer *holder = peer_start("sw-holder"), *p;
	int held;

	port++;
	remote_own_netns(holder);
	p = peer_fork(holder, "sw-nobody");
	held = socket_with(holder, AF_INET, SO_REUSEPORT);
	must("bind", remote_bind(holder, held, address_of("127.0.0.1", port)));
	must("listen", remote_listen(holder, held, 5));
	drop_root(p);
	check_holder(refused(p, socket_with(p, AF_INET, SO_REUSEPORT),
			     address_of("127.0.0.1", port), 1, false),
		     holder, "\"state\":\"LISTEN\"", why);
}

/*
 * Both run as the same user now, and one of the two sockets was made by root.  `late`: the
 * trace begins once the holder is there.
 */
static void same_user_now(int family, bool asker_was_root, bool late)
{
	static const char *const why[] = {"\"reuseport-other-user\"", NULL};
	const char *at = family == AF_INET ? "127.0.0.1" : "::1";
	struct peer *holder = peer_start("sw-holder"), *p;
	struct tracer *t;
	int held, fd = -1;

	port++;
	remote_own_netns(holder);
	p = peer_fork(holder, "sw-nobody");
	t = late ? NULL : tracer_shared();
	if (asker_was_root) {
		fd = socket_with(p, family, SO_REUSEPORT);
		drop_root(holder);
	}
	held = socket_with(holder, family, SO_REUSEPORT);
	must("bind", remote_bind(holder, held, address_of(at, port)));
	must("listen", remote_listen(holder, held, 5));
	if (!asker_was_root)
		drop_root(holder);
	drop_root(p);
	if (!asker_was_root)
		fd = socket_with(p, family, SO_REUSEPORT);
	if (late)
		t = tracer_open(NULL);
	check_holder_seen(refused_in(t, p, fd, address_of(at, port), 1, false), holder,
			  "\"state\":\"LISTEN\"", why, !late);
}

static void reuseport_holder_was_root(void)
{
	same_user_now(AF_INET, false, false);
	same_user_now(AF_INET6, false, false);
}

static void reuseport_holder_was_root_before(void)
{
	same_user_now(AF_INET, false, true);
}

static void reuseport_asker_was_root(void)
{
	same_user_now(AF_INET, true, false);
}

static void dual_stack(void)
{
	static const char *const why[] = {"\"dual-stack\"", "\"wildcard\"", NULL};
	struct peer *holder = peer_start("sw-holder"), *p = peer_start("sw-late");
	int held = remote_socket(holder, AF_INET6, 0);
	struct address at;

	if (held < 0)
		scenario_skip("no IPv6");
	must("bind", remote_bind(holder, held, address_of("::", 0)));
	must("listen", remote_listen(holder, held, 5));
	at = remote_local(holder, held);
	at = address_of("127.0.0.1", address_port(&at));
	check_holder(refused(p, socket_with(p, AF_INET, 0), at, 1, false), holder,
		     "\"state\":\"LISTEN\"", why);
}

static void do_bind_to_device(struct call *c)
{
	c->result = setsockopt((int)c->arg[0], SOL_SOCKET, SO_BINDTODEVICE, c->text,
			       (socklen_t)strlen(c->text));
	c->error = errno;
}

static int socket_on(struct peer *p, const char *device)
{
	struct call c = {.arg = {socket_with(p, AF_INET, 0)}};

	snprintf(c.text, sizeof(c.text), "%s", device);
	peer_call(p, do_bind_to_device, &c);
	if (c.result < 0)
		scenario_skip("cannot bind to a device: %s", strerror(c.error));
	return (int)c.arg[0];
}

static void do_add_veth(struct call *c)
{
	c->result = netlink_veth_add("sw-east", "sw-west", getpid());
	c->error = errno;
}

/* Sockets on two devices share a port, and who is on none meets both. */
static void devices(void)
{
	static const char *const why[] = {NULL};
	struct peer *holder = peer_start("sw-holder"), *other, *p;
	struct call c = {.arg = {0}};
	struct address at;

	port++;
	remote_own_netns(holder);
	other = peer_fork(holder, "sw-other");
	p = peer_fork(holder, "sw-late");
	peer_call(holder, do_add_veth, &c);
	if (c.result < 0)
		scenario_skip("no veth: %s", strerror(c.error));
	at = address_of("0.0.0.0", port);
	must("bind", remote_bind(holder, socket_on(holder, "lo"), at));
	must("bind", remote_bind(other, socket_on(other, "sw-east"), at));
	check_holder(refused(p, socket_on(p, "lo"), at, 1, false), holder, "\"state\":\"CLOSE\"",
		     why);
	check_holder(refused(p, socket_on(p, "sw-east"), at, 1, false), other,
		     "\"state\":\"CLOSE\"", why);
	refused(p, socket_with(p, AF_INET, 0), at, 2, false);
}

static void do_add_vrf(struct call *c)
{
	c->result = netlink_vrf_add("sw-red");
	c->error = errno;
}

/* A VRF has ports of its own: who is in none and who is in it do not meet. */
static void vrf(void)
{
	static const char *const why[] = {NULL};
	struct peer *holder = peer_start("sw-holder"), *other, *p;
	struct call c = {.arg = {0}};
	struct address at;

	port++;
	remote_own_netns(holder);
	other = peer_fork(holder, "sw-other");
	p = peer_fork(holder, "sw-late");
	module_load("vrf");
	peer_call(holder, do_add_vrf, &c);
	if (c.result < 0)
		scenario_skip("no VRF: %s", strerror(c.error));
	at = address_of("0.0.0.0", port);
	must("bind", remote_bind(holder, socket_with(holder, AF_INET, 0), at));
	must("bind", remote_bind(other, socket_on(other, "sw-red"), at));
	check_holder(refused(p, socket_on(p, "sw-red"), at, 1, false), other, "\"state\":\"CLOSE\"",
		     why);
	check_holder(refused(p, socket_with(p, AF_INET, 0), at, 1, false), holder,
		     "\"state\":\"CLOSE\"", why);
}

/* All of them: listeners first, then who is only bound, then TIME_WAIT. */
static void several(void)
{
	struct scene s = scene_new();
	struct peer *holder = s.holder, *p = s.late;
	int held = socket_with(holder, AF_INET, 0);
	const struct line *l;

	must("bind", remote_bind(holder, held, address_of("127.0.0.2", port)));
	l = refused(p, socket_with(p, AF_INET, 0), address_of("0.0.0.0", port), 3, true);
	if (l->holder.pid == (uint32_t)s.server->pid && strstr(l->text, "\"LISTEN\"") &&
	    strstr(l->text, "\"CLOSE\"") && strstr(l->text, "\"TIME_WAIT\""))
		return;
	scenario_show(l);
	scenario_fail("the listener, the bound socket and the TIME_WAIT must be named");
}

/* A process that is root no more, in a namespace where ports from `from` on are free to everybody. */
static void become_nobody(struct peer *p, const char *from)
{
	if (remote_write_file(p, "/proc/sys/net/ipv4/ip_unprivileged_port_start", from) < 0)
		scenario_skip("ip_unprivileged_port_start cannot be set");
	drop_root(p);
}

/* Which right is missing, or from where on none is needed. */
static void check_no_right(struct peer *p, unsigned int from)
{
	int fd = socket_with(p, AF_INET, 0);
	char unprivileged[40];
	const struct line *l;

	if (remote_bind(p, fd, address_of("127.0.0.1", from - 1)) != -EACCES)
		scenario_fail("port %u is free to everybody", from - 1);
	l = expect_line(tracer_shared(), remote_cookie(p, fd), LINE_BIND, NULL);
	snprintf(unprivileged, sizeof(unprivileged), "\"unprivileged_from\":%u", from);
	if (strcmp(l->error, "EACCES") == 0 && strstr(l->text, unprivileged) &&
	    strstr(l->text, "CAP_NET_BIND_SERVICE"))
		return;
	scenario_show(l);
	scenario_fail("it must be told that %u and up need no right", from);
}

static void no_right(void)
{
	struct peer *p = peer_start("sw-nobody");

	remote_own_netns(p);
	become_nobody(p, "700");
	check_no_right(p, 700);
	must("bind", remote_bind(p, socket_with(p, AF_INET, 0), address_of("127.0.0.1", 700)));
}

/* The kernel gives the inode of a namespace that has ended to one of the next. */
#define ENDED 16

static void no_right_in_the_next(void)
{
	struct peer *p = NULL;
	struct peer *before[ENDED];
	bool again = false;

	for (int i = 0; i < ENDED; i++) {
		p = peer_start("sw-before");
		remote_own_netns(p);
		become_nobody(p, "900");
		check_no_right(p, 900);
		before[i] = p;
	}
	for (int i = 0; i < ENDED; i++)
		peer_end(before[i], SIGKILL);
	for (int tries = 0; !again; tries++) {
		if (tries == 60)
			scenario_skip("no inode is given out again");
		usleep(10000);
		p = peer_start("sw-nobody");
		remote_own_netns(p);
		for (int i = 0; i < ENDED; i++)
			again |= p->netns == before[i]->netns;
	}
	become_nobody(p, "700");
	check_no_right(p, 700);
}

const struct scenario holders_scenarios[] = {
	{"holders-time-wait", time_wait},
	{"holders-no-ghost", no_ghost},
	{"holders-outgoing", outgoing},
	{"holders-reuseport-user", reuseport_of_another},
	{"holders-reuseport-was-root", reuseport_holder_was_root},
	{"holders-reuseport-was-root-before", reuseport_holder_was_root_before},
	{"holders-reuseport-asker-was-root", reuseport_asker_was_root},
	{"holders-dual-stack", dual_stack},
	{"holders-devices", devices},
	{"holders-vrf", vrf},
	{"holders-several", several},
	{"holders-no-right", no_right},
	{"holders-no-right-next", no_right_in_the_next},
	{0},
};
