// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_find.c - plays a packet to one port through the rules: what of it is known decides, what is not may be anything.
 *
 * Registers are 80 bytes; each is known or not.  A rule that compares what is not known is taken as a condition that may hold;
 * only the address the packet goes to is remembered from the comparison.
 */
#include "nft_private.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16 /* NFT_JUMP_STACK_SIZE */
#define RTN_LOCAL 2  /* include/uapi/linux/rtnetlink.h */

enum flow {
	FLOW_NEXT,   /* the next rule of the chain */
	FLOW_RETURN, /* the rule behind the jump */
	FLOW_STOP,   /* of this base chain */
};

struct state {
	struct nft_values registers;
	struct redirect found; /* so far: `to`, conditional */
};

struct find {
	const struct nft *n;
	const struct nft_packet *packet;
	struct nft_budget budget;
	unsigned int depth;
	struct redirect_list list;
	/* the rule being played */
	const struct nft_chain *chain;
	const struct nft_copy *rule;
	uint32_t hook;
};

/* ---- registers ---- */

/* Where the register's bytes begin; NFT_REGISTERS for the verdict and what is none. */
static size_t register_at(struct nft_bytes number)
{
	uint32_t r = nft_number(number);

	if (r >= NFT_REG_1 && r <= NFT_REG_4)
		return (r - NFT_REG_1) * NFT_REG_SIZE;
	if (r >= NFT_REG32_00 && r <= NFT_REG32_15)
		return (r - NFT_REG32_00) * NFT_REG32_SIZE;
	return NFT_REGISTERS;
}

/* Whole words, as the kernel pads them. */
static void forget(struct nft_values *r, size_t at, size_t length)
{
	length = (length + 3) & ~(size_t)3;
	if (!nft_has_room(at, length))
		return;
	memset(&r->byte[at], 0, length);
	memset(&r->known[at], 0, length * sizeof(r->known[0]));
	memset(&r->is_to[at], 0, length * sizeof(r->is_to[0]));
}

static void set(struct nft_values *r, size_t at, const void *data, size_t length)
{
	size_t padded = (length + 3) & ~(size_t)3;

	if (!nft_has_room(at, padded))
		return;
	forget(r, at, length);
	memcpy(&r->byte[at], data, length);
	memset(&r->known[at], true, padded);
}

static void remember_to(struct state *s, const uint8_t *addr, size_t length)
{
	s->found.has_to = true;
	s->found.family = length == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
	memset(s->found.to.addr, 0, sizeof(s->found.to.addr));
	memcpy(s->found.to.addr, addr, length);
}

/* ---- expressions that load ---- */

static void play_meta(struct find *f, struct state *s, struct nft_bytes data)
{
	size_t at = register_at(nft_find_attribute(data, NFTA_META_DREG));
	uint8_t protocol = (uint8_t)f->packet->protocol;

	forget(&s->registers, at, 16);
	if (nft_number(nft_find_attribute(data, NFTA_META_KEY)) == NFT_META_L4PROTO)
		set(&s->registers, at, &protocol, sizeof(protocol));
}

static void load_to(struct find *f, struct state *s, size_t at, size_t length)
{
	enum family family = length == 4 ? FAMILY_IPV4 : FAMILY_IPV6;

	if (f->packet->family == family)
		set(&s->registers, at, f->packet->to.addr, length);
	else if (nft_has_room(at, length))
		memset(&s->registers.is_to[at], true, length);
}

