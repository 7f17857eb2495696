// SPDX-License-Identifier: GPL-2.0-only
/* Ends without a word between the two: resets by what, none in repair, and TIME_WAITs that there are. */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "features.h"
#include "pair.h"
#include "scenario.h"

#define CUT "CLOSE>SYN_SENT>ESTABLISHED>CLOSE"

static const struct line *end_of(struct tracer *t, const struct expect *x)
{
	expect_life(t, x);
	return expect_line(t, x->cookie, LINE_CLOSE, NULL);
}

static void want_how(const struct line *l, const char *how)
{
	if (strcmp(l->how, how) == 0)
		return;
	scenario_show(l);
	scenario_fail("how is '%s', must be '%s'", l->how, how);
}

/* ---- cut short ---- */

static void connect_pair(struct pair *p)
{
	pair_listen(p);
	pair_connect(p);
	pair_accept(p, ACCEPT_ADDRESS);
	pair_know(p);
	p->of_client.states = CUT;
	p->of_client.reason = "local-reset";
}

static struct pair connected(const char *address)
{
	struct pair p = pair_new(address);

	pair_need_ipv6(address);
	connect_pair(&p);
	return p;
}

static void reset_by_linger(const char *address)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected(address);

	must("SO_LINGER", remote_linger_reset(p.client, p.conn));
	must("close", remote_close(p.client, p.conn));
	want_how(end_of(t, &p.of_client), "linger");
}

static void linger_ipv4(void)
{
	reset_by_linger("127.0.0.1");
}

static void linger_ipv6(void)
{
	reset_by_linger("::1");
}

/* shutdown() sent a FIN before: the reset follows it. */
static void linger_half_closed(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected("127.0.0.1");

	must("SO_LINGER", remote_linger_reset(p.client, p.conn));
	must("shutdown", remote_shutdown(p.client, p.conn, SHUT_WR));
	expect_line(t, p.of_client.cookie, LINE_STATE, "FIN_WAIT2");
	must("close", remote_close(p.client, p.conn));
	p.of_client.states = "CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>FIN_WAIT2>CLOSE";
	want_how(end_of(t, &p.of_client), "linger");
}

/* Unread data resets whatever SO_LINGER says. */
static void unread(bool linger, bool after_fin)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected("127.0.0.1");

	must("send", remote_send(p.server, p.child, 100));
	if (after_fin) {
		must("shutdown", remote_shutdown(p.server, p.child, SHUT_WR));
		expect_line(t, p.of_client.cookie, LINE_STATE, "CLOSE_WAIT");
		p.of_client.states = "CLOSE>SYN_SENT>ESTABLISHED>CLOSE_WAIT>CLOSE";
	}
	if (!(must("poll", remote_wait(p.client, p.conn, POLLIN, 5000)) & POLLIN))
		scenario_fail("the data does not arrive");
	if (linger)
		must("SO_LINGER", remote_linger_reset(p.client, p.conn));
	must("close", remote_close(p.client, p.conn));
	want_how(end_of(t, &p.of_client), "unread");
}

static void unread_data(void)
{
	unread(false, false);
}

static void unread_linger(void)
{
	unread(true, false);
}

static void unread_after_fin(void)
{
	unread(false, true);
}

/* All was read, also the peer's FIN, which is no data. */
static void linger_after_fin(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected("127.0.0.1");

	must("shutdown", remote_shutdown(p.server, p.child, SHUT_WR));
	if (must("receive", remote_receive(p.client, p.conn, 1)) != 0)
		scenario_fail("the stream does not end");
	must("SO_LINGER", remote_linger_reset(p.client, p.conn));
	must("close", remote_close(p.client, p.conn));
	p.of_client.states = "CLOSE>SYN_SENT>ESTABLISHED>CLOSE_WAIT>CLOSE";
	want_how(end_of(t, &p.of_client), "linger");
}

static void disconnected(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected("127.0.0.1");

	must("connect", remote_connect(p.client, p.conn, address_nowhere()));
	want_how(end_of(t, &p.of_client), "disconnect");
}

/* The peer sends to a socket that has been closed: one that waits longer than a TIME_WAIT lasts does so itself. */
static void late_data(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");

	remote_own_netns(p.server);
	if (remote_write_file(p.server, "/proc/sys/net/ipv4/tcp_fin_timeout", "120") < 0)
		scenario_skip("tcp_fin_timeout cannot be set");
	p.client = peer_fork(p.server, "sw-client");
	p.client->netns = p.server->netns;
	connect_pair(&p);
	must("close", remote_close(p.client, p.conn));
	expect_line(t, p.of_client.cookie, LINE_STATE, "FIN_WAIT2");
	must("send", remote_send(p.server, p.child, 10));
	p.of_client.states = "CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>FIN_WAIT2>CLOSE";
	want_how(end_of(t, &p.of_client), "late-data");
}

