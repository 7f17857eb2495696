// SPDX-License-Identifier: GPL-2.0-only
/* Listeners whose queue is full: when drops begin, when they end, and how many there were. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "features.h"
#include "listed.h"
#include "pair.h"
#include "scenario.h"

#define CLIENTS 6

struct crowd {
	struct peer *server, *client;
	struct address at;
	int listener, fd[CLIENTS];
	uint64_t cookie;
};

/* Room for one that waits, and one more: the others' SYNs are dropped. */
static struct crowd crowd(struct peer *server, struct peer *client, const char *address)
{
	struct crowd c = {.server = server, .client = client};
	struct address at = address_of(address, 0);

	pair_need_ipv6(address);
	if (!features_attached("raw_tp"))
		scenario_skip("features says that overflows are not seen");
	c.listener = (int)must("socket", remote_socket(server, at.ss.ss_family, 0));
	must("bind", remote_bind(server, c.listener, at));
	must("listen", remote_listen(server, c.listener, 1));
	c.at = remote_local(server, c.listener);
	c.cookie = remote_cookie(server, c.listener);
	return c;
}

static void come(struct crowd *c)
{
	for (int i = 0; i < CLIENTS; i++) {
		c->fd[i] = (int)must("socket",
				     remote_socket(c->client, c->at.ss.ss_family, SOCK_NONBLOCK));
		if (remote_connect(c->client, c->fd[i], c->at) != -EINPROGRESS)
			scenario_fail("connect does not wait");
	}
}

/* Makes room, and takes who waits and who comes again: SYNs do after 1, 2, 4, 8 seconds. */
static void take_all(struct crowd *c)
{
	must("listen", remote_listen(c->server, c->listener, 2 * CLIENTS));
	for (int i = 0; i < CLIENTS; i++) {
		if (!(remote_wait(c->server, c->listener, POLLIN, 20000) & POLLIN))
			scenario_fail("only %d of %d come", i, CLIENTS);
		must("accept", remote_accept(c->server, c->listener, ACCEPT_NULL));
	}
}

static bool has_two(const struct tracer *t, const void *ctx)
{
	const struct crowd *c = ctx;
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += t->line[i]->kind == LINE_OVERFLOW && t->line[i]->cookie == c->cookie;
	return n >= 2;
}

/* At least `least` are dropped, which the end counts too; listen() was given `limit` at most. */
static void check(struct tracer *t, const struct crowd *c, uint64_t least, uint32_t limit)
{
	const struct line *begin = expect_line(t, c->cookie, LINE_OVERFLOW, NULL), *end = NULL;

	tracer_await(t, 20000, "the end of the overflow", has_two, c);
	for (size_t i = 0; i < t->count && (!end || end == begin); i++)
		end = t->line[i]->kind == LINE_OVERFLOW && t->line[i]->cookie == c->cookie
			      ? t->line[i]
			      : end;
	if (strcmp(begin->phase, "begin") == 0 && strcmp(end->phase, "end") == 0 &&
	    begin->dropped >= 1 && end->dropped >= least && end->dropped >= begin->dropped &&
	    begin->process.pid == (uint32_t)c->server->pid && begin->netns == c->server->netns &&
	    begin->backlog >= 1 && begin->backlog <= limit &&
	    begin->local.port == address_port(&c->at) && end->time_ns > begin->time_ns)
		return;
	scenario_show(begin);
	scenario_show(end);
	scenario_fail("an overflow of %d must begin, and end with at least %u dropped",
		      c->server->pid, (unsigned int)least);
}

/* ListenOverflows of the namespace of `p`. */
static unsigned long long counted(const struct peer *p)
{
	char path[64], names[8192], numbers[8192], *at[2], *name, *number;
	unsigned long long count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/net/netstat", p->pid);
	file = fopen(path, "re");
	if (!file || !fgets(names, sizeof(names), file) || !fgets(numbers, sizeof(numbers), file))
		scenario_fail("cannot read %s", path);
	name = strtok_r(names, " ", &at[0]);
	number = strtok_r(numbers, " ", &at[1]);
	while (name && number && strcmp(name, "ListenOverflows") != 0) {
		name = strtok_r(NULL, " ", &at[0]);
		number = strtok_r(NULL, " ", &at[1]);
	}
	if (!name || !number)
		scenario_fail("%s has no ListenOverflows", path);
	count = strtoull(number, NULL, 10);
	fclose(file);
	return count;
}

/* A busy machine's SYNs lie before the listener for a while: they are dropped once they came. */
static void wait_dropped(const struct peer *server, unsigned long long before)
{
	const uint64_t deadline = deadline_in(5000);

	while (counted(server) < before + CLIENTS - 2) {
		if (!deadline_left(deadline))
			scenario_fail("%llu of %d SYNs were dropped", counted(server) - before,
				      CLIENTS - 2);
	}
}

/* Over before anybody has looked: what the namespace counts tells of it. */
static void burst(void)
{
	unsigned long long dropped;
	struct tracer *t = tracer_shared();
	struct peer *server = peer_start("sw-server"), *client;
	struct crowd before, c;

	remote_own_netns(server);
	client = peer_fork(server, "sw-client");
	before = crowd(server, client, "127.0.0.1");
	come(&before);
	/* From here on it is known what was counted; what others drop in the same second cannot be told from it. */
	expect_line(t, before.cookie, LINE_OVERFLOW, NULL);
	take_all(&before);
	tracer_await(t, 20000, "the end of the overflow before", has_two, &before);
	c = crowd(server, client, "127.0.0.1");
	dropped = counted(server);
	come(&c);
	wait_dropped(server, dropped);
	take_all(&c);
	check(t, &c, CLIENTS - 2, 2 * CLIENTS);
}

