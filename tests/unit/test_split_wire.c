// SPDX-License-Identifier: GPL-2.0-only
/* test_split_wire.c - what the helper takes for a request, and the reader for an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "split_wire.h"

struct seen {
	size_t held, loose, netns, unseen;
	uint32_t fd, pid;
};

static void on_socket(void *ctx, const struct look_socket *s, const struct look_task *task,
		      uint32_t fd)
{
	struct seen *seen = ctx;

	assert_int_equal(s->state, STATE_LISTEN);
	if (task)
		seen->held++;
	else
		seen->loose++;
	if (task)
		seen->fd = fd;
	if (task)
		seen->pid = task->process.pid;
}

static void on_netns(void *ctx, uint32_t netns, const struct port_range *range)
{
	struct seen *seen = ctx;

	assert_int_equal(netns, 7);
	assert_int_equal(range->low, 32768);
	seen->netns++;
}

static void on_unseen(void *ctx, uint32_t netns, unsigned int what)
{
	struct seen *seen = ctx;

	assert_int_equal(netns, 8);
	assert_int_equal(what, 3);
	seen->unseen++;
}

static bool is_known(void *ctx, uint64_t key, uint64_t sk)
{
	(void)ctx, (void)sk;
	return key == 99;
}

static struct look_sink sink_of(struct seen *seen)
{
	return (struct look_sink){.socket = on_socket,
				  .netns = on_netns,
				  .unseen = on_unseen,
				  .known = is_known,
				  .ctx = seen};
}

/* ---- requests ---- */

