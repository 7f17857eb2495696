// SPDX-License-Identifier: GPL-2.0-only
/*
 * look_proc.c - a look without BPF: sock_diag in each namespace, then /proc/PID/fd, joined by inode.
 *
 * It cannot tell who made a socket, and of TCP sockets that are only bound sees none before Linux 6.8.  What sock_diag does not
 * tell, for want of a module, /proc/net does, without cookies.
 */
#include "look_dump.h"
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

static const struct {
	uint16_t protocol;
	bool always; /* every kernel has it; the others may be absent */
} diags[] = {
	{IPPROTO_TCP, true},   {IPPROTO_UDP, true},	{IPPROTO_UDPLITE, false},
	{IPPROTO_RAW, false},  {IPPROTO_SCTP, false},	{IPPROTO_MPTCP, false},
	{IPPROTO_ICMP, false}, {IPPROTO_ICMPV6, false},
};

/*
 * What the message says beside its fixed part: WIRE_O_V6ONLY or WIRE_O_V4_TOO, which the kernel tells of what listens or is not
 * connected (else 0), and what was dropped.
 */
static void read_attributes(const struct nlmsghdr *h, uint8_t *ret_v6only, uint32_t *ret_dropped)
{
	size_t left = h->nlmsg_len - NLMSG_LENGTH(sizeof(struct inet_diag_msg));
	const struct rtattr *a = (const void *)((const char *)NLMSG_DATA(h) +
						NLMSG_ALIGN(sizeof(struct inet_diag_msg)));
	uint32_t memory[SK_MEMINFO_DROPS + 1];

	*ret_v6only = 0;
	*ret_dropped = 0;
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == INET_DIAG_SKV6ONLY && RTA_PAYLOAD(a) >= 1)
			*ret_v6only = *(const uint8_t *)RTA_DATA(a) ? WIRE_O_V6ONLY : WIRE_O_V4_TOO;
		if (a->rta_type == INET_DIAG_SKMEMINFO && RTA_PAYLOAD(a) >= sizeof(memory)) {
			memcpy(memory, RTA_DATA(a), sizeof(memory));
			*ret_dropped = memory[SK_MEMINFO_DROPS];
		}
	}
}

static void take(struct look_reader *r, const struct look_dump *d, const void *message)
{
	const struct nlmsghdr *h = message;
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	struct look_socket s = {
		.key = m->idiag_inode,
		.time_ns = r->time_ns,
		.sk = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0],
		.netns = d->netns,
		.receive = m->idiag_rqueue,
		.send = m->idiag_wqueue,
		.uid = m->idiag_inode ? m->idiag_uid : INET_NO_UID,
		.protocol = d->protocol,
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
	read_attributes(h, &s.options, &s.dropped);
	look_complete(&s);
	if (s.state == STATE_LISTEN) {
		s.backlog = s.send;
		s.send = 0;
	} else {
		s.dropped = 0;
	}
	if (r->request->port && s.local.port != r->request->port)
		return;
	look_tell_net(r, &s);
}

/* A protocol without its module ends its dump at once, with -ENOENT. */
static int end_of_dump(const struct nlmsghdr *h)
{
	int err = 0;

	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
		memcpy(&err, NLMSG_DATA(h), sizeof(err));
	return err < 0 ? err : 0;
}