static void linger2(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected("127.0.0.1");

	must("option", remote_option(p.client, p.conn, IPPROTO_TCP, TCP_LINGER2, -1));
	must("close", remote_close(p.client, p.conn));
	p.of_client.states = "CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>FIN_WAIT2>CLOSE|"
			     "CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>CLOSE";
	want_how(end_of(t, &p.of_client), "linger2");
}

/* What ss -K does. */
static void do_destroy(struct call *c)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} ask = {
		.header = {.nlmsg_len = sizeof(ask),
			   .nlmsg_type = SOCK_DESTROY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.request = {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP},
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char more[512];
	} answer;
	const struct sockaddr_in *local = (const void *)&c->addr;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	ssize_t n;

	ask.request.id.idiag_sport = local->sin_port;
	ask.request.id.idiag_src[0] = local->sin_addr.s_addr;
	ask.request.id.idiag_dport = htons((uint16_t)c->arg[0]);
	ask.request.id.idiag_dst[0] = htonl(INADDR_LOOPBACK);
	ask.request.id.idiag_cookie[0] = (uint32_t)c->arg[1];
	ask.request.id.idiag_cookie[1] = (uint32_t)((uint64_t)c->arg[1] >> 32);
	n = fd < 0 || send(fd, &ask, sizeof(ask), 0) < 0 ? -1
							 : recv(fd, &answer, sizeof(answer), 0);
	c->result = n < 0 ? -1 : 0;
	if (n > 0 && answer.error.error) {
		errno = -answer.error.error;
		c->result = -1;
	}
	c->error = errno;
	close(fd);
}

static void kill_socket(struct peer *p, struct address local, struct address to, uint64_t cookie)
{
	struct call c = {.arg = {(long)address_port(&to), (long)cookie}, .addr = local.ss};

	peer_call(p, do_destroy, &c);
	if (c.result < 0 && (c.error == ENOENT || c.error == EOPNOTSUPP ||
			     c.error == EPROTONOSUPPORT || c.error == EPERM))
		scenario_skip("sock_diag ends no sockets here: %s", strerror(c.error));
	must("SOCK_DESTROY", c.result < 0 ? -c.error : 0);
}

static void killed(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected("127.0.0.1");

	kill_socket(p.server, p.of_client.local, p.of_client.peer, p.of_client.cookie);
	want_how(end_of(t, &p.of_client), "killed");
}

/* Nothing is sent to a peer that has not answered yet. */
static void killed_in_syn_sent(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct expect *x = &p.of_client;

	pair_listen(&p);
	remote_deafen(p.server, p.listener);
	p.conn = (int)must("socket", remote_socket(p.client, AF_INET, SOCK_NONBLOCK));
	if (remote_connect(p.client, p.conn, p.connect_to) != -EINPROGRESS)
		scenario_fail("connect does not wait");
	*x = (struct expect){
		.label = "client",
		.owner = owner_of(p.client),
		.local = remote_local(p.client, p.conn),
		.peer = p.connect_to,
		.cookie = remote_cookie(p.client, p.conn),
		.calls = "connect",
		.autobind = PORT_AUTO,
		.states = "CLOSE>SYN_SENT>CLOSE",
		.reason = "aborted",
	};
	kill_socket(p.server, x->local, x->peer, x->cookie);
	want_how(end_of(t, x), "killed");
}

/* What a checkpoint does: the socket goes, the connection lives on elsewhere. */
static void repaired(const char *address)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected(address);
	int err = remote_option(p.client, p.conn, IPPROTO_TCP, TCP_REPAIR, 1);

	if (err < 0)
		scenario_skip("no TCP_REPAIR: %s", strerror(-err));
	must("close", remote_close(p.client, p.conn));
	p.of_client.reason = "local-close";
	want_how(end_of(t, &p.of_client), "");
}

static void repaired_ipv4(void)
{
	repaired("127.0.0.1");
}

static void repaired_ipv6(void)
{
	repaired("::1");
}

