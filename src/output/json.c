// SPDX-License-Identifier: GPL-2.0-only
#include "process_json.h"
#include "walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

/*
 * Every value is followed by a comma, which the end of its object or list, or of the line,
 * replaces: that is cheaper than asking before each field whether it is the first.
 */
#define SPELT	  128
#define SPELT_MAX 16384

struct spelt {
	uint64_t serial; /* of the process, 0 none */
	enum telling telling;
	int64_t wall_offset_ns;
	char *text;
	size_t len;
};

struct json_writer {
	struct writer base;
	struct units_clock_cache clock;
	bool begun; /* the first object has told the schema's number */
	struct spelt spelt[SPELT];
};

#define KEY_SIZE   24
#define NUMBER_MAX 20
/* The longest double with three decimals, and NUL. */
#define DECIMAL_SIZE 320

struct key {
	size_t len;
	char text[KEY_SIZE];
};

#define KEY(name)                                                                                  \
	{                                                                                          \
		sizeof("\"" name "\":") - 1, "\"" name "\":"                                       \
	}

#define KEY_OF(id, name) [FIELD_##id] = KEY(name),
static const struct key keys[FIELDS] = {WALK_FIELDS(KEY_OF)};

/* Writes the key and returns where its value goes: `room` bytes and a comma.  NULL without memory.
 */
static char *json_key(struct writer *w, enum field field, size_t room)
{
	char *p = buffer_reserve(w->out, KEY_SIZE + room + 1);

	if (!p)
		return NULL;
	memcpy(p, keys[field].text, KEY_SIZE);
	return p + keys[field].len;
}

static void json_done(struct writer *w, char *p)
{
	*p++ = ',';
	w->out->len = (size_t)(p - w->out->data);
}

