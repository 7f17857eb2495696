// SPDX-License-Identifier: GPL-2.0-only
/*
 * named.c - values are appended to the output as they come, each with its place; at the end the line is written behind them, and
 * moved to where they began.  So what an event takes can be bounded while it is walked over (walk.c).
 */
#include "named.h"

#include <stdlib.h>
#include <string.h>

/* Bytes that a line takes beside its values, and those of values that stand in it twice. */
#define MORE 4096

struct named_writer {
	struct writer base;
	const struct named_table *table;
	struct writer *json; /* spells what has no name, and what is inside of that */
	bool asked[NAMES];   /* by a row */
	char *host[3];	     /* name, machine, kernel in JSON; NULL unknown */

	struct named_value value[NAMES];
	struct named_value rest[FIELDS];
	size_t rest_count, start, opened_at;
	unsigned int depth;
	bool mapped, failed, unknown;
	const char *event, *family;
};

/* Fields that are values as they are. */
static const enum named values[FIELDS] = {
	[FIELD_TIME] = NAMED_TIME,
	[FIELD_EVENT] = NAMED_ACTION,
	[FIELD_PROTO] = NAMED_PROTO,
	[FIELD_FAMILY] = NAMED_NETWORK,
	[FIELD_LOCAL] = NAMED_LOCAL,
	[FIELD_PEER] = NAMED_PEER,
	[FIELD_PROCESS] = NAMED_PID,
	[FIELD_ERROR] = NAMED_ERROR,
	[FIELD_SINCE] = NAMED_START,
	[FIELD_OPENED] = NAMED_START,
	[FIELD_DURATION_NS] = NAMED_DURATION,
	[FIELD_REASON] = NAMED_REASON,
	[FIELD_SENT_BYTES] = NAMED_SENT,
	[FIELD_RECEIVED_BYTES] = NAMED_RECEIVED,
	[FIELD_STATE] = NAMED_STATE,
	[FIELD_TO] = NAMED_STATE,
	[FIELD_HOST] = NAMED_HOST,
};

#define NAME_OF(id, name) [FIELD_##id] = name,
static const char *const names[FIELDS] = {WALK_FIELDS(NAME_OF)};

static struct named_writer *self(struct writer *w)
{
	return (struct named_writer *)w;
}

static void append(struct buffer *out, const char *text)
{
	buffer_append(out, text, strlen(text));
}

/* A value of a row; else a field of the rest, or inside of one. */
static bool is_value(const struct named_writer *n, enum field field)
{
	return n->depth == 0 && n->asked[values[field]];
}

/* Where it begins.  JSON spells it with FIELD_NONE where that has no name of its own there. */
static size_t begin_field(struct named_writer *n, enum field field, bool value)
{
	struct buffer *out = n->base.out;
	size_t at = out->len;

	n->json->out = out;
	if (n->depth == 0 && !value) {
		append(out, "\"");
		append(out, n->table->prefix);
		append(out, names[field]);
		append(out, "\":");
	}
	return at;
}

static enum field inner(const struct named_writer *n, enum field field)
{
	return n->depth ? field : FIELD_NONE;
}

/* The comma behind it stays where it is of the rest. */
static void end_field(struct named_writer *n, enum field field, bool value, size_t at)
{
	struct buffer *out = n->base.out;
	struct named_value *last = &n->rest[n->rest_count ? n->rest_count - 1 : 0];

	if (n->depth || out->failed)
		return;
	if (value) {
		out->len--;
		named_keep(out, &n->value[values[field]], at);
	} else if (n->rest_count && last->at + last->len == at) {
		last->len = out->len - last->at;
	} else if (n->rest_count < FIELDS) {
		n->rest[n->rest_count++] = (struct named_value){NULL, at, out->len - at};
	}
}

static void named_begin(struct writer *w)
{
	struct named_writer *n = self(w);

	memset(n->value, 0, sizeof(n->value));
	n->start = w->out->len;
	n->rest_count = 0;
	n->depth = 0;
	n->mapped = n->failed = n->unknown = false;
	n->event = n->family = "";
	n->json->server = SERVER_UNKNOWN;
}

static void named_time(struct writer *w, enum field field, uint64_t realtime_ns)
{
	struct named_writer *n = self(w);
	bool value = is_value(n, field) || (field == FIELD_TIME && n->depth == 0);
	size_t at = begin_field(n, field, value);

	n->json->spelling->time(n->json, inner(n, field), realtime_ns);
	end_field(n, field, value, at);
	if (field != FIELD_TIME || n->depth)
		return;
	at = w->out->len;
	n->json->spelling->number(n->json, FIELD_NONE, realtime_ns);
	if (w->out->failed)
		return;
	w->out->len--;
	named_keep(w->out, &n->value[NAMED_TIME_NS], at);
}

