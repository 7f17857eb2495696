/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * writer.h - one walk over an event, any writer.
 *
 * Owns: the order of fields (walk), and writers (JSON, text and others) that only know how to spell a field.
 * Refuses to know: files and terminals (bytes go to a buffer the caller flushes), the clock (an offset is
 * given), libbpf.  One thread per writer.
 *
 *     struct buffer out; buffer_init(&out, 1 << 16);
 *     struct writer *w = writer_json_new(&opts);
 *     writer_event(w, &out, event);     // appends whole lines only
 *     write(1, out.data, out.len);
 */
#ifndef SOCKWATCH_WRITER_H
#define SOCKWATCH_WRITER_H

#include "event.h"

/* A growing byte buffer.  After a failed allocation `failed` stays set and appends do nothing. */
struct buffer {
	char *data;
	size_t len, cap;
	bool failed;
};
int buffer_init(struct buffer *b, size_t cap);	/* 0 or -ENOMEM */
void buffer_done(struct buffer *b);
/* The same as buffer_reserve(), where the room is not there. */
char *buffer_grow(struct buffer *b, size_t more);
/* Room for `more` bytes at data + len; NULL without memory. */
static inline char *buffer_reserve(struct buffer *b, size_t more)
{
	return !b->failed && b->cap - b->len >= more ? b->data + b->len : buffer_grow(b, more);
}

void buffer_append(struct buffer *b, const void *bytes, size_t len);
/* Like printf; what is given must be the program's own words or escaped. */
__attribute__((format(printf, 2, 3))) void buffer_print(struct buffer *b, const char *format, ...);

/* In the first object of each stream of JSON; another one when a field changes its meaning.  docs/schema has it. */
#define WRITER_SCHEMA 1

/* What uname() says. */
struct writer_host {
	const char *name, *machine, *kernel;
};

struct writer_options {
	int64_t *wall_offset_ns;	/* CLOCK_REALTIME - CLOCK_BOOTTIME; the caller keeps it current */
	/* Name of interface `ifindex` in namespace `netns`, NULL unknown (its number is printed then); may be NULL. */
	const char *(*interface_name)(void *ctx, uint32_t netns, uint32_t ifindex);
	void *ctx;
	bool color;			/* text */
	unsigned int columns;		/* text: terminal width, 0 for a pipe: one line a record */
	bool dates;			/* text: the day before the time */
	bool hosts;			/* text: a column says of which host each event is */
	const char *zone;		/* text: what the time zone is called at the head */
	const struct writer_host
		*host; /* ECS, OpenTelemetry: where events are from; NULL: not known.  Copied */
	bool goes_on;			/* JSON: another writer begins the stream, with the schema's number */
};

struct writer;

/* NULL with errno ENOMEM.  The options are copied; wall_offset_ns must outlive the writer. */
struct writer *writer_json_new(const struct writer_options *options);
struct writer *writer_text_new(const struct writer_options *options);
/* JSON in the Elastic Common Schema; a log record with OpenTelemetry's attributes. */
struct writer *writer_ecs_new(const struct writer_options *options);
struct writer *writer_otel_new(const struct writer_options *options);
/* An entry of systemd's journal an event: one datagram to its socket each. */
struct writer *writer_journal_new(const struct writer_options *options);
void writer_free(struct writer *w);
/* The terminal has another width now. */
void writer_resize(struct writer *w, unsigned int columns);

/* How often columns have become wider: lines before and after it are not in line.  0: there are none. */
unsigned int writer_widths(struct writer *w);

/* Appends what comes before the first event (text: the header line; JSON: nothing). */
void writer_header(struct writer *w, struct buffer *out);
/* Appends one line, newline included; in a terminal one that is too wide goes on in the next. */
void writer_event(struct writer *w, struct buffer *out, const struct event *event);

/*
 * Every string that is not the program's own goes through one of these three before it is shown.
 *
 * JSON string content without the quotes: quote, backslash and what a terminal obeys or nobody sees (controls, U+202E,
 * U+200B) escaped, each byte that is not part of valid UTF-8 replaced by U+FFFD.  `out` holds 6 * len bytes; returns
 * the length written.
 */
size_t json_escape(char *out, const char *bytes, size_t len);
/*
 * A name among other words and in columns: control characters, backslash and bytes outside valid UTF-8 become \xNN, as lsof
 * does; so do characters that nobody sees or that turn the line around (other spaces, U+202E).  One that could be taken
 * for something else ("-", with a bracket, a quote at its begin or a space that no letter follows) stands in quotes.
 * `out` holds 4 * len + 2 bytes; returns the length written.
 */
size_t text_escape(char *out, const char *bytes, size_t len);
/* The same without quotes, of what has a line to itself; 4 * len bytes. */
size_t line_escape(char *out, const char *bytes, size_t len);
/* Appends what line_escape() makes of it. */
void buffer_escape_line(struct buffer *b, const char *bytes, size_t len);

#endif
