// SPDX-License-Identifier: GPL-2.0-only
/*
 * store.c - a store in which somebody has changed rows, or any bytes in place of one.  Each value is set through SQLite, so
 * that the pages are sound and only what they hold is not.
 */
#include "store_copy.h"

#include <netinet/in.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "writer.h"

#define WALL	    (1795176000ull * NSEC_PER_SEC)
#define OFFSET	    ((int64_t)(WALL - 3600 * NSEC_PER_SEC))
#define MAX_CHANGES 16

static char dir[64], path[96];
static char *sound; /* the bytes of a store as the program leaves it */
static size_t sound_len;

static const struct {
	const char *table;
	const char *columns[20];
} tables[] = {
	{"boot", {"id", "name"}},
	{"run", {"id", "boot", "version", "started", "alive", "stopped"}},
	{"netns", {"id", "inode"}},
	{"process", {"id",	  "boot", "pid",	"tid",	     "uid",
		     "cgroup_id", "name", "start_boot", "program",   "ruid",
		     "start",	  "cut",  "cgroup",	"container", "container_name",
		     "unit",	  "exe",  "args",	"parents",   "lives"}},
	{"life",
	 {"id", "closed", "lived", "local_port", "peer_port", "scale", "facts", "netns", "cookie",
	  "local", "peer", "process", "sent", "received", "retransmits", "rtt", "error", "states"}},
	{"open",
	 {"id", "closed", "lived", "facts", "netns", "cookie", "local", "peer", "process", "states",
	  "key", "run", "since_boot"}},
	{"call",
	 {"id", "at", "kind", "local_port", "peer_port", "facts", "netns", "cookie", "local",
	  "peer", "process", "error", "number"}},
	{"trouble", {"call", "known", "more", "low", "high", "reserved", "used", "unprivileged"}},
	{"holder",
	 {"call", "place", "process", "facts", "local_port", "peer_port", "local", "peer", "state",
	  "since", "why"}},
	{"loss", {"id", "at", "since", "count", "added", "removed"}},
	{"block", {"first", "last", "oldest", "newest", "earliest", "rows"}},
#define TABLES_BEFORE 11 /* inputs that were kept before there were others name these */
	{"identity", {"id", "last"}},
	{"budget",
	 {"id", "at", "peer_port", "facts", "netns", "local", "peer", "process", "held", "low",
	  "high", "reserved", "usable", "used", "time_wait", "available", "uncertain", "drain"}},
	{"unsent", {"loss", "first", "last"}},
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static void remove_files(void)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal", "-lock"};
	char name[128];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
	rmdir(dir);
}

static struct store *open_store(void)
{
	struct store_options o = {
		.path = path, .queue_bytes = 8 << 20, .now_ns = WALL, .boot_id = "boot-a"};
	struct store_error error;

	return store_open(&o, &error);
}

/* ---- a sound one ---- */

static void put_events(struct store *s)
{
	static const struct process process = {
		.pid = 901, .tid = 901, .name = "ngi\"nx", .cgroup = "/a", .container = "4f1e"};
	const struct event_holder holder = {.process = &process,
					    .protocol = IPPROTO_TCP,
					    .family = FAMILY_IPV4,
					    .local = {.port = 80},
					    .state = STATE_LISTEN,
					    .why = WHY_LISTENING};
	const struct event_trouble trouble = {
		.has_holders = true, .holders = &holder, .holder_count = 1};
	struct event e = {.kind = EVENT_CLOSE,
			  .time_ns = 3600 * NSEC_PER_SEC,
			  .protocol = IPPROTO_TCP,
			  .family = FAMILY_IPV6,
			  .has_local = true,
			  .has_peer = true,
			  .netns = 4026531840u,
			  .cookie = 7,
			  .local = {.addr = {[15] = 1}, .port = 80},
			  .peer = {.addr = {[15] = 1}, .port = 4000},
			  .process = &process};

	e.close.opened_ns = e.time_ns - 5 * NSEC_PER_SEC;
	e.close.duration_ns = 5 * NSEC_PER_SEC;
	e.close.counted = true;
	e.close.span_count = 1;
	e.close.spans[0] = (struct event_span){STATE_ESTABLISHED, 5 * NSEC_PER_SEC};
	store_event(s, &e, OFFSET);
	e.cookie = 8;
	e.close.end = EVENT_END_OPEN;
	e.close.state = STATE_ESTABLISHED;
	store_open_life(s, &e, OFFSET);
	memset(&e.close, 0, sizeof(e.close));
	e.kind = EVENT_BIND;
	e.has_peer = false;
	e.error = 98;
	e.trouble = &trouble;
	store_event(s, &e, OFFSET);
	e = (struct event){.kind = EVENT_LOST, .time_ns = e.time_ns};
	e.lost.count = 5;
	store_event(s, &e, OFFSET);
}

