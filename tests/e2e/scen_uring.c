// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring makes the same sockets without the system calls that a tracer may watch, and not always in the thread that asks:
 * each operation is tried as the caller does it, as a worker does it and as the thread that polls the ring does it. The
 * process is the application's, by its leader's name; the thread is the one that did it.
 *
 * Before Linux 5.12 (and 5.10.162, which took 5.15's io_uring) those are kernel threads that wear the application's memory
 * and credentials, and nothing in them says reliably whose: who connected is unknown there, never a kernel thread.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>

#include "features.h"
#include "pair.h"
#include "scenario.h"
#include "uring.h"

/* Later than the headers some machines have. */
#define OP_BIND	  56
#define OP_LISTEN 57

/* Of every call below: how, the descriptor, and what that operation needs besides. The thread that did it replaces the
 * caller in `tid`; WORKER_UNSEEN where there must be one and the process has none. */
enum { ARG_WAY, ARG_FD, ARG_MORE, ARG_UNSEEN };

static void run_op(struct call *c, const struct io_uring_sqe *sqe)
{
	enum uring_way way = (enum uring_way)c->arg[ARG_WAY];
	pid_t worker;

	c->result = uring_run(way, sqe, &worker);
	errno = c->result < 0 ? (int)-c->result : 0;
	c->arg[ARG_UNSEEN] = way != URING_PLAIN && !worker;
	if (worker)
		c->tid = worker;
}

static void do_accept(struct call *c)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_ACCEPT, .fd = (int)c->arg[ARG_FD]};

	c->addr_len = sizeof(c->addr);
	if (c->arg[ARG_MORE]) {
		sqe.addr = (uintptr_t)&c->addr;
		sqe.addr2 = (uintptr_t)&c->addr_len;
	}
	run_op(c, &sqe);
}

static void do_connect(struct call *c)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_CONNECT,
		.fd = (int)c->arg[ARG_FD],
		.addr = (uintptr_t)&c->addr,
		.off = c->addr_len,
	};

	run_op(c, &sqe);
}

static void do_bind(struct call *c)
{
	struct io_uring_sqe sqe = {
		.opcode = OP_BIND,
		.fd = (int)c->arg[ARG_FD],
		.addr = (uintptr_t)&c->addr,
		.addr2 = c->addr_len,
	};

	run_op(c, &sqe);
}

static void do_listen(struct call *c)
{
	struct io_uring_sqe sqe = {.opcode = OP_LISTEN, .fd = (int)c->arg[ARG_FD], .len = 16};

	run_op(c, &sqe);
}

static void do_nothing(struct call *c)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_NOP, .fd = -1};

	run_op(c, &sqe);
}

static void need_uring(struct peer *p, enum uring_way way)
{
	struct call c = {.arg = {way}};

	peer_call(p, do_nothing, &c);
	if (c.result < 0)
		scenario_skip("no io_uring: %s", strerror(c.error));
}

/* The result or a negative errno. */
static long through_ring(struct peer *p, call_fn fn, struct call c, struct owner *ret_owner)
{
	peer_call(p, fn, &c);
	if (c.result < 0 && c.error == EINVAL)
		scenario_skip("this io_uring has no such operation");
	if (c.result < 0 && c.error == EBADF)
		scenario_skip("this io_uring polls for registered files only");
	*ret_owner = owner_of(p);
	if (c.arg[ARG_UNSEEN])
		*ret_owner = (struct owner){0};
	return c.result < 0 ? -c.error : c.result;
}

static void finish(struct tracer *t, struct pair *p)
{
	pair_know(p);
	pair_talk(p, 20, 30);
	pair_close(p, CLIENT_FIRST);
	pair_check(t, p);
}

static void accept_queued(enum uring_way way, bool with_address)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct owner by;

	need_uring(p.server, way);
	pair_listen(&p);
	pair_connect(&p);
	p.child = (int)must(
		"accept", through_ring(p.server, do_accept,
				       (struct call){.arg = {way, p.listener, with_address}}, &by));
	/* Where a kernel thread accepts it stays its listener's. */
	p.of_child.owner = by.pid ? by : p.of_listener.owner;
	finish(t, &p);
}

