// SPDX-License-Identifier: GPL-2.0-only
/*
 * schema_views.c - views with the names, columns and words of those of src/store/schema.c, and at their end host, machine_id, store and
 * received_at.  tests/fleet/test_schema.py compares the two, row by row.
 *
 * The columns of a base table stand behind "l.", because a name that a view gives would hide them.
 */
#include <ctype.h>
#include <string.h>

#include "schema.h"

/* clang-format off */
#define FACTS(shift, mask) "bitAnd(bitShiftRight(l.facts, " #shift "), " #mask ")"

#define PROTO \
	"multiIf(bitAnd(l.facts, 511) = 6, 'tcp', bitAnd(l.facts, 511) = 17, 'udp', bitAnd(l.facts, 511) = 262, 'mptcp', " \
	"bitAnd(l.facts, 511) = 132, 'sctp', toString(bitAnd(l.facts, 511))) AS proto",
#define FAMILY "if(bitAnd(l.facts, 512) != 0, 'ipv6', 'ipv4') AS family",
#define PROCESS \
	"$pid AS pid", "$tid AS tid", "$comm AS comm", "$uid AS uid", "$cgroup AS cgroup", "$container AS container", \
	"$container_name AS container_name", "$pod AS pod", "$unit AS unit", "$exe AS exe", "$args AS args",
#define SOCKET \
	PROTO FAMILY "$netns AS netns", "$cookie AS cookie", "@local AS local_addr", "$local_port AS local_port", \
	"@peer AS peer_addr", "$peer_port AS peer_port", PROCESS
/* Kept as in the packets: the port, then the address. */
#define ASKED \
	"if(l.asked = '', NULL, if(bitAnd(l.facts, 512) != 0, " \
	"substring(replaceRegexpAll(lower(hex(substring(l.asked, 3, 16))), '....', ':\\\\0'), 2), " \
	"arrayStringConcat(arrayMap(i -> toString(reinterpretAsUInt8(substring(l.asked, i, 1))), [3, 4, 5, 6]), '.'))) AS asked_addr", \
	"if(l.asked = '', NULL, reinterpretAsUInt16(reverse(substring(l.asked, 1, 2)))) AS asked_port",
#define BEFORE_CLOSED(ns) "fromUnixTimestamp64Nano(toUnixTimestamp64Nano(l.closed) - toInt64(" ns "), 'UTC')"
#define OPENED "if(" FACTS(15, 1) " != 0, " BEFORE_CLOSED("l.lived") ", NULL) AS opened",
#define STATE(x) \
	"transform(" x ", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], ['ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'FIN_WAIT1', 'FIN_WAIT2', " \
	"'TIME_WAIT', 'CLOSE', 'CLOSE_WAIT', 'LAST_ACK', 'LISTEN', 'CLOSING'], '')"
#define SENDER(t) t "host AS host", t "machine_id AS machine_id", t "store AS store", t "received_at AS received_at",

static const char *const lives[] = {
	"$id AS id", SOCKET OPENED
	"if(" FACTS(16, 3) " = 0, l.closed, NULL) AS closed", "l.closed AS last_seen",
	"if(" FACTS(15, 1) " != 0 AND " FACTS(16, 3) " = 0, l.lived, NULL) AS duration_ns",
	"$sent AS sent_bytes", "$received AS received_bytes", "$retransmits AS retransmits", "$rtt AS rtt_us",
	"transform(" FACTS(18, 15) ", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], ['local-close', 'peer-close', 'local-reset', 'peer-reset', "
	"'refused', 'timeout', 'unreachable', 'port-exhausted', 'aborted', 'abandoned', 'keepalive', 'user-timeout'], 'unknown') AS reason",
	"nullIf(transform(" FACTS(32, 7) ", [1, 2, 3, 4, 5, 6], ['linger', 'unread', 'late-data', 'linger2', 'disconnect', 'killed'], ''), '') "
	"AS how",
	"$syns AS syns", "$heard AS last_heard_ns", "$unacked AS unacked_bytes", "$error AS errno",
	"if(" FACTS(35, 1) " = 0, " FACTS(14, 1) ", NULL) AS time_wait", "$states AS states", ASKED SENDER("l.") NULL};

static const char *const open_lives[] = {
	"$id AS id", SOCKET OPENED BEFORE_CLOSED("l.lived") " AS seen_since", ASKED SENDER("l.") NULL};

static const char *const calls[] = {
	"$id AS id", "l.at AS time",
	"transform(l.kind, [0, 1, 3, 7], ['bind', 'listen', 'accept', 'overflow'], 'connect') AS call", SOCKET "$error AS errno",
	"if(bitAnd(l.trouble, 4) != 0, $more, NULL) AS repeated", "if(l.kind = 7, $number, NULL) AS dropped", ASKED SENDER("l.") NULL};

static const char *const holders[] = {
	"$call AS call", "$place AS place", "$pid AS pid", "$comm AS comm", "$uid AS uid", "$container AS container",
	"@local AS local_addr", "$local_port AS local_port", "@peer AS peer_addr", "$peer_port AS peer_port",
	"nullIf(" STATE("l.state") ", '') AS state", "$since AS since", SENDER("l.") NULL};

static const char *const losses[] = {"$id AS id", "l.at AS time", "l.since AS since", "$count AS count", "$what AS what", SENDER("l.") NULL};

