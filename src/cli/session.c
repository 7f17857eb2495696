// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"

#include "commands.h"
#include "log.h"
#include "look_source.h"
#include "output.h"
#include "procinfo.h"
#include "two.h"
#include "wire_listener.h"

#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRAIN_MAX     4096 /* facts between two looks at signals and time */
#define RESOLVE_STEP  16   /* processes looked up between two drains: below a few milliseconds */
#define IDLE_MS	      500
#define HELD_MS	      1
#define OWED_MS	      50 /* what was lost is to be repaired */
#define CLOCK_STEP_NS 100000
#define BURST_FACTS   20000 /* in a second */
#define CALM	      8	    /* so many times less: it is over */
/* A program runs for microseconds, but its processor may be taken away meanwhile. */
#define HELD_BACK_NS NSEC_PER_SEC
#define LOSS_CHECK_NS (NSEC_PER_SEC / 4)
/* Where something is lost all the time, repairs take a tenth of it. */
#define REPAIR_REST 9
/* Looks for one repair, where something could not be looked at. */
#define REPAIR_TRIES 4
/* Namespaces in a round: each costs 50 us or so. */
#define COUNTERS_ASKED 100

/* Elsewhere 127.0.0.1:80 is another place: `event`, or a copy of it that says where. */
static const struct event *name_netns(const struct session *s, const struct event *event,
				      struct event *copy)
{
	if (event->netns == s->own_netns || !s->own_netns || event->kind == EVENT_LOST)
		return event;
	*copy = *event;
	copy->netns_name = procinfo_netns_given(event->netns);
	return copy;
}

/* Whoever the event names is looked up before anybody asks for more than a name. */
static void resolve(struct session *s, const struct event *e)
{
	process_resolve(s->processes, e->process);
	if (e->kind == EVENT_ACCEPT)
		process_resolve(s->processes, e->accept.listener);
	for (size_t i = 0; e->trouble && i < e->trouble->holder_count; i++) {
		process_resolve(s->processes, e->trouble->holders[i].process);
		process_resolve(s->processes, e->trouble->holders[i].bound_by);
	}
}

static void on_event(void *ctx, const struct event *event)
{
	struct session *s = ctx;
	const struct filter *filter = &s->options->filter;

	/* Who took a life as one that goes on hears of its end, whatever has become of it. */
	bool told = event->kind == EVENT_CLOSE && event->close.told;
	struct event named;

	if (kernel_leaves_out_ports(s->kernel))
		left_ports_note(&s->left, event);
	/* Whoever took part in what is not told is not looked up. */
	if (!told && (!(s->kinds >> event->kind & 1) || !filter_may_match(filter, event)))
		return;
	resolve(s, event);
	if (!told && event->kind != EVENT_LOST && !filter_match_process(filter, event->process))
		return;
	if (s->done) {
		s->untold++;
		return;
	}
	s->sink(s->ctx, name_netns(s, event, &named));
}

static void on_fact(void *ctx, const struct fact *fact)
{
	struct session *s = ctx;

	table_apply(s->table, fact);
	/* Where nothing is told any more nobody waits for what a look would add. */
	if (!s->done)
		answer_questions(&s->answers, s->table, s->kernel);
}

static void on_process(void *ctx, const struct process_fact *fact)
{
	process_follow(((struct session *)ctx)->processes, fact);
}

/* Follows steps of the wall clock, not the nanoseconds by which two readings differ: one moment
 * prints as one time. */
static void follow_clock(struct session *s)
{
	int64_t offset = kernel_wall_offset();

	if (llabs(offset - s->wall_offset_ns) > CLOCK_STEP_NS)
		s->wall_offset_ns = offset;
}

static size_t drain(struct session *s)
{
	size_t n;

	follow_clock(s);
	n = kernel_drain(s->kernel, DRAIN_MAX, on_fact, s);
	s->seen_ns = kernel_read_until(s->kernel);
	return n;
}