static void accept_queued_plain(void)
{
	accept_queued(URING_PLAIN, true);
}

static void accept_queued_async(void)
{
	accept_queued(URING_ASYNC, true);
}

static void accept_queued_sqpoll(void)
{
	accept_queued(URING_SQPOLL, true);
}

static void accept_queued_null(void)
{
	accept_queued(URING_PLAIN, false);
}

/* The ring waits for the connection; whoever sees it come may be the worker or who asked. */
static void accept_waiting(enum uring_way way)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct call c = {.arg = {way, 0, 1}};

	need_uring(p.server, way);
	pair_listen(&p);
	c.arg[ARG_FD] = p.listener;
	peer_begin(p.server, do_accept, &c);
	pair_connect(&p);
	peer_finish(p.server, &c);
	if (c.result < 0 && c.error == EBADF)
		scenario_skip("this io_uring polls for registered files only");
	p.child = (int)must("accept", c.result < 0 ? -c.error : c.result);
	p.of_child.owner = owner_of(p.server);
	p.of_child.owner.or_tid = p.server->pid;
	finish(t, &p);
}

static void accept_waiting_plain(void)
{
	accept_waiting(URING_PLAIN);
}

static void accept_waiting_async(void)
{
	accept_waiting(URING_ASYNC);
}

static void accept_waiting_sqpoll(void)
{
	accept_waiting(URING_SQPOLL);
}

static void connect_by_ring(enum uring_way way)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct call c = {.arg = {way}};

	need_uring(p.client, way);
	pair_listen(&p);
	p.conn = (int)must("socket", remote_socket(p.client, AF_INET, 0));
	c.arg[ARG_FD] = p.conn;
	c.addr = p.connect_to.ss;
	c.addr_len = p.connect_to.len;
	must("connect", through_ring(p.client, do_connect, c, &p.of_client.owner));
	pair_accept(&p, ACCEPT_ADDRESS);
	finish(t, &p);
}

static void connect_plain(void)
{
	connect_by_ring(URING_PLAIN);
}

static void connect_async(void)
{
	connect_by_ring(URING_ASYNC);
}

static void connect_sqpoll(void)
{
	connect_by_ring(URING_SQPOLL);
}

/* To a port where nobody listens. */
static void refused(enum uring_way way)
{
	struct tracer *t = tracer_shared();
	struct peer *p = peer_start("sw-client");
	struct address to = address_of("127.0.0.1", 0);
	struct expect x = {
		.label = "client",
		.netns = p->netns,
		.calls = "connect",
		.states = "CLOSE>SYN_SENT>CLOSE",
		.reason = "refused",
		.autobind = PORT_AUTO,
	};
	struct call c = {.arg = {way}};
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0)), holder;
	long err;

	need_uring(p, way);
	/* Bound and not listening, so that nobody else takes it. */
	holder = (int)must("socket", remote_socket(p, AF_INET, 0));
	must("bind", remote_bind(p, holder, to));
	to = remote_local(p, holder);
	c.arg[ARG_FD] = fd;
	c.addr = to.ss;
	c.addr_len = to.len;
	err = through_ring(p, do_connect, c, &x.owner);
	if (err != -ECONNREFUSED)
		scenario_fail("connect gave %ld", err);
	x.cookie = remote_cookie(p, fd);
	x.peer = to;
	/* The kernel has forgotten the port it chose. */
	x.local = address_with_port(address_of("127.0.0.1", 0),
				    expect_line(t, x.cookie, LINE_CONNECT, NULL)->local.port);
	must("close", remote_close(p, fd));
	expect_life(t, &x);
}

static void refused_plain(void)
{
	refused(URING_PLAIN);
}

static void refused_async(void)
{
	refused(URING_ASYNC);
}

