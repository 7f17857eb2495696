// SPDX-License-Identifier: GPL-2.0-only
#include "redirect_list.h"

#include <string.h>

bool redirect_list_add(struct redirect_list *list, const void *rule, const struct redirect *found)
{
	for (size_t i = 0; i < list->count; i++) {
		struct redirect *same = &list->item[i].found;

		if (list->item[i].rule != rule || same->target.port != found->target.port ||
		    memcmp(same->target.addr, found->target.addr, sizeof(found->target.addr)) !=
			    0 ||
		    memcmp(same->to.addr, found->to.addr, sizeof(found->to.addr)) != 0)
			continue;
		same->from_outside |= found->from_outside;
		same->from_here |= found->from_here;
		return true;
	}
	if (list->count == REDIRECTS_MAX)
		return false;
	list->item[list->count].rule = rule;
	list->item[list->count++].found = *found;
	return true;
}

void redirect_list_tell(const struct redirect_list *list, redirect_fn fn, void *ctx)
{
	for (size_t i = 0; i < list->count; i++)
		fn(ctx, &list->item[i].found);
}