/* Reads all that was told until now; false where a program that was interrupted holds it back for longer than any should. */
static bool drain_all(struct session *s)
{
	uint64_t until = kernel_now();

	while ((!s->done || s->failed) && s->seen_ns < until) {
		if (drain(s) > 0)
			continue;
		if (kernel_now() - until > HELD_BACK_NS)
			return false;
		if (s->seen_ns < until)
			kernel_wait(s->kernel, 1);
	}
	return true;
}

/* Looks at every socket there is; after a loss, what is not found is forgotten.  False where not all could be looked at: `error`. */
static bool look(struct session *s, bool repair, uint64_t *ret_added, uint64_t *ret_removed,
		 struct kernel_error *error)
{
	struct look_request request = table_look_request();
	const struct look_sink sink = table_look_sink(s->table);
	bool all;
	int err;

	request.asked_only = true;
	*error = (struct kernel_error){""};
	table_seed_begin(s->table, kernel_now());
	err = look_take(kernel_look(s->kernel), &request, &sink, error);
	/* What ended during the look is told by its facts, before the search for ghosts. */
	all = !repair || drain_all(s);
	/* Where nothing was looked at nothing is a ghost. */
	table_seed_end(s->table, repair && err == 0 && all, ret_added, ret_removed);
	return err == 0 && !error->text[0] && all;
}

static void seed(struct session *s)
{
	struct kernel_error error;
	uint64_t added, removed;

	if (!look(s, false, &added, &removed, &error))
		log_error("%s; sockets older than the trace stay unknown there", error.text);
	s->never_seen = error;
	s->sockets = (size_t)added;
}

/* ---- loss ---- */

bool session_has_lost(const struct session *s)
{
	return s->lost || s->full || s->unfollowed;
}

static bool has_untold(const struct session *s)
{
	return s->lost > s->lost_told || s->full > s->full_told ||
	       s->unfollowed > s->unfollowed_told;
}

/* What was lost since the last such event; `e` has what was repaired. */
static void tell_lost(struct session *s, struct event *e)
{
	e->kind = EVENT_LOST;
	e->time_ns = kernel_now();
	e->lost.withheld = s->withheld - s->withheld_told;
	e->lost.sockets = s->full - s->full_told;
	e->lost.processes = s->unfollowed - s->unfollowed_told;
	e->lost.count = s->lost - s->lost_told + e->lost.sockets + e->lost.processes;
	e->lost.added = s->repair_added;
	e->lost.removed = s->repair_removed;
	e->lost.since_ns = s->lost_since_ns;
	on_event(s, e);
	s->lost_told = s->lost;
	s->withheld_told = s->withheld;
	s->full_told = s->full;
	s->unfollowed_told = s->unfollowed;
	s->repair_added = s->repair_removed = 0;
	s->explained = false;
}

/* False where another look is due. */
static bool look_again(struct session *s)
{
	struct kernel_error error;
	uint64_t added, removed;
	bool whole = look(s, true, &added, &removed, &error);

	malloc_trim(0); /* what the look needed */
	s->repair_added += added;
	s->repair_removed += removed;
	/* What could not be looked at from the beginning is nothing to wait for. */
	whole |= strcmp(error.text, s->never_seen.text) == 0;
	if (!whole && ++s->repair_tries < REPAIR_TRIES)
		return false;
	if (!whole)
		log_error("%s; what was lost there stays unknown", error.text);
	s->repair_tries = 0;
	s->repairs++;
	return true;
}

/* A look finds what facts have not told; of what there was no room for it would find no more than there is. */
static void repair(struct session *s, uint64_t now_ns)
{
	struct event e = {0};
	uint64_t took_ns = NSEC_PER_SEC / REPAIR_REST;
	bool whole = true;

	if (s->lost > s->lost_told) {
		whole = look_again(s);
		took_ns = kernel_now() - now_ns;
	}
	if (whole)
		tell_lost(s, &e);
	s->rest_until_ns = kernel_now() + REPAIR_REST * took_ns;
}

