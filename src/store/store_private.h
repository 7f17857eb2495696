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

#include "store.h"

#define STORE_APPLICATION_ID 0x736b7774 /* "skwt" */
#define STORE_VERSION	     1

/* ---- what a row says in few numbers ---- */

/* life.facts and call.facts; the views in schema.c take it apart again. */
#define FACTS_PROTOCOL	   0x1ff
#define FACTS_IPV6	   (1u << 9)
#define FACTS_MAPPED	   (1u << 10)
#define FACTS_HAS_LOCAL	   (1u << 11)
#define FACTS_HAS_PEER	   (1u << 12)
#define FACTS_COUNTED	   (1u << 13)
#define FACTS_TIME_WAIT	   (1u << 14)
#define FACTS_OPENED	   (1u << 15) /* the start was seen */
#define FACTS_END_SHIFT	   16	      /* 2 bits: enum event_end */
#define FACTS_REASON_SHIFT 18	      /* 4 bits: enum close_reason */
#define FACTS_AUTOBIND	   (1u << 22)
#define FACTS_STATE_SHIFT  23 /* 4 bits: enum tcp_state of a life that goes on */

/*
 * How long a life was, in powers of ten seconds: 0 below 1 s, 1 below 10 s ... 7 any longer.  A life of scale n that
 * touches T ended before T + 10^n s, so few rows are looked at, whatever else the store holds.
 */
#define SCALES 8
unsigned int scale_of(uint64_t ns);
/* The longest life of a scale, UINT64_MAX for the last. */
uint64_t scale_max_ns(unsigned int scale);

/* States and times as bytes: (state << 4 | n), then n bytes of nanoseconds, highest first. */
#define SPANS_BYTES (EVENT_MAX_STATES * 9)
size_t spans_pack(uint8_t *out, const struct event_close *close);
/* Unreadable bytes end the list. */
void spans_unpack(struct event_close *close, const uint8_t *bytes, size_t len);

enum record_kind {
	RECORD_LIFE,
	RECORD_OPEN,
	RECORD_CALL,
	RECORD_LOST,
	RECORD_PROCESS,
	RECORD_SWEEP,
};

#define NO_SLOT 0 /* no process known */

struct record {
	uint16_t size; /* with what follows, a multiple of 8 */
	uint8_t kind;
	uint8_t event; /* of a call: enum event_kind */
	uint32_t facts;
	uint32_t netns;
	uint32_t slot;	  /* of the process, see record_process */
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint64_t boot_ns; /* CLOCK_BOOTTIME */
	uint64_t lived_ns;
	uint64_t cookie;
	uint64_t sent, received; /* lost: count, since */
	uint32_t retransmits, rtt_us;
	uint64_t added, removed; /* lost */
	uint32_t number;	 /* listen: backlog */
	uint16_t error;
	uint16_t local_port, peer_port;
	uint16_t spans; /* bytes behind the record */
	uint32_t local_if, peer_if;
	uint8_t local[16], peer[16];
	/* spans[] */
};

/* From here on `slot` means this process. */
struct record_process {
	uint16_t size;
	uint8_t kind;
	bool has_cgroup;
	bool has_container;
	uint32_t slot;
	uint32_t pid, tid, uid;
	uint64_t cgroup_id;
	char name[PROCESS_NAME_SIZE];
	uint16_t cgroup_len, container_len;
	/* cgroup[], container[] */
};

/* ---- queue.c ---- */

#define CHUNK_BYTES (128u << 10)

struct chunk {
	struct chunk *next;
	size_t used;
	uint32_t rows; /* that count as lost when dropped */
	_Alignas(8) uint8_t data[CHUNK_BYTES];
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct chunk *first, *last; /* handed over, not yet taken */
	size_t waiting;		    /* chunks alive: being filled, handed over, or not safe yet */
	size_t max;
	bool stop;
	struct chunk *spare;   /* one kept for reuse */
	struct chunk *filling; /* the producer's */
};

