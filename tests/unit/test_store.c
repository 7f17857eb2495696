// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store_case.h"

static void test_a_life_comes_back_as_it_was(void **state)
{
	struct event in = life(1, 3.5, 41234, 99), six = life(4, 4.25, 50000, 100), *out = found;
	struct store *s = OPEN();

	(void)state;
	in.error = ECONNRESET;
	in.close.time_wait = true;
	six.family = FAMILY_IPV6;
	six.local.addr[0] = 0xfe;
	six.local.addr[1] = 0x80;
	six.local.ifindex = 7;
	six.has_peer = false;
	six.peer = (struct endpoint){0};
	six.process = NULL;
	six.close.counted = false;
	six.protocol = 300;
	store_event(s, &in, OFFSET);
	store_event(s, &six, OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 2);
	assert_int_equal(out->time_ns, WALL + 3500 * MSEC);
	assert_int_equal(out->close.opened_ns, WALL + 1 * SEC);
	assert_int_equal(out->close.duration_ns, in.close.duration_ns);
	assert_int_equal(out->protocol, IPPROTO_TCP);
	assert_int_equal(out->netns, in.netns);
	assert_int_equal(out->cookie, 99);
	assert_int_equal(out->error, ECONNRESET);
	assert_memory_equal(&out->local, &in.local, sizeof(in.local));
	assert_memory_equal(&out->peer, &in.peer, sizeof(in.peer));
	assert_int_equal(out->close.sent_bytes, in.close.sent_bytes);
	assert_int_equal(out->close.received_bytes, 2);
	assert_int_equal(out->close.retransmits, 3);
	assert_int_equal(out->close.rtt_us, 444);
	assert_int_equal(out->close.reason, REASON_PEER_RESET);
	assert_int_equal(out->close.end, EVENT_END_SEEN);
	assert_true(out->close.time_wait && out->close.counted);
	assert_int_equal(out->close.span_count, 2);
	assert_memory_equal(out->close.spans, in.close.spans, 2 * sizeof(in.close.spans[0]));
	assert_int_equal(out->process->pid, 901);
	assert_int_equal(out->process->uid, 33);
	assert_string_equal(out->process->name, "nginx");
	out = &found[1];
	assert_memory_equal(&out->local, &six.local, sizeof(six.local));
	assert_int_equal(out->family, FAMILY_IPV6);
	assert_int_equal(out->protocol, 300);
	assert_true(out->has_local && !out->has_peer && !out->close.counted);
	assert_null(out->process);
}

static void test_calls_and_losses(void **state)
{
	struct event bind = life(0, 1, 80, 5), listen = bind, ok = bind, failed = bind;
	struct event state_change = bind, lost = {.kind = EVENT_LOST, .time_ns = BOOT + 9 * SEC};
	struct store *s = OPEN();

	(void)state;
	bind.kind = EVENT_BIND;
	bind.error = EADDRINUSE;
	listen.kind = EVENT_LISTEN;
	listen.listen.backlog = 511;
	ok.kind = EVENT_CONNECT;
	failed.kind = EVENT_CONNECT;
	failed.error = ENETUNREACH;
	failed.has_asked = true;
	failed.asked = (struct endpoint){.addr = {10, 96, 0, 1}, .port = 80};
	failed.connect.autobind = failed.connect.no_source = true;
	state_change.kind = EVENT_STATE;
	lost.lost = (struct event_lost){.count = 42, .since_ns = BOOT + 8 * SEC, .added = 3, .removed = 4};
	store_event(s, &bind, OFFSET);
	store_event(s, &listen, OFFSET);
	store_event(s, &ok, OFFSET);
	store_event(s, &state_change, OFFSET);
	store_event(s, &failed, OFFSET);
	store_event(s, &lost, OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 4);
	assert_int_equal(found[0].kind, EVENT_BIND);
	assert_int_equal(found[0].error, EADDRINUSE);
	assert_int_equal(found[1].listen.backlog, 511);
	assert_int_equal(found[2].kind, EVENT_CONNECT);
	assert_true(found[2].has_asked && found[2].asked.port == 80);
	assert_true(found[2].connect.autobind && found[2].connect.no_source);
	assert_int_equal(found[3].kind, EVENT_LOST);
	assert_int_equal(found[3].lost.count, 42);
	assert_int_equal(found[3].lost.since_ns, WALL + 8 * SEC);
	assert_int_equal(found[3].lost.added, 3);
	assert_int_equal(found[3].lost.removed, 4);
}

