// SPDX-License-Identifier: GPL-2.0-only
/*
 * ipvs.c - reads lines like these (net/netfilter/ipvs/ip_vs_ctl.c):
 *
 *     TCP  0A600001:0050 rr
 *       -> 0AF40002:1F90      Masq    1      0          0
 *     UDP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0035 wlc
 */
#include "ipvs.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* "0A600001:0050" or "[...]:0050". */
static bool read_place(const char *text, enum family *family, struct endpoint *ret)
{
	unsigned int address, port;
	char v6[46];

	*ret = (struct endpoint){0};
	if (sscanf(text, "[%45[0-9A-Fa-f:]]:%4x", v6, &port) == 2) {
		*family = FAMILY_IPV6;
		if (inet_pton(AF_INET6, v6, ret->addr) != 1)
			return false;
	} else if (sscanf(text, "%8x:%4x", &address, &port) == 2) {
		uint32_t be = htonl(address);

		*family = FAMILY_IPV4;
		memcpy(ret->addr, &be, sizeof(be));
	} else {
		return false;
	}
	ret->port = (uint16_t)port;
	return true;
}

bool ipvs_line(struct ipvs_reader *r, const char *line, struct redirect *ret)
{
	char protocol[4], place[64], scheduler[16] = "";
	enum family family;
	struct endpoint server;

	if (sscanf(line, "%3s %63s %15s", protocol, place, scheduler) >= 2 &&
	    (!strcmp(protocol, "TCP") || !strcmp(protocol, "UDP"))) {
		r->protocol = protocol[0] == 'T' ? IPPROTO_TCP : IPPROTO_UDP;
		memcpy(r->scheduler, scheduler, sizeof(scheduler));
		r->in_service = read_place(place, &r->family, &r->service);
		return false;
	}
	/* Services by firewall mark have no address. */
	if (!strncmp(line, "FWM", 3) || !strncmp(line, "SCTP", 4))
		r->in_service = false;
	if (!r->in_service || sscanf(line, " -> %63s", place) != 1 ||
	    !read_place(place, &family, &server))
		return false;
	*ret = (struct redirect){
		.kind = REDIRECT_IPVS,
		.protocol = r->protocol,
		.port = r->service.port,
		.family = family,
		.has_to = family == r->family,
		.to = r->service,
		.has_addr = true,
		.has_port = server.port != 0,
		.target = server,
		.has_target = true,
		.from_outside = true,
		.from_here = true,
	};
	snprintf(ret->rule, sizeof(ret->rule), "IPVS service, scheduler %s", r->scheduler);
	return true;
}
