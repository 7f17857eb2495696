/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * budget_case.h - a child in a network namespace of its own with a range of ten ports, that asks `sockwatch ephemeral` how
 * many connects will still succeed and then connects until the kernel says no.
 *
 * Owns: the child; whatever fails in it fails the scenario.  Refuses to know: which case it is.
 *
 *     static void plain(void) { budget_prove("127.0.0.1", SOCK_DGRAM, 10); }
 *     static void run_plain(void) { budget_in_child(plain); }
 */
#ifndef SOCKWATCH_E2E_BUDGET_CASE_H
#define SOCKWATCH_E2E_BUDGET_CASE_H

#include <stdint.h>
#include <sys/socket.h>

#define SERVER_PORT 80
#define MAX_PORTS   100

/* How many connects surely succeed, and how many more may. */
struct budget_left {
	long sure, uncertain;
};

/* Runs `body` with lo up and the range 40000-40009; returns when it is done, or fails or skips the scenario. */
void budget_in_child(void (*body)(void));

/* In the child: end it. */
__attribute__((noreturn, format(printf, 1, 2))) void child_fail(const char *format, ...);
__attribute__((noreturn, format(printf, 1, 2))) void child_skip(const char *format, ...);
/* Fails when `value` is negative. */
long child_need(const char *what, long value);
/* Below /proc/sys/net/ipv4; skips where there is none. */
void child_sysctl(const char *name, const char *text);

/* IPv4 or IPv6 by the address; `type` is SOCK_STREAM or SOCK_DGRAM. */
socklen_t budget_address(struct sockaddr_storage *ss, const char *addr, unsigned int port);
int budget_socket(const char *addr, int type);
void budget_option(int fd, int level, int name, int value);
void budget_bind(int fd, const char *addr, unsigned int port);
/* To SERVER_PORT.  0 or a negative errno. */
int budget_connect(int fd, const char *addr);

/* What `ephemeral -o json` says of this namespace; valid until it is asked again. */
const char *budget_ask(void);
/* What the program says is left towards addr and SERVER_PORT. */
struct budget_left budget_left(const char *addr, int type);
/* New sockets until no port is left: how many connects succeeded. */
long budget_connect_all(const char *addr, int type);
/* That it says `expected`, that so many succeed, and that it says 0 then. */
void budget_prove(const char *addr, int type, long expected);

#define IN_CHILD(name)                                                                             \
	static void run_##name(void)                                                               \
	{                                                                                          \
		budget_in_child(name);                                                             \
	}

#endif
