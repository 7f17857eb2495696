// SPDX-License-Identifier: GPL-2.0-only
/*
 * store.c - the thread that writes.
 *
 * A transaction takes what comes within COMMIT_NS of its first record and is synced as it commits, so that neither a
 * kill nor a power cut costs more than the last second.  Until then its chunks stay in memory: when the
 * file takes nothing, they are applied again later.
 */
#include "store_private.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HAND_OVER_NS	 250000000ull
#define COMMIT_NS	 500000000ull
#define RETRY_NS	 500000000ull
#define ALIVE_NS	 10000000000ull
#define GIVE_UP_NS	 3000000000ull
#define WHOLE_NS	 10000000000ull
#define IDLE_NS		 1000000000ull
#define WAIT_MS		 100
#define REST_NS		 5000000000ull
#define START_BUSY_MS	 10000 /* nothing is lost before the start */
#define BUSY_MS		 2000
#define LOG_BYTES	 (16u << 20)
#define TRANSACTION_ROWS 100000
#define SENT_NS		 2000000000ull
#define UNSENT_NS	 60000000000ull /* between two rows that tell of what went unsent */
#define UNSENT_BYTES	 (1ull << 30)
#define KEEP_ROWS	 2000 /* rows deleted beyond twice those a transaction adds */
#define ROW_LOG_BYTES	 400  /* a row costs less in the log, deletion of another included */

static bool is_broken(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_READONLY:
	case SQLITE_SCHEMA:
	case SQLITE_MISUSE:
	case SQLITE_ERROR:
	case SQLITE_CONSTRAINT: return true;
	default: return false;
	}
}

static void set_stuck(struct store *s, int rc)
{
	pthread_mutex_lock(&s->lock);
	s->stats.stuck = rc != SQLITE_OK;
	s->stats.broken |= is_broken(rc);
	if (rc != SQLITE_OK)
		store_why(s->db, rc, s->stats.why, sizeof(s->stats.why));
	pthread_mutex_unlock(&s->lock);
}

/* Chunks that were applied and not committed are applied again when the file takes them. */
static void give_back(struct store *s, int rc)
{
	set_stuck(s, rc);
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	rows_rollback(&s->rows);
	s->in_transaction = false;
	s->to_apply = s->held;
	s->retry_ns = store_clock(false) + RETRY_NS;
	/* Room may be had by moving the log into the file. */
	sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static int begin(struct store *s)
{
	int rc;

	if (s->in_transaction)
		return SQLITE_OK;
	rows_begin(&s->rows);
	rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	s->in_transaction = rc == SQLITE_OK;
	return rc;
}

/* Lets go of the chunks that are safe now: all before to_apply. */
static void release_applied(struct store *s)
{
	struct chunk *list = s->held, **end = &s->held;

	while (*end != s->to_apply)
		end = &(*end)->next;
	s->held = *end;
	*end = NULL;
	if (!s->held)
		s->held_last = NULL;
	for (struct chunk *c = list; c; c = c->next)
		s->held_count--;
	queue_release(&s->queue, list);
}

static int put_drops(struct store *s, uint64_t *ret_dropped)
{
	uint64_t since;

	pthread_mutex_lock(&s->lock);
	*ret_dropped = s->stats.dropped;
	since = s->dropped_since_ns;
	pthread_mutex_unlock(&s->lock);
	if (*ret_dropped == s->dropped_told)
		return SQLITE_OK;
	return rows_lost(&s->rows, *ret_dropped - s->dropped_told, since, store_clock(true));
}

/* How far the store was sent; only who takes rows away need know. */
static void look_at_sent(struct store *s, uint64_t now)
{
	int fd = -1, err;

	if ((!s->keep.ns && !s->keep.bytes) || (s->sent_ns && now - s->sent_ns < SENT_NS))
		return;
	s->sent_ns = now;
	err = names_open_sent(s, &fd);
	if (err == 0)
		sent_read(fd, s->id, &s->keep.sent);
	else if (err == -ENOENT)
		s->keep.sent = UINT64_MAX;
	if (fd >= 0)
		close(fd);
}

/* A row for many that went unsent: such a row stays as it is, because it may be on its way already. */
static int tell_unsent(struct store *s, uint64_t now, bool *ret)
{
	*ret = false;
	if (s->unsent_told_ns && store_clock(false) - s->unsent_told_ns < UNSENT_NS)
		return SQLITE_OK;
	return rows_tell_unsent(&s->rows, now, ret);
}

static void commit(struct store *s)
{
	uint64_t dropped = 0, now = store_clock(true);
	int rc = put_drops(s, &dropped);
	struct kept kept = {0};
	bool told = false;
	uint64_t count;

	look_at_sent(s, store_clock(false));
	if (rc == SQLITE_OK)
		rc = tell_unsent(s, now, &told);

	if (rc == SQLITE_OK)
		rc = rows_finish(&s->rows, now);
	if (rc == SQLITE_OK)
		rc = keep_step(&s->keep, &s->rows, now, (int64_t)s->rows.count * 2 + KEEP_ROWS,
			       &kept);
	count = s->rows.count;
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		give_back(s, rc);
		return;
	}
	s->in_transaction = false;
	s->keep_more = kept.more;
	s->alive_ns = store_clock(false);
	if (told)
		s->unsent_told_ns = s->alive_ns;
	release_applied(s);
	pthread_mutex_lock(&s->lock);
	s->stats.stored += count;
	s->stats.unsent += kept.unsent;
	s->stats.stuck = false;
	s->dropped_told = dropped;
	pthread_mutex_unlock(&s->lock);
}

