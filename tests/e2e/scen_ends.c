// SPDX-License-Identifier: GPL-2.0-only
/* Who gave up, and what it waited for: ends that the kernel hardly tells apart. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"
#include "scenario.h"

#define CUT "CLOSE>SYN_SENT>ESTABLISHED>CLOSE"

static const struct line *end_of(struct tracer *t, const struct expect *x)
{
	expect_life(t, x);
	return expect_line(t, x->cookie, LINE_CLOSE, NULL);
}

/* ---- never connected ---- */

struct attempt {
	struct peer *server, *client;
	struct address to;
	int fd;
	struct expect x;
};

/* The connect() to a listener that hears nothing is under way. */
static struct attempt unanswered(const char *address)
{
	struct attempt a = {.server = peer_start("sw-server"), .client = peer_start("sw-client")};
	struct address at = address_of(address, 0);
	int listener, err;

	pair_need_ipv6(address);
	listener = (int)must("socket", remote_socket(a.server, at.ss.ss_family, 0));
	must("bind", remote_bind(a.server, listener, at));
	must("listen", remote_listen(a.server, listener, 8));
	remote_deafen(a.server, listener);
	a.to = remote_local(a.server, listener);
	a.fd = (int)must("socket", remote_socket(a.client, at.ss.ss_family, SOCK_NONBLOCK));
	err = remote_connect(a.client, a.fd, a.to);
	if (err != -EINPROGRESS)
		scenario_fail("connect gave %d", err);
	at = remote_local(a.client, a.fd);
	a.x = (struct expect){
		.label = "client",
		.netns = a.client->netns,
		.owner = owner_of(a.client),
		.calls = "connect",
		.states = "CLOSE>SYN_SENT>CLOSE",
		.reason = "abandoned",
		.autobind = PORT_AUTO,
		.local = address_with_port(a.to, address_port(&at)),
		.peer = a.to,
		.cookie = remote_cookie(a.client, a.fd),
	};
	return a;
}

static void check_syns(struct tracer *t, const struct attempt *a, uint64_t least)
{
	const struct line *l = end_of(t, &a->x);

	if (l->syns >= least && l->syns < 8 && l->has_duration && l->error[0] == '\0')
		return;
	scenario_show(l);
	scenario_fail("at least %u SYNs must be told, and how long it took", (unsigned int)least);
}

static void abandoned_by_close(const char *address)
{
	struct tracer *t = tracer_shared();
	struct attempt a = unanswered(address);

	must("close", remote_close(a.client, a.fd));
	check_syns(t, &a, 1);
}

static void abandoned_ipv4(void)
{
	abandoned_by_close("127.0.0.1");
}

static void abandoned_ipv6(void)
{
	abandoned_by_close("::1");
}

/* The second SYN goes out after a second. */
static void abandoned_after_two(void)
{
	struct tracer *t = tracer_shared();
	struct attempt a = unanswered("127.0.0.1");
	struct tcp_info_retransmits {
		uint8_t state, ca_state, retransmits;
	} info = {0};
	int word = 0;

	for (int i = 0; i < 100 && !info.retransmits; i++) {
		remote_wait(a.client, a.fd, POLLOUT, 100);
		must("TCP_INFO", remote_get_option(a.client, a.fd, IPPROTO_TCP, TCP_INFO, &word));
		memcpy(&info, &word, sizeof(info));
	}
	must("close", remote_close(a.client, a.fd));
	check_syns(t, &a, 2);
}

static void abandoned_by_end(int signal)
{
	struct tracer *t = tracer_shared();
	struct attempt a = unanswered("127.0.0.1");

	peer_end(a.client, signal);
	check_syns(t, &a, 1);
}

static void abandoned_by_exit(void)
{
	abandoned_by_end(0);
}

static void abandoned_by_kill(void)
{
	abandoned_by_end(SIGKILL);
}

static void abandoned_by_shutdown(void)
{
	struct tracer *t = tracer_shared();
	struct attempt a = unanswered("127.0.0.1");

	must("shutdown", remote_shutdown(a.client, a.fd, SHUT_RDWR));
	check_syns(t, &a, 1);
}

static void abandoned_by_unspec(const char *address)
{
	struct tracer *t = tracer_shared();
	struct attempt a = unanswered(address);

	must("connect", remote_connect(a.client, a.fd, address_nowhere()));
	check_syns(t, &a, 1);
}

static void abandoned_unspec_ipv4(void)
{
	abandoned_by_unspec("127.0.0.1");
}

static void abandoned_unspec_ipv6(void)
{
	abandoned_by_unspec("::1");
}

/* As many SYNs as the socket may send, or none left within its time. */
static void syn_timeout(int option, int value, const char *reason)
{
	struct tracer *t = tracer_shared();
	struct attempt a = unanswered("127.0.0.1");
	const struct line *l;

	must("option", remote_option(a.client, a.fd, IPPROTO_TCP, option, value));
	if (!(remote_wait(a.client, a.fd, POLLOUT, 20000) & POLLERR))
		scenario_fail("connect does not give up");
	a.x.reason = reason;
	l = end_of(t, &a.x);
	if (l->syns >= 2 && !l->has_silence)
		return;
	scenario_show(l);
	scenario_fail("two SYNs must be told, and nothing of a peer never heard");
}

static void syn_timeout_by_count(void)
{
	syn_timeout(TCP_SYNCNT, 1, "timeout");
}

static void syn_timeout_by_user(void)
{
	syn_timeout(TCP_USER_TIMEOUT, 1200, "user-timeout");
}

