// SPDX-License-Identifier: GPL-2.0-only
/*
 * journal.c - an event as an entry of systemd's journal: a field a line, NAME=VALUE, or where the value may
 * hold anything, NAME, its length in eight bytes (little endian) and the value
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL).
 */
#include "walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

#define MESSAGE_SIZE 512

struct journal_writer {
	struct writer base;
	struct units_clock_cache clock;
	unsigned int depth; /* of lists and objects */
	/* What the message for people is made of. */
	const char *event, *reason, *error;
	const struct process *process;
	char local[INET_ENDPOINT_SIZE], peer[INET_ENDPOINT_SIZE];
	char states[512];
	size_t states_len;
};

static const char *const names[FIELDS] = {
	[FIELD_EVENT] = "EVENT",
	[FIELD_PROTO] = "PROTO",
	[FIELD_FAMILY] = "FAMILY",
	[FIELD_MAPPED] = "MAPPED",
	[FIELD_NETNS] = "NETNS",
	[FIELD_COOKIE] = "COOKIE",
	[FIELD_LOCAL] = "LOCAL",
	[FIELD_PEER] = "PEER",
	[FIELD_PROCESS] = "",
	[FIELD_ERROR] = "ERROR",
	[FIELD_BACKLOG] = "BACKLOG",
	[FIELD_AUTOBIND] = "AUTOBIND",
	[FIELD_LISTENER] = "LISTENER_",
	[FIELD_FROM] = "FROM",
	[FIELD_TO] = "TO",
	[FIELD_AFTER_NS] = "AFTER_NS",
	[FIELD_SUBSTATE] = "SUBSTATE",
	[FIELD_TIME] = "TIME",
	[FIELD_OPENED] = "OPENED",
	[FIELD_DURATION_NS] = "DURATION_NS",
	[FIELD_SENT_BYTES] = "SENT_BYTES",
	[FIELD_RECEIVED_BYTES] = "RECEIVED_BYTES",
	[FIELD_RETRANSMITS] = "RETRANSMITS",
	[FIELD_RTT_US] = "RTT_US",
	[FIELD_REASON] = "REASON",
	[FIELD_END] = "END",
	[FIELD_TIME_WAIT] = "TIME_WAIT",
	[FIELD_STATE] = "STATE",
	[FIELD_COUNT] = "COUNT",
	[FIELD_SINCE] = "SINCE",
	[FIELD_ADDED] = "ADDED",
	[FIELD_REMOVED] = "REMOVED",
};

static struct journal_writer *self(struct writer *w)
{
	return (struct journal_writer *)w;
}

/* A value of our own: no newline in it. */
static void put(struct writer *w, const char *name, const char *suffix, const char *value,
		size_t len)
{
	buffer_append(w->out, "SOCKWATCH_", 10);
	buffer_append(w->out, name, strlen(name));
	buffer_append(w->out, suffix, strlen(suffix));
	buffer_append(w->out, "=", 1);
	buffer_append(w->out, value, len);
	buffer_append(w->out, "\n", 1);
}

static void put_bytes(struct writer *w, const char *name, const char *suffix, const char *value,
		      size_t len)
{
	uint8_t le[8];

	if (!memchr(value, '\n', len)) {
		put(w, name, suffix, value, len);
		return;
	}
	for (int i = 0; i < 8; i++)
		le[i] = (uint8_t)((uint64_t)len >> (8 * i));
	buffer_append(w->out, "SOCKWATCH_", 10);
	buffer_append(w->out, name, strlen(name));
	buffer_append(w->out, suffix, strlen(suffix));
	buffer_append(w->out, "\n", 1);
	buffer_append(w->out, le, sizeof(le));
	buffer_append(w->out, value, len);
	buffer_append(w->out, "\n", 1);
}

static void put_number(struct writer *w, const char *name, const char *suffix, uint64_t value)
{
	char digits[20];

	put(w, name, suffix, digits, inet_format_number(digits, value));
}

