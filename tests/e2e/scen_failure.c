// SPDX-License-Identifier: GPL-2.0-only
/* Failures told apart: no address to send from, no port, and ports that bind() took first. */
#include <errno.h>
#include <poll.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"
#include "features.h"
#include "listed.h"
#include "scenario.h"

/* ---- no source address ---- */

/* A namespace whose loopback device has no IPv6 address: nothing to send from to ::1. */
static struct peer *without_ipv6(const char *name)
{
	struct peer *p = peer_start(name);

	remote_own_netns(p);
	if (remote_write_file(p, "/proc/sys/net/ipv6/conf/lo/disable_ipv6", "1") < 0)
		scenario_skip("no IPv6");
	return p;
}

/* The one line of a connect() that found no address to send from. */
static void check_no_source(struct peer *p, uint64_t cookie)
{
	struct tracer *t = tracer_shared();
	const struct line *l = expect_line(t, cookie, LINE_CONNECT, NULL);

	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		if (t->line[i]->cookie == cookie && t->line[i] != l &&
		    (t->line[i]->kind == LINE_CONNECT || t->line[i]->kind == LINE_STATE))
			scenario_fail("there must be one line of the call");
	}
	if (strcmp(l->error, "EADDRNOTAVAIL") == 0 && !l->has_range &&
	    strcmp(l->missing, "source-address") == 0 && l->process.pid == (uint32_t)p->pid &&
	    l->peer.port == 4711)
		return;
	expect_show(t, cookie);
	scenario_fail("connect must fail with EADDRNOTAVAIL for want of a source-address");
}

static void no_source(int type, bool bound)
{
	struct peer *p = without_ipv6("sw-nosource");
	int fd = (int)must("socket", remote_typed_socket(p, AF_INET6, type));
	int err;

	tracer_shared();
	if (bound)
		must("bind", remote_bind(p, fd, address_of("::", 0)));
	err = remote_connect(p, fd, address_of("::1", 4711));
	if (err != -EADDRNOTAVAIL)
		scenario_skip("connect gave %d", err);
	check_no_source(p, remote_cookie(p, fd));
}

static void no_source_tcp(void)
{
	no_source(SOCK_STREAM, false);
}

static void no_source_nonblocking(void)
{
	no_source(SOCK_STREAM | SOCK_NONBLOCK, false);
}

static void no_source_bound(void)
{
	no_source(SOCK_STREAM, true);
}

static void no_source_udp(void)
{
	no_source(SOCK_DGRAM, false);
}

/* ---- ports that bind() took ---- */

enum ports { BOUND_ONLY, BOUND_CONNECTED, BOUND_WAITING };

/* With `again` nothing where each is taken, by what has not come to TIME_WAIT yet. */
static void take_port(struct peer *p, enum ports how, int listener, const struct address *at,
		      bool again)
{
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0)), child;
	int err = remote_bind(p, fd, address_of("127.0.0.1", 0));

	if (again && err == -EADDRINUSE) {
		remote_close(p, fd);
		poll(NULL, 0, 50);
		return;
	}
	must("bind", err);
	if (how == BOUND_ONLY)
		return;
	must("connect", remote_connect(p, fd, *at));
	child = (int)must("accept", remote_accept(p, listener, ACCEPT_NULL));
	if (how != BOUND_WAITING)
		return;
	must("close", remote_close(p, fd));
	must("read", remote_receive(p, child, 1));
	must("close", remote_close(p, child));
}

/* How many are in TIME_WAIT; `show` tells what the kernel says of each port. */
static int count_waiting(const struct peer *p, bool show)
{
	static struct listed kernel;
	int count = 0;

	listed_take_proc(&kernel, p->pid);
	for (unsigned int i = 0; i < kernel.count; i++) {
		const struct row *r = &kernel.row[i];

		count += strcmp(r->state, "TIME_WAIT") == 0;
		if (show)
			scenario_note("port %u is in %s", r->local.port, r->state);
	}
	return count;
}

/*
 * Takes all ten ports of the range, so that no unbound connect to 127.0.0.1:5000 gets one.  On a slow machine a FIN is sent
 * again; the second answer meets the listener, whose reset ends a TIME_WAIT (RFC 1337), unless the kernel is told otherwise.
 */
static void take_ports(struct peer *p, enum ports how)
{
	struct address at = address_of("127.0.0.1", 5001);
	int listener = (int)must("socket", remote_socket(p, AF_INET, 0));

	must("bind", remote_bind(p, listener, at));
	must("listen", remote_listen(p, listener, 16));
	remote_write_file(p, "/proc/sys/net/ipv4/tcp_rfc1337", "1");
	for (int i = 0; i < 10; i++)
		take_port(p, how, listener, &at, false);
	/* Whatever else may end one: this is about those that last. */
	for (int i = 0; how == BOUND_WAITING && i < 30 && count_waiting(p, false) < 10; i++)
		take_port(p, how, listener, &at, true);
}

