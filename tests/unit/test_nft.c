// SPDX-License-Identifier: GPL-2.0-only
/* test_nft.c - rules as netlink tells them, and tables of iptables, whole, cut and broken; IPVS' list; programs that forward.  What real rulesets give is
 * tests/e2e/redirect.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>

#include "forwarder.h"
#include "iptables.h"
#include "ipvs.h"
#include "nft.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- messages ---- */

struct message {
	uint8_t data[2048];
	size_t length;
};

static void put(struct message *m, uint16_t type, const void *data, size_t length)
{
	struct nlattr a = {.nla_len = (uint16_t)(NLA_HDRLEN + length), .nla_type = type};

	memcpy(m->data + m->length, &a, sizeof(a));
	memcpy(m->data + m->length + NLA_HDRLEN, data, length);
	m->length += NLA_ALIGN(a.nla_len);
}

static void put_text(struct message *m, uint16_t type, const char *text)
{
	put(m, type, text, strlen(text) + 1);
}

static void put_number(struct message *m, uint16_t type, uint32_t value)
{
	value = htonl(value);
	put(m, type, &value, sizeof(value));
}

static void put_in(struct message *m, uint16_t type, const struct message *in)
{
	put(m, type | NLA_F_NESTED, in->data, in->length);
}

static void put_value(struct message *m, uint16_t type, const void *data, size_t length)
{
	struct message value = {.length = 0};

	put(&value, NFTA_DATA_VALUE, data, length);
	put_in(m, type, &value);
}

static void put_expression(struct message *list, const char *name, const struct message *data)
{
	struct message e = {.length = 0};

	put_text(&e, NFTA_EXPR_NAME, name);
	put_in(&e, NFTA_EXPR_DATA, data);
	put_in(list, NFTA_LIST_ELEM, &e);
}

static struct message chain_message(void)
{
	struct message m = {.length = 0}, hook = {.length = 0};

	put_text(&m, NFTA_CHAIN_TABLE, "nat");
	put_text(&m, NFTA_CHAIN_NAME, "pre");
	put_number(&hook, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
	put_in(&m, NFTA_CHAIN_HOOK, &hook);
	return m;
}

/* tcp dport `port` dnat to 10.9.0.2:81 */
static struct message rule_message(uint16_t port)
{
	const uint8_t tcp = IPPROTO_TCP, address[] = {10, 9, 0, 2};
	const uint16_t port_be = htons(port), to_be = htons(81);
	struct message m = {.length = 0}, list = {.length = 0}, e;

