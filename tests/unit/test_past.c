// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "past.h"
#include "past_wire.h"

#define NETNS  4026531840u
#define COOKIE 77

static const struct process maker = {.pid = 901,
				     .tid = 902,
				     .uid = 33,
				     .ruid = 1000,
				     .cgroup_id = 5,
				     .name = "nginx",
				     .cgroup = "/web",
				     .container = "c0ffee"};

static struct listing_socket tcp(enum tcp_state state)
{
	return (struct listing_socket){
		.cookie = COOKIE,
		.sk = 1,
		.netns = NETNS,
		.protocol = IPPROTO_TCP,
		.family = FAMILY_IPV4,
		.state = (uint8_t)state,
		.local = {.addr = {127, 0, 0, 1}, .port = 8080},
		.peer = {.addr = {127, 0, 0, 2}, .port = 44000},
	};
}

static struct event life(enum event_end end)
{
	const struct listing_socket s = tcp(STATE_ESTABLISHED);

	return (struct event){
		.kind = EVENT_CLOSE,
		.time_ns = 5000,
		.protocol = IPPROTO_TCP,
		.family = FAMILY_IPV4,
		.has_local = true,
		.has_peer = true,
		.netns = NETNS,
		.cookie = COOKIE,
		.local = s.local,
		.peer = s.peer,
		.process = &maker,
		.close = {.end = end,
			  .opened_ns = 3000,
			  .time_wait = end == EVENT_END_SEEN,
			  .state = STATE_ESTABLISHED},
	};
}

/* A listing of one loose socket, told of one life. */
static struct listing_socket tell(struct listing_socket s, struct event e, int64_t offset_ns)
{
	struct listing l;
	struct past p;
	struct listing_socket result;

	listing_init(&l);
	assert_int_not_equal(listing_add_loose(&l, &s), LISTING_NONE);
	listing_join(&l);
	assert_int_equal(past_init(&p, &l), 0);
	past_apply(&p, &e, offset_ns);
	result = l.sockets[0];
	if (result.owner != LISTING_NONE) {
		const struct process *who = &listing_owner(&l, &l.sockets[0])->process;

		assert_int_equal(who->pid, 901);
		assert_string_equal(who->name, "nginx");
		assert_string_equal(who->cgroup, "/web");
		assert_string_equal(who->container, "c0ffee");
	}
	past_done(&p);
	listing_done(&l);
	return result;
}

static void test_a_time_wait_gets_its_maker(void **state)
{
	struct listing_socket s = tell(tcp(STATE_TIME_WAIT), life(EVENT_END_SEEN), 0);

	(void)state;
	assert_int_equal(s.since_ns, 5000);
	assert_int_not_equal(s.owner, LISTING_NONE);
	s = tell(tcp(STATE_TIME_WAIT), life(EVENT_END_SEEN), 1000);
	assert_int_equal(s.since_ns, 4000);
	s = tell(tcp(STATE_FIN_WAIT2), life(EVENT_END_SEEN), 0);
	assert_int_not_equal(s.owner, LISTING_NONE);
}

static void test_a_life_that_goes_on_gets_its_start(void **state)
{
	struct listing_socket s = tell(tcp(STATE_ESTABLISHED), life(EVENT_END_OPEN), 0);

	(void)state;
	assert_int_equal(s.since_ns, 3000);
	/* In flight between processes: who sent it has it open no more. */
	assert_int_equal(s.owner, LISTING_NONE);
	s = tell(tcp(STATE_LAST_ACK), life(EVENT_END_UNSEEN), 0);
	assert_int_equal(s.since_ns, 3000);
	assert_int_equal(s.owner, LISTING_NONE);
	s = tcp(STATE_ESTABLISHED);
	s.flags = LOOK_QUEUED;
	assert_int_equal(tell(s, life(EVENT_END_OPEN), 0).owner, LISTING_NONE);
}

