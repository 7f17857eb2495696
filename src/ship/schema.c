// SPDX-License-Identifier: GPL-2.0-only
/*
 * schema.c - the base tables.  The views are in schema_views.c.
 *
 * A row that is sent again, whatever the reason, has the same sorting key and is one row for whoever reads with FINAL, as all views
 * do.  Within the server's window it is not even written again: non_replicated_deduplication_window, which is 0 unless it is said.
 * So nothing may be made from inserts that does not stand this: the roll-up by minutes is a view, too.
 *
 * Numbers are as wide as in the store, so that none of them can make the server refuse a batch: T64 leaves out bits that are always 0.
 * What is not known is 0 or empty, with its bit in "has" not set.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

/* Batches, and parts of them: an hour's of 500 hosts that send every five seconds is 360,000, so a try that late is for FINAL. */
#define WINDOW "10000"

struct shape {
	const char
		*time; /* its day makes the partition, and the ttl counts from it; NULL: neither */
	const char *primary; /* a part of the order that is kept in memory */
	const char *order;   /* all that tells rows apart */
	bool ends;	     /* has a view by both ends' ports and addresses */
	bool is_gone;
};

/*
 * "Who talks to that port and address" is the question most asked, over a span of time: hence five minutes first, and then not the
 * host.  A store that was put back from a copy may use a number again for another row, so the time is a part of the key.
 */
static const struct shape shapes[COPY_TABLES] = {
	[COPY_LIFE] = {"closed", "toStartOfFiveMinutes(closed), peer_port, peer, host",
		       "closed, store, id", true, false},
	[COPY_CALL] = {"at", "toStartOfFiveMinutes(at), peer_port, peer, host", "at, store, id",
		       true, false},
	[COPY_HOLDER] = {"at", "toStartOfFiveMinutes(at), host", "at, store, call, place", false,
			 false},
	[COPY_LOSS] = {"at", "toStartOfFiveMinutes(at), host", "at, store, id", false, false},
	[COPY_BUDGET] = {"at", "toStartOfFiveMinutes(at), host", "at, store, id", false, false},
	[COPY_RUN] = {NULL, "host, store", "id", false, false},
	[COPY_OPEN] = {NULL, "host, store", "id", true, true},
};

bool ship_schema_is_revised(enum copy_table table)
{
	return !shapes[table].time;
}

/* Measured over lives of 20 hosts with clickhouse's own system.columns: tools/bench fleet. */
static const char *type_of(const struct copy_column *column)
{
	static const struct {
		const char *name, *type;
	} special[] = {
		{"args", "LowCardinality(String)"},
		{"parents", "LowCardinality(String)"},
		{"asked", "LowCardinality(String)"},
		{"start", "DateTime64(9, 'UTC') CODEC(ZSTD(3))"},
	};

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if (!strcmp(column->name, special[i].name))
			return special[i].type;
	}
	switch (column->kind) {
	case COPY_NUMBER: return "UInt64 CODEC(T64, ZSTD(1))";
	case COPY_TIME: return "DateTime64(9, 'UTC') CODEC(T64, ZSTD(1))";
	case COPY_TEXT: return "LowCardinality(String)";
	case COPY_BYTES: return "String CODEC(ZSTD(3))";
	case COPY_ADDRESS: return "IPv6 CODEC(ZSTD(1))";
	}
	return "String";
}

static void put_index(FILE *out, enum copy_table table, const char *name, const char *what,
		      const char *type)
{
	fprintf(out, ",\n    INDEX %s (", name);
	schema_put_expression(out, table, "", what);
	fprintf(out, ") TYPE %s GRANULARITY 1", type);
}

/* Of what the views show, so that a question to a view finds its way without knowing of base tables. */
static void put_indexes(FILE *out, enum copy_table table)
{
	put_index(out, table, "view_peer_port", "$peer_port", "minmax");
	put_index(out, table, "view_peer_addr", "@peer", "bloom_filter(0.01)");
	put_index(out, table, "view_local_port", "$local_port", "bloom_filter(0.01)");
}

