// SPDX-License-Identifier: GPL-2.0-only
#include "process_json.h"

#include <string.h>

#include "inet.h"
#include "units.h"

#define NUMBER_MAX 20

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

static void put_string(struct buffer *out, const char *key, const char *text, size_t len)
{
	char *p;

	put_raw(out, key);
	if (!text) {
		put_raw(out, "null");
		return;
	}
	p = buffer_reserve(out, 6 * len + 2);
	if (!p)
		return;
	p[0] = '"';
	len = json_escape(p + 1, text, len);
	p[len + 1] = '"';
	out->len += len + 2;
}

static void put_text(struct buffer *out, const char *key, const char *text)
{
	put_string(out, key, text, text ? strlen(text) : 0);
}

static void put_start(struct buffer *out, uint64_t start_ns, int64_t wall_offset_ns)
{
	struct units_clock_cache clock;
	char time[UNITS_RFC3339_SIZE];

	put_raw(out, ",\"start\":");
	if (!start_ns) {
		put_raw(out, "null");
		return;
	}
	units_clock_init(&clock);
	put_string(out, "", time,
		   units_format_rfc3339(time, &clock, start_ns + (uint64_t)wall_offset_ns));
}

/* Each is ended by NUL; the last one not where it was cut. */
static void put_args(struct buffer *out, const struct program *program, size_t max)
{
	const char *args = program ? program->args : NULL;
	bool cut = args && (program->args_cut || program->args_len > max);
	size_t left = args ? program->args_len : 0;
	const char *comma = "";

	put_raw(out, ",\"args\":");
	if (!args) {
		put_raw(out, "null");
		return;
	}
	if (left > max)
		left = max;
	put_raw(out, "[");
	while (left > 0) {
		size_t len = strnlen(args, left);

		put_string(out, comma, args, len);
		len += len < left;
		args += len;
		left -= len;
		comma = ",";
	}
	put_raw(out, "]");
	if (cut)
		put_raw(out, ",\"args_cut\":true");
}

static void put_parents(struct buffer *out, const struct process *p, int64_t wall_offset_ns)
{
	if (!p->parents_known) {
		put_raw(out, ",\"parents\":null");
		return;
	}
	put_raw(out, ",\"parents\":[");
	for (uint32_t i = 0; i < p->parent_count; i++) {
		const struct program *parent = p->parent[i];

		put_number(out, i ? ",{\"pid\":" : "{\"pid\":", parent->pid);
		put_start(out, parent->start_ns, wall_offset_ns);
		put_text(out, ",\"name\":", parent->name[0] ? parent->name : NULL);
		put_args(out, parent, PARENT_ARGS_MAX);
		put_raw(out, "}");
	}
	put_raw(out, "]");
}

void process_json(struct buffer *out, const struct process *p, int64_t wall_offset_ns)
{
	const struct program *program = p->program;
	/* The model's root is "", people and ss write "/". */
	const char *cgroup = p->cgroup && !*p->cgroup ? "/" : p->cgroup;

	put_number(out, "{\"pid\":", p->pid);
	put_number(out, ",\"tid\":", p->tid);
	put_start(out, program ? program->start_ns : 0, wall_offset_ns);
	put_string(out, ",\"name\":", p->name, strnlen(p->name, sizeof(p->name)));
	put_number(out, ",\"uid\":", p->uid);
	if (p->ruid == PROCESS_NO_UID)
		put_raw(out, ",\"ruid\":null");
	else
		put_number(out, ",\"ruid\":", p->ruid);
	put_text(out, ",\"exe\":", program ? program->exe : NULL);
	put_args(out, program, SIZE_MAX);
	put_parents(out, p, wall_offset_ns);
	put_text(out, ",\"cgroup\":", cgroup);
	put_text(out, ",\"container\":", p->container);
	put_text(out, ",\"container_name\":", p->container_name);
	put_text(out, ",\"pod\":", p->pod);
	put_text(out, ",\"unit\":", p->unit);
	put_raw(out, "}");
}
