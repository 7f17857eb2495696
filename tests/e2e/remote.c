// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netlink.h"
#include "remote.h"
#include "scenario.h"
#include "tracer.h"

struct address address_of(const char *text, unsigned int port)
{
	struct address a = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in4 = (struct sockaddr_in *)&a.ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.ss;

	if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		a.len = sizeof(*in6);
	} else {
		scenario_fail("%s is no address", text);
	}
	return address_with_port(a, port);
}

/* Both families keep the port at the same place. */
struct address address_with_port(struct address a, unsigned int port)
{
	((struct sockaddr_in *)&a.ss)->sin_port = htons((uint16_t)port);
	return a;
}

struct address address_nowhere(void)
{
	struct address a = {.len = sizeof(struct sockaddr_in)};

	a.ss.ss_family = AF_UNSPEC;
	return a;
}

unsigned int address_port(const struct address *a)
{
	return ntohs(((const struct sockaddr_in *)&a->ss)->sin_port);
}

struct end address_end(const struct address *a)
{
	struct end e = {.present = true, .port = address_port(a)};
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->ss;
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)&a->ss;

	if (a->ss.ss_family == AF_INET)
		inet_ntop(AF_INET, &in4->sin_addr, e.addr, sizeof(e.addr));
	else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], e.addr, sizeof(e.addr));
	else
		inet_ntop(AF_INET6, &in6->sin6_addr, e.addr, sizeof(e.addr));
	return e;
}

static struct call call_with(struct address a, long fd)
{
	return (struct call){.arg = {fd}, .addr = a.ss, .addr_len = a.len};
}

static long finish(struct peer *p, struct call *c)
{
	return c->result < 0 ? -c->error : (p->tid = c->tid, c->result);
}

static long call(struct peer *p, call_fn fn, struct call c)
{
	peer_call(p, fn, &c);
	return finish(p, &c);
}

static void do_socket(struct call *c)
{
	c->result = socket((int)c->arg[0], (int)c->arg[1], (int)c->arg[2]);
}

int remote_socket(struct peer *p, int family, int flags)
{
	return (int)call(p, do_socket, (struct call){.arg = {family, SOCK_STREAM | flags, 0}});
}

int remote_typed_socket(struct peer *p, int family, int type)
{
	return (int)call(p, do_socket, (struct call){.arg = {family, type, 0}});
}

int remote_protocol_socket(struct peer *p, int family, int protocol)
{
	int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;

	return (int)call(p, do_socket, (struct call){.arg = {family, type, protocol}});
}

static void do_bind(struct call *c)
{
	c->result = bind((int)c->arg[0], (struct sockaddr *)&c->addr, c->addr_len);
}

int remote_bind(struct peer *p, int fd, struct address a)
{
	return (int)call(p, do_bind, call_with(a, fd));
}

static void do_listen(struct call *c)
{
	c->result = listen((int)c->arg[0], (int)c->arg[1]);
}

int remote_listen(struct peer *p, int fd, int backlog)
{
	return (int)call(p, do_listen, (struct call){.arg = {fd, backlog}});
}

static void do_connect(struct call *c)
{
	c->result = connect((int)c->arg[0], (struct sockaddr *)&c->addr, c->addr_len);
}

int remote_connect(struct peer *p, int fd, struct address a)
{
	return (int)call(p, do_connect, call_with(a, fd));
}

void remote_connect_begin(struct peer *p, int fd, struct address a)
{
	struct call c = call_with(a, fd);

	peer_begin(p, do_connect, &c);
}

static void do_accept(struct call *c)
{
	struct sockaddr *addr = (struct sockaddr *)&c->addr;
	int fd = (int)c->arg[0];

	c->addr_len = sizeof(c->addr);
	switch ((enum accept_how)c->arg[1]) {
	case ACCEPT_ADDRESS: c->result = accept(fd, addr, &c->addr_len); break;
	case ACCEPT_NULL: c->result = accept(fd, NULL, NULL); break;
	case ACCEPT4: c->result = accept4(fd, addr, &c->addr_len, SOCK_NONBLOCK); break;
	case ACCEPT4_NULL: c->result = accept4(fd, NULL, NULL, SOCK_NONBLOCK); break;
	}
}

int remote_accept(struct peer *p, int fd, enum accept_how how)
{
	return (int)call(p, do_accept, (struct call){.arg = {fd, how}});
}

void remote_accept_begin(struct peer *p, int fd, enum accept_how how)
{
	struct call c = {.arg = {fd, how}};

	peer_begin(p, do_accept, &c);
}

/* /proc/PID/syscall begins with the number of the call a sleeping task is in. */
static bool is_accepting(pid_t pid)
{
	char path[32], text[64] = "";
	long number;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		scenario_skip("%s tells nothing", path);
	close(fd);
	number = text[0] >= '0' && text[0] <= '9' ? strtol(text, NULL, 10) : -1;
	return number == SYS_accept || number == SYS_accept4;
}

void remote_wait_accepting(struct peer *p)
{
	uint64_t deadline = deadline_in(5000);

	while (!is_accepting(p->pid)) {
		if (deadline_left(deadline) == 0)
			scenario_fail("%s does not block in accept", p->name);
		tracer_pump(-1, deadline_in(1));
	}
}

