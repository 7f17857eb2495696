// SPDX-License-Identifier: GPL-2.0-only
/*
 * fetch.c - a fleet's rows, a portion of time at a time, through a store in memory.
 *
 * How many rows each minute has is asked first, and minutes are put together until a portion has enough; a minute that has far too many
 * is cut into its seconds.  A portion is one query a table.  Its rows come store by store, so one reader serves them all in turn.
 */
#include "ship_fetch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fetch_private.h"
#include "pace.h"

#define PORTION_ROWS 20000
/* A minute with more is cut. */
#define MINUTE_ROWS (4 * PORTION_ROWS)
/* A recorder's run is sent each minute; one that is older is not alive. */
#define ALIVE_NS  (180 * UINT64_C(1000000000))
#define SECOND_NS UINT64_C(1000000000)
#define HOST_MAX  255

/* Tables of a portion, in the order in which their rows are pasted. */
static const enum copy_table tables[] = {COPY_LIFE, COPY_CALL, COPY_HOLDER, COPY_LOSS, COPY_OPEN};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* Rows of a minute, or of a second. */
struct step {
	uint64_t first_s, rows;
};

struct steps {
	struct step *step;
	size_t count;
};

struct ship_fetch {
	struct ship_fetch_options options;
	struct ship_http *http;
	struct store_reader *reader;
	struct lines runs, lines[TABLES];
	size_t stores;
	uint64_t alive_ns;

	/* while ship_fetch() goes on */
	const struct ship_fetch_query *query;
	const struct ship_fetch_sink *sink;
	struct ship_error *error;
	char host[HOST_MAX + 1];
	bool ended; /* by the sink */
};

