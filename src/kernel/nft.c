// SPDX-License-Identifier: GPL-2.0-only
/* nft.c - the rules of one network namespace: chains, rules and sets as netlink tells them. */
#include "nft_private.h"

#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX (64u << 20)

bool nft_next(struct nft_bytes *b, struct nft_attribute *ret)
{
	struct nlattr header;
	size_t step;

	if (b->length < sizeof(header))
		return false;
	memcpy(&header, b->data, sizeof(header));
	if (header.nla_len < sizeof(header) || header.nla_len > b->length)
		return false;
	ret->type = header.nla_type & NLA_TYPE_MASK;
	ret->in = (struct nft_bytes){b->data + sizeof(header), header.nla_len - sizeof(header)};
	step = NLA_ALIGN(header.nla_len);
	if (step > b->length)
		step = b->length;
	b->data += step;
	b->length -= step;
	return true;
}

struct nft_bytes nft_find_attribute(struct nft_bytes b, unsigned int type)
{
	struct nft_attribute a;

	while (nft_next(&b, &a)) {
		if (a.type == type)
			return a.in;
	}
	return (struct nft_bytes){0};
}

uint32_t nft_number(struct nft_bytes b)
{
	uint32_t value = 0;

	/* Big-endian, of any width up to 4. */
	for (size_t i = 0; i < b.length && i < sizeof(value); i++)
		value = value << 8 | b.data[i];
	return value;
}

/* The text of an attribute, "" where it is none. */
const char *nft_text(struct nft_bytes b)
{
	return b.length && !b.data[b.length - 1] ? (const char *)b.data : "";
}

static uint32_t hash_text(const char *text, uint32_t hash)
{
	for (; *text; text++)
		hash = hash * 31 + (uint8_t)*text;
	return hash;
}

static uint32_t hash_of(uint8_t family, const char *table, const char *name)
{
	return hash_u64(hash_text(name, hash_text(table, family)));
}

static bool is_named(const struct nft_name *n, uint8_t family, const char *table, const char *name)
{
	return n->family == family && !strcmp(n->name, name) && !strcmp(n->table, table);
}

HASH_FUNCTIONS(nft_chains, struct nft_chain *, *item != NULL,
	       hash_of((*item)->is.family, (*item)->is.table, (*item)->is.name))
HASH_FUNCTIONS(nft_sets, struct nft_elements *, *item != NULL,
	       hash_of((*item)->is.family, (*item)->is.table, (*item)->is.name))

struct nft *nft_new(void)
{
	return calloc(1, sizeof(struct nft));
}

static void copies_free(struct nft_copy *c)
{
	struct nft_copy *next;

	for (; c; c = next) {
		next = c->next;
		free(c);
	}
}

void nft_free(struct nft *n)
{
	struct nft_chain **chain = NULL;

	if (!n)
		return;
	while ((chain = nft_chains_each(&n->chains, chain))) {
		copies_free((*chain)->first);
		free(*chain);
	}
	for (size_t i = 0; i < n->set_count; i++) {
		copies_free(n->set[i]->first);
		free(n->set[i]);
	}
	nft_chains_done(&n->chains);
	nft_sets_done(&n->sets);
	free(n->set);
	free(n);
}

static bool take_room(struct nft *n, size_t bytes)
{
	if (n->bytes + bytes > BYTES_MAX)
		return false;
	n->bytes += bytes;
	return true;
}

static bool name_fill(struct nft_name *ret, uint8_t family, const char *table, const char *name)
{
	if (strlen(table) >= sizeof(ret->table) || strlen(name) >= sizeof(ret->name))
		return false;
	ret->family = family;
	strcpy(ret->table, table);
	strcpy(ret->name, name);
	return true;
}

struct nft_chain *nft_find_chain(const struct nft *n, uint8_t family, const char *table,
				 const char *name)
{
	struct nft_chain **found = nft_chains_first(&n->chains, hash_of(family, table, name));

	while (found && !is_named(&(*found)->is, family, table, name))
		found = nft_chains_next(&n->chains, found);
	return found ? *found : NULL;
}

struct nft_elements *nft_find_set(const struct nft *n, uint8_t family, const char *table,
				  const char *name)
{
	struct nft_elements **found = nft_sets_first(&n->sets, hash_of(family, table, name));

	while (found && !is_named(&(*found)->is, family, table, name))
		found = nft_sets_next(&n->sets, found);
	return found ? *found : NULL;
}

bool nft_add_chain(struct nft *n, uint8_t family, const void *attributes, size_t length)
{
	const struct nft_bytes b = {attributes, length};
	struct nft_bytes hook = nft_find_attribute(b, NFTA_CHAIN_HOOK);
	struct nft_chain *c;

	if (!take_room(n, sizeof(*c)))
		return false;
	c = calloc(1, sizeof(*c));
	if (!c)
		return false;
	c->is_base = hook.length > 0;
	c->hook = nft_number(nft_find_attribute(hook, NFTA_HOOK_HOOKNUM));
	if (!name_fill(&c->is, family, nft_text(nft_find_attribute(b, NFTA_CHAIN_TABLE)),
		       nft_text(nft_find_attribute(b, NFTA_CHAIN_NAME)))) {
		free(c);
		return true;
	}
	if (nft_chains_add(&n->chains, c))
		return true;
	free(c);
	return false;
}

