// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "line.h"

static const char *const kind_name[LINE_KINDS] = {
	[LINE_BIND] = "bind",	  [LINE_LISTEN] = "listen",	[LINE_CONNECT] = "connect",
	[LINE_ACCEPT] = "accept", [LINE_STATE] = "state",	[LINE_CLOSE] = "close",
	[LINE_LOST] = "lost",	  [LINE_OVERFLOW] = "overflow",
};

static const char *const state_name[] = {
	"ESTABLISHED", "SYN_SENT",   "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
	"CLOSE",       "CLOSE_WAIT", "LAST_ACK", "LISTEN",    "CLOSING",
};

static const char *const reason_name[] = {
	"local-close", "peer-close",  "local-reset",  "peer-reset",	"refused",
	"timeout",     "unreachable", "aborted",      "port-exhausted", "unknown",
	"abandoned",   "keepalive",   "user-timeout",
};

/* The order in which the contract lists the keys every event shares. */
static const char *const common_key[] = {
	"time",	  "event", "proto", "family",  "netns", "netns_name",
	"cookie", "local", "peer",  "process", "error",
};

struct reader {
	struct json doc;
	struct line *line;
};

static int fail(struct line *line, const char *why)
{
	if (!line->why)
		line->why = why;
	return -1;
}

const char *line_kind_name(enum line_kind kind)
{
	return kind_name[kind];
}

static bool one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, list[i]) == 0)
			return true;
	}
	return false;
}

#define ONE_OF(word, list) one_of(word, list, sizeof(list) / sizeof((list)[0]))

/* Copies the string member `key`; 1 copied, 0 absent or null, -1 no string or too long. */
static int get_text(struct reader *r, const struct json_node *from, const char *key, char *out,
		    size_t size)
{
	const struct json_node *n = json_get(&r->doc, from, key);

	if (!n || n->type == JSON_NULL)
		return 0;
	if (n->type != JSON_STRING || strlen(n->text) >= size)
		return fail(r->line, "a key that must be a short string is not");
	strcpy(out, n->text);
	return 1;
}

/* Likewise for a whole number no greater than `max`. */
static int get_number(struct reader *r, const struct json_node *from, const char *key, uint64_t max,
		      uint64_t *ret)
{
	const struct json_node *n = json_get(&r->doc, from, key);

	if (!n || n->type == JSON_NULL)
		return 0;
	if (n->type == JSON_NUMBER && n->negative < 0)
		return fail(r->line, "a number is negative");
	if (n->type != JSON_NUMBER || !n->whole || n->number > max)
		return fail(r->line, "a key that must be a whole number in range is not");
	*ret = n->number;
	return 1;
}

static int get_state(struct reader *r, const struct json_node *from, const char *key, char *out,
		     size_t size)
{
	int got = get_text(r, from, key, out, size);

	if (got == 1 && !ONE_OF(out, state_name))
		return fail(r->line, "unknown state name");
	return got;
}

/* "2026-11-20T12:00:00.123456789Z", nothing shorter and nothing behind it. */
static int parse_time(const char *text, uint64_t *ret_ns)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddddddddZ";
	struct tm tm = {0};
	unsigned int ns;

	if (strlen(text) != sizeof(shape) - 1)
		return -1;
	for (size_t i = 0; i < sizeof(shape) - 1; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (shape[i] == 'd' ? !digit : text[i] != shape[i])
			return -1;
	}
	if (sscanf(text, "%d-%d-%dT%d:%d:%d.%9u", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		   &tm.tm_min, &tm.tm_sec, &ns) != 7)
		return -1;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*ret_ns = (uint64_t)timegm(&tm) * 1000000000ull + ns;
	return 0;
}

static int read_end(struct reader *r, const struct json_node *from, const char *key,
		    struct end *ret)
{
	const struct json_node *n = json_get(&r->doc, from, key);
	uint64_t port;

	if (!n)
		return 0;
	if (n->type != JSON_OBJECT)
		return fail(r->line, "an endpoint is no object");
	if (get_text(r, n, "addr", ret->addr, sizeof(ret->addr)) != 1 ||
	    get_number(r, n, "port", 65535, &port) != 1)
		return fail(r->line, "an endpoint lacks addr or port");
	if (get_text(r, n, "interface", ret->interface, sizeof(ret->interface)) < 0)
		return -1;
	ret->port = (unsigned int)port;
	ret->present = true;
	return 0;
}

