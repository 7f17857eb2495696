// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_xt.c - the matches and targets of iptables that concern ports (include/uapi/linux/netfilter/xt_*.h,
 * nf_nat.h).  Their blobs are padded to 8 bytes and in the machine's order, but for ports and addresses of NAT.
 */
#include "nft_private.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_TPROXY.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <netinet/in.h>
#include <string.h>

/* Copies the blob into the structure; false where it is too short. */
static bool read_blob(void *ret, size_t size, struct nft_bytes info)
{
	if (info.length < size)
		return false;
	memcpy(ret, info.data, size);
	return true;
}

static enum nft_verdict judge(bool inside, bool inverted)
{
	return inside != inverted ? NFT_YES : NFT_NO;
}

static enum nft_verdict in_range(const uint16_t range[2], bool inverted, uint16_t port)
{
	return judge(port >= range[0] && port <= range[1], inverted);
}

/* The ports asked for are those the packet goes to; of where it comes from nothing is known. */
static enum nft_verdict join(enum nft_verdict ports, bool more)
{
	return ports == NFT_YES && more ? NFT_PERHAPS : ports;
}

static bool is_all(const uint16_t range[2])
{
	return range[0] == 0 && range[1] == UINT16_MAX;
}

static enum nft_verdict match_multiport(struct nft_bytes info, uint16_t port)
{
	struct xt_multiport_v1 m;
	bool inside = false;

	if (!read_blob(&m, sizeof(m), info))
		return NFT_PERHAPS;
	if (m.flags == XT_MULTIPORT_SOURCE)
		return NFT_PERHAPS;
	for (unsigned int i = 0; i < m.count && i < XT_MULTI_PORTS; i++) {
		uint16_t range[2] = {m.ports[i], m.ports[i]};

		if (m.pflags[i] && i + 1 < XT_MULTI_PORTS)
			range[1] = m.ports[++i];
		inside |= port >= range[0] && port <= range[1];
	}
	if (m.flags == XT_MULTIPORT_EITHER && !inside)
		return NFT_PERHAPS;
	return judge(inside, m.invert);
}

enum nft_verdict nft_xt_match(const char *name, uint32_t revision, struct nft_bytes info,
			      const struct nft_packet *packet)
{
	struct xt_tcp tcp;
	struct xt_udp udp;

	if (!strcmp(name, "tcp")) {
		if (packet->protocol != IPPROTO_TCP)
			return NFT_NO;
		if (!read_blob(&tcp, sizeof(tcp), info))
			return NFT_PERHAPS;
		return join(in_range(tcp.dpts, tcp.invflags & XT_TCP_INV_DSTPT, packet->port),
			    !is_all(tcp.spts) || tcp.option);
	}
	if (!strcmp(name, "udp")) {
		if (packet->protocol != IPPROTO_UDP)
			return NFT_NO;
		if (!read_blob(&udp, sizeof(udp), info))
			return NFT_PERHAPS;
		return join(in_range(udp.dpts, udp.invflags & XT_UDP_INV_DSTPT, packet->port),
			    !is_all(udp.spts));
	}
	if (!strcmp(name, "multiport") && revision == 1)
		return match_multiport(info, packet->port);
	/* Docker and kube-proxy ask so whether a packet goes to this host at all: the question here is about this host. */
	if (!strcmp(name, "comment") || !strcmp(name, "addrtype"))
		return NFT_YES;
	return NFT_PERHAPS;
}

static void fill_target(struct redirect *ret, bool v4, const void *addr, uint16_t port_be,
			uint32_t flags)
{
	ret->has_target = true;
	ret->family = v4 ? FAMILY_IPV4 : FAMILY_IPV6;
	if (ret->kind != REDIRECT_LOCAL && flags & NF_NAT_RANGE_MAP_IPS) {
		ret->has_addr = true;
		memcpy(ret->target.addr, addr, v4 ? 4 : 16);
	}
	if (flags & NF_NAT_RANGE_PROTO_SPECIFIED) {
		ret->has_port = true;
		ret->target.port = ntohs(port_be);
	}
}

static void fill_tproxy(struct redirect *ret, bool v4, const void *addr, uint16_t port_be)
{
	static const uint8_t any[16];
	uint32_t flags = port_be ? NF_NAT_RANGE_PROTO_SPECIFIED : 0;

	if (memcmp(addr, any, v4 ? 4 : 16) != 0)
		flags |= NF_NAT_RANGE_MAP_IPS;
	ret->kind = REDIRECT_TPROXY;
	fill_target(ret, v4, addr, port_be, flags);
}

bool nft_xt_target(const char *name, uint32_t revision, struct nft_bytes info, uint8_t family,
		   struct redirect *ret)
{
	bool v4 = family == NFPROTO_IPV4, redirect = !strcmp(name, "REDIRECT");
	struct nf_nat_ipv4_multi_range_compat old;
	struct xt_tproxy_target_info tproxy;
	struct xt_tproxy_target_info_v1 tproxy1;
	struct nf_nat_range range;

	if (!strcmp(name, "TPROXY")) {
		if (revision == 0 && read_blob(&tproxy, sizeof(tproxy), info))
			fill_tproxy(ret, true, &tproxy.laddr, tproxy.lport);
		else if (read_blob(&tproxy1, sizeof(tproxy1), info))
			fill_tproxy(ret, v4, &tproxy1.laddr, tproxy1.lport);
		return true;
	}
	if (!redirect && strcmp(name, "DNAT") != 0)
		return false;
	ret->kind = redirect ? REDIRECT_LOCAL : REDIRECT_DNAT;
	if (v4 && revision == 0) {
		if (read_blob(&old, sizeof(old), info))
			fill_target(ret, true, &old.range[0].min_ip, old.range[0].min.all,
				    old.range[0].flags);
	} else if (read_blob(&range, sizeof(range), info)) {
		fill_target(ret, v4, &range.min_addr, range.min_proto.all, range.flags);
	}
	return true;
}
