/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * line.h - one printed event as a struct.
 *
 * Owns: the reading of a JSON line into values, and what the contract says about any line taken
 * alone. Refuses to know: sockets, scenarios.
 *
 *     struct line l;
 *     if (line_parse(&l, text) < 0) report(l.why, text);
 *     line_done(&l);
 */
#ifndef E2E_LINE_H
#define E2E_LINE_H

#include <stdbool.h>
#include <stdint.h>

enum line_kind {
	LINE_BIND,
	LINE_LISTEN,
	LINE_CONNECT,
	LINE_ACCEPT,
	LINE_STATE,
	LINE_CLOSE,
	LINE_LOST,
	LINE_OVERFLOW,
	LINE_KINDS,
};

struct end {
	bool present;
	char addr[48];
	char interface[17];
	unsigned int port;
};

struct who {
	bool present; /* the key is there, maybe null */
	bool known;   /* and it is an object */
	uint32_t pid, tid, uid, ruid;
	char name[64];
};

#define LINE_MAX_SPANS 16

struct line {
	char *text; /* the line itself, owned */
	const char *why;
	enum line_kind kind;
	uint64_t time_ns; /* since the epoch */
	char proto[8];
	char family[8];
	bool mapped;
	uint64_t netns, cookie;
	struct end local, peer, asked;
	struct who process, listener;
	char error[24];
	int autobind; /* -1 absent */
	bool has_backlog, has_after, has_opened, has_duration, has_counters;
	uint64_t backlog, after_ns;
	char from[16], to[16], substate[16];
	char reason[20], how[20];
	uint64_t syns;
	char phase[8]; /* of an overflow, as what follows and backlog */
	uint64_t dropped, waiting;
	bool has_silence; /* the two below are there */
	uint64_t last_heard_ns, unacked_bytes;
	int time_wait; /* -1 null: not known */
	uint64_t duration_ns, sent_bytes, received_bytes;
	unsigned int span_count;
	struct {
		char state[16];
		uint64_t ns;
	} span[LINE_MAX_SPANS];
	uint64_t lost_count, lost_sockets, lost_processes; /* the two are part of the first */
	uint64_t repeated; /* 0: this is one call */
	uint64_t holders_more;
	unsigned int holder_count;
	struct who holder; /* the first */
	struct end holder_local;
	bool has_range;
	uint64_t range_low, range_high, used;
	char missing[24];
};

/* Copies `text`.  0, or -1 with line->why set; line->text is set in both cases and line_done() is
 * due. */
int line_parse(struct line *line, const char *text);
void line_done(struct line *line);
const char *line_kind_name(enum line_kind kind);

#endif
