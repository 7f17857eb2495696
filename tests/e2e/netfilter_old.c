// SPDX-License-Identifier: GPL-2.0-only
/* netfilter_old.c - what is set by options of a socket: iptables-legacy, IPVS. */
#include "netfilter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ip_vs.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* 0, or -1 with errno; closes. */
static int set_and_close(int fd, int option, const void *value, size_t size)
{
	int err = fd < 0 || setsockopt(fd, SOL_IP, option, value, (socklen_t)size) < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	errno = err;
	return err ? -1 : 0;
}

/* ---- iptables ---- */

#define POLICIES 4 /* of nat */

struct policy {
	struct ipt_entry entry;
	struct xt_standard_target target;
};

struct rule {
	struct ipt_entry entry;
	struct xt_entry_match match;
	_Alignas(8) struct xt_tcp tcp;
	_Alignas(8) struct xt_entry_target target;
	struct nf_nat_ipv4_multi_range_compat range;
	_Alignas(8) char end[];
};

/* PREROUTING has the rule, the others nothing but their policy. */
struct table {
	struct ipt_replace replace;
	struct rule rule;
	struct policy policy[POLICIES];
	struct {
		struct ipt_entry entry;
		struct xt_error_target target;
	} error;
};

static struct policy policy(void)
{
	struct policy p = {
		.entry = {.target_offset = sizeof(p.entry), .next_offset = sizeof(p)},
		.target = {.verdict = -NF_ACCEPT - 1},
	};

	p.target.target.u.target_size = sizeof(p.target);
	return p;
}

static struct rule redirect(unsigned int port, unsigned int to_port)
{
	struct rule r = {
		.entry = {.ip.proto = IPPROTO_TCP,
			  .target_offset = offsetof(struct rule, target),
			  .next_offset = sizeof(r)},
		.tcp = {.spts = {0, 0xffff}, .dpts = {(unsigned short)port, (unsigned short)port}},
		.range = {.rangesize = 1, .range[0].flags = NF_NAT_RANGE_PROTO_SPECIFIED},
	};

	r.match.u.match_size = offsetof(struct rule, target) - offsetof(struct rule, match);
	strcpy(r.match.u.user.name, "tcp");
	r.target.u.target_size = sizeof(r) - offsetof(struct rule, target);
	strcpy(r.target.u.user.name, "REDIRECT");
	r.range.range[0].min.tcp.port = r.range.range[0].max.tcp.port =
		htons((unsigned short)to_port);
	return r;
}

static void fill_hooks(struct ipt_replace *r)
{
	static const unsigned int hooks[POLICIES] = {NF_INET_PRE_ROUTING, NF_INET_LOCAL_IN,
						     NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING};

	for (unsigned int i = 0; i < POLICIES; i++) {
		unsigned int at = (unsigned int)(sizeof(struct rule) + i * sizeof(struct policy));

		r->valid_hooks |= 1u << hooks[i];
		r->hook_entry[hooks[i]] = i ? at : 0;
		r->underflow[hooks[i]] = at;
	}
}

int netfilter_legacy_redirect(unsigned int port, unsigned int to_port)
{
	struct ipt_getinfo before = {.name = "nat"};
	socklen_t length = sizeof(before);
	struct table t = {
		.replace = {.name = "nat",
			    .num_entries = POLICIES + 2,
			    .size = sizeof(t) - sizeof(t.replace)},
		.rule = redirect(port, to_port),
		.error = {.entry = {.target_offset = sizeof(t.error.entry),
				    .next_offset = sizeof(t.error)}},
	};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), err;

	for (unsigned int i = 0; i < POLICIES; i++)
		t.policy[i] = policy();
	t.error.target.target.u.target_size = sizeof(t.error.target);
	strcpy(t.error.target.target.u.user.name, XT_ERROR_TARGET);
	strcpy(t.error.target.errorname, "ERROR");
	fill_hooks(&t.replace);
	if (fd >= 0 && getsockopt(fd, SOL_IP, IPT_SO_GET_INFO, &before, &length) < 0) {
		err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	/* Of the table that was there. */
	t.replace.num_counters = before.num_entries;
	t.replace.counters = calloc(before.num_entries + 1, sizeof(struct xt_counters));
	err = set_and_close(fd, IPT_SO_SET_REPLACE, &t, sizeof(t));
	free(t.replace.counters);
	return err;
}

/* ---- IPVS ---- */

int netfilter_ipvs(const char *addr, unsigned int port, const char *to, unsigned int to_port)
{
	struct {
		struct ip_vs_service_user service;
		struct ip_vs_dest_user server;
	} both = {
		.service = {.protocol = IPPROTO_TCP,
			    .addr = inet_addr(addr),
			    .port = htons((unsigned short)port),
			    .sched_name = "rr"},
		.server = {.addr = inet_addr(to),
			   .port = htons((unsigned short)to_port),
			   .conn_flags = IP_VS_CONN_F_MASQ,
			   .weight = 1},
	};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	if (fd >= 0 &&
	    setsockopt(fd, SOL_IP, IP_VS_SO_SET_ADD, &both.service, sizeof(both.service)) < 0) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return set_and_close(fd, IP_VS_SO_SET_ADDDEST, &both, sizeof(both));
}
