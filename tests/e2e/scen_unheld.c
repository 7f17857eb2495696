// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that no descriptor leads to: the kernel's own, on their way over a Unix socket, in a ring's table, in a queue. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"
#include "listed.h"
#include "netlink.h"
#include "remote.h"
#include "scenario.h"
#include "tracer.h"

static struct listed ls;

static const char *const sources[] = {"auto", "proc"};
#define SOURCES (sizeof(sources) / sizeof(sources[0]))

static struct peer *own_namespace(const char *name)
{
	struct peer *p = peer_start(name);

	remote_own_netns(p);
	if (!p->netns)
		scenario_skip("no /proc");
	return p;
}

/* What `who` says in words about `port` of the namespace. */
static const char *ask_who(const struct peer *space, const char *source, const char *port)
{
	static char out[8192];
	char netns[24];
	const char *const args[] = {"who", port, "--hooks", source, "--netns", netns, NULL};
	struct run run;

	snprintf(netns, sizeof(netns), "%llu", (unsigned long long)space->netns);
	run_begin(&run, args);
	if (run_end(&run, out, sizeof(out)))
		scenario_fail("who, %s: it said: %s", source, run.words);
	return out;
}

/* ---- the kernel's own ---- */

#define VXLAN_PORT 24789

static void do_add_vxlan(struct call *c)
{
	c->result = netlink_vxlan_add("sw-vx0", VXLAN_PORT);
	if (c->result == 0 && c->arg[0])
		c->result = netlink_link_up("sw-vx0");
	c->error = errno;
}

static struct peer *namespace_with_vxlan(bool up)
{
	struct call c = {.arg = {up}};
	struct peer *p = own_namespace("sw-ip");

	peer_call(p, do_add_vxlan, &c);
	if (c.result < 0 && (c.error == EOPNOTSUPP || c.error == ENODEV))
		scenario_skip("no VXLAN in this kernel");
	must("a VXLAN interface", c.result < 0 ? -c.error : 0);
	return p;
}

static void kernel_socket(void)
{
	struct peer *p = namespace_with_vxlan(true);

	for (size_t i = 0; i < SOURCES; i++) {
		const char *words = ask_who(p, sources[i], "udp/24789");
		const struct row *r;

		listed_take(&ls, sources[i], p->netns);
		r = listed_find(&ls, "udp", NULL, VXLAN_PORT);
		if (!r)
			scenario_fail("%s: the socket is missing", sources[i]);
		if (r->process.known || r->holders)
			scenario_fail("%s: process %u, %u holders; nobody has it", sources[i],
				      r->process.pid, r->holders);
		if (!r->kernel || strcmp(r->device, "sw-vx0") != 0)
			scenario_fail("%s: kernel %d, device \"%s\"", sources[i], r->kernel,
				      r->device);
		if (!strstr(words, "the kernel itself") || !strstr(words, "sw-vx0"))
			scenario_fail("%s: who says %s", sources[i], words);
	}
}

static void do_bind_datagram(struct call *c)
{
	c->result = socket(AF_INET, SOCK_DGRAM, 0);
	if (c->result >= 0 &&
	    bind((int)c->result, (const struct sockaddr *)&c->addr, c->addr_len) < 0)
		c->result = -1;
	c->error = errno;
}

/* While an interface is down its port is anybody's. */
static void port_of_a_device(void)
{
	struct peer *p = namespace_with_vxlan(false);
	struct address at = address_of("0.0.0.0", VXLAN_PORT);
	struct call c = {.addr = at.ss, .addr_len = at.len};
	const struct row *r;

	peer_call(p, do_bind_datagram, &c);
	must("bind", c.result < 0 ? -c.error : 0);
	for (size_t i = 0; i < SOURCES; i++) {
		listed_take(&ls, sources[i], p->netns);
		r = listed_find(&ls, "udp", NULL, VXLAN_PORT);
		if (!r || r->kernel || r->process.pid != (uint32_t)p->pid)
			scenario_fail("%s: must be %d's alone", sources[i], p->pid);
	}
}

static void do_set_down(struct call *c)
{
	c->result = netlink_link_down("sw-vx0");
	c->error = errno;
}

