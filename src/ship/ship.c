// SPDX-License-Identifier: GPL-2.0-only
#include "ship.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch.h"
#include "changing.h"
#include "store_sent.h"

#define SECOND_NS    UINT64_C(1000000000)
#define BATCH_NS     (5 * SECOND_NS)
#define CHANGING_NS  (60 * SECOND_NS)
#define CHANGING_MAX 50000
/* A failed call at the end of what is recorded: its holders may come with the next transaction. */
#define WHOLE_NS (10 * SECOND_NS)
/* What the store or the file of the cursor does not allow now. */
#define LOCAL_NS      (5 * SECOND_NS)
#define KIND_OVERFLOW 7 /* of a call: EVENT_OVERFLOW */

struct ship {
	struct ship_options options;
	char *store, *prefix, *host, *machine_id;
	struct ship_error unread; /* why the store cannot be read, "" it can */

	struct cursor *cursor;
	struct ship_http *http;
	struct insert_to to;
	struct pace pace;
	int64_t taken; /* a part that the server has and the cursor could not be told; 0 none */

	int sent_fd; /* by which the recorder is told; or -errno */
	uint64_t sent_told;
	char id_told[CURSOR_ID_SIZE];

	struct store_reader *reader;
	struct stat opened; /* which file it reads */
	char id[CURSOR_ID_SIZE];
	uint64_t last, last_ns; /* of the store, and since when (steady) */

	bool batch;    /* one is frozen */
	uint64_t sent; /* of the store, in the last look */
	uint64_t
		looked_ns; /* steady: when the next rows were looked for; 0 never, or there were more */
	uint64_t changed_ns; /* likewise, rows that change */
	int changing;	     /* enum cursor_kind that is sent next; -1 none */
	bool flush_changed;  /* they were sent since what waits does not wait any more */
	bool flushed;	     /* nothing was left in the last look */

	struct ship_tally tally;
	bool tally_is_news;
	uint64_t told_failures;
	char said[SHIP_HTTP_WORDS];
};

/* ---- the store ---- */

static void close_store(struct ship *s)
{
	store_reader_close(s->reader);
	s->reader = NULL;
}

/* Another file has the name by now. */
static bool is_replaced(const struct ship *s)
{
	struct stat now;

	return stat(s->store, &now) == 0 &&
	       (now.st_dev != s->opened.st_dev || now.st_ino != s->opened.st_ino);
}

/* False with s->unread filled. */
static bool open_store(struct ship *s, uint64_t wall_ns)
{
	struct store_error error = {""};
	const char *id;

	if (s->reader && is_replaced(s))
		close_store(s);
	if (!s->reader) {
		s->reader = store_reader_open(s->store, wall_ns, &error);
		if (!s->reader || stat(s->store, &s->opened) < 0) {
			snprintf(s->unread.text, sizeof(s->unread.text), "%s", error.text);
			close_store(s);
			return false;
		}
		if (s->options.no_args)
			store_reader_leave_out_args(s->reader);
		s->last = 0;
	}
	id = store_id(s->reader);
	snprintf(s->id, sizeof(s->id), "%s", id);
	if (!*id)
		snprintf(s->unread.text, sizeof(s->unread.text),
			 "%s: nothing was recorded there yet", s->store);
	else
		s->unread.text[0] = '\0';
	return *id;
}

/* What need not wait any more: what is frozen is safe. */
static int find_safe(struct ship *s, uint64_t *ret)
{
	struct cursor_batch batch = {0};
	struct ship_error unused;
	int err = cursor_sent(s->cursor, s->id, ret, &unused);

	if (!err)
		err = cursor_batch(s->cursor, &batch, &unused);
	if (!err && batch.last > *ret && !strcmp(batch.store, s->id))
		*ret = batch.last;
	return err;
}

static void tell_recorder(struct ship *s)
{
	uint64_t safe;

	if (s->sent_fd == -ENOENT)
		s->sent_fd = store_sent_open(s->store);
	if (s->sent_fd < 0 || !s->reader || !s->id[0] || find_safe(s, &safe) < 0 ||
	    (safe == s->sent_told && !strcmp(s->id, s->id_told)))
		return;
	if (store_sent_write(s->sent_fd, s->id, safe) < 0)
		return;
	s->sent_told = safe;
	strcpy(s->id_told, s->id);
}

