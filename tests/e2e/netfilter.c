// SPDX-License-Identifier: GPL-2.0-only
#include "netfilter.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TABLE "sw-agent"
#define CHAIN "pre"

/* Several messages, which the kernel takes all or none. */
struct batch {
	_Alignas(struct nlmsghdr) char bytes[2048];
	size_t used;
	struct nlmsghdr *message; /* the last */
};

static void *reserve(struct batch *b, size_t size)
{
	void *at = b->bytes + b->used;

	if (b->used + NLMSG_ALIGN(size) > sizeof(b->bytes))
		abort();
	b->used += NLMSG_ALIGN(size);
	if (b->message)
		b->message->nlmsg_len = (unsigned int)(b->bytes + b->used - (char *)b->message);
	return at;
}

static void begin(struct batch *b, unsigned int type, unsigned int flags, int family,
		  unsigned int subsystem)
{
	struct nfgenmsg *body;

	b->message = (struct nlmsghdr *)(void *)(b->bytes + b->used);
	b->message = reserve(b, sizeof(*b->message));
	b->message->nlmsg_type = (unsigned short)type;
	b->message->nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags);
	body = reserve(b, sizeof(*body));
	body->nfgen_family = (unsigned char)family;
	body->version = NFNETLINK_V0;
	body->res_id = htons((unsigned short)subsystem);
}

static struct nlattr *put(struct batch *b, unsigned int type, const void *data, size_t size)
{
	struct nlattr *a = reserve(b, NLA_HDRLEN + size);

	a->nla_len = (unsigned short)(NLA_HDRLEN + size);
	a->nla_type = (unsigned short)type;
	if (size)
		memcpy((char *)a + NLA_HDRLEN, data, size);
	return a;
}

static struct nlattr *nest(struct batch *b, unsigned int type)
{
	return put(b, type | NLA_F_NESTED, NULL, 0);
}

static void end_nest(struct batch *b, struct nlattr *a)
{
	a->nla_len = (unsigned short)(b->bytes + b->used - (char *)a);
}

static void put_text(struct batch *b, unsigned int type, const char *text)
{
	put(b, type, text, strlen(text) + 1);
}

static void put_number(struct batch *b, unsigned int type, unsigned int value)
{
	value = htonl(value);
	put(b, type, &value, sizeof(value));
}

/* ---- expressions ---- */

struct expression {
	struct nlattr *element, *data;
};

static struct expression begin_expression(struct batch *b, const char *name)
{
	struct expression e = {.element = nest(b, NFTA_LIST_ELEM)};

	put_text(b, NFTA_EXPR_NAME, name);
	e.data = nest(b, NFTA_EXPR_DATA);
	return e;
}

static void end_expression(struct batch *b, struct expression e)
{
	end_nest(b, e.data);
	end_nest(b, e.element);
}

static void put_value(struct batch *b, unsigned int type, const void *data, size_t size)
{
	struct nlattr *value = nest(b, type);

	put(b, NFTA_DATA_VALUE, data, size);
	end_nest(b, value);
}

static void add_immediate(struct batch *b, unsigned int to, const void *data, size_t size)
{
	struct expression e = begin_expression(b, "immediate");

	put_number(b, NFTA_IMMEDIATE_DREG, to);
	put_value(b, NFTA_IMMEDIATE_DATA, data, size);
	end_expression(b, e);
}

static void add_equal(struct batch *b, const void *data, size_t size)
{
	struct expression e = begin_expression(b, "cmp");

	put_number(b, NFTA_CMP_SREG, NFT_REG_1);
	put_number(b, NFTA_CMP_OP, NFT_CMP_EQ);
	put_value(b, NFTA_CMP_DATA, data, size);
	end_expression(b, e);
}

/* tcp dport `port` */
static void add_match(struct batch *b, unsigned int port)
{
	unsigned char tcp = IPPROTO_TCP;
	unsigned short port_be = htons((unsigned short)port);
	struct expression e = begin_expression(b, "meta");

	put_number(b, NFTA_META_KEY, NFT_META_L4PROTO);
	put_number(b, NFTA_META_DREG, NFT_REG_1);
	end_expression(b, e);
	add_equal(b, &tcp, sizeof(tcp));
	e = begin_expression(b, "payload");
	put_number(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_number(b, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	put_number(b, NFTA_PAYLOAD_OFFSET, 2);
	put_number(b, NFTA_PAYLOAD_LEN, 2);
	end_expression(b, e);
	add_equal(b, &port_be, sizeof(port_be));
}

static void add_tproxy(struct batch *b, int family, const char *to, unsigned int to_port)
{
	unsigned short port_be = htons((unsigned short)to_port);
	struct expression e;
	unsigned char addr[16];

	inet_pton(family, to, addr);
	add_immediate(b, NFT_REG_1, addr, family == AF_INET ? 4 : 16);
	add_immediate(b, NFT_REG_2, &port_be, sizeof(port_be));
	e = begin_expression(b, "tproxy");
	put_number(b, NFTA_TPROXY_FAMILY, family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
	put_number(b, NFTA_TPROXY_REG_ADDR, NFT_REG_1);
	put_number(b, NFTA_TPROXY_REG_PORT, NFT_REG_2);
	end_expression(b, e);
}

/* ---- a table with one chain before routing ---- */

static void begin_rule(struct batch *b, int family)
{
	const unsigned int type = NFNL_SUBSYS_NFTABLES << 8;
	struct nlattr *hook;

	begin(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	begin(b, type | NFT_MSG_NEWTABLE, NLM_F_CREATE, family, 0);
	put_text(b, NFTA_TABLE_NAME, TABLE);
	begin(b, type | NFT_MSG_NEWCHAIN, NLM_F_CREATE, family, 0);
	put_text(b, NFTA_CHAIN_TABLE, TABLE);
	put_text(b, NFTA_CHAIN_NAME, CHAIN);
	hook = nest(b, NFTA_CHAIN_HOOK);
	put_number(b, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
	put_number(b, NFTA_HOOK_PRIORITY, (unsigned int)-150);
	end_nest(b, hook);
	put_text(b, NFTA_CHAIN_TYPE, "filter");
	begin(b, type | NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK, family, 0);
	put_text(b, NFTA_RULE_TABLE, TABLE);
	put_text(b, NFTA_RULE_CHAIN, CHAIN);
}

int netfilter_tproxy(int family, unsigned int port, const char *to, unsigned int to_port)
{
	struct batch b = {0};
	struct nlattr *list;

	begin_rule(&b, family);
	list = nest(&b, NFTA_RULE_EXPRESSIONS);
	add_match(&b, port);
	add_tproxy(&b, family, to, to_port);
	end_nest(&b, list);
	begin(&b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	return netlink_transact(NETLINK_NETFILTER, b.bytes, b.used);
}
