// SPDX-License-Identifier: GPL-2.0-only
/* Who has a port open, and which TIME_WAITs hold it: what the kernel says, as far as it can be asked. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conflict.h"
#include "look.h"

/* A kernel that hands out the first `count`, and may break off. */
struct kernel {
	struct fact found[200];
	unsigned int count, asked;
	unsigned int breaks; /* what of the answer is not complete */
	struct table_question question;
};

static void answer(struct world *w)
{
	struct kernel *k = w->kernel;

	if (!table_question(w->table, &k->question))
		return;
	assert_int_equal(k->question.kind, QUESTION_HOLDERS);
	assert_int_equal(w->last.time_ns, 0); /* its event waits */
	k->asked++;
	table_answer_begin(w->table, w->now);
	for (unsigned int i = 0; i < k->count; i++)
		table_answer(w->table, &k->found[i]);
	table_answer_end(w->table,
			 (ANSWER_DESCRIPTORS | ANSWER_TABLES | ANSWER_RINGS) & ~k->breaks);
	assert_false(table_question(w->table, &k->question));
}

static void ask_kernel(struct world *w, struct kernel *k)
{
	table_take_questions(w->table);
	w->answer = answer;
	w->kernel = k;
}

/* One that began `age_ms` before the call that will ask; `age_ms` 0: the kernel does not say. */
static void kernel_has(struct world *w, struct kernel *k, uint16_t peer_port, uint64_t cookie,
		       uint32_t age_ms)
{
	struct fact f = call(w, WIRE_SEED_SOCKET, 0xf000, 0, 0);

	f.has_task = false;
	f.cookie = cookie;
	f.to = STATE_TIME_WAIT;
	f.arg = age_ms ? age_ms + 1 : 0;
	place(&f, ONE4);
	memcpy(f.peer.addr, "\x7f\0\0\1", 4);
	f.peer.port = peer_port;
	k->found[k->count++] = f;
}

static void the_kernel_says_which_time_waits_there_are(void **state)
{
	struct world *w = *state;
	struct kernel k = {0};

	ask_kernel(w, &k);
	open_connection(w, 0x9000, 80);
	close_connection(w, 0x9000, 80);
	open_connection(w, 0x9000, 81);
	close_connection(w, 0x9000, 81);
	kernel_has(w, &k, 81, 0x9000, 0); /* the other is gone */
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(k.asked, 1);
	assert_true(k.question.netns == NETNS && k.question.pid == 200 && k.question.port == PORT &&
		    k.question.protocol == IPPROTO_TCP);
	assert_int_equal(w->trouble.holders_as_of_ns, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].peer.port, 81);
	assert_int_equal(w->owner[0].pid, 100);
	assert_true(w->holder[0].why & WHY_OUTGOING && w->holder[0].why & WHY_TIME_WAIT);
	/* Timers are late: it may last longer than a minute. */
	w->now += 65 * SECOND;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->owner[0].pid, 100);
	assert_true(w->holder[0].since_ns < w->now - 64 * SECOND);
	/* What conflicts with nobody is no holder, whoever says that it is there. */
	ask_port(w, TWO4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 0);
	k.count = 0, w->now += 2 * SECOND; /* the same failure again is only counted */
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 0);
}

static void a_time_wait_nobody_saw_is_named_without_process(void **state)
{
	struct world *w = *state;
	struct kernel k = {0};

	ask_kernel(w, &k);
	w->now += 100 * SECOND;
	kernel_has(w, &k, 80, 0x77, 5000);
	kernel_has(w, &k, 81, 0x78, 0);
	/* Another one had these ends once. */
	open_connection(w, 0x9000, 81);
	close_connection(w, 0x9000, 81);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_null(w->holder[i].process);
		assert_int_equal(w->holder[i].state, STATE_TIME_WAIT);
	}
	assert_true(w->now - w->holder[0].since_ns > 5 * SECOND - SECOND / 100 &&
		    w->now - w->holder[0].since_ns < 5 * SECOND + SECOND / 100);
	assert_int_equal(w->holder[1].since_ns, 0);
}

static void what_came_after_the_call_is_no_holder(void **state)
{
	struct world *w = *state;
	struct kernel k = {0};

	ask_kernel(w, &k);
	/* Still a connection when bind() failed, in TIME_WAIT when the kernel was asked. */
	open_connection(w, 0x9000, 80);
	kernel_has(w, &k, 80, 0x9000, 0);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].state, STATE_ESTABLISHED);
	/* Unknown, and too young. */
	k.count = 0;
	w->now += 10 * SECOND;
	kernel_has(w, &k, 90, 0x99, 1);
	w->now -= 5 * SECOND;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
}