/* Why the first was lost since the last repair. */
static void explain_lost(const struct session *s)
{
	unsigned long long kib = s->options->ring_bytes / 1024, more[KERNEL_WANTS];

	for (int want = 0; want < KERNEL_WANTS; want++)
		more[want] = kernel_lost_for(s->kernel, (enum kernel_want)want) - s->lost_for[want];
	if (more[WANT_CALL])
		log_error("losing events: %llu calls were not followed, too many were under "
			  "way at once",
			  more[WANT_CALL]);
	else if (more[WANT_FOLD])
		log_error("losing events: %llu failed calls were too different from each other "
			  "to be counted together",
			  more[WANT_FOLD]);
	else if (more[WANT_RUN])
		log_error("losing events: the kernel left %llu of them out, because it runs no "
			  "program where the same one was interrupted; no larger --ring helps, a "
			  "look at what is there sets the table right",
			  more[WANT_RUN]);
	else if (more[WANT_SHARE])
		log_error("losing events: the sockets of one user filled their share of the ring "
			  "buffer of %llu KiB; a larger --ring or a faster reader helps",
			  kib);
	else
		log_error("losing events: the ring buffer of %llu KiB is not read fast enough; a "
			  "larger --ring or a faster reader helps",
			  kib);
}

/* Adds what was lost since the last look; says so when it is the first since the last repair. */
static void count_lost(struct session *s, uint64_t kernel_count, uint64_t unseen)
{
	bool first = s->lost == s->lost_told;
	uint64_t left_out = kernel_lost_for(s->kernel, WANT_RUN) - s->lost_for[WANT_RUN];

	if (kernel_count > s->kernel_lost) {
		s->explained = true;
		if (first)
			explain_lost(s);
	} else if (unseen > s->unseen && !s->explained) {
		s->lost += unseen - s->unseen;
		s->withheld += unseen - s->unseen;
		if (first)
			log_error("losing events: the kernel did not tell the end of %llu sockets; "
				  "no larger --ring helps, a look at what is there sets the table "
				  "right",
				  (unsigned long long)(unseen - s->unseen));
	}
	s->lost += kernel_count - s->kernel_lost;
	s->withheld += left_out;
	s->kernel_lost = kernel_count;
	for (int want = 0; want < KERNEL_WANTS; want++)
		s->lost_for[want] = kernel_lost_for(s->kernel, (enum kernel_want)want);
	s->unseen = unseen;
}

/* What is not known of a process costs no other event: it is said, and what lives is read anew. */
static void check_processes(struct session *s)
{
	uint64_t withheld, lost = kernel_processes_lost(s->kernel, &withheld);
	struct process_stats stats;

	process_get_stats(s->processes, &stats);
	stats.full += stats.unnamed;
	if (lost > s->processes_lost) {
		if (!s->processes_lost && lost == withheld)
			log_error(
				"losing events: the kernel left %llu changes of processes out, "
				"because it runs no program where the same one was interrupted; "
				"programs, arguments and parents of short-lived ones stay unknown",
				(unsigned long long)lost);
		else if (!s->processes_lost)
			log_error("programs, arguments and parents of some short-lived processes "
				  "stay unknown: more began and ended than could be followed");
		process_follow_anew(s->processes);
	}
	if (stats.full && !s->processes_full)
		log_error("programs, arguments and parents of some processes stay unknown: there "
			  "are too many to remember (%zu, %zu KiB of arguments)",
			  stats.followed, stats.text_bytes / 1024);
	s->processes_lost = lost;
	s->processes_full = stats.full;
	s->unfollowed = lost + stats.full;
}

