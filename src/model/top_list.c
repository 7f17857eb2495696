// SPDX-License-Identifier: GPL-2.0-only
/* top_list.c - what a view shows, and in which order. */
#include "top.h"

#include <stdlib.h>
#include <string.h>

bool top_list_add(struct top_list *list, struct top_shown item)
{
	size_t cap = list->cap ? list->cap * 2 : 64;
	struct top_shown *grown;

	if (list->count == list->cap) {
		grown = realloc(list->item, cap * sizeof(*grown));
		if (!grown)
			return false;
		list->item = grown;
		list->cap = cap;
	}
	list->item[list->count++] = item;
	return true;
}

void top_list_done(struct top_list *list)
{
	free(list->item);
	*list = (struct top_list){0};
}

static bool has_rows(const struct budget *b, const struct budget_namespace *ns)
{
	for (size_t i = 0; i < b->row_count; i++) {
		if (b->row[i].ns == ns)
			return true;
	}
	return false;
}

bool top_take_ports(const struct budget *b, struct top_list *list)
{
	bool ok = true;

	list->count = 0;
	for (size_t i = 0; ok && i < b->row_count; i++) {
		const struct budget_row *row = &b->row[i];
		struct top_shown s = {.ports = row, .ns = row->ns};

		if (!budget_shows(b, row->selected))
			continue;
		s.value[TOP_BY_LEFT] = row->available;
		s.value[TOP_BY_USED] = row->taken;
		s.value[TOP_BY_TIME_WAIT] = row->time_wait;
		ok = top_list_add(list, s);
	}
	for (size_t i = 0; ok && i < b->ns_count; i++) {
		struct top_shown s = {.ns = b->ns[i]};

		if (has_rows(b, b->ns[i]) || !budget_shows(b, b->ns[i]->selected))
			continue;
		s.value[TOP_BY_LEFT] = b->ns[i]->available;
		s.value[TOP_BY_TIME_WAIT] = (double)b->ns[i]->in_use[STATE_TIME_WAIT];
		ok = top_list_add(list, s);
	}
	return ok;
}

struct order {
	enum top_column column;
	bool least_first;
};

/* What is equal keeps one order from frame to frame. */
static int by_key(const struct top_shown *a, const struct top_shown *b)
{
	if (a->row && b->row)
		return memcmp(&a->row->key, &b->row->key, sizeof(a->row->key));
	if (a->ns->netns != b->ns->netns)
		return a->ns->netns > b->ns->netns ? 1 : -1;
	return (a->ns->vrf > b->ns->vrf) - (a->ns->vrf < b->ns->vrf);
}

static int compare(const void *first, const void *second, void *ctx)
{
	const struct top_shown *a = first, *b = second;
	const struct order *order = ctx;
	double x = a->value[order->column], y = b->value[order->column];

	/* The others are many, and none of them. */
	if (a->others != b->others)
		return a->others - b->others;
	if (x == y)
		return by_key(a, b);
	return (x < y) == order->least_first ? -1 : 1;
}

void top_sort(struct top_list *list, enum top_column column, bool reverse)
{
	struct order order = {column, (column == TOP_BY_LEFT) != reverse};

	qsort_r(list->item, list->count, sizeof(*list->item), compare, &order);
}
