// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that the kernel makes for itself: whichever process asked it to, they are nobody's. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "expect.h"
#include "listed.h"
#include "module.h"
#include "netlink.h"
#include "remote.h"
#include "scenario.h"
#include "tracer.h"

static struct listed ls;

static const char *const sources[] = {"auto", "proc"};
#define SOURCES (sizeof(sources) / sizeof(sources[0]))

/* ---- tunnels ---- */

#define TUNNEL "sw-tun0"

static const char *kind;  /* of the tunnel */
static unsigned int port; /* that it receives at */

static void do_add_tunnel(struct call *c)
{
	c->result = netlink_tunnel_add(TUNNEL, c->text, (unsigned int)c->arg[1]);
	if (c->result == 0 && c->arg[0])
		c->result = netlink_link_up(TUNNEL);
	c->error = errno;
}

static void find_port(struct peer *p)
{
	listed_take_proc(&ls, p->pid);
	for (unsigned int i = 0; i < ls.count; i++) {
		if (strcmp(ls.row[i].proto, "udp") == 0)
			port = ls.row[i].local.port;
	}
}

/* In a namespace of its own, made by the process that is returned. */
static struct peer *tunnel_new(const char *wanted, bool up)
{
	struct call c = {.arg = {up, 24789}};
	struct peer *p = peer_start("sw-ip");

	kind = wanted;
	port = 24789;
	remote_own_netns(p);
	if (!p->netns)
		scenario_skip("no /proc");
	strcpy(c.text, kind);
	module_load(kind);
	peer_call(p, do_add_tunnel, &c);
	if (c.result < 0 && (c.error == EOPNOTSUPP || c.error == ENODEV))
		scenario_skip("no %s in this kernel", kind);
	must("an interface", c.result < 0 ? -c.error : 0);
	if (strcmp(kind, "wireguard") == 0)
		find_port(p);
	return p;
}

static void check_listed(const struct peer *p, const char *source)
{
	unsigned int count = 0;

	listed_take(&ls, source, p->netns);
	for (unsigned int i = 0; i < ls.count; i++) {
		const struct row *r = &ls.row[i];

		if (strcmp(r->proto, "udp") != 0 || r->local.port != port)
			continue;
		count++;
		if (r->process.known || r->holders)
			scenario_fail("%s: process %u, %u holders; nobody has it", source,
				      r->process.pid, r->holders);
		if (!r->kernel || strcmp(r->device, TUNNEL) != 0)
			scenario_fail("%s: kernel %d, device \"%s\"", source, r->kernel, r->device);
	}
	if (!count)
		scenario_fail("%s: the socket is missing", source);
}

static void check_tunnel(const char *wanted)
{
	struct peer *p = tunnel_new(wanted, true);
	char asked[16];

	snprintf(asked, sizeof(asked), "udp/%u", port);
	for (size_t i = 0; i < SOURCES; i++) {
		const char *words = listed_who(sources[i], p->netns, asked);

		check_listed(p, sources[i]);
		if (!strstr(words, "the kernel itself") || !strstr(words, TUNNEL))
			scenario_fail("%s: who says %s", sources[i], words);
	}
}

static void vxlan(void)
{
	check_tunnel("vxlan");
}

static void geneve(void)
{
	check_tunnel("geneve");
}

static void wireguard(void)
{
	check_tunnel("wireguard");
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
	struct peer *p = tunnel_new("vxlan", false);
	struct address at = address_of("0.0.0.0", port);
	struct call c = {.addr = at.ss, .addr_len = at.len};
	const struct row *r;

	peer_call(p, do_bind_datagram, &c);
	must("bind", c.result < 0 ? -c.error : 0);
	for (size_t i = 0; i < SOURCES; i++) {
		listed_take(&ls, sources[i], p->netns);
		r = listed_find(&ls, "udp", NULL, port);
		if (!r || r->kernel || r->process.pid != (uint32_t)p->pid)
			scenario_fail("%s: must be %d's alone", sources[i], p->pid);
	}
}

static void do_set_down(struct call *c)
{
	c->result = netlink_link_down(TUNNEL);
	c->error = errno;
}

