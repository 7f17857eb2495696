// SPDX-License-Identifier: GPL-2.0-only
/*
 * journal.c - an event as an entry of systemd's journal: a field a line, NAME=VALUE, or where the value may
 * hold anything, NAME, its length in eight bytes (little endian) and the value
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL).
 *
 * A field is named by its way from the event: "low" in "range" is SOCKWATCH_RANGE_LOW.  The items of a list repeat
 * their fields, which the journal keeps and finds each by its value: SOCKWATCH_HOLDERS_PID=901.
 */
#include "process_json.h"
#include "title.h"
#include "walk.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

#define MESSAGE_SIZE 512
#define PATH_SIZE    64 /* the journal takes no longer name */
#define DEPTH	     4
/* An entry is one datagram, which the socket's buffer must hold. */
#define HOLDERS_MAX 64

struct journal_writer {
	struct writer base;
	struct units_clock_cache clock;
	char path[PATH_SIZE]; /* of the lists and objects that are open: "RANGE_" */
	size_t path_len, outer[DEPTH];
	unsigned int depth;
	bool in_states, muted;
	uint64_t holders, holders_more;
	/* What the message for people is made of. */
	const char *event, *reason, *error;
	const struct process *process;
	char local[INET_ENDPOINT_SIZE], peer[INET_ENDPOINT_SIZE];
	char states[512];
	size_t states_len;
};

#define NAME_OF(id, name) [FIELD_##id] = name,
static const char *const names[FIELDS] = {[FIELD_NONE] = "", WALK_FIELDS(NAME_OF)};

static struct journal_writer *self(struct writer *w)
{
	return (struct journal_writer *)w;
}

static void append_upper(char *out, size_t *len, const char *name)
{
	for (; *name && *len < PATH_SIZE; name++)
		out[(*len)++] = (char)toupper((unsigned char)*name);
}

/* The name of a field, or of a part of it: "_ADDR" of a place, "PID" of a process. */
static void put_name(struct writer *w, enum field field, const char *part)
{
	const struct journal_writer *j = self(w);
	char name[PATH_SIZE];
	size_t len = j->path_len;

	memcpy(name, j->path, len);
	if (field == FIELD_NONE && len > 0)
		len--; /* an item is named as its list, without the line between them */
	/* The process that the event or the item is about adds no name of its own. */
	if (field == FIELD_LISTENER)
		append_upper(name, &len, "listener_");
	else if (field == FIELD_BOUND_BY)
		append_upper(name, &len, "bound_by_");
	else if (field != FIELD_PROCESS)
		append_upper(name, &len, names[field]);
	buffer_append(w->out, "SOCKWATCH_", 10);
	buffer_append(w->out, name, len);
	buffer_append(w->out, part, strlen(part));
}

/* A value of our own: no newline in it. */
static void put(struct writer *w, enum field field, const char *part, const char *value, size_t len)
{
	if (self(w)->muted)
		return;
	put_name(w, field, part);
	buffer_append(w->out, "=", 1);
	buffer_append(w->out, value, len);
	buffer_append(w->out, "\n", 1);
}

static void put_bytes(struct writer *w, enum field field, const char *part, const char *value,
		      size_t len)
{
	uint8_t le[8];

	if (!memchr(value, '\n', len) || self(w)->muted) {
		put(w, field, part, value, len);
		return;
	}
	for (int i = 0; i < 8; i++)
		le[i] = (uint8_t)((uint64_t)len >> (8 * i));
	put_name(w, field, part);
	buffer_append(w->out, "\n", 1);
	buffer_append(w->out, le, sizeof(le));
	buffer_append(w->out, value, len);
	buffer_append(w->out, "\n", 1);
}

static void put_number(struct writer *w, enum field field, const char *part, uint64_t value)
{
	char digits[20];

	put(w, field, part, digits, inet_format_number(digits, value));
}

static void journal_begin(struct writer *w)
{
	struct journal_writer *j = self(w);

	j->path_len = j->depth = 0;
	j->in_states = j->muted = false;
	j->holders = j->holders_more = 0;
	j->event = j->reason = j->error = "";
	j->process = NULL;
	j->local[0] = j->peer[0] = '\0';
	j->states_len = 0;
}

