// SPDX-License-Identifier: GPL-2.0-only
/* test_hash.c - the hash table against a plain array, step by step at random, and without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hash.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STEPS	     20000
#define MOST	     600

struct thing {
	uint32_t hash, number; /* number: never 0, never twice */
};

HASH_TYPE(things, struct thing);
HASH_FUNCTIONS(things, struct thing, item->number, item->hash)

HASH_TYPE(words, const char *);
HASH_FUNCTIONS(words, const char *, *item, hash_u64((uint64_t)(*item)[0]))

static bool has_memory = true;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return has_memory ? __real_calloc(count, size) : NULL;
}

struct world {
	struct things table;
	struct thing model[MOST]; /* in the order in which they were added */
	size_t count;
	uint32_t numbers;
	uint64_t seed;
};

static uint32_t pick(struct world *w, uint32_t n)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (uint32_t)(w->seed >> 33) % n;
}

/* `kinds` different ones; every other one on the last places of any table, so that runs go around its end. */
static uint32_t some_hash(struct world *w, uint32_t kinds)
{
	uint32_t which = pick(w, kinds);

	return which % 2 ? UINT32_MAX - which / 2 % 3 : hash_u64(which);
}

static struct thing *find(const struct things *h, const struct thing *wanted)
{
	struct thing *i = things_first(h, wanted->hash);

	while (i && i->number != wanted->number)
		i = things_next(h, i);
	return i;
}

/* Every thing of a hash is met, once, in the order in which it was added. */
static void check_hash(const struct world *w, uint32_t hash)
{
	struct thing *i = things_first(&w->table, hash);

	for (size_t m = 0; m < w->count; m++) {
		if (w->model[m].hash != hash)
			continue;
		while (i && i->hash != hash)
			i = things_next(&w->table, i);
		assert_non_null(i);
		assert_int_equal(i->number, w->model[m].number);
		i = things_next(&w->table, i);
	}
	for (; i; i = things_next(&w->table, i))
		assert_int_not_equal(i->hash, hash);
}

static void check_all(const struct world *w)
{
	struct thing *i = NULL;
	size_t met = 0;

	while ((i = things_each(&w->table, i)))
		met++;
	assert_int_equal(met, w->count);
	assert_int_equal(w->table.count, w->count);
	assert_true(w->count <= w->table.size / 2);
	assert_int_equal(w->table.size & (w->table.size - 1), 0);
	for (size_t m = 0; m < w->count; m++) {
		assert_non_null(find(&w->table, &w->model[m]));
		check_hash(w, w->model[m].hash);
	}
}

static void add(struct world *w, uint32_t hash)
{
	struct thing thing = {.hash = hash, .number = ++w->numbers};
	const struct thing *at = things_add(&w->table, thing);

	assert_non_null(at);
	assert_memory_equal(at, &thing, sizeof(thing));
	assert_ptr_equal(find(&w->table, &thing), at);
	w->model[w->count++] = thing;
}

static void remove_one(struct world *w, size_t which)
{
	struct thing gone = w->model[which];

	things_remove(&w->table, find(&w->table, &gone));
	assert_null(find(&w->table, &gone));
	memmove(&w->model[which], &w->model[which + 1], (--w->count - which) * sizeof(w->model[0]));
}

static void run(uint64_t seed, uint32_t kinds)
{
	struct world w = {.seed = seed};
	uint32_t wish = 50; /* of 100 steps those that add */

	for (size_t step = 0; step < STEPS; step++) {
		if (step % 500 == 0)
			wish = 20 + pick(&w, 60);
		if (w.count < MOST && pick(&w, 100) < wish)
			add(&w, some_hash(&w, kinds));
		else if (w.count)
			remove_one(&w, pick(&w, (uint32_t)w.count));
		check_hash(&w, some_hash(&w, kinds));
		things_expect(&w.table, some_hash(&w, kinds));
		if (step % 257 == 0)
			check_all(&w);
	}
	check_all(&w);
	while (w.count)
		remove_one(&w, w.count / 2);
	check_all(&w);
	for (size_t i = 0; i < w.table.size; i++)
		assert_int_equal(w.table.place[i].number, 0);
	things_done(&w.table);
	assert_null(w.table.place);
	add(&w, 1);
	check_all(&w);
	things_done(&w.table);
}

static void a_plain_array_holds_the_same(void **state)
{
	static const uint32_t kinds[] = {1, 2, 3, 8, 50, 1000, 1000000};

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++)
		run(0x9e3779b97f4a7c15ull + i, kinds[i]);
}

static void what_never_got_an_item_is_empty(void **state)
{
	struct things none = {0};

	(void)state;
	assert_null(things_first(&none, 7));
	assert_null(things_each(&none, NULL));
	things_expect(&none, 7);
	things_done(&none);
}

/* Room that was reserved needs no memory; without any the table stays as it was. */
static void a_table_without_memory_says_so(void **state)
{
	struct world w = {.seed = 5};
	size_t size;

	(void)state;
	has_memory = false;
	assert_null(things_add(&w.table, (struct thing){.hash = 1, .number = 1}));
	assert_false(things_reserve(&w.table, 1));
	assert_null(w.table.place);
	has_memory = true;
	assert_true(things_reserve(&w.table, 100));
	size = w.table.size;
	assert_true(size >= 200);
	has_memory = false;
	while (w.count < size / 2)
		add(&w, some_hash(&w, 50));
	assert_null(things_add(&w.table, (struct thing){.hash = 1, .number = UINT32_MAX}));
	assert_false(things_reserve(&w.table, size));
	assert_true(things_reserve(&w.table, size / 2));
	assert_int_equal(w.table.size, size);
	check_all(&w);
	has_memory = true;
	add(&w, 1);
	check_all(&w);
	assert_int_equal(w.table.size, size * 2);
	things_done(&w.table);
}

static void few_items_need_few_places(void **state)
{
	struct things table = {0};
	struct thing *i;
	size_t size;

	(void)state;
	for (uint32_t n = 1; n <= 5000; n++)
		assert_non_null(things_add(&table, (struct thing){.hash = hash_u64(n), .number = n}));
	size = table.size;
	assert_true(things_reserve(&table, table.count));
	assert_int_equal(table.size, size);
	while (table.count > 100)
		things_remove(&table, things_each(&table, NULL));
	has_memory = false;
	assert_true(things_reserve(&table, table.count));
	assert_int_equal(table.size, size);
	has_memory = true;
	assert_true(things_reserve(&table, table.count));
	assert_true(table.size < size / 16);
	assert_int_equal(table.count, 100);
	for (i = things_each(&table, NULL), size = 0; i; i = things_each(&table, i))
		size++;
	assert_int_equal(size, 100);
	things_done(&table);
}

static void items_may_be_pointers(void **state)
{
	static const char *const text[] = {"ant", "bee", "bear"};
	struct words words = {0};
	const char **found;

	(void)state;
	for (size_t i = 0; i < COUNT(text); i++)
		assert_non_null(words_add(&words, text[i]));
	found = words_first(&words, hash_u64('b'));
	while (found && strcmp(*found, "bear") != 0)
		found = words_next(&words, found);
	assert_non_null(found);
	words_remove(&words, found);
	assert_int_equal(words.count, 2);
	words_done(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_array_holds_the_same),
		cmocka_unit_test(what_never_got_an_item_is_empty),
		cmocka_unit_test(a_table_without_memory_says_so),
		cmocka_unit_test(few_items_need_few_places),
		cmocka_unit_test(items_may_be_pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