static size_t troubles;

/* The first call met nothing that is known, the second two holders and more, the third a range used up, the fourth repeats. */
static bool on_trouble(void *ctx, const struct event *event)
{
	const struct event_trouble *t = event->trouble;
	const struct event_holder *h = t ? t->holders : NULL;

	(void)ctx;
	switch (troubles++) {
	case 0: assert_null(t); break;
	case 1:
		assert_true(t->has_holders && !t->has_range);
		assert_int_equal(t->holder_count, 2);
		assert_int_equal(t->holders_more, 7);
		assert_int_equal(t->holders_as_of_ns, WALL + 7 * SEC);
		assert_int_equal(t->unprivileged_from, 0);
		assert_int_equal(h[0].process->pid, curl.pid);
		assert_string_equal(h[0].process->container ? h[0].process->container : "",
				    curl.container ? curl.container : "");
		assert_int_equal(h[0].since_ns, WALL + 5 * SEC);
		assert_int_equal(h[0].state, STATE_ESTABLISHED);
		assert_int_equal(h[0].why, WHY_OUTGOING | WHY_WILDCARD);
		assert_true(h[0].has_peer);
		assert_int_equal(h[0].peer.port, 443);
		assert_int_equal(h[0].local.addr[3], 1);
		assert_null(h[1].process);
		assert_true(h[1].family == FAMILY_IPV6 && h[1].protocol == IPPROTO_TCP);
		assert_int_equal(h[1].state, STATE_LISTEN);
		assert_int_equal(h[1].since_ns, 0);
		assert_true(h[1].kernel && !h[0].kernel && !h[1].has_peer);
		break;
	case 3:
		assert_null(t);
		assert_int_equal(event->error, EADDRINUSE);
		assert_int_equal(event->repeated, 5000000000);
		assert_int_equal(event->since_ns, event->time_ns - SEC / 2);
		break;
	default:
		assert_true(t->has_range && !t->has_holders);
		assert_int_equal(t->holder_count, 0);
		assert_int_equal(t->low, 32768);
		assert_int_equal(t->high, 60999);
		assert_int_equal(t->reserved, 2);
		assert_int_equal(t->used, 28230);
	}
	return true;
}

