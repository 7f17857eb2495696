// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot_proc.c - one look at every socket without BPF: sock_diag in each namespace, then /proc/PID/fd, joined by inode.
 *
 * It cannot tell who made a socket, and of TCP sockets that are only bound sees none before Linux 6.8.  What sock_diag does not
 * tell, for want of a module, /proc/net does, without cookies.
 */
#include "snapshot_private.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAG_BYTES (128u << 10)

struct walk {
	struct listing *listing;
	uint32_t netns;
	char *buffer;
};

static const struct {
	uint16_t protocol;
	bool always; /* every kernel has it; the others may be absent */
} diags[] = {
	{IPPROTO_TCP, true},   {IPPROTO_UDP, true},    {IPPROTO_UDPLITE, false},
	{IPPROTO_RAW, false},  {IPPROTO_SCTP, false},  {IPPROTO_MPTCP, false},
	{IPPROTO_ICMP, false}, {IPPROTO_ICMPV6, false},
};

uint8_t snapshot_flags_without_inode(const struct listing_socket *s)
{
	return s->state == STATE_ESTABLISHED || s->state == STATE_CLOSE_WAIT ||
			       s->state == STATE_SYN_RECV
		       ? LISTING_QUEUED
		       : LISTING_DEAD;
}

static void take(struct walk *w, uint16_t protocol, const struct inet_diag_msg *m)
{
	struct listing_socket s = {
		.key = m->idiag_inode,
		.sk = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0],
		.netns = w->netns,
		.receive = m->idiag_rqueue,
		.send = m->idiag_wqueue,
		.protocol = protocol,
		.family = m->idiag_family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.state = m->idiag_state < STATES ? m->idiag_state : STATE_CLOSE,
	};
	size_t len = s.family == FAMILY_IPV6 ? 16 : 4;

	s.cookie = s.sk;
	memcpy(s.local.addr, m->id.idiag_src, len);
	memcpy(s.peer.addr, m->id.idiag_dst, len);
	s.local.port = ntohs(m->id.idiag_sport);
	s.peer.port = ntohs(m->id.idiag_dport);
	s.local.ifindex = s.peer.ifindex = m->id.idiag_if;
	s.mapped = s.family == FAMILY_IPV6 &&
		   (inet_is_mapped(s.peer.addr) || inet_is_mapped(s.local.addr));
	if (s.state == STATE_LISTEN) {
		s.backlog = s.send;
		s.send = 0;
	}
	if (s.state == STATE_NEW_SYN_RECV)
		s.state = STATE_SYN_RECV;
	if (!s.key)
		s.flags = snapshot_flags_without_inode(&s);
	listing_add_loose(w->listing, &s);
}

/* A protocol without its module ends its dump at once, with -ENOENT. */
static int end_of_dump(const struct nlmsghdr *h)
{
	int err = 0;

	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
		memcpy(&err, NLMSG_DATA(h), sizeof(err));
	return err < 0 ? err : 0;
}

static int receive(struct walk *w, int fd, uint16_t protocol)
{
	for (;;) {
		ssize_t n = recv(fd, w->buffer, DIAG_BYTES, 0);
		struct nlmsghdr *h = (struct nlmsghdr *)w->buffer;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return end_of_dump(h);
			if (h->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
			if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
				take(w, protocol, NLMSG_DATA(h));
		}
	}
}

static int dump(struct walk *w, int fd, uint8_t family, uint16_t protocol)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
		struct nlattr attribute;
		uint32_t protocol;
	} message = {
		.header = {.nlmsg_len = sizeof(message),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.request = {.sdiag_family = family,
			    .sdiag_protocol = (uint8_t)(protocol > 255 ? 0 : protocol),
			    .idiag_states = ~0u},
		.attribute = {.nla_len = 8, .nla_type = INET_DIAG_REQ_PROTOCOL},
		.protocol = protocol,
	};

	if (protocol <= 255)
		message.header.nlmsg_len = NLMSG_LENGTH(sizeof(message.request));
	if (send(fd, &message, message.header.nlmsg_len, 0) < 0)
		return -errno;
	return receive(w, fd, protocol);
}

static int visit(void *ctx)
{
	struct walk *w = ctx;
	int err = 0, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return -errno;
	w->netns = snapshot_note_netns(w->listing);
	for (size_t i = 0; i < 2 * sizeof(diags) / sizeof(diags[0]) && !err; i++) {
		const uint16_t protocol = diags[i / 2].protocol;
		bool v6 = i % 2;

		/* No kernel tells ICMP; of others the module may not be there, nor be loaded. */
		err = protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6
			      ? -ENOENT
			      : dump(w, fd, v6 ? AF_INET6 : AF_INET, protocol);
		if (err == -ENOENT)
			err = snapshot_read_net(w->listing, w->netns, protocol, v6);
		if (err && (!diags[i / 2].always || (err == -ENOENT && v6)))
			err = 0;
	}
	close(fd);
	return err;
}

/* ---- descriptors ---- */

static uint32_t add_task(struct listing *l, uint32_t pid)
{
	struct listing_task task = {.process = {.pid = pid, .tid = pid}};
	struct procinfo info;

	if (procinfo_read(pid, &info) < 0)
		return LISTING_NONE;
	task.process.uid = info.uid;
	task.process.ruid = info.ruid;
	memcpy(task.process.name, info.name, sizeof(info.name));
	task.parent = info.parent;
	task.started_ns = info.started_ns;
	procinfo_done(&info);
	return listing_add_task(l, &task);
}

static void take_descriptor(struct listing *l, uint32_t pid, uint32_t *task, int fds,
			    const char *name)
{
	char target[64];
	ssize_t n = readlinkat(fds, name, target, sizeof(target) - 1);
	unsigned long long inode;
	uint32_t index;

	if (n <= 0)
		return; /* closed meanwhile */
	target[n] = '\0';
	if (sscanf(target, "socket:[%llu]", &inode) != 1)
		return;
	index = listing_find(l, inode, 0);
	if (index == LISTING_NONE)
		return; /* no internet socket */
	if (*task == LISTING_NONE)
		*task = add_task(l, pid);
	if (*task != LISTING_NONE) {
		const struct listing_socket socket = l->sockets[index];

		listing_add_holder(l, *task, (uint32_t)strtoul(name, NULL, 10), false, &socket);
	}
}

/* A process that ends meanwhile just has no more descriptors. */
static void take_process(struct listing *l, uint32_t pid)
{
	uint32_t task = LISTING_NONE;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			take_descriptor(l, pid, &task, dirfd(dir), entry->d_name);
	}
	closedir(dir);
}

int snapshot_walk_proc(struct listing *l, struct netns_unseen *ret_unseen)
{
	static const struct netns_visitor visitor = {.visit = visit};
	struct walk w = {.listing = l, .buffer = malloc(DIAG_BYTES)};
	struct dirent *entry;
	DIR *dir;
	int err;

	if (!w.buffer)
		return -ENOMEM;
	err = netns_each(&visitor, &w, ret_unseen);
	free(w.buffer);
	if (err)
		return err;
	dir = opendir("/proc");
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			take_process(l, (uint32_t)strtoul(entry->d_name, NULL, 10));
	}
	closedir(dir);
	return 0;
}