static void play_payload(struct find *f, struct state *s, struct nft_bytes data)
{
	size_t at = register_at(nft_find_attribute(data, NFTA_PAYLOAD_DREG));
	uint32_t base = nft_number(nft_find_attribute(data, NFTA_PAYLOAD_BASE));
	uint32_t offset = nft_number(nft_find_attribute(data, NFTA_PAYLOAD_OFFSET));
	uint32_t length = nft_number(nft_find_attribute(data, NFTA_PAYLOAD_LEN));
	uint16_t port_be = htons(f->packet->port);
	uint8_t protocol = (uint8_t)f->packet->protocol;

	forget(&s->registers, at, length);
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == 2 && length == 2)
		set(&s->registers, at, &port_be, sizeof(port_be));
	if (base != NFT_PAYLOAD_NETWORK_HEADER)
		return;
	/* IPv4 has the protocol at 9, IPv6 the next header at 6; the addresses it goes to are at 16 and 24. */
	if (length == 1 && (offset == 9 || offset == 6))
		set(&s->registers, at, &protocol, sizeof(protocol));
	if ((offset == 16 && length == 4) || (offset == 24 && length == 16))
		load_to(f, s, at, length);
}

/* The question is about this host, so what asks whether the packet goes to it is answered so. */
static void play_fib(struct state *s, struct nft_bytes data)
{
	size_t at = register_at(nft_find_attribute(data, NFTA_FIB_DREG));
	uint32_t type = RTN_LOCAL;

	forget(&s->registers, at, 16);
	if (nft_number(nft_find_attribute(data, NFTA_FIB_RESULT)) == NFT_FIB_RESULT_ADDRTYPE &&
	    nft_number(nft_find_attribute(data, NFTA_FIB_FLAGS)) & NFTA_FIB_F_DADDR)
		set(&s->registers, at, &type, sizeof(type));
}

static void play_bitwise(struct state *s, struct nft_bytes data)
{
	size_t from = register_at(nft_find_attribute(data, NFTA_BITWISE_SREG));
	size_t at = register_at(nft_find_attribute(data, NFTA_BITWISE_DREG));
	size_t length = nft_number(nft_find_attribute(data, NFTA_BITWISE_LEN));
	struct nft_bytes mask =
		nft_find_attribute(nft_find_attribute(data, NFTA_BITWISE_MASK), NFTA_DATA_VALUE);
	struct nft_bytes flip =
		nft_find_attribute(nft_find_attribute(data, NFTA_BITWISE_XOR), NFTA_DATA_VALUE);
	uint8_t value[16];

	if (length > sizeof(value) || mask.length != length || flip.length != length ||
	    !nft_has_room(from, length) || !nft_all_set(&s->registers.known[from], length)) {
		forget(&s->registers, at, length);
		return;
	}
	for (size_t i = 0; i < length; i++)
		value[i] = (s->registers.byte[from + i] & mask.data[i]) ^ flip.data[i];
	set(&s->registers, at, value, length);
}

/* ---- expressions that compare ---- */

static enum nft_verdict holds(uint32_t op, int difference)
{
	bool yes = false;

	switch (op) {
	case NFT_CMP_EQ: yes = difference == 0; break;
	case NFT_CMP_NEQ: yes = difference != 0; break;
	case NFT_CMP_LT: yes = difference < 0; break;
	case NFT_CMP_LTE: yes = difference <= 0; break;
	case NFT_CMP_GT: yes = difference > 0; break;
	case NFT_CMP_GTE: yes = difference >= 0; break;
	}
	return yes ? NFT_YES : NFT_NO;
}

static enum nft_verdict play_cmp(struct state *s, struct nft_bytes data)
{
	const struct nft_values *r = &s->registers;
	size_t at = register_at(nft_find_attribute(data, NFTA_CMP_SREG));
	uint32_t op = nft_number(nft_find_attribute(data, NFTA_CMP_OP));
	struct nft_bytes value =
		nft_find_attribute(nft_find_attribute(data, NFTA_CMP_DATA), NFTA_DATA_VALUE);

	if (!value.length || !nft_has_room(at, value.length))
		return NFT_PERHAPS;
	if (nft_all_set(&r->known[at], value.length))
		return holds(op, memcmp(&r->byte[at], value.data, value.length));
	if (op != NFT_CMP_EQ || !nft_all_set(&r->is_to[at], value.length) ||
	    (value.length != 4 && value.length != 16))
		return NFT_PERHAPS;
	remember_to(s, value.data, value.length);
	return NFT_YES;
}