/*
 * The last call's holders are still to come, in the next chunk: whoever copies rows takes the call for all there is.  Not waited for
 * where memory may not suffice for them.
 */
static bool is_in_call(const struct store *s)
{
	return s->rows.follow && s->held_count * 2 < s->queue.max &&
	       (!s->held || store_clock(false) - s->held->born_ns < WHOLE_NS);
}

static void apply(struct store *s)
{
	while (s->to_apply) {
		int rc = begin(s);

		if (rc == SQLITE_OK)
			rc = rows_apply(&s->rows, s->to_apply);
		if (rc != SQLITE_OK) {
			give_back(s, rc);
			return;
		}
		s->to_apply = s->to_apply->next;
		if (s->rows.count + s->rows.opened >= s->transaction_rows && !is_in_call(s))
			commit(s);
		if (store_clock(false) < s->retry_ns)
			return;
	}
}

static void hold(struct store *s, struct chunk *c)
{
	if (s->held_last)
		s->held_last->next = c;
	else
		s->held = c;
	s->held_last = c;
	s->held_count++;
	if (!s->to_apply)
		s->to_apply = c;
}

/* True when nothing is left to write, or the file took nothing for too long after the stop. */
static bool is_finished(struct store *s, uint64_t now, uint64_t *stopped_ns)
{
	if (!*stopped_ns)
		*stopped_ns = now;
	return !s->held || now - *stopped_ns > GIVE_UP_NS;
}

/*
 * Whether the transaction is to be committed.  Its age counts from its first record, which may have
 * waited while the commit before was synced.  It is due too when its chunks take a quarter of the
 * memory, because new records need the rest.
 */
static bool is_due(const struct store *s)
{
	return !is_in_call(s) && (s->held_count * 4 >= s->queue.max ||
				  store_clock(false) - s->held->born_ns >= COMMIT_NS);
}

/* SQLite keeps the pages that it has read and written, until others need their place. */
static void rest(struct store *s, const struct chunk *taken, uint64_t now)
{
	if (taken) {
		s->took_ns = now;
	} else if (s->took_ns && now - s->took_ns >= REST_NS && !s->in_transaction) {
		sqlite3_db_release_memory(s->db);
		malloc_trim(0);
		s->took_ns = 0;
	}
}

/* Until there is something to do although no chunk comes. */
static int wait_ms(const struct store *s)
{
	uint64_t now = store_clock(false), until = now + IDLE_NS;

	if (s->to_apply)
		until = s->retry_ns;
	else if (s->held && is_in_call(s))
		until = now + WAIT_MS * 1000000ull;
	else if (s->held)
		until = s->held->born_ns + COMMIT_NS;
	else if (s->keep_more)
		until = s->alive_ns + COMMIT_NS;
	return until > now ? (int)((until - now) / 1000000) + 1 : 0;
}

static void *write_rows(void *ctx)
{
	struct store *s = ctx;
	uint64_t stopped_ns = 0;

	for (;;) {
		bool stopped;
		struct chunk *c = queue_take(&s->queue, wait_ms(s), &stopped);
		uint64_t now = store_clock(false);

		if (c)
			hold(s, c);
		else if (!s->held)
			queue_rest(&s->queue);
		rest(s, c, now);
		if (now >= s->retry_ns) {
			apply(s);
			if (!s->in_transaction && now >= s->retry_ns &&
			    (now - s->alive_ns >= ALIVE_NS ||
			     (s->keep_more && now - s->alive_ns >= COMMIT_NS)) &&
			    begin(s) == SQLITE_OK)
				commit(s);
			if (s->in_transaction && (stopped || is_due(s)))
				commit(s);
		}
		if (stopped && is_finished(s, now, &stopped_ns))
			return NULL;
		if (stopped)
			usleep(WAIT_MS * 1000);
	}
}

