/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_private.h - for src/store only: the record that waits in memory, the queue, the file.
 *
 *     store_event() ──pack──▶ chunk ──hand over──▶ queue ──▶ writer thread ──▶ SQLite
 *                              │                     └ chunks stay until their transaction is safe
 *                              └ dropped and counted when queue_bytes are waiting
 */
#ifndef SOCKWATCH_STORE_PRIVATE_H
#define SOCKWATCH_STORE_PRIVATE_H

#include <pthread.h>
#include <sqlite3.h>

#include "keep.h"
#include "queue.h"
#include "record.h"
#include "rows.h"
#include "store.h"

#define STORE_APPLICATION_ID 0x736b7774 /* "skwt" */
#define STORE_VERSION	     4
#define STORE_VERSION_OLD    3	/* is read, too, and taken over by the next writer */
#define STORE_ID_SIZE	     33 /* with NUL */

/* ---- slots.c: processes by number, so that a record names one in four bytes ---- */

struct slots;
struct slots *slots_new(void);
void slots_free(struct slots *s);
/* The slot of `p`; true in *ret_new when the caller must say RECORD_PROCESS first, and slots_forget() if it cannot. */
uint32_t slots_find(struct slots *s, const struct process *p, bool *ret_new);
void slots_forget(struct slots *s, uint32_t slot);

/* ---- file.c ---- */

/* Refuses what is no store without changing a byte.  *ret_new: the file is missing or empty. */
int file_check_header(const char *path, bool *ret_new, struct store_error *error);
/* The same, and that its pages make sense, as far as two seconds go. */
int file_check(const char *path, bool *ret_new, struct store_error *error);
/* The descriptor whose lock keeps other recorders out, or -errno with the error filled. */
int file_lock(const char *path, struct store_error *error);
/* 0 where no stranger has a hand in the store or in what lies beside it and is read with it. */
int file_ours(const char *path, struct store_error *error);
/* The store, made where there is none, for file_tell_recording(): or -errno with the error filled. */
int file_open(const char *path, struct store_error *error);
/* The name under which SQLite opens, and makes, only what no stranger has a hand in: safe_file.h. */
const char *file_vfs(void);
/*
 * Tells readers, by a lock, that this store is being recorded into, as long as the descriptor stays open; false: a reader is in
 * the way, try again.  And whether somebody does.
 */
bool file_tell_recording(int fd);
bool file_is_recorded(int fd);
int file_create(sqlite3 *db, struct store_error *error);
int store_fail(struct store_error *error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- sent.c ---- */

/* FILE-sent of the store `path` to be read, or -errno. */
int sent_open(const char *path);
/* The last row that was sent of the store of this name, UINT64_MAX where another is sent; *sent stays where it cannot be read. */
void sent_read(int fd, const char *store, uint64_t *sent);
/* names.c: the same file, by whoever still comes to its directory. */
int names_open_sent(const struct store *s, int *ret_fd);

/* Of a life, behind its id: see schema.c. */
#define LIFE_COLUMNS                                                                               \
	"closed INTEGER NOT NULL,lived INTEGER NOT NULL,local_port INTEGER,peer_port INTEGER,"     \
	"scale INTEGER NOT NULL,facts INTEGER NOT NULL,netns INTEGER,cookie INTEGER,local,peer,"   \
	"process INTEGER,sent INTEGER,received INTEGER,retransmits INTEGER,rtt INTEGER,"           \
	"error INTEGER,states BLOB,asked BLOB,syns INTEGER,heard INTEGER,unacked INTEGER"
extern const char schema_sql[], schema_upgrade_sql[], schema_stand_in_sql[];
/*
 * To be called before anything is read or written.  Keeps a file that others made from running
 * code, and checks that it has the tables of schema.c: else SQLITE_MISMATCH.
 */
int file_guard(sqlite3 *db);
/* ---- upgrade.c: SQLite's errors ---- */

int file_version(sqlite3 *db, int *ret);
/* In one transaction of its own: what a store of an older version lacks, and its name where it has none. */
int file_upgrade(sqlite3 *db);
/* For a connection that only reads: what its store lacks, empty; and away with it once a writer has taken the store over. */
int file_stand_in(sqlite3 *db, bool *ret);
int file_stand_back(sqlite3 *db, bool *stands_in);
/* STORE_ID_SIZE bytes; "" where nothing tells it yet. */
int file_id(sqlite3 *db, char *ret);

/* Why a call failed, in printable ASCII: it may reach a terminal. */
const char *store_why(sqlite3 *db, int rc, char *out, size_t size);

/* ---- store.c ---- */

#define TOLD_NETNS 256

struct store {
	struct queue queue;
	struct slots *slots;
	pthread_t thread;
	bool opened, started;
	int lock_fd; /* of others' recorders */
	int tell_fd; /* of the store, for its readers */
	bool told_readers;
	sqlite3 *db;
	char id[STORE_ID_SIZE];
	struct rows rows;
	struct keep keep;
	uint64_t handed_ns; /* the producer's */
	struct told_netns {
		uint32_t netns;
		bool away;
		char name[NETNS_NAME_SIZE];
	} told_netns[TOLD_NETNS]; /* likewise: what was put last; direct mapped */

	/* the writer thread's, except where `lock` says */
	struct chunk *held, *held_last; /* applied or to be applied, not committed */
	struct chunk *to_apply;
	size_t held_count;
	uint64_t retry_ns, alive_ns;
	uint64_t sent_ns,
		unsent_told_ns; /* when that was looked at, and rows that went unsent were last told; 0 never */
	uint64_t took_ns; /* the last chunk, 0: what it took is given back */
	uint64_t transaction_rows; /* at most */
	bool in_transaction, keep_more;

	pthread_mutex_t lock; /* of what follows */
	struct store_stats stats;
	uint64_t dropped_told, dropped_since_ns; /* told: has a row in the file */
};

uint64_t store_clock(bool realtime);

#endif