/* "close nginx[901] 127.0.0.1:80 - 127.0.0.1:4444 peer-close" */
static void journal_end(struct writer *w)
{
	static const char head[] = "SYSLOG_IDENTIFIER=sockwatch\nPRIORITY=";
	struct journal_writer *j = self(w);
	const struct process *p = j->process;
	char owner[OWNER_SIZE + 1] = "-", message[MESSAGE_SIZE];
	bool lost = strcmp(j->event, "lost") == 0;
	int len;

	if (j->states_len)
		put(w, FIELD_STATES, "", j->states, j->states_len);
	if (j->holders > HOLDERS_MAX)
		j->holders_more += j->holders - HOLDERS_MAX;
	if (j->holders_more)
		put_number(w, FIELD_MORE, "", j->holders_more);
	if (p)
		owner[title_owner(owner, p->name, p->pid)] = '\0';
	len = snprintf(message, sizeof(message), "MESSAGE=%s %s %s%s%s%s%s%s%s\n", j->event,
		       owner, j->local, j->peer[0] ? " - " : "", j->peer,
		       j->reason[0] ? " " : "", j->reason, j->error[0] ? " " : "", j->error);
	if (lost)
		len = snprintf(message, sizeof(message), "MESSAGE=events were lost\n");
	buffer_append(w->out, head, sizeof(head) - 1);
	buffer_append(w->out, lost ? "4\n" : "6\n", 2);
	buffer_append(w->out, message, (size_t)len);
}

static void journal_time(struct writer *w, enum field field, uint64_t realtime_ns)
{
	char text[UNITS_RFC3339_SIZE];

	put(w, field, "", text, units_format_rfc3339(text, &self(w)->clock, realtime_ns));
}

/* The states of a life are one field: "SYN_SENT 12 ESTABLISHED 340". */
static void add_state(struct journal_writer *j, const char *text, size_t len)
{
	if (j->states_len + len + 1 > sizeof(j->states))
		return;
	if (j->states_len)
		j->states[j->states_len++] = ' ';
	memcpy(j->states + j->states_len, text, len);
	j->states_len += len;
}

static void journal_word(struct writer *w, enum field field, const char *word)
{
	struct journal_writer *j = self(w);

	if (j->in_states) {
		add_state(j, word, strlen(word));
		return;
	}
	if (field == FIELD_EVENT)
		j->event = word;
	else if (field == FIELD_REASON)
		j->reason = word;
	else if (field == FIELD_ERROR)
		j->error = word;
	put(w, field, "", word, strlen(word));
}

static void journal_text(struct writer *w, enum field field, const char *text, size_t len)
{
	put_bytes(w, field, "", text, len);
}

static void journal_number(struct writer *w, enum field field, uint64_t value)
{
	char digits[20];

	if (self(w)->in_states)
		add_state(self(w), digits, inet_format_number(digits, value));
	else if (field == FIELD_MORE)
		self(w)->holders_more = value;
	else
		put_number(w, field, "", value);
}

static void journal_flag(struct writer *w, enum field field, bool value)
{
	put(w, field, "", value ? "1" : "0", 1);
}

/* What is unknown has no field. */
static void journal_absent(struct writer *w, enum field field)
{
	(void)w;
	(void)field;
}

static void journal_place(struct writer *w, enum field field, const struct place *place)
{
	struct journal_writer *j = self(w);
	char other[INET_ENDPOINT_SIZE];
	char *whole = j->depth		     ? other
		      : field == FIELD_LOCAL ? j->local
		      : field == FIELD_PEER  ? j->peer
					     : other;
	char address[INET_ADDRESS_SIZE];
	char interface[INET_INTERFACE_MAX + 1];

	put(w, field, "_ADDR", address,
	    inet_format_address(address, place->family, place->mapped, place->endpoint->addr));
	put_number(w, field, "_PORT", place->endpoint->port);
	if (place->interface) {
		size_t len = strnlen(place->interface, INET_INTERFACE_MAX / 4);

		interface[line_escape(interface, place->interface, len)] = '\0';
		put(w, field, "_INTERFACE", interface, strlen(interface));
	}
	if (place->endpoint->takes == TAKES_IPV6 || place->endpoint->takes == TAKES_BOTH)
		put(w, field, "_V6ONLY", place->endpoint->takes == TAKES_IPV6 ? "1" : "0", 1);
	whole[inet_format_endpoint(whole, place->family, place->mapped, place->endpoint,
				   place->interface ? interface : NULL)] = '\0';
}

