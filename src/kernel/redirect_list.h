/* SPDX-License-Identifier: GPL-2.0-only */
/* redirect_list.h - what a search for rules found, each rule and target once; for src/kernel/nft_find.c and iptables.c only. */
#ifndef SOCKWATCH_REDIRECT_LIST_H
#define SOCKWATCH_REDIRECT_LIST_H

#include "redirect.h"

#include <stddef.h>

#define REDIRECTS_MAX 64

struct redirect_list {
	struct {
		const void *rule;
		struct redirect found;
	} item[REDIRECTS_MAX];
	size_t count;
};
/* The same rule is found from outside and from here.  False: no room. */
bool redirect_list_add(struct redirect_list *list, const void *rule, const struct redirect *found);
void redirect_list_tell(const struct redirect_list *list, redirect_fn fn, void *ctx);

#endif