static const char *const budgets[] = {
	"$id AS id", "l.at AS time", PROTO FAMILY "$netns AS netns", "@local AS local_addr", "@peer AS peer_addr",
	"$peer_port AS peer_port", "$low AS low", "$high AS high", "$reserved AS reserved", "$usable AS usable", "$used AS used",
	"toInt64(l.usable) - toInt64(l.used) - toInt64(l.available) - toInt64(l.uncertain) AS bound",
	"$time_wait AS time_wait", "$available AS available", "$uncertain AS uncertain", "$drain AS drain_ms", "$held AS held",
	PROCESS SENDER("l.") NULL};

static const char *const runs[] = {
	"$id AS id", "$boot AS boot", "$version AS version", "l.started AS started", "l.alive AS last_alive", "$stopped AS stopped",
	SENDER("l.") NULL};

/* `states` is a byte (state << 4 | n), then n bytes of nanoseconds, highest first, and so on. */
static const char *const life_states[] = {
	"l.id AS life", "s.1 AS place", "nullIf(" STATE("s.2") ", '') AS state", "s.3 AS ns", SENDER("l.") NULL};
#define STEPS \
	"arrayFold((a, b) -> if(a.1 = 0, (toUInt8(bitAnd(b, 15)), bitShiftRight(b, 4), toUInt64(0), " \
	"if(bitAnd(b, 15) = 0, arrayPushBack(a.4, (toUInt64(length(a.4) + 1), bitShiftRight(b, 4), toUInt64(0))), a.4)), " \
	"(toUInt8(a.1 - 1), a.2, a.3 * 256 + b, if(a.1 = 1, arrayPushBack(a.4, (toUInt64(length(a.4) + 1), a.2, a.3 * 256 + b)), a.4))), " \
	"arrayMap(i -> reinterpretAsUInt8(substring(l.states, i, 1)), range(1, length(l.states) + 1)), " \
	"(toUInt8(0), toUInt8(0), toUInt64(0), CAST([], 'Array(Tuple(UInt64, UInt8, UInt64))'))).4"
/* clang-format on */

static const struct {
	const char *name;
	enum copy_table table;
	const char *const *columns;
	const char *rest; /* behind FROM and the table */
} views[] = {
	{"lives", COPY_LIFE, lives, ""},
	{"open_lives", COPY_OPEN, open_lives, "\nWHERE l.gone = 0"},
	{"calls", COPY_CALL, calls, ""},
	{"holders", COPY_HOLDER, holders, ""},
	{"losses", COPY_LOSS, losses, ""},
	{"budgets", COPY_BUDGET, budgets, ""},
	{"runs", COPY_RUN, runs, ""},
	{"life_states", COPY_LIFE, life_states, "\nARRAY JOIN " STEPS " AS s"},
};

/* A column of the copy that is called `name`, in place *ret. */
static bool find_column(enum copy_table table, const char *name, size_t len, size_t *ret)
{
	size_t count;
	const struct copy_column *columns = copy_columns(table, &count);

	for (size_t i = 0; i < count; i++) {
		if (strlen(columns[i].name) == len && !strncmp(columns[i].name, name, len)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* Where it is not known: 0 and empty on the wire, NULL here. */
static void put_known(FILE *out, enum copy_table table, const char *row, const char *name,
		      size_t len)
{
	size_t at = 0;

	find_column(table, name, len, &at);
	fprintf(out, "if(bitTest(%shas, %zu), %s%.*s, NULL)", row, at, row, (int)len, name);
}

static void put_address(FILE *out, enum copy_table table, const char *row, const char *name,
			size_t len)
{
	size_t at = 0;

	find_column(table, name, len, &at);
	fprintf(out,
		"if(bitTest(%shas, %zu), if(bitAnd(%sfacts, 512) = 0, substring(toString(%s%.*s), "
		"8), "
		"substring(replaceRegexpAll(lower(hex(%s%.*s)), '....', ':\\\\0'), 2)), NULL)",
		row, at, row, row, (int)len, name, row, (int)len, name);
}

void schema_put_expression(FILE *out, enum copy_table table, const char *row, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "$@"), name = 0;

		fprintf(out, "%.*s", (int)len, text);
		text += len;
		if (!*text)
			return;
		while (islower((unsigned char)text[1 + name]) || text[1 + name] == '_')
			name++;
		if (*text == '@')
			put_address(out, table, row, text + 1, name);
		else
			put_known(out, table, row, text + 1, name);
		text += 1 + name;
	}
}

static void put_head(FILE *out, const struct ship_schema *s, const char *name)
{
	fprintf(out, "\nCREATE OR REPLACE VIEW %s.%s%s", s->database, schema_prefix(s), name);
	schema_put_cluster(out, s);
	fprintf(out, " AS\nSELECT\n    ");
}

void schema_put_views(FILE *out, const struct ship_schema *s)
{
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		put_head(out, s, views[i].name);
		for (size_t c = 0; views[i].columns[c]; c++) {
			fprintf(out, "%s", c ? ",\n    " : "");
			schema_put_expression(out, views[i].table, "l.", views[i].columns[c]);
		}
		/* No SETTINGS: a user who may only read might not be allowed to set any. */
		fprintf(out, "\nFROM %s.%s%s AS l FINAL%s;\n", s->database, schema_prefix(s),
			copy_name(views[i].table), views[i].rest);
	}
	put_head(out, s, "minutes");
	fprintf(out,
		"toStartOfMinute(last_seen) AS minute, host, comm, container, peer_addr, "
		"peer_port, reason,\n"
		"    count() AS lives, sum(sent_bytes) AS sent_bytes, sum(received_bytes) AS "
		"received_bytes, sum(retransmits) AS retransmits\n"
		"FROM %s.%slives\nGROUP BY minute, host, comm, container, peer_addr, peer_port, "
		"reason;\n",
		s->database, schema_prefix(s));
}
