// SPDX-License-Identifier: GPL-2.0-only
/*
 * iptables.c - plays a packet to one port through a table of iptables-legacy (include/uapi/linux/netfilter_ipv4/ip_tables.h).
 *
 *     hook_entry ──▶ entry │ match match ... │ target │ entry │ ...      chains one behind the other; the ERROR target before a
 *                          └─ target_offset ─┘        │                  chain of the user's names it.  Jumps say an offset.
 *                    └────────── next_offset ─────────┘
 */
#include "iptables.h"
#include "nft_private.h"

#include <linux/netfilter.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16

enum flow { FLOW_RETURN, FLOW_STOP };

/* Of both families, whose bits of invflags are the same. */
struct entry {
	uint8_t to[16], to_mask[16];
	bool has_from; /* asks for a source or an interface */
	uint16_t protocol;
	bool fragments, goes; /* IPT_F_FRAG; IPT_F_GOTO */
	uint8_t inverted;
	size_t matches, target, next; /* offsets in the table */
};

struct search {
	const struct iptables *t;
	const struct nft_packet *packet;
	struct nft_budget budget;
	struct redirect_list list;
	unsigned int depth;
	unsigned int hook;
};

/* ---- entries ---- */

static bool is_set(const void *bytes, size_t size)
{
	static const uint8_t none[16];

	return memcmp(bytes, none, size) != 0;
}

static void read_v4(const struct ipt_entry *e, struct entry *ret)
{
	memcpy(ret->to, &e->ip.dst, 4);
	memcpy(ret->to_mask, &e->ip.dmsk, 4);
	ret->has_from = is_set(&e->ip.smsk, 4) || is_set(e->ip.iniface_mask, IFNAMSIZ) ||
			is_set(e->ip.outiface_mask, IFNAMSIZ);
	ret->protocol = e->ip.proto;
	ret->fragments = e->ip.flags & IPT_F_FRAG;
	ret->goes = e->ip.flags & IPT_F_GOTO;
	ret->inverted = e->ip.invflags;
	ret->target = e->target_offset;
	ret->next = e->next_offset;
}

static void read_v6(const struct ip6t_entry *e, struct entry *ret)
{
	memcpy(ret->to, &e->ipv6.dst, 16);
	memcpy(ret->to_mask, &e->ipv6.dmsk, 16);
	ret->has_from = is_set(&e->ipv6.smsk, 16) || is_set(e->ipv6.iniface_mask, IFNAMSIZ) ||
			is_set(e->ipv6.outiface_mask, IFNAMSIZ);
	ret->protocol = e->ipv6.flags & IP6T_F_PROTO ? e->ipv6.proto : 0;
	ret->goes = e->ipv6.flags & IP6T_F_GOTO;
	ret->inverted = e->ipv6.invflags;
	ret->target = e->target_offset;
	ret->next = e->next_offset;
}

static bool read_at(const struct iptables *t, size_t at, void *ret, size_t size)
{
	if (at > t->size || t->size - at < size)
		return false;
	memcpy(ret, t->entries + at, size);
	return true;
}

/* False behind the last, and for what lies beyond. */
static bool read_entry(const struct iptables *t, size_t at, struct entry *ret)
{
	union {
		struct ipt_entry v4;
		struct ip6t_entry v6;
	} e;
	bool v4 = t->family == NFPROTO_IPV4;
	size_t head = v4 ? sizeof(e.v4) : sizeof(e.v6);

	*ret = (struct entry){0};
	if (!read_at(t, at, &e, head))
		return false;
	if (v4)
		read_v4(&e.v4, ret);
	else
		read_v6(&e.v6, ret);
	if (ret->target < head || ret->next < ret->target + sizeof(struct xt_entry_target) ||
	    ret->next > t->size - at)
		return false;
	ret->matches = at + head;
	ret->target += at;
	ret->next += at;
	return true;
}

/* A match or a target, which begin alike.  False: longer than what there is up to `end`. */
static bool read_extension(const struct iptables *t, size_t at, size_t end,
			   struct xt_entry_match *ret, struct nft_bytes *ret_info)
{
	if (end - at < sizeof(*ret) || !read_at(t, at, ret, sizeof(*ret)) ||
	    ret->u.match_size < sizeof(*ret) || ret->u.match_size > end - at)
		return false;
	ret->u.user.name[sizeof(ret->u.user.name) - 1] = '\0';
	*ret_info = (struct nft_bytes){t->entries + at + sizeof(*ret),
				       ret->u.match_size - sizeof(*ret)};
	return true;
}

/* ---- matches ---- */

static enum nft_verdict judge(bool inside, bool inverted)
{
	return inside != inverted ? NFT_YES : NFT_NO;
}

static enum nft_verdict match_to(const struct search *s, const struct entry *e,
				 struct redirect *found)
{
	const size_t size = s->t->family == NFPROTO_IPV4 ? 4 : 16;
	const bool inverted = e->inverted & IPT_INV_DSTIP;
	bool whole = true, inside = true;

	if (!is_set(e->to_mask, size))
		return NFT_YES;
	for (size_t i = 0; i < size; i++) {
		whole &= e->to_mask[i] == UINT8_MAX;
		inside &= (s->packet->to.addr[i] & e->to_mask[i]) == e->to[i];
	}
	if (s->packet->family)
		return judge(inside, inverted);
	if (!whole || inverted)
		return NFT_PERHAPS;
	found->has_to = true;
	memcpy(found->to.addr, e->to, size);
	return NFT_YES;
}

