// SPDX-License-Identifier: GPL-2.0-only
/*
 * look_devices.c - which interface a UDP socket of the kernel is for: tunnels have a port, and tell it through rtnetlink;
 * WireGuard through generic netlink.
 */
#include "look_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES (64u << 10)

static const struct tunnel {
	const char *kind;
	unsigned short port; /* attribute of IFLA_INFO_DATA, network order */
} tunnels[] = {
	{"vxlan", IFLA_VXLAN_PORT},
	{"geneve", IFLA_GENEVE_PORT},
	{"bareudp", IFLA_BAREUDP_PORT},
};

/* NULL: not there, or shorter than `size`. */
static const void *find_attribute(const struct rtattr *a, size_t len, unsigned short type,
				  size_t size)
{
	for (int left = (int)len; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if ((a->rta_type & NLA_TYPE_MASK) == type && RTA_PAYLOAD(a) >= size)
			return a;
	}
	return NULL;
}

static void add_device(struct look_devices *d, uint32_t ifindex, uint16_t port)
{
	struct look_device *grown = realloc(d->item, (d->count + 1) * sizeof(*grown));

	if (!grown)
		return; /* it goes without its name */
	d->item = grown;
	d->item[d->count++] = (struct look_device){.port = port, .ifindex = ifindex};
}

static bool is_kind(const struct rtattr *kind, const char *name)
{
	return strnlen(RTA_DATA(kind), RTA_PAYLOAD(kind)) == strlen(name) &&
	       memcmp(RTA_DATA(kind), name, strlen(name)) == 0;
}

static void take_link(struct look_devices *d, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	const struct rtattr *link, *kind, *data, *port;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*info)) || !(info->ifi_flags & IFF_UP))
		return; /* a tunnel that is down has no socket */
	link = find_attribute(IFLA_RTA(info), IFLA_PAYLOAD(h), IFLA_LINKINFO, 0);
	if (!link)
		return;
	kind = find_attribute(RTA_DATA(link), RTA_PAYLOAD(link), IFLA_INFO_KIND, 1);
	data = find_attribute(RTA_DATA(link), RTA_PAYLOAD(link), IFLA_INFO_DATA, 0);
	if (kind && is_kind(kind, WG_GENL_NAME))
		add_device(d, (uint32_t)info->ifi_index, 0); /* its port is asked for later */
	for (size_t i = 0; kind && data && i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		if (!is_kind(kind, tunnels[i].kind))
			continue;
		port = find_attribute(RTA_DATA(data), RTA_PAYLOAD(data), tunnels[i].port,
				      sizeof(uint16_t));
		if (port) {
			uint16_t port_be;

			memcpy(&port_be, RTA_DATA(port), sizeof(port_be));
			add_device(d, (uint32_t)info->ifi_index, ntohs(port_be));
		}
	}
}

/* False: the last answer, or an error. */
static bool take_answer(struct look_devices *d, char *buffer, ssize_t n)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)buffer;

	for (; n > 0 && NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return false;
		if (h->nlmsg_type == RTM_NEWLINK)
			take_link(d, h);
	}
	return n >= 0;
}

/* ---- WireGuard ---- */

struct generic {
	struct nlmsghdr header;
	struct genlmsghdr generic;
	char attribute[RTA_SPACE(sizeof(WG_GENL_NAME))]; /* one */
};

/* The attribute of the first answer, as a number of 16 bits in the machine's order; 0 none. */
static uint16_t ask_generic(int fd, char *buffer, struct generic *request, const void *value,
			    size_t size, unsigned short wanted)
{
	struct rtattr *a = (struct rtattr *)(void *)request->attribute;
	const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)buffer;
	const struct rtattr *found = NULL;
	uint16_t ret = 0;
	ssize_t n = -1;

	a->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(a), value, size);
	request->header.nlmsg_len = (uint32_t)(NLMSG_LENGTH(GENL_HDRLEN) + RTA_SPACE(size));
	if (send(fd, request, request->header.nlmsg_len, 0) >= 0)
		n = recv(fd, buffer, ANSWER_BYTES, 0);
	if (n > 0 && NLMSG_OK(h, (size_t)n) && h->nlmsg_type == request->header.nlmsg_type &&
	    h->nlmsg_len >= NLMSG_LENGTH(GENL_HDRLEN))
		found = find_attribute(
			(const struct rtattr *)(const void *)((const char *)NLMSG_DATA(h) +
							      GENL_HDRLEN),
			h->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), wanted, sizeof(ret));
	if (found)
		memcpy(&ret, RTA_DATA(found), sizeof(ret));
	return ret;
}