static void time_waits_that_cannot_be_read_are_those_of_the_facts(void **state)
{
	struct world *w = *state;
	struct kernel k = {.breaks = ANSWER_TABLES};

	ask_kernel(w, &k);
	open_connection(w, 0x9000, 80);
	close_connection(w, 0x9000, 80);
	kernel_has(w, &k, 81, 0x77, 0);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->holder[0].peer.port, 80);
	assert_int_not_equal(w->trouble.holders_as_of_ns, 0);
}

/* `pid` has the socket open. */
static void kernel_opens(struct world *w, struct kernel *k, uint64_t sk, uint32_t pid,
			 uint32_t parent, const char *name)
{
	struct fact f = call(w, WIRE_SEED_FILE, sk, pid, 0);

	f.to = STATE_LISTEN;
	f.options |= WIRE_O_KEEPS_PORT;
	f.parent = parent;
	snprintf(f.task.name, sizeof(f.task.name), "%s", name);
	k->found[k->count++] = f;
}

static void who_has_it_open_now_is_the_holder(void **state)
{
	static const struct {
		struct {
			uint32_t pid, parent;
			const char *name;
		} open[3];
		bool protocol_udp;
		uint32_t owner, binder; /* 0: nobody */
		const char *name;
	} cases[] = {
		{{{100, 1, "holder"}}, false, 100, 0, "holder"},
		{{{300, 1, "heir"}}, false, 300, 100, "heir"},
		{{{300, 1, "heir"}}, true, 300, 100, "heir"},
		{{{100, 1, "after-exec"}}, false, 100, 0, "after-exec"},
		{{{100, 1, "holder"}, {300, 100, "child"}}, false, 100, 0, "holder"},
		{{{300, 1, "elder"}, {301, 300, "child"}, {302, 300, "child"}},
		 false,
		 300,
		 100,
		 "elder"},
		{{{300, 1, "one"}, {301, 1, "other"}}, false, 0, 100, NULL},
		{{{0}}, false, 100, 0, "holder"}, /* in flight, or its end is still to be told */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint16_t protocol = cases[i].protocol_udp ? IPPROTO_UDP : IPPROTO_TCP;
		struct kernel k = {0};
		void *state_of_case;
		struct world *w;
		struct fact f;

		setup(&state_of_case);
		w = state_of_case;
		ask_kernel(w, &k);
		f = call(w, WIRE_BIND, 0x9000, 100, 0);
		f.protocol = protocol;
		table_apply(w->table, &f);
		for (size_t n = 0; n < 3 && cases[i].open[n].pid; n++) {
			kernel_opens(w, &k, 0x9000, cases[i].open[n].pid, cases[i].open[n].parent,
				     cases[i].open[n].name);
			k.found[n].protocol = protocol;
			k.found[n].to = STATE_CLOSE;
		}
		for (int again = 0; again < 2; again++) {
			f = call(w, WIRE_BIND, 0xa000 + 64 * again, 200 + again, 0);
			f.protocol = protocol;
			f.result = -EADDRINUSE;
			fail_call(w, &f);
			assert_int_equal(w->trouble.holder_count, 1);
			assert_int_equal(w->trouble.holders_as_of_ns, 0);
			if ((cases[i].owner &&
			     (!w->holder[0].process || w->owner[0].pid != cases[i].owner ||
			      strcmp(w->owner[0].name, cases[i].name) != 0)) ||
			    (!cases[i].owner && w->holder[0].process))
				fail_msg("case %zu: the holder is %u %s", i, w->owner[0].pid,
					 w->owner[0].name);
			if ((w->holder[0].bound_by ? w->binder[0].pid : 0) != cases[i].binder)
				fail_msg("case %zu: bound by %u", i, w->binder[0].pid);
		}
		teardown(&state_of_case);
	}
}

