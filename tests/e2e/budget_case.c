// SPDX-License-Identifier: GPL-2.0-only
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

#include "budget_case.h"
#include "netlink.h"
#include "scenario.h"
#include "tracer.h"

#define IPV4_SYSCTL "/proc/sys/net/ipv4/"
#define CHILD_SKIP  77

/* Where the child tells what went wrong. */
static int say_fd;

void child_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vdprintf(say_fd, format, args);
	va_end(args);
	_exit(1);
}

long child_need(const char *what, long value)
{
	if (value < 0)
		child_fail("%s: %s", what, strerror(errno));
	return value;
}

void child_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vdprintf(say_fd, format, args);
	va_end(args);
	_exit(CHILD_SKIP);
}

void child_sysctl(const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), IPV4_SYSCTL "%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0 && errno == ENOENT)
		child_skip("no %s", path);
	child_need(path, fd);
	child_need(path, write(fd, text, strlen(text)));
	close(fd);
}

socklen_t budget_address(struct sockaddr_storage *ss, const char *addr, unsigned int port)
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

int budget_socket(const char *addr, int type)
{
	return (int)child_need("socket", socket(strchr(addr, ':') ? AF_INET6 : AF_INET, type, 0));
}

void budget_option(int fd, int level, int name, int value)
{
	child_need("setsockopt", setsockopt(fd, level, name, &value, sizeof(value)));
}

void budget_bind(int fd, const char *addr, unsigned int port)
{
	struct sockaddr_storage ss;
	socklen_t len = budget_address(&ss, addr, port);

	child_need("bind", bind(fd, (struct sockaddr *)&ss, len));
}

/* 0 or a negative errno. */
int budget_connect(int fd, const char *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = budget_address(&ss, addr, SERVER_PORT);

	return connect(fd, (struct sockaddr *)&ss, len) ? -errno : 0;
}

static long number_after(const char *text, const char *key)
{
	const char *at = text ? strstr(text, key) : NULL;

	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

const char *budget_ask(void)
{
	const char *argv[11] = {tracer_program, "ephemeral", "--netns", "self", "-o", "json"};
	static char out[65536];
	size_t len = 0;
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	child_need("pipe", pipe(pipes));
	pid = (pid_t)child_need("fork", fork());
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
	return out;
}

/* What the program says is left towards addr:80. */
struct budget_left budget_left(const char *addr, int type)
{
	const char *out = budget_ask(), *row = out, *proto = type == SOCK_DGRAM ? "udp" : "tcp";
	char peer[128], found[32];

	snprintf(peer, sizeof(peer), "\"peer\":{\"addr\":\"%s\",\"port\":%d}", addr, SERVER_PORT);
	snprintf(found, sizeof(found), "\"proto\":\"%s\"", proto);
	for (; row && *row; row = strchr(row, '\n') ? strchr(row, '\n') + 1 : NULL) {
		const char *end = strchr(row, '\n'), *at = strstr(row, peer),
			   *kind = strstr(row, found), *more = strstr(row, "\"uncertain\":");

		if (at && end && at < end && kind && kind < end)
			return (struct budget_left){number_after(row, "\"available\":"),
						    more && more < end ? number_after(more, ":")
								       : 0};
	}
	if (type == SOCK_DGRAM)
		return (struct budget_left){
			number_after(strstr(out, "\"udp_available\":"),
				     strchr(addr, ':') ? "\"ipv6\":" : "\"ipv4\":"),
			0};
	return (struct budget_left){number_after(out, "\"available\":"),
				    number_after(out, "\"uncertain\":")};
}

long budget_connect_all(const char *addr, int type)
{
	for (long count = 0; count < MAX_PORTS; count++) {
		int err = budget_connect(budget_socket(addr, type), addr);

		if (err == (type == SOCK_DGRAM ? -EAGAIN : -EADDRNOTAVAIL))
			return count;
		if (err)
			child_fail("connect to %s: %s", addr, strerror(-err));
	}
	child_fail("connects to %s have no end", addr);
}

void budget_prove(const char *addr, int type, long expected)
{
	long said = budget_left(addr, type).sure, done = budget_connect_all(addr, type);

	if (said != done || done != expected)
		child_fail("to %s: said %ld, %ld connects succeeded, the case expects %ld", addr,
			   said, done, expected);
	said = budget_left(addr, type).sure;
	if (said)
		child_fail("to %s: said %ld are left after the last", addr, said);
}

void budget_in_child(void (*body)(void))
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
			child_skip("no network namespaces here");
		child_need("lo", netlink_link_up("lo"));
		child_sysctl("ip_local_port_range", "40000 40009");
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
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIP)
		scenario_skip("%s", why);
	if (status)
		scenario_fail("%s", len ? why : "the child broke off");
}