static int read_who(struct reader *r, const struct json_node *from, const char *key,
		    struct who *ret)
{
	const struct json_node *n = json_get(&r->doc, from, key);
	uint64_t pid, tid, uid, ruid;

	if (!n)
		return 0;
	ret->present = true;
	if (n->type == JSON_NULL)
		return 0;
	if (n->type != JSON_OBJECT)
		return fail(r->line, "a process is neither object nor null");
	if (get_number(r, n, "pid", UINT32_MAX, &pid) != 1 ||
	    get_number(r, n, "tid", UINT32_MAX, &tid) != 1 ||
	    get_number(r, n, "uid", UINT32_MAX, &uid) != 1 ||
	    get_number(r, n, "ruid", UINT32_MAX, &ruid) != 1 ||
	    get_text(r, n, "name", ret->name, sizeof(ret->name)) != 1)
		return fail(r->line, "a process lacks pid, tid, uid, ruid or name");
	if (pid == 0 || tid == 0)
		return fail(r->line, "a process has pid 0");
	ret->pid = (uint32_t)pid;
	ret->tid = (uint32_t)tid;
	ret->uid = (uint32_t)uid;
	ret->ruid = (uint32_t)ruid;
	ret->known = true;
	return 0;
}

/* Keys of the contract's table may only occur in its order; others may stand anywhere. */
static int check_key_order(struct reader *r)
{
	const struct json_node *n;
	size_t at = 0, count = sizeof(common_key) / sizeof(common_key[0]);

	for (n = json_first(&r->doc, json_root(&r->doc)); n; n = json_next(&r->doc, n)) {
		size_t i = 0;

		while (i < count && strcmp(common_key[i], n->key) != 0)
			i++;
		if (i == count)
			continue;
		if (i < at)
			return fail(r->line, "the common keys are out of order");
		at = i;
	}
	return 0;
}

static int read_common(struct reader *r, const struct json_node *root)
{
	struct line *line = r->line;
	const struct json_node *mapped = json_get(&r->doc, root, "mapped");

	if (get_text(r, root, "proto", line->proto, sizeof(line->proto)) != 1 ||
	    get_text(r, root, "family", line->family, sizeof(line->family)) != 1 ||
	    get_number(r, root, "netns", UINT32_MAX, &line->netns) != 1 ||
	    get_number(r, root, "cookie", UINT64_MAX, &line->cookie) < 0)
		return fail(line, "proto, family or netns is missing");
	if (strcmp(line->family, "ipv4") != 0 && strcmp(line->family, "ipv6") != 0)
		return fail(line, "unknown family");
	if (mapped && mapped->type != JSON_BOOL)
		return fail(line, "mapped is no boolean");
	line->mapped = mapped && mapped->truth;
	if (line->mapped && line->family[3] != '6')
		return fail(line, "an IPv4 socket is mapped");
	if (read_end(r, root, "local", &line->local) < 0 ||
	    read_end(r, root, "peer", &line->peer) < 0 ||
	    read_end(r, root, "asked", &line->asked) < 0 ||
	    read_who(r, root, "process", &line->process) < 0 ||
	    read_who(r, root, "listener", &line->listener) < 0)
		return -1;
	if (!line->process.present)
		return fail(line, "process is missing; null is the word for unknown");
	if (get_text(r, root, "error", line->error, sizeof(line->error)) < 0)
		return -1;
	if (get_number(r, root, "repeated", INT64_MAX, &line->repeated) == 1 &&
	    (!line->repeated || !line->error[0] || !json_get(&r->doc, root, "since")))
		return fail(line, "repeated belongs to an error, with since");
	return 0;
}

static int read_state(struct reader *r, const struct json_node *root)
{
	struct line *line = r->line;
	const struct json_node *after = json_get(&r->doc, root, "after_ns");

	if (get_state(r, root, "from", line->from, sizeof(line->from)) != 1 ||
	    get_state(r, root, "to", line->to, sizeof(line->to)) != 1)
		return fail(line, "a state event lacks from or to");
	if (get_state(r, root, "substate", line->substate, sizeof(line->substate)) < 0)
		return -1;
	if (strcmp(line->from, line->to) == 0)
		return fail(line, "a state event changes nothing");
	if (get_number(r, root, "after_ns", INT64_MAX, &line->after_ns) < 0)
		return -1;
	line->has_after = after && after->type != JSON_NULL;
	return 0;
}

