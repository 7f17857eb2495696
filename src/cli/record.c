// SPDX-License-Identifier: GPL-2.0-only
/* record.c - `sockwatch record`: lives into a store, until stopped. */
#include "commands.h"
#include "courier.h"
#include "exporter.h"
#include "log.h"
#include "notify.h"
#include "output.h"
#include "scarce.h"
#include "session.h"
#include "store.h"
#include "two.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A life younger than this is not worth a row before it has ended. */
#define OPEN_AGE_NS   NSEC_PER_SEC
#define OPEN_EVERY_NS NSEC_PER_SEC
/*
 * A look at the table passes over all its records: it runs in steps between two drains, and more
 * rarely when there are many.
 */
#define OPEN_SOCKETS 200000
#define OPEN_STEP    50000
#define AGAIN_NS     (10 * NSEC_PER_SEC)
#define CHECK_NS     (NSEC_PER_SEC / 4)
#define ROOM_MS	     10
#define GIVE_UP_NS   (3 * NSEC_PER_SEC)

struct record {
	const struct options *options;
	struct session session;
	struct store *store;
	struct store_stats stats;
	struct exporter exporter; /* with --listen */
	struct courier courier;	  /* with --to */
	struct scarce scarce;
	uint64_t checked_ns;
	bool stuck_told, dropped_told, unsent_told;

	/* The pass over the lives that go on: what the store has no room for comes when it has. */
	struct table_telling telling;
	bool is_telling;
	bool is_first; /* what earlier runs left open is not swept yet */
	uint64_t looked_ns, began_ns, again_ns;
	uint64_t swept_alive_ns; /* not 0: at its end those of this run are swept, too */
	uint64_t unclosed_ns;	 /* CLOCK_REALTIME of the first end lost of a life told as open */
	uint64_t untold;
};

static void on_event(void *ctx, const struct event *event)
{
	struct record *r = ctx;
	int64_t offset = r->session.wall_offset_ns;

	if (r->options->listen)
		exporter_event(&r->exporter, event);
	if (!(STORE_KINDS >> event->kind & 1))
		return;
	scarce_happened(&r->scarce);
	if (!store_event(r->store, event, offset) && event->kind == EVENT_CLOSE &&
	    event->close.told && !r->unclosed_ns)
		r->unclosed_ns = event->time_ns + (uint64_t)offset;
}

static enum open_answer on_open(void *ctx, const struct event *life)
{
	struct record *r = ctx;

	scarce_happened(&r->scarce);
	return store_open_life(r->store, life, r->session.wall_offset_ns) ? OPEN_TAKEN : OPEN_LATER;
}

/* The first pass begins when all is read that was told before the first look ended. */
static bool begin_telling(struct record *r)
{
	uint64_t now = r->session.seen_ns, every = OPEN_EVERY_NS;
	struct table_stats stats;

	table_get_stats(r->session.table, &stats);
	every += stats.sockets / OPEN_SOCKETS * OPEN_EVERY_NS;
	if (now < r->looked_ns || (!r->is_first && now - r->looked_ns < every))
		return false;
	r->telling = (struct table_telling){.min_age_ns = r->is_first ? 0 : OPEN_AGE_NS};
	r->looked_ns = r->began_ns = now;
	if (r->unclosed_ns && now - r->again_ns >= AGAIN_NS) {
		r->telling = (struct table_telling){.again = true};
		r->swept_alive_ns = r->unclosed_ns;
		r->unclosed_ns = 0;
		r->again_ns = now;
	}
	return true;
}

static void tell_open(struct record *r)
{
	struct session *s = &r->session;

	s->wait_ms = 0;
	if (!r->is_telling && !(r->is_telling = begin_telling(r)))
		return;
	if (session_each_open(s, &r->telling, OPEN_STEP, on_open, r) &&
	    ((!r->is_first && !r->swept_alive_ns) ||
	     store_sweep(r->store, r->began_ns, r->swept_alive_ns))) {
		r->is_telling = r->is_first = false;
		r->swept_alive_ns = 0;
	} else if (!r->stats.stuck) {
		s->wait_ms = ROOM_MS;
	}
}

