// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others than the network refuse, or send elsewhere: cgroup programs and Landlock.  The programs are loaded by hand and
 * attached, by a link that ends with the agent, to a cgroup that only the peers of a scenario are in.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"
#include "features.h"
#include "scenario.h"
#include "uring.h"

#ifndef FSCONFIG_CMD_CREATE
#define FSCONFIG_CMD_CREATE 6
#endif

/* ---- a cgroup and a program ---- */

static int cgroup_root = -1, cgroup_dir = -1;
static char cgroup_name[32];

static int open_cgroup2(void)
{
	int mounted = -1, fs = (int)syscall(SYS_fsopen, "cgroup2", 1);

	if (fs >= 0 && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mounted = (int)syscall(SYS_fsmount, fs, 1, 0);
	if (fs >= 0)
		close(fs);
	return mounted;
}

/* What the last scenario left: it may have ended anywhere, and its peers are gone by now. */
static void forget_cgroup(void)
{
	if (cgroup_dir >= 0)
		close(cgroup_dir);
	if (cgroup_root >= 0) {
		unlinkat(cgroup_root, cgroup_name, AT_REMOVEDIR);
		close(cgroup_root);
	}
	cgroup_root = cgroup_dir = -1;
}

static void make_cgroup(void)
{
	forget_cgroup();
	snprintf(cgroup_name, sizeof(cgroup_name), "sw-test-%d", (int)getpid());
	cgroup_root = open_cgroup2();
	if (cgroup_root >= 0 && mkdirat(cgroup_root, cgroup_name, 0700) < 0 && errno != EEXIST)
		scenario_skip("no cgroup of its own: %s", strerror(errno));
	if (cgroup_root >= 0)
		cgroup_dir = openat(cgroup_root, cgroup_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup_dir < 0)
		scenario_skip("no cgroup2: %s", strerror(errno));
}

static void move_in(const struct peer *p)
{
	int fd = openat(cgroup_dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	char pid[16];
	int len = snprintf(pid, sizeof(pid), "%d", p->pid);
	bool moved = fd >= 0 && write(fd, pid, (size_t)len) == len;

	if (fd >= 0)
		close(fd);
	if (!moved)
		scenario_skip("cannot move a process: %s", strerror(errno));
}

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (int)(i)})
#define EXIT	      INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define MOVE(to, imm) INSN(BPF_ALU | BPF_MOV | BPF_K, to, 0, 0, imm)
/* Of struct bpf_sock_addr. */
#define GET(to, member)                                                                            \
	INSN(BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_1, offsetof(struct bpf_sock_addr, member), 0)
#define PUT(member, from)                                                                          \
	INSN(BPF_STX | BPF_MEM | BPF_W, BPF_REG_1, from, offsetof(struct bpf_sock_addr, member), 0)

/* Runs the program for every peer in the cgroup, until the scenario is over. */
static void attach(enum bpf_attach_type type, const struct bpf_insn *insns, uint32_t count)
{
	static int last_link = -1;
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	union bpf_attr load = {0}, link = {0};
	int program;

	/* Before 5.11 programs are charged to it. */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);

	load.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
	load.expected_attach_type = type;
	load.insns = (uintptr_t)insns;
	load.insn_cnt = count;
	load.license = (uintptr_t) "GPL";
	program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	if (program < 0)
		scenario_skip("no cgroup program: %s", strerror(errno));
	link.link_create.prog_fd = (uint32_t)program;
	link.link_create.target_fd = (uint32_t)cgroup_dir;
	link.link_create.attach_type = type;
	if (last_link >= 0)
		close(last_link);
	last_link = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));
	close(program);
	if (last_link < 0)
		scenario_skip("cannot attach a cgroup program: %s", strerror(errno));
}

static void refuse(enum bpf_attach_type type)
{
	const struct bpf_insn insns[] = {MOVE(BPF_REG_0, 0), EXIT};

	attach(type, insns, 2);
}

