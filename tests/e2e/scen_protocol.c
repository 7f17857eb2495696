// SPDX-License-Identifier: GPL-2.0-only
/* Relatives of plain TCP: MPTCP, whose connections are two sockets each, and TCP Fast Open. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>

#include "pair.h"
#include "scenario.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int mptcp_socket(struct peer *p)
{
	int fd = remote_protocol_socket(p, AF_INET, IPPROTO_MPTCP);

	if (fd == -EPROTONOSUPPORT || fd == -ENOPROTOOPT || fd == -EINVAL)
		scenario_skip("no MPTCP: %s", strerror(-fd));
	return (int)must("socket", fd);
}

/* Same socket, same happening: a second such line is a duplicate.  The peer's port is part of the
 * socket because the kernel lets an accepted MPTCP socket keep its listener's cookie. */
static bool same(const struct line *a, const struct line *b)
{
	return a->kind == b->kind && a->cookie == b->cookie && a->peer.port == b->peer.port &&
	       strcmp(a->from, b->from) == 0 && strcmp(a->to, b->to) == 0;
}

/* Every line on one of the two ports: right or no owner, and no line twice.  Returns a mask of the
 * kinds seen with proto mptcp. */
static unsigned int check_lines(struct tracer *t, const struct pair *p, unsigned int server_port,
				unsigned int client_port)
{
	unsigned int kinds = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];
		const struct peer *owner = l->local.port == server_port ? p->server : p->client;

		if (l->kind == LINE_LOST ||
		    (l->local.port != server_port && l->local.port != client_port))
			continue;
		scenario_show(l);
		if (strcmp(l->proto, "mptcp") == 0)
			kinds |= 1u << l->kind;
		else if (strcmp(l->proto, "tcp") != 0)
			scenario_fail("proto is %s", l->proto);
		if (l->process.known && l->process.pid != (uint32_t)owner->pid)
			scenario_fail("process is %u, must be %d or null", l->process.pid,
				      owner->pid);
		for (size_t k = 0; k < i; k++) {
			if (t->line[k]->kind != LINE_LOST && same(t->line[k], l))
				scenario_fail("the last line is there twice");
		}
	}
	return kinds;
}

static void mptcp(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	uint64_t client, child;
	struct address local;
	unsigned int kinds;

	p.listener = mptcp_socket(p.server);
	must("bind", remote_bind(p.server, p.listener, p.listen_at));
	must("listen", remote_listen(p.server, p.listener, 4));
	p.listen_at = remote_local(p.server, p.listener);
	p.conn = mptcp_socket(p.client);
	must("connect", remote_connect(p.client, p.conn, p.listen_at));
	p.child = (int)must("accept", remote_accept(p.server, p.listener, ACCEPT_ADDRESS));
	local = remote_local(p.client, p.conn);
	client = remote_cookie(p.client, p.conn);
	child = remote_cookie(p.server, p.child);
	pair_talk(&p, 3000, 200);
	must("close", remote_close(p.client, p.conn));
	must("receive", remote_receive(p.server, p.child, 1));
	must("close", remote_close(p.server, p.child));
	must("close", remote_close(p.server, p.listener));
	expect_line(t, client, LINE_CLOSE, NULL);
	expect_line(t, child, LINE_CLOSE, NULL);
	tracer_fence(t);
	kinds = check_lines(t, &p, address_port(&p.listen_at), address_port(&local));
	if (!(kinds & 1u << LINE_STATE))
		scenario_fail("no state line with proto mptcp");
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		if ((l->cookie == client || l->cookie == child) && strcmp(l->proto, "mptcp") != 0)
			scenario_fail("the MPTCP socket %llu has a line with proto %s",
				      (unsigned long long)l->cookie, l->proto);
	}
}

/* An MPTCP client of a plain server: it falls back, and the server's side is an ordinary life. */
static void mptcp_fallback(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct address local;

	pair_listen(&p);
	p.conn = mptcp_socket(p.client);
	must("connect", remote_connect(p.client, p.conn, p.connect_to));
	p.of_client.owner = owner_of(p.client);
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	local = remote_local(p.client, p.conn);
	pair_talk(&p, 10, 10);
	pair_close(&p, CLIENT_FIRST);
	expect_life(t, &p.of_child);
	check_lines(t, &p, address_port(&p.listen_at), address_port(&local));
}

/* sendto() that connects, with its data in the SYN. */
static void do_fast_open(struct call *c)
{
	static const char data[100];

	c->result = sendto((int)c->arg[0], data, sizeof(data), MSG_FASTOPEN,
			   (struct sockaddr *)&c->addr, c->addr_len);
}

static void fast_open(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct call c = {.arg = {0}};

	remote_own_netns(p.server);
	/* Client and server, data without a cookie on both sides. */
	if (remote_write_file(p.server, "/proc/sys/net/ipv4/tcp_fastopen", "519") < 0)
		scenario_skip("tcp_fastopen cannot be set");
	p.client = peer_fork(p.server, "sw-client-2");
	p.listener = (int)must("socket", remote_socket(p.server, AF_INET, 0));
	must("bind", remote_bind(p.server, p.listener, p.listen_at));
	must("TCP_FASTOPEN", remote_option(p.server, p.listener, IPPROTO_TCP, TCP_FASTOPEN, 8));
	must("listen", remote_listen(p.server, p.listener, 8));
	p.listen_at = remote_local(p.server, p.listener);
	p.connect_to = p.listen_at;
	p.of_listener.owner = owner_of(p.server);
	p.conn = (int)must("socket", remote_socket(p.client, AF_INET, 0));
	c.arg[0] = p.conn;
	c.addr = p.connect_to.ss;
	c.addr_len = p.connect_to.len;
	peer_call(p.client, do_fast_open, &c);
	if (c.result != 100)
		scenario_fail("sendto gave %ld, errno %d", c.result, c.error);
	p.of_client.owner = owner_of(p.client);
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	if (must("receive", remote_receive(p.server, p.child, 100)) != 100)
		scenario_fail("too little arrived");
	p.of_client.counted = p.of_child.counted = true;
	p.of_client.sent = p.of_child.received = 100;
	pair_close(&p, CLIENT_FIRST);
	pair_check(t, &p);
}

/* Its states have TCP's numbers and pass the same hook. */
static void sctp(void)
{
	struct tracer *t = tracer_shared();
	struct peer *server = peer_start("sw-server"), *client = peer_start("sw-client");
	int listener = remote_protocol_socket(server, AF_INET, IPPROTO_SCTP), conn, child;
	uint64_t cookie[3];

	if (listener < 0)
		scenario_skip("no SCTP: %s", strerror(-listener));
	must("bind", remote_bind(server, listener, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(server, listener, 4));
	conn = (int)must("socket", remote_protocol_socket(client, AF_INET, IPPROTO_SCTP));
	must("connect", remote_connect(client, conn, remote_local(server, listener)));
	child = (int)must("accept", remote_accept(server, listener, ACCEPT_ADDRESS));
	cookie[0] = remote_cookie(server, listener);
	cookie[1] = remote_cookie(client, conn);
	cookie[2] = remote_cookie(server, child);
	must("close", remote_close(client, conn));
	must("close", remote_close(server, child));
	must("close", remote_close(server, listener));
	tracer_fence(t);
	for (size_t i = 0; i < 3; i++)
		expect_no_line(t, cookie[i]);
}

const struct scenario protocol_scenarios[] = {
	{"mptcp", mptcp},
	{"mptcp-fallback", mptcp_fallback},
	{"sctp-is-not-tcp", sctp},
	{"fast-open", fast_open},
	{0},
};