/* Of strangers that have it open the one that bound it, and nobody who has it open no more. */
static void test_a_call_names_the_owner(void **state)
{
	static const struct {
		uint32_t pid[2], maker, owner; /* holders; owner 0: nobody */
	} cases[] = {
		{{901, 20}, 0, 901}, {{20, 901}, 20, 901}, {{901, 901}, 901, 901},
		{{20, 21}, 0, 0},    {{20, 21}, 20, 20},   {{20, 20}, 0, 20},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct listing_socket s = tcp(STATE_ESTABLISHED);
		struct event e = life(EVENT_END_OPEN);
		const struct listing_task *owner;
		struct listing l;
		struct past p;

		s.key = 640;
		listing_init(&l);
		for (int k = 0; k < 2; k++) {
			struct listing_task task = {.process = {.pid = cases[i].pid[k]},
						    .parent = 1};

			listing_add_holder(&l, listing_add_task(&l, &task), 3,
					   task.process.pid == cases[i].maker, &s);
		}
		listing_join(&l);
		assert_int_equal(past_init(&p, &l), 0);
		assert_true(past_apply(&p, &e, 0));
		owner = listing_owner(&l, &l.sockets[0]);
		assert_int_equal(owner ? owner->process.pid : 0, cases[i].owner);
		past_done(&p);
		listing_done(&l);
	}
}

static void refuse(struct listing_socket s, struct event e)
{
	struct listing_socket told = tell(s, e, 0);

	assert_int_equal(told.since_ns, 0);
	assert_int_equal(told.owner, LISTING_NONE);
}

static void test_another_life_counts_for_nothing(void **state)
{
	const struct listing_socket s = tcp(STATE_TIME_WAIT);
	struct event e;

	(void)state;
	refuse(s, life(EVENT_END_OPEN));
	refuse(s, life(EVENT_END_UNSEEN));
	refuse(tcp(STATE_ESTABLISHED), life(EVENT_END_SEEN));
#define BUT(change)                                                                                \
	e = life(EVENT_END_SEEN);                                                                  \
	change;                                                                                    \
	refuse(s, e)
	BUT(e.close.time_wait = false);
	BUT(e.cookie = COOKIE + 1);
	BUT(e.cookie = 0);
	BUT(e.netns++);
	BUT(e.netns = 0);
	BUT(e.protocol = IPPROTO_MPTCP);
	BUT(e.family = FAMILY_IPV6);
	BUT(e.local.port++);
	BUT(e.peer.port++);
	BUT(e.local.addr[3]++);
	BUT(e.peer.addr[3]++);
	BUT(e.has_peer = false);
	BUT(e.kind = EVENT_CONNECT);
#undef BUT
}

static void test_what_is_known_stays(void **state)
{
	struct listing_socket s = tcp(STATE_TIME_WAIT), again = tcp(STATE_TIME_WAIT);
	struct event first = life(EVENT_END_SEEN), second = first;
	struct listing l;
	struct past p;

	(void)state;
	listing_init(&l);
	again.cookie = COOKIE + 1;
	again.sk = 2;
	listing_add_loose(&l, &s);
	listing_add_loose(&l, &again);
	listing_join(&l);
	assert_int_equal(past_init(&p, &l), 0);
	assert_int_equal(p.left_unknown, 2);
	assert_int_equal(past_wants(&p, 0), COOKIE);
	assert_true(past_apply(&p, &first, 0));
	assert_int_equal(past_wants(&p, 0), 0);
	assert_int_equal(p.left_unknown, 1);
	second.time_ns = 9000;
	assert_false(past_apply(&p, &second, 0));
	assert_int_equal(l.sockets[0].since_ns, 5000);
	second.cookie++;
	assert_true(past_apply(&p, &second, 0));
	assert_int_equal(p.unknown, 0);
	/* One process is one task. */
	assert_int_equal(l.task_count, 1);
	past_done(&p);
	listing_done(&l);
}

static void test_many_makers(void **state)
{
	struct listing l;
	struct past p;

	(void)state;
	listing_init(&l);
	for (uint32_t i = 1; i <= 5000; i++) {
		struct listing_socket s = tcp(STATE_TIME_WAIT);

		s.cookie = s.sk = i;
		listing_add_loose(&l, &s);
	}
	listing_join(&l);
	assert_int_equal(past_init(&p, &l), 0);
	for (uint32_t i = 1; i <= 5000; i++) {
		struct process process = maker;
		struct event e = life(EVENT_END_SEEN);

		process.pid = i;
		e.cookie = i;
		e.process = &process;
		assert_true(past_apply(&p, &e, 0));
	}
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(listing_owner(&l, &l.sockets[i])->process.pid, i + 1);
	past_done(&p);
	listing_done(&l);
}

