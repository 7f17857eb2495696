// SPDX-License-Identifier: GPL-2.0-only
/* bind() that fails shows what was asked for, and what holds it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "scenario.h"

/* Compares the last bind line of `cookie` with a failed attempt of `p` at `at`. */
static const struct line *check_failed(struct tracer *t, const struct peer *p, uint64_t cookie,
				       const struct address *at, const char *error)
{
	struct end asked = address_end(at);
	const struct line *l = expect_line(t, cookie, LINE_BIND, NULL);

	if (strcmp(l->error, error) != 0 || l->local.port != asked.port ||
	    strcmp(l->local.addr, asked.addr) != 0 || l->process.pid != (uint32_t)p->pid ||
	    strcmp(l->process.name, p->name) != 0) {
		expect_show(t, cookie);
		scenario_fail("bind must show %s port %u of %d %s with %s", asked.addr, asked.port,
			      p->pid, p->name, error);
	}
	tracer_fence(t);
	for (size_t i = 0, n = 0; i < t->count; i++) {
		n += t->line[i]->cookie == cookie && t->line[i]->kind == LINE_BIND;
		if (n > 1) {
			expect_show(t, cookie);
			scenario_fail("one bind() gave two events");
		}
	}
	return l;
}

/* A listener, and somebody who wants its port; returns the line that says so. */
static const struct line *clash(struct peer *holder, struct address *ret_at)
{
	struct tracer *t = tracer_shared();
	struct peer *p = peer_start("sw-late");
	int held = (int)must("socket", remote_socket(holder, AF_INET, 0));
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0));
	struct address at;
	int err;

	must("bind", remote_bind(holder, held, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(holder, held, 1));
	at = remote_local(holder, held);
	err = remote_bind(p, fd, at);
	if (err != -EADDRINUSE)
		scenario_fail("bind gave %d", err);
	*ret_at = at;
	return check_failed(t, p, remote_cookie(p, fd), &at, "EADDRINUSE");
}

static void in_use(void)
{
	struct address at;

	clash(peer_start("sw-holder"), &at);
}

static void in_use_holders(void)
{
	struct peer *holder = peer_start("sw-holder");
	struct address at;
	const struct line *l = clash(holder, &at);

	if (l->holder_count == 1 && l->holder.pid == (uint32_t)holder->pid &&
	    strcmp(l->holder.name, holder->name) == 0 && l->holder_local.port == address_port(&at))
		return;
	scenario_show(l);
	scenario_fail("the holder must be %d %s", holder->pid, holder->name);
}

/* A failed attempt must not spoil the socket: bind elsewhere, connect, all as if it had not been.
 */
static void in_use_then_elsewhere(void)
{
	struct tracer *t = tracer_shared();
	struct peer *holder = peer_start("sw-holder"), *p = peer_start("sw-late");
	int held = (int)must("socket", remote_socket(holder, AF_INET, 0));
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0));
	struct address at, got;
	bool found = false;
	uint64_t cookie;

	must("bind", remote_bind(holder, held, address_of("127.0.0.1", 0)));
	at = remote_local(holder, held);
	if (remote_bind(p, fd, at) != -EADDRINUSE)
		scenario_fail("bind succeeded");
	must("bind", remote_bind(p, fd, address_with_port(at, 0)));
	got = remote_local(p, fd);
	cookie = remote_cookie(p, fd);
	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		found |= l->kind == LINE_BIND && l->cookie == cookie && !l->error[0] &&
			 l->local.port == address_port(&got);
	}
	if (!found || expect_count(t, cookie) != 2) {
		expect_show(t, cookie);
		scenario_fail("there must be a failed bind and one to port %u", address_port(&got));
	}
}

static void not_local(const char *address, int family)
{
	struct tracer *t = tracer_shared();
	struct peer *p = peer_start("sw-lost");
	int fd = remote_socket(p, family, 0);
	struct address at = address_of(address, 4711);
	int err;

	if (fd < 0)
		scenario_skip("no socket of this family");
	err = remote_bind(p, fd, at);
	if (err == 0)
		scenario_skip("%s may be bound here", address);
	if (err != -EADDRNOTAVAIL)
		scenario_fail("bind gave %d", err);
	check_failed(t, p, remote_cookie(p, fd), &at, "EADDRNOTAVAIL");
}

static void not_local_ipv4(void)
{
	not_local("192.0.2.77", AF_INET);
}

static void not_local_ipv6(void)
{
	not_local("2001:db8::77", AF_INET6);
}

static void do_drop_root(struct call *c)
{
	c->result = setresuid(65534, 65534, 65534);
}

static void privileged_port(void)
{
	struct tracer *t = tracer_shared();
	struct peer *p = peer_start("sw-nobody");
	struct address at = address_of("127.0.0.1", 81);
	struct call c = {.arg = {0}};
	const struct line *l;
	int fd, err;

	peer_call(p, do_drop_root, &c);
	if (c.result < 0)
		scenario_skip("cannot become another user: %s", strerror(c.error));
	fd = (int)must("socket", remote_socket(p, AF_INET, 0));
	err = remote_bind(p, fd, at);
	if (err != -EACCES)
		scenario_skip("port 81 is not privileged here (%d)", err);
	l = check_failed(t, p, remote_cookie(p, fd), &at, "EACCES");
	if (l->process.uid != 65534) {
		scenario_show(l);
		scenario_fail("uid must be 65534");
	}
}

const struct scenario bind_scenarios[] = {
	{"bind-in-use", in_use},
	{"bind-in-use-holders", in_use_holders},
	{"bind-in-use-then-elsewhere", in_use_then_elsewhere},
	{"bind-not-local-ipv4", not_local_ipv4},
	{"bind-not-local-ipv6", not_local_ipv6},
	{"bind-privileged", privileged_port},
	{0},
};