/* The binder ends before or after the other has the socket; what nobody has open keeps its last owner. */
static void who_bound_it_and_has_ended_is_said_to_have(void **state)
{
	static const struct {
		uint32_t heir; /* 0: nobody has it open */
		bool ends, again;
		bool ended;
	} cases[] = {
		{300, true, false, true}, {300, false, false, false}, {300, true, true, true},
		{0, true, false, true},	  {0, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct process_fact life = {
			.kind = WIRE_PROCESS_FORK, .pid = 100, .parent = 1, .start_ns = SECOND};
		struct kernel k = {0};
		void *state_of_case;
		struct world *w;
		struct fact f;

		setup(&state_of_case);
		w = state_of_case;
		process_set_follow(w->processes, NULL, 100, true);
		ask_kernel(w, &k);
		strcpy(life.name, "holder");
		process_follow(w->processes, &life);
		f = call(w, WIRE_BIND, 0x9000, 100, 0);
		table_apply(w->table, &f);
		if (cases[i].heir)
			kernel_opens(w, &k, 0x9000, cases[i].heir, 100, "heir");
		k.found[0].to = STATE_CLOSE;
		life.kind = WIRE_PROCESS_EXIT;
		if (cases[i].ends)
			process_follow(w->processes, &life);
		/* The number is another's now. */
		life.kind = WIRE_PROCESS_FORK;
		life.start_ns = 2 * SECOND;
		if (cases[i].again)
			process_follow(w->processes, &life);
		f = call(w, WIRE_BIND, 0xa000, 200, 0);
		f.result = -EADDRINUSE;
		fail_call(w, &f);
		assert_int_equal(w->trouble.holder_count, 1);
		assert_int_equal(w->owner[0].pid, cases[i].heir ? cases[i].heir : 100);
		assert_int_equal(w->holder[0].bound_by != NULL, cases[i].heir != 0);
		if (w->holder[0].ended != cases[i].ended)
			fail_msg("case %zu: ended is %d", i, w->holder[0].ended);
		teardown(&state_of_case);
	}
}

static void half_an_answer_names_who_was_known_and_says_so(void **state)
{
	struct world *w = *state;
	struct kernel k = {.breaks = ANSWER_DESCRIPTORS};
	uint64_t held_ns;

	ask_kernel(w, &k);
	hold(w, ANY4, 0, 0, true);
	held_ns = w->now;
	kernel_opens(w, &k, w->sk, 300, 100, "child");
	w->now += 3 * SECOND;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->owner[0].pid, 100);
	assert_null(w->holder[0].bound_by);
	assert_in_range(w->trouble.holders_as_of_ns, held_ns - 3000, held_ns);
	/* Nobody answers at all: the event goes out before the next. */
	w->answer = NULL;
	{
		struct fact f = call(w, WIRE_BIND, 0xa000, 201, 0);

		f.result = -EADDRINUSE;
		fail_call(w, &f);
		assert_int_equal(w->last.time_ns, 0);
		table_release(w->table, w->now);
		assert_int_equal(w->last.time_ns, f.time_ns);
		assert_int_not_equal(w->trouble.holders_as_of_ns, 0);
		f.task.pid = 202;
		fail_call(w, &f);
	}
	/* Or never, when the table ends first. */
}

static void what_the_table_never_saw_is_named_when_nothing_else_is_in_the_way(void **state)
{
	struct world *w = *state;
	struct kernel k = {0};

	ask_kernel(w, &k);
	kernel_opens(w, &k, 0xb000, 300, 1, "unseen");
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->owner[0].pid, 300);
	assert_int_equal(w->holder[0].state, STATE_LISTEN);
	/* Nor does it know that one whose pointer had another socket, which is not in the way. */
	w->now += 2 * SECOND;
	{
		struct fact f = call(w, WIRE_BIND, 0xb000, 100, 0);

		f.local.port = PORT + 1;
		f.cookie = 0x4321;
		table_apply(w->table, &f);
	}
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->owner[0].pid, 300);
	/* It may have come after the call. */
	w->now += 2 * SECOND;
	hold(w, ANY4, 0, 0, true);
	k.count = 1;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 1);
	assert_int_equal(w->owner[0].pid, 100);
	/* The pointer of the holder is another's since. */
	w->now += 2 * SECOND;
	k.count = 0;
	kernel_opens(w, &k, w->sk - 64, 400, 1, "reuser");
	k.found[0].cookie = 0x1234;
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->owner[0].pid, 100);
}

static void ask_protocol(struct world *w, uint16_t protocol)
{
	struct fact f = call(w, WIRE_BIND, w->sk += 64, 200, 0);

	f.protocol = protocol;
	f.result = -EADDRINUSE;
	place(&f, ANY6);
	fail_call(w, &f);
}