int remote_finish(struct peer *p)
{
	struct call c;

	peer_finish(p, &c);
	return (int)finish(p, &c);
}

/* The payload's bytes do not matter, their number does. */
static char payload[65536];

static void do_send(struct call *c)
{
	long left = c->arg[1];

	while (left > 0) {
		size_t chunk = left < (long)sizeof(payload) ? (size_t)left : sizeof(payload);
		ssize_t n = send((int)c->arg[0], payload, chunk, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN) {
			c->result = -1;
			return;
		}
		left -= n > 0 ? n : 0;
	}
	c->result = c->arg[1];
}

long remote_send(struct peer *p, int fd, long count)
{
	return call(p, do_send, (struct call){.arg = {fd, count}});
}

static void do_receive(struct call *c)
{
	struct pollfd ready = {.fd = (int)c->arg[0], .events = POLLIN};
	long got = 0;

	while (got < c->arg[1]) {
		size_t left = (size_t)(c->arg[1] - got);
		ssize_t n;

		/* Accepted with SOCK_NONBLOCK or not: both end here. */
		poll(&ready, 1, -1);
		n = recv(ready.fd, payload, left < sizeof(payload) ? left : sizeof(payload), 0);
		if (n == 0)
			break;
		if (n < 0 && errno != EAGAIN) {
			c->result = -1;
			return;
		}
		got += n > 0 ? n : 0;
	}
	c->result = got;
}

long remote_receive(struct peer *p, int fd, long count)
{
	return call(p, do_receive, (struct call){.arg = {fd, count}});
}

static void do_shutdown(struct call *c)
{
	c->result = shutdown((int)c->arg[0], (int)c->arg[1]);
}

int remote_shutdown(struct peer *p, int fd, int how)
{
	return (int)call(p, do_shutdown, (struct call){.arg = {fd, how}});
}

static void do_close(struct call *c)
{
	c->result = close((int)c->arg[0]);
}

int remote_close(struct peer *p, int fd)
{
	return (int)call(p, do_close, (struct call){.arg = {fd}});
}

static void do_dup2(struct call *c)
{
	c->result = dup2((int)c->arg[0], (int)c->arg[1]);
}

int remote_dup2(struct peer *p, int from, int to)
{
	return (int)call(p, do_dup2, (struct call){.arg = {from, to}});
}

static void do_option(struct call *c)
{
	int value = (int)c->arg[3];

	c->result =
		setsockopt((int)c->arg[0], (int)c->arg[1], (int)c->arg[2], &value, sizeof(value));
}

int remote_option(struct peer *p, int fd, int level, int name, int value)
{
	return (int)call(p, do_option, (struct call){.arg = {fd, level, name, value}});
}