/* What becomes of the event is told by words. */
static void note(struct named_writer *n, enum field field, const char *word)
{
	int reason;

	if (n->depth)
		return;
	if (field == FIELD_EVENT)
		n->event = word;
	else if (field == FIELD_FAMILY)
		n->family = word;
	else if (field == FIELD_ERROR)
		n->failed = true;
	else if (field == FIELD_END)
		n->unknown = true;
	if (field != FIELD_REASON)
		return;
	reason = event_reason_parse(word, strlen(word));
	n->unknown |= reason == REASON_UNKNOWN;
	n->failed |= reason >= 0 && event_reason_is_failure((enum close_reason)reason);
}

static void named_word(struct writer *w, enum field field, const char *word)
{
	struct named_writer *n = self(w);
	bool state = field == FIELD_STATE || field == FIELD_FROM || field == FIELD_TO ||
		     field == FIELD_SUBSTATE;
	const char *spelt = state && n->table->state ? n->table->state(word) : word;
	bool value = (is_value(n, field) || (field == FIELD_FAMILY && n->depth == 0)) && spelt;
	size_t at;

	note(n, field, word);
	if (field == FIELD_FAMILY && n->depth == 0)
		return;
	at = begin_field(n, field, value);
	n->json->spelling->word(n->json, inner(n, field), spelt ? spelt : word);
	end_field(n, field, value, at);
}

static void named_text(struct writer *w, enum field field, const char *text, size_t len)
{
	struct named_writer *n = self(w);
	bool value = is_value(n, field);
	size_t at = begin_field(n, field, value);

	n->json->spelling->text(n->json, inner(n, field), text, len);
	end_field(n, field, value, at);
}

static void named_number(struct writer *w, enum field field, uint64_t number)
{
	struct named_writer *n = self(w);
	bool value = is_value(n, field);
	size_t at = begin_field(n, field, value);

	n->json->spelling->number(n->json, inner(n, field), number);
	end_field(n, field, value, at);
}

static void named_flag(struct writer *w, enum field field, bool flag)
{
	struct named_writer *n = self(w);
	size_t at = begin_field(n, field, false);

	if (field == FIELD_MAPPED && n->depth == 0)
		n->mapped = flag;
	n->json->spelling->flag(n->json, inner(n, field), flag);
	end_field(n, field, false, at);
}

/* What has a name and no value is not there; the rest says null as JSON does. */
static void named_absent(struct writer *w, enum field field)
{
	struct named_writer *n = self(w);
	size_t at;

	if (is_value(n, field))
		return;
	at = begin_field(n, field, false);
	n->json->spelling->absent(n->json, inner(n, field));
	end_field(n, field, false, at);
}

static void keep_end(struct named_writer *n, const struct place *place, struct named_value *address,
		     struct named_value *port, struct named_value *interface)
{
	struct buffer *out = n->base.out;
	char text[INET_ADDRESS_SIZE];
	size_t at = out->len;

	append(out, "\"");
	buffer_append(
		out, text,
		inet_format_address(text, place->family, place->mapped, place->endpoint->addr));
	append(out, "\"");
	named_keep(out, address, at);
	at = out->len;
	buffer_append(out, text, inet_format_number(text, place->endpoint->port));
	named_keep(out, port, at);
	if (!place->interface)
		return;
	at = out->len;
	n->json->spelling->text(n->json, FIELD_NONE, place->interface, strlen(place->interface));
	if (out->failed)
		return;
	out->len--;
	named_keep(out, interface, at);
}

static void named_place(struct writer *w, enum field field, const struct place *place)
{
	static const char *const v6only[] = {
		[TAKES_IPV6] = "true", [TAKES_BOTH] = "false", [TAKES_UNKNOWN] = "null"};
	struct named_writer *n = self(w);
	struct named_value *value = n->value;
	size_t at;

	n->json->out = w->out;
	if (n->depth == 0 && field == FIELD_LOCAL) {
		keep_end(n, place, &value[NAMED_LOCAL], &value[NAMED_LOCAL_PORT],
			 &value[NAMED_LOCAL_INTERFACE]);
		value[NAMED_V6ONLY].text = v6only[place->endpoint->takes];
	} else if (n->depth == 0 && field == FIELD_PEER) {
		keep_end(n, place, &value[NAMED_PEER], &value[NAMED_PEER_PORT],
			 &value[NAMED_PEER_INTERFACE]);
	} else {
		at = begin_field(n, field, false);
		n->json->spelling->place(n->json, inner(n, field), place);
		end_field(n, field, false, at);
	}
}

static void named_whose(struct writer *w, enum field field, const struct process *process,
			enum telling telling)
{
	struct named_writer *n = self(w);
	size_t at;

