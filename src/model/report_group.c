// SPDX-License-Identifier: GPL-2.0-only
#include "report_group.h"

#include <errno.h>
#include <string.h>

/* The key by words of eight bytes; its size is a multiple of them in the padded copy. */
static uint32_t hash_of(const struct report_key *key)
{
	uint64_t sum = 0, word;
	const uint8_t *bytes = (const uint8_t *)key;
	size_t i = 0;

	for (; i + sizeof(word) <= sizeof(*key); i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
		sum ^= sum >> 29;
	}
	word = 0;
	memcpy(&word, bytes + i, sizeof(*key) - i);
	return hash_u64(sum ^ word);
}

HASH_FUNCTIONS(report_index, struct report_group, item->used, hash_of(&item->key))

static int by_rows(const void *a, const void *b)
{
	const struct report_group *x = a, *y = b;

	if (x->rows != y->rows)
		return x->rows < y->rows ? 1 : -1;
	/* What has as many is always in the same order. */
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

int report_sort(struct report_table *t)
{
	struct report_group *item = NULL;

	free(t->row);
	t->count = 0;
	t->row = calloc(t->index.count + 1, sizeof(*t->row));
	if (!t->row)
		return -ENOMEM;
	while ((item = report_index_each(&t->index, item)) != NULL)
		t->row[t->count++] = *item;
	qsort(t->row, t->count, sizeof(*t->row), by_rows);
	return 0;
}

void report_table_done(struct report_table *t)
{
	report_index_done(&t->index);
	free(t->row);
	*t = (struct report_table){0};
}

/* Keeps the half with the most rows. */
static bool fold(struct report_table *t)
{
	const struct report_group *first;

	if (report_sort(t) < 0)
		return false;
	first = &t->row[REPORT_GROUPS / 2];
	/* What was folded before may have been of the same group. */
	t->may_lack += first->rows;
	for (size_t i = REPORT_GROUPS / 2; i < t->count; i++)
		t->folded += t->row[i].rows;
	report_index_done(&t->index);
	for (size_t i = 0; i < REPORT_GROUPS / 2; i++) {
		if (!report_index_add(&t->index, t->row[i]))
			return false;
	}
	return true;
}

struct report_group *report_count(struct report_table *t, const struct report_key *key)
{
	struct report_group *item = report_index_first(&t->index, hash_of(key));

	for (; item; item = report_index_next(&t->index, item)) {
		if (memcmp(&item->key, key, sizeof(*key)) == 0)
			break;
	}
	if (!item && t->index.count >= REPORT_GROUPS && !fold(t))
		return NULL;
	if (!item)
		item = report_index_add(&t->index,
					(struct report_group){.used = true, .key = *key});
	if (item)
		item->rows++;
	return item;
}

static void keep(struct report_text *ret, const char *text)
{
	size_t len = text ? strnlen(text, REPORT_TEXT_SIZE) : 0;

	ret->cut = len == REPORT_TEXT_SIZE;
	if (len)
		memcpy(ret->text, text, ret->cut ? len - 1 : len);
}

void report_name(struct report_who *ret, const struct process *p, bool kernel)
{
	const char *container;

	memset(ret, 0, sizeof(*ret));
	ret->known = p ? REPORT_NAMED : kernel ? REPORT_KERNEL : REPORT_NOBODY;
	if (!p)
		return;
	memcpy(ret->name, p->name, strnlen(p->name, sizeof(ret->name) - 1));
	keep(&ret->script, process_script(p));
	container = p->container_name ? p->container_name : p->container;
	if (container) {
		ret->place = REPORT_CONTAINER;
		keep(&ret->where, container);
	} else if (p->unit) {
		ret->place = REPORT_UNIT;
		keep(&ret->where, p->unit);
	}
}