/* Sends what asks for port 80 to 127.0.0.1 or ::1 and `port`. */
static void redirect(bool v6, unsigned int port)
{
	const struct bpf_insn insns4[] = {
		GET(BPF_REG_2, user_port),
		INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 4, htons(80)),
		MOVE(BPF_REG_2, htonl(INADDR_LOOPBACK)),
		PUT(user_ip4, BPF_REG_2),
		MOVE(BPF_REG_2, htons((uint16_t)port)),
		PUT(user_port, BPF_REG_2),
		MOVE(BPF_REG_0, 1),
		EXIT,
	};
	const struct bpf_insn insns6[] = {
		GET(BPF_REG_2, user_port),
		INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 8, htons(80)),
		MOVE(BPF_REG_2, 0),
		PUT(user_ip6[0], BPF_REG_2),
		PUT(user_ip6[1], BPF_REG_2),
		PUT(user_ip6[2], BPF_REG_2),
		MOVE(BPF_REG_2, htonl(1)),
		PUT(user_ip6[3], BPF_REG_2),
		MOVE(BPF_REG_2, htons((uint16_t)port)),
		PUT(user_port, BPF_REG_2),
		MOVE(BPF_REG_0, 1),
		EXIT,
	};

	if (v6)
		attach(BPF_CGROUP_INET6_CONNECT, insns6, sizeof(insns6) / sizeof(insns6[0]));
	else
		attach(BPF_CGROUP_INET4_CONNECT, insns4, sizeof(insns4) / sizeof(insns4[0]));
}

/* ---- peers ---- */

static int open_socket(struct peer *p, int family, int type)
{
	int fd = remote_typed_socket(p, family, type);

	if (fd < 0)
		scenario_skip("socket: %s", strerror(-fd));
	return fd;
}

static struct peer *peer_inside(const char *name)
{
	struct peer *p;

	make_cgroup();
	p = peer_start(name);
	move_in(p);
	tracer_shared();
	return p;
}

static bool is_line_of(const struct line *l, const struct peer *p, const char *error)
{
	return strcmp(l->error, error) == 0 && l->process.pid == (uint32_t)p->pid &&
	       strcmp(l->process.name, p->name) == 0;
}

/* There is one line of the socket, a failed call that nothing is made up about. */
static void check_refused(const struct peer *p, uint64_t cookie, enum line_kind kind,
			  const char *error, const struct address *asked)
{
	struct tracer *t = tracer_shared();
	const struct line *l = expect_line(t, cookie, kind, NULL);
	const struct end *end = kind == LINE_CONNECT ? &l->peer : &l->local;
	struct end want = address_end(asked);

	tracer_fence(t);
	if (is_line_of(l, p, error) && end->port == want.port &&
	    strcmp(end->addr, want.addr) == 0 && !l->missing[0] && !l->holder_count &&
	    !strstr(l->text, "CAP_") && expect_count(t, cookie) == 1)
		return;
	expect_show(t, cookie);
	scenario_fail("there must be one %s to %s port %u with %s", line_kind_name(kind), want.addr,
		      want.port, error);
}

/* ---- cgroup programs that refuse ---- */

static void refused_connect(const char *address, int type)
{
	struct peer *p = peer_inside("sw-refused");
	struct address to = address_of(address, 4711);
	int fd = open_socket(p, to.ss.ss_family, type), err;

	refuse(to.ss.ss_family == AF_INET ? BPF_CGROUP_INET4_CONNECT : BPF_CGROUP_INET6_CONNECT);
	err = remote_connect(p, fd, to);
	if (err != -EPERM)
		scenario_fail("connect gave %d", err);
	if (type == SOCK_DGRAM)
		expect_line(tracer_shared(), remote_cookie(p, fd), LINE_CONNECT, NULL);
	else
		check_refused(p, remote_cookie(p, fd), LINE_CONNECT, "EPERM", &to);
}

/* Trampolines see a connect() that a cgroup program refuses or leads elsewhere by one hook only; system calls see it anyway. */
static void need_hook_of_programs(void)
{
	char hooks[FEATURES_HOOKS][64];

	if (features_trampolines(hooks) && !features_attached("fexit/__cgroup_bpf_run_filter_sock_addr"))
		scenario_skip("features says that connects which cgroup programs refuse are not seen");
}

static void refused_connect_ipv4(void)
{
	need_hook_of_programs();
	refused_connect("127.0.0.1", SOCK_STREAM);
}