/* ---- bytes ---- */

static void test_a_life_comes_back_as_it_was(void **state)
{
	uint8_t bytes[PAST_RECORD_MAX];
	struct past_answer a;

	(void)state;
	for (int end = EVENT_END_SEEN; end <= EVENT_END_OPEN; end++) {
		struct event e = life((enum event_end)end);
		size_t len = past_write_life(bytes, &e);

		assert_int_equal(past_read(bytes, len, &a), len);
		assert_int_equal(a.kind, PAST_LIFE);
		assert_int_equal(a.life.cookie, COOKIE);
		assert_int_equal(a.life.close.end, end);
		assert_int_equal(a.life.close.time_wait, end == EVENT_END_SEEN);
		assert_int_equal(end == EVENT_END_SEEN ? a.life.time_ns : a.life.close.opened_ns,
				 end == EVENT_END_SEEN ? 5000 : 3000);
		assert_memory_equal(&a.life.local, &e.local, sizeof(e.local));
		assert_memory_equal(&a.life.peer, &e.peer, sizeof(e.peer));
		assert_int_equal(a.life.process->pid, 901);
		assert_int_equal(a.life.process->uid, 33);
		assert_int_equal(a.life.process->ruid, 1000);
		assert_string_equal(a.life.process->name, "nginx");
		assert_string_equal(a.life.process->cgroup, "/web");
		assert_string_equal(a.life.process->container, "c0ffee");
		e.process = NULL;
		e.has_peer = false;
		len = past_write_life(bytes, &e);
		assert_int_equal(past_read(bytes, len, &a), len);
		assert_null(a.life.process);
		assert_false(a.life.has_peer);
	}
}

static void test_a_long_path_is_left_out(void **state)
{
	char path[PAST_TEXT_MAX + 2] = "";
	struct program program = {.start_ns = 7};
	struct process p = maker;
	struct event e = life(EVENT_END_OPEN);
	uint8_t bytes[PAST_RECORD_MAX];
	struct past_answer a;

	(void)state;
	memset(path, 'a', PAST_TEXT_MAX);
	p.cgroup = p.container = p.container_name = p.pod = p.unit = path;
	program.exe = program.args = path;
	program.args_len = PAST_TEXT_MAX;
	p.program = &program;
	e.process = &p;
	assert_int_equal(past_write_life(bytes, &e), PAST_RECORD_MAX);
	assert_int_equal(past_read(bytes, PAST_RECORD_MAX, &a), PAST_RECORD_MAX);
	assert_string_equal(a.life.process->cgroup, path);
	assert_string_equal(a.life.process->unit, path);
	assert_string_equal(a.life.process->program->exe, path);
	assert_false(a.life.process->program->args_cut);
	path[PAST_TEXT_MAX] = 'a';
	program.args_len++;
	past_write_life(bytes, &e);
	assert_true(past_read(bytes, PAST_RECORD_MAX, &a) > 0);
	assert_null(a.life.process->cgroup);
	assert_null(a.life.process->program->exe);
	assert_int_equal(a.life.process->program->args_len, PAST_TEXT_MAX);
	assert_true(a.life.process->program->args_cut);
	assert_string_equal(a.life.process->name, "nginx");
}

/* In memory of exactly that size, so that one byte read too many is seen. */
static long read_exactly(const uint8_t *bytes, size_t len, struct past_answer *a)
{
	uint8_t *copy = malloc(len ? len : 1);
	long n;

	memcpy(copy, bytes, len);
	n = past_read(copy, len, a);
	free(copy);
	return n;
}

static void test_cut_at_every_byte(void **state)
{
	struct event e = life(EVENT_END_OPEN);
	uint8_t bytes[PAST_RECORD_MAX];
	struct past_answer a;
	size_t len = past_write_life(bytes, &e);

	(void)state;
	for (size_t i = 0; i < len; i++)
		assert_int_equal(read_exactly(bytes, i, &a), 0);
	len = past_write_hello(bytes);
	assert_int_equal(read_exactly(bytes, len - 1, &a), 0);
	assert_int_equal(read_exactly(bytes, len, &a), len);
	assert_int_equal(a.kind, PAST_HELLO);
	len = past_write_end(bytes);
	assert_int_equal(read_exactly(bytes, len, &a), len);
	assert_int_equal(a.kind, PAST_END);
}

