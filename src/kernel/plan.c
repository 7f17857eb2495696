// SPDX-License-Identifier: GPL-2.0-only
#include "plan.h"

#include <string.h>

/* Facts both tiers give. */
static const char *const facts[] = {"bind", "listen", "connect", "accept", "send"};
#define FACTS (sizeof(facts) / sizeof(facts[0]))

/* A row may give several: "connect, listen". */
static bool gives(const struct kernel_hook *h, const char *fact)
{
	size_t len = strlen(fact);

	for (const char *at = h->fact; at; at = strstr(at, ", "), at = at ? at + 2 : NULL) {
		if (strncmp(at, fact, len) == 0 && (at[len] == '\0' || at[len] == ','))
			return true;
	}
	return false;
}

/* "bind denied": tells more of what a way tells.  Without it the way tells less, but is the same. */
static bool adds_to(const struct kernel_hook *h, const char *fact)
{
	size_t len = strlen(fact);

	return strncmp(h->fact, fact, len) == 0 && h->fact[len] == ' ';
}

static bool fails(const struct kernel_hook *h)
{
	return h->status == HOOK_FAILED || h->status == HOOK_REPLACED;
}

static void count_rows(const struct plan *p, const char *fact, enum kernel_tier tier,
		       size_t *ret_good, size_t *ret_bad)
{
	*ret_good = *ret_bad = 0;
	for (size_t i = 0; i < p->count; i++) {
		const struct kernel_hook *h = &p->hooks[i];

		if (h->tier == tier && !p->needless[i] && gives(h, fact))
			++*(fails(h) ? ret_bad : ret_good);
	}
}

static enum kernel_tier way_of(const struct plan *p, const char *fact)
{
	size_t good, bad, points, bad_points;

	if (p->choice != HOOKS_AUTO)
		return p->choice == HOOKS_TRAMPOLINES ? TIER_TRAMPOLINES : TIER_TRACEPOINTS;
	if (strcmp(fact, "send") == 0 &&
	    (way_of(p, "bind") == TIER_TRACEPOINTS || way_of(p, "connect") == TIER_TRACEPOINTS))
		return TIER_TRACEPOINTS;
	count_rows(p, fact, TIER_TRAMPOLINES, &good, &bad);
	count_rows(p, fact, TIER_TRACEPOINTS, &points, &bad_points);
	return (good && !bad) || !points ? TIER_TRAMPOLINES : TIER_TRACEPOINTS;
}

bool plan_gives(const struct plan *p, const char *fact, enum kernel_tier tier)
{
	return way_of(p, fact) == tier;
}

static bool is_taken(const struct plan *p, const struct kernel_hook *h)
{
	bool has_ways = false;

	if (h->tier == TIER_BOTH)
		return true;
	for (size_t f = 0; f < FACTS; f++) {
		if (!gives(h, facts[f]) && !adds_to(h, facts[f]))
			continue;
		if (way_of(p, facts[f]) == h->tier)
			return true;
		has_ways = true;
	}
	/* A fact of one tier only: taken unless the other one was asked for. */
	return !has_ways && (p->choice == HOOKS_AUTO ||
			     (p->choice == HOOKS_TRAMPOLINES) == (h->tier == TIER_TRAMPOLINES));
}

void plan_make(struct plan *ret, const struct kernel_hook *hooks, const bool *needless,
	       size_t count, enum kernel_choice choice)
{
	size_t trampolines = 0;

	*ret = (struct plan){
		.hooks = hooks, .needless = needless, .count = count, .choice = choice};
	for (size_t i = 0; i < count; i++) {
		ret->in_use[i] = !needless[i] && is_taken(ret, &hooks[i]);
		ret->load[i] = ret->in_use[i] && !fails(&hooks[i]);
	}
	for (size_t f = 0; f < FACTS; f++)
		trampolines += plan_gives(ret, facts[f], TIER_TRAMPOLINES);
	ret->tier = trampolines == FACTS ? TIER_TRAMPOLINES
		    : trampolines	 ? TIER_BOTH
					 : TIER_TRACEPOINTS;
}