static void test_what_was_in_the_way(void **state)
{
	const struct event_holder holders[] = {
		{.process = &curl,
		 .protocol = IPPROTO_TCP,
		 .family = FAMILY_IPV4,
		 .has_peer = true,
		 .local = {.addr = {10, 0, 0, 1}, .port = 80},
		 .peer = {.addr = {10, 0, 0, 2}, .port = 443},
		 .state = STATE_ESTABLISHED,
		 .since_ns = BOOT + 5 * SEC,
		 .why = WHY_OUTGOING | WHY_WILDCARD},
		{.protocol = IPPROTO_TCP,
		 .family = FAMILY_IPV6,
		 .local = {.port = 80},
		 .state = STATE_LISTEN,
		 .kernel = true,
		 .why = WHY_LISTENING},
	};
	const struct event_trouble held = {true, holders, 2, 7, .holders_as_of_ns = BOOT + 7 * SEC};
	const struct event_trouble used_up = {
		.has_range = true, .low = 32768, .high = 60999, .reserved = 2, .used = 28230};
	struct event bind = life(0, 10, 80, 5), connect = life(0, 11, 0, 6);
	struct store_error error = {""};
	struct store_reader *r;
	struct store *s = OPEN();
	struct filter f;
	uint64_t last;

	(void)state;
	bind.kind = EVENT_BIND;
	bind.error = EADDRINUSE;
	connect.kind = EVENT_CONNECT;
	connect.error = EADDRNOTAVAIL;
	store_event(s, &bind, OFFSET);
	bind.trouble = &held;
	store_event(s, &bind, OFFSET);
	connect.trouble = &used_up;
	store_event(s, &connect, OFFSET);
	bind.trouble = NULL;
	bind.repeated = 5000000000;
	bind.time_ns = connect.time_ns + SEC;
	bind.since_ns = bind.time_ns - SEC / 2;
	store_event(s, &bind, OFFSET);
	store_close(s, NULL);
	filter_init(&f);
	troubles = 0;
	r = store_reader_open(path, WALL, &error);
	assert_non_null(r);
	assert_int_equal(store_read(r, &(struct store_query){.filter = &f, .to_ns = UINT64_MAX},
				    on_trouble, NULL, &last, &error),
			 0);
	store_reader_close(r);
	filter_done(&f);
	assert_int_equal(troubles, 4);
	assert_int_equal(sql("SELECT repeated FROM calls WHERE repeated IS NOT NULL"), 5000000000);
	assert_int_equal(
		sql("SELECT count(*) FROM holders WHERE call=2 AND (pid=17 OR pid IS NULL) "
		    "AND local_port=80"),
		1 + 1);
	assert_int_equal(
		sql("SELECT lives FROM process WHERE pid=(SELECT pid FROM holders WHERE place=0)"),
		1);
	/* Rows that go take theirs along. */
	s = open_store((struct store_options){.keep_ns = SEC, .now_ns = WALL + 3600 * SEC});
	bind = life(3599, 3600, 80, 7);
	store_event(s, &bind, OFFSET);
	store_close(s, NULL);
	assert_int_equal(sql("SELECT (SELECT count(*) FROM holder)+(SELECT count(*) FROM trouble)"),
			 0);
}

/* Lives of every length against the plain rule: opened before, closed after. */
static void test_at_any_moment(void **state)
{
	static struct {
		double from, to;
	} lives[600];
	struct store *s = OPEN();
	struct filter f;

	(void)state;
	srandom(7);
	filter_init(&f);
	for (size_t i = 0; i < 600; i++) {
		static const double scales[] = {0.001, 0.5, 1, 5, 20, 200, 3000, 40000};
		struct event e;

		lives[i].to = (double)i * 100;
		lives[i].from =
			lives[i].to - scales[random() % 8] * (double)(random() % 1000) / 1e3;
		if (lives[i].from < -3000)
			lives[i].from = -3000;
		e = life(lives[i].from, lives[i].to, 80, i + 1);
		store_event(s, &e, OFFSET);
	}
	store_close(s, NULL);
	for (double at = -50; at < 61000; at += 1237.3) {
		size_t expected = 0;

		for (size_t i = 0; i < 600; i++)
			expected += lives[i].from <= at && lives[i].to >= at;
		assert_int_equal(ask_at(&f, at), expected);
	}
	assert_int_equal(units_parse_ranges("81", 65535, &f.ports), 0);
	assert_int_equal(ask_at(&f, 30000), 0);
	filter_done(&f);
}

static void test_filters(void **state)
{
	static const struct {
		const char *ports, *pids, *comm, *container;
		uint32_t reasons;
		bool failed;
		size_t count;
	} cases[] = {
		{.count = 3},
		{.ports = "41000", .count = 1},
		{.ports = "443", .count = 3},
		{.ports = "1-400", .count = 0},
		{.pids = "900-902", .count = 2},
		{.pids = "18", .count = 0},
		{.comm = "cu\xff", .count = 1},
		{.comm = "ngi", .count = 2},
		{.comm = "it's", .count = 0},
		{.container = "4f", .count = 2},
		{.reasons = 1u << REASON_REFUSED, .count = 1},
		{.reasons = 1u << REASON_REFUSED | 1u << REASON_PEER_RESET, .count = 3},
		{.failed = true, .count = 3},
	};
	struct event e[] = {life(0, 1, 41000, 1), life(0, 2, 42000, 2), life(0, 3, 43000, 3)};
	struct store *s = OPEN();

	(void)state;
	e[1].process = &curl;
	e[2].close.reason = REASON_REFUSED;
	for (size_t i = 0; i < 3; i++)
		store_event(s, &e[i], OFFSET);
	store_close(s, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter f;
		struct store_query q;

		filter_init(&f);
		if (cases[i].ports)
			units_parse_ranges(cases[i].ports, 65535, &f.ports);
		if (cases[i].pids)
			units_parse_ranges(cases[i].pids, 65535, &f.pids);
		f.comm = cases[i].comm ? strdup(cases[i].comm) : NULL;
		f.container = cases[i].container ? strdup(cases[i].container) : NULL;
		f.reasons = cases[i].reasons;
		f.failed = cases[i].failed;
		q = all(&f);
		if (ask(q) != cases[i].count)
			fail_msg("case %zu: %zu found", i, found_count);
		filter_done(&f);
	}
}