/* In a namespace of its own, which has no others. */
static struct peer *start_with_ports(enum ports how)
{
	struct peer *p = peer_start("sw-bound");

	remote_own_netns(p);
	if (remote_write_file(p, "/proc/sys/net/ipv4/ip_local_port_range", "40000 40009") < 0)
		scenario_skip("the port range cannot be set");
	take_ports(p, how);
	return p;
}

static void ports_taken(enum ports how, bool before)
{
	struct tracer *t = before ? NULL : tracer_shared();
	struct peer *p = start_with_ports(how);
	const struct line *l;
	int fd, err;

	for (int i = 0; before && !t; i++) {
		t = tracer_open(NULL);
		if (how != BOUND_WAITING || count_waiting(p, false) == 10)
			break;
		if (i == 4)
			scenario_skip("a tracer needs longer here to begin than TIME_WAIT lasts");
		tracer_close(t);
		t = NULL;
		p = start_with_ports(how);
	}
	fd = (int)must("socket", remote_socket(p, AF_INET, 0));
	err = remote_connect(p, fd, address_of("127.0.0.1", 5000));
	if (err != -EADDRNOTAVAIL) {
		count_waiting(p, true);
		scenario_fail("connect gave %d", err);
	}
	l = expect_line(t, remote_cookie(p, fd), LINE_CONNECT, NULL);
	if (l->has_range && l->used == 10 && !l->missing[0])
		return;
	scenario_show(l);
	scenario_fail("10 ports of 40000 to 40009 must be used");
}

static void ports_bound(void)
{
	ports_taken(BOUND_ONLY, false);
}

static void ports_bound_before(void)
{
	ports_taken(BOUND_ONLY, true);
}

static void ports_connected(void)
{
	ports_taken(BOUND_CONNECTED, false);
}

static void ports_connected_before(void)
{
	ports_taken(BOUND_CONNECTED, true);
}

static void ports_waiting(void)
{
	ports_taken(BOUND_WAITING, false);
}

static void ports_waiting_before(void)
{
	ports_taken(BOUND_WAITING, true);
}

/* ---- accept() ---- */

static void do_limit_files(struct call *c)
{
	const struct rlimit limit = {(rlim_t)c->arg[0], (rlim_t)c->arg[0]};

	c->result = setrlimit(RLIMIT_NOFILE, &limit);
}

static int listen_on(struct peer *p, const char *address, struct address *ret_at)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	int fd = (int)must("socket", remote_socket(p, family, 0));
	int err = remote_bind(p, fd, address_of(address, 0));

	if (err < 0)
		scenario_skip("%s cannot be bound", address);
	must("listen", remote_listen(p, fd, 4));
	*ret_at = remote_local(p, fd);
	return fd;
}

/* One accept line of the listener, by `p`, with `error`; those that are no failure would be a second one. */
static const struct line *check_accept(const struct peer *p, uint64_t cookie,
				       const struct address *at, const char *error)
{
	struct tracer *t = tracer_shared();
	const struct line *l = expect_line(t, cookie, LINE_ACCEPT, NULL);
	struct end end = address_end(at);

	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		if (t->line[i]->kind == LINE_ACCEPT && t->line[i]->cookie == cookie &&
		    t->line[i] != l)
			scenario_fail("there must be one line of the call");
	}
	if (strcmp(l->error, error) == 0 && l->process.pid == (uint32_t)p->pid &&
	    strcmp(l->process.name, p->name) == 0 && l->local.port == end.port &&
	    strcmp(l->local.addr, end.addr) == 0 && !l->peer.present)
		return l;
	expect_show(t, cookie);
	scenario_fail("accept must fail with %s in %d at %s port %u", error, p->pid, end.addr,
		      end.port);
}

static void no_descriptor(const char *address, enum accept_how how)
{
	struct peer *p = peer_start("sw-server"), *client = peer_start("sw-client");
	struct call limit = {.arg = {0}};
	struct address at;
	int fd, conn, err;

	tracer_shared();
	fd = listen_on(p, address, &at);
	conn = (int)must("socket", remote_socket(client, at.ss.ss_family, 0));
	must("connect", remote_connect(client, conn, at));
	limit.arg[0] = fd + 1;
	peer_call(p, do_limit_files, &limit);
	must("setrlimit", limit.result);
	err = remote_accept(p, fd, how);
	if (err != -EMFILE)
		scenario_fail("accept gave %d", err);
	check_accept(p, remote_cookie(p, fd), &at, "EMFILE");
}

static void accept_emfile(void)
{
	no_descriptor("127.0.0.1", ACCEPT_NULL);
}

