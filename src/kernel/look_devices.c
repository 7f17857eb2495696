// SPDX-License-Identifier: GPL-2.0-only
/* look_devices.c - which interface a UDP socket of the kernel is for: tunnels have a port, and tell it through rtnetlink. */
#include "look_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
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
	for (size_t i = 0; kind && data && i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		if (strnlen(RTA_DATA(kind), RTA_PAYLOAD(kind)) != strlen(tunnels[i].kind) ||
		    memcmp(RTA_DATA(kind), tunnels[i].kind, strlen(tunnels[i].kind)) != 0)
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