static void refused_connect_ipv6(void)
{
	need_hook_of_programs();
	refused_connect("::1", SOCK_STREAM);
}

static void refused_connect_udp(void)
{
	refused_connect("127.0.0.1", SOCK_DGRAM);
}

static void refused_bind(const char *address, int type)
{
	struct peer *p = peer_inside("sw-refused");
	struct address at = address_of(address, 18083);
	int fd = open_socket(p, at.ss.ss_family, type), err;

	refuse(at.ss.ss_family == AF_INET ? BPF_CGROUP_INET4_BIND : BPF_CGROUP_INET6_BIND);
	err = remote_bind(p, fd, at);
	if (err != -EPERM)
		scenario_fail("bind gave %d", err);
	check_refused(p, remote_cookie(p, fd), LINE_BIND, "EPERM", &at);
}

static void refused_bind_ipv4(void)
{
	refused_bind("127.0.0.1", SOCK_STREAM);
}

static void refused_bind_ipv6(void)
{
	refused_bind("::1", SOCK_STREAM);
}

static void refused_bind_udp(void)
{
	refused_bind("127.0.0.1", SOCK_DGRAM);
}

static void do_uring_connect(struct call *c)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_CONNECT,
		.fd = (int)c->arg[0],
		.addr = (uintptr_t)&c->addr,
		.off = c->addr_len,
	};
	pid_t worker;

	c->result = uring_run(URING_PLAIN, &sqe, &worker);
	c->error = c->result < 0 ? (int)-c->result : 0;
	errno = c->error;
}

static long uring_connect(struct peer *p, int fd, struct address to)
{
	struct call c = {.arg = {fd}, .addr = to.ss, .addr_len = to.len};

	peer_call(p, do_uring_connect, &c);
	if (c.result == -ENOSYS || c.result == -EOPNOTSUPP)
		scenario_skip("no io_uring");
	return c.result;
}

static void refused_connect_uring(void)
{
	struct peer *p = peer_inside("sw-refused");
	struct address to = address_of("127.0.0.1", 4711);
	int fd = open_socket(p, AF_INET, SOCK_STREAM);
	long err;

	if (features_miss("connects by io_uring"))
		scenario_skip("features says that failed connects by io_uring are not seen");
	need_hook_of_programs();
	refuse(BPF_CGROUP_INET4_CONNECT);
	err = uring_connect(p, fd, to);
	if (err != -EPERM)
		scenario_skip("connect gave %ld", err);
	check_refused(p, remote_cookie(p, fd), LINE_CONNECT, "EPERM", &to);
}

/* ---- Landlock ---- */

/* Later than the headers some machines have: <linux/landlock.h> of 6.7. */
struct ruleset {
	uint64_t fs, net;
};
#define LANDLOCK_BIND	 1
#define LANDLOCK_CONNECT 2