/* ---- the peer is not heard any more ---- */

/* In a namespace of its own, where the kernel gives up soon. */
static struct pair connected_apart(const char *address)
{
	struct pair p = pair_new(address);

	pair_need_ipv6(address);
	remote_own_netns(p.server);
	if (remote_write_file(p.server, "/proc/sys/net/ipv4/tcp_retries2", "1") < 0)
		scenario_skip("the number of retransmissions cannot be set");
	p.client = peer_fork(p.server, "sw-client");
	p.client->netns = p.server->netns;
	pair_listen(&p);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	p.of_client.states = CUT;
	return p;
}

static void check_silence(struct tracer *t, struct pair *p, const char *reason, uint64_t unacked,
			  uint64_t heard_ns)
{
	const struct line *l;

	if (!(remote_wait(p->client, p->conn, POLLIN, 20000) & POLLERR))
		scenario_fail("the client does not give up");
	p->of_client.reason = reason;
	l = end_of(t, &p->of_client);
	if (!l->has_silence || l->unacked_bytes != unacked || l->last_heard_ns < heard_ns ||
	    l->last_heard_ns > l->duration_ns + 100000000) {
		scenario_show(l);
		scenario_fail("%llu bytes must not be acknowledged, the peer heard %llu ns before",
			      (unsigned long long)unacked, (unsigned long long)heard_ns);
	}
	must("SO_LINGER", remote_linger_reset(p->server, p->child));
	must("close", remote_close(p->server, p->child));
}

static void retransmission(const char *address)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected_apart(address);

	remote_deafen(p.server, p.child);
	must("send", remote_send(p.client, p.conn, 1000));
	check_silence(t, &p, "timeout", 1000, 300000000);
}

static void retransmission_ipv4(void)
{
	retransmission("127.0.0.1");
}

static void retransmission_ipv6(void)
{
	retransmission("::1");
}

/* Keepalive is on, too; but it is data that is not answered. */
static void user_timeout(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected_apart("127.0.0.1");

	must("option", remote_option(p.client, p.conn, IPPROTO_TCP, TCP_USER_TIMEOUT, 700));
	must("option", remote_option(p.client, p.conn, SOL_SOCKET, SO_KEEPALIVE, 1));
	remote_deafen(p.server, p.child);
	must("send", remote_send(p.client, p.conn, 77));
	check_silence(t, &p, "user-timeout", 77, 500000000);
}

/* With `limit_ms` TCP_USER_TIMEOUT says how long probes are sent. */
static void keepalive(const char *address, int limit_ms)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected_apart(address);

	must("option", remote_option(p.client, p.conn, IPPROTO_TCP, TCP_KEEPIDLE, 1));
	must("option", remote_option(p.client, p.conn, IPPROTO_TCP, TCP_KEEPINTVL, 1));
	must("option", remote_option(p.client, p.conn, IPPROTO_TCP, TCP_KEEPCNT, 1));
	must("option", remote_option(p.client, p.conn, IPPROTO_TCP, TCP_USER_TIMEOUT, limit_ms));
	remote_deafen(p.server, p.child);
	must("option", remote_option(p.client, p.conn, SOL_SOCKET, SO_KEEPALIVE, 1));
	check_silence(t, &p, "keepalive", 0, 1500000000);
}

static void keepalive_ipv4(void)
{
	keepalive("127.0.0.1", 0);
}

static void keepalive_ipv6(void)
{
	keepalive("::1", 0);
}

static void keepalive_limited(void)
{
	keepalive("127.0.0.1", 1500);
}

/* The application has closed: what it left is sent until the kernel gives up. */
static void retransmission_orphan(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected_apart("127.0.0.1");
	const struct line *l;

	must("tcp_orphan_retries",
	     remote_write_file(p.server, "/proc/sys/net/ipv4/tcp_orphan_retries", "1"));
	remote_deafen(p.server, p.child);
	must("send", remote_send(p.client, p.conn, 10));
	must("close", remote_close(p.client, p.conn));
	p.of_client.reason = "timeout";
	p.of_client.states = "CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>CLOSE";
	l = end_of(t, &p.of_client);
	if (!l->has_silence || l->unacked_bytes != 10) {
		scenario_show(l);
		scenario_fail("10 bytes must not be acknowledged");
	}
	must("SO_LINGER", remote_linger_reset(p.server, p.child));
	must("close", remote_close(p.server, p.child));
}

const struct scenario ends_scenarios[] = {
	{"ends-abandoned", abandoned_ipv4},
	{"ends-abandoned-ipv6", abandoned_ipv6},
	{"ends-abandoned-after-two", abandoned_after_two},
	{"ends-abandoned-by-exit", abandoned_by_exit},
	{"ends-abandoned-by-kill", abandoned_by_kill},
	{"ends-abandoned-by-shutdown", abandoned_by_shutdown},
	{"ends-abandoned-by-unspec", abandoned_unspec_ipv4},
	{"ends-abandoned-by-unspec-ipv6", abandoned_unspec_ipv6},
	{"ends-syn-timeout", syn_timeout_by_count},
	{"ends-syn-user-timeout", syn_timeout_by_user},
	{"ends-retransmission", retransmission_ipv4},
	{"ends-retransmission-ipv6", retransmission_ipv6},
	{"ends-retransmission-orphan", retransmission_orphan},
	{"ends-user-timeout", user_timeout},
	{"ends-keepalive", keepalive_ipv4},
	{"ends-keepalive-ipv6", keepalive_ipv6},
	{"ends-keepalive-limited", keepalive_limited},
	{0},
};