static void accept4_emfile(void)
{
	no_descriptor("::1", ACCEPT4);
}

/* In another process than the one that listens, which is named beside it. */
static void accept_emfile_worker(void)
{
	struct peer *p = peer_start("sw-master"), *worker;
	struct call limit = {.arg = {0}};
	const struct line *l;
	struct address at;
	int fd;

	tracer_shared();
	fd = listen_on(p, "127.0.0.1", &at);
	worker = peer_fork(p, "sw-worker");
	limit.arg[0] = fd + 1;
	peer_call(worker, do_limit_files, &limit);
	must("setrlimit", limit.result);
	if (remote_accept(worker, fd, ACCEPT_NULL) != -EMFILE)
		scenario_fail("accept must give EMFILE");
	l = check_accept(worker, remote_cookie(p, fd), &at, "EMFILE");
	if (l->listener.known && l->listener.pid == (uint32_t)p->pid)
		return;
	scenario_show(l);
	scenario_fail("the listener must be %d", p->pid);
}

#define FILE_MAX "/proc/sys/fs/file-max"

static void do_give_up_root(struct call *c)
{
	c->result = setresuid(65534, 65534, 65534);
	c->error = errno;
}

static void do_read_limit(struct call *c)
{
	FILE *file = fopen(FILE_MAX, "re");

	c->result = file && fscanf(file, "%ld", &c->arg[0]) == 1 ? 0 : -1;
	if (file)
		fclose(file);
}

/* The whole machine has no room for another file, but for who may administrate it. */
static void accept_enfile(void)
{
	struct peer *p, *client, *root;
	struct call before = {0}, user = {0};
	struct address at;
	char limit[24];
	int fd, conn, err;

	if (!getenv("WHOLE_MACHINE"))
		scenario_skip("the limit is the whole machine's");
	p = peer_start("sw-server");
	client = peer_start("sw-client");
	root = peer_start("sw-root");
	tracer_shared();
	fd = listen_on(p, "127.0.0.1", &at);
	conn = (int)must("socket", remote_socket(client, AF_INET, 0));
	must("connect", remote_connect(client, conn, at));
	peer_call(p, do_give_up_root, &user);
	must("setresuid", user.result < 0 ? -user.error : 0);
	peer_call(root, do_read_limit, &before);
	must("file-max", before.result);
	snprintf(limit, sizeof(limit), "%ld", before.arg[0]);
	must("file-max", remote_write_file(root, FILE_MAX, "0"));
	err = remote_accept(p, fd, ACCEPT_NULL);
	must("file-max", remote_write_file(root, FILE_MAX, limit));
	if (err != -ENFILE)
		scenario_fail("accept gave %d", err);
	check_accept(p, remote_cookie(p, fd), &at, "ENFILE");
}

/* A program that does not wait makes this mistake as often as it can. */
static void accept_again_and_again(void)
{
	struct tracer *t = tracer_shared();
	struct peer *p = peer_start("sw-server");
	struct call limit = {.arg = {0}};
	struct address at;
	uint64_t cookie, sum = 0;
	size_t lines = 0;
	int fd = listen_on(p, "127.0.0.1", &at);

	cookie = remote_cookie(p, fd);
	limit.arg[0] = fd + 1;
	peer_call(p, do_limit_files, &limit);
	must("setrlimit", limit.result);
	for (int i = 0; i < 50; i++) {
		if (remote_accept(p, fd, ACCEPT_NULL) != -EMFILE)
			scenario_fail("accept must give EMFILE");
	}
	must("close", remote_close(p, fd));
	expect_line(t, cookie, LINE_CLOSE, NULL);
	for (uint64_t until = deadline_in(5000); sum < 50 && deadline_left(until);) {
		tracer_pump(-1, deadline_in(100));
		sum = lines = 0;
		for (size_t i = 0; i < t->count; i++) {
			const struct line *l = t->line[i];

			if (l->kind != LINE_ACCEPT || l->cookie != cookie)
				continue;
			lines++;
			sum += l->repeated ? l->repeated : 1;
		}
	}
	if (sum != 50 || lines > 20)
		scenario_fail("%zu lines tell of %llu calls, not 50", lines,
			      (unsigned long long)sum);
}

static void accept_not_listening(void)
{
	struct peer *p = peer_start("sw-server");
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0)), err;
	struct address at;

	tracer_shared();
	must("bind", remote_bind(p, fd, address_of("127.0.0.1", 0)));
	at = remote_local(p, fd);
	err = remote_accept(p, fd, ACCEPT_NULL);
	if (err != -EINVAL)
		scenario_fail("accept gave %d", err);
	check_accept(p, remote_cookie(p, fd), &at, "EINVAL");
}