static bool is_unfinished(void *ctx, const struct copy_value *values)
{
	size_t count;
	const struct copy_column *columns = copy_columns(COPY_CALL, &count);

	for (size_t i = 0; i < count; i++) {
		if ((!strcmp(columns[i].name, "error") && values[i].known && values[i].number) ||
		    (!strcmp(columns[i].name, "kind") && values[i].number == KIND_OVERFLOW))
			*(bool *)ctx = true;
	}
	return false;
}

/* The last row that will not change any more. */
static uint64_t find_last(struct ship *s, const struct ship_now *now)
{
	uint64_t last = store_last(s->reader);
	struct store_error unused;
	bool unfinished = false;

	if (last != s->last) {
		s->last = last;
		s->last_ns = now->steady_ns;
	}
	if (last && now->steady_ns - s->last_ns < WHOLE_NS && store_is_recording(s->reader))
		store_copy(s->reader, COPY_CALL, last, last, is_unfinished, &unfinished, &unused);
	return last - unfinished;
}

/* ---- words ---- */

/* Of a store that is open. */
static void count_waiting(struct ship *s)
{
	uint64_t last = s->reader ? store_last(s->reader) : 0,
		 waiting = last > s->sent ? last - s->sent : 0;

	if (!s->reader || waiting == s->tally.waiting)
		return;
	s->tally.waiting = waiting;
	s->tally_is_news = true;
}

static enum ship_state in_trouble(struct ship *s, struct ship_step *ret, enum ship_state state,
				  uint64_t pause_ns, const char *words)
{
	count_waiting(s);
	ret->pause_ns = pause_ns;
	snprintf(ret->words, sizeof(ret->words), "%s", words);
	ret->news = strcmp(ret->words, s->said) != 0;
	s->tally.failures++;
	s->tally_is_news = true;
	snprintf(s->said, sizeof(s->said), "%s", ret->words);
	snprintf(s->tally.why, sizeof(s->tally.why), "%s", ret->words);
	return state;
}

static void is_well(struct ship *s, struct ship_step *ret)
{
	ret->news = s->said[0] != '\0';
	if (s->said[0])
		s->tally_is_news = true;
	s->said[0] = s->tally.why[0] = '\0';
}

/* For status.  Where that cannot be kept, what was sent can still be. */
static void tell(struct ship *s)
{
	struct ship_tally more = s->tally;
	struct ship_error unused;

	if (!s->tally_is_news)
		return;
	more.failures -= s->told_failures;
	s->tally_is_news = cursor_tell(s->cursor, &more, &unused) < 0;
	if (!s->tally_is_news)
		s->told_failures = s->tally.failures;
}

/* ---- what is sent ---- */

/* The file cannot be written, the store not read: both may be well again. */
static enum ship_state fail_here(struct ship *s, struct ship_step *ret,
				 const struct ship_error *error)
{
	return in_trouble(s, ret, SHIP_TROUBLE, LOCAL_NS, error->text);
}

static enum ship_state judge(struct ship *s, const struct ship_now *now, enum pace_verdict verdict,
			     uint64_t retry_after_ns, const struct ship_error *words,
			     struct ship_step *ret)
{
	switch (verdict) {
	case PACE_TAKEN:
		pace_succeed(&s->pace);
		is_well(s, ret);
		return SHIP_SENT;
	case PACE_OLD: s->to.old = true; return in_trouble(s, ret, SHIP_TROUBLE, 0, words->text);
	case PACE_STOPPED: return SHIP_STOPPED;
	case PACE_AGAIN:
	case PACE_REFUSED: break;
	}
	return in_trouble(s, ret, verdict == PACE_REFUSED ? SHIP_REFUSED : SHIP_TROUBLE,
			  pace_fail(&s->pace, verdict, retry_after_ns, now->random), words->text);
}

static enum ship_state send_part(struct ship *s, const struct ship_now *now,
				 const struct cursor_part *part, struct ship_step *ret)
{
	const struct insert_rows rows = {.table = part->table,
					 .columns = part->columns,
					 .token = part->token,
					 .rows = part->rows,
					 .body = part->body,
					 .len = part->len};
	int64_t number = part->number;
	struct ship_error words = {""};
	uint64_t retry_after_ns;
	enum pace_verdict verdict = insert_send(&s->to, &rows, &retry_after_ns, &words);

	if (verdict == PACE_TAKEN && cursor_taken(s->cursor, number, now->wall_ns, &words) < 0) {
		s->taken = number;
		return fail_here(s, ret, &words);
	}
	return judge(s, now, verdict, retry_after_ns, &words, ret);
}

