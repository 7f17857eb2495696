// SPDX-License-Identifier: GPL-2.0-only
#include "batch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In whose rows each number is once, and holders, which have their call's. */
static const enum copy_table tables[] = {COPY_LIFE, COPY_CALL, COPY_HOLDER, COPY_LOSS, COPY_BUDGET};
#define TABLES (sizeof(tables) / sizeof(tables[0]))
#define DAY_NS UINT64_C(86400000000000)

struct day {
	uint64_t day;
	struct encode encode;
};

struct freezing {
	struct cursor *cursor;
	struct store_reader *reader;
	const struct encode_who *who;
	enum copy_table table; /* of now */
	struct day days[BATCH_DAYS];
	size_t day_count;
	uint64_t bytes;
	uint64_t last, mark; /* the last row that was there */
	bool one;	     /* a single number, which is sent however much that is */
	bool too_much, no_memory;
};

static int fail(struct ship_error *error, int err, const char *text)
{
	snprintf(error->text, sizeof(error->text), "%s", text);
	return err;
}

static int copy(struct store_reader *r, enum copy_table table, uint64_t first, uint64_t last,
		bool (*fn)(void *ctx, const struct copy_value *values), void *ctx,
		struct ship_error *error)
{
	struct store_error why = {""};
	int err = store_copy(r, table, first, last, fn, ctx, &why);

	return err < 0 ? fail(error, err, why.text) : 0;
}

/* ---- rows into days ---- */

static struct encode *encode_of(struct freezing *f, uint64_t day)
{
	struct day *d;

	for (size_t i = 0; i < f->day_count; i++) {
		if (f->days[i].day == day)
			return &f->days[i].encode;
	}
	if (f->day_count == BATCH_DAYS) { /* never of one number: its holders have its day */
		f->too_much = true;
		return NULL;
	}
	d = &f->days[f->day_count++];
	d->day = day;
	if (encode_begin(&d->encode) < 0) {
		f->no_memory = true;
		return NULL;
	}
	return &d->encode;
}

static void drop_days(struct freezing *f)
{
	while (f->day_count > 0)
		encode_done(&f->days[--f->day_count].encode);
}

static bool on_row(void *ctx, const struct copy_value *values)
{
	struct freezing *f = ctx;
	struct encode *e = encode_of(f, encode_time(f->table, values) / DAY_NS);
	uint64_t before, number = (uint64_t)values[0].number;

	if (!e)
		return false;
	before = e->raw_bytes;
	encode_row(e, f->who, f->table, values);
	encode_line_end(e);
	f->bytes += e->raw_bytes - before;
	f->too_much = !f->one && f->bytes > BATCH_BYTES;
	f->no_memory = e->failed;
	if (f->table != COPY_HOLDER && number > f->last) {
		f->last = number;
		f->mark = encode_mark(f->table, values);
	}
	return !f->too_much && !f->no_memory;
}

/* Names the part to the server: the same rows have the same token at every try, and others another one. */
static int put_part(struct freezing *f, struct day *d, const char *columns, uint64_t first,
		    uint64_t last, struct ship_error *error)
{
	struct cursor_part part = {.table = copy_name(f->table), .columns = columns};
	char *token = NULL;
	int err;

	if (encode_end(&d->encode) < 0 ||
	    asprintf(&token, "%s:%s:%s:%" PRIu64 "-%" PRIu64 ":%" PRIu64 ":%016" PRIx64,
		     f->who->host, f->who->store, part.table, first, last, d->day,
		     d->encode.hash) < 0)
		return fail(error, -ENOMEM, "no memory");
	part.token = token;
	part.rows = d->encode.rows;
	part.body = d->encode.body;
	part.len = d->encode.len;
	err = cursor_freeze_part(f->cursor, &part, error);
	free(token);
	return err;
}

static int freeze_table(struct freezing *f, uint64_t first, uint64_t last, struct ship_error *error)
{
	char *columns = encode_columns(f->table, "");
	int err = columns ? copy(f->reader, f->table, first, last, on_row, f, error) : -ENOMEM;

	if (!columns || f->no_memory)
		err = fail(error, -ENOMEM, "no memory");
	for (size_t i = 0; i < f->day_count && !err && !f->too_much; i++)
		err = put_part(f, &f->days[i], columns, first, last, error);
	drop_days(f);
	free(columns);
	return err;
}

