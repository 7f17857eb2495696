/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report_group.h - rows of a record counted by what they have in common.  Part of report.h.
 *
 * Owns: a bounded table for each kind.  Where it is full the half with the fewest rows is folded into one number, and how much
 * a group that comes again may lack is kept: so a group with more rows than that is never missing.
 */
#ifndef SOCKWATCH_REPORT_GROUP_H
#define SOCKWATCH_REPORT_GROUP_H

#include "event.h"
#include "hash.h"

#define REPORT_GROUPS	 4096 /* of each kind */
#define REPORT_TEXT_SIZE 64

enum report_way { REPORT_WAY_UNKNOWN, REPORT_OUT, REPORT_IN }; /* who opened it: this end, the peer */
enum report_known { REPORT_NOBODY, REPORT_KERNEL, REPORT_NAMED };
enum report_place { REPORT_NOWHERE, REPORT_UNIT, REPORT_CONTAINER };

/* A longer one is cut. */
struct report_text {
	char text[REPORT_TEXT_SIZE]; /* any bytes, NUL-terminated */
	bool cut;
};

/* Processes that are called alike and run at the same place are one. */
struct report_who {
	uint8_t known; /* enum report_known */
	uint8_t place; /* enum report_place */
	char name[PROCESS_NAME_SIZE];
	struct report_text script, where;
};

enum report_kind {
	REPORT_BY_PROCESS,
	REPORT_BY_PEER,	    /* with the port where this end opened the connection */
	REPORT_BY_PORT,	    /* those at which somebody waits, or wanted to */
	REPORT_BY_CONFLICT, /* a port that was taken, and who wanted it */
	REPORT_KINDS,
};

/* Compared byte by byte: what does not matter to a kind is zero. */
struct report_key {
	struct report_who who;
	uint32_t netns;
	uint16_t protocol, port;
	uint8_t family, mapped, way; /* way: enum report_way */
	uint8_t addr[16];
};

struct report_group {
	bool used;
	struct report_key key;
	uint64_t rows;		   /* it was made of */
	uint64_t lives, failed;	   /* connections, and those that ended so */
	uint64_t calls;		   /* that failed */
	uint64_t sent, received;   /* of the counted */
	uint64_t uncounted;	   /* connections without these two */
	uint64_t dropped;	   /* connections that the queue had no room for: of bursts that ended, */
	uint64_t dropping;	   /* and of one that goes on */
	uint64_t last_ns;	   /* of a conflict: when it was tried last */
	struct report_who holder;  /* of a port: who waits there; of a conflict: who was last told to have it */
	uint32_t holder_pid;	   /* 0 unknown */
	uint8_t holder_state;	   /* enum tcp_state */
};

HASH_TYPE(report_index, struct report_group);

struct report_table {
	struct report_index index;
	struct report_group *row; /* once sorted: most rows first */
	size_t count;
	uint64_t folded;    /* rows of groups that found no room */
	uint64_t may_lack;  /* so many rows of each group are among these, at most */
};

/* The group of `key`, made where there is none, with one row more; lives until the next call.  O(1) amortized; NULL: without memory. */
struct report_group *report_count(struct report_table *t, const struct report_key *key);
/* Fills `row`.  0 or -ENOMEM. */
int report_sort(struct report_table *t);
void report_table_done(struct report_table *t);

void report_name(struct report_who *ret, const struct process *p, bool kernel);

#endif
