// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system calls of a 32-bit process, which the tracepoints of 64-bit ones do not see: made through int 0x80, so that no
 * 32-bit program has to be built.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>

#include "pair.h"
#include "scenario.h"

#ifdef __x86_64__

/* arch/x86/entry/syscalls/syscall_32.tbl */
enum compat_call {
	COMPAT_GETPID = 20,
	COMPAT_SOCKET = 359,
	COMPAT_BIND = 361,
	COMPAT_CONNECT = 362,
	COMPAT_LISTEN = 363,
	COMPAT_ACCEPT4 = 364,
};

static long compat(enum compat_call number, long a, long b, long c, long d)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"((long)number), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

/* A copy of the call's address that 32 bits can point to. */
static char *low_copy(const struct call *c)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (low == MAP_FAILED)
		return NULL;
	memcpy(low, &c->addr, sizeof(c->addr));
	memcpy(low + 256, &c->addr_len, sizeof(c->addr_len));
	return low;
}

/* arg[0] is the compat_call, arg[1] a descriptor; arg[2] is the backlog, or 1 for an address. */
static void do_compat(struct call *c)
{
	char *low = low_copy(c);
	long address = (long)low, length = c->addr_len;

	switch ((enum compat_call)c->arg[0]) {
	case COMPAT_GETPID: c->result = compat(COMPAT_GETPID, 0, 0, 0, 0); break;
	case COMPAT_SOCKET: c->result = compat(COMPAT_SOCKET, AF_INET, SOCK_STREAM, 0, 0); break;
	case COMPAT_BIND:
	case COMPAT_CONNECT:
		c->result = compat((enum compat_call)c->arg[0], c->arg[1], address, length, 0);
		break;
	case COMPAT_LISTEN: c->result = compat(COMPAT_LISTEN, c->arg[1], c->arg[2], 0, 0); break;
	case COMPAT_ACCEPT4:
		c->result = compat(COMPAT_ACCEPT4, c->arg[1], address, address + 256, 0);
		break;
	}
	c->error = c->result < 0 ? (int)-c->result : 0;
	errno = c->error;
	if (low)
		munmap(low, 4096);
}

static long in_peer(struct peer *p, enum compat_call number, long fd, long more,
		    const struct address *at)
{
	struct call c = {.arg = {number, fd, more}};

	if (at) {
		c.addr = at->ss;
		c.addr_len = at->len;
	}
	peer_call(p, do_compat, &c);
	return c.result;
}

static void whole_life(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct peer *probe = peer_start("sw-probe");
	struct call c = {.arg = {COMPAT_GETPID}};

	peer_call(probe, do_compat, &c);
	if (c.result != probe->pid)
		scenario_skip("this kernel runs no 32-bit system calls");
	p.listener = (int)must("socket", in_peer(p.server, COMPAT_SOCKET, 0, 0, NULL));
	must("bind", in_peer(p.server, COMPAT_BIND, p.listener, 0, &p.listen_at));
	must("listen", in_peer(p.server, COMPAT_LISTEN, p.listener, 16, NULL));
	p.listen_at = remote_local(p.server, p.listener);
	p.connect_to = p.listen_at;
	p.of_listener.owner = owner_of(p.server);
	p.conn = (int)must("socket", in_peer(p.client, COMPAT_SOCKET, 0, 0, NULL));
	must("connect", in_peer(p.client, COMPAT_CONNECT, p.conn, 0, &p.connect_to));
	p.of_client.owner = owner_of(p.client);
	p.child = (int)must("accept",
			    in_peer(p.server, COMPAT_ACCEPT4, p.listener, 0, &p.connect_to));
	p.of_child.owner = owner_of(p.server);
	pair_know(&p);
	pair_talk(&p, 20, 30);
	pair_close(&p, CLIENT_FIRST);
	pair_check(t, &p);
}

#else

static void whole_life(void)
{
	scenario_skip("32-bit system calls are tried on x86_64 only");
}

#endif

const struct scenario compat_scenarios[] = {
	{"compat-32-bit", whole_life},
	{0},
};