/* -E2BIG: it is to be tried with less. */
static int freeze_range(struct freezing *f, uint64_t first, uint64_t last, uint64_t now_ns,
			struct ship_error *error)
{
	struct cursor_batch b = {.first = first, .frozen_ns = now_ns};
	int err = cursor_freeze_begin(f->cursor, error);

	f->bytes = f->last = f->mark = 0;
	f->too_much = f->no_memory = false;
	f->one = first == last;
	for (size_t i = 0; i < TABLES && !err; i++) {
		f->table = tables[i];
		err = freeze_table(f, first, last, error);
		if (!err && f->too_much)
			err = -E2BIG;
	}
	snprintf(b.store, sizeof(b.store), "%s", f->who->store);
	b.last = f->last ? f->last : last;
	b.mark = f->mark;
	if (err)
		cursor_freeze_drop(f->cursor);
	else
		err = cursor_freeze_end(f->cursor, &b, error);
	return err;
}

/* ---- which rows ---- */

struct first {
	enum copy_table table;
	uint64_t number, time_ns;
};

static bool take_first(void *ctx, const struct copy_value *values)
{
	struct first *f = ctx;

	if ((uint64_t)values[0].number < f->number) {
		f->number = (uint64_t)values[0].number;
		f->time_ns = encode_time(f->table, values);
	}
	return false;
}

/* Rows may have gone since; UINT64_MAX where there is none. */
static int find_first(struct store_reader *r, uint64_t from, uint64_t last, struct first *ret,
		      struct ship_error *error)
{
	int err = 0;

	*ret = (struct first){.number = UINT64_MAX};
	for (size_t i = 0; i < TABLES && !err; i++) {
		ret->table = tables[i];
		if (tables[i] != COPY_HOLDER)
			err = copy(r, tables[i], from, last, take_first, ret, error);
	}
	return err;
}

int batch_freeze(struct cursor *c, struct store_reader *r, const struct encode_who *who,
		 uint64_t after, uint64_t last, uint64_t rows, uint64_t now_ns,
		 uint64_t *ret_oldest_ns, struct ship_error *error)
{
	struct freezing f = {.cursor = c, .reader = r, .who = who};
	struct first first;
	int err = find_first(r, after + 1, last, &first, error);

	if (err)
		return err;
	*ret_oldest_ns = first.time_ns;
	if (first.number > last)
		return last > after ? cursor_skip(c, who->store, last, error) : 0;
	if (last - first.number >= rows)
		last = first.number + rows - 1;
	do {
		err = freeze_range(&f, first.number, last, now_ns, error);
		if (err == -E2BIG)
			last = first.number + (last - first.number) / 2;
	} while (err == -E2BIG);
	return err ? err : 1;
}

/* ---- is it the store that was sent ---- */

struct found {
	enum copy_table table;
	bool found;
	uint64_t mark;
};

static bool take_mark(void *ctx, const struct copy_value *values)
{
	struct found *f = ctx;

	f->found = true;
	f->mark = encode_mark(f->table, values);
	return false;
}

static int find_mark(struct store_reader *r, uint64_t number, struct found *ret,
		     struct ship_error *error)
{
	int err = 0;

	*ret = (struct found){0};
	for (size_t i = 0; i < TABLES && !err && !ret->found; i++) {
		ret->table = tables[i];
		if (tables[i] != COPY_HOLDER)
			err = copy(r, tables[i], number, number, take_mark, ret, error);
	}
	return err;
}

struct checking {
	struct store_reader *reader;
	uint64_t last; /* of the store */
	uint64_t same; /* 0 none so far */
	bool any, back;
	int err;
	struct ship_error *error;
};

/* From the newest mark on: another row there, or none yet, and the store is not the one that was sent. */
static bool on_mark(void *ctx, uint64_t number, uint64_t hash)
{
	struct checking *c = ctx;
	struct found found = {0};

	c->any = true;
	if (number <= c->last)
		c->err = find_mark(c->reader, number, &found, c->error);
	if (c->err)
		return false;
	/* What went by its age was sent. */
	if (number <= c->last && (!found.found || found.mark == hash)) {
		c->same = number;
		return false;
	}
	c->back = true;
	return true;
}

int batch_check(struct cursor *c, struct store_reader *r, const char *store, uint64_t last,
		bool *ret_back, struct ship_error *error)
{
	struct checking k = {.reader = r, .last = last, .error = error};
	int err = cursor_marks(c, store, on_mark, &k, error);

	*ret_back = false;
	if (err || k.err)
		return err ? err : k.err;
	if (!k.back)
		return 0;
	*ret_back = true;
	return cursor_rewind(c, store, k.same, error);
}