static void do_landlock(struct call *c)
{
	struct ruleset rules = {.net = LANDLOCK_BIND | LANDLOCK_CONNECT};
	long abi = syscall(444, NULL, 0, 1), fd; /* landlock_create_ruleset */

	c->result = -1;
	c->error = abi < 4 ? ENOSYS : 0;
	errno = c->error;
	if (abi < 4)
		return;
	fd = syscall(444, &rules, sizeof(rules), 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (fd >= 0)
		c->result = syscall(446, (int)fd, 0); /* landlock_restrict_self */
}

static void locked(bool binds, const char *address)
{
	struct peer *p = peer_start("sw-locked");
	struct address at = address_of(address, 18083);
	struct call c = {.arg = {0}};
	int fd = open_socket(p, at.ss.ss_family, SOCK_STREAM), err;

	tracer_shared();
	peer_call(p, do_landlock, &c);
	if (c.result < 0)
		scenario_skip("no Landlock for networks: %s", strerror(c.error));
	err = binds ? remote_bind(p, fd, at) : remote_connect(p, fd, at);
	if (err != -EACCES)
		scenario_fail("the call gave %d", err);
	check_refused(p, remote_cookie(p, fd), binds ? LINE_BIND : LINE_CONNECT, "EACCES", &at);
}

static void locked_bind_ipv4(void)
{
	locked(true, "127.0.0.1");
}

static void locked_bind_ipv6(void)
{
	locked(true, "::1");
}

static void locked_connect(void)
{
	locked(false, "127.0.0.1");
}

/* ---- destinations that a program changes ---- */

struct elsewhere {
	struct peer *server, *client;
	struct address at, asked;
	int listener, fd;
	uint64_t cookie;
};

/* A listener, and a client that will be sent to it when it asks for `asked`; without `listening` nobody is there. */
static void elsewhere_new(struct elsewhere *e, const char *asked, bool listening, int type)
{
	bool v6 = strchr(asked, ':') != NULL;
	int family = v6 ? AF_INET6 : AF_INET;

	need_hook_of_programs();
	e->client = peer_inside("sw-client");
	e->server = peer_start("sw-server");
	e->listener = open_socket(e->server, family, type & ~SOCK_NONBLOCK);
	if (remote_bind(e->server, e->listener, address_of(v6 ? "::1" : "127.0.0.1", 0)) < 0)
		scenario_skip("no loopback address of this family");
	if (listening)
		must("listen", remote_listen(e->server, e->listener, 4));
	e->at = remote_local(e->server, e->listener);
	e->asked = address_of(asked, 80);
	e->fd = open_socket(e->client, family, type);
	redirect(v6, address_port(&e->at));
}

static bool same_end(const struct end *end, const struct address *a)
{
	struct end want = address_end(a);

	return end->port == want.port && strcmp(end->addr, want.addr) == 0;
}

static void check_elsewhere(const struct elsewhere *e, enum line_kind kind)
{
	const struct line *l = expect_line(tracer_shared(), e->cookie, kind, NULL);

	if (same_end(&l->peer, &e->at) && same_end(&l->asked, &e->asked))
		return;
	expect_show(tracer_shared(), e->cookie);
	scenario_fail("%s must tell what was asked for and what was connected to",
		      line_kind_name(kind));
}

static void elsewhere_check(struct elsewhere *e)
{
	e->cookie = remote_cookie(e->client, e->fd);
	/* Nobody closes the other end. */
	must("SO_LINGER", remote_linger_reset(e->client, e->fd));
	must("close", remote_close(e->client, e->fd));
	check_elsewhere(e, LINE_CONNECT);
	check_elsewhere(e, LINE_CLOSE);
}

static void connected_elsewhere(const char *asked)
{
	struct elsewhere e;

	elsewhere_new(&e, asked, true, SOCK_STREAM);
	must("connect", remote_connect(e.client, e.fd, e.asked));
	elsewhere_check(&e);
}

static void elsewhere_ipv4(void)
{
	connected_elsewhere("10.96.0.1");
}

static void elsewhere_ipv6(void)
{
	connected_elsewhere("fd00:96::1");
}

static void elsewhere_nonblocking(void)
{
	struct elsewhere e;
	int err;

	elsewhere_new(&e, "10.96.0.1", true, SOCK_STREAM | SOCK_NONBLOCK);
	err = remote_connect(e.client, e.fd, e.asked);
	if (err != -EINPROGRESS)
		scenario_fail("connect gave %d", err);
	elsewhere_check(&e);
}

static void elsewhere_refused(void)
{
	struct elsewhere e;
	int err;

	elsewhere_new(&e, "10.96.0.1", false, SOCK_STREAM);
	err = remote_connect(e.client, e.fd, e.asked);
	if (err != -ECONNREFUSED)
		scenario_fail("connect gave %d", err);
	elsewhere_check(&e);
}

static void elsewhere_udp(void)
{
	struct elsewhere e;

	elsewhere_new(&e, "10.96.0.1", false, SOCK_DGRAM);
	must("connect", remote_connect(e.client, e.fd, e.asked));
	elsewhere_check(&e);
}

static void elsewhere_uring(void)
{
	struct elsewhere e;
	long err;

	if (features_miss("connects by io_uring"))
		scenario_skip("features says that io_uring's calls are not seen");
	elsewhere_new(&e, "10.96.0.1", true, SOCK_STREAM);
	err = uring_connect(e.client, e.fd, e.asked);
	if (err < 0)
		scenario_skip("connect gave %ld", err);
	elsewhere_check(&e);
}

/* The next connection of the same socket is an ordinary one, and the wildcard address is no program's doing. */
static void elsewhere_and_back(void)
{
	struct elsewhere e;
	const struct line *l;
	struct tracer *t = tracer_shared();
	size_t lines = 0;

	elsewhere_new(&e, "10.96.0.1", false, SOCK_STREAM);
	if (remote_connect(e.client, e.fd, e.asked) != -ECONNREFUSED)
		scenario_fail("connect was not refused");
	must("listen", remote_listen(e.server, e.listener, 4));
	must("connect", remote_connect(e.client, e.fd,
				       address_of("0.0.0.0", address_port(&e.at))));
	e.cookie = remote_cookie(e.client, e.fd);
	must("close", remote_close(e.client, e.fd));
	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		l = t->line[i];
		if (l->cookie != e.cookie || l->kind != LINE_CONNECT)
			continue;
		if (l->asked.present != (lines++ == 0))
			scenario_fail("only the first connect asked for something else");
	}
	if (lines != 2)
		scenario_fail("%zu connects", lines);
}

