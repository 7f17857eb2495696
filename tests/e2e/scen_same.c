// SPDX-License-Identifier: GPL-2.0-only
/*
 * scen_same.c - a traced program sees no difference: thousands of random calls of sockets, most of them wrong, give the same
 * results without a tracer and with one.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netlink.h"
#include "scenario.h"
#include "tracer.h"

#define CALLS 6000
#define SLOTS 24
/* What came of a call may hang on a timer or on softirqs: a difference is one that comes again every time. */
#define ROUNDS 5

enum call {
	SOCKET,
	BIND,
	CONNECT,
	LISTEN,
	ACCEPT,
	SEND,
	RECEIVE,
	SHUTDOWN,
	OPTION,
	CLOSE,
	NAME,
	CALL_KINDS
};
static const char *const call_names[] = {"socket", "bind",  "connect", "listen",
					 "accept", "send",  "receive", "shutdown",
					 "option", "close", "name"};

struct outcome {
	int32_t kind, result; /* -errno; a descriptor counts as 0 */
	int32_t detail;	      /* a value or a family */
};

struct run {
	struct outcome outcome[CALLS];
	uint32_t done;
};

static uint64_t seed;

static uint32_t below(uint32_t limit)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % limit;
}

#define ONE_OF(list) (list)[below(sizeof(list) / sizeof((list)[0]))]

/* Mostly one that fits, else too short, too long, or no memory of the process. */
static socklen_t random_address(struct sockaddr_storage *s, const struct sockaddr **ret)
{
	static const uint16_t ports[] = {0, 80, 7001, 7002, 7003, 7004, 7005, 65535};
	static const uint32_t v4[] = {INADDR_ANY, INADDR_LOOPBACK,  INADDR_LOOPBACK, 0x7f000002,
				      0xc0000201, INADDR_BROADCAST, 0xe0000001};
	static const sa_family_t families[] = {AF_INET,	 AF_INET,   AF_INET, AF_INET6,
					       AF_INET6, AF_UNSPEC, AF_UNIX, 999};
	struct sockaddr_in *in = (struct sockaddr_in *)s;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)s;
	uint16_t port = ONE_OF(ports);
	uint32_t addr = htonl(ONE_OF(v4)), shape = below(20);
	bool ipv6;

	*s = (struct sockaddr_storage){.ss_family = ONE_OF(families)};
	ipv6 = s->ss_family == AF_INET6;
	in->sin_port = htons(port);
	if (!ipv6) {
		in->sin_addr.s_addr = addr;
	} else if (below(2)) {
		in6->sin6_addr.s6_addr[15] = 1;
	} else if (below(2)) {
		in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
		memcpy(in6->sin6_addr.s6_addr + 12, &addr, sizeof(addr));
	}
	*ret = shape == 0   ? (const struct sockaddr *)8
	       : shape == 1 ? NULL
			    : (const struct sockaddr *)s;
	switch (shape) {
	case 2: return 1;
	case 3: return (socklen_t)-1;
	case 4: return sizeof(*s);
	case 5: return sizeof(sa_family_t);
	default: return ipv6 ? sizeof(*in6) : sizeof(*in);
	}
}

static long random_socket(void)
{
	static const int families[] = {AF_INET, AF_INET, AF_INET, AF_INET6, AF_INET6, AF_UNIX, 999};
	static const int types[] = {SOCK_STREAM, SOCK_STREAM,	 SOCK_STREAM, SOCK_DGRAM,
				    SOCK_DGRAM,	 SOCK_SEQPACKET, 77};
	static const int protocols[] = {0, 0, 0, IPPROTO_TCP, IPPROTO_UDP, 255, -1};
	int family = ONE_OF(families), type = ONE_OF(types);

	return socket(family, type | SOCK_NONBLOCK, ONE_OF(protocols));
}

static long random_option(int fd)
{
	static const int levels[] = {SOL_SOCKET,   SOL_SOCKET, IPPROTO_TCP,
				     IPPROTO_IPV6, IPPROTO_IP, 9999};
	static const int names[] = {SO_REUSEADDR, SO_REUSEPORT,	    SO_LINGER,
				    SO_KEEPALIVE, TCP_NODELAY,	    IPV6_V6ONLY,
				    SO_BROADCAST, TCP_DEFER_ACCEPT, 9999};
	const struct linger linger = {.l_onoff = (int)below(2)};
	int level = ONE_OF(levels), name = ONE_OF(names);

	/* Until a timer ends, what came of later calls would hang on it. */
	if (level == IPPROTO_TCP && name != TCP_NODELAY)
		name = TCP_MAXSEG;
	return setsockopt(fd, level, name, below(9) ? (const void *)&linger : NULL,
			  below(9) ? sizeof(linger) : below(4));
}

static long random_send(int fd)
{
	static const int flags[] = {0, 0, MSG_OOB, MSG_PEEK, MSG_MORE, 0x7fffffff & ~MSG_ERRQUEUE};
	struct sockaddr_storage s;
	const struct sockaddr *at;
	socklen_t len = random_address(&s, &at);
	int flag = ONE_OF(flags) | MSG_NOSIGNAL | MSG_DONTWAIT;
	const char *bytes = below(12) ? "0123456789" : (const char *)16;

	return below(2) ? send(fd, bytes, below(11), flag)
			: sendto(fd, bytes, below(11), flag, at, len);
}

/* The address that is found, without the port where the kernel chose it. */
static long random_name(int fd, int32_t *ret_detail)
{
	struct sockaddr_storage s = {0};
	socklen_t len = below(6) ? sizeof(s) : 0;
	struct sockaddr *at = below(9) ? (struct sockaddr *)&s : NULL;
	long result = below(2) ? getsockname(fd, at, &len) : getpeername(fd, at, &len);

	*ret_detail = s.ss_family;
	return result;
}