/* bind() of the port fails, by a process of its own, as the same failure again is only counted; the line that says so. */
static const struct line *refused(struct tracer *t, struct peer *origin)
{
	const struct line *l = NULL;

	for (int i = 0; !l || expect_older(l, i); i++) {
		struct peer *p = peer_fork(origin, "sw-late");
		int fd = (int)must("socket", remote_protocol_socket(p, AF_INET, IPPROTO_UDP));
		uint64_t cookie = remote_cookie(p, fd);
		int err = remote_bind(p, fd, address_of("0.0.0.0", port));

		if (err != -EADDRINUSE)
			scenario_fail("bind gave %d", err);
		l = expect_line(t, cookie, LINE_BIND, NULL);
	}
	return l;
}

static void check_kernel_holds(const char *which, struct tracer *t, struct peer *p)
{
	const struct line *l = refused(t, p);

	if (l->holder_count == 1 && !l->holder.known &&
	    strstr(l->text, "\"kernel\":true,\"device\":\"" TUNNEL "\"") &&
	    !strstr(l->text, "\"holders_as_of\""))
		return;
	scenario_show(l);
	scenario_fail("%s: the holder must be the kernel, for " TUNNEL, which);
}

/*
 * Whoever finds such a port taken must not look for a process, nor for the one that set the device up.  `seeded`: nor in a trace
 * that begins later.
 */
static void check_in_the_way(const char *wanted, bool seeded)
{
	static const char *const none[] = {NULL};
	struct tracer *before = tracer_shared();
	struct peer *p = tunnel_new(wanted, true), *holder = peer_fork(p, "sw-udp");
	struct call c = {0};
	const struct line *l;
	int fd;

	check_kernel_holds("traced from before", before, p);
	if (seeded)
		check_kernel_holds("seeded", tracer_open(none), p);
	peer_call(p, do_set_down, &c);
	must("link down", c.result < 0 ? -c.error : 0);
	fd = (int)must("socket", remote_protocol_socket(holder, AF_INET, IPPROTO_UDP));
	must("bind", remote_bind(holder, fd, address_of("0.0.0.0", port)));
	l = refused(before, p);
	if (l->holder_count != 1 || l->holder.pid != (uint32_t)holder->pid) {
		scenario_show(l);
		scenario_fail("the holder must be %d: the device is down", holder->pid);
	}
}

static void vxlan_in_the_way(void)
{
	check_in_the_way("vxlan", true);
}

static void geneve_in_the_way(void)
{
	check_in_the_way("geneve", false);
}

static void wireguard_in_the_way(void)
{
	check_in_the_way("wireguard", false);
}

/* ---- file systems ---- */

#define NFS_PORT 24048

/* Asks for a mount that never comes about: the server does not answer. */
static void do_mount(struct call *c)
{
	c->result = mount("127.0.0.1:/nothing", "/tmp", "nfs", MS_RDONLY,
			  "addr=127.0.0.1,vers=3,proto=tcp,nolock,soft,mountvers=3,"
			  "mountproto=tcp,mountport=24048");
	c->error = errno;
}

/* No line of the connection, the mount's end, names a process; its first one is that of connect(). */
static void check_mount_traced(struct tracer *t, const struct address *local)
{
	unsigned int port_of_mount = address_port(local), lines = 0;

	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		if (l->local.port != port_of_mount || strcmp(l->proto, "tcp") != 0)
			continue;
		lines++;
		if (!l->process.known && strstr(l->text, "\"process\":null,\"kernel\":true"))
			continue;
		scenario_show(l);
		scenario_fail("a line of the mount's connection names somebody");
	}
	if (lines < 3) /* bind, connect, state */
		scenario_fail("%u lines of the mount's connection", lines);
}

static void check_mount_listed(const struct peer *p, const struct address *local)
{
	for (size_t i = 0; i < SOURCES; i++) {
		const struct row *r;

		listed_take(&ls, sources[i], p->netns);
		r = listed_find(&ls, "tcp", "ESTABLISHED", address_port(local));
		if (!r)
			scenario_fail("%s: the mount's connection is missing", sources[i]);
		/* /proc does not tell the kernel's sockets from those whose descriptors are hidden. */
		if (r->process.known || r->holders ||
		    (i == 0 && listed_has_iterators() && !r->kernel))
			scenario_fail("%s: process %u, %u holders, kernel %d", sources[i],
				      r->process.pid, r->holders, r->kernel);
	}
}