static size_t lines_of(const struct tracer *t, uint64_t cookie)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += t->line[i]->cookie == cookie && t->line[i]->kind != LINE_LOST;
	return n;
}

/* The programs leave out what has other ports, but not this: all of its lines are there. */
static void elsewhere_filtered(void)
{
	static const char *const by_address[] = {"--addr", "10.96.0.1", NULL};
	static const char *const by_port[] = {"-D", "80", "-c", "sw-client", NULL};
	struct tracer *addr, *port;
	struct elsewhere e;

	elsewhere_new(&e, "10.96.0.1", true, SOCK_STREAM);
	addr = tracer_open(by_address);
	port = tracer_open(by_port);
	must("connect", remote_connect(e.client, e.fd, e.asked));
	e.cookie = remote_cookie(e.client, e.fd);
	must("SO_LINGER", remote_linger_reset(e.client, e.fd));
	must("close", remote_close(e.client, e.fd));
	expect_line(addr, e.cookie, LINE_CONNECT, NULL);
	expect_line(addr, e.cookie, LINE_CLOSE, NULL);
	expect_line(port, e.cookie, LINE_CONNECT, NULL);
	expect_line(port, e.cookie, LINE_CLOSE, NULL);
	expect_line(tracer_shared(), e.cookie, LINE_CLOSE, NULL);
	if (lines_of(port, e.cookie) == lines_of(tracer_shared(), e.cookie))
		return;
	expect_show(port, e.cookie);
	scenario_fail("all that is told of it must be told by the port that was asked for, too");
}

static void clean_up(void)
{
	forget_cgroup();
}

const struct scenario refusal_scenarios[] = {
	{"refusal-connect-ipv4", refused_connect_ipv4},
	{"refusal-connect-ipv6", refused_connect_ipv6},
	{"refusal-connect-udp", refused_connect_udp},
	{"refusal-connect-uring", refused_connect_uring},
	{"refusal-bind-ipv4", refused_bind_ipv4},
	{"refusal-bind-ipv6", refused_bind_ipv6},
	{"refusal-bind-udp", refused_bind_udp},
	{"refusal-landlock-bind-ipv4", locked_bind_ipv4},
	{"refusal-landlock-bind-ipv6", locked_bind_ipv6},
	{"refusal-landlock-connect", locked_connect},
	{"refusal-elsewhere-ipv4", elsewhere_ipv4},
	{"refusal-elsewhere-ipv6", elsewhere_ipv6},
	{"refusal-elsewhere-nonblocking", elsewhere_nonblocking},
	{"refusal-elsewhere-refused", elsewhere_refused},
	{"refusal-elsewhere-udp", elsewhere_udp},
	{"refusal-elsewhere-uring", elsewhere_uring},
	{"refusal-elsewhere-and-back", elsewhere_and_back},
	{"refusal-elsewhere-filtered", elsewhere_filtered},
	{"refusal-cleaned-up", clean_up},
	{0},
};