/* Also beside one that the table knows: facts never tell of the kernel's. */
static void the_kernels_own_is_no_unknown_process(void **state)
{
	static const uint16_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	struct world *w = *state;
	struct kernel k = {.count = 1};

	ask_kernel(w, &k);
	for (size_t i = 0; i < 2; i++) {
		struct fact f = call(w, WIRE_SEED_SOCKET, 0xc000, 0, 0), other;

		f.has_task = false;
		f.options |= WIRE_O_KERNEL;
		f.protocol = protocols[i];
		f.to = protocols[i] == IPPROTO_TCP ? STATE_LISTEN : STATE_CLOSE;
		f.kernel_device = 9;
		place(&f, ANY4);
		k.found[0] = f;
		for (unsigned int known = 0; known < 2; known++) {
			const struct event_holder *h = &w->holder[0];

			w->now += 2 * SECOND;
			ask_protocol(w, protocols[i]);
			assert_int_equal(w->trouble.holder_count, 1 + known);
			if (known && protocols[i] == IPPROTO_UDP)
				h++;
			assert_true(h->kernel);
			assert_null(h->process);
			assert_int_equal(h->kernel_device, 9);
			other = call(w, WIRE_BIND, w->sk += 64, 100, 0);
			other.protocol = protocols[i];
			place(&other, ANY6ONLY);
			table_apply(w->table, &other);
		}
	}
}

/* Its end is told by no hook, so that the table must not remember it: a look finds it, and no call of it is told. */
static void a_datagram_socket_of_the_kernel_is_not_kept(void **state)
{
	struct world *w = *state;
	const struct look_socket found = {
		.sk = 0xc000,
		.cookie = 0xc000,
		.time_ns = w->now,
		.netns = NETNS,
		.protocol = IPPROTO_UDP,
		.family = FAMILY_IPV4,
		.state = STATE_CLOSE,
		.local.port = PORT,
		.flags = LOOK_KERNEL,
		.options = WIRE_O_KNOWN,
	};
	const struct look_sink seed = table_look_sink(w->table);
	uint64_t added, removed;

	table_seed_begin(w->table, w->now);
	seed.socket(seed.ctx, &found, NULL, 0);
	table_seed_end(w->table, false, &added, &removed);
	assert_int_equal(added, 0);
	ask_protocol(w, IPPROTO_UDP);
	assert_int_equal(w->trouble.holder_count, 0);
}

/* On its way over a Unix socket: a table of its namespace leads to it, and no descriptor. */
static void what_is_in_flight_is_nobodys(void **state)
{
	static const struct {
		bool udp, known, held;
		unsigned int breaks;
		uint8_t flags;
		uint32_t owner, binder;
	} cases[] = {
		{.known = true, .binder = 100},
		{.known = true, .udp = true, .binder = 100},
		{.known = false},
		{.known = false, .udp = true},
		{.known = true, .held = true, .owner = 300, .binder = 100},
		{.known = true, .breaks = ANSWER_DESCRIPTORS, .owner = 100},
		{.known = true, .breaks = ANSWER_RINGS, .owner = 100},
		/* As much as was seen, and marked: the kernel's own may be missing. */
		{.known = true, .breaks = ANSWER_TABLES, .binder = 100},
		{.known = true, .udp = true, .breaks = ANSWER_TABLES, .binder = 100},
		/* Closed by now: it was its process' when the call failed. */
		{.known = true, .flags = WIRE_F_NO_FILE | WIRE_F_ORPHAN, .owner = 100},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint16_t protocol = cases[i].udp ? IPPROTO_UDP : IPPROTO_TCP;
		struct kernel k = {.breaks = cases[i].breaks};
		const struct event_holder *h;
		void *state_of_case;
		struct world *w;
		struct fact f;

		setup(&state_of_case);
		w = state_of_case;
		h = &w->holder[0];
		ask_kernel(w, &k);
		f = call(w, WIRE_BIND, 0x9000, 100, 0);
		f.protocol = protocol;
		f.options |= WIRE_O_KEEPS_PORT;
		if (cases[i].known)
			table_apply(w->table, &f);
		if (cases[i].held) {
			kernel_opens(w, &k, 0x9000, 300, 1, "heir");
			k.found[0].to = STATE_CLOSE;
		}
		f.kind = WIRE_SEED_SOCKET;
		f.flags = cases[i].flags;
		f.has_task = false;
		f.time_ns = w->now;
		k.found[k.count++] = f;
		ask_protocol(w, protocol);
		assert_int_equal(w->trouble.holder_count, 1);
		assert_int_equal(h->process ? w->owner[0].pid : 0, cases[i].owner);
		assert_int_equal(h->bound_by ? w->binder[0].pid : 0, cases[i].binder);
		assert_int_equal(h->unheld, !cases[i].owner);
		assert_int_equal(w->trouble.holders_as_of_ns != 0, cases[i].breaks != 0);
		teardown(&state_of_case);
	}
}