static void check_loss(struct session *s, bool idle)
{
	uint64_t by_kind[WIRE_KINDS], now = kernel_now(), before = s->lost;
	struct table_stats stats;
	bool untold = has_untold(s);

	if (!idle && now - s->lost_checked_ns < LOSS_CHECK_NS)
		return;
	table_get_stats(s->table, &stats);
	count_lost(s, kernel_lost(s->kernel, by_kind), stats.unseen);
	check_processes(s);
	if (stats.full && !s->full)
		log_error("the table of %llu sockets is full: more are shown without their past; "
			  "see --sockets%s",
			  (unsigned long long)s->options->max_sockets,
			  s->options->memory_bytes ? " and --memory" : "");
	s->full = stats.full;
	if (!untold && has_untold(s))
		s->lost_since_ns = s->lost_checked_ns;
	if (s->lost == before && has_untold(s) && idle && now >= s->rest_until_ns)
		repair(s, now);
	s->lost_checked_ns = now;
}

/* ---- listeners ---- */

static void look_at_listeners(struct session *s, uint64_t now_ns)
{
	struct wire_listener list[LISTENERS_ASKED];
	struct table_round round = {0};
	uint32_t netns, pid, asked = 0;
	size_t n;

	if (now_ns - s->listeners_ns < NSEC_PER_SEC)
		return;
	s->listeners_ns = now_ns;
	while ((n = table_listeners(s->table, &round, list, LISTENERS_ASKED)) > 0) {
		if (kernel_look_at_listeners(s->kernel, list, n) < 0)
			return;
		table_listeners_seen(s->table, list, n, now_ns);
	}
	for (size_t at = 0; asked < COUNTERS_ASKED && table_uncounted(s->table, &at, &netns, &pid);
	     asked++)
		table_counted(s->table, netns,
			      pid || netns == s->own_netns ? kernel_listen_overflows(netns, pid)
							   : UINT64_MAX,
			      now_ns);
	table_round_end(s->table);
}

/* ---- memory ---- */

/* Once a second.  Of pages that are free among others malloc() tells nobody: they go when the burst that took them is over. */
static void rest(struct session *s, uint64_t now_ns)
{
	bool given, over = s->facts < s->most_facts / CALM;

	if (now_ns - s->rested_ns < NSEC_PER_SEC)
		return;
	given = table_rest(s->table, now_ns);
	given |= process_set_rest(s->processes);
	if (given || (over && s->most_facts >= BURST_FACTS)) {
		malloc_trim(0);
		s->most_facts = 0;
	}
	if (s->facts > s->most_facts)
		s->most_facts = s->facts;
	s->facts = 0;
	s->rested_ns = now_ns;
}

/* ---- life ---- */

static void fill_status(void *ctx, struct status *ret)
{
	session_get_status(ctx, ret);
}

int session_open(struct session *s, const struct options *options, event_sink_fn sink, void *ctx)
{
	int code;

	*s = (struct session){
		.options = options,
		.sink = sink,
		.ctx = ctx,
		.kinds = UINT32_MAX,
		.own_netns = command_own_netns(),
	};
	code = command_open_kernel(options, &s->kernel);
	if (code)
		return code;
	kernel_lacks(s->lacks, sizeof(s->lacks));
	s->processes = process_set_new(options->max_processes, kernel_resolve_process, s->kernel);
	s->table = s->processes ? table_new(options->max_sockets, s->processes, on_event, s) : NULL;
	if (!s->table) {
		log_error("no memory");
		return 1;
	}
	table_bound_time_waits(s->table, options->max_time_waits);
	process_set_follow(s->processes, procinfo_read_process, options->max_followed,
			   !options->no_args);
	process_set_bound_text(s->processes, options->max_text_bytes);
	table_take_questions(s->table);
	return 0;
}

int session_start(struct session *s)
{
	struct kernel_error error = {""};
	int code;

	if (kernel_attach(s->kernel, &error) < 0) {
		log_error("%s", error.text);
		return 1;
	}
	s->started_ns = kernel_now();
	s->serve = serve_open(fill_status, s);
	if (s->serve)
		kernel_wait_also(s->kernel, serve_fd(s->serve));
	/* What the start needed, its loaded objects above all. */
	malloc_trim(0);
	code = two_begin(&(struct two_wish){.options = s->options,
					    .kernel = s->kernel,
					    .output = s->output,
					    .store = s->store,
					    .serve = s->serve});
	if (code)
		return code;
	if (kernel_start(s->kernel, &error) < 0) {
		log_error("%s", error.text);
		return 1;
	}
	kernel_follow_processes(s->kernel, on_process, s);
	follow_clock(s);
	seed(s);
	s->lost_checked_ns = s->rested_ns = kernel_now();
	malloc_trim(0);
	serve_begin(s->serve);
	return 0;
}

