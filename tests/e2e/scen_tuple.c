// SPDX-License-Identifier: GPL-2.0-only
/* A connect() from a port of its own that finds its four-tuple taken names who has it. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "listed.h"
#include "scenario.h"

#define SOURCE 5001

/* A server, who is connected to it, and who wants the same; in a namespace of their own. */
struct scene {
	struct peer *server, *client, *late;
	int listener, child, conn;
	uint16_t port;
};

static int reused(struct peer *p, const char *source)
{
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0));

	must("SO_REUSEADDR", remote_option(p, fd, SOL_SOCKET, SO_REUSEADDR, 1));
	must("bind", remote_bind(p, fd, address_of(source, SOURCE)));
	return fd;
}

static struct scene scene_new(void)
{
	static uint16_t port = 4911;
	struct scene s = {.server = peer_start("sw-server"), .port = ++port};

	remote_own_netns(s.server);
	/* With them the kernel lets a TIME_WAIT go for a connect(). */
	remote_write_file(s.server, "/proc/sys/net/ipv4/tcp_timestamps", "0");
	remote_write_file(s.server, "/proc/sys/net/ipv4/tcp_rfc1337", "1");
	s.client = peer_fork(s.server, "sw-client");
	s.late = peer_fork(s.server, "sw-late");
	s.listener = (int)must("socket", remote_socket(s.server, AF_INET, 0));
	must("bind", remote_bind(s.server, s.listener, address_of("127.0.0.1", s.port)));
	must("listen", remote_listen(s.server, s.listener, 5));
	return s;
}

static void scene_connect(struct scene *s)
{
	s->conn = reused(s->client, "127.0.0.1");
	must("connect", remote_connect(s->client, s->conn, address_of("127.0.0.1", s->port)));
	s->child = (int)must("accept", remote_accept(s->server, s->listener, ACCEPT_NULL));
}

/* `fd` of `late` finds it taken: by the client, in `state`, for these reasons. */
static void check_taken(const struct scene *s, int fd, const char *state, const char *why)
{
	struct tracer *t = tracer_shared();
	uint64_t cookie = remote_cookie(s->late, fd);
	int err = remote_connect(s->late, fd, address_of("127.0.0.1", s->port));
	const struct line *l;

	if (err == 0 && strstr(why, "time-wait") && !listed_time_wait(s->server->pid, SOURCE))
		scenario_skip("the kernel ended the TIME_WAIT early");
	if (err != -EADDRNOTAVAIL)
		scenario_fail("connect gave %d", err);
	l = expect_line(t, cookie, LINE_CONNECT, NULL);
	if (strcmp(l->error, "EADDRNOTAVAIL") == 0 && l->holder_count == 1 && l->holder.known &&
	    l->holder.pid == (uint32_t)s->client->pid && strstr(l->text, state) &&
	    strstr(l->text, why))
		return;
	scenario_show(l);
	scenario_fail("the holder must be %d %s, %s, %s", s->client->pid, s->client->name, state,
		      why);
}

static void of_a_connection_from(const char *source)
{
	struct scene s = scene_new();
	int fd = reused(s.late, source), other = reused(s.client, "127.0.0.2");

	scene_connect(&s);
	must("connect", remote_connect(s.client, other, address_of("127.0.0.1", s.port)));
	check_taken(&s, fd, "\"state\":\"ESTABLISHED\"", "\"why\":[\"four-tuple\"]");
}

static void of_a_connection(void)
{
	of_a_connection_from("127.0.0.1");
}

/* Bound to no address: the kernel chooses the one that the connection has. */
static void of_the_address_chosen(void)
{
	of_a_connection_from("0.0.0.0");
}

static void of_a_time_wait(void)
{
	struct scene s = scene_new();
	int fd = reused(s.late, "127.0.0.1");

	scene_connect(&s);
	must("close", remote_close(s.client, s.conn));
	if (remote_receive(s.server, s.child, 1) != 0)
		scenario_fail("the server read something");
	must("close", remote_close(s.server, s.child));
	/* The server's FIN comes by a softirq, which may be put off. */
	for (int i = 0; i < 500 && !listed_time_wait(s.server->pid, SOURCE); i++)
		usleep(10000);
	check_taken(&s, fd, "\"state\":\"TIME_WAIT\"", "\"why\":[\"time-wait\",\"four-tuple\"]");
}

const struct scenario tuple_scenarios[] = {
	{"tuple-of-a-connection", of_a_connection},
	{"tuple-of-the-address-chosen", of_the_address_chosen},
	{"tuple-of-a-time-wait", of_a_time_wait},
	{0},
};