/* Nothing waits: no failure. */
static void accept_nothing_there(void)
{
	struct tracer *t = tracer_shared();
	struct peer *p = peer_start("sw-server");
	struct address at;
	int fd = listen_on(p, "127.0.0.1", &at);
	uint64_t cookie = remote_cookie(p, fd);

	must("O_NONBLOCK", remote_nonblock(p, fd));
	if (remote_accept(p, fd, ACCEPT_NULL) != -EAGAIN)
		scenario_fail("accept must give EAGAIN");
	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		if (t->line[i]->kind == LINE_ACCEPT && t->line[i]->cookie == cookie)
			scenario_fail("EAGAIN is no failure");
	}
}

/* ---- seccomp ---- */

/* From now on the system call arg[0] gives arg[1]. */
static void do_filter(struct call *c)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)c->arg[0], 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)c->arg[1]),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	c->result = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static struct peer *filtered(long call, int error)
{
	struct peer *p = peer_start("sw-filtered");
	struct call c = {.arg = {call, error}};

	if (!features_attached("syscalls/sys_exit_bind"))
		scenario_skip("features says that system calls are not watched");
	peer_call(p, do_filter, &c);
	if (c.result < 0)
		scenario_skip("no seccomp: %s", strerror(c.error));
	return p;
}

/* Somebody else listens there, who has nothing to do with it. */
static void filtered_bind(void)
{
	struct tracer *t = tracer_shared();
	struct peer *p = filtered(SYS_bind, EADDRINUSE), *other = peer_start("sw-other");
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0));
	const struct line *l;
	struct address at;

	listen_on(other, "127.0.0.1", &at);
	if (remote_bind(p, fd, at) != -EADDRINUSE)
		scenario_fail("bind must give EADDRINUSE");
	l = expect_line(t, remote_cookie(p, fd), LINE_BIND, NULL);
	if (strcmp(l->error, "EADDRINUSE") == 0 && l->process.pid == (uint32_t)p->pid &&
	    l->local.port == address_port(&at) && l->holder_count == 0)
		return;
	scenario_show(l);
	scenario_fail("bind must fail without a holder");
}

static void filtered_connect(void)
{
	struct tracer *t = tracer_shared();
	struct peer *p = filtered(SYS_connect, EPERM);
	int fd = (int)must("socket", remote_socket(p, AF_INET6, 0));
	const struct line *l;
	uint64_t cookie;

	if (remote_connect(p, fd, address_of("::1", 4711)) != -EPERM)
		scenario_fail("connect must give EPERM");
	cookie = remote_cookie(p, fd);
	l = expect_line(t, cookie, LINE_CONNECT, NULL);
	tracer_fence(t);
	if (strcmp(l->error, "EPERM") == 0 && l->peer.port == 4711 &&
	    l->process.pid == (uint32_t)p->pid && expect_count(t, cookie) == 1)
		return;
	expect_show(t, cookie);
	scenario_fail("there must be one connect with EPERM");
}

static void filtered_listen(void)
{
	struct tracer *t = tracer_shared();
	struct peer *p = filtered(SYS_listen, EACCES);
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0));
	const struct line *l;

	must("bind", remote_bind(p, fd, address_of("127.0.0.1", 0)));
	if (remote_listen(p, fd, 77) != -EACCES)
		scenario_fail("listen must give EACCES");
	l = expect_line(t, remote_cookie(p, fd), LINE_LISTEN, NULL);
	if (strcmp(l->error, "EACCES") == 0 && l->backlog == 77)
		return;
	scenario_show(l);
	scenario_fail("listen must fail with EACCES");
}

const struct scenario failure_scenarios[] = {
	{"failure-no-source", no_source_tcp},
	{"failure-no-source-nonblocking", no_source_nonblocking},
	{"failure-no-source-bound", no_source_bound},
	{"failure-no-source-udp", no_source_udp},
	{"failure-ports-bound", ports_bound},
	{"failure-ports-bound-before", ports_bound_before},
	{"failure-ports-connected", ports_connected},
	{"failure-ports-connected-before", ports_connected_before},
	{"failure-ports-waiting", ports_waiting},
	{"failure-ports-waiting-before", ports_waiting_before},
	{"failure-accept-emfile", accept_emfile},
	{"failure-accept-enfile", accept_enfile},
	{"failure-accept4-emfile", accept4_emfile},
	{"failure-accept-emfile-worker", accept_emfile_worker},
	{"failure-accept-again", accept_again_and_again},
	{"failure-accept-not-listening", accept_not_listening},
	{"failure-accept-nothing-there", accept_nothing_there},
	{"failure-filtered-bind", filtered_bind},
	{"failure-filtered-connect", filtered_connect},
	{"failure-filtered-listen", filtered_listen},
	{0},
};