static void journal_header(struct writer *w)
{
	(void)w;
}

static void journal_begin(struct writer *w)
{
	struct journal_writer *j = self(w);

	j->depth = 0;
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
	char name[4 * PROCESS_NAME_SIZE + 1] = "-", message[MESSAGE_SIZE];
	bool lost = strcmp(j->event, "lost") == 0;
	int len;

	if (j->states_len)
		put(w, "STATES", "", j->states, j->states_len);
	if (p)
		name[text_escape(name, p->name, strnlen(p->name, sizeof(p->name)))] = '\0';
	len = snprintf(message, sizeof(message), "MESSAGE=%s %s[%u] %s%s%s%s%s%s%s\n", j->event,
		       name, p ? p->pid : 0, j->local, j->peer[0] ? " - " : "", j->peer,
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

	put(w, names[field], "", text, units_format_rfc3339(text, &self(w)->clock, realtime_ns));
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

	if (field == FIELD_STATE && j->depth > 0) {
		add_state(j, word, strlen(word));
		return;
	}
	if (field == FIELD_EVENT)
		j->event = word;
	else if (field == FIELD_REASON)
		j->reason = word;
	else if (field == FIELD_ERROR)
		j->error = word;
	put(w, names[field], "", word, strlen(word));
}

static void journal_number(struct writer *w, enum field field, uint64_t value)
{
	char digits[20];

	if (field == FIELD_NS)
		add_state(self(w), digits, inet_format_number(digits, value));
	else
		put_number(w, names[field], "", value);
}

static void journal_flag(struct writer *w, enum field field, bool value)
{
	put(w, names[field], "", value ? "1" : "0", 1);
}

/* What is unknown has no field. */
static void journal_absent(struct writer *w, enum field field)
{
	(void)w;
	(void)field;
}

static void journal_place(struct writer *w, enum field field, const struct place *place)
{
	char *whole = field == FIELD_LOCAL ? self(w)->local : self(w)->peer;
	char address[INET_ADDRESS_SIZE];
	char interface[INET_INTERFACE_MAX + 1];

	put(w, names[field], "_ADDR", address,
	    inet_format_address(address, place->family, place->mapped, place->endpoint->addr));
	put_number(w, names[field], "_PORT", place->endpoint->port);
	if (place->interface) {
		size_t len = strnlen(place->interface, INET_INTERFACE_MAX / 4);

		interface[text_escape(interface, place->interface, len)] = '\0';
		put(w, names[field], "_INTERFACE", interface, strlen(interface));
	}
	whole[inet_format_endpoint(whole, place->family, place->mapped, place->endpoint,
				   place->interface ? interface : NULL)] = '\0';
}

static void journal_process(struct writer *w, enum field field, const struct process *process)
{
	const char *prefix = names[field];
	const char *cgroup = process->cgroup && !*process->cgroup ? "/" : process->cgroup;

	if (field == FIELD_PROCESS)
		self(w)->process = process;
	put_number(w, prefix, "PID", process->pid);
	put_number(w, prefix, "TID", process->tid);
	put_number(w, prefix, "UID", process->uid);
	if (process->ruid != PROCESS_NO_UID)
		put_number(w, prefix, "RUID", process->ruid);
	put_bytes(w, prefix, "COMM", process->name, strnlen(process->name, sizeof(process->name)));
	if (cgroup)
		put_bytes(w, prefix, "CGROUP", cgroup, strlen(cgroup));
	if (process->container)
		put_bytes(w, prefix, "CONTAINER", process->container, strlen(process->container));
}

static void journal_open(struct writer *w, enum field field, enum nest nest)
{
	(void)field;
	(void)nest;
	self(w)->depth++;
}

static void journal_close(struct writer *w, enum nest nest)
{
	(void)nest;
	self(w)->depth--;
}

static const struct spelling journal_spelling = {
	.header = journal_header,
	.begin = journal_begin,
	.end = journal_end,
	.time = journal_time,
	.word = journal_word,
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