/* Descriptors lead to the MPTCP socket only, whichever of the two came first. */
static void an_mptcp_socket_and_its_subflow_change_hands_as_one(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct kernel k = {0};
		void *state_of_case;
		struct world *w;
		struct fact f;

		setup(&state_of_case);
		w = state_of_case;
		ask_kernel(w, &k);
		for (int i = 0; i < 2; i++) {
			f = call(w, WIRE_BIND, 0x9000 + (i == order ? 0 : 64), 100, 0);
			f.protocol = i == order ? IPPROTO_MPTCP : IPPROTO_TCP;
			table_apply(w->table, &f);
		}
		kernel_opens(w, &k, 0x9000, 300, 1, "heir");
		k.found[0].protocol = IPPROTO_MPTCP;
		k.found[0].to = STATE_CLOSE;
		for (uint32_t again = 0; again < 3; again++) {
			f = call(w, WIRE_BIND, 0xa000 + 64 * again, 200 + again, 0);
			f.result = -EADDRINUSE;
			fail_call(w, &f);
			assert_int_equal(w->trouble.holder_count, 1);
			assert_int_equal(w->owner[0].pid, 300);
			assert_int_equal(w->binder[0].pid, 100);
			assert_int_equal(w->holder[0].protocol, IPPROTO_MPTCP);
		}
		teardown(&state_of_case);
	}
}

static void a_connection_that_waits_goes_with_its_listener(void **state)
{
	struct world *w = *state;
	struct kernel k = {0};
	struct fact f;

	ask_kernel(w, &k);
	hold(w, ANY4, 0, 0, true);
	f = call(w, WIRE_STATE, 0xc000, 0, 0);
	f.has_task = false;
	f.from = STATE_LISTEN;
	f.to = STATE_SYN_RECV;
	place(&f, ONE4);
	memcpy(f.peer.addr, "\x7f\0\0\1", 4);
	f.peer.port = 9;
	table_apply(w->table, &f);
	f.from = STATE_SYN_RECV;
	f.to = STATE_ESTABLISHED;
	table_apply(w->table, &f);
	kernel_opens(w, &k, w->sk, 300, 1, "heir");
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 2);
	assert_int_equal(w->owner[0].pid, 300);
	assert_int_equal(w->owner[1].pid, 300);
}

static void many_of_the_kernel_are_counted(void **state)
{
	struct world *w = *state;
	struct kernel k = {0};

	ask_kernel(w, &k);
	for (uint16_t i = 0; i < 200; i++)
		kernel_has(w, &k, 1000 + i, 0x77, 0);
	ask_port(w, ANY4, 0, 0);
	assert_int_equal(w->trouble.holder_count, 64);
	assert_int_equal(w->trouble.holders_more, 200 - 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_kernel_says_which_time_waits_there_are, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_time_wait_nobody_saw_is_named_without_process,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_came_after_the_call_is_no_holder, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			time_waits_that_cannot_be_read_are_those_of_the_facts, setup, teardown),
		cmocka_unit_test(who_has_it_open_now_is_the_holder),
		cmocka_unit_test(who_bound_it_and_has_ended_is_said_to_have),
		cmocka_unit_test_setup_teardown(half_an_answer_names_who_was_known_and_says_so,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_the_table_never_saw_is_named_when_nothing_else_is_in_the_way, setup,
			teardown),
		cmocka_unit_test_setup_teardown(the_kernels_own_is_no_unknown_process, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_datagram_socket_of_the_kernel_is_not_kept, setup,
						teardown),
		cmocka_unit_test(what_is_in_flight_is_nobodys),
		cmocka_unit_test(an_mptcp_socket_and_its_subflow_change_hands_as_one),
		cmocka_unit_test_setup_teardown(a_connection_that_waits_goes_with_its_listener,
						setup, teardown),
		cmocka_unit_test_setup_teardown(many_of_the_kernel_are_counted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