static char *put(char *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

#define PUT(p, literal) put(p, literal, sizeof(literal) - 1)

static void json_raw(struct writer *w, enum field field, const char *text, size_t len)
{
	char *p = json_key(w, field, len);

	if (p)
		json_done(w, put(p, text, len));
}

static void json_begin(struct writer *w)
{
	buffer_append(w->out, "{", 1);
}

static void json_time(struct writer *w, enum field field, uint64_t realtime_ns)
{
	struct json_writer *j = (struct json_writer *)w;
	char *p = json_key(w, field, UNITS_RFC3339_SIZE + 2);

	if (!p)
		return;
	*p++ = '"';
	p += units_format_rfc3339(p, &j->clock, realtime_ns);
	*p++ = '"';
	json_done(w, p);
}

static void json_word(struct writer *w, enum field field, const char *word)
{
	size_t len = strlen(word);
	char *p = json_key(w, field, len + 2);

	if (!p)
		return;
	*p++ = '"';
	p = put(p, word, len);
	*p++ = '"';
	json_done(w, p);
}

static void json_text(struct writer *w, enum field field, const char *text, size_t len)
{
	char *p = json_key(w, field, 6 * len + 2);

	if (!p)
		return;
	*p++ = '"';
	p += json_escape(p, text, len);
	*p++ = '"';
	json_done(w, p);
}

static void json_number(struct writer *w, enum field field, uint64_t value)
{
	char *p = json_key(w, field, NUMBER_MAX);

	if (p)
		json_done(w, p + inet_format_number(p, value));
}

static void json_end(struct writer *w)
{
	struct json_writer *j = (struct json_writer *)w;
	char *p;

	if (!j->begun)
		json_number(w, FIELD_SCHEMA, WRITER_SCHEMA);
	j->begun = true;
	p = buffer_reserve(w->out, 1);
	if (!p)
		return;
	p[-1] = '}';
	p[0] = '\n';
	w->out->len++;
}

static void json_open(struct writer *w, enum field field, enum nest nest)
{
	char *p = json_key(w, field, 1);

	if (!p)
		return;
	*p++ = nest == NEST_LIST ? '[' : '{';
	w->out->len = (size_t)(p - w->out->data);
}

static void json_close(struct writer *w, enum nest nest)
{
	char *p = buffer_reserve(w->out, 2);

	if (!p)
		return;
	if (p[-1] == ',')
		p--;
	*p++ = nest == NEST_LIST ? ']' : '}';
	json_done(w, p);
}

static void json_decimal(struct writer *w, enum field field, double value)
{
	char text[DECIMAL_SIZE];

	json_raw(w, field, text, (size_t)snprintf(text, sizeof(text), "%.3f", value));
}

static void json_states(struct writer *w, enum field field, const uint64_t count[STATES])
{
	json_open(w, field, NEST_OBJECT);
	for (int i = 1; i < STATES; i++) {
		if (count[i])
			buffer_print(w->out, "\"%s\":%llu,", inet_state_name((enum tcp_state)i),
				     (unsigned long long)count[i]);
	}
	json_close(w, NEST_OBJECT);
}

static void json_flag(struct writer *w, enum field field, bool value)
{
	if (value)
		json_raw(w, field, "true", 4);
	else
		json_raw(w, field, "false", 5);
}

static void json_absent(struct writer *w, enum field field)
{
	json_raw(w, field, "null", 4);
}

static char *put_takes(char *p, enum takes takes)
{
	switch (takes) {
	case TAKES_NONE: return p;
	case TAKES_IPV6: return PUT(p, ",\"v6only\":true");
	case TAKES_BOTH: return PUT(p, ",\"v6only\":false");
	case TAKES_UNKNOWN: break;
	}
	return PUT(p, ",\"v6only\":null");
}

static void json_place(struct writer *w, enum field field, const struct place *place)
{
	size_t interface_len = place->interface ? strlen(place->interface) : 0;
	char *p = json_key(w, field, 80 + INET_ADDRESS_SIZE + 6 * interface_len);

	if (!p)
		return;
	p = PUT(p, "{\"addr\":\"");
	p += inet_format_address(p, place->family, place->mapped, place->endpoint->addr);
	*p++ = '"';
	if (!place->no_port) {
		p = PUT(p, ",\"port\":");
		p += inet_format_number(p, place->endpoint->port);
	}
	if (place->interface) {
		p = PUT(p, ",\"interface\":\"");
		p += json_escape(p, place->interface, interface_len);
		*p++ = '"';
	}
	p = put_takes(p, (enum takes)place->endpoint->takes);
	*p++ = '}';
	json_done(w, p);
}

/* The process as it was spelt before: what it ran is long, and one process has many events. */
static struct spelt *spelt_of(struct json_writer *j, const struct process *process,
			      enum telling telling)
{
	return &j->spelt[(2 * process->serial + telling) % SPELT];
}

static bool is_spelt(const struct json_writer *j, const struct spelt *s,
		     const struct process *process, enum telling telling)
{
	return process->serial && s->serial == process->serial && s->telling == telling &&
	       s->wall_offset_ns == *j->base.options.wall_offset_ns;
}

static void keep_spelt(struct json_writer *j, struct spelt *s, const struct process *process,
		       enum telling telling, const char *text, size_t len)
{
	char *copy = process->serial && len <= SPELT_MAX ? realloc(s->text, len) : NULL;

	if (!copy)
		return;
	memcpy(copy, text, len);
	*s = (struct spelt){process->serial, telling, *j->base.options.wall_offset_ns, copy, len};
}

static void json_process(struct writer *w, enum field field, const struct process *process,
			 enum telling telling)
{
	struct json_writer *j = (struct json_writer *)w;
	struct spelt *spelt = spelt_of(j, process, telling);
	size_t start;

	if (is_spelt(j, spelt, process, telling)) {
		json_raw(w, field, spelt->text, spelt->len);
		return;
	}
	buffer_append(w->out, keys[field].text, keys[field].len);
	start = w->out->len;
	process_json(w->out, process, telling, *w->options.wall_offset_ns);
	if (w->out->failed)
		return;
	keep_spelt(j, spelt, process, telling, w->out->data + start, w->out->len - start);
	buffer_append(w->out, ",", 1);
}

static void json_free(struct writer *w)
{
	for (size_t i = 0; i < SPELT; i++)
		free(((struct json_writer *)w)->spelt[i].text);
}

static const struct spelling json_spelling = {
	.free = json_free,
	.begin = json_begin,
	.end = json_end,
	.time = json_time,
	.word = json_word,
	.text = json_text,
	.number = json_number,
	.decimal = json_decimal,
	.states = json_states,
	.flag = json_flag,
	.absent = json_absent,
	.place = json_place,
	.process = json_process,
	.open = json_open,
	.close = json_close,
};

struct writer *writer_json_new(const struct writer_options *options)
{
	struct json_writer *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->base.spelling = &json_spelling;
	j->base.options = *options;
	j->begun = options->goes_on;
	units_clock_init(&j->clock);
	return &j->base;
}