static void test_processes_are_kept_once(void **state)
{
	struct store *s = OPEN();

	(void)state;
	for (int run = 0; run < 2; run++) {
		for (int i = 0; i < 50; i++) {
			struct event e = life(i, i + 0.5, 80, (uint64_t)i + 1);

			if (i % 2)
				e.process = &curl;
			store_event(s, &e, OFFSET);
		}
		store_close(s, NULL);
		s = run ? NULL : OPEN();
	}
	assert_int_equal(sql("SELECT count(*) FROM process"), 2);
	assert_int_equal(sql("SELECT count(*) FROM netns"), 1);
	assert_int_equal(sql("SELECT min(lives) FROM process"), 50);
	assert_int_equal(sql("SELECT count(*) FROM lives WHERE comm='nginx' AND container='4f1e' "
			     "AND peer_addr='10.1.2.255' AND reason='peer-reset' AND opened "
			     "LIKE '2026-11-20 12:00:%'"),
			 50);
	assert_int_equal(sql("SELECT sum(ns) FROM life_states WHERE state='ESTABLISHED'"),
			 100 * 500 * MSEC);
}

static void test_what_is_open(void **state)
{
	struct event a = open_life(0, 5, 80, 1), b = open_life(1, 5, 81, 2), end;
	struct store *s = OPEN();
	struct filter f;

	(void)state;
	filter_init(&f);
	b.close.opened_ns = 0;
	b.close.duration_ns = UINT64_MAX;
	store_open_life(s, &a, OFFSET);
	store_open_life(s, &b, OFFSET);
	store_open_life(s, &a, OFFSET);
	/* The end of the one whose start nobody saw, ten seconds after it was first seen. */
	end = life(0, 15, 81, 2);
	end.close.opened_ns = 0;
	end.close.duration_ns = UINT64_MAX;
	store_event(s, &end, OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 2);
	assert_int_equal(found[0].local.port, 81);
	assert_int_equal(found[0].close.opened_ns, 0);
	assert_int_equal(found[1].local.port, 80);
	assert_int_equal(found[1].close.end, EVENT_END_UNSEEN); /* the record has ended */
	assert_int_equal(ask_at(&f, 3), 1);
	assert_int_equal(ask_at(&f, 10), 2);
	assert_int_equal(ask_at(&f, -1), 0);
}

static void test_an_earlier_run_knows_the_start(void **state)
{
	struct event a = open_life(0, 5, 80, 1), gone = open_life(2, 5, 81, 2), end;
	struct store *s = OPEN();

	(void)state;
	store_open_life(s, &a, OFFSET);
	store_open_life(s, &gone, OFFSET);
	store_close(s, NULL);
	s = OPEN();
	a = open_life(0, 20, 80, 1);
	a.close.opened_ns = 0; /* older than this run */
	a.close.duration_ns = UINT64_MAX;
	store_open_life(s, &a, OFFSET);
	store_sweep(s, BOOT + 20 * SEC, 0);
	end = life(0, 30, 80, 1);
	end.close.opened_ns = 0;
	end.close.duration_ns = UINT64_MAX;
	store_event(s, &end, OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 2);
	assert_int_equal(found[0].local.port, 81);
	assert_int_equal(found[0].close.end, EVENT_END_UNSEEN);
	assert_int_equal(found[0].close.duration_ns, UINT64_MAX);
	assert_int_equal(found[0].close.opened_ns, WALL + 2 * SEC);
	assert_int_equal(found[1].local.port, 80);
	assert_int_equal(found[1].close.opened_ns, WALL);
	assert_int_equal(found[1].close.duration_ns, 30 * SEC);
}

