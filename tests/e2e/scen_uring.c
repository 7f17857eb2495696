// SPDX-License-Identifier: GPL-2.0-only
/* io_uring makes the same sockets without the system calls that a tracer may watch. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>

#include "pair.h"
#include "scenario.h"
#include "uring.h"

/* Later than the headers some machines have. */
#define OP_BIND	  56
#define OP_LISTEN 57

static void do_accept(struct call *c)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_ACCEPT, .fd = (int)c->arg[0]};

	c->addr_len = sizeof(c->addr);
	if (c->arg[1]) {
		sqe.addr = (uintptr_t)&c->addr;
		sqe.addr2 = (uintptr_t)&c->addr_len;
	}
	c->result = uring_run(&sqe);
	errno = c->result < 0 ? (int)-c->result : 0;
}

static void do_connect(struct call *c)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_CONNECT,
		.fd = (int)c->arg[0],
		.addr = (uintptr_t)&c->addr,
		.off = c->addr_len,
	};

	c->result = uring_run(&sqe);
	errno = c->result < 0 ? (int)-c->result : 0;
}

static void do_bind(struct call *c)
{
	struct io_uring_sqe sqe = {
		.opcode = OP_BIND,
		.fd = (int)c->arg[0],
		.addr = (uintptr_t)&c->addr,
		.addr2 = c->addr_len,
	};

	c->result = uring_run(&sqe);
	errno = c->result < 0 ? (int)-c->result : 0;
}

static void do_listen(struct call *c)
{
	struct io_uring_sqe sqe = {.opcode = OP_LISTEN, .fd = (int)c->arg[0], .len = 16};

	c->result = uring_run(&sqe);
	errno = c->result < 0 ? (int)-c->result : 0;
}

static void do_nothing(struct call *c)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_NOP, .fd = -1};

	c->result = uring_run(&sqe);
	errno = c->result < 0 ? (int)-c->result : 0;
}

static void need_uring(struct peer *p)
{
	struct call c = {.arg = {0}};

	peer_call(p, do_nothing, &c);
	if (c.result < 0)
		scenario_skip("no io_uring: %s", strerror(c.error));
}

static long through_ring(struct peer *p, call_fn fn, struct call c)
{
	peer_call(p, fn, &c);
	if (c.result < 0 && c.error == EINVAL)
		scenario_skip("this io_uring has no such operation");
	return c.result < 0 ? -c.error : c.result;
}

static void finish(struct tracer *t, struct pair *p)
{
	pair_know(p);
	pair_talk(p, 20, 30);
	pair_close(p, CLIENT_FIRST);
	pair_check(t, p);
}

static void accept_queued(bool with_address)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");

	need_uring(p.server);
	pair_listen(&p);
	pair_connect(&p);
	p.child =
		(int)must("accept", through_ring(p.server, do_accept,
						 (struct call){.arg = {p.listener, with_address}}));
	p.of_child.owner = owner_of(p.server);
	finish(t, &p);
}

static void accept_queued_address(void)
{
	accept_queued(true);
}

static void accept_queued_null(void)
{
	accept_queued(false);
}

/* The ring waits for the connection. */
static void accept_waiting(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct call c = {.arg = {0, 1}};

	need_uring(p.server);
	pair_listen(&p);
	c.arg[0] = p.listener;
	peer_begin(p.server, do_accept, &c);
	pair_connect(&p);
	p.child = (int)must("accept", remote_finish(p.server));
	p.of_child.owner = owner_of(p.server);
	finish(t, &p);
}

static void connect_by_ring(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct call c = {.arg = {0}};

	need_uring(p.client);
	pair_listen(&p);
	p.conn = (int)must("socket", remote_socket(p.client, AF_INET, 0));
	c.arg[0] = p.conn;
	c.addr = p.connect_to.ss;
	c.addr_len = p.connect_to.len;
	must("connect", through_ring(p.client, do_connect, c));
	p.of_client.owner = owner_of(p.client);
	pair_accept(&p, ACCEPT_ADDRESS);
	finish(t, &p);
}

static void bind_and_listen(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct call c = {.addr = p.listen_at.ss, .addr_len = p.listen_at.len};

	need_uring(p.server);
	p.listener = (int)must("socket", remote_socket(p.server, AF_INET, 0));
	c.arg[0] = p.listener;
	must("bind", through_ring(p.server, do_bind, c));
	must("listen", through_ring(p.server, do_listen, c));
	p.listen_at = remote_local(p.server, p.listener);
	p.connect_to = p.listen_at;
	p.of_listener.owner = owner_of(p.server);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	finish(t, &p);
}

const struct scenario uring_scenarios[] = {
	{"uring-accept-queued", accept_queued_address},
	{"uring-accept-queued-null", accept_queued_null},
	{"uring-accept-waiting", accept_waiting},
	{"uring-connect", connect_by_ring},
	{"uring-bind-listen", bind_and_listen},
	{0},
};