static long random_accept(int fd)
{
	struct sockaddr_storage s;
	socklen_t len = sizeof(s);
	uint32_t how = below(8);

	if (how < 2)
		return accept4(fd, NULL, NULL, how ? SOCK_NONBLOCK : 0x77);
	return accept4(fd, how == 2 ? (struct sockaddr *)8 : (struct sockaddr *)&s,
		       how == 3 ? NULL : &len, SOCK_NONBLOCK);
}

static long random_call(enum call kind, int fd, int32_t *ret_detail)
{
	static const int backlogs[] = {0, 1, 5, -1, 0x7fffffff};
	struct sockaddr_storage s;
	const struct sockaddr *at;
	char bytes[16];
	socklen_t len;

	switch (kind) {
	case SOCKET: return random_socket();
	case BIND: len = random_address(&s, &at); return bind(fd, at, len);
	case CONNECT: len = random_address(&s, &at); return connect(fd, at, len);
	case LISTEN: return listen(fd, ONE_OF(backlogs));
	case ACCEPT: return random_accept(fd);
	case SEND: return random_send(fd);
	case RECEIVE: return recv(fd, bytes, below(sizeof(bytes)), MSG_DONTWAIT);
	case SHUTDOWN: return shutdown(fd, (int)below(4));
	case OPTION: return random_option(fd);
	case CLOSE: return close(fd);
	case NAME: return random_name(fd, ret_detail);
	case CALL_KINDS: break;
	}
	return 0;
}

/* In a child, in a network namespace of its own. */
static void make_calls(struct run *r)
{
	/* More of those that lead on. */
	static const enum call kinds[] = {SOCKET,  SOCKET,  SOCKET, BIND,     BIND,   BIND, CONNECT,
					  CONNECT, LISTEN,  LISTEN, ACCEPT,   ACCEPT, SEND, SEND,
					  NAME,	   RECEIVE, OPTION, SHUTDOWN, CLOSE};
	int slot[SLOTS];

	if (unshare(CLONE_NEWNET) < 0 || netlink_link_up("lo") < 0)
		_exit(1);
	signal(SIGPIPE, SIG_IGN);
	memset(slot, -1, sizeof(slot));
	seed = 20261126;
	for (r->done = 0; r->done < CALLS; r->done++) {
		struct outcome *o = &r->outcome[r->done];
		enum call kind = ONE_OF(kinds);
		uint32_t at = below(SLOTS), to = below(SLOTS);
		long result;

		/* A number that is no descriptor stays one. */
		result = random_call(kind, slot[at], &o->detail);
		o->kind = (int32_t)kind;
		o->result = result < 0 ? -errno : (int32_t)result;
		if (kind == CLOSE)
			slot[at] = -1;
		if ((kind == SOCKET || kind == ACCEPT) && result >= 0) {
			if (slot[to] >= 0)
				close(slot[to]);
			slot[to] = (int)result;
			o->result = 0;
		}
	}
	_exit(0);
}

static void play(struct run *r)
{
	uint64_t deadline = deadline_in(60000);
	pid_t child = fork();
	int status = 0;

	if (child == 0)
		make_calls(r);
	must("fork", child);
	while (waitpid(child, &status, WNOHANG) == 0) {
		tracer_pump(-1, deadline_in(20));
		if (deadline_left(deadline))
			continue;
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		scenario_fail("call %u (%s) did not return", r->done,
			      call_names[r->outcome[r->done].kind]);
	}
	if (status || r->done != CALLS)
		scenario_fail("the child ended with status %#x at call %u", (unsigned int)status,
			      r->done);
}

static bool equal(const struct outcome *a, const struct outcome *b)
{
	return a->kind == b->kind && a->result == b->result && a->detail == b->detail;
}

/* The number of calls that were alike in each of `count` runs without, alike in those with, and not the same in both. */
static unsigned int differ(const struct run *without, const struct run *with, int count,
			   unsigned int *ret_first, unsigned int *ret_stable)
{
	unsigned int found = 0;

	*ret_stable = 0;
	for (unsigned int i = CALLS; i-- > 0;) {
		bool stable = true;

		for (int n = 1; n < count; n++)
			stable &= equal(&without[0].outcome[i], &without[n].outcome[i]) &&
				  equal(&with[0].outcome[i], &with[n].outcome[i]);
		*ret_stable += stable;
		if (!stable || equal(&without[0].outcome[i], &with[0].outcome[i]))
			continue;
		*ret_first = i;
		found++;
	}
	return found;
}

static void same(void)
{
	size_t size = sizeof(struct run) * ROUNDS;
	struct run *without =
		mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct run *with = without + ROUNDS;
	unsigned int found = 1, first = 0, stable = 0, good = 0;
	int count = 0;

	if (without == MAP_FAILED)
		scenario_skip("no memory");
	while (found && count < ROUNDS) {
		tracer_close_all();
		play(&without[count]);
		tracer_open(NULL);
		play(&with[count]);
		count++;
		found = differ(without, with, count, &first, &stable);
	}
	if (found)
		scenario_fail(
			"%u calls differ; the first is %u, %s: %d without a tracer, %d with one",
			found, first, call_names[with->outcome[first].kind],
			without->outcome[first].result, with->outcome[first].result);
	for (unsigned int i = 0; i < CALLS; i++)
		good += with->outcome[i].result >= 0;
	if (good < CALLS / 10 || stable < CALLS * 9 / 10)
		scenario_fail(
			"%u of %u calls succeed, %u give the same each time: that tries nothing",
			good, CALLS, stable);
	munmap(without, 2 * size);
}

const struct scenario same_scenarios[] = {
	{"same-results-with-and-without", same},
	{0},
};