int queue_init(struct queue *q, size_t bytes);
void queue_done(struct queue *q);
/* Room for a record of `size` bytes, NULL when memory is full; the producer's thread. */
void *queue_reserve(struct queue *q, size_t size);
void queue_commit(struct queue *q, size_t size, bool is_row);
void queue_hand_over(struct queue *q);
void queue_stop(struct queue *q);
/* The next chunk, NULL after timeout_ms or when stopped and empty (*ret_stopped then). */
struct chunk *queue_take(struct queue *q, int timeout_ms, bool *ret_stopped);
void queue_release(struct queue *q, struct chunk *list);

/* ---- slots.c: processes by number, so that a record names one in four bytes ---- */

#define SLOTS 16384

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
/* The descriptor whose lock says that a recorder runs, or -errno with the error filled. */
int file_lock(const char *path, struct store_error *error);
int file_create(sqlite3 *db, struct store_error *error);
int store_fail(struct store_error *error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
extern const char schema_sql[];

/* ---- insert.c: records into rows ---- */

enum statement {
	PUT_LIFE,
	PUT_OPEN,
	PUT_CALL,
	PUT_LOSS,
	PUT_PROCESS,
	FIND_PROCESS,
	COUNT_PROCESS,
	PUT_NETNS,
	FIND_NETNS,
	FIND_OPEN,
	DELETE_OPEN,
	PUT_BLOCK,
	ALIVE,
	STATEMENTS,
};

struct touched {
	uint32_t slot;
	int64_t process; /* row before, 0 none */
};

/* The block under construction: consecutive rows and the span of time they touch. */
struct block {
	int64_t first, last;
	int64_t oldest, newest; /* times of ends */
	int64_t rows;
};

struct rows {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	int64_t boot, run;
	int64_t next_id;
	struct block block;
	int64_t process[SLOTS + 1]; /* row of a slot */
	uint32_t lives[SLOTS + 1];  /* rows of this transaction that name it */
	bool is_named[SLOTS + 1];
	uint32_t *named; /* slots that had lives */
	size_t named_count;
	struct touched *undo; /* slots that changed in this transaction */
	size_t undo_count, undo_cap;
	int64_t undo_next_id;
	struct block undo_block;
	uint32_t netns_inode[256]; /* direct mapped */
	int64_t netns_row[256];
	uint64_t count; /* rows of this transaction */
};

int rows_init(struct rows *r, sqlite3 *db, int64_t boot, int64_t run);
void rows_done(struct rows *r);
void rows_begin(struct rows *r);
/* SQLITE_OK or an error, after which rows_rollback() restores what rows_begin() found. */
int rows_apply(struct rows *r, const struct chunk *chunk);
int rows_finish(struct rows *r, uint64_t now_ns); /* before COMMIT */
void rows_rollback(struct rows *r);
int rows_lost(struct rows *r, uint64_t count, uint64_t since_ns, uint64_t now_ns);
/* Ends the lives left open by earlier runs; only those of other boots where other_boots. */
int rows_sweep(struct rows *r, bool other_boots);

/* ---- keep.c ---- */

struct keep {
	uint64_t ns, bytes;
	uint64_t page_bytes;
	uint64_t log_bytes; /* set aside for the log */
};

/* Deletes up to `max` of the oldest rows that are due, inside the open transaction; *ret_more: others are due. */
int keep_step(const struct keep *k, struct rows *r, uint64_t now_ns, int64_t max, bool *ret_more);

/* ---- store.c ---- */

struct store {
	struct queue queue;
	struct slots *slots;
	pthread_t thread;
	bool started;
	int lock_fd;
	sqlite3 *db;
	struct rows rows;
	struct keep keep;
	uint64_t handed_ns; /* the producer's */

	/* the writer thread's, except where `lock` says */
	struct chunk *held, *held_last; /* applied or to be applied, not committed */
	struct chunk *to_apply;
	uint64_t begun_ns, retry_ns, alive_ns;
	uint64_t transaction_rows; /* at most */
	bool in_transaction, keep_more;

	pthread_mutex_t lock; /* of what follows */
	struct store_stats stats;
	uint64_t dropped_told, dropped_since_ns; /* told: has a row in the file */
};

uint64_t store_clock(bool realtime);

#endif