/* The process that asks for the mount waits, so it can be told from the kernel that connects. */
static void nfs(void)
{
	struct tracer *t = tracer_shared();
	struct peer *server = peer_start("sw-server"), *mounter;
	uint64_t deadline = deadline_in(2000);
	struct call c = {0};
	struct address from;
	int fd;

	remote_own_netns(server);
	if (!server->netns)
		scenario_skip("no /proc");
	mounter = peer_fork(server, "sw-mount");
	module_load("nfsv3");
	fd = (int)must("socket", remote_socket(server, AF_INET, 0));
	must("bind", remote_bind(server, fd, address_of("127.0.0.1", NFS_PORT)));
	must("listen", remote_listen(server, fd, 4));
	peer_begin(mounter, do_mount, &c);
	while (!remote_wait(server, fd, POLLIN, 10)) {
		if (peer_poll(mounter, &c, 1))
			scenario_skip("no NFS in this kernel: %s", strerror(c.error));
		if (!deadline_left(deadline))
			scenario_fail("the mount does not connect");
	}
	fd = (int)must("accept", remote_accept(server, fd, ACCEPT_ADDRESS));
	from = remote_peer(server, fd);
	check_mount_listed(server, &from);
	check_mount_traced(t, &from);
	peer_end(mounter, SIGKILL);
}

/* ---- a server of files ---- */

#define NFSD_AT	  "/tmp/sw-nfsd"
#define NFSD_PORT 2049

static bool tell_nfsd(const char *path, const char *words)
{
	FILE *file = fopen(path, "we");

	return file && fputs(words, file) >= 0 && fclose(file) == 0;
}

/* Of version 4 no portmapper needs to know. */
static void do_serve_nfs(struct call *c)
{
	errno = 0;
	mkdir(NFSD_AT, 0700);
	c->result = unshare(CLONE_NEWNS) == 0 &&
				    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
				    mount("nfsd", NFSD_AT, "nfsd", 0, NULL) == 0 &&
				    tell_nfsd(NFSD_AT "/versions", "-2 -3 +4\n") &&
				    tell_nfsd(NFSD_AT "/portlist", "tcp 2049\n")
			    ? 0
			    : -1;
	c->error = errno;
}

static void do_end_nfs(struct call *c)
{
	c->result = tell_nfsd(NFSD_AT "/threads", "0\n") ? 0 : -1;
	c->error = errno;
	umount(NFSD_AT);
	rmdir(NFSD_AT);
}

static void check_served_listed(const struct peer *p)
{
	for (size_t i = 0; i < SOURCES; i++) {
		listed_take(&ls, sources[i], p->netns);
		if (!listed_find(&ls, "tcp", "LISTEN", NFSD_PORT))
			scenario_fail("%s: the server's socket is missing", sources[i]);
		for (unsigned int j = 0; j < ls.count; j++) {
			const struct row *r = &ls.row[j];

			if (r->process.known || r->holders ||
			    (i == 0 && listed_has_iterators() && !r->kernel))
				scenario_fail("%s: %s port %u: process %u, %u holders, kernel %d",
					      sources[i], r->proto, r->local.port, r->process.pid,
					      r->holders, r->kernel);
		}
	}
	if (listed_has_iterators() && !strstr(listed_who("auto", p->netns, "2049"), "kernel"))
		scenario_fail("who says: %s", listed_who("auto", p->netns, "2049"));
}

static void nfsd(void)
{
	struct tracer *t = tracer_shared();
	struct peer *server = peer_start("sw-nfsd");
	struct call c = {0};

	remote_own_netns(server);
	if (!server->netns)
		scenario_skip("no /proc");
	module_load("nfsd");
	peer_call(server, do_serve_nfs, &c);
	if (c.result < 0)
		scenario_skip("no NFS server in this kernel: %s", strerror(c.error));
	check_served_listed(server);
	tracer_fence(t);
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		/* A namespace that ended may have had this number, and a late line of it come. */
		if (l->netns == server->netns && l->local.port == NFSD_PORT && l->process.known) {
			scenario_show(l);
			scenario_fail("a line of the server's sockets names somebody");
		}
	}
	peer_call(server, do_end_nfs, &c);
	if (c.result < 0)
		scenario_fail("the server does not end: %s", strerror(c.error));
}

const struct scenario kernel_scenarios[] = {
	{"kernel-vxlan", vxlan},
	{"kernel-geneve", geneve},
	{"kernel-wireguard", wireguard},
	{"kernel-port-of-a-device", port_of_a_device},
	{"kernel-vxlan-in-the-way", vxlan_in_the_way},
	{"kernel-geneve-in-the-way", geneve_in_the_way},
	{"kernel-wireguard-in-the-way", wireguard_in_the_way},
	{"kernel-nfs", nfs},
	{"kernel-nfsd", nfsd},
	{0},
};