static int read_spans(struct reader *r, const struct json_node *root)
{
	const struct json_node *list = json_get(&r->doc, root, "states"), *n;
	struct line *line = r->line;

	if (!list)
		return 0;
	if (list->type != JSON_ARRAY)
		return fail(line, "states is no list");
	for (n = json_first(&r->doc, list); n; n = json_next(&r->doc, n)) {
		unsigned int i = line->span_count;

		if (i == LINE_MAX_SPANS)
			return fail(line, "too many states");
		if (get_state(r, n, "state", line->span[i].state, sizeof(line->span[i].state)) !=
			    1 ||
		    get_number(r, n, "ns", INT64_MAX, &line->span[i].ns) != 1)
			return fail(line, "an entry of states lacks state or ns");
		line->span_count++;
	}
	return 0;
}

static int read_end_of(struct reader *r, const struct json_node *root)
{
	const struct json_node *wait = json_get(&r->doc, root, "time_wait");
	struct line *line = r->line;
	int heard, unacked;

	line->time_wait = !wait ? 0 : wait->type == JSON_NULL ? -1 : wait->truth;
	if (wait && wait->type == JSON_BOOL && !wait->truth)
		return fail(line, "time_wait is true, null or absent");
	if (get_text(r, root, "how", line->how, sizeof(line->how)) < 0 ||
	    get_number(r, root, "syns", UINT16_MAX, &line->syns) < 0)
		return -1;
	heard = get_number(r, root, "last_heard_ns", INT64_MAX, &line->last_heard_ns);
	unacked = get_number(r, root, "unacked_bytes", UINT32_MAX, &line->unacked_bytes);
	if (heard != unacked)
		return fail(line, "last_heard_ns and unacked_bytes go together");
	line->has_silence = heard == 1;
	return 0;
}

static int read_close(struct reader *r, const struct json_node *root)
{
	struct line *line = r->line;
	char opened[40];
	int sent, received;
	uint64_t opened_ns;

	if (get_text(r, root, "reason", line->reason, sizeof(line->reason)) != 1 ||
	    !ONE_OF(line->reason, reason_name))
		return fail(line, "a close event lacks a known reason");
	line->has_opened = get_text(r, root, "opened", opened, sizeof(opened)) == 1;
	if (line->has_opened && parse_time(opened, &opened_ns) < 0)
		return fail(line, "opened is no RFC 3339 time with nine digits");
	line->has_duration = get_number(r, root, "duration_ns", INT64_MAX, &line->duration_ns) == 1;
	sent = get_number(r, root, "sent_bytes", INT64_MAX, &line->sent_bytes);
	received = get_number(r, root, "received_bytes", INT64_MAX, &line->received_bytes);
	line->has_counters = sent == 1 && received == 1;
	if (line->why || read_spans(r, root) < 0 || read_end_of(r, root) < 0)
		return -1;
	/* A socket found gone by a repair closed at an unknown moment. */
	if (line->has_opened != line->has_duration && strcmp(line->reason, "unknown") != 0)
		return fail(line, "opened and duration_ns go together");
	if (line->has_opened && opened_ns > line->time_ns)
		return fail(line, "opened after it closed");
	return 0;
}

static int read_holders(struct reader *r, const struct json_node *root)
{
	const struct json_node *list = json_get(&r->doc, root, "holders"), *n;
	struct line *line = r->line;

	if (!list)
		return 0;
	if (list->type != JSON_ARRAY)
		return fail(line, "holders is no list");
	for (n = json_first(&r->doc, list); n; n = json_next(&r->doc, n)) {
		if (line->holder_count++ > 0)
			continue;
		if (read_who(r, n, "process", &line->holder) < 0 ||
		    read_end(r, n, "local", &line->holder_local) < 0)
			return -1;
	}
	if (get_number(r, root, "holders_more", INT64_MAX, &line->holders_more) < 0)
		return -1;
	return 0;
}