	e = (struct message){.length = 0};
	put_number(&e, NFTA_META_KEY, NFT_META_L4PROTO);
	put_number(&e, NFTA_META_DREG, NFT_REG_1);
	put_expression(&list, "meta", &e);
	e = (struct message){.length = 0};
	put_number(&e, NFTA_CMP_SREG, NFT_REG_1);
	put_number(&e, NFTA_CMP_OP, NFT_CMP_EQ);
	put_value(&e, NFTA_CMP_DATA, &tcp, sizeof(tcp));
	put_expression(&list, "cmp", &e);
	e = (struct message){.length = 0};
	put_number(&e, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_number(&e, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	put_number(&e, NFTA_PAYLOAD_OFFSET, 2);
	put_number(&e, NFTA_PAYLOAD_LEN, 2);
	put_expression(&list, "payload", &e);
	e = (struct message){.length = 0};
	put_number(&e, NFTA_CMP_SREG, NFT_REG_1);
	put_number(&e, NFTA_CMP_OP, NFT_CMP_EQ);
	put_value(&e, NFTA_CMP_DATA, &port_be, sizeof(port_be));
	put_expression(&list, "cmp", &e);
	e = (struct message){.length = 0};
	put_number(&e, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	put_value(&e, NFTA_IMMEDIATE_DATA, address, sizeof(address));
	put_expression(&list, "immediate", &e);
	e = (struct message){.length = 0};
	put_number(&e, NFTA_IMMEDIATE_DREG, NFT_REG_2);
	put_value(&e, NFTA_IMMEDIATE_DATA, &to_be, sizeof(to_be));
	put_expression(&list, "immediate", &e);
	e = (struct message){.length = 0};
	put_number(&e, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	put_number(&e, NFTA_NAT_FAMILY, NFPROTO_IPV4);
	put_number(&e, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
	put_number(&e, NFTA_NAT_REG_PROTO_MIN, NFT_REG_2);
	put_expression(&list, "nat", &e);
	put_text(&m, NFTA_RULE_TABLE, "nat");
	put_text(&m, NFTA_RULE_CHAIN, "pre");
	put_in(&m, NFTA_RULE_EXPRESSIONS, &list);
	return m;
}

static void count(void *ctx, const struct redirect *r)
{
	assert_true(memchr(r->rule, '\0', sizeof(r->rule)) != NULL);
	++*(size_t *)ctx;
}

static size_t find(const struct message *chain, const struct message *rule, uint16_t protocol,
		   uint16_t port)
{
	const struct nft_packet packet = {.protocol = protocol, .port = port};
	struct nft *n = nft_new();
	size_t found = 0;

	assert_non_null(n);
	assert_true(nft_add_chain(n, NFPROTO_IPV4, chain->data, chain->length));
	assert_true(nft_add_rule(n, NFPROTO_IPV4, rule->data, rule->length));
	assert_true(nft_find(n, &packet, count, &found));
	nft_free(n);
	return found;
}

static void a_rule_takes_its_port_only(void **state)
{
	const struct message chain = chain_message(), rule = rule_message(8080);

	(void)state;
	assert_int_equal(find(&chain, &rule, IPPROTO_TCP, 8080), 1);
	assert_int_equal(find(&chain, &rule, IPPROTO_TCP, 8081), 0);
	assert_int_equal(find(&chain, &rule, IPPROTO_UDP, 8080), 0);
}

static void a_message_cut_anywhere_is_survived(void **state)
{
	const struct message chain = chain_message(), rule = rule_message(8080);

	(void)state;
	for (size_t i = 0; i < rule.length; i++) {
		struct message cut = rule;

		cut.length = i;
		find(&chain, &cut, IPPROTO_TCP, 8080);
		cut.length = i < chain.length ? i : chain.length;
		memcpy(cut.data, chain.data, cut.length);
		find(&cut, &rule, IPPROTO_TCP, 8080);
	}
}

static void a_broken_message_is_survived(void **state)
{
	const struct message chain = chain_message(), rule = rule_message(8080);
	uint64_t random = 1;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		struct message broken = rule;

		for (unsigned int bytes = 0; bytes < 1 + i % 4; bytes++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			broken.data[(random >> 33) % broken.length] = (uint8_t)(random >> 56);
		}
		find(&chain, &broken, IPPROTO_TCP, 8080);
	}
}

static void chains_that_jump_in_a_circle_end(void **state)
{
	const struct nft_packet packet = {.protocol = IPPROTO_TCP, .port = 1};
	const struct message chain = chain_message(), take = rule_message(8080);
	struct message m = {.length = 0}, list = {.length = 0}, e = {.length = 0};
	struct message data = {.length = 0}, verdict = {.length = 0};
	struct nft *n = nft_new();
	size_t found = 0;

	(void)state;
	put_number(&verdict, NFTA_VERDICT_CODE, (uint32_t)NFT_JUMP);
	put_text(&verdict, NFTA_VERDICT_CHAIN, "pre");
	put_in(&data, NFTA_DATA_VERDICT, &verdict);
	put_number(&e, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	put_in(&e, NFTA_IMMEDIATE_DATA, &data);
	put_expression(&list, "immediate", &e);
	put_text(&m, NFTA_RULE_TABLE, "nat");
	put_text(&m, NFTA_RULE_CHAIN, "pre");
	put_in(&m, NFTA_RULE_EXPRESSIONS, &list);
	assert_true(nft_add_chain(n, NFPROTO_IPV4, chain.data, chain.length));
	for (unsigned int i = 0; i < 3; i++)
		assert_true(nft_add_rule(n, NFPROTO_IPV4, m.data, m.length));
	assert_true(nft_add_rule(n, NFPROTO_IPV4, take.data, take.length));
	assert_false(nft_find(n, &packet, count, &found)); /* given up, and said */
	nft_free(n);
}

/* ---- tables of iptables ---- */

/* A rule without conditions but `port` (0: none), with a target of `size` bytes of data. */
static void add_rule(struct message *m, uint16_t port, const char *target, const void *data,
		     size_t size)
{
	struct ipt_entry e = {.ip.proto = port ? IPPROTO_TCP : 0};
	struct xt_entry_match match = {.u.user.name = "tcp"};
	struct xt_entry_target t = {0};
	struct xt_tcp tcp = {.spts = {0, UINT16_MAX}, .dpts = {port, port}};

	match.u.match_size = sizeof(match) + XT_ALIGN(sizeof(tcp));
	t.u.target_size = (uint16_t)(sizeof(t) + XT_ALIGN(size));
	strcpy(t.u.user.name, target);
	e.target_offset = (uint16_t)(sizeof(e) + (port ? match.u.match_size : 0));
	e.next_offset = e.target_offset + t.u.target_size;
	memcpy(m->data + m->length, &e, sizeof(e));
	if (port) {
		memcpy(m->data + m->length + sizeof(e), &match, sizeof(match));
		memcpy(m->data + m->length + sizeof(e) + sizeof(match), &tcp, sizeof(tcp));
	}
	memcpy(m->data + m->length + e.target_offset, &t, sizeof(t));
	memcpy(m->data + m->length + e.target_offset + sizeof(t), data, size);
	m->length += e.next_offset;
}

static void add_jump(struct message *m, int verdict)
{
	add_rule(m, 0, XT_STANDARD_TARGET, &verdict, sizeof(verdict));
}

static void add_redirect(struct message *m, uint16_t port)
{
	const struct nf_nat_ipv4_multi_range_compat range = {
		.rangesize = 1,
		.range[0] = {.flags = NF_NAT_RANGE_PROTO_SPECIFIED, .min.all = htons(81)},
	};

	add_rule(m, port, "REDIRECT", &range, sizeof(range));
}

/* PREROUTING jumps to a chain that redirects 8080 and goes on to redirect 8081, which is accepted before. */
static struct message table_message(void)
{
	static const char web[XT_FUNCTION_MAXNAMELEN] = "WEB", end[sizeof(web)] = "ERROR";
	struct message m = {.length = 0};
	const int accept = -NF_ACCEPT - 1;
	size_t chain;

	add_jump(&m, 0);
	add_rule(&m, 8081, XT_STANDARD_TARGET, &accept, sizeof(accept));
	add_redirect(&m, 8081);
	add_redirect(&m, 8082);
	add_jump(&m, accept);
	add_rule(&m, 0, XT_ERROR_TARGET, web, sizeof(web));
	chain = m.length;
	add_redirect(&m, 8080);
	add_jump(&m, XT_RETURN);
	add_rule(&m, 0, XT_ERROR_TARGET, end, sizeof(end));
	memcpy(m.data + sizeof(struct ipt_entry) + sizeof(struct xt_entry_target),
	       &(int){(int)chain}, sizeof(int));
	return m;
}

struct last {
	size_t count;
	struct redirect r;
};

static void keep(void *ctx, const struct redirect *r)
{
	struct last *last = ctx;

	count(&last->count, r);
	last->r = *r;
}

static bool play_table(const struct message *m, uint16_t port, struct last *ret)
{
	const struct nft_packet packet = {.protocol = IPPROTO_TCP, .port = port};
	const struct iptables t = {
		.family = NFPROTO_IPV4,
		.name = "nat",
		.entries = m->data,
		.size = m->length,
		.hooks = 1u << NF_INET_PRE_ROUTING,
	};

	*ret = (struct last){0};
	return iptables_find(&t, &packet, keep, ret);
}

static void a_chain_of_iptables_takes_its_port_only(void **state)
{
	const struct message table = table_message();
	struct last last;

	(void)state;
	assert_true(play_table(&table, 8080, &last));
	assert_int_equal(last.count, 1);
	assert_string_equal(last.r.rule, "iptables-legacy nat, chain WEB, rule 1");
	assert_int_equal(last.r.target.port, 81);
	assert_true(last.r.from_outside && !last.r.from_here && !last.r.conditional);
	assert_true(play_table(&table, 8082, &last));
	assert_string_equal(last.r.rule, "iptables-legacy nat, chain PREROUTING, rule 4");
	assert_true(play_table(&table, 8081, &last));
	assert_int_equal(last.count, 0);
}

/* On the heap, so that a step too far is seen. */
static void a_broken_table_is_survived(void **state)
{
	const struct message whole = table_message();
	uint64_t random = 1;
	struct last last;

	(void)state;
	for (size_t i = 0; i < whole.length; i++) {
		uint8_t *bytes = test_malloc(i + 1);
		const struct iptables t = {
			.family = i % 2 ? NFPROTO_IPV4 : NFPROTO_IPV6,
			.name = "nat",
			.entries = bytes,
			.size = i,
			.hooks = 1u << NF_INET_PRE_ROUTING,
		};
		const struct nft_packet packet = {.protocol = IPPROTO_TCP, .port = 8080};

		memcpy(bytes, whole.data, i);
		last = (struct last){0};
		iptables_find(&t, &packet, keep, &last);
		test_free(bytes);
	}
	for (unsigned int i = 0; i < 20000; i++) {
		struct message broken = whole;

		for (unsigned int bytes = 0; bytes < 1 + i % 4; bytes++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			broken.data[(random >> 33) % broken.length] = (uint8_t)(random >> 56);
		}
		play_table(&broken, 8080, &last);
	}
}

static void a_table_that_jumps_in_a_circle_ends(void **state)
{
	struct message m = {.length = 0};
	struct last last;

	(void)state;
	for (int i = 0; i < 3; i++)
		add_jump(&m, 0);
	add_redirect(&m, 8081);
	assert_false(play_table(&m, 8080, &last)); /* given up, and said */
}

/* ---- IPVS ---- */

static void servers_of_ipvs_are_read(void **state)
{
	static const char *const lines[] = {
		"IP Virtual Server version 1.2.1 (size=4096)\n",
		"Prot LocalAddress:Port Scheduler Flags\n",
		"  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n",
		"TCP  0A600001:0050 rr\n",
		"  -> 0AF40002:1F90      Masq    1      0          0\n",
		"FWM  00000001 wlc\n",
		"  -> 0AF40003:0000      Route   1      0          0\n",
		"UDP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0035 wlc persistent 300\n",
		"  -> [2001:0db8:0000:0000:0000:0000:0000:0002]:0036      Route   1      0         "
		" 0\n",
		"TCP  zz:1 rr\n",
		"  -> 0AF40002:1F90      Masq    1      0          0\n",
	};
	struct ipvs_reader reader = {0};
	struct redirect r[4];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		n += n < COUNT(r) && ipvs_line(&reader, lines[i], &r[n]);
	assert_int_equal(n, 2);
	assert_int_equal(r[0].port, 80);
	assert_memory_equal(r[0].to.addr, ((uint8_t[]){10, 96, 0, 1}), 4);
	assert_int_equal(r[0].target.port, 8080);
	assert_memory_equal(r[0].target.addr, ((uint8_t[]){10, 244, 0, 2}), 4);
	assert_string_equal(r[0].rule, "IPVS service, scheduler rr");
	assert_int_equal(r[1].protocol, IPPROTO_UDP);
	assert_int_equal(r[1].family, FAMILY_IPV6);
	assert_int_equal(r[1].target.port, 54);
}

/* ---- programs ---- */

static void forwarders_are_known_by_name_and_command(void **state)
{
	static const struct {
		const char *name, *command;
		enum forwarder_kind kind;
		bool has_target;
		uint16_t port;
		const char *path;
	} cases[] = {
		{"docker-proxy",
		 "/usr/bin/docker-proxy -proto tcp -host-ip :: -host-port 80 -container-ip "
		 "172.17.0.2 -container-port 8080",
		 FORWARDER_DOCKER, true, 8080, ""},
		{"docker-proxy", "docker-proxy -container-ip fd00::2 -container-port 80",
		 FORWARDER_DOCKER, true, 80, ""},
		{"docker-proxy", "docker-proxy -container-port 80", FORWARDER_DOCKER, false, 80,
		 ""},
		{"docker-proxy", "docker-proxy -container-ip x -container-port 99999",
		 FORWARDER_DOCKER, false, 0, ""},
		{"docker-proxy", NULL, FORWARDER_DOCKER, false, 0, ""},
		{"pasta.avx2", "pasta -t 8080 -u 53 1234", FORWARDER_NAMESPACE, false, 0,
		 "/proc/1234/ns/net"},
		{"pasta", "pasta --config-net --netns /run/user/1000/netns/x -t 80",
		 FORWARDER_NAMESPACE, false, 0, "/run/user/1000/netns/x"},
		{"slirp4netns", "slirp4netns --mtu=65520 77 tap0", FORWARDER_NAMESPACE, false, 0,
		 "/proc/77/ns/net"},
		{"rootlessport", "rootlessport", FORWARDER_ROOTLESS, false, 0, ""},
		{"sshd", "sshd: user", FORWARDER_SSH, false, 0, ""},
		{"nginx", "nginx", FORWARDER_NONE, false, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct forwarder f = forwarder_read(cases[i].name, cases[i].command);

		assert_int_equal(f.kind, cases[i].kind);
		assert_int_equal(f.has_target, cases[i].has_target);
		assert_int_equal(f.target.port, cases[i].port);
		assert_string_equal(f.path, cases[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_takes_its_port_only),
		cmocka_unit_test(a_message_cut_anywhere_is_survived),
		cmocka_unit_test(a_broken_message_is_survived),
		cmocka_unit_test(chains_that_jump_in_a_circle_end),
		cmocka_unit_test(a_chain_of_iptables_takes_its_port_only),
		cmocka_unit_test(a_broken_table_is_survived),
		cmocka_unit_test(a_table_that_jumps_in_a_circle_ends),
		cmocka_unit_test(servers_of_ipvs_are_read),
		cmocka_unit_test(forwarders_are_known_by_name_and_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