/* Of a recorder that was stopped: old enough to be told, ended long before. */
static void test_a_short_life_told_as_open_is_closed(void **state)
{
	struct event a = open_life(0, 2, 80, 1), end = life(0, 0.001, 80, 1);
	struct store *s = OPEN();

	(void)state;
	store_open_life(s, &a, OFFSET);
	end.close.told = true;
	store_event(s, &end, OFFSET);
	store_close(s, NULL);
	assert_int_equal(sql("SELECT count(*) FROM open"), 0);
	assert_int_equal(ask_all(), 1);
	assert_int_equal(found[0].close.end, EVENT_END_SEEN);
}

/* The end of the first was lost for want of memory; the second has been said again since. */
static void test_a_sweep_of_this_run(void **state)
{
	struct event a = open_life(0, 5, 80, 1), b = open_life(0, 5, 81, 2);
	struct store *s = OPEN();

	(void)state;
	store_open_life(s, &a, OFFSET);
	store_open_life(s, &b, OFFSET);
	b = open_life(0, 60, 81, 2);
	store_open_life(s, &b, OFFSET);
	store_sweep(s, BOOT + 60 * SEC, WALL + 30 * SEC);
	store_close(s, NULL);
	assert_int_equal(sql("SELECT sum(local_port) FROM open"), 81);
	assert_int_equal(sql("SELECT closed FROM life WHERE local_port=80"), WALL + 30 * SEC);
	assert_int_equal(sql("SELECT lived FROM life WHERE local_port=80"), 30 * SEC);
	assert_int_equal(sql("SELECT facts>>16&3 FROM life"), EVENT_END_UNSEEN);
}

/* What another run left open has not been looked for yet: nobody knows whether it goes on. */
static void test_only_the_last_run_knows_what_goes_on(void **state)
{
	struct event a = open_life(0, 5, 80, 1), b = open_life(0, 5, 81, 2);
	struct store *s = OPEN();

	(void)state;
	store_open_life(s, &a, OFFSET);
	store_open_life(s, &b, OFFSET);
	store_close(s, NULL);
	s = OPEN();
	store_open_life(s, &b, OFFSET);
	store_pulse(s, SEC);
	for (int i = 0; i < 500 && sql("SELECT max(run) FROM open") == 1; i++)
		pause_ms(20);
	assert_int_equal(ask_all(), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(found[i].close.end,
				 found[i].local.port == 81 ? EVENT_END_OPEN : EVENT_END_UNSEEN);
	store_close(s, NULL);
}

/* More than fit in memory: told as there is room, which stays half free for events. */
static void test_lives_told_as_there_is_room(void **state)
{
	const uint64_t lives = 100000;
	struct store *s = open_store((struct store_options){.queue_bytes = 1 << 20});
	struct store_stats stats = {0};
	uint64_t told = 0, waited = 0, largest = 0;
	struct event e;

	(void)state;
	while (told < lives && waited < 6000) {
		struct event a = open_life(0, 5, (uint16_t)told, told + 1);

		if (store_open_life(s, &a, OFFSET)) {
			told++;
			continue;
		}
		store_get_stats(s, &stats);
		largest = stats.waiting_bytes > largest ? stats.waiting_bytes : largest;
		/* The half that is left takes events. */
		e = life(0, 1, 80, lives + ++waited);
		assert_true(store_event(s, &e, OFFSET));
		pause_ms(10);
	}
	assert_int_equal(told, lives);
	assert_true(waited > 0);
	assert_true(largest <= (1 << 20));
	store_close(s, &stats);
	assert_int_equal(stats.dropped, 0);
	assert_int_equal(sql("SELECT count(*) FROM open"), lives);
	assert_int_equal(sql("SELECT count(*) FROM life"), waited);
}

static void test_another_boot_ends_everything(void **state)
{
	struct event a = open_life(0, 5, 80, 1);
	struct store *s = OPEN();

	(void)state;
	store_open_life(s, &a, OFFSET);
	store_close(s, NULL);
	s = open_store((struct store_options){.boot_id = "boot-b"});
	store_close(s, NULL);
	assert_int_equal(sql("SELECT count(*) FROM open"), 0);
	assert_int_equal(ask_all(), 1);
	assert_int_equal(found[0].close.end, EVENT_END_UNSEEN);
}

/* The clock is set forth and back a day: durations and order stay. */
static void test_clock_steps(void **state)
{
	static const int64_t step[] = {0, 86400, -86400, 3600, 0};
	struct store *s = OPEN();
	struct event o = open_life(0, 1, 90, 50), end;

	(void)state;
	o.close.opened_ns = 0;
	o.close.duration_ns = UINT64_MAX;
	store_open_life(s, &o, OFFSET);
	for (int i = 0; i < 5; i++) {
		struct event e = life(10 * i, 10 * i + 5, (uint16_t)(100 + i), (uint64_t)i + 1);

		store_event(s, &e, OFFSET + step[i] * (int64_t)SEC);
	}
	end = life(0, 61, 90, 50);
	end.close.opened_ns = 0;
	end.close.duration_ns = UINT64_MAX;
	store_event(s, &end, OFFSET - 86400 * (int64_t)SEC);
	store_close(s, NULL);
	assert_int_equal(ask_all(), 6);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(found[i].local.port, 100 + i);
		assert_int_equal(found[i].close.duration_ns, 5 * SEC);
		assert_int_equal(found[i].time_ns,
				 (uint64_t)((int64_t)WALL + (step[i] + 10 * i + 5) * (int64_t)SEC));
	}
	assert_int_equal(sql("SELECT lived FROM life WHERE local_port=90"), 60 * SEC);
}