static void test_bytes_that_make_no_sense(void **state)
{
	struct event e = life(EVENT_END_OPEN);
	uint8_t good[PAST_RECORD_MAX], bytes[PAST_RECORD_MAX];
	size_t len = past_write_life(good, &e);
	struct past_life *l = (struct past_life *)(void *)bytes;
	struct past_answer a;

	(void)state;
#define BUT(change)                                                                                \
	memcpy(bytes, good, len);                                                                  \
	change;                                                                                    \
	assert_int_equal(past_read(bytes, len, &a), -EBADMSG)
	BUT(l->head.kind = 0);
	BUT(l->head.kind = PAST_KINDS);
	BUT(l->head.kind = PAST_END);
	BUT(l->head.kind = PAST_HELLO);
	BUT(l->head.size = 7);
	BUT(l->head.size = sizeof(*l));
	BUT(l->head.size = PAST_RECORD_MAX + 1);
	BUT(l->head.reserved = 1);
	BUT(l->cookie = 0);
	BUT(l->netns = 0);
	BUT(l->family = 5);
	BUT(l->flags |= 1 << 5);
	BUT(l->flags &= ~PAST_F_PEER);
	BUT(l->flags &= ~PAST_F_PROCESS);
	BUT(l->flags |= PAST_F_ARGS_CUT);
	BUT(l->texts &= ~(1 << PAST_CGROUP));
	BUT(l->texts &= ~(1 << PAST_CONTAINER));
	BUT(l->texts |= 1 << PAST_TEXTS);
	BUT(l->texts |= 1 << PAST_EXE);
	BUT(l->start_ns = 1);
	BUT(l->pad[4] = 1);
	BUT(l->pid = 0);
	BUT(l->local[4] = 1);
	BUT(l->peer[15] = 1);
	BUT(memset(l->name, 'a', sizeof(l->name)));
	BUT(l->len[PAST_CGROUP]++);
	BUT(l->len[PAST_CONTAINER]--);
	BUT(bytes[sizeof(*l)] = 0);
#undef BUT
	past_write_hello(bytes);
	((struct past_hello *)(void *)bytes)->version++;
	assert_int_equal(past_read(bytes, sizeof(struct past_hello), &a), -EBADMSG);
}

static void test_random_bytes(void **state)
{
	struct event e = life(EVENT_END_SEEN);
	uint8_t good[PAST_RECORD_MAX], bytes[PAST_RECORD_MAX];
	size_t len = past_write_life(good, &e);
	struct past_answer a;
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		memcpy(bytes, good, len);
		for (int k = 0; k < 1 + i % 3; k++) {
			seed = seed * 1664525 + 1013904223;
			bytes[(seed >> 8) % len] = (uint8_t)(seed >> 24);
		}
		if (read_exactly(bytes, len, &a) > 0 && a.kind == PAST_LIFE && a.life.process)
			assert_true(strlen(a.life.process->name) < PROCESS_NAME_SIZE);
	}
}

static void test_a_question_is_checked(void **state)
{
	const struct past_question good = {
		.magic = PAST_MAGIC, .version = PAST_VERSION, .size = 16, .count = 1};
	struct past_question q;

	(void)state;
	assert_true(past_check_question(&good));
#define BUT(change)                                                                                \
	q = good;                                                                                  \
	change;                                                                                    \
	assert_false(past_check_question(&q))
	BUT(q.magic++);
	BUT(q.version++);
	BUT(q.size++);
	BUT(q.count = 0);
	BUT(q.count = PAST_COOKIES_MAX + 1);
	BUT(q.subject = 2);
	BUT(q.subject = PAST_OF_STATUS);
#undef BUT
	q = good;
	q.subject = PAST_OF_STATUS;
	q.count = 0;
	assert_true(past_check_question(&q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_time_wait_gets_its_maker),
		cmocka_unit_test(test_a_life_that_goes_on_gets_its_start),
		cmocka_unit_test(test_a_call_names_the_owner),
		cmocka_unit_test(test_another_life_counts_for_nothing),
		cmocka_unit_test(test_what_is_known_stays),
		cmocka_unit_test(test_many_makers),
		cmocka_unit_test(test_a_life_comes_back_as_it_was),
		cmocka_unit_test(test_a_long_path_is_left_out),
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_bytes_that_make_no_sense),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_a_question_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