static void put_ttl(FILE *out, const struct ship_schema *s, const struct shape *shape)
{
	uint64_t hours = s->ttl_ns / (3600 * UINT64_C(1000000000));

	if (shape->is_gone)
		fprintf(out,
			"\nTTL toDateTime(received_at) + INTERVAL 7 DAY DELETE WHERE gone = 1");
	else if (s->ttl_ns && shape->time && hours % 24 == 0)
		fprintf(out, "\nTTL toDateTime(%s) + INTERVAL %llu DAY", shape->time,
			(unsigned long long)hours / 24);
	else if (s->ttl_ns && shape->time)
		fprintf(out, "\nTTL toDateTime(%s) + INTERVAL %llu HOUR", shape->time,
			(unsigned long long)(hours ? hours : 1));
}

static void put_engine(FILE *out, const struct ship_schema *s, enum copy_table table)
{
	const char *revision = ship_schema_is_revised(table) ? "revision" : "";

	if (s->cluster)
		fprintf(out,
			"ENGINE = "
			"ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/%s/%s%s', "
			"'{replica}'%s%s)",
			s->database, schema_prefix(s), copy_name(table), *revision ? ", " : "",
			revision);
	else
		fprintf(out, "ENGINE = ReplacingMergeTree(%s)", revision);
}

static void put_table(FILE *out, const struct ship_schema *s, enum copy_table table)
{
	const struct shape *shape = &shapes[table];
	size_t count;
	const struct copy_column *columns = copy_columns(table, &count);

	fprintf(out, "\nCREATE TABLE IF NOT EXISTS %s.%s%s%s", s->database, schema_prefix(s),
		copy_name(table), s->cluster ? "_local" : "");
	schema_put_cluster(out, s);
	fprintf(out,
		"\n(\n    host LowCardinality(String),\n    machine_id LowCardinality(String),\n"
		"    store LowCardinality(String)");
	for (size_t i = 0; i < count; i++)
		fprintf(out, ",\n    %s %s", columns[i].name, type_of(&columns[i]));
	if (shape->is_gone)
		fprintf(out, ",\n    gone UInt8");
	if (ship_schema_is_revised(table))
		fprintf(out, ",\n    revision UInt64");
	fprintf(out,
		",\n    received_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(ZSTD(1))");
	if (shape->ends)
		put_indexes(out, table);
	fprintf(out, "\n)\n");
	put_engine(out, s, table);
	if (shape->time)
		fprintf(out, "\nPARTITION BY toDate(%s)", shape->time);
	fprintf(out, "\nPRIMARY KEY (%s)\nORDER BY (%s, %s)", shape->primary, shape->primary,
		shape->order);
	put_ttl(out, s, shape);
	if (s->cluster)
		fprintf(out, "\nSETTINGS replicated_deduplication_window = " WINDOW
			     ", replicated_deduplication_window_seconds = 604800");
	else
		fprintf(out, "\nSETTINGS non_replicated_deduplication_window = " WINDOW);
	if (s->ttl_ns && shape->time)
		fprintf(out, ", ttl_only_drop_parts = 1");
	fprintf(out, ";\n");
	if (!s->cluster)
		return;
	/* A store stays in one shard: there a batch meets itself when it comes again. */
	fprintf(out, "\nCREATE TABLE IF NOT EXISTS %s.%s%s", s->database, schema_prefix(s),
		copy_name(table));
	schema_put_cluster(out, s);
	fprintf(out,
		" AS %s.%s%s_local\nENGINE = Distributed('%s', '%s', '%s%s_local', "
		"cityHash64(store));\n",
		s->database, schema_prefix(s), copy_name(table), s->cluster, s->database,
		schema_prefix(s), copy_name(table));
}

const char *schema_prefix(const struct ship_schema *s)
{
	return s->prefix ? s->prefix : "";
}

void schema_put_cluster(FILE *out, const struct ship_schema *s)
{
	if (s->cluster)
		fprintf(out, " ON CLUSTER '%s'", s->cluster);
}

char *ship_schema(const struct ship_schema *schema)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool failed;

	if (!out)
		return NULL;
	fprintf(out,
		"-- sockwatch " SOCKWATCH_VERSION
		": the tables of a fleet, for ClickHouse 24.3 and newer.\n"
		"-- sockwatch schema clickhouse | clickhouse-client --multiquery\n\n"
		"CREATE DATABASE IF NOT EXISTS %s",
		schema->database);
	schema_put_cluster(out, schema);
	fprintf(out, ";\n");
	for (enum copy_table table = 0; table < COPY_TABLES; table++)
		put_table(out, schema, table);
	schema_put_views(out, schema);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