/* For listings: of this boot, with an owner, newest first; what goes on apart. */
static void test_the_past_of_a_boot(void **state)
{
	struct store *s = open_store((struct store_options){.boot_id = "boot-old"});
	struct event e = life(1, 2, 7, 70);

	(void)state;
	e.close.time_wait = true;
	store_event(s, &e, OFFSET);
	store_close(s, NULL);
	s = OPEN();
	for (int i = 0; i < 4; i++) {
		e = life(i, 100 + 100 * i, (uint16_t)i, (uint64_t)i + 1);
		e.close.time_wait = i != 1;
		if (i == 2)
			e.process = NULL;
		store_event(s, &e, OFFSET);
	}
	e = open_life(5, 6, 80, 90);
	store_open_life(s, &e, OFFSET);
	store_close(s, NULL);
	assert_int_equal(ask_past("boot-a", false, 0, 100), 2);
	assert_int_equal(found[0].cookie, 4);
	assert_int_equal(found[0].time_ns, WALL + 400 * SEC);
	assert_int_equal(found[0].process->pid, nginx.pid);
	assert_int_equal(found[1].cookie, 1);
	assert_int_equal(ask_past("boot-a", false, 0, 1), 1);
	assert_int_equal(found[0].cookie, 4);
	assert_int_equal(ask_past("boot-a", false, 350, 100), 1);
	assert_int_equal(ask_past("boot-old", false, 0, 100), 1);
	assert_int_equal(ask_past("boot-new", false, 0, 100), 0);
	assert_int_equal(ask_past("boot-a", true, 0, 100), 1);
	assert_int_equal(found[0].cookie, 90);
	assert_int_equal(found[0].close.opened_ns, WALL + 5 * SEC);
	assert_int_equal(ask_past("boot-old", true, 0, 100), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_life_comes_back_as_it_was),
		TEST(test_calls_and_losses),
		TEST(test_what_was_in_the_way),
		TEST(test_at_any_moment),
		TEST(test_filters),
		TEST(test_processes_are_kept_once),
		TEST(test_what_is_open),
		TEST(test_an_earlier_run_knows_the_start),
		TEST(test_a_short_life_told_as_open_is_closed),
		TEST(test_a_sweep_of_this_run),
		TEST(test_only_the_last_run_knows_what_goes_on),
		TEST(test_lives_told_as_there_is_room),
		TEST(test_another_boot_ends_everything),
		TEST(test_clock_steps),
		TEST(test_the_past_of_a_boot),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