struct each {
	struct session *session;
	open_sink_fn sink;
	void *ctx;
};

static enum open_answer on_open(void *ctx, const struct event *life)
{
	struct each *each = ctx;
	struct event named;

	process_resolve(each->session->processes, life->process);
	if (!filter_match(&each->session->options->filter, life))
		return OPEN_UNWANTED;
	return each->sink(each->ctx, name_netns(each->session, life, &named));
}

bool session_each_open(struct session *s, struct table_telling *telling, size_t max,
		       open_sink_fn sink, void *ctx)
{
	struct each each = {.session = s, .sink = sink, .ctx = ctx};

	return table_each_open(s->table, telling, max, s->seen_ns, on_open, &each);
}

struct each_listener {
	struct session *session;
	event_sink_fn sink;
	void *ctx;
};

static void on_listener(void *ctx, const struct event *listener)
{
	struct each_listener *each = ctx;
	struct event named;

	process_resolve(each->session->processes, listener->process);
	if (filter_match(&each->session->options->filter, listener))
		each->sink(each->ctx, name_netns(each->session, listener, &named));
}

void session_each_listener(struct session *s, event_sink_fn sink, void *ctx)
{
	struct each_listener each = {.session = s, .sink = sink, .ctx = ctx};

	table_each_listener(s->table, on_listener, &each);
}

void session_run(struct session *s, void (*on_turn)(void *ctx, uint64_t now_ns, bool idle),
		 void *ctx)
{
	uint64_t end_ns = UINT64_MAX;

	if (s->options->for_ns)
		end_ns = kernel_now() + s->options->for_ns;
	while (!s->done && !s->over && !output_stop && !two_is_over() && kernel_now() < end_ns) {
		size_t n = drain(s);
		uint64_t now = kernel_now(), left;
		bool held, asked, more, left_behind = false;
		int wait_ms;

		check_loss(s, n < DRAIN_MAX);
		held = n < DRAIN_MAX && table_release(s->table, now);
		s->facts += n;
		if (n < DRAIN_MAX) {
			look_at_listeners(s, now);
			rest(s, now);
			left_behind = left_ports_look(&s->left, s->table, s->kernel, now);
		}
		on_turn(ctx, now, n < DRAIN_MAX);
		asked = serve_turn(s->serve, s->table, s->processes, now);
		more = n < DRAIN_MAX && process_resolve_some(s->processes, RESOLVE_STEP);
		if (n == DRAIN_MAX || asked || more || s->done)
			continue;
		left = end_ns > now ? (end_ns - now) / 1000000 + 1 : 0;
		wait_ms = held				 ? HELD_MS
			  : s->wait_ms			 ? s->wait_ms
			  : has_untold(s) || left_behind ? OWED_MS
							 : IDLE_MS;
		kernel_wait(s->kernel, left < (uint64_t)wait_ms ? (int)left : wait_ms);
	}
}

void session_finish(struct session *s)
{
	kernel_detach(s->kernel);
	if (!drain_all(s)) {
		log_error("losing events: a program did not end its record in time; what was told "
			  "after it is lost");
		s->lost++;
	}
	table_release(s->table, UINT64_MAX);
	check_loss(s, true);
	command_say_refused();
	if (has_untold(s)) {
		struct event e = {0};

		tell_lost(s, &e);
	}
}

void session_close(struct session *s)
{
	serve_close(s->serve);
	two_end();
	table_free(s->table);
	process_set_free(s->processes);
	kernel_close(s->kernel);
}
