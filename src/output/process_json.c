// SPDX-License-Identifier: GPL-2.0-only
#include "process_json.h"

#include <string.h>

#include "inet.h"
#include "units.h"
#include "utf8.h"

#define NUMBER_MAX 20
#define TICK_NS	   10000000u /* of the clock by which a start is known */

/*
 * Bytes that a value takes at most, as it is spelt: a line stays below 64 KiB with a whole process and with many short ones.
 * No argument or path of words and the usual marks comes near; one of control characters, six bytes each, is cut.
 */
#define ARGS_ROOM	16384
#define PATH_ROOM	4096
#define NAME_ROOM	256
#define SHORT_ARGS_ROOM 256
#define SHORT_PATH_ROOM 512
#define SHORT_ARGS_MAX	128 /* bytes as they are: enough to know it by */

static void put_raw(struct buffer *out, const char *text)
{
	buffer_append(out, text, strlen(text));
}

static void put_number(struct buffer *out, const char *key, uint64_t value)
{
	char digits[NUMBER_MAX];

	put_raw(out, key);
	buffer_append(out, digits, inet_format_number(digits, value));
}

/* How many of the bytes are spelt in `room`: whole characters. */
static size_t fitting(const char *text, size_t len, size_t room)
{
	size_t at = 0;

	while (at < len) {
		char one[24];
		uint32_t code;
		size_t n = utf8_decode(text + at, len - at, &code);
		size_t spelt = json_escape(one, text + at, n ? n : 1);

		if (spelt > room)
			break;
		room -= spelt;
		at += n ? n : 1;
	}
	return at;
}

/* As much of it as is spelt in `room` bytes; false where that is not all. */
static bool put_string(struct buffer *out, const char *key, const char *text, size_t len,
		       size_t room)
{
	size_t fits = 6 * len > room ? fitting(text, len, room) : len;
	char *p;

	put_raw(out, key);
	p = buffer_reserve(out, 6 * fits + 2);
	if (!p)
		return true;
	p[0] = '"';
	len -= fits;
	fits = json_escape(p + 1, text, fits);
	p[fits + 1] = '"';
	out->len += fits + 2;
	return len == 0;
}

/* A path or a name; what nobody gives one of such length is cut, too. */
static void put_text(struct buffer *out, const char *key, const char *text, size_t room)
{
	static const char mark[] = "…\"";

	if (!text) {
		put_raw(out, key);
		put_raw(out, "null");
	} else if (!put_string(out, key, text, strlen(text), room) && !out->failed) {
		out->len--;
		put_raw(out, mark);
	}
}

uint64_t process_start(uint64_t start_ns, int64_t wall_offset_ns)
{
	return (start_ns + (uint64_t)wall_offset_ns + TICK_NS / 2) / TICK_NS * TICK_NS;
}

/* Each is ended by NUL; the last one not where it was cut.  At most `max` bytes, spelt in `room`; true where that is not all. */
static bool put_args(struct buffer *out, const struct program *program, size_t max, size_t room)
{
	const char *args = program ? program->args : NULL;
	bool cut = args && (program->args_cut || program->args_len > max);
	size_t left = args ? program->args_len : 0, end;
	const char *comma = "";

	if (!args) {
		put_raw(out, "null");
		return false;
	}
	if (left > max)
		left = max;
	put_raw(out, "[");
	for (end = out->len + room; left > 0 && !out->failed; comma = ",") {
		size_t len = strnlen(args, left);

		if (out->len + 3 > end || !put_string(out, comma, args, len, end - out->len - 3)) {
			cut = true;
			break;
		}
		len += len < left;
		args += len;
		left -= len;
	}
	put_raw(out, "]");
	return cut;
}

bool process_json_args(struct buffer *out, const struct program *program, enum telling telling)
{
	if (telling == TELL_WHOLE)
		return put_args(out, program, PROCESS_ARGS_MAX, ARGS_ROOM);
	return put_args(out, program, SHORT_ARGS_MAX, SHORT_ARGS_ROOM);
}

static void put_args_key(struct buffer *out, const struct program *program, enum telling telling)
{
	put_raw(out, ",\"args\":");
	if (process_json_args(out, program, telling))
		put_raw(out, ",\"args_cut\":true");
}

void process_json_name(struct buffer *out, const char *name)
{
	put_text(out, "", name, NAME_ROOM);
}

void process_json_path(struct buffer *out, const char *path, enum telling telling)
{
	put_text(out, "", path, telling == TELL_WHOLE ? PATH_ROOM : SHORT_PATH_ROOM);
}

void process_json_start(struct buffer *out, uint64_t start_ns, int64_t wall_offset_ns)
{
	struct units_clock_cache clock;
	char time[UNITS_RFC3339_SIZE];

	if (!start_ns) {
		put_raw(out, "null");
		return;
	}
	units_clock_init(&clock);
	put_string(out, "", time,
		   units_format_rfc3339(time, &clock, process_start(start_ns, wall_offset_ns)),
		   sizeof(time));
}

static void put_start(struct buffer *out, uint64_t start_ns, int64_t wall_offset_ns)
{
	put_raw(out, ",\"start\":");
	process_json_start(out, start_ns, wall_offset_ns);
}

void process_json_parents(struct buffer *out, const struct process *p, int64_t wall_offset_ns)
{
	put_raw(out, "[");
	for (uint32_t i = 0; i < p->parent_count; i++) {
		const struct program *parent = p->parent[i];

		put_number(out, i ? ",{\"pid\":" : "{\"pid\":", parent->pid);
		put_start(out, parent->start_ns, wall_offset_ns);
		put_text(out, ",\"name\":", parent->name[0] ? parent->name : NULL, NAME_ROOM);
		put_args_key(out, parent, TELL_SHORT);
		put_raw(out, "}");
	}
	put_raw(out, "]");
}

void process_json(struct buffer *out, const struct process *p, enum telling telling,
		  int64_t wall_offset_ns)
{
	const struct program *program = p->program;
	const bool whole = telling == TELL_WHOLE;
	/* The model's root is "", people and ss write "/". */
	const char *cgroup = p->cgroup && !*p->cgroup ? "/" : p->cgroup;

	put_number(out, "{\"pid\":", p->pid);
	put_number(out, ",\"tid\":", p->tid);
	put_start(out, program ? program->start_ns : 0, wall_offset_ns);
	put_string(out, ",\"name\":", p->name, strnlen(p->name, sizeof(p->name)), NAME_ROOM);
	put_number(out, ",\"uid\":", p->uid);
	if (p->ruid == PROCESS_NO_UID)
		put_raw(out, ",\"ruid\":null");
	else
		put_number(out, ",\"ruid\":", p->ruid);
	if (whole)
		put_text(out, ",\"exe\":", program ? program->exe : NULL, PATH_ROOM);
	put_args_key(out, program, telling);
	if (whole && p->parents_known) {
		put_raw(out, ",\"parents\":");
		process_json_parents(out, p, wall_offset_ns);
	} else if (whole) {
		put_raw(out, ",\"parents\":null");
	}
	put_text(out, ",\"cgroup\":", cgroup, whole ? PATH_ROOM : SHORT_PATH_ROOM);
	put_text(out, ",\"container\":", p->container, NAME_ROOM);
	put_text(out, ",\"container_name\":", p->container_name, NAME_ROOM);
	put_text(out, ",\"pod\":", p->pod, NAME_ROOM);
	put_text(out, ",\"unit\":", p->unit, NAME_ROOM);
	put_raw(out, "}");
}