static enum nft_verdict play_range(const struct state *s, struct nft_bytes data)
{
	const struct nft_values *r = &s->registers;
	size_t at = register_at(nft_find_attribute(data, NFTA_RANGE_SREG));
	struct nft_bytes from =
		nft_find_attribute(nft_find_attribute(data, NFTA_RANGE_FROM_DATA), NFTA_DATA_VALUE);
	struct nft_bytes to =
		nft_find_attribute(nft_find_attribute(data, NFTA_RANGE_TO_DATA), NFTA_DATA_VALUE);
	bool inside;

	if (!from.length || from.length != to.length || !nft_has_room(at, from.length) ||
	    !nft_all_set(&r->known[at], from.length))
		return NFT_PERHAPS;
	inside = memcmp(&r->byte[at], from.data, from.length) >= 0 &&
		 memcmp(&r->byte[at], to.data, to.length) <= 0;
	return inside == (nft_number(nft_find_attribute(data, NFTA_RANGE_OP)) == NFT_RANGE_EQ)
		       ? NFT_YES
		       : NFT_NO;
}

/* ---- sets and maps ---- */

/* Of an element that matches: the address it names, where that was not known. */
static void note_key(struct state *s, size_t at, const struct nft_element *e)
{
	size_t from = 0, length = 0;

	for (size_t i = 0; i < e->key.length; i++) {
		if (!s->registers.is_to[at + i])
			continue;
		from = length ? from : i;
		length++;
	}
	if (length == 4 || length == 16)
		remember_to(s, e->key.data + from, length);
}

static enum flow play_rest(struct find *f, struct nft_bytes rest, struct state *s);
static enum flow play_verdict(struct find *f, struct nft_bytes verdict, const struct state *s);

/* Goes on with what the map gives for this element. */
static enum flow play_element(struct find *f, const struct state *s, size_t at, size_t to,
			      const struct nft_element *e, enum nft_verdict verdict,
			      struct nft_bytes rest)
{
	struct nft_bytes chain = nft_find_attribute(e->data, NFTA_DATA_VERDICT);
	struct nft_bytes value = nft_find_attribute(e->data, NFTA_DATA_VALUE);
	struct state copy = *s;

	if (!e->is_rest && nft_has_room(at, e->key.length))
		note_key(&copy, at, e);
	copy.found.conditional |= verdict != NFT_YES;
	if (chain.length)
		return play_verdict(f, chain, &copy);
	set(&copy.registers, to, value.data, value.length);
	return play_rest(f, rest, &copy);
}

/* A map: every element that may match is played. */
static enum flow play_map(struct find *f, struct state *s, const struct nft_elements *set,
			  size_t at, size_t to, struct nft_bytes rest)
{
	struct nft_element_steps steps = {0};
	struct nft_element e, others = {0};
	bool has_intervals, sure = false;

	if (nft_find_interval(&f->budget, &s->registers, at, set, &e, &has_intervals))
		return play_element(f, s, at, to, &e, NFT_YES, rest);
	while (nft_next_element(&f->budget, set, &steps, &e)) {
		enum nft_verdict v = e.is_end ? NFT_NO : nft_compare_key(&s->registers, at, &e);

		if (has_intervals && v == NFT_YES)
			v = NFT_NO; /* find_interval() has judged */
		if (e.is_rest)
			others = e;
		else if (v != NFT_NO && play_element(f, s, at, to, &e, v, rest) == FLOW_STOP)
			return FLOW_STOP;
		sure |= v == NFT_YES;
	}
	if (others.is_rest && !sure)
		return play_element(f, s, at, to, &others, NFT_YES, rest);
	return FLOW_NEXT;
}