static void drained(const char *address)
{
	struct tracer *t = tracer_shared();
	struct crowd c = crowd(peer_start("sw-server"), peer_start("sw-client"), address);

	come(&c);
	expect_line(t, c.cookie, LINE_OVERFLOW, NULL);
	take_all(&c);
	check(t, &c, CLIENTS - 2, 1);
}

static void drained_ipv4(void)
{
	drained("127.0.0.1");
}

static void drained_ipv6(void)
{
	drained("::1");
}

/* It never takes anybody, and ends. */
static void closed(void)
{
	struct tracer *t = tracer_shared();
	struct crowd c = crowd(peer_start("sw-server"), peer_start("sw-client"), "127.0.0.1");

	come(&c);
	expect_line(t, c.cookie, LINE_OVERFLOW, NULL);
	must("close", remote_close(c.server, c.listener));
	check(t, &c, 1, 1); /* the last look may have come while they came */
}

static void in_namespace(void)
{
	struct tracer *t = tracer_shared();
	struct peer *server = peer_start("sw-server"), *client;
	struct crowd c;

	remote_own_netns(server);
	client = peer_fork(server, "sw-client");
	c = crowd(server, client, "127.0.0.1");
	come(&c);
	expect_line(t, c.cookie, LINE_OVERFLOW, NULL);
	must("close", remote_close(c.server, c.listener));
	check(t, &c, 1, 1); /* the last look may have come while they came */
}

/* Full before the trace begins: what is dropped from then on counts. */
static void before_the_trace(void)
{
	const char *const args[] = {"--events", "overflow", NULL};
	struct crowd c = crowd(peer_start("sw-server"), peer_start("sw-client"), "127.0.0.1");
	struct tracer *t;

	come(&c);
	t = tracer_open(args);
	/* On a slow machine the first come again a minute later only. */
	come(&c);
	expect_line(t, c.cookie, LINE_OVERFLOW, NULL);
	must("close", remote_close(c.server, c.listener));
	check(t, &c, 1, 1);
	tracer_close(t);
}

/* Full, but nobody is dropped. */
static void full_only(void)
{
	struct tracer *t = tracer_shared();
	struct crowd c = crowd(peer_start("sw-server"), peer_start("sw-client"), "127.0.0.1");
	struct crowd later;

	for (int i = 0; i < 2; i++) {
		c.fd[i] = (int)must("socket", remote_socket(c.client, AF_INET, 0));
		must("connect", remote_connect(c.client, c.fd[i], c.at));
	}
	/* Another one's overflow is seen by a look that sees this one, too. */
	later = crowd(c.server, c.client, "127.0.0.1");
	come(&later);
	expect_line(t, later.cookie, LINE_OVERFLOW, NULL);
	for (size_t i = 0; i < t->count; i++) {
		if (t->line[i]->kind == LINE_OVERFLOW && t->line[i]->cookie == c.cookie) {
			scenario_show(t->line[i]);
			scenario_fail("nobody was dropped");
		}
	}
}

/* ls says it of a listener whatever it reads by. */
static void do_queue(struct call *c)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	c->result = getsockopt((int)c->arg[0], IPPROTO_TCP, TCP_INFO, &info, &len);
	c->error = errno;
	if (!c->result)
		c->result = info.tcpi_unacked;
}

/* How many wait, as the kernel says: one more than fit where two come on two processors at once. */
static int queue_of(const struct crowd *c)
{
	struct call call = {.arg = {c->listener}};

	peer_call(c->server, do_queue, &call);
	return (int)must("TCP_INFO", call.result < 0 ? -call.error : call.result);
}

static void listed(const char *source)
{
	static struct listed ls;
	struct tracer *t = tracer_shared();
	struct crowd c = crowd(peer_start("sw-server"), peer_start("sw-client"), "127.0.0.1");
	const struct row *r;
	int before, after;

	come(&c);
	expect_line(t, c.cookie, LINE_OVERFLOW, NULL);
	before = queue_of(&c);
	listed_take(&ls, source, c.server->netns);
	after = queue_of(&c);
	r = listed_find(&ls, "tcp", "LISTEN", address_port(&c.at));
	/* Without cookies a look has only /proc/net, which tells no limit. */
	if (r && !r->cookie) {
		if (!r->limitless || (int)r->waiting < before || (int)r->waiting > after)
			scenario_fail("queue %d of %d, must be %d to %d of an unknown limit",
				      (int)r->waiting, (int)r->backlog, before, after);
		return;
	}
	if (!r || (int)r->waiting < before || (int)r->waiting > after || before < 2 ||
	    r->backlog != 1 || (int)r->dropped < CLIENTS - after)
		scenario_fail("queue %d of %d, %d dropped, must be %d to %d of 1, at least %d",
			      r ? (int)r->waiting : -1, r ? (int)r->backlog : -1,
			      r ? (int)r->dropped : -1, before, after, CLIENTS - after);
}

static void listed_auto(void)
{
	listed("auto");
}

static void listed_proc(void)
{
	listed("proc");
}

const struct scenario overflow_scenarios[] = {
	{"overflow-drained", drained_ipv4},
	{"overflow-drained-ipv6", drained_ipv6},
	{"overflow-burst", burst},
	{"overflow-closed", closed},
	{"overflow-namespace", in_namespace},
	{"overflow-before", before_the_trace},
	{"overflow-full-only", full_only},
	{"overflow-listed", listed_auto},
	{"overflow-listed-proc", listed_proc},
	{0},
};