/* False: the rule is not for this packet. */
static bool matches(struct search *s, const struct entry *e, struct redirect *found)
{
	enum nft_verdict v = match_to(s, e, found);
	struct xt_entry_match m;
	struct nft_bytes info;

	if (v == NFT_NO || e->fragments ||
	    (e->protocol &&
	     judge(e->protocol == s->packet->protocol, e->inverted & XT_INV_PROTO) == NFT_NO))
		return false;
	found->conditional |= v == NFT_PERHAPS || e->has_from;
	for (size_t at = e->matches; at < e->target; at += m.u.match_size) {
		if (!read_extension(s->t, at, e->target, &m, &info))
			return false;
		v = nft_xt_match(m.u.user.name, m.u.user.revision, info, s->packet);
		if (v == NFT_NO)
			return false;
		found->conditional |= v == NFT_PERHAPS;
	}
	return true;
}

/* ---- what is found ---- */

/* "iptables-legacy nat, chain DOCKER, rule 2", as iptables numbers them. */
static void format_rule(const struct search *s, size_t rule, char *ret, size_t size)
{
	static const char *const hooks[IPTABLES_HOOKS] = {"PREROUTING", "INPUT", "FORWARD",
							  "OUTPUT", "POSTROUTING"};
	const struct iptables *t = s->t;
	char chain[XT_FUNCTION_MAXNAMELEN] = "";
	unsigned int number = 0;
	struct xt_entry_match m;
	struct nft_bytes info;
	struct entry e;

	for (size_t at = 0; at <= rule && read_entry(t, at, &e); at = e.next) {
		number++;
		for (unsigned int i = 0; i < IPTABLES_HOOKS; i++) {
			if (!(t->hooks & 1u << i) || t->hook_entry[i] != at)
				continue;
			snprintf(chain, sizeof(chain), "%s", hooks[i]);
			number = 1;
		}
		if (!read_extension(t, e.target, e.next, &m, &info) ||
		    strcmp(m.u.user.name, XT_ERROR_TARGET) != 0)
			continue;
		snprintf(chain, sizeof(chain), "%.*s",
			 (int)strnlen((const char *)info.data, info.length),
			 (const char *)info.data);
		number = 0;
	}
	snprintf(ret, size, "%s-legacy %s, chain %s, rule %u",
		 t->family == NFPROTO_IPV4 ? "iptables" : "ip6tables", t->name, chain, number);
}

static void report(struct search *s, size_t rule, const struct redirect *so_far, struct redirect r)
{
	r.protocol = s->packet->protocol;
	r.port = s->packet->port;
	r.family = s->t->family == NFPROTO_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6;
	r.from_outside = s->hook == NF_INET_PRE_ROUTING;
	r.from_here = s->hook == NF_INET_LOCAL_OUT;
	r.conditional = so_far->conditional;
	r.has_to = so_far->has_to;
	r.to = so_far->to;
	r.to.port = r.port;
	format_rule(s, rule, r.rule, sizeof(r.rule));
	s->budget.spent |= !redirect_list_add(&s->list, s->t->entries + rule, &r);
}

/* ---- chains ---- */

static enum flow play_chain(struct search *s, size_t at, const struct redirect *so_far);

/* True: the chain goes on behind the rule; else *ret tells how it ends. */
static bool play_target(struct search *s, size_t rule, const struct entry *e,
			const struct redirect *found, enum flow *ret)
{
	struct redirect r = {0};
	struct xt_entry_match m;
	struct nft_bytes info;
	int verdict;

	*ret = FLOW_STOP;
	if (!read_extension(s->t, e->target, e->next, &m, &info) ||
	    !strcmp(m.u.user.name, XT_ERROR_TARGET))
		return false;
	if (nft_xt_target(m.u.user.name, m.u.user.revision, info, s->t->family, &r)) {
		report(s, rule, found, r);
		return found->conditional;
	}
	if (strcmp(m.u.user.name, XT_STANDARD_TARGET) != 0)
		return true;
	if (info.length < sizeof(verdict))
		return false;
	memcpy(&verdict, info.data, sizeof(verdict));
	if (verdict >= 0 && (size_t)verdict == e->next)
		return true;
	if (verdict == XT_RETURN)
		*ret = FLOW_RETURN;
	else if (verdict >= 0)
		*ret = play_chain(s, (size_t)verdict, found);
	if (verdict >= 0 && !e->goes && *ret == FLOW_RETURN)
		return true;
	/* What may as well not be for this packet ends nothing. */
	return found->conditional;
}

static enum flow play_chain(struct search *s, size_t at, const struct redirect *so_far)
{
	enum flow flow = FLOW_RETURN;
	bool ends = false;
	struct entry e;

	if (s->depth == DEPTH_MAX)
		return FLOW_RETURN;
	s->depth++;
	for (; !ends && read_entry(s->t, at, &e) && nft_take_step(&s->budget); at = e.next) {
		struct redirect found = *so_far;

		ends = matches(s, &e, &found) && !play_target(s, at, &e, &found, &flow);
	}
	s->depth--;
	return ends ? flow : FLOW_RETURN;
}

bool iptables_find(const struct iptables *t, const struct nft_packet *packet, redirect_fn fn,
		   void *ctx)
{
	static const unsigned int hooks[] = {NF_INET_PRE_ROUTING, NF_INET_LOCAL_OUT};
	const enum family family = t->family == NFPROTO_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6;
	struct search *s = calloc(1, sizeof(*s));
	bool whole;

	if (!s)
		return false;
	s->t = t;
	s->packet = packet;
	for (size_t i = 0; i < 2; i++) {
		const struct redirect none = {0};

		s->hook = hooks[i];
		if ((t->hooks & 1u << s->hook) && (!packet->family || packet->family == family))
			play_chain(s, t->hook_entry[s->hook], &none);
	}
	redirect_list_tell(&s->list, fn, ctx);
	whole = !s->budget.spent;
	free(s);
	return whole;
}