static enum nft_verdict play_set(struct find *f, struct state *s, const struct nft_elements *set,
				 size_t at, bool inverted)
{
	struct nft_element_steps steps = {0};
	enum nft_verdict verdict = NFT_NO;
	struct nft_element e;
	bool has_intervals;

	if (nft_find_interval(&f->budget, &s->registers, at, set, &e, &has_intervals))
		return inverted ? NFT_NO : NFT_YES;
	while (verdict != NFT_YES && nft_next_element(&f->budget, set, &steps, &e)) {
		enum nft_verdict v = e.is_end ? NFT_NO : nft_compare_key(&s->registers, at, &e);

		if (has_intervals && v == NFT_YES)
			v = NFT_NO;
		/* Which of the addresses is not known. */
		if (v == NFT_YES && nft_has_room(at, 1) && !s->registers.known[at])
			v = NFT_PERHAPS;
		verdict = v != NFT_NO ? v : verdict;
	}
	if (inverted && verdict != NFT_PERHAPS)
		return verdict == NFT_YES ? NFT_NO : NFT_YES;
	return verdict;
}

/* ---- results ---- */

static void report(struct find *f, const struct state *s, struct redirect r)
{
	r.protocol = f->packet->protocol;
	r.port = f->packet->port;
	r.from_outside = f->hook == NF_INET_PRE_ROUTING;
	r.from_here = f->hook == NF_INET_LOCAL_OUT;
	r.conditional = s->found.conditional;
	r.has_to = s->found.has_to;
	r.to = s->found.to;
	r.to.port = r.port;
	if (!r.family)
		r.family = s->found.family;
	nft_format_rule(r.rule, sizeof(r.rule), f->chain, f->rule);
	f->budget.spent |= !redirect_list_add(&f->list, f->rule, &r);
}

static void read_target(const struct nft_values *r, struct redirect *ret, size_t addr,
			size_t addr_length, size_t port)
{
	if (nft_has_room(addr, addr_length) && nft_all_set(&r->known[addr], addr_length)) {
		ret->has_addr = ret->has_target = true;
		ret->family = addr_length == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
		memcpy(ret->target.addr, &r->byte[addr], addr_length);
	}
	if (nft_has_room(port, 2) && nft_all_set(&r->known[port], 2)) {
		ret->has_port = ret->has_target = true;
		ret->target.port = (uint16_t)(r->byte[port] << 8 | r->byte[port + 1]);
	}
}

/* Of an inet table the address' family may be left open; IPv4 then. */
static size_t address_length(uint32_t family)
{
	return family == NFPROTO_IPV6 ? 16 : 4;
}

/* True when the expression sends the packet elsewhere. */
static bool play_nat(struct find *f, const struct state *s, const char *name, struct nft_bytes data)
{
	struct redirect r = {.kind = REDIRECT_DNAT};

	if (!strcmp(name, "nat")) {
		if (nft_number(nft_find_attribute(data, NFTA_NAT_TYPE)) != NFT_NAT_DNAT)
			return false;
		read_target(&s->registers, &r,
			    register_at(nft_find_attribute(data, NFTA_NAT_REG_ADDR_MIN)),
			    address_length(nft_number(nft_find_attribute(data, NFTA_NAT_FAMILY))),
			    register_at(nft_find_attribute(data, NFTA_NAT_REG_PROTO_MIN)));
	} else if (!strcmp(name, "redir")) {
		r.kind = REDIRECT_LOCAL;
		read_target(&s->registers, &r, NFT_REGISTERS, 0,
			    register_at(nft_find_attribute(data, NFTA_REDIR_REG_PROTO_MIN)));
	} else {
		r.kind = REDIRECT_TPROXY;
		read_target(
			&s->registers, &r,
			register_at(nft_find_attribute(data, NFTA_TPROXY_REG_ADDR)),
			address_length(nft_number(nft_find_attribute(data, NFTA_TPROXY_FAMILY))),
			register_at(nft_find_attribute(data, NFTA_TPROXY_REG_PORT)));
	}
	report(f, s, r);
	return true;
}