/* connect() in repair sends nothing, either.  It comes back connected, so that tiers tell of it before or after. */
static void repaired_never_sent(void)
{
	struct tracer *t = tracer_shared();
	struct peer *p = peer_start("sw-client");
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0)), err;
	const struct line *l;
	uint64_t cookie;

	err = remote_option(p, fd, IPPROTO_TCP, TCP_REPAIR, 1);
	if (err < 0)
		scenario_skip("no TCP_REPAIR: %s", strerror(-err));
	must("connect", remote_connect(p, fd, address_of("127.0.0.1", 4711)));
	cookie = remote_cookie(p, fd);
	must("close", remote_close(p, fd));
	l = expect_line(t, cookie, LINE_CLOSE, NULL);
	want_how(l, "");
	if (strcmp(l->reason, "local-close") == 0 && l->process.pid == (uint32_t)p->pid)
		return;
	scenario_show(l);
	scenario_fail("it must be a local-close of %d", p->pid);
}

/* ---- TIME_WAIT ---- */

/* Beside tcp_max_tw_buckets connections no more are kept. */
static struct pair limited(struct peer *server, const char *limit)
{
	struct pair p = pair_new("127.0.0.1");

	p.server = server;
	if (remote_write_file(server, "/proc/sys/net/ipv4/tcp_max_tw_buckets", limit) < 0)
		scenario_skip("tcp_max_tw_buckets cannot be set");
	p.client = peer_fork(server, "sw-client");
	p.client->netns = server->netns;
	connect_pair(&p);
	p.of_client.reason = "local-close";
	return p;
}

static const struct line *close_first(struct tracer *t, struct pair *p, bool half)
{
	if (half)
		must("shutdown", remote_shutdown(p->client, p->conn, SHUT_WR));
	else
		must("close", remote_close(p->client, p->conn));
	must("receive", remote_receive(p->server, p->child, 1));
	must("close", remote_close(p->server, p->child));
	if (half) {
		must("receive", remote_receive(p->client, p->conn, 1));
		must("close", remote_close(p->client, p->conn));
	}
	return end_of(t, &p->of_client);
}

#define NO_TIME_WAIT "CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>FIN_WAIT2>CLOSE"

static void no_time_wait(bool half)
{
	struct tracer *t = tracer_shared();
	struct peer *server = peer_start("sw-server");
	const struct line *l;
	struct pair p;

	remote_own_netns(server);
	p = limited(server, "0");
	p.of_client.states = NO_TIME_WAIT;
	l = close_first(t, &p, half);
	if (l->time_wait != 0) {
		scenario_show(l);
		scenario_fail("there is no TIME_WAIT");
	}
}

static void no_time_wait_by_close(void)
{
	no_time_wait(false);
}

static void no_time_wait_by_shutdown(void)
{
	no_time_wait(true);
}

/* The first of three is known to wait, and the last not to, where a hook tells; else it is said not to be known. */
static void few_time_waits(void)
{
	struct tracer *t = tracer_shared();
	bool told = features_attached("fentry/inet_twsk_hashdance") ||
		    features_attached("fentry/inet_twsk_hashdance_schedule");
	struct peer *server = peer_start("sw-server");
	const int want_told[] = {1, 1, 0}, want_untold[] = {1, -1, -1};

	remote_own_netns(server);
	for (int i = 0; i < 3; i++) {
		int want = told ? want_told[i] : want_untold[i];
		struct pair p = limited(server, "2");
		const struct line *l;

		p.of_client.states = want == 1 ? STATES_CLIENT_ACTIVE : NO_TIME_WAIT;
		l = close_first(t, &p, true);
		if (l->time_wait != want) {
			scenario_show(l);
			scenario_fail("time_wait of number %d is %d, must be %d", i, l->time_wait,
				      want);
		}
	}
}

const struct scenario cut_scenarios[] = {
	{"cut-linger", linger_ipv4},
	{"cut-linger-ipv6", linger_ipv6},
	{"cut-linger-half-closed", linger_half_closed},
	{"cut-linger-after-fin", linger_after_fin},
	{"cut-unread", unread_data},
	{"cut-unread-linger", unread_linger},
	{"cut-unread-after-fin", unread_after_fin},
	{"cut-disconnect", disconnected},
	{"cut-late-data", late_data},
	{"cut-linger2", linger2},
	{"cut-killed", killed},
	{"cut-killed-in-syn-sent", killed_in_syn_sent},
	{"cut-repair", repaired_ipv4},
	{"cut-repair-ipv6", repaired_ipv6},
	{"cut-repair-never-sent", repaired_never_sent},
	{"cut-no-time-wait", no_time_wait_by_close},
	{"cut-no-time-wait-by-shutdown", no_time_wait_by_shutdown},
	{"cut-few-time-waits", few_time_waits},
	{0},
};