/* bind() of the port fails; the line of `t` that says so, with one holder. */
static const struct line *refused(struct tracer *t, struct peer *p)
{
	int fd = (int)must("socket", remote_protocol_socket(p, AF_INET, IPPROTO_UDP));
	uint64_t cookie = remote_cookie(p, fd);
	const struct line *l;
	int err = remote_bind(p, fd, address_of("0.0.0.0", VXLAN_PORT));

	if (err != -EADDRINUSE)
		scenario_fail("bind gave %d", err);
	l = expect_line(t, cookie, LINE_BIND, NULL);
	if (l->holder_count != 1) {
		scenario_show(l);
		scenario_fail("%u holders, must be one", l->holder_count);
	}
	return l;
}

static void check_kernel_holds(struct tracer *t, struct peer *p)
{
	const struct line *l = refused(t, p);

	if (!l->holder.known && strstr(l->text, "\"kernel\":true,\"device\":\"sw-vx0\"") &&
	    !strstr(l->text, "holders_as_of"))
		return;
	scenario_show(l);
	scenario_fail("the holder must be the kernel, for sw-vx0");
}

/* Whoever finds such a port taken must not look for a process, nor for the one that set the device up. */
static void kernel_in_the_way(void)
{
	static const char *const none[] = {NULL};
	struct tracer *before = tracer_shared();
	struct peer *p = namespace_with_vxlan(true), *holder = peer_fork(p, "sw-udp");
	struct call c = {0};
	const struct line *l;
	int fd;

	check_kernel_holds(before, p);
	check_kernel_holds(tracer_open(none), p);
	peer_call(p, do_set_down, &c);
	must("link down", c.result < 0 ? -c.error : 0);
	fd = (int)must("socket", remote_protocol_socket(holder, AF_INET, IPPROTO_UDP));
	must("bind", remote_bind(holder, fd, address_of("0.0.0.0", VXLAN_PORT)));
	l = refused(before, p);
	if (l->holder.pid != (uint32_t)holder->pid) {
		scenario_show(l);
		scenario_fail("the holder must be %d: the device is down", holder->pid);
	}
}

/* ---- in the table of a ring ---- */

#define RING_FILES 100

/* A listener on 127.0.0.1:0 in slot arg[0] of a ring, its descriptor closed; the port.  arg[1]: afterwards whether /proc tells. */
static void do_register(struct call *c)
{
	struct sockaddr_storage at = address_of("127.0.0.1", 0).ss;
	struct io_uring_params params = {0};
	int files[RING_FILES], fd = socket(AF_INET, SOCK_STREAM, 0);
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
	socklen_t len = sizeof(struct sockaddr_in);
	char path[64], text[8192];
	ssize_t n;

	memset(files, -1, sizeof(files));
	files[c->arg[0]] = fd;
	c->result = -1;
	if (ring < 0 || fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 4) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0 ||
	    syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, files, RING_FILES) < 0) {
		c->error = errno;
		return;
	}
	close(fd);
	c->result = ntohs(((struct sockaddr_in *)&at)->sin_port);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ring);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	c->arg[1] = strstr(text, "socket:[") != NULL;
	close(fd);
}

static void in_a_ring(long slot)
{
	static const char *const none[] = {NULL};
	struct peer *p = own_namespace("sw-ring");
	struct call c = {.arg = {slot}};
	const struct line *l;
	struct tracer *t;
	uint64_t cookie = 0;

	peer_call(p, do_register, &c);
	if (c.result < 0 && (c.error == ENOSYS || c.error == EPERM || c.error == ENOMEM))
		scenario_skip("no io_uring: %s", strerror(c.error));
	must("register", c.result < 0 ? -c.error : 0);
	for (size_t i = 0; i < SOURCES; i++) {
		bool told = i == 0 ? listed_has_iterators() || tracer_btf : c.arg[1];
		const struct row *r;

		listed_take(&ls, sources[i], p->netns);
		r = listed_find(&ls, "tcp", "LISTEN", (unsigned int)c.result);
		if (!r)
			scenario_fail("%s: the listener is missing", sources[i]);
		cookie = i == 0 ? r->cookie : cookie;
		if (!told && (r->process.known || r->holders))
			scenario_fail("%s: nobody can know, but it says %u", sources[i],
				      r->process.pid);
		if (told && (r->process.pid != (uint32_t)p->pid || r->holders != 1))
			scenario_fail("%s: owned by %u with %u holders, must be %d", sources[i],
				      r->process.pid, r->holders, p->pid);
	}
	t = tracer_open(none);
	peer_end(p, SIGKILL);
	l = expect_line(t, cookie, LINE_CLOSE, NULL);
	if (!l->process.known || l->process.pid != (uint32_t)p->pid)
		scenario_fail("trace: closed by %u, must be %d", l->process.pid, p->pid);
}