static void put_program(struct writer *w, enum field field, const struct process *process)
{
	const struct program *program = process->program;
	char line[PROCESS_ARGS_MAX], time[UNITS_RFC3339_SIZE];
	size_t len = program->args_len < sizeof(line) ? program->args_len : sizeof(line);

	if (program->start_ns)
		put(w, field, "START", time,
		    units_format_rfc3339(
			    time, &self(w)->clock,
			    process_start(program->start_ns, *w->options.wall_offset_ns)));
	if (program->exe)
		put_bytes(w, field, "EXE", program->exe, strlen(program->exe));
	while (program->args && len > 0 && !program->args[len - 1])
		len--;
	for (size_t i = 0; program->args && i < len; i++)
		line[i] = program->args[i] ? program->args[i] : ' ';
	if (program->args)
		put_bytes(w, field, "ARGS", line, len);
	if (program->args && program->args_cut)
		put(w, field, "ARGS_CUT", "1", 1);
	for (uint32_t i = 0; i < process->parent_count; i++) {
		const struct program *parent = process->parent[i];

		put_number(w, field, "PARENT_PID", parent->pid);
		put_bytes(w, field, "PARENT_COMM", parent->name, strlen(parent->name));
	}
}

static void journal_process(struct writer *w, enum field field, const struct process *process,
			    enum telling telling)
{
	const char *cgroup = process->cgroup && !*process->cgroup ? "/" : process->cgroup;

	if (field == FIELD_PROCESS && !self(w)->depth)
		self(w)->process = process;
	put_number(w, field, "PID", process->pid);
	put_number(w, field, "TID", process->tid);
	put_number(w, field, "UID", process->uid);
	if (process->ruid != PROCESS_NO_UID)
		put_number(w, field, "RUID", process->ruid);
	put_bytes(w, field, "COMM", process->name, strnlen(process->name, sizeof(process->name)));
	if (cgroup)
		put_bytes(w, field, "CGROUP", cgroup, strlen(cgroup));
	if (process->container)
		put_bytes(w, field, "CONTAINER", process->container, strlen(process->container));
	if (process->container_name)
		put_bytes(w, field, "CONTAINER_NAME", process->container_name,
			  strlen(process->container_name));
	if (process->pod)
		put_bytes(w, field, "POD", process->pod, strlen(process->pod));
	if (process->unit)
		put_bytes(w, field, "UNIT", process->unit, strlen(process->unit));
	if (process->program && telling == TELL_WHOLE)
		put_program(w, field, process);
}

static void journal_open(struct writer *w, enum field field, enum nest nest)
{
	struct journal_writer *j = self(w);

	(void)nest;
	if (field == FIELD_STATES)
		j->in_states = true;
	if (field == FIELD_NONE && !j->in_states)
		j->muted = ++j->holders > HOLDERS_MAX;
	j->outer[j->depth++] = j->path_len;
	if (field == FIELD_NONE)
		return;
	append_upper(j->path, &j->path_len, names[field]);
	append_upper(j->path, &j->path_len, "_");
}

static void journal_close(struct writer *w, enum nest nest)
{
	struct journal_writer *j = self(w);

	(void)nest;
	j->path_len = j->outer[--j->depth];
	if (j->depth == 0)
		j->in_states = j->muted = false;
}

static const struct spelling journal_spelling = {
	.begin = journal_begin,
	.end = journal_end,
	.time = journal_time,
	.word = journal_word,
	.text = journal_text,
	.number = journal_number,
	.flag = journal_flag,
	.absent = journal_absent,
	.place = journal_place,
	.process = journal_process,
	.open = journal_open,
	.close = journal_close,
};

struct writer *writer_journal_new(const struct writer_options *options)
{
	struct journal_writer *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->base.spelling = &journal_spelling;
	j->base.options = *options;
	units_clock_init(&j->clock);
	return &j->base;
}
