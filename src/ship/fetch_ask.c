// SPDX-License-Identifier: GPL-2.0-only
/*
 * fetch_ask.c - the question as SQL for ClickHouse.
 *
 * It narrows down by what ClickHouse is good at, and never by more than the filter, which has the last word about each event.  All that
 * users give, numbers too, are parameters of the query: {q1:String} in it, param_q1 beside it.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fetch_private.h"

/* More conditions than these are left to the filter. */
#define RANGES_MAX 24
#define NANO	   "fromUnixTimestamp64Nano("

void ask_begin(struct ask *a, const struct ship_fetch_options *options,
	       const struct ship_fetch_query *query)
{
	*a = (struct ask){.options = options, .query = query};
	a->sql = open_memstream(&a->text, &a->len);
	a->failed = !a->sql;
	/* The status is that of the whole answer, not of its beginning. */
	a->parameter[a->count++] = strdup("wait_end_of_query");
	a->parameter[a->count++] = strdup("1");
}

void ask_done(struct ask *a)
{
	if (a->sql)
		fclose(a->sql);
	free(a->text);
	for (size_t i = 0; i < a->count; i++)
		free(a->parameter[i]);
	*a = (struct ask){0};
}

static void put(struct ask *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct ask *a, const char *format, ...)
{
	va_list list;

	if (a->failed)
		return;
	va_start(list, format);
	a->failed = vfprintf(a->sql, format, list) < 0;
	va_end(list);
}

/* A value is read as a field of TabSeparated. */
static char *escape(const char *value)
{
	char *escaped = malloc(2 * strlen(value) + 1), *to = escaped;

	for (; escaped && *value; value++) {
		const char *special = strchr("\t\n\r\b\f\\", *value);

		if (special)
			*to++ = '\\';
		*to++ = special ? "tnrbf\\"[special - "\t\n\r\b\f\\"] : *value;
	}
	if (escaped)
		*to = '\0';
	return escaped;
}

static void put_value(struct ask *a, const char *type, const char *value)
{
	char name[32];

	if (a->count + 2 > 2 * ASK_PARAMETERS) {
		a->failed = true;
		return;
	}
	snprintf(name, sizeof(name), "param_q%zu", a->count / 2);
	put(a, "{q%zu:%s}", a->count / 2, type);
	a->parameter[a->count] = strdup(name);
	a->parameter[a->count + 1] = escape(value);
	a->failed |= !a->parameter[a->count] || !a->parameter[a->count + 1];
	a->count += 2;
}

static void put_number(struct ask *a, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	put_value(a, "UInt64", digits);
}

/* Nanoseconds that fit a DateTime64. */
static void put_time(struct ask *a, uint64_t ns)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld",
		 ns > INT64_MAX ? (long long)INT64_MAX : (long long)ns);
	put(a, NANO);
	put_value(a, "Int64", digits);
	put(a, ", 'UTC')");
}

static void put_ranges(struct ask *a, const char *column, const struct units_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++) {
		put(a, "%s%s BETWEEN ", i ? " OR " : "", column);
		put_number(a, ranges->item[i].low);
		put(a, " AND ");
		put_number(a, ranges->item[i].high);
	}
}

static bool is_given(const struct units_ranges *ranges)
{
	return ranges->count > 0 && ranges->count <= RANGES_MAX;
}

/* All addresses of a network, of IPv4 as ::ffff:0:0/96 has them. */
static void put_network(struct ask *a, const char *column, const struct filter_cidr *cidr)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int bits = cidr->bits + (cidr->family == FAMILY_IPV4 ? 96 : 0);
	uint8_t first[16] = {[10] = 0xff, [11] = 0xff}, last[16];
	char text[2][33] = {"", ""};

	if (cidr->family == FAMILY_IPV4)
		memcpy(first + 12, cidr->addr, 4);
	else
		memcpy(first, cidr->addr, 16);
	for (unsigned int i = 0; i < 16; i++) {
		uint8_t free_bits = bits >= 8 * (i + 1) ? 0
				    : bits <= 8 * i	? 0xff
							: (uint8_t)(0xff >> (bits - 8 * i));

		first[i] &= (uint8_t)~free_bits;
		last[i] = first[i] | free_bits;
		text[0][2 * i] = digits[first[i] >> 4];
		text[0][2 * i + 1] = digits[first[i] & 15];
		text[1][2 * i] = digits[last[i] >> 4];
		text[1][2 * i + 1] = digits[last[i] & 15];
	}
	put(a, "%s BETWEEN toIPv6(IPv6NumToString(toFixedString(unhex(", column);
	put_value(a, "String", text[0]);
	put(a, "), 16))) AND toIPv6(IPv6NumToString(toFixedString(unhex(");
	put_value(a, "String", text[1]);
	put(a, "), 16)))");
}