static uint16_t wireguard_port(char *buffer, uint32_t ifindex)
{
	struct generic family = {
		.header = {.nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST},
		.generic = {.cmd = CTRL_CMD_GETFAMILY, .version = 1},
	};
	struct generic device = {
		.header = {.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.generic = {.cmd = WG_CMD_GET_DEVICE, .version = WG_GENL_VERSION},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	uint16_t port = 0;

	if (fd < 0)
		return 0;
	((struct rtattr *)(void *)family.attribute)->rta_type = CTRL_ATTR_FAMILY_NAME;
	((struct rtattr *)(void *)device.attribute)->rta_type = WGDEVICE_A_IFINDEX;
	device.header.nlmsg_type = ask_generic(fd, buffer, &family, WG_GENL_NAME,
					       sizeof(WG_GENL_NAME), CTRL_ATTR_FAMILY_ID);
	if (device.header.nlmsg_type)
		port = ask_generic(fd, buffer, &device, &ifindex, sizeof(ifindex),
				   WGDEVICE_A_LISTEN_PORT);
	/* The answer has the private key, too. */
	explicit_bzero(buffer, ANSWER_BYTES);
	close(fd);
	return port;
}

void look_read_devices(struct look_devices *ret)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.info = {.ifi_family = AF_UNSPEC},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char *buffer = malloc(ANSWER_BYTES);
	ssize_t n = -1;

	ret->count = 0;
	if (buffer && fd >= 0 && send(fd, &request, sizeof(request), 0) == sizeof(request)) {
		do
			n = recv(fd, buffer, ANSWER_BYTES, 0);
		while ((n < 0 && errno == EINTR) || (n > 0 && take_answer(ret, buffer, n)));
	}
	for (size_t i = 0; i < ret->count; i++) {
		if (!ret->item[i].port)
			ret->item[i].port = wireguard_port(buffer, ret->item[i].ifindex);
	}
	if (fd >= 0)
		close(fd);
	free(buffer);
}

void look_devices_done(struct look_devices *d)
{
	free(d->item);
	*d = (struct look_devices){0};
}

uint32_t look_device_of(const struct look_devices *d, uint16_t port)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->item[i].port == port)
			return d->item[i].ifindex;
	}
	return 0;
}

/* ---- what a program of a look found ---- */

bool look_hold_back(struct look_reader *r, const struct look_socket *s)
{
	struct look_socket *grown;

	if (s->protocol != IPPROTO_UDP || !s->local.port || s->peer.port)
		return false;
	grown = realloc(r->kernels, (r->kernel_count + 1) * sizeof(*grown));
	if (!grown)
		return false;
	r->kernels = grown;
	r->kernels[r->kernel_count++] = *s;
	return true;
}

static int read_here(void *ctx)
{
	look_read_devices(ctx);
	return 0;
}

static int compare_netns(const void *a, const void *b)
{
	const struct look_socket *x = a, *y = b;

	return (x->netns > y->netns) - (x->netns < y->netns);
}

void look_tell_kernels(struct look_reader *r)
{
	struct look_devices devices = {0};
	struct netns_at at;
	uint32_t netns = 0;

	qsort(r->kernels, r->kernel_count, sizeof(*r->kernels), compare_netns);
	for (size_t i = 0; i < r->kernel_count; i++) {
		struct look_socket *s = &r->kernels[i];

		if (s->netns != netns) {
			netns = s->netns;
			devices.count = 0;
			if (netns_find(netns, r->request->pid, &at, NULL))
				netns_visit(&at, read_here, &devices);
		}
		s->kernel_device = look_device_of(&devices, s->local.port);
		r->sink->socket(r->sink->ctx, s, NULL, 0);
	}
	look_devices_done(&devices);
}