static int read_range(struct reader *r, const struct json_node *root)
{
	const struct json_node *range = json_get(&r->doc, root, "range");
	struct line *line = r->line;

	if (!range)
		return 0;
	if (get_number(r, range, "low", 65535, &line->range_low) != 1 ||
	    get_number(r, range, "high", 65535, &line->range_high) != 1 ||
	    get_number(r, root, "used", 65536, &line->used) != 1)
		return fail(line, "range lacks low or high, or used is missing");
	line->has_range = true;
	return 0;
}

static int read_overflow(struct reader *r, const struct json_node *root)
{
	const struct json_node *queue = json_get(&r->doc, root, "queue");
	struct line *line = r->line;

	if (get_text(r, root, "phase", line->phase, sizeof(line->phase)) != 1 ||
	    get_number(r, root, "dropped", UINT32_MAX, &line->dropped) != 1 || !queue ||
	    get_number(r, queue, "receive", UINT32_MAX, &line->waiting) != 1 ||
	    get_number(r, queue, "backlog", UINT32_MAX, &line->backlog) != 1)
		return fail(line, "an overflow lacks phase, dropped or queue");
	return 0;
}

static int read_detail(struct reader *r, const struct json_node *root)
{
	struct line *line = r->line;
	const struct json_node *autobind = json_get(&r->doc, root, "autobind");
	int got;

	line->autobind = autobind ? autobind->truth : -1;
	switch (line->kind) {
	case LINE_STATE: return read_state(r, root);
	case LINE_CLOSE: return read_close(r, root);
	case LINE_BIND: return read_holders(r, root);
	case LINE_LISTEN:
		got = get_number(r, root, "backlog", UINT32_MAX, &line->backlog);
		line->has_backlog = got == 1;
		return got < 0 ? -1 : 0;
	case LINE_CONNECT:
		if (get_text(r, root, "missing", line->missing, sizeof(line->missing)) < 0)
			return -1;
		if (json_get(&r->doc, root, "holders"))
			return read_holders(r, root);
		return read_range(r, root);
	case LINE_OVERFLOW: return read_overflow(r, root);
	case LINE_ACCEPT:
	case LINE_LOST:
	case LINE_KINDS: break;
	}
	return 0;
}

static int read_lost(struct reader *r, const struct json_node *root)
{
	struct line *line = r->line;

	if (get_number(r, root, "count", UINT64_MAX, &line->lost_count) != 1)
		return fail(line, "lost lacks count");
	if (get_number(r, root, "sockets", UINT64_MAX, &line->lost_sockets) < 0 ||
	    get_number(r, root, "processes", UINT64_MAX, &line->lost_processes) < 0 ||
	    line->lost_sockets + line->lost_processes > line->lost_count)
		return fail(line, "lost counts parts that are more than all");
	return 0;
}

static int read_root(struct reader *r)
{
	const struct json_node *root = json_root(&r->doc);
	struct line *line = r->line;
	char text[40], event[16];
	int kind = 0;

	if (root->type != JSON_OBJECT)
		return fail(line, "the line is no object");
	if (get_text(r, root, "time", text, sizeof(text)) != 1 ||
	    parse_time(text, &line->time_ns) < 0)
		return fail(line, "time is no RFC 3339 time with nine digits and Z");
	if (get_text(r, root, "event", event, sizeof(event)) != 1)
		return fail(line, "event is missing");
	while (kind < LINE_KINDS && strcmp(event, kind_name[kind]) != 0)
		kind++;
	if (kind == LINE_KINDS)
		return fail(line, "unknown event");
	line->kind = kind;
	if (check_key_order(r) < 0)
		return -1;
	if (kind == LINE_LOST)
		return read_lost(r, root);
	return read_common(r, root) < 0 ? -1 : read_detail(r, root);
}

int line_parse(struct line *line, const char *text)
{
	static struct reader reader; /* too big for a stack; the agent reads in one thread */

	memset(line, 0, sizeof(*line));
	line->autobind = -1;
	line->text = strdup(text);
	reader.line = line;
	if (!line->text)
		return fail(line, "out of memory");
	if (json_parse(&reader.doc, text, strlen(text)) < 0)
		return fail(line, reader.doc.why);
	return read_root(&reader);
}

void line_done(struct line *line)
{
	free(line->text);
	line->text = NULL;
}