/* An address that a program had changed, `asked`, is looked at by the filter. */
static void put_addresses(struct ask *a, const struct filter *f)
{
	if (!f->cidr_count || f->cidr_count > RANGES_MAX)
		return;
	put(a, " AND (asked != ''");
	for (size_t i = 0; i < f->cidr_count; i++) {
		put(a, " OR ");
		put_network(a, "peer", &f->cidr[i]);
		put(a, " OR ");
		put_network(a, "local", &f->cidr[i]);
	}
	/* A socket bound to the wildcard of IPv6 with an address of IPv4 at its end. */
	put(a, " OR bitAnd(facts, 1024) != 0)");
}

static void put_process(struct ask *a, const struct filter *f)
{
	if (is_given(&f->pids) && !f->children) {
		put(a, " AND (");
		put_ranges(a, "pid", &f->pids);
		put(a, ")");
	}
	if (f->has_uid) {
		put(a, " AND uid = ");
		put_number(a, f->uid);
	}
	if (f->comm) {
		char name[PROCESS_NAME_SIZE];

		snprintf(name, sizeof(name), "%s", f->comm);
		put(a, " AND (startsWith(comm, ");
		put_value(a, "String", name);
		put(a, ") OR position(exe, ");
		put_value(a, "String", f->comm);
		put(a, ") > 0)");
	}
	if (f->unit) {
		put(a, " AND startsWith(unit, ");
		put_value(a, "String", f->unit);
		put(a, ")");
	}
	if (f->cgroup) {
		put(a, " AND startsWith(cgroup, ");
		put_value(a, "String", f->cgroup);
		put(a, ")");
	}
	if (f->container) {
		put(a, " AND (startsWith(container, ");
		put_value(a, "String", f->container);
		put(a, ") OR container_name = ");
		put_value(a, "String", f->container);
		put(a, ")");
	}
}

static void put_sockets(struct ask *a, enum copy_table table)
{
	const struct filter *f = a->query->query->filter;

	if (is_given(&f->ports)) {
		put(a, " AND (");
		put_ranges(a, "local_port", &f->ports);
		put(a, " OR ");
		put_ranges(a, "peer_port", &f->ports);
		put(a, " OR asked != '')");
	}
	if (is_given(&f->local_ports)) {
		put(a, " AND (");
		put_ranges(a, "local_port", &f->local_ports);
		put(a, ")");
	}
	if (is_given(&f->peer_ports)) {
		put(a, " AND (asked != '' OR ");
		put_ranges(a, "peer_port", &f->peer_ports);
		put(a, ")");
	}
	put_addresses(a, f);
	if (f->has_netns) {
		put(a, " AND netns = ");
		put_number(a, f->netns);
	}
	if (f->reasons && table == COPY_LIFE) {
		put(a, " AND bitAnd(");
		put_number(a, f->reasons);
		put(a, ", bitShiftLeft(toUInt64(1), bitAnd(bitShiftRight(facts, 18), 15))) != 0");
	}
	put_process(a, f);
}

/* What tells a row's time, and by which a portion is cut. */
static const char *time_of(enum copy_table table)
{
	return table == COPY_LIFE ? "closed" : "at";
}

#define OPENED NANO "toUnixTimestamp64Nano(closed) - toInt64(lived), 'UTC')"
/* What goes on stands where it began, what a recorder that has ended left open where that was last alive: as in a store. */
#define OPEN_TIME "if(goes_on, " OPENED ", run_alive)"

static void put_host(struct ask *a)
{
	if (!a->query->host)
		return;
	put(a, " AND host = ");
	put_value(a, "String", a->query->host);
}

/* Rows of the span that was asked for: more than its own, never less. */
static void put_where(struct ask *a, enum copy_table table)
{
	const struct store_query *q = a->query->query;

	put(a, " WHERE 1");
	put_host(a);
	if (table == COPY_OPEN)
		put(a, " AND gone = 0");
	if (q->from_ns && table != COPY_OPEN) {
		put(a, " AND %s >= ", time_of(table));
		put_time(a, q->from_ns);
	}
	if (q->to_ns < INT64_MAX) {
		put(a, " AND %s <= ",
		    table == COPY_LIFE || table == COPY_OPEN ? OPENED : time_of(table));
		put_time(a, q->to_ns);
	}
	if (table == COPY_LIFE || table == COPY_CALL || table == COPY_OPEN)
		put_sockets(a, table);
}