/* ---- rules and chains ---- */

static enum flow play_chain(struct find *f, const struct nft_chain *chain, const struct state *s);

static enum flow play_verdict(struct find *f, struct nft_bytes verdict, const struct state *s)
{
	int32_t code = (int32_t)nft_number(nft_find_attribute(verdict, NFTA_VERDICT_CODE));
	const struct nft_chain *from = f->chain, *to;
	const struct nft_copy *rule = f->rule;
	enum flow flow = FLOW_NEXT;

	switch (code) {
	case NFT_JUMP:
	case NFT_GOTO:
		to = nft_find_chain(f->n, from->is.family, from->is.table,
				    nft_text(nft_find_attribute(verdict, NFTA_VERDICT_CHAIN)));
		flow = to ? play_chain(f, to, s) : FLOW_NEXT;
		f->chain = from;
		f->rule = rule;
		if (flow != FLOW_STOP)
			flow = code == NFT_GOTO ? FLOW_RETURN : FLOW_NEXT;
		break;
	case NFT_RETURN: flow = FLOW_RETURN; break;
	case NFT_CONTINUE:
	case NFT_BREAK: break;
	default: flow = FLOW_STOP; /* accepted, dropped, queued */
	}
	return s->found.conditional ? FLOW_NEXT : flow;
}

static enum flow play_lookup(struct find *f, struct nft_bytes data, struct state *s,
			     struct nft_bytes rest, bool *ret_done)
{
	const struct nft_elements *set =
		nft_find_set(f->n, f->chain->is.family, f->chain->is.table,
			     nft_text(nft_find_attribute(data, NFTA_LOOKUP_SET)));
	size_t at = register_at(nft_find_attribute(data, NFTA_LOOKUP_SREG));
	struct nft_bytes to = nft_find_attribute(data, NFTA_LOOKUP_DREG);
	bool inverted = nft_number(nft_find_attribute(data, NFTA_LOOKUP_FLAGS)) & NFT_LOOKUP_F_INV;
	enum nft_verdict verdict = NFT_PERHAPS;

	if (set && to.length) {
		*ret_done = true;
		return play_map(f, s, set, at, register_at(to), rest);
	}
	if (set)
		verdict = play_set(f, s, set, at, inverted);
	*ret_done = verdict == NFT_NO;
	s->found.conditional |= verdict == NFT_PERHAPS;
	return FLOW_NEXT;
}