static void make_sound(void)
{
	const char *base = getenv("TMPDIR");
	struct store *s;
	FILE *file;

	snprintf(dir, sizeof(dir), "%.40s/sw-fuzz-XXXXXX", base ? base : "/tmp");
	MUST(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/store", dir);
	atexit(remove_files);
	s = open_store();
	MUST(s);
	put_events(s);
	store_close(s, NULL);
	file = fopen(path, "re");
	MUST(file && fseek(file, 0, SEEK_END) == 0);
	sound_len = (size_t)ftell(file);
	sound = malloc(sound_len);
	rewind(file);
	MUST(sound && fread(sound, 1, sound_len, file) == sound_len);
	fclose(file);
}

static void write_file(const void *bytes, size_t len)
{
	FILE *file = fopen(path, "we");

	MUST(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

/* ---- changes ---- */

static void bind_value(sqlite3_stmt *statement, struct input *in)
{
	static const int64_t numbers[] = {0, 1, -1, 255, 65536, INT64_MAX, INT64_MIN, 1ll << 32};
	uint8_t what = input_8(in), *blob;
	char *text;
	size_t len;

	switch (what & 7) {
	case 0: sqlite3_bind_null(statement, 1); break;
	case 1: sqlite3_bind_int64(statement, 1, numbers[what >> 3 & 7]); break;
	case 2: sqlite3_bind_int64(statement, 1, (int64_t)input_64(in)); break;
	case 3: sqlite3_bind_double(statement, 1, 1e300 * (what >> 3)); break;
	case 4:
	case 5:
		text = input_string(in, input_8(in));
		sqlite3_bind_text(statement, 1, text, -1, SQLITE_TRANSIENT);
		free(text);
		break;
	default:
		blob = input_bytes(in, what >> 3, &len);
		sqlite3_bind_blob(statement, 1, blob, (int)len, SQLITE_TRANSIENT);
		free(blob);
		break;
	}
}

static void change(sqlite3 *db, struct input *in)
{
	uint8_t byte = input_8(in);
	size_t table =
		byte < 240 ? byte % TABLES_BEFORE : TABLES_BEFORE + byte % (TABLES - TABLES_BEFORE);
	size_t column = input_8(in), count = 0;
	sqlite3_stmt *statement = NULL;
	char sql[128];

	while (count < 20 && tables[table].columns[count])
		count++;
	snprintf(sql, sizeof(sql), "UPDATE OR IGNORE \"%s\" SET \"%s\"=?", tables[table].table,
		 tables[table].columns[column % count]);
	MUST(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
	bind_value(statement, in);
	sqlite3_step(statement);
	sqlite3_finalize(statement);
}

/* A schema that is not the program's own. */
static void change_schema(sqlite3 *db, struct input *in)
{
	char *sql = input_string(in, input_8(in));

	sqlite3_exec(db, sql, NULL, NULL, NULL);
	free(sql);
}

static void change_rows(struct input *in, bool schema)
{
	sqlite3 *db;

	write_file(sound, sound_len);
	MUST(sqlite3_open(path, &db) == SQLITE_OK);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_exec(db, "PRAGMA synchronous=OFF;PRAGMA journal_mode=MEMORY;BEGIN", NULL, NULL,
		     NULL);
	if (schema)
		change_schema(db, in);
	for (int i = 0; i < MAX_CHANGES && in->left; i++)
		change(db, in);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
}

/* ---- what is read ---- */

struct reading {
	struct writer *json, *text;
	struct buffer out;
	unsigned int events;
};

static bool on_event(void *ctx, const struct event *e)
{
	struct reading *r = ctx;

	r->out.len = 0;
	writer_event(r->json, &r->out, e);
	must_be_json(r->out.data, r->out.len);
	r->out.len = 0;
	writer_event(r->text, &r->out, e);
	must_be_text(r->out.data, r->out.len, 1, false);
	return r->events++ < 100;
}

struct copying {
	struct store_reader *to;
	enum copy_table table;
	unsigned int rows;
};

static bool on_copy(void *ctx, const struct copy_value *values)
{
	struct copying *c = ctx;
	size_t count;

	copy_columns(c->table, &count);
	for (size_t i = 0; i < count; i++)
		MUST(!values[i].known || !values[i].len || values[i].bytes);
	store_paste(c->to, c->table, values);
	return c->rows++ < 100;
}

/* Elsewhere it is read as here. */
static void copy_all(struct store_reader *reader, const struct store_query *query,
		     struct reading *r)
{
	struct store_error error;
	struct copying c = {.to = store_reader_new(WALL, 0, &error)};
	uint64_t last;

	MUST(c.to);
	for (int t = 0; t < COPY_TABLES; t++) {
		c.table = (enum copy_table)t;
		c.rows = 0;
		store_copy(reader, c.table, 0, UINT64_MAX, on_copy, &c, &error);
	}
	store_read(c.to, query, on_event, r, &last, &error);
	store_reader_close(c.to);
	MUST(strlen(store_id(reader)) == 32 || !store_id(reader)[0]);
}

static void read_all(struct store_reader *reader, struct reading *r)
{
	struct store_query query = {.to_ns = UINT64_MAX};
	struct filter filter;
	struct store_error error;
	uint64_t last, from, to;

	filter_init(&filter);
	query.filter = &filter;
	store_read(reader, &query, on_event, r, &last, &error);
	copy_all(reader, &query, r);
	query.lives_only = true;
	query.from_ns = WALL - 2 * NSEC_PER_SEC;
	query.to_ns = WALL;
	store_read(reader, &query, on_event, r, &last, &error);
	store_read_past(reader, "boot-a", false, 0, on_event, r, &error);
	store_read_past(reader, "boot-a", true, 0, on_event, r, &error);
	store_last(reader);
	store_span(reader, &from, &to);
	store_ran_at(reader, WALL);
	filter_done(&filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	int64_t offset = 0;
	struct writer_options options = {.wall_offset_ns = &offset};
	struct reading r = {.json = writer_json_new(&options), .text = writer_text_new(&options)};
	struct store_error error = {""};
	struct store_reader *reader;
	uint8_t how = input_8(&in);

	if (!sound)
		make_sound();
	MUST(r.json && r.text && buffer_init(&r.out, 256) == 0);
	if ((how & 3) == 0)
		write_file(in.at, in.left);
	else
		change_rows(&in, (how & 3) == 1);
	reader = store_reader_open(path, WALL, &error);
	if (reader)
		read_all(reader, &r);
	else
		MUST(error.text[0]);
	store_reader_close(reader);
	/* Whoever writes reads what was there, and it gets what it says. */
	if (how & 4) {
		struct store *s = open_store();

		if (s) {
			put_events(s);
			store_close(s, NULL);
		}
	}
	writer_free(r.json);
	writer_free(r.text);
	buffer_done(&r.out);
	return 0;
}