/* What is frozen goes first, whatever has become of the store.  False: nothing is. */
static bool send_batch(struct ship *s, const struct ship_now *now, struct ship_step *ret,
		       enum ship_state *state)
{
	struct ship_error error = {""};
	struct cursor_part part;
	int n;

	if (s->taken) {
		if (cursor_taken(s->cursor, s->taken, now->wall_ns, &error) < 0) {
			*state = fail_here(s, ret, &error);
			return true;
		}
		s->taken = 0;
		is_well(s, ret);
	}
	n = cursor_part(s->cursor, &part, &error);
	s->batch = n > 0;
	if (n > 0)
		*state = send_part(s, now, &part, ret);
	else if (n < 0)
		*state = fail_here(s, ret, &error);
	return n != 0;
}

/* 1 where a batch was frozen, 0 where there is nothing to send, -errno. */
static int look(struct ship *s, const struct ship_now *now, struct ship_error *error)
{
	const struct encode_who who = {s->host, s->machine_id, s->id};
	uint64_t last = find_last(s, now), oldest_ns = 0;
	bool back = false;
	int n = batch_check(s->cursor, s->reader, s->id, s->last, &back, error);

	if (!n)
		n = cursor_sent(s->cursor, s->id, &s->sent, error);
	/* More was sent than it has, and there is no mark: from the beginning. */
	if (!n && s->sent > s->last) {
		n = cursor_rewind(s->cursor, s->id, 0, error);
		s->sent = 0;
	}
	if (!n && last > s->sent)
		n = batch_freeze(s->cursor, s->reader, &who, s->sent, last, s->options.batch_rows,
				 now->wall_ns, &oldest_ns, error);
	if (n < 0)
		return n;
	count_waiting(s);
	s->looked_ns = n && last - s->sent > s->options.batch_rows ? 0 : now->steady_ns;
	if (s->tally.oldest_ns != oldest_ns) {
		s->tally.oldest_ns = oldest_ns;
		s->tally_is_news = true;
	}
	return n;
}

static enum ship_state send_changing(struct ship *s, const struct ship_now *now,
				     struct ship_step *ret)
{
	const struct encode_who who = {s->host, s->machine_id, s->id};
	enum pace_verdict verdict = PACE_TAKEN;
	struct ship_error words = {""};
	uint64_t retry_after_ns = 0;
	bool more = false;
	enum ship_state state;

	if (changing_send(s->cursor, s->reader, &s->to, &who, (enum cursor_kind)s->changing,
			  now->wall_ns, CHANGING_MAX, &more, &verdict, &retry_after_ns,
			  &words) < 0) {
		close_store(s);
		return fail_here(s, ret, &words);
	}
	state = judge(s, now, verdict, retry_after_ns, &words, ret);
	if (state == SHIP_SENT && !more)
		s->changing = s->changing == CURSOR_RUN ? CURSOR_OPEN : -1;
	return state;
}

static bool is_due(uint64_t since_ns, uint64_t now_ns, uint64_t every_ns)
{
	return !since_ns || now_ns - since_ns >= every_ns;
}

static uint64_t left_of(uint64_t since_ns, uint64_t now_ns, uint64_t every_ns)
{
	return now_ns - since_ns < every_ns ? every_ns - (now_ns - since_ns) : 0;
}

/* Once a minute, and once where nothing waits any more. */
static void begin_changing(struct ship *s, const struct ship_now *now)
{
	if (s->changing >= 0 || (!is_due(s->changed_ns, now->steady_ns, CHANGING_NS) &&
				 (!now->flush || s->flush_changed)))
		return;
	s->changing = CURSOR_RUN;
	s->changed_ns = now->steady_ns;
	s->flush_changed = now->flush;
}

static enum ship_state wait_for_store(struct ship *s, struct ship_step *ret)
{
	ret->pause_ns = s->options.batch_ns;
	ret->news = strcmp(s->unread.text, s->said) != 0;
	snprintf(ret->words, sizeof(ret->words), "%s", s->unread.text);
	snprintf(s->said, sizeof(s->said), "%s", s->unread.text);
	return SHIP_IDLE;
}

static enum ship_state step(struct ship *s, const struct ship_now *now, struct ship_step *ret)
{
	struct ship_error error = {""};
	enum ship_state state;
	int n;

