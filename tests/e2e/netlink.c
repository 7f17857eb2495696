// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

struct request {
	struct nlmsghdr header;
	char body[512];
};

static void *reserve(struct request *r, size_t size)
{
	size_t used = NLMSG_ALIGN(r->header.nlmsg_len);
	void *at = (char *)r + used;

	if (used + size > sizeof(r->header) + sizeof(r->body))
		abort();
	r->header.nlmsg_len = (unsigned int)(used + size);
	return at;
}

static struct rtattr *put(struct request *r, unsigned int type, const void *data, size_t size)
{
	struct rtattr *a = reserve(r, RTA_LENGTH(size));

	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(a), data, size);
	return a;
}

/* Closes the nest that put() of an empty attribute opened. */
static void end_nest(struct request *r, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((char *)r + r->header.nlmsg_len - (char *)nest);
}

static void begin(struct request *r, unsigned int type, unsigned int flags, size_t body)
{
	memset(r, 0, sizeof(*r));
	r->header.nlmsg_len = (unsigned int)NLMSG_LENGTH(body);
	r->header.nlmsg_type = (unsigned short)type;
	r->header.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags);
}

int netlink_transact(int protocol, const void *request, size_t size)
{
	_Alignas(struct nlmsghdr) char answer[4096];
	const struct nlmsghdr *header = (const struct nlmsghdr *)(void *)answer;
	const struct nlmsgerr *error = NLMSG_DATA(header);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	if (send(fd, request, size, 0) >= 0)
		n = recv(fd, answer, sizeof(answer), 0);
	close(fd);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*error)) || header->nlmsg_type != NLMSG_ERROR) {
		errno = n < 0 ? errno : EPROTO;
		return -1;
	}
	errno = -error->error;
	return error->error ? -1 : 0;
}

static int transact(const struct request *r)
{
	return netlink_transact(NETLINK_ROUTE, r, r->header.nlmsg_len);
}

static int link_set(const char *interface, unsigned int flags)
{
	struct request r;
	struct ifinfomsg *info;

	begin(&r, RTM_NEWLINK, 0, sizeof(*info));
	info = NLMSG_DATA(&r.header);
	info->ifi_index = (int)if_nametoindex(interface);
	info->ifi_flags = flags;
	info->ifi_change = IFF_UP;
	return info->ifi_index ? transact(&r) : -1;
}

int netlink_link_up(const char *interface)
{
	return link_set(interface, IFF_UP);
}

int netlink_link_down(const char *interface)
{
	return link_set(interface, 0);
}

/* A new interface of this kind; what is put between the two calls is its own. */
static struct rtattr *begin_link(struct request *r, const char *name, const char *kind,
				 struct rtattr **ret_data)
{
	struct rtattr *link;

	begin(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	put(r, IFLA_IFNAME, name, strlen(name) + 1);
	link = put(r, IFLA_LINKINFO, NULL, 0);
	put(r, IFLA_INFO_KIND, kind, strlen(kind));
	*ret_data = put(r, IFLA_INFO_DATA, NULL, 0);
	return link;
}

static int end_link(struct request *r, struct rtattr *link, struct rtattr *data)
{
	end_nest(r, data);
	end_nest(r, link);
	return transact(r);
}

int netlink_veth_add(const char *name, const char *other, pid_t other_netns_of)
{
	struct rtattr *link, *data, *peer;
	unsigned int pid = (unsigned int)other_netns_of;
	struct request r;

	link = begin_link(&r, name, "veth", &data);
	peer = put(&r, VETH_INFO_PEER, NULL, 0);
	reserve(&r, sizeof(struct ifinfomsg));
	put(&r, IFLA_IFNAME, other, strlen(other) + 1);
	put(&r, IFLA_NET_NS_PID, &pid, sizeof(pid));
	end_nest(&r, peer);
	return end_link(&r, link, data);
}

int netlink_tunnel_add(const char *name, const char *kind, unsigned int port)
{
	unsigned short port_be = htons((unsigned short)port);
	struct rtattr *link, *data;
	unsigned int id = 7, remote = htonl(0x0a4d0002);
	struct request r;

	link = begin_link(&r, name, kind, &data);
	if (strcmp(kind, "vxlan") == 0) {
		put(&r, IFLA_VXLAN_ID, &id, sizeof(id));
		put(&r, IFLA_VXLAN_PORT, &port_be, sizeof(port_be));
	} else if (strcmp(kind, "geneve") == 0) {
		put(&r, IFLA_GENEVE_ID, &id, sizeof(id));
		put(&r, IFLA_GENEVE_REMOTE, &remote, sizeof(remote));
		put(&r, IFLA_GENEVE_PORT, &port_be, sizeof(port_be));
	}
	return end_link(&r, link, data);
}

int netlink_vrf_add(const char *name)
{
	struct rtattr *link, *data;
	unsigned int table = 10;
	struct request r;

	link = begin_link(&r, name, "vrf", &data);
	put(&r, IFLA_VRF_TABLE, &table, sizeof(table));
	return end_link(&r, link, data);
}

static bool read_address(const char *text, unsigned char ret[16], bool *ret_ipv4)
{
	*ret_ipv4 = inet_pton(AF_INET, text, ret) == 1;
	errno = EINVAL;
	return *ret_ipv4 || inet_pton(AF_INET6, text, ret) == 1;
}

int netlink_address_add(const char *interface, const char *address, unsigned int prefix)
{
	unsigned char bytes[16];
	struct ifaddrmsg *info;
	struct request r;
	bool ipv4;

	if (!read_address(address, bytes, &ipv4))
		return -1;
	begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));
	info = NLMSG_DATA(&r.header);
	info->ifa_family = ipv4 ? AF_INET : AF_INET6;
	info->ifa_prefixlen = (unsigned char)prefix;
	info->ifa_flags = IFA_F_NODAD;
	info->ifa_index = if_nametoindex(interface);
	put(&r, IFA_LOCAL, bytes, ipv4 ? 4 : 16);
	put(&r, IFA_ADDRESS, bytes, ipv4 ? 4 : 16);
	return info->ifa_index ? transact(&r) : -1;
}

static int add_route(const char *network, unsigned int prefix, unsigned char type)
{
	unsigned int lo = if_nametoindex("lo");
	bool ipv4, local = type == RTN_LOCAL;
	unsigned char bytes[16];
	struct rtmsg *route;
	struct request r;

	if (!read_address(network, bytes, &ipv4))
		return -1;
	begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*route));
	route = NLMSG_DATA(&r.header);
	route->rtm_family = ipv4 ? AF_INET : AF_INET6;
	route->rtm_dst_len = (unsigned char)prefix;
	route->rtm_table = local ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_scope = local ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	route->rtm_type = type;
	put(&r, RTA_DST, bytes, ipv4 ? 4 : 16);
	if (local)
		put(&r, RTA_OIF, &lo, sizeof(lo));
	return transact(&r);
}

int netlink_route_unreachable(const char *network, unsigned int prefix)
{
	return add_route(network, prefix, RTN_UNREACHABLE);
}

int netlink_route_local(const char *network, unsigned int prefix)
{
	return add_route(network, prefix, RTN_LOCAL);
}
