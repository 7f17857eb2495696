// SPDX-License-Identifier: GPL-2.0-only
/* budget_space.c - the namespaces, and VRFs in them, whose ports a budget counts, and what is added to it. */
#include "budget_private.h"

#include <netinet/in.h>
#include <stdlib.h>

static uint32_t hash_of(uint32_t netns, uint32_t vrf)
{
	return hash_u64((uint64_t)vrf << 32 | netns);
}

HASH_FUNCTIONS(budget_index, struct budget_namespace *, *item,
	       hash_of((*item)->netns, (*item)->vrf))

struct budget *budget_new(void)
{
	return calloc(1, sizeof(struct budget));
}

void budget_free(struct budget *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->ns_count; i++) {
		free(b->ns[i]->name);
		free(b->ns[i]->vrf_name);
		free(b->ns[i]);
	}
	free(b->ns);
	budget_index_done(&b->index);
	free(b->row);
	free(b->process);
	free(b->use);
	free(b);
}

struct budget_namespace *budget_find_namespace(const struct budget *b, uint32_t netns, uint32_t vrf)
{
	struct budget_namespace **ns = budget_index_first(&b->index, hash_of(netns, vrf));

	while (ns && ((*ns)->netns != netns || (*ns)->vrf != vrf))
		ns = budget_index_next(&b->index, ns);
	return ns ? *ns : NULL;
}

static void add_space(struct budget *b, uint32_t netns, uint32_t vrf,
		      const struct port_range *range)
{
	struct budget_namespace **grown, *ns;

	if (budget_find_namespace(b, netns, vrf))
		return;
	grown = realloc(b->ns, (b->ns_count + 1) * sizeof(*grown));
	if (grown)
		b->ns = grown;
	ns = grown ? calloc(1, sizeof(*ns)) : NULL;
	if (ns) {
		ns->netns = netns;
		ns->vrf = vrf;
	}
	if (!ns || !budget_index_add(&b->index, ns)) {
		free(ns);
		b->failed = true;
		return;
	}
	ns->range = *range;
	ns->number = (uint32_t)b->ns_count;
	b->ns[b->ns_count++] = ns;
}

void budget_add_namespace(struct budget *b, uint32_t netns, const struct port_range *range)
{
	add_space(b, netns, 0, range);
}

static void add_vrf(struct budget *b, const struct port_use *u)
{
	const struct budget_namespace *of = budget_find_namespace(b, u->netns, 0);
	struct budget_namespace *ns;

	if (!of || budget_find_namespace(b, u->netns, u->vrf))
		return;
	add_space(b, u->netns, u->vrf, &of->range);
	ns = budget_find_namespace(b, u->netns, u->vrf);
	if (ns)
		ns->unseen = of->unseen;
}

struct budget_namespace *budget_space_of(const struct budget *b, const struct port_use *u)
{
	return budget_find_namespace(b, u->netns, u->vrf);
}

void budget_add_unseen(struct budget *b, uint32_t netns, unsigned int unseen)
{
	static const struct port_range unknown;
	struct budget_namespace *ns;

	budget_add_namespace(b, netns, &unknown);
	ns = budget_find_namespace(b, netns, 0);
	if (ns)
		ns->unseen |= unseen;
}

const char *budget_vrf(const struct budget_namespace *ns)
{
	return !ns->vrf ? "" : ns->vrf_name ? ns->vrf_name : "?";
}

void budget_add_vrfs(struct budget *b)
{
	for (size_t i = 0; i < b->use_count; i++) {
		if (b->use[i].vrf)
			add_vrf(b, &b->use[i]);
	}
}

bool budget_knows(const struct budget_namespace *ns, uint16_t protocol)
{
	if (ns->vrf && protocol == IPPROTO_UDP)
		return false;
	return !(ns->unseen & (UNSEEN_RANGE | (protocol == IPPROTO_UDP ? UNSEEN_UDP : UNSEEN_TCP)));
}

bool budget_knows_left(const struct budget_namespace *ns, uint16_t protocol)
{
	return budget_knows(ns, protocol) &&
	       (protocol == IPPROTO_UDP || !(ns->unseen & UNSEEN_BOUND));
}

void budget_add(struct budget *b, const struct port_use *use)
{
	if (b->use_count == b->use_cap) {
		size_t cap = b->use_cap ? b->use_cap * 2 : 1024;
		struct port_use *grown = realloc(b->use, cap * sizeof(*grown));

		if (!grown) {
			b->failed = true;
			return;
		}
		b->use = grown;
		b->use_cap = cap;
	}
	b->use[b->use_count++] = *use;
}