	if (is_value(n, field)) {
		named_process(w->out, n->value, process, telling, *w->options.wall_offset_ns);
		return;
	}
	at = begin_field(n, field, false);
	n->json->spelling->process(n->json, inner(n, field), process, telling);
	end_field(n, field, false, at);
}

static void named_open(struct writer *w, enum field field, enum nest nest)
{
	struct named_writer *n = self(w);
	size_t at = begin_field(n, field, false);

	if (n->depth == 0)
		n->opened_at = at;
	n->json->spelling->open(n->json, inner(n, field), nest);
	n->depth++;
}

static void named_close(struct writer *w, enum nest nest)
{
	struct named_writer *n = self(w);

	n->json->spelling->close(n->json, nest);
	n->depth--;
	end_field(n, FIELD_NONE, false, n->opened_at);
}

/* ---- what follows from the fields ---- */

static bool is_call(const char *event)
{
	return !strcmp(event, "bind") || !strcmp(event, "listen") || !strcmp(event, "connect") ||
	       !strcmp(event, "accept");
}

static void find_outcome(struct named_writer *n)
{
	struct named_value *value = n->value;
	bool ends = !strcmp(n->event, "close");
	bool warns = n->failed || !strcmp(n->event, "lost") || !strcmp(n->event, "overflow");

	if (is_call(n->event) || ends)
		value[NAMED_OUTCOME].text = n->failed	 ? "\"failure\""
					    : n->unknown ? "\"unknown\""
							 : "\"success\"";
	if (ends && !n->unknown)
		value[NAMED_END] = value[NAMED_TIME];
	value[NAMED_SEVERITY].text = warns ? "\"WARN\"" : "\"INFO\"";
	value[NAMED_SEVERITY_NUMBER].text = warns ? "13" : "9";
	for (const struct named_event *e = n->table->events; e && e->event; e++) {
		if (strcmp(e->event, n->event) != 0)
			continue;
		value[NAMED_KIND].text = e->kind;
		value[NAMED_CATEGORY].text = e->category;
		value[NAMED_TYPE].text = e->type;
	}
}

static void set_role(struct named_value *value, enum named role, const struct named_value end[3])
{
	for (int i = 0; i < 3; i++)
		value[role + i] = end[i];
}

static void find_roles(struct named_writer *n)
{
	struct named_value *value = n->value;
	const struct named_value local[] = {value[NAMED_LOCAL], value[NAMED_LOCAL_PORT],
					    value[NAMED_SENT]};
	const struct named_value peer[] = {value[NAMED_PEER], value[NAMED_PEER_PORT],
					   value[NAMED_RECEIVED]};
	bool server = n->base.server == SERVER_LOCAL;

	set_role(value, NAMED_FROM, server ? peer : local);
	set_role(value, NAMED_TO, server ? local : peer);
	if (n->base.server == SERVER_UNKNOWN)
		return;
	set_role(value, NAMED_CLIENT, server ? peer : local);
	set_role(value, NAMED_SERVER, server ? local : peer);
	if (value[NAMED_PEER].len)
		value[NAMED_DIRECTION].text = server ? "\"ingress\"" : "\"egress\"";
}

static void find_rest(struct named_writer *n)
{
	static const enum named of_host[] = {NAMED_HOST, NAMED_MACHINE, NAMED_KERNEL};
	struct named_value *value = n->value;
	size_t at = n->base.out->len;

	/* What an IPv6 socket sends to IPv4 addresses is IPv4. */
	if (!strcmp(n->family, "ipv4") || (n->mapped && !strcmp(n->family, "ipv6")))
		value[NAMED_NETWORK].text = "\"ipv4\"";
	else if (!strcmp(n->family, "ipv6"))
		value[NAMED_NETWORK].text = "\"ipv6\"";
	append(n->base.out, "\"sockwatch.");
	append(n->base.out, n->event);
	append(n->base.out, "\"");
	named_keep(n->base.out, &value[NAMED_EVENT_NAME], at);
	for (size_t i = 0; i < 3; i++)
		value[of_host[i]].text = value[of_host[i]].len ? NULL : n->host[i];
	if (n->host[0] || value[NAMED_HOST].len)
		value[NAMED_OS].text = "\"linux\"";
}

/* ---- the line ---- */

/* The objects that are open: "process.parent." */
struct way {
	const char *name;
	size_t len;
};

static void close_object(struct buffer *out)
{
	char *p = buffer_reserve(out, 2);

	if (!p)
		return;
	if (p[-1] == ',')
		p--;
	*p++ = '}';
	*p++ = ',';
	out->len = (size_t)(p - out->data);
}

static void key(struct buffer *out, const char *name, size_t len, const char *behind)
{
	buffer_append(out, "\"", 1);
	buffer_append(out, name, len);
	append(out, behind);
}

