// SPDX-License-Identifier: GPL-2.0-only
/*
 * look_net.c - the sockets of a namespace out of /proc/net, for kernels without the modules of sock_diag, and for what
 * sock_diag never tells (ICMP sockets).
 *
 *     sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *      0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41231
 *
 * Addresses are words in the machine's order, ports are numbers.  There are no cookies, and of a listener's queue only how many
 * wait (get_tcp4_sock()).
 */
#include "look_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LINE_BYTES 512

static const char *file_of(uint16_t protocol, bool v6)
{
	switch (protocol) {
	case IPPROTO_TCP: return v6 ? "tcp6" : "tcp";
	case IPPROTO_UDP: return v6 ? "udp6" : "udp";
	case IPPROTO_UDPLITE: return v6 ? "udplite6" : "udplite";
	case IPPROTO_RAW: return v6 ? "raw6" : "raw";
	case IPPROTO_ICMP: return v6 ? NULL : "icmp";
	case IPPROTO_ICMPV6: return v6 ? "icmp6" : NULL;
	default: return NULL;
	}
}

static bool read_address(uint8_t addr[16], const char *hex, bool v6)
{
	size_t words = v6 ? 4 : 1;

	if (strlen(hex) != 8 * words)
		return false;
	for (size_t i = 0; i < words; i++) {
		char digits[9] = "";
		uint32_t word;

		memcpy(digits, hex + 8 * i, 8);
		word = (uint32_t)strtoul(digits, NULL, 16);
		memcpy(addr + 4 * i, &word, sizeof(word));
	}
	return true;
}

/* False for what is no socket: the heading. */
static bool read_line(const char *line, bool v6, struct look_socket *s)
{
	char local[40], peer[40];
	unsigned int local_port, peer_port, state, uid;
	unsigned long long inode;

	if (sscanf(line,
		   " %*u: %32[0-9A-Fa-f]:%4X %32[0-9A-Fa-f]:%4X %2X %8X:%8X %*s %*s %u %*u %llu",
		   local, &local_port, peer, &peer_port, &state, &s->send, &s->receive,
		   &uid, &inode) != 9 ||
	    !read_address(s->local.addr, local, v6) || !read_address(s->peer.addr, peer, v6))
		return false;
	s->local.port = (uint16_t)local_port;
	s->peer.port = (uint16_t)peer_port;
	s->state = state < STATES ? (uint8_t)state : STATE_CLOSE;
	s->key = inode;
	s->uid = inode ? uid : INET_NO_UID;
	return true;
}

/* What it is that no descriptor can lead to, by its state. */
static uint8_t flags_without_inode(const struct look_socket *s)
{
	return s->state == STATE_ESTABLISHED || s->state == STATE_CLOSE_WAIT ||
			       s->state == STATE_SYN_RECV || s->state == STATE_NEW_SYN_RECV
		       ? LOOK_QUEUED
		       : LOOK_DEAD;
}

/* Nothing tells the kernel's own sockets apart, but a device that has the port; a descriptor that leads there knows better. */
void look_tell_net(struct look_reader *r, struct look_socket *s)
{
	if (!s->key)
		s->flags |= flags_without_inode(s);
	else if (s->protocol == IPPROTO_UDP && !s->peer.port)
		s->kernel_device = look_device_of(&r->devices, s->local.port);
	if (s->kernel_device)
		s->flags |= LOOK_KERNEL;
	r->sink->socket(r->sink->ctx, s, NULL, 0);
}

int look_read_net(struct look_reader *r, uint32_t netns, uint16_t protocol, bool v6)
{
	const char *name = file_of(protocol, v6);
	char path[64], line[LINE_BYTES];
	uint64_t number = 0;
	FILE *file;
	int err;

	if (!name)
		return -ENOENT;
	/* Of the namespace of this thread. */
	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", name);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		struct look_socket s = {
			.time_ns = r->time_ns,
			.netns = netns,
			.protocol = protocol,
			.family = v6 ? FAMILY_IPV6 : FAMILY_IPV4,
		};

		if (!read_line(line, v6, &s) ||
		    (r->request->port && s.local.port != r->request->port))
			continue;
		look_complete(&s);
		if (s.state == STATE_LISTEN)
			s.flags |= LOOK_LIMITLESS;
		/* Nothing tells those without an inode apart but that each has a line of its own. */
		number++;
		if (!s.key)
			s.sk = (uint64_t)netns << 32 | (uint64_t)protocol << 24 |
			       (uint64_t)v6 << 23 | number;
		look_tell_net(r, &s);
	}
	err = ferror(file) ? -EIO : 0;
	fclose(file);
	return err;
}
