// SPDX-License-Identifier: GPL-2.0-only
/*
 * `sockwatch ephemeral` says how many connects will still succeed; each scenario then connects until the kernel says no.
 * In a child with a network namespace of its own and a range of ten ports.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netlink.h"
#include "scenario.h"
#include "tracer.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#define SERVER_PORT 80
#define MAX_PORTS   100

/* Where the child tells what went wrong. */
static int say_fd;

__attribute__((noreturn, format(printf, 1, 2))) static void child_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vdprintf(say_fd, format, args);
	va_end(args);
	_exit(1);
}

static long need(const char *what, long value)
{
	if (value < 0)
		child_fail("%s: %s", what, strerror(errno));
	return value;
}

static void write_sysctl(const char *path, const char *text)
{
	int fd = (int)need(path, open(path, O_WRONLY));

	need(path, write(fd, text, strlen(text)));
	close(fd);
}

static socklen_t fill(struct sockaddr_storage *ss, const char *addr, unsigned int port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, addr, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		return sizeof(*in);
	}
	inet_pton(AF_INET6, addr, &in6->sin6_addr);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	return sizeof(*in6);
}

static int new_socket(const char *addr)
{
	return (int)need("socket", socket(strchr(addr, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
}

static void do_bind(int fd, const char *addr, unsigned int port)
{
	struct sockaddr_storage ss;
	socklen_t len = fill(&ss, addr, port);

	need("bind", bind(fd, (struct sockaddr *)&ss, len));
}

/* 0 or a negative errno. */
static int do_connect(int fd, const char *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = fill(&ss, addr, SERVER_PORT);

	return connect(fd, (struct sockaddr *)&ss, len) ? -errno : 0;
}

static int serve(const char *addr, unsigned int port)
{
	int fd = new_socket(addr);

	do_bind(fd, addr, port);
	need("listen", listen(fd, 1000));
	return fd;
}

static long number_after(const char *text, const char *key)
{
	const char *at = text ? strstr(text, key) : NULL;

	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* What the program says is left towards addr:80. */
static long available(const char *addr)
{
	const char *argv[11] = {tracer_program, "ephemeral", "--netns", "self", "-o", "json"};
	static char out[65536];
	char peer[128];
	size_t len = 0;
	int pipes[2], status;
	const char *row;
	ssize_t n;
	pid_t pid;

	need("pipe", pipe(pipes));
	pid = (pid_t)need("fork", fork());
	if (!pid) {
		dup2(pipes[1], STDOUT_FILENO);
		dup2(say_fd, STDERR_FILENO);
		tracer_add_kernel(argv, 6);
		execv(tracer_program, (char *const *)(uintptr_t)argv);
		child_fail("%s: %s", tracer_program, strerror(errno));
	}
	close(pipes[1]);
	while (len < sizeof(out) - 1 && (n = read(pipes[0], out + len, sizeof(out) - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(pipes[0]);
	if (waitpid(pid, &status, 0) != pid || status)
		child_fail("; ephemeral ended with %#x", (unsigned int)status);
	snprintf(peer, sizeof(peer), "\"peer\":{\"addr\":\"%s\",\"port\":%d}", addr, SERVER_PORT);
	row = strstr(out, peer);
	if (row)
		return number_after(row, "\"available\":");
	return number_after(out, "\"usable\":") - number_after(out, "\"bound\":");
}

static long connect_all(const char *addr)
{
	for (long count = 0; count < MAX_PORTS; count++) {
		int err = do_connect(new_socket(addr), addr);

		if (err == -EADDRNOTAVAIL)
			return count;
		if (err)
			child_fail("connect to %s: %s", addr, strerror(-err));
	}
	child_fail("connects to %s have no end", addr);
}

static void prove(const char *addr, long expected)
{
	long said = available(addr), done = connect_all(addr);

	if (said != done || done != expected)
		child_fail("to %s: said %ld, %ld connects succeeded, the case expects %ld", addr,
			   said, done, expected);
	said = available(addr);
	if (said)
		child_fail("to %s: said %ld are left after the last", addr, said);
}

static void plain(void)
{
	serve("0.0.0.0", SERVER_PORT);
	prove("127.0.0.1", 10);
	prove("127.0.0.2", 10);
	prove("127.0.0.3", 10);
}

static void bound_elsewhere(void)
{
	serve("0.0.0.0", SERVER_PORT);
	do_bind(new_socket("127.0.0.9"), "127.0.0.9", 40001);
	do_bind(new_socket("127.0.0.9"), "127.0.0.9", 40004);
	serve("127.0.0.9", 40009);
	prove("127.0.0.1", 7);
}

/* bind() first: with IP_BIND_ADDRESS_NO_PORT the port stays free for other destinations. */
static void bind_connect(bool no_port)
{
	int one = 1;

	serve("0.0.0.0", SERVER_PORT);
	for (int i = 0; i < 3; i++) {
		int fd = new_socket("127.0.0.1"), err;

		if (no_port)
			need("IP_BIND_ADDRESS_NO_PORT",
			     setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
					sizeof(one)));
		do_bind(fd, "127.0.0.1", 0);
		err = do_connect(fd, "127.0.0.1");
		if (err)
			child_fail("connect: %s", strerror(-err));
	}
	prove("127.0.0.2", no_port ? 10 : 7);
	prove("127.0.0.1", 7);
}

static void bind_then_connect(void)
{
	bind_connect(false);
}

static void bind_no_port(void)
{
	bind_connect(true);
}

static void reserved(void)
{
	serve("0.0.0.0", SERVER_PORT);
	write_sysctl("/proc/sys/net/ipv4/ip_local_reserved_ports", "40000,40005-40006,50000");
	prove("127.0.0.1", 7);
}

static void time_wait(const char *reuse)
{
	int server = serve("0.0.0.0", SERVER_PORT);
	uint64_t deadline = deadline_in(20000);
	char byte;

	write_sysctl("/proc/sys/net/ipv4/tcp_tw_reuse", reuse);
	for (int i = 0; i < 10; i++) {
		int fd = new_socket("127.0.0.1"), err = do_connect(fd, "127.0.0.1"), child;

		if (err)
			child_fail("connect: %s", strerror(-err));
		child = (int)need("accept", accept(server, NULL, NULL));
		close(fd);
		need("read", read(child, &byte, 1));
		close(child);
	}
	if (reuse[0] == '0') {
		prove("127.0.0.1", 0);
		return;
	}
	while (available("127.0.0.1") != 10) {
		if (!deadline_left(deadline))
			child_fail("no TIME_WAIT ever became reusable");
	}
	if (connect_all("127.0.0.1") != 10)
		child_fail("said 10, fewer connects succeeded");
}

static void time_wait_kept(void)
{
	time_wait("0");
}

static void time_wait_reused(void)
{
	time_wait("1");
}

static void time_wait_loopback(void)
{
	time_wait("2");
}

static void ipv6(void)
{
	serve("::", SERVER_PORT);
	do_bind(new_socket("::1"), "::1", 40002);
	do_bind(new_socket("127.0.0.1"), "127.0.0.1", 40003);
	prove("::1", 8);
}

static void in_child(void (*body)(void))
{
	char why[2048];
	int pipes[2], status;
	ssize_t n, len = 0;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		scenario_fail("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		say_fd = pipes[1];
		if (unshare(CLONE_NEWNET))
			_exit(77);
		need("lo", netlink_link_up("lo"));
		write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "40000 40009");
		body();
		_exit(0);
	}
	close(pipes[1]);
	while (len < (ssize_t)sizeof(why) - 1 &&
	       (n = read(pipes[0], why + len, sizeof(why) - 1 - (size_t)len)) > 0)
		len += n;
	why[len] = '\0';
	close(pipes[0]);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		scenario_skip("no network namespaces here");
	if (status)
		scenario_fail("%s", len ? why : "the child broke off");
}

#define IN_CHILD(name)                                                                             \
	static void run_##name(void)                                                               \
	{                                                                                          \
		in_child(name);                                                                    \
	}

IN_CHILD(plain)
IN_CHILD(bound_elsewhere)
IN_CHILD(bind_then_connect)
IN_CHILD(bind_no_port)
IN_CHILD(reserved)
IN_CHILD(time_wait_kept)
IN_CHILD(time_wait_reused)
IN_CHILD(time_wait_loopback)
IN_CHILD(ipv6)

const struct scenario budget_scenarios[] = {
	{"budget-plain", run_plain},
	{"budget-bound-elsewhere", run_bound_elsewhere},
	{"budget-bind-then-connect", run_bind_then_connect},
	{"budget-bind-no-port", run_bind_no_port},
	{"budget-reserved", run_reserved},
	{"budget-time-wait-kept", run_time_wait_kept},
	{"budget-time-wait-reused", run_time_wait_reused},
	{"budget-time-wait-loopback", run_time_wait_loopback},
	{"budget-ipv6", run_ipv6},
	{0},
};
