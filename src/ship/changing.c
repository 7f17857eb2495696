// SPDX-License-Identifier: GPL-2.0-only
#include "changing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
	uint64_t number, hash;
	bool gone;
};

/* In the order of their numbers. */
struct states {
	struct state *state;
	size_t count, size;
	bool failed; /* no memory */
};

struct changing {
	enum copy_table table;
	const struct encode_who *who;
	struct states known, now;
	size_t at; /* of known: the next that is not below */
	uint64_t most, rows, revision;
	struct encode encode;
	bool more;
};

static int fail(struct ship_error *error, int err, const char *text)
{
	snprintf(error->text, sizeof(error->text), "%s", text);
	return err;
}

static struct state *add(struct states *s, uint64_t number, uint64_t hash)
{
	size_t size = s->size ? 2 * s->size : 256;
	struct state *grown;

	if (s->count == s->size) {
		grown = realloc(s->state, size * sizeof(*grown));
		if (!grown) {
			s->failed = true;
			return NULL;
		}
		s->state = grown;
		s->size = size;
	}
	s->state[s->count] = (struct state){.number = number, .hash = hash};
	return &s->state[s->count++];
}

static bool on_known(void *ctx, uint64_t number, uint64_t hash)
{
	return add(ctx, number, hash) != NULL;
}

/* ---- rows ---- */

static uint64_t hash_row(const struct copy_column *columns, size_t count,
			 const struct copy_value *v)
{
	uint64_t hash = ENCODE_HASH;

	for (size_t i = 0; i < count; i++) {
		hash = encode_hash(hash, &v[i].known, sizeof(v[i].known));
		if (columns[i].kind == COPY_NUMBER || columns[i].kind == COPY_TIME)
			hash = encode_hash(hash, &v[i].number, sizeof(v[i].number));
		else if (v[i].known)
			hash = encode_hash(hash, v[i].bytes, v[i].len);
	}
	return hash;
}

static void put_row(struct changing *c, const struct copy_value *values, bool gone)
{
	encode_row(&c->encode, c->who, c->table, values);
	if (c->table == COPY_OPEN)
		encode_text(&c->encode, gone ? "\t1" : "\t0");
	encode_text(&c->encode, "\t");
	encode_number(&c->encode, c->revision);
	encode_line_end(&c->encode);
	c->rows++;
}

/* Of one that is not there any more only its number is known. */
static void put_gone(struct changing *c, uint64_t number)
{
	struct copy_value values[COPY_COLUMNS_MAX] = {{.known = true, .number = (int64_t)number}};

	if (c->rows >= c->most) {
		c->more = true;
		return;
	}
	put_row(c, values, true);
	if (add(&c->now, number, 0))
		c->now.state[c->now.count - 1].gone = true;
}

/* Known ones below this number have gone. */
static void pass_gone(struct changing *c, uint64_t number)
{
	for (; c->at < c->known.count && c->known.state[c->at].number < number; c->at++) {
		if (c->table == COPY_OPEN)
			put_gone(c, c->known.state[c->at].number);
	}
}

static bool on_row(void *ctx, const struct copy_value *values)
{
	struct changing *c = ctx;
	uint64_t number = (uint64_t)values[0].number, hash;
	size_t count;
	const struct copy_column *columns = copy_columns(c->table, &count);

	hash = hash_row(columns, count, values);
	pass_gone(c, number);
	if (c->at < c->known.count && c->known.state[c->at].number == number &&
	    c->known.state[c->at++].hash == hash)
		return true;
	if (c->rows >= c->most) {
		c->more = true;
		return false;
	}
	put_row(c, values, false);
	return add(&c->now, number, hash) != NULL;
}

/* ---- one request ---- */

static int read_rows(struct changing *g, struct cursor *c, struct store_reader *r,
		     enum cursor_kind kind, uint64_t now_ns, struct ship_error *error)
{
	struct store_error why = {""};
	int err = cursor_known(c, kind, g->who->store, on_known, &g->known, error);

	if (!err)
		err = cursor_revision(c, now_ns, &g->revision, error);
	if (!err && encode_begin(&g->encode) < 0)
		err = fail(error, -ENOMEM, "no memory");
	if (!err && store_copy(r, g->table, 0, INT64_MAX, on_row, g, &why) < 0)
		err = fail(error, -EIO, why.text);
	if (!err && !g->more)
		pass_gone(g, UINT64_MAX);
	if (!err && (g->known.failed || g->now.failed || encode_end(&g->encode) < 0))
		err = fail(error, -ENOMEM, "no memory");
	return err;
}

static int learn(struct changing *g, struct cursor *c, enum cursor_kind kind,
		 struct ship_error *error)
{
	int err = cursor_learn_begin(c, error);

	for (size_t i = 0; i < g->now.count && !err; i++)
		err = cursor_learn(c, kind, g->who->store, g->now.state[i].number,
				   g->now.state[i].hash, g->now.state[i].gone, error);
	if (err) {
		cursor_freeze_drop(c);
		return err;
	}
	return cursor_learn_end(c, error);
}

int changing_send(struct cursor *c, struct store_reader *r, struct insert_to *to,
		  const struct encode_who *who, enum cursor_kind kind, uint64_t now_ns,
		  uint64_t most, bool *ret_more, enum pace_verdict *ret_verdict,
		  uint64_t *ret_retry_after_ns, struct ship_error *error)
{
	struct changing g = {
		.table = kind == CURSOR_RUN ? COPY_RUN : COPY_OPEN, .who = who, .most = most};
	char *columns =
		encode_columns(g.table, kind == CURSOR_OPEN ? ",gone,revision" : ",revision");
	int err = columns ? read_rows(&g, c, r, kind, now_ns, error)
			  : fail(error, -ENOMEM, "no memory");

	*ret_more = g.more;
	*ret_retry_after_ns = 0;
	if (!err && g.rows == 0) {
		*ret_verdict = PACE_TAKEN;
	} else if (!err) {
		*ret_verdict = insert_send(to,
					   &(struct insert_rows){.table = copy_name(g.table),
								 .columns = columns,
								 .rows = g.rows,
								 .body = g.encode.body,
								 .len = g.encode.len},
					   ret_retry_after_ns, error);
		if (*ret_verdict == PACE_TAKEN)
			err = learn(&g, c, kind, error);
	}
	encode_done(&g.encode);
	free(g.known.state);
	free(g.now.state);
	free(columns);
	return err;
}