static void a_request_says_what_its_kind_wants_and_no_more(void **state)
{
	static const struct {
		struct split_request q;
		bool good;
	} cases[] = {
		{{.kind = SPLIT_NONE}, false},
		{{.kind = SPLIT_KINDS}, false},
		{{.kind = UINT32_MAX}, false},
		{{.kind = SPLIT_LOOK,
		  .netns = 1,
		  .pid = 2,
		  .number = 65535,
		  .flags = 7,
		  .wants = ~0u,
		  .value = 9},
		 true},
		{{.kind = SPLIT_LOOK, .number = 65536}, false},
		{{.kind = SPLIT_LOOK, .flags = 3 << 3}, false},
		{{.kind = SPLIT_LOOK, .flags = 1 << 6}, false},
		{{.kind = SPLIT_LOOK, .id = {1}}, false},
		{{.kind = SPLIT_RANGE, .netns = 1, .pid = 2}, true},
		{{.kind = SPLIT_RANGE, .wants = 1}, false},
		{{.kind = SPLIT_RANGE, .value = 1}, false},
		{{.kind = SPLIT_LISTENERS}, true},
		{{.kind = SPLIT_LISTENERS, .pid = 1}, false},
		{{.kind = SPLIT_FOLDS, .number = 1}, true},
		{{.kind = SPLIT_FOLDS, .number = 2}, false},
		{{.kind = SPLIT_PROGRAM, .pid = 1}, true},
		{{.kind = SPLIT_PROGRAM, .netns = 1}, false},
		{{.kind = SPLIT_NAMES, .id = {1}, .pod = {1}}, true},
		{{.kind = SPLIT_NAMES, .number = 1}, false},
		{{.kind = SPLIT_DETACH, .pod = {[15] = 1}}, false},
		{{.kind = SPLIT_FILE, .number = SPLIT_FILES - 1, .flags = SPLIT_F_RENAME}, true},
		{{.kind = SPLIT_FILE, .number = SPLIT_FILES}, false},
		{{.kind = SPLIT_FILE, .flags = SPLIT_F_RENAME + 1}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(split_request_is_good(&cases[i].q, sizeof(cases[i].q)),
				 cases[i].good);
	assert_false(split_request_is_good(&cases[3].q, sizeof(cases[3].q) - 1));
	assert_false(split_request_is_good(&cases[3].q, sizeof(cases[3].q) + 1));
}

static void the_request_of_a_look_comes_back(void **state)
{
	const struct look_request q = {.tasks = true,
				       .udp = true,
				       .wants = 5,
				       .netns = 4026531840u,
				       .pid = 77,
				       .port = 443,
				       .ranges = LOOK_RANGES_ALL,
				       .until_ns = UINT64_MAX};
	struct split_request wire = split_look_request(&q);
	struct look_request back;

	(void)state;
	assert_true(split_request_is_good(&wire, sizeof(wire)));
	back = split_look_wanted(&wire);
	assert_true(back.tasks && back.udp && !back.tcp);
	assert_int_equal(back.wants, q.wants);
	assert_int_equal(back.netns, q.netns);
	assert_int_equal(back.pid, q.pid);
	assert_int_equal(back.port, q.port);
	assert_int_equal(back.ranges, q.ranges);
	assert_true(back.until_ns == q.until_ns);
}

/* ---- answers ---- */

static void an_answer_is_as_long_as_it_says(void **state)
{
	const struct split_head good = {.kind = SPLIT_RANGE, .size = 8, .result = -2};
	struct split_head h[2] = {good};

	(void)state;
	assert_true(split_answer_is_good(h, sizeof(h[0]) + 8, SPLIT_RANGE));
	assert_false(split_answer_is_good(h, sizeof(h[0]) + 7, SPLIT_RANGE));
	assert_false(split_answer_is_good(h, sizeof(h[0]) + 9, SPLIT_RANGE));
	assert_false(split_answer_is_good(h, sizeof(h[0]) + 8, SPLIT_LOOK));
	assert_false(split_answer_is_good(h, sizeof(h[0]) - 1, SPLIT_RANGE));
	h[0].result = 1;
	assert_false(split_answer_is_good(h, sizeof(h[0]) + 8, SPLIT_RANGE));
	h[0] = good;
	h[0].more = 2;
	assert_false(split_answer_is_good(h, sizeof(h[0]) + 8, SPLIT_RANGE));
}

struct items {
	struct split_task task;
	struct split_socket held, loose, known;
	struct split_netns netns;
	struct split_unseen unseen;
};

static struct items *make_items(void)
{
	struct items *i = calloc(1, sizeof(*i));

	assert_non_null(i);
	i->task = (struct split_task){
		.head = {SPLIT_I_TASK, sizeof(i->task), 0}, .pid = 12, .tid = 12, .name = "nginx"};
	i->held.head = (struct split_item_head){SPLIT_I_SOCKET, sizeof(i->held), 6};
	i->held.held = 1;
	i->held.socket.family = FAMILY_IPV4;
	i->held.socket.state = STATE_LISTEN;
	i->loose = i->held;
	i->loose.held = 0;
	i->known = i->loose;
	i->known.socket.key = 99;
	i->netns.head = (struct split_item_head){SPLIT_I_NETNS, sizeof(i->netns), 7};
	i->netns.range.low = 32768;
	i->unseen =
		(struct split_unseen){.head = {SPLIT_I_UNSEEN, sizeof(i->unseen), 8}, .what = 3};
	return i;
}

static void items_reach_the_sink_but_for_sockets_it_knows(void **state)
{
	struct items *i = make_items();
	struct seen seen = {0};
	struct look_sink sink = sink_of(&seen);
	struct look_task task = {0};

	(void)state;
	assert_int_equal(split_take_items(&task, (const uint8_t *)i, sizeof(*i), &sink), 0);
	assert_int_equal(seen.held, 1);
	assert_int_equal(seen.loose, 1);
	assert_int_equal(seen.netns, 1);
	assert_int_equal(seen.unseen, 1);
	assert_int_equal(seen.fd, 6);
	assert_int_equal(seen.pid, 12);
	assert_string_equal(task.process.name, "nginx");
	free(i);
}

static void an_item_is_cut_nowhere(void **state)
{
	struct items *i = make_items();
	const size_t ends[] = {offsetof(struct items, held), offsetof(struct items, loose),
			       offsetof(struct items, known), offsetof(struct items, netns),
			       offsetof(struct items, unseen)};
	size_t next = 0;

	(void)state;
	for (size_t len = 1; len < sizeof(*i); len++) {
		struct seen seen = {0};
		struct look_sink sink = sink_of(&seen);
		struct look_task task = {0};
		uint8_t *exact = malloc(len);
		bool whole = next < sizeof(ends) / sizeof(ends[0]) && len == ends[next];

		assert_non_null(exact);
		memcpy(exact, i, len);
		assert_int_equal(split_take_items(&task, exact, len, &sink), whole ? 0 : -EBADMSG);
		next += whole;
		free(exact);
	}
	free(i);
}

static int take_changed(const struct items *i)
{
	struct seen seen = {0};
	struct look_sink sink = sink_of(&seen);
	struct look_task task = {0};

	return split_take_items(&task, (const uint8_t *)i, sizeof(*i), &sink);
}

static void an_item_that_cannot_be_is_refused(void **state)
{
	struct items *i = make_items();

	(void)state;
#define REFUSED(field, value)                                                                      \
	do {                                                                                       \
		const struct items before = *i;                                                    \
		i->field = (value);                                                                \
		assert_int_equal(take_changed(i), -EBADMSG);                                       \
		*i = before;                                                                       \
	} while (0)
	REFUSED(task.head.type, 0);
	REFUSED(task.head.type, SPLIT_I_NAME + 1);
	REFUSED(task.head.size, sizeof(struct split_task) - 8);
	REFUSED(task.pid, 0);
	REFUSED(held.socket.family, 5);
	REFUSED(held.socket.state, STATES);
	REFUSED(held.socket.local.takes, TAKES_UNKNOWN + 1);
	REFUSED(held.socket.peer.takes, TAKES_UNKNOWN + 1);
	REFUSED(unseen.head.type, SPLIT_I_NAME);
#undef REFUSED
	memset(i->task.name, 'x', sizeof(i->task.name));
	assert_int_equal(take_changed(i), -EBADMSG);
	strcpy(i->task.name, "x");
	*(uint8_t *)&i->held.socket.mapped = 2;
	assert_int_equal(take_changed(i), -EBADMSG);
	free(i);
}

static void texts_are_as_long_as_they_say(void **state)
{
	struct {
		struct split_program p;
		char text[8];
	} program = {{.exe_len = 3, .args_len = 4, .name = "cat"}, "catcat\0"};
	struct {
		struct split_names n;
		char text[8];
	} names = {{.container_len = 3, .pod_len = 2}, "webns"};
	const size_t size = sizeof(program.p) + 7, names_size = sizeof(names.n) + 5;
	struct process_reading r = {0};
	char *container, *pod;

	(void)state;
	assert_int_equal(split_take_program((const uint8_t *)&program, size, &r), 0);
	assert_string_equal(r.exe, "cat");
	assert_memory_equal(r.args, "cat\0", 5);
	free(r.exe);
	free(r.args);
	assert_int_equal(split_take_program((const uint8_t *)&program, size - 1, &r), -EBADMSG);
	assert_int_equal(split_take_program((const uint8_t *)&program, size + 1, &r), -EBADMSG);
	program.p.exe_len = UINT32_MAX - 3;
	assert_int_equal(split_take_program((const uint8_t *)&program, size, &r), -EBADMSG);
	assert_int_equal(split_take_names((const uint8_t *)&names, names_size, &container, &pod),
			 0);
	assert_string_equal(container, "web");
	assert_string_equal(pod, "ns");
	free(container);
	free(pod);
	names.n.pod_len = UINT32_MAX;
	assert_int_equal(split_take_names((const uint8_t *)&names, names_size, &container, &pod),
			 -EBADMSG);
}

static void an_id_is_a_number(void **state)
{
	static const char pod[] = "0123abcd-4567-89ab-cdef-0123456789ab";
	uint8_t number[16];
	char text[37];

	(void)state;
	assert_true(split_number_of(pod, 32, number));
	split_text_of(number, sizeof(number), true, text);
	assert_string_equal(text, pod);
	assert_true(split_number_of("0123abcd_4567_89ab_cdef_0123456789ab", 32, number));
	assert_false(split_number_of("0123ABCD-4567-89ab-cdef-0123456789ab", 32, number));
	assert_false(split_number_of("../../../../../../etc/passwd", 32, number));
	assert_false(split_number_of("0123abcd-4567-89ab-cdef-0123456789ab0", 32, number));
	assert_false(split_number_of("0123", 32, number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_says_what_its_kind_wants_and_no_more),
		cmocka_unit_test(the_request_of_a_look_comes_back),
		cmocka_unit_test(an_answer_is_as_long_as_it_says),
		cmocka_unit_test(items_reach_the_sink_but_for_sockets_it_knows),
		cmocka_unit_test(an_item_is_cut_nowhere),
		cmocka_unit_test(an_item_that_cannot_be_is_refused),
		cmocka_unit_test(texts_are_as_long_as_they_say),
		cmocka_unit_test(an_id_is_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
