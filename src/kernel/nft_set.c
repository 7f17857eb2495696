// SPDX-License-Identifier: GPL-2.0-only
/* nft_set.c - the elements of sets and maps: values, intervals, and ranges of several fields. */
#include "nft_private.h"

#include <string.h>

#define STEPS_MAX 1000000

bool nft_take_step(struct nft_budget *budget)
{
	budget->spent |= budget->steps++ >= STEPS_MAX;
	return !budget->spent;
}

static void read_element(struct nft_element *e, struct nft_bytes b)
{
	uint32_t flags = nft_number(nft_find_attribute(b, NFTA_SET_ELEM_FLAGS));

	e->key = nft_find_attribute(nft_find_attribute(b, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
	e->end = nft_find_attribute(nft_find_attribute(b, NFTA_SET_ELEM_KEY_END), NFTA_DATA_VALUE);
	e->data = nft_find_attribute(b, NFTA_SET_ELEM_DATA);
	e->is_end = flags & NFT_SET_ELEM_INTERVAL_END;
	e->is_rest = flags & NFT_SET_ELEM_CATCHALL;
}

bool nft_next_element(struct nft_budget *budget, const struct nft_elements *set,
		      struct nft_element_steps *at, struct nft_element *ret)
{
	struct nft_attribute a;

	if (!at->begun && !at->copy)
		at->copy = set->first;
	while (at->copy) {
		if (!at->begun)
			at->list = nft_find_attribute(
				(struct nft_bytes){at->copy->data, at->copy->length},
				NFTA_SET_ELEM_LIST_ELEMENTS);
		at->begun = true;
		if (nft_next(&at->list, &a)) {
			read_element(ret, a.in);
			return nft_take_step(budget);
		}
		at->copy = at->copy->next;
		at->begun = at->copy == NULL;
	}
	return false;
}

enum nft_verdict nft_compare_key(const struct nft_values *r, size_t at, const struct nft_element *e)
{
	const struct nft_bytes end = e->end.length == e->key.length ? e->end : e->key;
	enum nft_verdict verdict = NFT_YES;

	if (!e->key.length || !nft_has_room(at, e->key.length))
		return NFT_NO;
	for (size_t i = 0; i < e->key.length; i += 4) {
		size_t length = e->key.length - i < 4 ? e->key.length - i : 4;

		if (!nft_all_set(&r->known[at + i], length)) {
			if (!nft_all_set(&r->is_to[at + i], length) || end.data != e->key.data)
				verdict = NFT_PERHAPS;
		} else if (memcmp(&r->byte[at + i], e->key.data + i, length) < 0 ||
			   memcmp(&r->byte[at + i], end.data + i, length) > 0) {
			return NFT_NO;
		}
	}
	return verdict;
}

bool nft_find_interval(struct nft_budget *budget, const struct nft_values *r, size_t at,
		       const struct nft_elements *set, struct nft_element *ret, bool *ret_has)
{
	struct nft_element_steps steps = {0};
	struct nft_element e, best = {0};

	*ret_has = false;
	while (nft_next_element(budget, set, &steps, &e)) {
		int order;

		*ret_has |= e.is_end;
		if (e.is_rest || !e.key.length || !nft_has_room(at, e.key.length) ||
		    !nft_all_set(&r->known[at], e.key.length) ||
		    memcmp(e.key.data, &r->byte[at], e.key.length) > 0)
			continue;
		order = best.key.length != e.key.length
				? 1
				: memcmp(e.key.data, best.key.data, e.key.length);
		if (order > 0 || (order == 0 && best.is_end))
			best = e;
	}
	*ret = best;
	return *ret_has && best.key.length && !best.is_end;
}