static void do_deafen(struct call *c)
{
	struct sock_filter drop = {.code = BPF_RET | BPF_K};
	struct sock_fprog program = {.len = 1, .filter = &drop};

	c->result =
		setsockopt((int)c->arg[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void remote_deafen(struct peer *p, int fd)
{
	must("SO_ATTACH_FILTER", call(p, do_deafen, (struct call){.arg = {fd}}));
}

static void do_get_option(struct call *c)
{
	int value = 0;
	socklen_t len = sizeof(value);

	c->result = getsockopt((int)c->arg[0], (int)c->arg[1], (int)c->arg[2], &value, &len);
	c->arg[3] = value;
}

int remote_get_option(struct peer *p, int fd, int level, int name, int *ret)
{
	struct call c = {.arg = {fd, level, name}};

	peer_call(p, do_get_option, &c);
	*ret = (int)c.arg[3];
	return (int)finish(p, &c);
}

static void do_nonblock(struct call *c)
{
	c->result = fcntl((int)c->arg[0], F_SETFL, O_NONBLOCK);
}

int remote_nonblock(struct peer *p, int fd)
{
	return (int)call(p, do_nonblock, (struct call){.arg = {fd}});
}

static void do_linger_reset(struct call *c)
{
	struct linger off = {.l_onoff = 1};

	c->result = setsockopt((int)c->arg[0], SOL_SOCKET, SO_LINGER, &off, sizeof(off));
}

int remote_linger_reset(struct peer *p, int fd)
{
	return (int)call(p, do_linger_reset, (struct call){.arg = {fd}});
}

static void do_local(struct call *c)
{
	c->addr_len = sizeof(c->addr);
	c->result = getsockname((int)c->arg[0], (struct sockaddr *)&c->addr, &c->addr_len);
}

static void do_peer(struct call *c)
{
	c->addr_len = sizeof(c->addr);
	c->result = getpeername((int)c->arg[0], (struct sockaddr *)&c->addr, &c->addr_len);
}

/* Questions are asked by the leader whatever made the last call, and leave no trace in p->tid. */
static struct call ask(struct peer *p, call_fn fn, int fd, const char *what)
{
	struct call c = {.arg = {fd}};
	bool in_thread = p->in_thread;
	pid_t tid = p->tid;

	p->in_thread = false;
	peer_call(p, fn, &c);
	p->in_thread = in_thread;
	must(what, finish(p, &c));
	p->tid = tid;
	return c;
}

struct address remote_local(struct peer *p, int fd)
{
	struct call c = ask(p, do_local, fd, "getsockname");

	return (struct address){c.addr, c.addr_len};
}

struct address remote_peer(struct peer *p, int fd)
{
	struct call c = ask(p, do_peer, fd, "getpeername");

	return (struct address){c.addr, c.addr_len};
}

static void do_cookie(struct call *c)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	c->result = getsockopt((int)c->arg[0], SOL_SOCKET, SO_COOKIE, &cookie, &len);
	memcpy(c->text, &cookie, sizeof(cookie));
}

uint64_t remote_cookie(struct peer *p, int fd)
{
	struct call c = ask(p, do_cookie, fd, "SO_COOKIE");
	uint64_t cookie;

	memcpy(&cookie, c.text, sizeof(cookie));
	return cookie;
}

static void do_wait(struct call *c)
{
	struct pollfd p = {.fd = (int)c->arg[0], .events = (short)c->arg[1]};
	int n = poll(&p, 1, (int)c->arg[2]);

	c->result = n > 0 ? p.revents : n;
}

int remote_wait(struct peer *p, int fd, int events, int ms)
{
	return (int)call(
		p, do_wait,
		(struct call){.arg = {fd, events, deadline_left(deadline_in((unsigned int)ms))}});
}

static void do_write_file(struct call *c)
{
	const char *text = c->text;
	const char *path = (const char *)&c->addr;
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	c->result = fd < 0 ? -1 : write(fd, text, strlen(text));
	if (fd >= 0)
		close(fd);
}

int remote_write_file(struct peer *p, const char *path, const char *text)
{
	struct call c = {.arg = {0}};

	snprintf((char *)&c.addr, sizeof(c.addr), "%s", path);
	snprintf(c.text, sizeof(c.text), "%s", text);
	return (int)call(p, do_write_file, c);
}

static void do_own_netns(struct call *c)
{
	c->result = unshare(CLONE_NEWNET);
	if (c->result == 0)
		c->result = netlink_link_up("lo");
	c->arg[0] = (long)netns_inode();
}

void remote_own_netns(struct peer *p)
{
	struct call c = {.arg = {0}};

	peer_call(p, do_own_netns, &c);
	if (c.result < 0 && (c.error == EPERM || c.error == EINVAL || c.error == ENOSYS))
		scenario_skip("no new network namespace: %s", strerror(c.error));
	must("unshare(CLONE_NEWNET)", finish(p, &c));
	p->netns = (uint64_t)c.arg[0];
}

/* ---- processes and what they share ---- */

static void do_survive(struct call *c)
{
	c->result = prctl(PR_SET_PDEATHSIG, 0);
}

void remote_survive(struct peer *p)
{
	must("PR_SET_PDEATHSIG", call(p, do_survive, (struct call){.arg = {0}}));
}

static void do_socketpair(struct call *c)
{
	int fds[2];

	c->result = socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	c->arg[0] = fds[0];
	c->arg[1] = fds[1];
}

union passed {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void do_pass(struct call *c)
{
	union passed u = {0};
	struct iovec iov = {.iov_base = (char[]){"x"}, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = u.bytes,
			   .msg_controllen = sizeof(u.bytes)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int fd = (int)c->arg[1];

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	c->result = sendmsg((int)c->arg[0], &m, 0);
}

static void do_take(struct call *c)
{
	union passed u = {0};
	int fd = -1;
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = u.bytes,
			   .msg_controllen = sizeof(u.bytes)};

	c->result = recvmsg((int)c->arg[0], &m, 0);
	if (c->result > 0 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	if (c->result > 0)
		c->result = fd;
}

void remote_socketpair(struct peer *p, int ret[2])
{
	struct call c = {.arg = {0}};

	peer_call(p, do_socketpair, &c);
	must("socketpair", finish(p, &c));
	ret[0] = (int)c.arg[0];
	ret[1] = (int)c.arg[1];
}

int remote_pass(struct peer *p, int over, int fd)
{
	return (int)call(p, do_pass, (struct call){.arg = {over, fd}});
}

int remote_take(struct peer *p, int over)
{
	return (int)call(p, do_take, (struct call){.arg = {over}});
}

/* `hold` closes with the peer, and the child reads the end of its input; `done` closes with the exec. */
static void do_exec_child(struct call *c)
{
	int hold[2], done[2];
	char byte;

	c->result = pipe2(hold, O_CLOEXEC) || pipe2(done, O_CLOEXEC) ? -1 : fork();
	if (c->result == 0) {
		dup2(hold[0], STDIN_FILENO);
		execl("/proc/self/exe", "lingering", "--linger", NULL);
		_exit(127);
	}
	if (c->result < 0)
		return;
	close(hold[0]);
	close(done[1]);
	while (read(done[0], &byte, 1) < 0 && errno == EINTR)
		;
	close(done[0]);
}

int remote_exec_child(struct peer *p)
{
	return (int)call(p, do_exec_child, (struct call){.arg = {0}});
}