/* Says it when the file takes nothing, what that costs, and when it takes something again. */
static void check_store(struct record *r)
{
	struct store_stats *s = &r->stats;

	store_get_stats(r->store, s);
	if (s->broken) {
		log_error("cannot go on writing to %s: %s", r->options->store_file, s->why);
		r->session.done = true;
		return;
	}
	if (s->stuck && !r->stuck_told)
		log_error("cannot write to %s: %s; going on in memory, up to %llu KiB",
			  r->options->store_file, s->why,
			  (unsigned long long)r->options->queue_bytes / 1024);
	if (s->dropped && !r->dropped_told)
		log_error("losing events: %s takes less than there is, and memory is full; a "
			  "larger --queue helps",
			  r->options->store_file);
	if (s->unsent && !r->unsent_told)
		log_error("rows go before they are sent: %s is full of what a sender has not "
			  "taken; a "
			  "larger --keep-unsent helps, or a sender that runs",
			  r->options->store_file);
	if (!s->stuck && r->stuck_told)
		log_error("writing to %s again; %llu events were lost so far",
			  r->options->store_file, (unsigned long long)s->dropped);
	r->stuck_told = s->stuck;
	r->dropped_told = s->dropped > 0;
	r->unsent_told = s->unsent > 0;
}

static void on_turn(void *ctx, uint64_t now_ns, bool idle)
{
	struct record *r = ctx;

	(void)idle;
	tell_open(r);
	store_pulse(r->store, now_ns);
	/* What was there before is no news. */
	if (!r->is_first)
		scarce_turn(&r->scarce, now_ns);
	if (r->options->listen)
		exporter_turn(&r->exporter, now_ns);
	if (now_ns - r->checked_ns < CHECK_NS)
		return;
	r->checked_ns = now_ns;
	check_store(r);
	courier_is_over(&r->courier);
	notify_alive(now_ns);
}

static void on_status(void *ctx, struct status *ret)
{
	const struct record *r = ctx;
	struct store_stats stats;

	store_get_stats(r->store, &stats);
	ret->text[STATUS_COMMAND] = "record";
	ret->text[STATUS_FILE] = session_full_path(r->options->store_file);
	ret->text[STATUS_STUCK] = stats.stuck ? r->stats.why : NULL;
	ret->number[STATUS_TOLD] = stats.stored;
	ret->number[STATUS_FILE_BYTES] = stats.file_bytes;
	ret->number[STATUS_WAITING_BYTES] = stats.waiting_bytes;
	ret->lost[STATUS_LOST_ROWS] = stats.dropped;
}