int look_receive(struct look_reader *r, int fd, const struct look_dump *d, void *buffer,
		 size_t size)
{
	for (;;) {
		ssize_t n = recv(fd, buffer, size, 0);
		struct nlmsghdr *h = buffer;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return end_of_dump(h);
			if (h->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
			if (h->nlmsg_len >= NLMSG_LENGTH(d->head))
				d->take(r, d, h);
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
	const struct look_dump answer = {.netns = netns,
					 .protocol = protocol,
					 .head = sizeof(struct inet_diag_msg),
					 .take = take};

	if (protocol <= 255)
		message.header.nlmsg_len = NLMSG_LENGTH(sizeof(message.request));
	if (send(fd, &message, message.header.nlmsg_len, 0) < 0)
		return -errno;
	return look_receive(r, fd, &answer, r->state, DIAG_BYTES);
}

/* All protocols of the internet at once. */
static int each_netns(struct look_reader *r, uint32_t netns, enum look_part part)
{
	bool again = part == LOOK_UDP && r->request->tcp;
	int err = 0, fd;

	if (part == LOOK_UNIX)
		return look_read_unix(r, netns);
	if (again)
		return 0;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return -errno;
	look_read_devices(&r->devices);
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

/* What ends meanwhile may be left out, what there was no room to read may not. */
static int lacking(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM ? err : 0;
}

/* 0 or -errno: in most cases the process has ended. */
static int read_task(uint32_t pid, uint32_t tid, struct look_task *ret)
{
	struct procinfo info;
	int err = procinfo_read(pid, &info);

	if (err)
		return err;
	*ret = (struct look_task){
		.process = {.pid = pid, .tid = tid, .uid = info.uid, .ruid = info.ruid},
		.parent = info.parent,
		.started_ns = info.started_ns,
	};
	memcpy(ret->process.name, info.name, sizeof(info.name));
	procinfo_done(&info);
	return 0;
}

/* The inode is all that a descriptor tells: the sink has seen the rest.  `name` is what the descriptor leads to. */
static int take_named(struct look_reader *r, uint32_t pid, uint32_t tid, const char *name,
		      uint32_t fd)
{
	const struct look_sink *sink = r->sink;
	struct look_socket s = {.time_ns = r->time_ns};
	unsigned long long inode;
	int err = 0;

	if (sscanf(name, "socket:[%llu]", &inode) != 1 || !sink->known(sink->ctx, inode, 0))
		return 0; /* no socket that is looked for */
	if (!r->has_task)
		err = read_task(pid, tid, &r->task);
	if (err)
		return lacking(err);
	r->has_task = true;
	s.key = inode;
	sink->socket(sink->ctx, &s, &r->task, fd);
	return 0;
}

/* "UserFiles:	2", "    0: socket:[41231]": the files that a ring of io_uring holds.  Before 6.8 there are no inodes. */
static int take_ring(struct look_reader *r, const char *process, uint32_t pid, uint32_t tid,
		     const char *fd)
{
	char path[96], line[256];
	bool files = false;
	int err = 0, n;
	FILE *file;

	snprintf(path, sizeof(path), "%.50s/fdinfo/%.20s", process, fd);
	file = fopen(path, "re");
	if (!file)
		return lacking(-errno);
	while (!err && fgets(line, sizeof(line), file)) {
		if (line[0] != ' ')
			files = strncmp(line, "UserFiles:", strlen("UserFiles:")) == 0;
		n = 0;
		if (files && sscanf(line, " %*u: %n", &n) == 0 && n)
			err = take_named(r, pid, tid, line + n, LOOK_NO_FD);
	}
	fclose(file);
	return err;
}

static int take_descriptor(struct look_reader *r, const char *process, uint32_t pid, uint32_t tid,
			   int fds, const char *name)
{
	unsigned long inode;
	char target[64];
	ssize_t n = readlinkat(fds, name, target, sizeof(target) - 1);

	if (n <= 0)
		return 0; /* closed meanwhile */
	target[n] = '\0';
	if (strcmp(target, "anon_inode:[io_uring]") == 0)
		return take_ring(r, process, pid, tid, name);
	if (sscanf(target, "net:[%lu]", &inode) != 1)
		return take_named(r, pid, tid, target, (uint32_t)strtoul(name, NULL, 10));
	look_note_space(r, inode, pid, tid, (uint32_t)strtoul(name, NULL, 10));
	return 0;
}

/* A process that ends meanwhile just has no more descriptors. */
static int take_descriptors(struct look_reader *r, const char *process, uint32_t pid, uint32_t tid)
{
	struct dirent *entry;
	char path[64];
	int err = 0;
	DIR *dir;

	r->has_task = false;
	snprintf(path, sizeof(path), "%.50s/fd", process);
	dir = opendir(path);
	if (!dir)
		return lacking(-errno);
	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			err = take_descriptor(r, process, pid, tid, dirfd(dir), entry->d_name);
	}
	closedir(dir);
	return err;
}

static int each_task(struct look_reader *r)
{
	return look_each_table(r, take_descriptors);
}

static int open_proc(struct look_reader *r, struct kernel_error *error)
{
	(void)error;
	r->state = malloc(DIAG_BYTES); /* for messages */
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