/* Closes what `name` is not in, opens what it is in, and writes its last part, where it has one. */
static void go_to(struct buffer *out, struct way *way, const char *name, char separator)
{
	size_t same = 0;
	const char *end;

	for (size_t i = 0; i < way->len && name[i] == way->name[i]; i++) {
		if (name[i] == separator)
			same = i + 1;
	}
	for (size_t i = same; i < way->len; i++) {
		if (way->name[i] == separator)
			close_object(out);
	}
	for (way->name = name, way->len = same; (end = strchr(name + way->len, separator));
	     way->len = (size_t)(end - name) + 1)
		key(out, name + way->len, (size_t)(end - name) - way->len, "\":{");
	if (name[way->len])
		key(out, name + way->len, strlen(name + way->len), "\":");
}

static void append_value(struct buffer *out, const struct named_value *value)
{
	char *p;

	if (value->text) {
		append(out, value->text);
		return;
	}
	p = buffer_reserve(out, value->len);
	if (!p)
		return;
	memcpy(p, out->data + value->at, value->len);
	out->len += value->len;
}

static void write_line(struct named_writer *n)
{
	const struct named_table *table = n->table;
	struct buffer *out = n->base.out;
	struct way way = {"", 0};

	append(out, "{");
	for (size_t i = 0; i < table->count; i++) {
		const struct named_row *row = &table->rows[i];
		const struct named_value own = {.text = row->constant};
		const struct named_value *value = row->constant ? &own : &n->value[row->value];

		if (!value->text && !value->len)
			continue;
		go_to(out, &way, row->name, table->separator);
		append(out, row->quoted ? "\"" : "");
		append_value(out, value);
		append(out, row->quoted ? "\"," : ",");
	}
	if (n->rest_count)
		go_to(out, &way, table->rest, table->separator);
	for (size_t i = 0; i < n->rest_count; i++)
		append_value(out, &n->rest[i]);
	go_to(out, &way, "", table->separator);
	close_object(out);
}

static void named_end(struct writer *w)
{
	struct named_writer *n = self(w);
	struct buffer *out = w->out;
	size_t line;

	find_outcome(n);
	find_roles(n);
	find_rest(n);
	line = out->len;
	write_line(n);
	if (out->failed)
		return;
	out->data[out->len - 1] = '\n';
	memmove(out->data + n->start, out->data + line, out->len - line);
	out->len -= line - n->start;
}

static void named_free(struct writer *w)
{
	struct named_writer *n = self(w);

	writer_free(n->json);
	for (size_t i = 0; i < 3; i++)
		free(n->host[i]);
}

static const struct spelling named_spelling = {
	.free = named_free,
	.begin = named_begin,
	.end = named_end,
	.time = named_time,
	.word = named_word,
	.text = named_text,
	.number = named_number,
	.flag = named_flag,
	.absent = named_absent,
	.place = named_place,
	.process = named_whose,
	.open = named_open,
	.close = named_close,
};

static char *quote(const char *text)
{
	size_t len = text ? strlen(text) : 0;
	char *quoted = text ? malloc(6 * len + 3) : NULL;

	if (!quoted)
		return NULL;
	quoted[0] = '"';
	len = json_escape(quoted + 1, text, len);
	memcpy(quoted + 1 + len, "\"", 2);
	return quoted;
}

static void ask(struct named_writer *n, const struct named_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		n->asked[table->rows[i].value] = true;
	n->asked[NAMED_CONSTANT] = false;
	n->asked[NAMED_ACTION] |= n->asked[NAMED_EVENT_NAME];
	n->asked[NAMED_SENT] |= n->asked[NAMED_FROM_BYTES];
	n->asked[NAMED_RECEIVED] |= n->asked[NAMED_FROM_BYTES];
}

/* False without memory. */
static bool know_host(struct named_writer *n, const struct writer_host *host)
{
	const char *(*machine)(const char *) = n->table->machine;

	n->host[0] = quote(host->name);
	n->host[1] = quote(machine ? machine(host->machine) : host->machine);
	n->host[2] = quote(host->kernel);
	return n->host[0] && n->host[1] && n->host[2];
}

struct writer *writer_named_new(const struct writer_options *options,
				const struct named_table *table)
{
	struct named_writer *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->base.spelling = &named_spelling;
	n->base.options = *options;
	n->base.options.host = NULL; /* lives no longer than this call */
	n->base.roles = true;
	n->base.more = MORE;
	n->table = table;
	ask(n, table);
	n->json = writer_json_new(options);
	if (!n->json || (options->host && !know_host(n, options->host))) {
		named_free(&n->base);
		free(n);
		return NULL;
	}
	return &n->base;
}