static int open_store(struct record *r)
{
	const struct options *o = r->options;
	struct store_error error = {""};
	struct timespec now = {0};
	char boot_id[64];
	struct store_options wanted = {
		.path = o->store_file,
		.keep_ns = o->keep_ns,
		.keep_bytes = o->keep_bytes,
		.unsent_bytes = o->unsent_bytes,
		.queue_bytes = o->queue_bytes,
		.boot_id = boot_id,
		.starts_later = true,
	};

	/* Where nobody has named another place, it need not be there yet. */
	if (!strcmp(o->store_file, STORE_DEFAULT) && mkdir(STORE_DIRECTORY, 0750) < 0 &&
	    errno != EEXIST)
		log_say("%s: %s", STORE_DIRECTORY, strerror(errno));
	clock_gettime(CLOCK_REALTIME, &now);
	wanted.now_ns = (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
	command_boot_id(boot_id, sizeof(boot_id));
	r->store = store_open(&wanted, &error);
	if (r->store)
		return 0;
	log_error("%s", error.text);
	return 1;
}

/* By the process of this recorder's own, or by another one. */
static bool get_sending(void *ctx, struct ship_tally *ret)
{
	const struct record *r = ctx;

	return courier_get_tally(&r->courier, ret) ||
	       ship_read_tally(r->options->store_file, ret) == 0;
}

/* 0, or the exit code after saying why. */
static int open_record(struct record *r)
{
	char more[4200];
	int code = r->options->fleet.to ? courier_begin(&r->courier, r->options) : 0;

	if (code == 0)
		code = open_store(r);
	if (code == 0 && r->options->fleet.to)
		courier_go(&r->courier);
	if (code == 0)
		code = session_open(&r->session, r->options, on_event, r);
	if (code == 0 && r->options->listen)
		code = exporter_open(&r->exporter, r->options, &r->session);
	r->exporter.sending = get_sending;
	r->exporter.sending_ctx = r;
	/* Metrics count changes of state, too. */
	if (!r->options->listen)
		r->session.kinds = STORE_KINDS;
	r->session.status = on_status;
	r->session.store = r->store;
	if (code == 0)
		code = session_start(&r->session);
	if (code == 0 && store_start(r->store) < 0) {
		log_error("cannot start a thread");
		code = 1;
	}
	if (code)
		return code;
	r->looked_ns = kernel_now();
	r->is_first = true;
	scarce_begin(&r->scarce, &r->session, r->store);
	if (r->options->listen)
		code = exporter_begin(&r->exporter);
	if (code)
		return code;
	if (r->options->fleet.to)
		code = courier_ready(&r->courier);
	if (code)
		return code;
	snprintf(more, sizeof(more), "; recording into %s%s%s%s%s", r->options->store_file,
		 r->options->fleet.to ? "; sending to " : "",
		 r->options->fleet.to ? r->options->fleet.to : "",
		 r->options->listen ? "; metrics at " : "",
		 r->options->listen ? http_place(r->exporter.http) : "");
	session_announce(&r->session, more);
	notify_say("READY=1");
	return 0;
}

static enum open_answer on_untold(void *ctx, const struct event *life)
{
	struct record *r = ctx;

	(void)life;
	r->untold++;
	return OPEN_UNWANTED;
}

/*
 * Tells every life that goes on and was not told as it is now; counts those that the file did not
 * take in time.
 */
static void tell_rest(struct record *r)
{
	uint64_t now = kernel_now(), until = now + GIVE_UP_NS;
	size_t slot = 0;

	r->telling = (struct table_telling){0};
	while (now < until && !session_each_open(&r->session, &r->telling, OPEN_STEP, on_open, r)) {
		store_pulse(r->store, now);
		now = kernel_now();
		if (r->telling.slot > slot)
			until = now + GIVE_UP_NS;
		else
			usleep(ROOM_MS * 1000);
		slot = r->telling.slot;
	}
	if (now < until && r->is_first)
		store_sweep(r->store, r->is_telling ? r->began_ns : r->session.seen_ns, 0);
	session_each_open(&r->session, &r->telling, SIZE_MAX, on_untold, r);
}

/* A process that works for this one has ended before it. */
static bool is_over(struct record *r)
{
	return two_is_over() || courier_is_over(&r->courier);
}

static int finish(struct record *r)
{
	struct session *s = &r->session;
	bool lost;

	notify_say("STOPPING=1");
	session_finish(s);
	tell_rest(r);
	store_close(r->store, &r->stats);
	r->store = NULL;
	r->stats.dropped += r->untold;
	lost = session_has_lost(s) || r->stats.dropped;
	if (r->stats.broken)
		return 1;
	if (lost) {
		log_error("%llu rows recorded, %llu facts lost, %llu sockets not kept, %llu rows "
			  "not written%s",
			  (unsigned long long)r->stats.stored, (unsigned long long)s->lost,
			  (unsigned long long)s->full, (unsigned long long)r->stats.dropped,
			  session_more_lost(s));
		return is_over(r) ? 1 : EXIT_LOST;
	}
	log_say("%llu rows recorded, none lost", (unsigned long long)r->stats.stored);
	return is_over(r) ? 1 : 0;
}

int command_record(const struct options *options)
{
	struct record r = {.options = options};
	int code;

	output_catch_signals();
	notify_open();
	code = open_record(&r);
	if (code == 0) {
		session_run(&r.session, on_turn, &r);
		code = finish(&r);
	}
	store_close(r.store, NULL);
	scarce_end(&r.scarce);
	exporter_close(&r.exporter);
	session_close(&r.session);
	courier_end(&r.courier);
	notify_close();
	return code;
}