	if (send_batch(s, now, ret, &state))
		return state;
	if (!now->flush && s->changing < 0 &&
	    !is_due(s->looked_ns, now->steady_ns, s->options.batch_ns)) {
		ret->pause_ns = left_of(s->looked_ns, now->steady_ns, s->options.batch_ns);
		return SHIP_IDLE;
	}
	s->flushed = false;
	if (!open_store(s, now->wall_ns))
		return wait_for_store(s, ret);
	n = look(s, now, &error);
	if (n < 0) {
		close_store(s);
		return fail_here(s, ret, &error);
	}
	if (n > 0)
		return SHIP_SENT;
	begin_changing(s, now);
	if (s->changing >= 0)
		return send_changing(s, now, ret);
	is_well(s, ret);
	s->flushed = true;
	ret->pause_ns = s->options.batch_ns;
	return SHIP_IDLE;
}

enum ship_state ship_step(struct ship *s, const struct ship_now *now, struct ship_step *ret)
{
	enum ship_state state;

	*ret = (struct ship_step){0};
	state = step(s, now, ret);
	tell_recorder(s);
	tell(s);
	return state;
}

bool ship_is_done(const struct ship *s)
{
	return s->flushed && !s->batch;
}

void ship_get_tally(struct ship *s, struct ship_tally *ret)
{
	struct ship_tally kept;

	*ret = s->tally;
	if (cursor_tally(s->cursor, &kept) < 0)
		return;
	ret->rows = kept.rows;
	ret->batches = kept.batches;
	ret->bytes = kept.bytes;
	ret->sent_ns = kept.sent_ns;
}

const char *ship_untold(const struct ship *s)
{
	return s->sent_fd < 0 && s->sent_fd != -ENOENT ? strerror(-s->sent_fd) : NULL;
}

const char *ship_directory(const struct ship *s)
{
	return cursor_directory(s->cursor);
}

/* ---- begin and end ---- */

static char *copy_text(const char *text, bool *ret_failed)
{
	char *copy = strdup(text ? text : "");

	*ret_failed |= !copy;
	return copy;
}

static bool copy_options(struct ship *s, const struct ship_options *o, struct ship_error *error)
{
	bool failed = false;

	s->options = *o;
	s->store = copy_text(o->store, &failed);
	s->prefix = copy_text(o->prefix, &failed);
	s->host = copy_text(o->host, &failed);
	s->machine_id = copy_text(o->machine_id, &failed);
	if (!s->options.batch_rows)
		s->options.batch_rows = BATCH_ROWS;
	if (!s->options.batch_ns)
		s->options.batch_ns = BATCH_NS;
	if (failed)
		snprintf(error->text, sizeof(error->text), "no memory");
	return !failed;
}

struct ship *ship_open(const struct ship_options *o, struct ship_error *error)
{
	const struct ship_http_options http = {.place = o->to.place,
					       .user = o->user,
					       .password = o->password,
					       .ca_file = o->ca_file,
					       .go_on = o->go_on,
					       .ctx = o->ctx};
	struct ship *s = calloc(1, sizeof(*s));

	if (!s) {
		snprintf(error->text, sizeof(error->text), "no memory");
		return NULL;
	}
	s->changing = -1;
	s->sent_fd = -ENOENT;
	if (!copy_options(s, o, error) || !(s->cursor = cursor_open(o->store, error)) ||
	    !(s->http = ship_http_open(&http, error)) || cursor_tally(s->cursor, &s->tally) < 0) {
		ship_close(s);
		return NULL;
	}
	snprintf(s->tally.place, sizeof(s->tally.place), "%s", o->to.place);
	s->told_failures = s->tally.failures;
	s->tally_is_news = true;
	s->to = (struct insert_to){.http = s->http,
				   .about = {.place = s->options.to.place,
					     .database = s->options.to.database,
					     .user = o->user},
				   .prefix = s->prefix};
	/* While they may be opened; where they are not there yet, later. */
	open_store(s, 0);
	tell_recorder(s);
	return s;
}

void ship_close(struct ship *s)
{
	if (!s)
		return;
	close_store(s);
	ship_http_close(s->http);
	if (s->sent_fd >= 0)
		close(s->sent_fd);
	if (s->cursor)
		tell(s);
	cursor_close(s->cursor);
	free(s->store);
	free(s->prefix);
	free(s->host);
	free(s->machine_id);
	free(s);
}