static void in_a_ring_first(void)
{
	in_a_ring(0);
}

/* Further than one run of a program looks. */
static void in_a_ring_last(void)
{
	in_a_ring(RING_FILES - 1);
}

/* ---- in a queue ---- */

static int listen_on(struct peer *p, unsigned int port, bool share)
{
	int fd = (int)must("socket", remote_socket(p, AF_INET, SOCK_NONBLOCK));

	if (share)
		must("SO_REUSEPORT", remote_option(p, fd, SOL_SOCKET, SO_REUSEPORT, 1));
	must("bind", remote_bind(p, fd, address_of("0.0.0.0", port)));
	must("listen", remote_listen(p, fd, 128));
	return fd;
}

#define QUEUE_PORT  23080
#define CONNECTIONS 100 /* more than a run of a program reads */

static const struct row *find_child(unsigned int peer_port)
{
	for (unsigned int i = 0; i < ls.count; i++) {
		const struct row *r = &ls.row[i];

		if (r->peer.port == peer_port && r->local.port == QUEUE_PORT)
			return r;
	}
	scenario_fail("the connection from port %u is missing", peer_port);
}

/* Each belongs to the process in whose queue it is: who accepts it then, says so. */
static void shared_port(void)
{
	struct peer *one = own_namespace("sw-one"), *two = peer_fork(one, "sw-two");
	struct peer *both[] = {one, two}, *client = peer_fork(one, "sw-client");
	int listener[2];
	unsigned int accepted = 0;

	for (size_t i = 0; i < 2; i++)
		listener[i] = listen_on(both[i], QUEUE_PORT, true);
	for (int i = 0; i < CONNECTIONS; i++) {
		int fd = (int)must("socket", remote_socket(client, AF_INET, 0));

		must("connect", remote_connect(client, fd, address_of("127.0.0.1", QUEUE_PORT)));
	}
	listed_take(&ls, "auto", one->netns);
	for (size_t i = 0; i < 2; i++) {
		int fd;

		while ((fd = remote_accept(both[i], listener[i], ACCEPT_ADDRESS)) >= 0) {
			struct address from = remote_peer(both[i], fd);
			const struct row *r = find_child(address_port(&from));

			accepted++;
			if (listed_has_iterators() && r->process.pid != (uint32_t)both[i]->pid)
				scenario_fail("owned by %u, accepted by %d", r->process.pid,
					      both[i]->pid);
		}
	}
	if (accepted != CONNECTIONS)
		scenario_fail("%u of %d accepted", accepted, CONNECTIONS);
}

/* Every new connection of the caller's namespace goes to listener arg[0], whatever port it asks for. */
static void do_steer(struct call *c)
{
	union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4, .value_size = 8, .max_entries = 1};
	/* Before 5.11 maps and programs are charged to this limit. */
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	int map_fd = setrlimit(RLIMIT_MEMLOCK, &unlimited)
			     ? -1
			     : (int)syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof(map));
	uint64_t value = (uint64_t)c->arg[0];
	uint32_t key = 0;
	union bpf_attr put = {
		.map_fd = (uint32_t)map_fd, .key = (uintptr_t)&key, .value = (uintptr_t)&value};
	const struct bpf_insn program[] = {
		{0xbf, 6, 1, 0, 0},   /* r6 = the context */
		{0x62, 10, 0, -4, 0}, /* the key */
		{0xbf, 2, 10, 0, 0},
		{0x07, 2, 0, 0, -4},
		{0x18, 1, 1, 0, map_fd}, /* r1 = the map, in two */
		{0, 0, 0, 0, 0},
		{0x85, 0, 0, 0, BPF_FUNC_map_lookup_elem},
		{0x15, 0, 0, 7, 0}, /* no listener there: let it pass */
		{0xbf, 7, 0, 0, 0},
		{0xbf, 1, 6, 0, 0},
		{0xbf, 2, 7, 0, 0},
		{0xb7, 3, 0, 0, 0},
		{0x85, 0, 0, 0, BPF_FUNC_sk_assign},
		{0xbf, 1, 7, 0, 0},
		{0x85, 0, 0, 0, BPF_FUNC_sk_release},
		{0xb7, 0, 0, 0, 1},
		{0x95, 0, 0, 0, 0},
	};
	union bpf_attr load = {.prog_type = BPF_PROG_TYPE_SK_LOOKUP,
			       .expected_attach_type = BPF_SK_LOOKUP,
			       .insn_cnt = sizeof(program) / sizeof(program[0]),
			       .insns = (uintptr_t)program,
			       .license = (uintptr_t) "GPL"};
	union bpf_attr attach = {0};

	c->result = map_fd;
	if (c->result >= 0)
		c->result = syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &put, sizeof(put));
	if (c->result >= 0)
		c->result = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	attach.link_create.prog_fd = (uint32_t)c->result;
	attach.link_create.target_fd = (uint32_t)open("/proc/self/ns/net", O_RDONLY);
	attach.link_create.attach_type = BPF_SK_LOOKUP;
	if (c->result >= 0)
		c->result = syscall(SYS_bpf, BPF_LINK_CREATE, &attach, sizeof(attach));
	c->error = errno;
}