/* Chains copies of messages, in their order. */
static bool keep(struct nft *n, struct nft_copy **first, struct nft_copy **last, const void *data,
		 size_t length)
{
	struct nft_copy *c = take_room(n, sizeof(*c) + length) ? malloc(sizeof(*c) + length) : NULL;

	if (!c)
		return false;
	c->next = NULL;
	c->length = length;
	memcpy(c->data, data, length);
	*(*first ? &(*last)->next : first) = c;
	*last = c;
	return true;
}

static bool want_set(struct nft *n, uint8_t family, const char *table, const char *name)
{
	struct nft_elements **grown, *s;

	if (!*name || nft_find_set(n, family, table, name))
		return true;
	if (!take_room(n, sizeof(*s)))
		return false;
	grown = realloc(n->set, (n->set_count + 1) * sizeof(*grown));
	if (!grown)
		return false;
	n->set = grown;
	s = calloc(1, sizeof(*s));
	if (!s)
		return false;
	if (!name_fill(&s->is, family, table, name)) {
		free(s);
		return true;
	}
	n->set[n->set_count++] = s;
	return nft_sets_add(&n->sets, s) != NULL;
}

static bool is_target(struct nft_bytes data)
{
	const char *name = nft_text(nft_find_attribute(data, NFTA_TARGET_NAME));

	return !strcmp(name, "DNAT") || !strcmp(name, "REDIRECT") || !strcmp(name, "TPROXY");
}

bool nft_add_rule(struct nft *n, uint8_t family, const void *attributes, size_t length)
{
	struct nft_bytes b = {attributes, length};
	const char *table = nft_text(nft_find_attribute(b, NFTA_RULE_TABLE));
	struct nft_chain *chain =
		nft_find_chain(n, family, table, nft_text(nft_find_attribute(b, NFTA_RULE_CHAIN)));
	struct nft_bytes list = nft_find_attribute(b, NFTA_RULE_EXPRESSIONS);
	struct nft_attribute e;

	if (!chain)
		return true;
	while (nft_next(&list, &e)) {
		const char *name = nft_text(nft_find_attribute(e.in, NFTA_EXPR_NAME));
		struct nft_bytes data = nft_find_attribute(e.in, NFTA_EXPR_DATA);

		if (!strcmp(name, "nat") || !strcmp(name, "redir") || !strcmp(name, "tproxy") ||
		    (!strcmp(name, "target") && is_target(data)))
			n->redirects = true;
		if (!strcmp(name, "lookup") &&
		    !want_set(n, family, table,
			      nft_text(nft_find_attribute(data, NFTA_LOOKUP_SET))))
			return false;
	}
	return keep(n, &chain->first, &chain->last, attributes, length);
}

bool nft_set(const struct nft *n, size_t number, struct nft_set *ret)
{
	if (!n->redirects || number >= n->set_count)
		return false;
	*ret = (struct nft_set){
		.family = n->set[number]->is.family,
		.table = n->set[number]->is.table,
		.name = n->set[number]->is.name,
	};
	return true;
}

bool nft_add_elements(struct nft *n, size_t set, const void *attributes, size_t length)
{
	struct nft_elements *s = n->set[set];

	return keep(n, &s->first, &s->last, attributes, length);
}

struct nft_chain *const *nft_each_chain(const struct nft *n, struct nft_chain *const *before)
{
	/* The table takes a pointer to an item that may be changed. */
	return nft_chains_each(&n->chains, (struct nft_chain **)(uintptr_t)before);
}

static const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET: return "inet";
	case NFPROTO_IPV4: return "ip";
	case NFPROTO_IPV6: return "ip6";
	case NFPROTO_BRIDGE: return "bridge";
	case NFPROTO_NETDEV: return "netdev";
	default: return "?";
	}
}

/* The 64-bit handle, by which `nft delete rule` names the rule. */
static unsigned long long handle_of(const struct nft_copy *rule)
{
	struct nft_bytes b =
		nft_find_attribute((struct nft_bytes){rule->data, rule->length}, NFTA_RULE_HANDLE);
	unsigned long long handle = 0;

	for (size_t i = 0; i < b.length && i < sizeof(handle); i++)
		handle = handle << 8 | b.data[i];
	return handle;
}

void nft_format_rule(char *ret, size_t size, const struct nft_chain *chain,
		     const struct nft_copy *rule)
{
	snprintf(ret, size, "nftables %s %.60s, chain %.100s, handle %llu",
		 family_name(chain->is.family), chain->is.table, chain->is.name, handle_of(rule));
}
