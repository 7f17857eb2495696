// SPDX-License-Identifier: GPL-2.0-only
/*
 * look_proc.c - a look without BPF: sock_diag in each namespace, then /proc/PID/fd, joined by inode.
 *
 * It cannot tell who made a socket, and of TCP sockets that are only bound sees none before Linux 6.8.  What sock_diag does not
 * tell, for want of a module, /proc/net does, without cookies.
 */
#include "look_private.h"
#include "procinfo.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAG_BYTES (128u << 10)

struct diag {
	char buffer[DIAG_BYTES];
};

static const struct {
	uint16_t protocol;
	bool always; /* every kernel has it; the others may be absent */
} diags[] = {
	{IPPROTO_TCP, true},   {IPPROTO_UDP, true},	{IPPROTO_UDPLITE, false},
	{IPPROTO_RAW, false},  {IPPROTO_SCTP, false},	{IPPROTO_MPTCP, false},
	{IPPROTO_ICMP, false}, {IPPROTO_ICMPV6, false},
};

/* What was dropped for the socket of a message of `len` bytes. */
static uint32_t dropped_of(const struct inet_diag_msg *m, size_t len)
{
	const struct rtattr *a = (const struct rtattr *)(m + 1);
	uint32_t values[SK_MEMINFO_DROPS + 1] = {0};

	for (len -= sizeof(*m); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == INET_DIAG_SKMEMINFO && RTA_PAYLOAD(a) >= sizeof(values))
			memcpy(values, RTA_DATA(a), sizeof(values));
	}
	return values[SK_MEMINFO_DROPS];
}

static void take(struct look_reader *r, uint32_t netns, uint16_t protocol,
		 const struct inet_diag_msg *m, size_t size)
{
	struct look_socket s = {
		.key = m->idiag_inode,
		.time_ns = r->time_ns,
		.sk = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0],
		.netns = netns,
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
		s.dropped = dropped_of(m, size);
	}
	if (!s.key)
		s.flags = look_flags_without_inode(&s);
	r->sink->socket(r->sink->ctx, &s, NULL, 0);
}

/* A protocol without its module ends its dump at once, with -ENOENT. */
static int end_of_dump(const struct nlmsghdr *h)
{
	int err = 0;

	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
		memcpy(&err, NLMSG_DATA(h), sizeof(err));
	return err < 0 ? err : 0;
}

static int receive(struct look_reader *r, int fd, uint32_t netns, uint16_t protocol)
{
	struct diag *diag = r->state;

	for (;;) {
		ssize_t n = recv(fd, diag->buffer, DIAG_BYTES, 0);
		struct nlmsghdr *h = (struct nlmsghdr *)diag->buffer;

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
				take(r, netns, protocol, NLMSG_DATA(h),
				     h->nlmsg_len - NLMSG_LENGTH(0));
		}
	}
}

static int dump(struct look_reader *r, int fd, uint32_t netns, uint8_t family, uint16_t protocol)
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
			    .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1),
			    .idiag_states = ~0u},
		.attribute = {.nla_len = 8, .nla_type = INET_DIAG_REQ_PROTOCOL},
		.protocol = protocol,
	};

	if (protocol <= 255)
		message.header.nlmsg_len = NLMSG_LENGTH(sizeof(message.request));
	if (send(fd, &message, message.header.nlmsg_len, 0) < 0)
		return -errno;
	return receive(r, fd, netns, protocol);
}

/* All protocols at once. */
static int each_netns(struct look_reader *r, uint32_t netns, enum look_part part)
{
	int err = 0, fd = part == LOOK_UDP
				  ? -1
				  : socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (part == LOOK_UDP)
		return 0;
	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < 2 * sizeof(diags) / sizeof(diags[0]) && !err; i++) {
		const uint16_t protocol = diags[i / 2].protocol;
		bool v6 = i % 2;

		/* No kernel tells ICMP; of others the module may not be there, nor be loaded. */
		err = protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6
			      ? -ENOENT
			      : dump(r, fd, netns, v6 ? AF_INET6 : AF_INET, protocol);
		if (err == -ENOENT)
			err = look_read_net(r, netns, protocol, v6);
		if (err && (!diags[i / 2].always || (err == -ENOENT && v6)))
			err = 0;
	}
	close(fd);
	return err;
}

/* ---- descriptors ---- */

/* False when the process has ended. */
static bool read_task(uint32_t pid, struct look_task *ret)
{
	struct procinfo info;

	if (procinfo_read(pid, &info) < 0)
		return false;
	*ret = (struct look_task){
		.process = {.pid = pid, .tid = pid, .uid = info.uid, .ruid = info.ruid},
		.parent = info.parent,
		.started_ns = info.started_ns,
	};
	memcpy(ret->process.name, info.name, sizeof(info.name));
	procinfo_done(&info);
	return true;
}

/* The inode is all that a descriptor tells: the sink has seen the rest. */
static void take_descriptor(struct look_reader *r, uint32_t pid, int fds, const char *name)
{
	const struct look_sink *sink = r->sink;
	char target[64];
	ssize_t n = readlinkat(fds, name, target, sizeof(target) - 1);
	struct look_socket s = {.time_ns = r->time_ns};
	unsigned long long inode;

	if (n <= 0)
		return; /* closed meanwhile */
	target[n] = '\0';
	if (sscanf(target, "socket:[%llu]", &inode) != 1 || !sink->known(sink->ctx, inode, 0))
		return; /* no internet socket */
	if (!r->has_task)
		r->has_task = read_task(pid, &r->task);
	s.key = inode;
	if (r->has_task)
		sink->socket(sink->ctx, &s, &r->task, (uint32_t)strtoul(name, NULL, 10));
}

/* A process that ends meanwhile just has no more descriptors. */
static void take_process(struct look_reader *r, uint32_t pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	r->has_task = false;
	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			take_descriptor(r, pid, dirfd(dir), entry->d_name);
	}
	closedir(dir);
}

static int each_task(struct look_reader *r)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			take_process(r, (uint32_t)strtoul(entry->d_name, NULL, 10));
	}
	closedir(dir);
	return 0;
}

static int open_proc(struct look_reader *r, struct kernel_error *error)
{
	(void)error;
	r->state = malloc(sizeof(struct diag));
	return r->state ? 0 : -ENOMEM;
}

static void close_proc(struct look_reader *r)
{
	free(r->state);
	r->state = NULL;
}

const struct look_source look_proc = {
	.name = "sock_diag and /proc",
	.open = open_proc,
	.each_task = each_task,
	.each_netns = each_netns,
	.close = close_proc,
	.tables_first = true,
};
