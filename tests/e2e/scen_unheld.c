// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that no descriptor leads to: in a ring's table, in a queue. */
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
#include "module.h"
#include "netfilter.h"
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

/* `option` of `level` is set before bind(); 0 none. */
static int listen_at(struct peer *p, struct address at, int level, int option)
{
	int fd = (int)must("socket", remote_socket(p, at.ss.ss_family, SOCK_NONBLOCK));

	if (option)
		must("setsockopt", remote_option(p, fd, level, option, 1));
	must("bind", remote_bind(p, fd, at));
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
		listener[i] = listen_at(both[i], address_of("0.0.0.0", QUEUE_PORT), SOL_SOCKET,
					SO_REUSEPORT);
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

/* Connections for `to` are led to a proxy at `proxy`, beside a listener at `other` that has their port. */
struct way {
	call_fn lead; /* arg[0]: the proxy's listener, text: its address */
	const char *to, *proxy, *other;
	int level, option; /* of the proxy's listener */
};

static void check_queued(const struct peer *proxy, const struct address *from)
{
	for (size_t i = 0; i < SOURCES; i++) {
		const struct row *r;

		listed_take(&ls, sources[i], proxy->netns);
		r = find_child(address_port(from));
		if (r->process.known ? r->process.pid != (uint32_t)proxy->pid
				     : i == 0 && listed_has_iterators())
			scenario_fail("%s: it waits in the queue of %d, but is said to be %u's",
				      sources[i], proxy->pid, r->process.pid);
		if (r->binder.known && r->binder.pid != (uint32_t)proxy->pid)
			scenario_fail("%s: bound by %u", sources[i], r->binder.pid);
	}
}

static void check_accepted(const struct peer *proxy, const struct address *from)
{
	for (size_t i = 0; i < SOURCES; i++) {
		const struct row *r;
		const char *words;

		listed_take(&ls, sources[i], proxy->netns);
		r = find_child(address_port(from));
		if (r->process.pid != (uint32_t)proxy->pid)
			scenario_fail("%s: accepted by %d, but is said to be %u's", sources[i],
				      proxy->pid, r->process.pid);
		if (r->binder.known && r->binder.pid != (uint32_t)proxy->pid)
			scenario_fail("%s: bound by %u", sources[i], r->binder.pid);
		words = listed_who(sources[i], proxy->netns, "tcp/23080");
		if (strstr(words, "served by"))
			scenario_fail("%s: who says %s", sources[i], words);
	}
}

static void check_led(const struct way *w)
{
	struct tracer *t = tracer_shared();
	struct peer *proxy = own_namespace("sw-proxy"), *other = peer_fork(proxy, "sw-other");
	struct address to = address_of(w->to, QUEUE_PORT), from;
	struct call c;
	int led, fd;

	led = listen_at(proxy, address_of(w->proxy, QUEUE_PORT + 1), w->level, w->option);
	c = (struct call){.arg = {led}};
	strcpy(c.text, w->proxy);
	listen_at(other, address_of(w->other, QUEUE_PORT), 0, 0);
	peer_call(proxy, w->lead, &c);
	if (c.result < 0)
		scenario_skip("the kernel leads no connections so: %s", strerror(c.error));
	fd = (int)must("socket", remote_socket(other, to.ss.ss_family, 0));
	must("connect", remote_connect(other, fd, to));
	from = remote_local(other, fd);
	check_queued(proxy, &from);
	check_trace(t, proxy, (int)must("accept", remote_accept(proxy, led, ACCEPT_ADDRESS)));
	check_accepted(proxy, &from);
}

static void steered(void)
{
	static const struct way way = {do_steer, "127.0.0.1", "0.0.0.0", "0.0.0.0", 0, 0};

	check_led(&way);
}

/* The addresses are nobody's here. */
static void do_tproxy(struct call *c)
{
	bool v6 = strchr(c->text, ':') != NULL;

	c->result = netfilter_tproxy(v6 ? AF_INET6 : AF_INET, QUEUE_PORT, c->text, QUEUE_PORT + 1);
	if (c->result == 0)
		c->result = netlink_route_local(v6 ? "2001:db8::" : "198.51.100.0", v6 ? 32 : 24);
	c->error = errno;
}

static void tproxy(void)
{
	static const struct way ways[] = {
		{do_tproxy, "198.51.100.7", "127.0.0.1", "0.0.0.0", SOL_IP, IP_TRANSPARENT},
		{do_tproxy, "2001:db8::7", "::1", "::", SOL_IPV6, IPV6_TRANSPARENT},
	};

	module_load("nft_tproxy");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		check_led(&ways[i]);
}

const struct scenario unheld_scenarios[] = {
	{"unheld-ring", in_a_ring_first},	   {"unheld-ring-last-slot", in_a_ring_last},
	{"unheld-queue-shared-port", shared_port}, {"unheld-queue-steered", steered},
	{"unheld-queue-tproxy", tproxy},	   {0},
};