/* GLOBAL: in a cluster, the runs of all its servers. */
static void put_table(struct ask *a, enum copy_table table, uint64_t alive_ns)
{
	const char *database = a->options->from.database, *prefix = a->options->prefix;

	put(a, " FROM %s.%s%s FINAL", database, prefix, copy_name(table));
	if (table != COPY_OPEN)
		return;
	put(a, " GLOBAL INNER JOIN (SELECT store AS run_store, host AS run_host, id AS run_id, "
	       "alive AS run_alive, "
	       "stopped = " NANO
	       "0, 'UTC') AND id = max(id) OVER (PARTITION BY store, host) AND alive >= ");
	put_time(a, alive_ns);
	put(a,
	    " AS goes_on FROM %s.%srun FINAL) AS r ON run_store = store AND run_host = host AND "
	    "run_id = run",
	    database, prefix);
}

static void put_span(struct ask *a, const char *column, const struct span *span)
{
	put(a, " AND %s >= ", column);
	put_time(a, span->first_ns);
	put(a, " AND %s < ", column);
	put_time(a, span->end_ns);
}

static void put_times(struct ask *a, enum copy_table table, const struct span *span)
{
	put(a, "SELECT %s AS t", time_of(table));
	put_table(a, table, 0);
	put_where(a, table);
	if (span)
		put_span(a, time_of(table), span);
}

void ask_counts(struct ask *a, bool ended, bool open, uint64_t alive_ns, const struct span *span)
{
	put(a, "SELECT toUnixTimestamp(toStartOf%s(t)) AS step, count() FROM (",
	    span ? "Second" : "Minute");
	if (ended)
		put_times(a, COPY_LIFE, span);
	if (ended && !a->query->query->lives_only) {
		put(a, " UNION ALL ");
		put_times(a, COPY_CALL, span);
		put(a, " UNION ALL ");
		put_times(a, COPY_LOSS, span);
	}
	if (open) {
		put(a, "%sSELECT " OPEN_TIME " AS t", ended ? " UNION ALL " : "");
		put_table(a, COPY_OPEN, alive_ns);
		put_where(a, COPY_OPEN);
		if (span)
			put_span(a, OPEN_TIME, span);
	}
	put(a, ") GROUP BY step ORDER BY step FORMAT TabSeparated");
}

static void put_columns(struct ask *a, enum copy_table table, uint64_t alive_ns)
{
	size_t count;
	const struct copy_column *columns = copy_columns(table, &count);

	put(a, "SELECT hex(host), hex(store)");
	for (size_t i = 0; i < count; i++) {
		const char *name = columns[i].name;
		bool is_hidden = a->options->no_args && !strcmp(name, "args");

		switch (columns[i].kind) {
		case COPY_NUMBER: put(a, ", %s", name); break;
		case COPY_TIME: put(a, ", toUnixTimestamp64Nano(%s)", name); break;
		case COPY_TEXT:
		case COPY_BYTES: put(a, is_hidden ? ", ''" : ", %s", name); break;
		case COPY_ADDRESS: put(a, ", hex(%s)", name); break;
		}
	}
	put_table(a, table, alive_ns);
}

void ask_rows(struct ask *a, enum copy_table table, uint64_t alive_ns, const struct span *span)
{
	put_columns(a, table, alive_ns);
	if (table == COPY_HOLDER) {
		put(a, " WHERE 1");
		put_host(a);
	} else {
		put_where(a, table);
	}
	put_span(a, table == COPY_OPEN ? OPEN_TIME : time_of(table), span);
	put(a, " ORDER BY hex(host), hex(store), %s FORMAT TabSeparated",
	    table == COPY_HOLDER ? "call, place" : "id");
}

void ask_runs(struct ask *a)
{
	put_columns(a, COPY_RUN, 0);
	put(a, " WHERE 1");
	put_host(a);
	put(a, " ORDER BY hex(host), hex(store), id FORMAT TabSeparated");
}

char *ask_target(struct ask *a)
{
	if (a->failed || fflush(a->sql) != 0)
		return NULL;
	for (size_t i = 0; i < a->count; i++) {
		if (!a->parameter[i])
			return NULL;
	}
	return ship_http_target("/", (const char *const *)a->parameter);
}
