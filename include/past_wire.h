/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * past_wire.h - what a listing asks a running tracer, and what that answers, as bytes of a Unix stream socket.
 *
 * Owns: the layout, and the check of each byte of an answer.  Refuses to know: sockets and files.
 * Both ends run on one machine, so numbers have its byte order.  Versions do not mix: an answer of
 * another version counts as none.
 *
 *     listing ──▶ past_question about lives, then `count` cookies of 8 bytes
 *     tracer  ──▶ PAST_HELLO, at once; PAST_LIFE ...; PAST_END
 *     status  ──▶ past_question about the tracer
 *     tracer  ──▶ PAST_HELLO, at once; PAST_STATUS; PAST_END
 *
 * A record begins with its kind and its size; past_read() takes one off what has come.
 */
#ifndef SOCKWATCH_PAST_WIRE_H
#define SOCKWATCH_PAST_WIRE_H

#include "event.h"
#include "status.h"

#define PAST_MAGIC	 0x53504b57u
#define PAST_VERSION	 4
#define PAST_COOKIES_MAX 1000000
#define PAST_TEXT_MAX	 1024 /* longer ones are left out; arguments are cut */
#define PAST_RECORD_MAX	 (sizeof(struct past_life) + PAST_TEXTS * PAST_TEXT_MAX)

/* What is known of a process in words, in this order behind the record. */
enum past_text {
	PAST_CGROUP,
	PAST_CONTAINER,
	PAST_CONTAINER_NAME,
	PAST_POD,
	PAST_UNIT,
	PAST_EXE,
	PAST_ARGS, /* with NULs */
	PAST_TEXTS,
};

enum past_subject {
	PAST_OF_LIVES,
	PAST_OF_STATUS,
};

struct past_question {
	uint32_t magic;
	uint16_t version;
	uint16_t size;	   /* of this header in bytes */
	uint32_t count;	   /* cookies that follow: 1 to PAST_COOKIES_MAX, about the tracer none */
	uint32_t subject;  /* enum past_subject */
};

enum past_kind {
	PAST_HELLO = 1,
	PAST_LIFE,
	PAST_END,
	PAST_STATUS,
	PAST_KINDS,
};

struct past_head {
	uint16_t kind;	   /* enum past_kind */
	uint16_t size;	   /* of the whole record in bytes */
	uint32_t reserved; /* 0 */
};

struct past_hello {
	struct past_head head;
	uint32_t magic;
	uint16_t version;
	uint16_t pad;	   /* 0 */
};

enum past_flag {
	PAST_F_ENDED = 1 << 0,	     /* in TIME_WAIT; else it goes on */
	PAST_F_PEER = 1 << 1,	     /* it has one */
	PAST_F_PROCESS = 1 << 2,     /* the owner follows; else unknown */
	PAST_F_PROGRAM = 1 << 3,     /* what it ran is known, too */
	PAST_F_ARGS_CUT = 1 << 4,
	PAST_FLAGS = (1 << 5) - 1,
};

struct past_life {
	struct past_head head;
	uint64_t cookie;   /* never 0 */
	uint64_t since_ns; /* CLOCK_BOOTTIME: the life began, or entered TIME_WAIT; 0 unknown */
	uint32_t netns;	   /* inode, never 0 */
	uint32_t pid, tid, uid;
	uint64_t cgroup_id;
	uint16_t protocol;
	uint16_t local_port, peer_port; /* host order */
	uint8_t family;	   /* 4 or 6 */
	uint8_t flags;	   /* enum past_flag */
	uint8_t local[16], peer[16]; /* IPv4: first 4 bytes, rest 0 */
	char name[16];	   /* NUL-terminated, any bytes */
	uint64_t start_ns; /* CLOCK_BOOTTIME, 0 unknown */
	uint32_t ruid;
	uint8_t texts;	   /* bit per enum past_text: it follows, not terminated */
	uint8_t pad[5];	   /* 0 */
	uint16_t len[PAST_TEXTS];
};

struct past_status {
	struct past_head head;
	uint64_t number[STATUS_NUMBERS], lost[STATUS_LOSSES];
	uint32_t pid;	/* never 0 */
	uint32_t texts; /* bit per enum status_text: it follows, not terminated */
	uint16_t len[STATUS_TEXTS];
	uint8_t pad[4]; /* 0 */
};

_Static_assert(sizeof(struct past_question) == 16, "past_question has no hidden padding");
_Static_assert(sizeof(struct past_hello) == 16, "past_hello has no hidden padding");
_Static_assert(sizeof(struct past_life) == 136, "past_life has no hidden padding");
_Static_assert(sizeof(struct past_status) == 168, "past_status has no hidden padding");

/* Writes a record and returns its size; `out` holds PAST_RECORD_MAX bytes, of any alignment. */
size_t past_write_hello(uint8_t *out);
size_t past_write_end(uint8_t *out);
/* A close event of a life that goes on or ended in TIME_WAIT; its times CLOCK_BOOTTIME. */
size_t past_write_life(uint8_t *out, const struct event *life);
size_t past_write_status(uint8_t *out, const struct status *status);

/* True when the header is a question of this version. */
bool past_check_question(const struct past_question *q);

struct past_answer {
	enum past_kind kind;
	struct event life; /* PAST_LIFE; points into this struct */
	struct process process;
	struct program program;
	struct status status; /* PAST_STATUS; likewise */
	char text[PAST_TEXTS][PAST_TEXT_MAX + 1];
};

/*
 * Takes the first record of `len` bytes at `data`: its size, 0 when it is not there whole, or -EBADMSG when it is none.  On
 * success *ret is filled.
 */
long past_read(const uint8_t *data, size_t len, struct past_answer *ret);

#endif
