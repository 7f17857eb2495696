// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system calls of a 32-bit process, which the tracepoints of 64-bit ones do not see: made through int 0x80, so that no
 * 32-bit program has to be built.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"
#include "scenario.h"

#ifdef __x86_64__

/* arch/x86/entry/syscalls/syscall_32.tbl */
enum compat_call {
	COMPAT_GETPID = 20, /* only probed */
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
	case COMPAT_GETPID: break;
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

/*
 * result: 0 where a 32-bit call works, the signal that killed who tried it, -1 with ENOSYS where it does something else.
 * Tried in a process of its own: on some machines it kills the caller although the kernel has CONFIG_IA32_EMULATION.
 */
static void do_probe(struct call *c)
{
	int status = 0;
	pid_t child;

	signal(SIGCHLD, SIG_DFL);
	child = fork();
	if (child == 0)
		_exit(compat(COMPAT_GETPID, 0, 0, 0, 0) == getpid() ? 0 : 1);
	c->result = -1;
	if (child < 0 || waitpid(child, &status, 0) != child)
		return;
	errno = ENOSYS;
	if (WIFSIGNALED(status))
		c->result = WTERMSIG(status);
	else if (WEXITSTATUS(status) == 0)
		c->result = 0;
}

/* From here on the kernel kills who makes a 32-bit call. */
static void do_forbid(struct call *c)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	c->result = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
				    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)
			    ? -1
			    : 0;
}

static void killed_caller(void)
{
	struct peer *p = peer_start("sw-probe");
	struct call c = {0};

	peer_call(p, do_forbid, &c);
	if (c.result < 0)
		scenario_skip("no filter of system calls: %s", strerror(c.error));
	for (int i = 0; i < 2; i++) {
		peer_call(p, do_probe, &c);
		if (c.result != SIGSYS)
			scenario_fail("a probe that is killed says %ld, %s", c.result,
				      strerror(c.error));
	}
}

static void whole_life(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");
	struct peer *probe = peer_start("sw-probe");
	struct call c = {0};

	peer_call(probe, do_probe, &c);
	if (c.result > 0)
		scenario_skip("a 32-bit system call kills its caller on this machine: %s",
			      strsignal((int)c.result));
	if (c.result < 0 && c.error != ENOSYS)
		scenario_fail("probe: %s", strerror(c.error));
	if (c.result < 0)
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

static void killed_caller(void)
{
	scenario_skip("32-bit system calls are tried on x86_64 only");
}

static void whole_life(void)
{
	scenario_skip("32-bit system calls are tried on x86_64 only");
}

#endif

const struct scenario compat_scenarios[] = {
	{"compat-probe", killed_caller},
	{"compat-32-bit", whole_life},
	{0},
};
