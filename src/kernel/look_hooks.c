// SPDX-License-Identifier: GPL-2.0-only
/* look_hooks.c - the programs of looks, as rows beside those of the hook table. */
#include "look_private.h"

#include <string.h>

/* The names in `list` are told apart by ",-". */
bool hooks_are_listed(const char *list, const char *hook)
{
	size_t len = strlen(hook);

	for (const char *at = list; at; at = strstr(at, ",-"), at = at ? at + 2 : NULL) {
		if (strncmp(at, hook, len) == 0 && (at[len] == '\0' || at[len] == ','))
			return true;
	}
	return false;
}

static const struct kernel_hook hook_table[] = {
	HOOK_ROW("look", "look_held", "iter/task_file", TIER_BOTH,
		 "who has which socket open; sockets that are bound and no more", ""),
	HOOK_ROW(
		"look", "look_tcp", "iter/tcp", TIER_BOTH,
		"TCP sockets without a descriptor, TIME_WAITs and bind buckets, in every namespace",
		""),
	HOOK_ROW("look", "look_udp", "iter/udp", TIER_BOTH,
		 "UDP sockets without a descriptor, in every namespace", ""),
	HOOK_ROW("look", "walk__descriptor", "walk/descriptors", TIER_BOTH,
		 "who has which socket open; sockets that are bound and no more", ""),
	HOOK_ROW("look", "walk__begin", "walk/tables", TIER_BOTH, "where the kernel's tables lie",
		 ""),
	HOOK_ROW(
		"look", "walk__tcp", "walk/tcp", TIER_BOTH,
		"TCP sockets without a descriptor, TIME_WAITs and bind buckets, in every namespace",
		""),
	HOOK_ROW("look", "walk__listeners", "walk/listeners", TIER_BOTH,
		 "listeners without a descriptor, in every namespace", ""),
	HOOK_ROW("look", "walk__udp", "walk/udp", TIER_BOTH,
		 "UDP sockets without a descriptor, in every namespace", ""),
};

bool look_has_hook(const char *name)
{
	for (size_t i = 0; i < sizeof(hook_table) / sizeof(hook_table[0]); i++) {
		if (strcmp(hook_table[i].hook, name) == 0)
			return true;
	}
	return false;
}

struct kernel_hook *look_hook(struct look_reader *r, const char *program)
{
	for (size_t i = 0; i < r->hook_count; i++) {
		if (strcmp(r->hooks[i].program, program) == 0)
			return &r->hooks[i];
	}
	return NULL;
}

bool look_leaves_out(const struct look_reader *r, const char *hook)
{
	return hooks_are_listed(r->options.hooks_without, hook);
}

void look_init_hooks(struct look_reader *r)
{
	_Static_assert(sizeof(hook_table) / sizeof(hook_table[0]) <= LOOK_HOOKS, "LOOK_HOOKS");
	memcpy(r->hooks, hook_table, sizeof(hook_table));
	r->hook_count = sizeof(hook_table) / sizeof(hook_table[0]);
}