static int fail(struct ship_fetch *f, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(struct ship_fetch *f, int err, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(f->error->text, sizeof(f->error->text), format, list);
	va_end(list);
	return err;
}

struct ship_fetch *ship_fetch_open(const struct ship_fetch_options *options,
				   struct ship_error *error)
{
	const struct ship_http_options http = {
		.place = options->from.place,
		.user = options->user,
		.password = options->password,
		.ca_file = options->ca_file,
		.go_on = options->go_on,
		.ctx = options->ctx,
	};
	struct store_error store = {""};
	struct ship_fetch *f = calloc(1, sizeof(*f));

	if (!f) {
		snprintf(error->text, sizeof(error->text), "no memory");
		return NULL;
	}
	f->options = *options;
	f->alive_ns = options->now_ns > ALIVE_NS ? options->now_ns - ALIVE_NS : 0;
	f->reader = store_reader_new(options->now_ns, f->alive_ns, &store);
	if (f->reader && options->no_args)
		store_reader_leave_out_args(f->reader);
	if (!f->reader)
		snprintf(error->text, sizeof(error->text), "%.500s", store.text);
	else
		f->http = ship_http_open(&http, error);
	if (f->http)
		return f;
	ship_fetch_close(f);
	return NULL;
}

void ship_fetch_close(struct ship_fetch *f)
{
	if (!f)
		return;
	ship_http_close(f->http);
	store_reader_close(f->reader);
	lines_done(&f->runs);
	for (size_t i = 0; i < TABLES; i++)
		lines_done(&f->lines[i]);
	free(f);
}

size_t ship_fetch_stores(const struct ship_fetch *f)
{
	return f->stores;
}

/* The one of which the server complains; one question may be of several. */
static const char *table_of(const struct ship_fetch *f, const struct ship_http_answer *answer, const char *table)
{
	for (enum copy_table t = 0; t < COPY_TABLES; t++) {
		char name[200];

		snprintf(name, sizeof(name), "%s.%s%s'", f->options.from.database, f->options.prefix, copy_name(t));
		if (strstr(answer->text, name))
			return copy_name(t);
	}
	return table;
}

/* Asks, and takes the lines of the answer into `ret`.  Ends the question. */
static int get(struct ship_fetch *f, struct ask *a, const char *table, struct lines *ret)
{
	const struct ship_fetch_options *o = &f->options;
	struct pace_about about = {
		.place = o->from.place, .database = o->from.database, .user = o->user};
	char *target = ask_target(a);
	const struct ship_http_request request = {
		.target = target, .body = a->text, .len = a->len, .take = lines_take, .ctx = ret};
	struct ship_http_answer answer = {0};
	int err = 0;

	lines_clear(ret);
	if (!target)
		err = fail(f, -ENOMEM, "no memory");
	else
		ship_http_do(f->http, &request, &answer);
	about.table = table_of(f, &answer, table);
	if (err == 0 && ret->failed)
		err = fail(f, -ENOMEM, "no memory for an answer of %s", o->from.place);
	else if (err == 0 && answer.failure == SHIP_HTTP_GIVEN_UP)
		err = -EINTR;
	else if (err == 0 && pace_judge(&answer, &about, f->error) != PACE_TAKEN)
		err = -EIO;
	free(target);
	ask_done(a);
	return err;
}

static int read_steps(struct ship_fetch *f, struct lines *r, struct steps *ret)
{
	size_t room = 0;

	for (char *line = r->data, *end; line && line < r->data + r->len; line = end + 1) {
		unsigned long long first, rows;

		end = memchr(line, '\n', (size_t)(r->data + r->len - line));
		if (!end || sscanf(line, "%llu\t%llu", &first, &rows) != 2)
			return fail(f, -EPROTO, "%s does not answer as ClickHouse does",
				    f->options.from.place);
		if (ret->count == room) {
			struct step *more =
				realloc(ret->step, (room = 2 * room + 1024) * sizeof(*more));

			if (!more)
				return fail(f, -ENOMEM, "no memory");
			ret->step = more;
		}
		ret->step[ret->count++] = (struct step){first, rows};
	}
	return 0;
}

static int count_rows(struct ship_fetch *f, bool ended, bool open, const struct span *span,
		      struct steps *ret)
{
	struct lines rows = {0};
	struct ask a;
	int err;

	*ret = (struct steps){0};
	ask_begin(&a, &f->options, f->query);
	ask_counts(&a, ended, open, f->alive_ns, span);
	err = get(f, &a, ended ? "life" : "open", &rows);
	if (err == 0)
		err = read_steps(f, &rows, ret);
	lines_done(&rows);
	return err;
}

static void read_host(struct ship_fetch *f, const char *key, size_t len)
{
	const char *tab = memchr(key, '\t', len);
	size_t n = 0;

	for (const char *p = key; tab && p + 1 < tab && n < HOST_MAX; p += 2) {
		unsigned int byte = 0;

		if (sscanf((const char[]){p[0], p[1], '\0'}, "%2x", &byte) != 1 || !byte)
			break;
		f->host[n++] = (char)byte;
	}
	f->host[n] = '\0';
}

static bool is_of(const struct lines *r, const char *key, size_t len)
{
	const char *next;
	size_t next_len;

	return lines_peek(r, &next, &next_len) && next_len == len && memcmp(next, key, len) == 0;
}

static int paste(struct ship_fetch *f, struct lines *r, const char *key, size_t len)
{
	struct copy_value values[COPY_COLUMNS_MAX];
	int err = 0;

	while (err == 0 && is_of(r, key, len)) {
		if (!lines_next(r, f->options.no_args, values))
			return fail(f, -EPROTO,
				    "%s has a table %s that is not as this sockwatch's schema "
				    "clickhouse makes it",
				    f->options.from.place, copy_name(r->table));
		err = store_paste(f->reader, r->table, values);
		/* A row that no recorder writes is nobody's. */
		if (err == -EINVAL)
			err = 0;
	}
	return err ? fail(f, err, "no memory for an answer of %s", f->options.from.place) : 0;
}

/* The lines are changed where they are read, so each time from a copy. */
static int paste_runs(struct ship_fetch *f, const char *key, size_t len)
{
	struct lines all = {.table = COPY_RUN, .data = f->runs.data, .len = f->runs.len};
	int err = 0;

	while (err == 0 && all.at < all.len) {
		char *line = all.data + all.at, *end = memchr(line, '\n', all.len - all.at);
		struct lines one = {.table = COPY_RUN};

		if (!end)
			break;
		if (is_of(&all, key, len)) {
			if (lines_take(&one, line, (size_t)(end + 1 - line)))
				err = paste(f, &one, key, len);
			else
				err = fail(f, -ENOMEM, "no memory");
			lines_done(&one);
		}
		all.at = (size_t)(end + 1 - all.data);
	}
	return err;
}

static bool on_event(void *ctx, const struct event *event)
{
	struct ship_fetch *f = ctx;
	struct event e = *event;

	e.host = f->host;
	f->ended = !f->sink->event(f->sink->ctx, &e);
	return !f->ended;
}

/* All rows of the store that comes next, by the names of hosts.  1: there was none. */
static int read_store(struct ship_fetch *f)
{
	struct store_query q = *f->query->query;
	struct store_error store = {""};
	const char *key = NULL, *next;
	char *kept;
	size_t len = 0, next_len;
	uint64_t last;
	int err = 0;

	for (size_t i = 0; i < TABLES; i++) {
		if (!lines_peek(&f->lines[i], &next, &next_len))
			continue;
		if (!key || memcmp(next, key, next_len < len ? next_len : len) < 0) {
			key = next;
			len = next_len;
		}
	}
	if (!key)
		return 1;
	/* Reading the rows changes the text that it stands in. */
	kept = malloc(len + 1);
	if (!kept)
		return fail(f, -ENOMEM, "no memory");
	memcpy(kept, key, len);
	kept[len] = '\0';
	read_host(f, kept, len);
	store_paste_clear(f->reader);
	err = paste_runs(f, kept, len);
	for (size_t i = 0; err == 0 && i < TABLES; i++)
		err = paste(f, &f->lines[i], kept, len);
	free(kept);
	if (err)
		return err;
	q.after = 0;
	q.any_order = false;
	if (store_read(f->reader, &q, on_event, f, &last, &store) < 0)
		return fail(f, -EIO, "rows of %s cannot be read: %.400s", f->host, store.text);
	return f->ended ? -EINTR : 0;
}

/* The lines are changed where they are read: as they came, for another reading. */
static bool keep_lines(const struct ship_fetch *f, char *kept[TABLES])
{
	for (size_t i = 0; i < TABLES; i++) {
		kept[i] = f->lines[i].len ? malloc(f->lines[i].len) : NULL;
		if (!kept[i] && f->lines[i].len)
			return false;
		if (kept[i])
			memcpy(kept[i], f->lines[i].data, f->lines[i].len);
	}
	return true;
}

static int read_stores(struct ship_fetch *f)
{
	char *kept[TABLES] = {NULL};
	enum ship_fetch_next next = SHIP_FETCH_AGAIN;
	size_t stores;
	int err = keep_lines(f, kept) ? 0 : fail(f, -ENOMEM, "no memory");

	while (err == 0 && next == SHIP_FETCH_AGAIN) {
		for (stores = 0; err == 0 && (err = read_store(f)) == 0;)
			stores++;
		if (err != 1)
			break;
		next = f->sink->portion(f->sink->ctx, stores > 1);
		err = next == SHIP_FETCH_END ? -EINTR : 0;
		for (size_t i = 0; next == SHIP_FETCH_AGAIN && i < TABLES; i++) {
			f->lines[i].at = 0;
			if (kept[i])
				memcpy(f->lines[i].data, kept[i], f->lines[i].len);
		}
	}
	for (size_t i = 0; i < TABLES; i++)
		free(kept[i]);
	return err;
}

static int read_portion(struct ship_fetch *f, bool ended, bool open, const struct span *span)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < TABLES; i++) {
		bool wanted = tables[i] == COPY_OPEN ? open : ended;
		struct ask a;

		f->lines[i].table = tables[i];
		lines_clear(&f->lines[i]);
		if (!wanted || (f->query->query->lives_only && tables[i] != COPY_LIFE &&
				tables[i] != COPY_OPEN))
			continue;
		ask_begin(&a, &f->options, f->query);
		ask_rows(&a, tables[i], f->alive_ns, span);
		err = get(f, &a, copy_name(tables[i]), &f->lines[i]);
	}
	return err ? err : read_stores(f);
}

