/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hash.h - a typed hash table: open addressing, linear probing, at most half full.
 *
 * Owns: an array of items, which it moves when it grows and when one is removed.  Refuses to know: keys.  Whoever looks
 * for something compares, so several items may be alike, and an item may be an index into something else.  One thread.
 *
 *     HASH_TYPE(ports, struct port);                      // struct ports; all zero is an empty one
 *     HASH_FUNCTIONS(ports, struct port, item->owner, hash_u64(item->number))
 *
 *     ports_add(&p, (struct port){.number = 80, .owner = me});             // NULL: without memory
 *     for (struct port *i = ports_first(&p, hash_u64(80)); i; i = ports_next(&p, i))
 *             if (i->number == 80) ...
 *     ports_done(&p);
 *
 * Items with equal hashes are met in the order in which they were added.
 */
#ifndef SOCKWATCH_HASH_H
#define SOCKWATCH_HASH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* The multiplier is 2^64 / phi: what is counted up, by any step, comes apart in the high bits. */
static inline uint32_t hash_u64(uint64_t key)
{
	return (uint32_t)(key * 0x9e3779b97f4a7c15ull >> 32);
}

#define HASH_TYPE(name, type)                                                                      \
	struct name {                                                                              \
		type *place;	    /* all zero: empty */                                          \
		size_t size, count; /* size: a power of two, or 0 */                               \
		unsigned int shift; /* 32 - log2(size): a hash's place is its high bits */         \
	}

/*
 * Two expressions of `type const *item`: is it used (false when all zero); its uint32_t hash, whose high bits must be spread.
 *
 * bool NAME_reserve(h, count): room for all `count` items; less where it is 16 times as much, O(size).  False without memory: unchanged.
 * type *NAME_add(h, item): a copy of a used item, O(1) amortized.  NULL without memory: nothing changed.
 * type *NAME_first(h, hash), type *NAME_next(h, item): every item of this hash, and others that lie between; NULL at the
 *     end.  O(1) for each, and O(1) of them on average.
 * type *NAME_each(h, item): the first item for NULL, else the one behind `item`, in no order; NULL at the end.
 * void NAME_expect(h, hash): a hint that this hash is looked for soon; any value.
 * void NAME_remove(h, item): O(1).  What the item points to is not freed.
 * void NAME_done(h): frees the array, not what items point to; the table is empty then, and can be used again.
 *
 * Only reserve and add allocate.  A pointer to an item lives until the next reserve, add or remove.
 */
#define HASH_FN_ __attribute__((unused)) static inline
#define HASH_FUNCTIONS(name, type, is_used, hash_of)                                               \
	HASH_FN_ bool name##_used_(type const *item)                                               \
	{                                                                                          \
		return is_used;                                                                    \
	}                                                                                          \
	HASH_FN_ size_t name##_home_(const struct name *h, type const *item)                       \
	{                                                                                          \
		return (uint32_t)(hash_of) >> h->shift;                                            \
	}                                                                                          \
	HASH_FN_ type *name##_first(const struct name *h, uint32_t hash)                           \
	{                                                                                          \
		type *item = h->size ? &h->place[hash >> h->shift] : NULL;                         \
                                                                                                   \
		return item && name##_used_(item) ? item : NULL;                                   \
	}                                                                                          \
	HASH_FN_ type *name##_next(const struct name *h, type *item)                               \
	{                                                                                          \
		if (++item == h->place + h->size)                                                  \
			item = h->place;                                                           \
		return name##_used_(item) ? item : NULL;                                           \
	}                                                                                          \
	HASH_FN_ void name##_expect(const struct name *h, uint32_t hash)                           \
	{                                                                                          \
		if (h->size)                                                                       \
			__builtin_prefetch(&h->place[hash >> h->shift]);                           \
	}                                                                                          \
	HASH_FN_ type *name##_each(const struct name *h, type *item)                               \
	{                                                                                          \
		size_t at = item ? (size_t)(item - h->place) + 1 : 0;                              \
                                                                                                   \
		while (at < h->size && !name##_used_(&h->place[at]))                               \
			at++;                                                                      \
		return at < h->size ? &h->place[at] : NULL;                                        \
	}                                                                                          \
	HASH_FN_ type *name##_put_(struct name *h, type item)                                      \
	{                                                                                          \
		size_t at = name##_home_(h, &item);                                                \
                                                                                                   \
		while (name##_used_(&h->place[at]))                                                \
			at = (at + 1) & (h->size - 1);                                             \
		h->place[at] = item;                                                               \
		h->count++;                                                                        \
		return &h->place[at];                                                              \
	}                                                                                          \
	__attribute__((unused, noinline)) static bool name##_reserve(struct name *h, size_t count) \
	{                                                                                          \
		struct name grown = {.size = 16, .shift = 28};                                     \
		size_t begin = 0;                                                                  \
                                                                                                   \
		if (count <= h->size / 2 && (h->size <= 4096 || count > h->size / 16))             \
			return true;                                                               \
		for (; grown.size / 2 < count; grown.shift--)                                      \
			grown.size *= 2;                                                           \
		grown.place = calloc(grown.size, sizeof(*grown.place));                            \
		if (!grown.place)                                                                  \
			return count <= h->size / 2;                                               \
		/* From an empty place on: no run is cut, so equal hashes keep their order. */     \
		while (begin < h->size && name##_used_(&h->place[begin]))                          \
			begin++;                                                                   \
		for (size_t i = begin; i < begin + h->size; i++) {                                 \
			type const *item = &h->place[i & (h->size - 1)];                           \
                                                                                                   \
			if (name##_used_(item))                                                    \
				name##_put_(&grown, *item);                                        \
		}                                                                                  \
		free(h->place);                                                                    \
		*h = grown;                                                                        \
		return true;                                                                       \
	}                                                                                          \
	HASH_FN_ type *name##_add(struct name *h, type item)                                       \
	{                                                                                          \
		bool room = h->count < h->size / 2 || name##_reserve(h, h->count + 1);             \
                                                                                                   \
		return room ? name##_put_(h, item) : NULL;                                         \
	}                                                                                          \
	HASH_FN_ void name##_remove(struct name *h, type *item)                                    \
	{                                                                                          \
		size_t mask = h->size - 1, hole = (size_t)(item - h->place), at = hole;            \
                                                                                                   \
		/* What follows in the run moves back over the hole, but never past its home. */   \
		while (name##_used_(&h->place[at = (at + 1) & mask])) {                            \
			size_t home = name##_home_(h, &h->place[at]);                              \
                                                                                                   \
			if (((at - home) & mask) >= ((at - hole) & mask)) {                        \
				h->place[hole] = h->place[at];                                     \
				hole = at;                                                         \
			}                                                                          \
		}                                                                                  \
		h->place[hole] = (type){0};                                                        \
		h->count--;                                                                        \
	}                                                                                          \
	HASH_FN_ void name##_done(struct name *h)                                                  \
	{                                                                                          \
		free(h->place);                                                                    \
		*h = (struct name){0};                                                             \
	}

#endif
