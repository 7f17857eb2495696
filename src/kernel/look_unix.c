// SPDX-License-Identifier: GPL-2.0-only
/*
 * look_unix.c - Unix sockets of one namespace: sock_diag, and where the kernel lacks its module /proc/net/unix, which knows
 * neither peers nor queues.
 *
 * Connections that no accept() has taken have no inode, and are not told; the clients at their other end are, by a second
 * dump: where a listener's queue has no room in one message the kernel ends that dump, and only that one.
 */
#include "look_dump.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAG_BYTES   (32u << 10)
#define LISTENING    0x10000 /* __SO_ACCEPTCON */
#define SS_CONNECTED 3

static enum unix_state state_of(enum tcp_state state)
{
	switch (state) {
	case STATE_LISTEN: return UNIX_LISTEN;
	case STATE_CLOSE: return UNIX_UNCONNECTED;
	default: return UNIX_CONNECTED;
	}
}

static void set_name(struct unix_socket *s, const char *name, size_t len)
{
	/* A path's NUL, and nothing behind it. */
	if (len && name[0])
		len = strnlen(name, len);
	s->name_len = (uint8_t)(len < UNIX_NAME_MAX ? len : UNIX_NAME_MAX);
	memcpy(s->name, name, s->name_len);
}

static void read_attribute(struct unix_socket *s, const struct rtattr *a)
{
	const size_t len = RTA_PAYLOAD(a);
	struct unix_diag_rqlen queue;
	struct unix_diag_vfs file;
	uint32_t number;

	switch (a->rta_type) {
	case UNIX_DIAG_NAME: set_name(s, RTA_DATA(a), len); break;
	case UNIX_DIAG_VFS:
		if (len < sizeof(file))
			break;
		memcpy(&file, RTA_DATA(a), sizeof(file));
		s->file_inode = file.udiag_vfs_ino;
		s->file_device = file.udiag_vfs_dev;
		break;
	case UNIX_DIAG_PEER:
		if (len < sizeof(number))
			break;
		memcpy(&number, RTA_DATA(a), sizeof(number));
		s->peer_inode = number;
		break;
	case UNIX_DIAG_RQLEN:
		if (len < sizeof(queue))
			break;
		memcpy(&queue, RTA_DATA(a), sizeof(queue));
		s->receive = queue.udiag_rqueue;
		if (s->state == UNIX_LISTEN)
			s->backlog = queue.udiag_wqueue;
		else
			s->send = queue.udiag_wqueue;
		break;
	case UNIX_DIAG_SHUTDOWN:
		/* The end of its peer shuts both directions. */
		s->peer_closed = len >= 1 && *(const uint8_t *)RTA_DATA(a) == 3;
		break;
	}
}

/* Each inode of the list waits at the listener. */
static void tell_waiting(struct look_reader *r, const struct unix_diag_msg *m,
			 const struct rtattr *a)
{
	for (size_t at = 0; at + sizeof(uint32_t) <= RTA_PAYLOAD(a); at += sizeof(uint32_t)) {
		struct unix_socket s = {.waits_at = m->udiag_ino};
		uint32_t inode;

		memcpy(&inode, (const char *)RTA_DATA(a) + at, sizeof(inode));
		s.inode = inode;
		if (inode)
			r->sink->unix_socket(r->sink->ctx, &s);
	}
}

static void take(struct look_reader *r, const struct look_dump *d, const void *message)
{
	const struct nlmsghdr *h = message;
	const struct unix_diag_msg *m = NLMSG_DATA(h);
	size_t left = h->nlmsg_len - NLMSG_LENGTH(sizeof(*m));
	const struct rtattr *a = (const void *)((const char *)m + NLMSG_ALIGN(sizeof(*m)));
	struct unix_socket s = {
		.inode = m->udiag_ino,
		.cookie = (uint64_t)m->udiag_cookie[1] << 32 | m->udiag_cookie[0],
		.netns = d->netns,
		.type = m->udiag_type,
		.state = (uint8_t)state_of((enum tcp_state)m->udiag_state),
		.whole = true,
	};

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (d->waiting && a->rta_type == UNIX_DIAG_ICONS)
			tell_waiting(r, m, a);
		else if (!d->waiting)
			read_attribute(&s, a);
	}
	if (d->waiting || !s.inode)
		return;
	/* The state of a datagram socket says whether one end of it is connected, since 5.15, and before nothing. */
	if (s.type == SOCK_DGRAM)
		s.state = s.peer_inode ? UNIX_CONNECTED : UNIX_UNCONNECTED;
	s.peer_closed &= !s.peer_inode && s.state == UNIX_CONNECTED;
	r->sink->unix_socket(r->sink->ctx, &s);
}

static int dump(struct look_reader *r, int fd, uint32_t netns, bool waiting)
{
	const struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} message = {
		.header = {.nlmsg_len = sizeof(message),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.request = {.sdiag_family = AF_UNIX,
			    .udiag_states = waiting ? 1u << STATE_LISTEN : ~0u,
			    .udiag_show = waiting ? UDIAG_SHOW_ICONS
						  : UDIAG_SHOW_NAME | UDIAG_SHOW_VFS |
							    UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN},
	};
	const struct look_dump answer = {.netns = netns,
					 .waiting = waiting,
					 .head = sizeof(struct unix_diag_msg),
					 .take = take};
	char buffer[DIAG_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));

	if (send(fd, &message, sizeof(message), 0) < 0)
		return -errno;
	return look_receive(r, fd, &answer, buffer, sizeof(buffer));
}

/* ---- /proc ---- */

/*
 * "0000000000000000: 00000002 00000000 00010000 0001 01 21764 /run/app.sock", whose first word is "(____ptrval____)" until the
 * kernel has random numbers to hide it; what a name with a newline leaves is no such line.
 */
static bool read_line(struct unix_socket *s, char *line)
{
	unsigned int flags, type, state;
	unsigned long long inode;
	int end = 0;
	size_t len;

	line = strchr(line, ':');
	if (!line ||
	    sscanf(line, ": %*x %*x %x %x %x %llu%n", &flags, &type, &state, &inode, &end) != 4 ||
	    !end || !inode)
		return false;
	s->inode = inode;
	s->type = (uint8_t)type;
	s->state = UNIX_UNCONNECTED;
	if (flags & LISTENING)
		s->state = UNIX_LISTEN;
	else if (state == SS_CONNECTED && type != SOCK_DGRAM)
		s->state = UNIX_CONNECTED;
	line += end;
	len = strlen(line);
	if (len && line[len - 1] == '\n')
		len--;
	if (len < 2 || *line != ' ')
		return true;
	/* It writes '@' for a NUL. */
	if (line[1] == '@')
		line[1] = '\0';
	set_name(s, line + 1, len - 1);
	return true;
}

static int read_proc(struct look_reader *r, uint32_t netns)
{
	/* Of the namespace of this thread. */
	FILE *file = fopen("/proc/thread-self/net/unix", "re");
	char line[64 + 2 * UNIX_NAME_MAX];
	int err;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		struct unix_socket s = {.netns = netns};

		if (read_line(&s, line))
			r->sink->unix_socket(r->sink->ctx, &s);
	}
	err = ferror(file) ? -EIO : 0;
	fclose(file);
	return err;
}

int look_read_unix(struct look_reader *r, uint32_t netns)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), err;

	if (fd < 0)
		return errno == EPROTONOSUPPORT ? read_proc(r, netns) : -errno;
	err = dump(r, fd, netns, false);
	if (err == -ENOENT)
		err = read_proc(r, netns);
	else if (!err)
		err = dump(r, fd, netns, true);
	close(fd);
	return err;
}