/* ---- life ---- */

/* Where `ret`, the statement must give a row. */
static int number(sqlite3 *db, int64_t *ret, const char *format, ...)
{
	sqlite3_stmt *s = NULL;
	va_list args;
	char *text;
	int rc;

	va_start(args, format);
	text = sqlite3_vmprintf(format, args);
	va_end(args);
	rc = text ? sqlite3_prepare_v2(db, text, -1, &s, NULL) : SQLITE_NOMEM;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && ret)
		*ret = sqlite3_column_int64(s, 0);
	else if (rc == SQLITE_DONE && ret)
		rc = SQLITE_CORRUPT;
	sqlite3_finalize(s);
	sqlite3_free(text);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int begin_run(struct store *s, const struct store_options *o, int64_t *ret_boot,
		     int64_t *ret_run)
{
	long long now = (long long)o->now_ns;
	int rc = number(s->db, NULL, "INSERT OR IGNORE INTO boot(name) VALUES(%Q)", o->boot_id);

	*ret_boot = *ret_run = 0;
	if (rc == SQLITE_OK)
		rc = number(s->db, ret_boot, "SELECT id FROM boot WHERE name=%Q", o->boot_id);
	if (rc == SQLITE_OK)
		rc = number(s->db, NULL,
			    "INSERT INTO run(boot,version,started,alive) VALUES(%lld,%Q,%lld,%lld)",
			    (long long)*ret_boot, SOCKWATCH_VERSION, now, now);
	if (rc == SQLITE_OK)
		*ret_run = sqlite3_last_insert_rowid(s->db);
	return rc;
}

/* The log is what lets readers in while it is written; some file systems cannot share its index. */
static int use_log(sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		rc = sqlite3_stricmp((const char *)sqlite3_column_text(s, 0), "wal")
			     ? SQLITE_CANTOPEN
			     : SQLITE_OK;
	sqlite3_finalize(s);
	return rc;
}

static int open_file(struct store *s, const struct store_options *o, bool is_new,
		     struct store_error *error)
{
	int64_t boot = 0, run = 0, page = 0;
	char text[256], why[256];
	int rc = sqlite3_open_v2(o->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				 file_vfs());

	if (rc == SQLITE_OK)
		sqlite3_busy_timeout(s->db, START_BUSY_MS);
	if (rc == SQLITE_OK && is_new && file_create(s->db, error) < 0)
		return -EIO;
	if (rc == SQLITE_OK)
		rc = file_guard(s->db);
	if (rc == SQLITE_OK)
		rc = number(s->db, &page, "PRAGMA page_size");
	s->keep = (struct keep){.ns = o->keep_ns,
				.bytes = o->keep_bytes,
				.page_bytes = (uint64_t)page,
				.log_bytes = LOG_BYTES,
				.sent = UINT64_MAX};
	s->keep.unsent_bytes = o->unsent_bytes ? o->unsent_bytes
			       : o->keep_bytes ? 2 * o->keep_bytes
					       : UNSENT_BYTES;
	if (s->keep.unsent_bytes < o->keep_bytes)
		s->keep.unsent_bytes = o->keep_bytes;
	if (s->keep.bytes && s->keep.bytes / 4 < LOG_BYTES)
		s->keep.log_bytes = s->keep.bytes / 4;
	if (s->keep.unsent_bytes / 4 < s->keep.log_bytes)
		s->keep.log_bytes = s->keep.unsent_bytes / 4;
	s->transaction_rows = s->keep.log_bytes / 2 / ROW_LOG_BYTES;
	if (s->transaction_rows > TRANSACTION_ROWS)
		s->transaction_rows = TRANSACTION_ROWS;
	snprintf(text, sizeof(text),
		 "PRAGMA synchronous=FULL;PRAGMA temp_store=MEMORY;"
		 "PRAGMA cache_size=-4096;PRAGMA wal_autocheckpoint=%llu;"
		 "PRAGMA journal_size_limit=%llu",
		 (unsigned long long)(s->keep.log_bytes / 2 / (uint64_t)(page ? page : 4096)),
		 (unsigned long long)s->keep.log_bytes);
	if (rc == SQLITE_OK)
		rc = use_log(s->db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, text, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = file_upgrade(s->db);
	if (rc == SQLITE_OK)
		rc = file_id(s->db, s->id);
	if (rc == SQLITE_OK)
		rc = begin_run(s, o, &boot, &run);
	if (rc == SQLITE_OK)
		rc = rows_init(&s->rows, s->db, boot, run);
	if (rc == SQLITE_OK)
		rc = begin(s);
	if (rc == SQLITE_OK)
		rc = rows_sweep(&s->rows, NULL);
	if (rc == SQLITE_OK)
		rc = rows_finish(&s->rows, o->now_ns);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	s->in_transaction = false;
	if (rc != SQLITE_OK)
		return store_fail(error, -EIO, "cannot write to %s: %s", o->path,
				  store_why(s->db, rc, why, sizeof(why)));
	sqlite3_busy_timeout(s->db, BUSY_MS);
	return 0;
}

static void tell_readers(struct store *s)
{
	if (!s->told_readers)
		s->told_readers = file_tell_recording(s->tell_fd);
}

struct store *store_open(const struct store_options *options, struct store_error *error)
{
	struct store *s;
	bool is_new = false;
	int fd, tell_fd;