/* A minute that has too many rows, by its seconds. */
static int read_minute(struct ship_fetch *f, bool ended, bool open, uint64_t first_s)
{
	const struct span minute = {first_s * SECOND_NS, (first_s + 60) * SECOND_NS};
	struct steps seconds;
	int err = count_rows(f, ended, open, &minute, &seconds);

	for (size_t i = 0; err == 0 && i < seconds.count; i++) {
		const struct span span = {seconds.step[i].first_s * SECOND_NS,
					  (seconds.step[i].first_s + 1) * SECOND_NS};

		err = read_portion(f, ended, open, &span);
	}
	free(seconds.step);
	return err;
}

static int read_all(struct ship_fetch *f, bool ended, bool open)
{
	struct steps minutes;
	int err = count_rows(f, ended, open, NULL, &minutes);

	for (size_t i = 0; err == 0 && i < minutes.count;) {
		uint64_t first_s = minutes.step[i].first_s, rows = 0, last_s = first_s;

		if (minutes.step[i].rows > MINUTE_ROWS) {
			err = read_minute(f, ended, open, first_s);
			i++;
			continue;
		}
		for (; i < minutes.count && (!rows || rows + minutes.step[i].rows <= PORTION_ROWS);
		     i++) {
			rows += minutes.step[i].rows;
			last_s = minutes.step[i].first_s;
		}
		err = read_portion(f, ended, open,
				   &(struct span){first_s * SECOND_NS, (last_s + 60) * SECOND_NS});
	}
	free(minutes.step);
	return err;
}

static int read_runs(struct ship_fetch *f)
{
	const char *key, *last = NULL;
	size_t len, last_len = 0;
	struct ask a;
	int err;

	f->runs.table = COPY_RUN;
	ask_begin(&a, &f->options, f->query);
	ask_runs(&a);
	err = get(f, &a, "run", &f->runs);
	f->stores = 0;
	while (err == 0 && lines_peek(&f->runs, &key, &len)) {
		char *end = memchr(key, '\n', f->runs.len - f->runs.at);

		f->stores += !last || len != last_len || memcmp(key, last, len) != 0;
		last = key;
		last_len = len;
		f->runs.at = end ? (size_t)(end + 1 - f->runs.data) : f->runs.len;
	}
	f->runs.at = 0;
	return err;
}

int ship_fetch(struct ship_fetch *f, const struct ship_fetch_query *query,
	       const struct ship_fetch_sink *sink, struct ship_error *error)
{
	const struct store_query *q = query->query;
	bool in_place = q->by_time && !q->no_open;
	int err;

	f->query = query;
	f->sink = sink;
	f->error = error;
	f->ended = false;
	err = read_runs(f);
	if (err == 0)
		err = read_all(f, true, in_place);
	if (err == 0 && !q->no_open && !in_place)
		err = read_all(f, false, true);
	return err;
}
