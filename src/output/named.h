/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * named.h - a writer of names that others have published: what the walk hands over is kept, and written in the order of a table.
 *
 * Owns: which values an event has, and how JSON spells them.  Refuses to know: names, which a table has (ecs.c, otel.c).  A field
 * that no row asks for goes under `rest`, as -o json spells it.  One thread per writer.
 *
 *     static const struct named_row rows[] = {VALUE("@timestamp", NAMED_TIME), VALUE("process.pid", NAMED_PID), ...};
 */
#ifndef SOCKWATCH_OUTPUT_NAMED_H
#define SOCKWATCH_OUTPUT_NAMED_H

#include "walk.h"

/* clang-format off */
enum named {
	NAMED_CONSTANT, /* the row's own text */
	/* of the event */
	NAMED_TIME, NAMED_TIME_NS, NAMED_ACTION, NAMED_EVENT_NAME, NAMED_KIND, NAMED_CATEGORY, NAMED_TYPE,
	NAMED_OUTCOME, NAMED_REASON, NAMED_START, NAMED_END, NAMED_DURATION, NAMED_SEVERITY,
	NAMED_SEVERITY_NUMBER, NAMED_ERROR,
	/* of the socket */
	NAMED_PROTO, NAMED_NETWORK, NAMED_STATE, NAMED_DIRECTION,
	NAMED_LOCAL, NAMED_LOCAL_PORT, NAMED_SENT, NAMED_LOCAL_INTERFACE, NAMED_V6ONLY,
	NAMED_PEER, NAMED_PEER_PORT, NAMED_RECEIVED, NAMED_PEER_INTERFACE,
	/* Who sends first, where that is known, else this end; where it is known, its roles: address, port and bytes, in this order. */
	NAMED_FROM, NAMED_FROM_PORT, NAMED_FROM_BYTES, NAMED_TO, NAMED_TO_PORT, NAMED_TO_BYTES,
	NAMED_CLIENT, NAMED_CLIENT_PORT, NAMED_CLIENT_BYTES, NAMED_SERVER, NAMED_SERVER_PORT, NAMED_SERVER_BYTES,
	/* of its process */
	NAMED_PID, NAMED_TID, NAMED_BEGUN, NAMED_NAME, NAMED_UID, NAMED_RUID, NAMED_EXE, NAMED_EXE_NAME, NAMED_ARGS, NAMED_ARGS_CUT,
	NAMED_PARENT_PID, NAMED_PARENT_BEGUN, NAMED_PARENT_NAME, NAMED_PARENT_ARGS, NAMED_PARENTS,
	NAMED_CGROUP, NAMED_UNIT, NAMED_CONTAINER, NAMED_CONTAINER_NAME,
	NAMED_ORCHESTRATOR, NAMED_RESOURCE, NAMED_POD_NAMESPACE, NAMED_POD_NAME, NAMED_POD_UID,
	/* of the host */
	NAMED_HOST, NAMED_MACHINE, NAMED_KERNEL, NAMED_OS,
	NAMES,
};
/* clang-format on */

struct named_row {
	const char *
		name; /* its way from the outermost object, `separator` between each; rows of one object stand together */
	enum named value;
	const char *constant; /* in JSON */
	bool quoted;	      /* a number as a string */
};

#define VALUE(name, value)                                                                         \
	{                                                                                          \
		name, value, NULL, false                                                           \
	}
#define QUOTED(name, value)                                                                        \
	{                                                                                          \
		name, value, NULL, true                                                            \
	}
#define CONSTANT(name, text)                                                                       \
	{                                                                                          \
		name, NAMED_CONSTANT, text, false                                                  \
	}

/* What an event is called where there are words for that. */
struct named_event {
	const char *event;		    /* of -o json */
	const char *kind, *category, *type; /* in JSON */
};

struct named_table {
	const struct named_row *rows;
	size_t count;
	char separator;
	const char *rest;   /* the object of the other fields, with a separator behind it */
	const char *prefix; /* of their names */
	const struct named_event *events; /* NULL none; ends with one without a name */
	/* Another spelling, NULL: no such thing; each may be NULL: as it is. */
	const char *(*state)(const char *word);
	const char *(*machine)(const char *machine);
};

/* NULL with errno ENOMEM.  The table must outlive it. */
struct writer *writer_named_new(const struct writer_options *options,
				const struct named_table *table);

/* A value in JSON: `text`, or where that is NULL `len` bytes at `at` of the buffer; nothing where both are 0. */
struct named_value {
	const char *text;
	size_t at, len;
};

/* named_process.c: the values of a process, appended to the buffer. */
void named_process(struct buffer *out, struct named_value value[NAMES], const struct process *p,
		   enum telling telling, int64_t wall_offset_ns);
/* What was appended since `at` is the value, unless it is null. */
void named_keep(struct buffer *out, struct named_value *value, size_t at);

#endif