	if (file_ours(options->path, error) < 0 || file_check(options->path, &is_new, error) < 0)
		return NULL;
	fd = file_lock(options->path, error);
	if (fd < 0)
		return NULL;
	tell_fd = file_open(options->path, error);
	if (tell_fd < 0) {
		close(fd);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s || queue_init(&s->queue, options->queue_bytes) < 0 || !(s->slots = slots_new())) {
		store_fail(error, -ENOMEM, "no memory");
		free(s);
		close(tell_fd);
		close(fd);
		return NULL;
	}
	s->lock_fd = fd;
	s->tell_fd = tell_fd;
	tell_readers(s);
	pthread_mutex_init(&s->lock, NULL);
	/* Whoever held the lock a moment ago may have made the file. */
	if (file_check(options->path, &is_new, error) < 0 ||
	    open_file(s, options, is_new, error) < 0)
		goto fail;
	s->alive_ns = store_clock(false);
	s->opened = true;
	if (options->starts_later || store_start(s) == 0)
		return s;
	store_fail(error, -EAGAIN, "cannot start a thread");
fail:
	store_close(s, NULL);
	return NULL;
}

int store_start(struct store *s)
{
	s->started = pthread_create(&s->thread, NULL, write_rows, s) == 0;
	return s->started ? 0 : -EAGAIN;
}

void store_pulse(struct store *s, uint64_t now_ns)
{
	if (now_ns - s->handed_ns < HAND_OVER_NS)
		return;
	s->handed_ns = now_ns;
	queue_hand_over(&s->queue);
	tell_readers(s);
}

void store_get_stats(struct store *s, struct store_stats *ret)
{
	struct stat file;
	size_t waiting;

	pthread_mutex_lock(&s->queue.lock);
	waiting = s->queue.waiting;
	pthread_mutex_unlock(&s->queue.lock);
	pthread_mutex_lock(&s->lock);
	*ret = s->stats;
	pthread_mutex_unlock(&s->lock);
	ret->waiting_bytes = waiting * CHUNK_BYTES;
	ret->file_bytes = fstat(s->tell_fd, &file) == 0 ? (uint64_t)file.st_size : 0;
}

static void end_run(struct store *s)
{
	bool told = false;

	for (struct chunk *c = s->held; c; c = c->next)
		s->stats.dropped += c->rows;
	/* What is committed stays as it is: its numbers are given. */
	if (s->in_transaction) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		rows_rollback(&s->rows);
		s->in_transaction = false;
	}
	if (begin(s) == SQLITE_OK) {
		int rc = rows_tell_unsent(&s->rows, store_clock(true), &told);

		if (rc == SQLITE_OK && s->stats.dropped > s->dropped_told)
			rc = rows_lost(&s->rows, s->stats.dropped - s->dropped_told,
				       s->dropped_since_ns, store_clock(true));
		if (rc == SQLITE_OK)
			rc = rows_finish(&s->rows, store_clock(true));
		sqlite3_exec(s->db, rc == SQLITE_OK ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL);
	}
	number(s->db, NULL, "UPDATE run SET stopped=%lld,alive=%lld WHERE id=%lld",
	       (long long)store_clock(true), (long long)store_clock(true), (long long)s->rows.run);
}

void store_close(struct store *s, struct store_stats *ret_stats)
{
	if (!s)
		return;
	if (s->started) {
		queue_hand_over(&s->queue);
		queue_stop(&s->queue);
		pthread_join(s->thread, NULL);
	}
	if (s->opened)
		end_run(s);
	if (ret_stats)
		store_get_stats(s, ret_stats);
	rows_done(&s->rows);
	sqlite3_close(s->db);
	queue_release(&s->queue, s->held);
	queue_done(&s->queue);
	slots_free(s->slots);
	pthread_mutex_destroy(&s->lock);
	close(s->tell_fd);
	close(s->lock_fd);
	free(s);
}