/* Whatever the trace says of a connection, it is not somebody's who merely has the port. */
static void check_trace(struct tracer *t, struct peer *proxy, int child)
{
	uint64_t cookie = remote_cookie(proxy, child);
	unsigned int lines = 0;

	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		lines += l->cookie == cookie;
		if (l->cookie != cookie || !l->process.known ||
		    l->process.pid == (uint32_t)proxy->pid)
			continue;
		scenario_show(l);
		scenario_fail("a line of %d's connection names %u", proxy->pid, l->process.pid);
	}
	if (!lines)
		scenario_fail("the trace says nothing");
}

/* A program leads connections for a port to a proxy elsewhere, beside a listener that has the port. */
static void steered(void)
{
	struct tracer *t = tracer_shared();
	struct peer *proxy = own_namespace("sw-proxy"), *other = peer_fork(proxy, "sw-other");
	int to = listen_on(proxy, QUEUE_PORT + 1, false), fd;
	struct call c = {.arg = {to}};
	const char *port = "tcp/23080", *words;
	struct address from;
	const struct row *r;

	listen_on(other, QUEUE_PORT, false);
	peer_call(proxy, do_steer, &c);
	if (c.result < 0)
		scenario_skip("no sk_lookup program: %s", strerror(c.error));
	fd = (int)must("socket", remote_socket(other, AF_INET, 0));
	must("connect", remote_connect(other, fd, address_of("127.0.0.1", QUEUE_PORT)));
	from = remote_local(other, fd);
	for (size_t i = 0; i < SOURCES; i++) {
		listed_take(&ls, sources[i], proxy->netns);
		r = find_child(address_port(&from));
		if (r->process.known ? r->process.pid != (uint32_t)proxy->pid
				     : i == 0 && listed_has_iterators())
			scenario_fail("%s: it waits in the queue of %d, but is said to be %u's",
				      sources[i], proxy->pid, r->process.pid);
		if (r->binder.known && r->binder.pid != (uint32_t)proxy->pid)
			scenario_fail("%s: bound by %u", sources[i], r->binder.pid);
	}
	check_trace(t, proxy, (int)must("accept", remote_accept(proxy, to, ACCEPT_ADDRESS)));
	for (size_t i = 0; i < SOURCES; i++) {
		listed_take(&ls, sources[i], proxy->netns);
		r = find_child(address_port(&from));
		if (r->process.pid != (uint32_t)proxy->pid)
			scenario_fail("%s: accepted by %d, but is said to be %u's", sources[i],
				      proxy->pid, r->process.pid);
		if (r->binder.known && r->binder.pid != (uint32_t)proxy->pid)
			scenario_fail("%s: bound by %u", sources[i], r->binder.pid);
		words = ask_who(proxy, sources[i], port);
		if (strstr(words, "served by"))
			scenario_fail("%s: who says %s", sources[i], words);
	}
}

const struct scenario unheld_scenarios[] = {
	{"unheld-kernel", kernel_socket},
	{"unheld-port-of-a-device", port_of_a_device},
	{"unheld-kernel-in-the-way", kernel_in_the_way},
	{"unheld-ring", in_a_ring_first},
	{"unheld-ring-last-slot", in_a_ring_last},
	{"unheld-queue-shared-port", shared_port},
	{"unheld-queue-steered", steered},
	{0},
};
