/* SPDX-License-Identifier: GPL-2.0-only */
/* read_private.h - for src/store/read*.c: the question as SQL, and a row as an event. */
#ifndef SOCKWATCH_STORE_READ_PRIVATE_H
#define SOCKWATCH_STORE_READ_PRIVATE_H

#include "store_private.h"

#define TEXT_MAX      4096 /* a longer one is not of ours */
#define PROCESS_CACHE 4096
#define HOLDERS_MAX   64 /* as many as the table tells */

struct cached {
	int64_t id; /* 0 empty */
	struct process process;
};

struct store_reader {
	sqlite3 *db;
	int fd;
	uint64_t now_ns;
	bool no_args;
	bool stands_in; /* for tables that an older store does not have */
	char id[STORE_ID_SIZE];
	struct paste *paste; /* of one in memory: memory of its own, NULL otherwise */
	uint64_t alive_ns;   /* then: a run that was alive since goes on */
	int64_t running; /* the run that goes on, 0 none: what others left open has ended */
	struct cached cached[PROCESS_CACHE]; /* direct mapped */
	sqlite3_stmt *find_process, *find_netns;
	int64_t netns_row;
	uint32_t netns_inode;
	sqlite3_stmt *find_name;
	struct netns_name {
		int64_t netns, from, until; /* row of the namespace, 0 none */
		bool away;
		char name[NETNS_NAME_SIZE];
	} name; /* the last that was found */

	/* What was in the way of the last call read; the processes are its own, not the cache's. */
	sqlite3_stmt *find_trouble, *find_holders;
	struct event_trouble trouble;
	struct event_holder holder[HOLDERS_MAX];
	struct process holder_process[HOLDERS_MAX];
};

/* read.c: what is asked of every store; SQLite's error.  And for the user what it was, -errno. */
int reader_prepare(struct store_reader *r);
int reader_fail(struct store_reader *r, int rc, struct store_error *error);

/* The columns every arm of the question has. */
enum column {
	COLUMN_ID,
	COLUMN_KIND, /* enum event_kind */
	COLUMN_TIME,
	COLUMN_LIVED,
	COLUMN_LOCAL_PORT,
	COLUMN_PEER_PORT,
	COLUMN_FACTS,
	COLUMN_NETNS,
	COLUMN_COOKIE,
	COLUMN_LOCAL,
	COLUMN_PEER,
	COLUMN_PROCESS,
	COLUMN_A, /* sent; backlog; count */
	COLUMN_B, /* received; since */
	COLUMN_C, /* retransmits; added */
	COLUMN_D, /* rtt; removed */
	COLUMN_ERROR,
	COLUMN_STATES,
	COLUMN_ASKED,
	COLUMN_SYNS,
	COLUMN_HEARD,
	COLUMN_UNACKED,
	COLUMN_ALIVE, /* open: when its run was last heard of */
	COLUMN_RUN,   /* open: its run */
};

/* read_query.c: SQL text to be freed with sqlite3_free(), NULL without memory. */
char *query_rows(sqlite3 *db, const struct store_query *q);
char *query_open(const struct store_query *q);
/* Both in one, in the order of the times that are told; `running` is the run that goes on. */
char *query_by_time(sqlite3 *db, const struct store_query *q, int64_t running);
/* Of one boot, by the row of its name. */
char *query_open_of(int64_t boot);
char *query_time_waits_of(sqlite3 *db, int64_t boot, uint64_t from_ns);

/* read_name.c: as of an event; lives until the next call. */
const char *reader_netns_name(struct store_reader *r, int64_t netns, uint64_t time_ns);
/* Others may have come since. */
void reader_forget_name(struct store_reader *r);

/* read_row.c: the event lives until the next call.  False when the row cannot be read. */
void reader_forget(struct store_reader *r); /* empties the cache, forgets the last trouble */
bool row_event(struct store_reader *r, sqlite3_stmt *row, struct event *ret);

#endif
