// SPDX-License-Identifier: GPL-2.0-only
/* ship.c - `sockwatch ship`: a record to a fleet's database, until stopped. */
#include "commands.h"
#include "confine.h"
#include "log.h"
#include "moment.h"
#include "notify.h"
#include "output.h"
#include "sender.h"
#include "units.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --once: so long with nothing taken, and it is given up. */
#define GIVE_UP_NS (60 * NSEC_PER_SEC)

static bool go_on(void *ctx)
{
	(void)ctx;
	notify_alive(moment(CLOCK_BOOTTIME));
	return !output_stop;
}

/* In short pieces: a signal that comes just before one would wait for its end, and the watchdog hears of it. */
static void wait_for(uint64_t pause_ns)
{
	uint64_t until = moment(CLOCK_BOOTTIME) + pause_ns, now;

	while (!output_stop && (now = moment(CLOCK_BOOTTIME)) < until) {
		uint64_t left = until - now < NSEC_PER_SEC / 2 ? until - now : NSEC_PER_SEC / 2;
		const struct timespec piece = {.tv_sec = 0, .tv_nsec = (long)left};

		notify_alive(now);
		nanosleep(&piece, NULL);
	}
}

/* So that what is made beside the store is of who has it, and another file under its name can be read later. */
static int become_owner(const char *store)
{
	const char *end = strrchr(store, '/');
	char directory[PATH_MAX];
	int err;

	snprintf(directory, sizeof(directory), "%.*s", end ? (int)(end - store) + 1 : 1, end ? store : ".");
	err = confine_become_owner(directory);
	if (err)
		log_error("cannot become the owner of %s: %s", directory, strerror(-err));
	return err ? 1 : 0;
}

static void say_rest(struct sender *s)
{
	struct ship_tally tally;

	ship_get_tally(s->ship, &tally);
	if (tally.waiting)
		log_say("%llu rows sent so far, %llu wait", (unsigned long long)tally.rows,
			(unsigned long long)tally.waiting);
	else
		log_say("%llu rows sent so far, none waits", (unsigned long long)tally.rows);
}

static int send_once(struct sender *s)
{
	uint64_t taken_ns = moment(CLOCK_BOOTTIME), pause_ns;

	while (!output_stop) {
		enum ship_state state = sender_step(s, true, &pause_ns);

		notify_alive(moment(CLOCK_BOOTTIME));
		if (state == SHIP_SENT)
			taken_ns = moment(CLOCK_BOOTTIME);
		if (state == SHIP_REFUSED)
			return 1;
		if (state == SHIP_IDLE)
			return ship_is_done(s->ship) ? 0 : 1;
		if (state == SHIP_TROUBLE &&
		    moment(CLOCK_BOOTTIME) - taken_ns + pause_ns > GIVE_UP_NS) {
			log_error(
				"%s took nothing for a minute; what is left is sent the next time",
				s->to.place);
			return 1;
		}
		wait_for(pause_ns);
	}
	return 0;
}

static int send_on(struct sender *s)
{
	uint64_t pause_ns;

	while (!output_stop) {
		sender_step(s, false, &pause_ns);
		notify_alive(moment(CLOCK_BOOTTIME));
		wait_for(pause_ns);
	}
	return 0;
}

int command_ship(const struct options *options)
{
	struct sender s = {0};
	int code;

	output_catch_signals();
	notify_open();
	code = sender_begin(&s, options);
	if (!code)
		code = become_owner(options->store_file);
	if (!code)
		code = sender_open(&s, options, go_on, NULL);
	if (!code)
		code = sender_confine(&s, options, NULL);
	if (!code) {
		log_say("sending %s to %s/%s as host %s", options->store_file, s.to.place,
			s.to.database, s.host);
		notify_say("READY=1");
		code = options->fleet.once ? send_once(&s) : send_on(&s);
		notify_say("STOPPING=1");
		say_rest(&s);
	}
	sender_close(&s);
	notify_close();
	return code;
}