static void refused_sqpoll(void)
{
	refused(URING_SQPOLL);
}

static void bind_and_listen(enum uring_way way)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct call c = {.arg = {way}, .addr = p.listen_at.ss, .addr_len = p.listen_at.len};
	struct owner binder;

	need_uring(p.server, way);
	p.listener = (int)must("socket", remote_socket(p.server, AF_INET, 0));
	c.arg[ARG_FD] = p.listener;
	must("bind", through_ring(p.server, do_bind, c, &binder));
	must("listen", through_ring(p.server, do_listen, c, &p.of_listener.owner));
	/* Each ring is polled by a thread of its own. */
	p.of_listener.owner.or_tid = binder.tid;
	p.listen_at = remote_local(p.server, p.listener);
	p.connect_to = p.listen_at;
	pair_connect(&p);
	p.server->tid = p.server->pid;
	pair_accept(&p, ACCEPT_ADDRESS);
	finish(t, &p);
	if (binder.pid && expect_line(t, p.of_listener.cookie, LINE_BIND, NULL)->process.tid !=
				  (uint32_t)binder.tid)
		scenario_fail("another thread is said to have called bind");
}

static void bind_listen_plain(void)
{
	bind_and_listen(URING_PLAIN);
}

static void bind_listen_async(void)
{
	bind_and_listen(URING_ASYNC);
}

static void bind_listen_sqpoll(void)
{
	bind_and_listen(URING_SQPOLL);
}

/* Seen by trampolines; where not, features must say so. */
static void bind_in_use(void)
{
	struct tracer *t = tracer_shared();
	struct peer *p = peer_start("sw-late");
	struct address at = address_of("127.0.0.1", 0);
	int holder = (int)must("socket", remote_socket(p, AF_INET, 0));
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0));
	struct call c = {.arg = {URING_PLAIN, fd}};
	const struct line *l;
	uint64_t cookie;
	struct owner by;
	long err;

	need_uring(p, URING_PLAIN);
	must("bind", remote_bind(p, holder, at));
	at = remote_local(p, holder);
	c.addr = at.ss;
	c.addr_len = at.len;
	err = through_ring(p, do_bind, c, &by);
	if (err != -EADDRINUSE)
		scenario_fail("bind gave %ld", err);
	cookie = remote_cookie(p, fd);
	tracer_fence(t);
	if (expect_count(t, cookie) == 0 && features_miss("failed binds by io_uring"))
		scenario_skip("features says that failed binds by io_uring are not seen");
	l = expect_line(t, cookie, LINE_BIND, NULL);
	if (expect_count(t, cookie) != 1 || strcmp(l->error, "EADDRINUSE") != 0 ||
	    l->process.pid != (uint32_t)p->pid || strcmp(l->process.name, p->name) != 0 ||
	    l->local.port != address_port(&at)) {
		expect_show(t, cookie);
		scenario_fail("not one bind that failed with EADDRINUSE");
	}
	scenario_tell(l);
}

const struct scenario uring_scenarios[] = {
	{"uring-accept-queued", accept_queued_plain},
	{"uring-accept-queued-async", accept_queued_async},
	{"uring-accept-queued-sqpoll", accept_queued_sqpoll},
	{"uring-accept-queued-null", accept_queued_null},
	{"uring-accept-waiting", accept_waiting_plain},
	{"uring-accept-waiting-async", accept_waiting_async},
	{"uring-accept-waiting-sqpoll", accept_waiting_sqpoll},
	{"uring-connect", connect_plain},
	{"uring-connect-async", connect_async},
	{"uring-connect-sqpoll", connect_sqpoll},
	{"uring-refused", refused_plain},
	{"uring-refused-async", refused_async},
	{"uring-refused-sqpoll", refused_sqpoll},
	{"uring-bind-listen", bind_listen_plain},
	{"uring-bind-listen-async", bind_listen_async},
	{"uring-bind-listen-sqpoll", bind_listen_sqpoll},
	{"uring-bind-in-use", bind_in_use},
	{0},
};