static bool is_quiet(const char *name)
{
	static const char *const names[] = {"counter", "log", "objref", "notrack", "last"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static enum nft_verdict play_match(struct find *f, struct nft_bytes data)
{
	return nft_xt_match(nft_text(nft_find_attribute(data, NFTA_MATCH_NAME)),
			    nft_number(nft_find_attribute(data, NFTA_MATCH_REV)),
			    nft_find_attribute(data, NFTA_MATCH_INFO), f->packet);
}

/* What follows one expression of the rule; FLOW_NEXT and *ret_done false: its next one. */
static enum flow play_one(struct find *f, const char *name, struct nft_bytes data, struct state *s,
			  struct nft_bytes rest, bool *ret_done)
{
	enum nft_verdict verdict = NFT_YES;
	struct redirect r = {0};

	if (!strcmp(name, "meta")) {
		play_meta(f, s, data);
	} else if (!strcmp(name, "payload")) {
		play_payload(f, s, data);
	} else if (!strcmp(name, "fib")) {
		play_fib(s, data);
	} else if (!strcmp(name, "bitwise")) {
		play_bitwise(s, data);
	} else if (!strcmp(name, "cmp")) {
		verdict = play_cmp(s, data);
	} else if (!strcmp(name, "range")) {
		verdict = play_range(s, data);
	} else if (!strcmp(name, "match")) {
		verdict = play_match(f, data);
	} else if (!strcmp(name, "lookup")) {
		return play_lookup(f, data, s, rest, ret_done);
	} else if (!strcmp(name, "immediate")) {
		struct nft_bytes in = nft_find_attribute(data, NFTA_IMMEDIATE_DATA);
		struct nft_bytes value = nft_find_attribute(in, NFTA_DATA_VALUE);

		*ret_done = !value.length;
		if (*ret_done)
			return play_verdict(f, nft_find_attribute(in, NFTA_DATA_VERDICT), s);
		set(&s->registers, register_at(nft_find_attribute(data, NFTA_IMMEDIATE_DREG)),
		    value.data, value.length);
	} else if (!strcmp(name, "nat") || !strcmp(name, "redir") || !strcmp(name, "tproxy")) {
		*ret_done = true;
		return play_nat(f, s, name, data) && !s->found.conditional ? FLOW_STOP : FLOW_NEXT;
	} else if (!strcmp(name, "target")) {
		*ret_done = nft_xt_target(nft_text(nft_find_attribute(data, NFTA_TARGET_NAME)),
					  nft_number(nft_find_attribute(data, NFTA_TARGET_REV)),
					  nft_find_attribute(data, NFTA_TARGET_INFO),
					  f->chain->is.family, &r);
		if (*ret_done)
			report(f, s, r);
		return *ret_done && !s->found.conditional ? FLOW_STOP : FLOW_NEXT;
	} else if (!is_quiet(name)) {
		/* Whatever it loads is not known; a limit may hold or not. */
		s->found.conditional |= !strcmp(name, "limit") || !strcmp(name, "quota") ||
					!strcmp(name, "connlimit");
		memset(&s->registers, 0, sizeof(s->registers));
	}
	s->found.conditional |= verdict == NFT_PERHAPS;
	*ret_done = verdict == NFT_NO;
	return FLOW_NEXT;
}

static enum flow play_rest(struct find *f, struct nft_bytes rest, struct state *s)
{
	struct nft_attribute e;

	while (nft_next(&rest, &e)) {
		bool done = false;
		enum flow flow = play_one(f, nft_text(nft_find_attribute(e.in, NFTA_EXPR_NAME)),
					  nft_find_attribute(e.in, NFTA_EXPR_DATA), s, rest, &done);

		if (done || flow != FLOW_NEXT)
			return flow;
	}
	return FLOW_NEXT;
}

static enum flow play_chain(struct find *f, const struct nft_chain *chain, const struct state *s)
{
	enum flow flow = FLOW_NEXT;

	if (f->depth == DEPTH_MAX)
		return FLOW_NEXT;
	f->depth++;
	for (const struct nft_copy *rule = chain->first; rule && flow == FLOW_NEXT;
	     rule = rule->next) {
		struct state copy = *s;

		if (!nft_take_step(&f->budget))
			break;
		f->chain = chain;
		f->rule = rule;
		flow = play_rest(f,
				 nft_find_attribute((struct nft_bytes){rule->data, rule->length},
						    NFTA_RULE_EXPRESSIONS),
				 &copy);
	}
	f->depth--;
	return flow == FLOW_STOP ? FLOW_STOP : FLOW_NEXT;
}

bool nft_find(const struct nft *n, const struct nft_packet *packet, redirect_fn fn, void *ctx)
{
	struct find *f = n->redirects ? calloc(1, sizeof(*f)) : NULL;
	struct nft_chain *const *chain = NULL;
	bool whole;

	if (!f)
		return !n->redirects;
	f->n = n;
	f->packet = packet;
	while ((chain = nft_each_chain(n, chain))) {
		const struct state s = {0};

		f->hook = (*chain)->hook;
		if ((*chain)->is_base &&
		    (f->hook == NF_INET_PRE_ROUTING || f->hook == NF_INET_LOCAL_OUT))
			play_chain(f, *chain, &s);
	}
	redirect_list_tell(&f->list, fn, ctx);
	whole = !f->budget.spent;
	free(f);
	return whole;
}
