// SPDX-License-Identifier: GPL-2.0-only
#include "budget_walk.h"

static const struct watch_namespace *seen_of(const struct budget_report *r,
					     const struct budget_namespace *ns)
{
	return r->watch ? budget_watch_namespace(r->watch, ns->netns) : NULL;
}

static bool shows_namespace(const struct budget_report *r, const struct budget_namespace *ns)
{
	const struct watch_namespace *seen = seen_of(r, ns);

	return budget_shows(r->budget, ns->selected || (seen && seen->selected));
}

static void walk_namespaces(const struct budget_report *r, const struct budget_visitor *v,
			    void *ctx)
{
	const struct budget *b = r->budget;
	size_t count = 0;

	for (size_t i = 0; i < b->ns_count; i++)
		count += shows_namespace(r, b->ns[i]);
	if (count && v->begin)
		v->begin(ctx, BUDGET_NAMESPACES, count);
	for (size_t i = 0; i < b->ns_count; i++) {
		if (shows_namespace(r, b->ns[i]))
			v->space(ctx, b->ns[i], seen_of(r, b->ns[i]));
	}
}

static void walk_rows(const struct budget *b, const struct budget_visitor *v, void *ctx)
{
	size_t count = 0;

	for (size_t i = 0; i < b->row_count; i++)
		count += budget_shows(b, b->row[i].selected);
	if (count && v->begin)
		v->begin(ctx, BUDGET_ROWS, count);
	for (size_t i = 0, n = 0; i < b->row_count; i++) {
		if (budget_shows(b, b->row[i].selected))
			v->row(ctx, n++, &b->row[i]);
	}
}

static void walk_processes(const struct budget *b, const struct budget_visitor *v, void *ctx)
{
	size_t count = 0;

	for (size_t i = 0; i < b->process_count; i++)
		count += budget_shows(b, b->process[i].selected);
	if (count && v->begin)
		v->begin(ctx, BUDGET_PROCESSES, count);
	for (size_t i = 0, n = 0; i < b->process_count; i++) {
		if (budget_shows(b, b->process[i].selected))
			v->process(ctx, n++, &b->process[i]);
	}
}

void budget_walk(const struct budget_report *r, const struct budget_visitor *v, void *ctx)
{
	walk_namespaces(r, v, ctx);
	if (v->row)
		walk_rows(r->budget, v, ctx);
	if (v->process)
		walk_processes(r->budget, v, ctx);
}
