/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fact.h"

#define BIGGEST sizeof(struct wire_call)

struct record {
	union {
		struct wire_fact fact;
		struct wire_call call;
		struct wire_closed closed;
	};
};

static size_t size_of(unsigned int kind)
{
	switch (kind) {
	case WIRE_STATE:
	case WIRE_DESTROY:
	case WIRE_RESET_RECEIVED:
	case WIRE_RESET_SENT:
	case WIRE_TIME_WAIT:
	case WIRE_TIME_WAIT_END:
	case WIRE_ASKED: return sizeof(struct wire_fact);
	case WIRE_CLOSED: return sizeof(struct wire_closed);
	default: return sizeof(struct wire_call);
	}
}

static struct record make_record(unsigned int kind)
{
	struct record r = {0};

	r.fact = (struct wire_fact){
		.kind = kind,
		.flags = WIRE_F_ORPHAN,
		.size = size_of(kind),
		.netns = 4026531840,
		.time_ns = 12345678901,
		.sk = 0xffff888012345678,
		.cookie = 77,
		.listener = 76,
		.family = AF_INET,
		.from = STATE_SYN_SENT,
		.to = kind == WIRE_TIME_WAIT ? STATE_TIME_WAIT : STATE_ESTABLISHED,
		.protocol = IPPROTO_TCP,
		.error = ECONNREFUSED,
		.local_port_be = htons(44420),
		.peer_port_be = htons(80),
		.ifindex = 3,
		.local = {127, 0, 0, 1},
		.peer = {10, 1, 2, 3},
	};
	if (size_of(kind) == sizeof(r.call)) {
		r.call.task = (struct wire_task){
			.pid = 901,
			.tid = 902,
			.uid = 33,
			.ruid = 1000,
			.fd = 6,
			.cgroup_id = 4711,
			.name = "nginx",
		};
		r.call.result = -EADDRINUSE;
		r.call.arg = 128;
	} else if (kind == WIRE_CLOSED) {
		r.closed.sent_bytes = 1ull << 40;
		r.closed.received_bytes = 2;
		r.closed.retransmits = 3;
		r.closed.rtt_us = 4;
		r.closed.unacked_bytes = 5;
		r.closed.last_heard_ms = 6;
		r.closed.user_timeout_ms = 7;
		r.closed.syns = 8;
		r.closed.probes = 9;
		r.closed.end = WIRE_E_HEARD;
	}
	return r;
}

/* From memory of exactly that size, so that ASan sees a read too far. */
static int decode(struct fact *ret, const void *bytes, size_t size)
{
	void *copy = malloc(size ? size : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	err = fact_decode(ret, copy, size);
	free(copy);
	return err;
}

static void assert_refused(const struct record *r, size_t size)
{
	struct fact f, before;

	memset(&f, 0xa5, sizeof(f));
	before = f;
	assert_int_equal(decode(&f, r, size), -EBADMSG);
	assert_memory_equal(&f, &before, sizeof(f));
}

static void test_every_kind(void **state)
{
	(void)state;
	for (unsigned int kind = WIRE_NONE + 1; kind < WIRE_KINDS; kind++) {
		struct record r = make_record(kind);
		struct fact f;

		assert_int_equal(decode(&f, &r, size_of(kind)), 0);
		assert_int_equal(f.kind, kind);
		assert_int_equal(f.flags, WIRE_F_ORPHAN);
		assert_int_equal(f.netns, 4026531840);
		assert_int_equal(f.time_ns, 12345678901);
		assert_int_equal(f.sk, 0xffff888012345678);
		assert_int_equal(f.cookie, 77);
		assert_int_equal(f.listener, 76);
		assert_int_equal(f.family, FAMILY_IPV4);
		assert_int_equal(f.from, STATE_SYN_SENT);
		assert_int_equal(f.to, r.fact.to);
		assert_int_equal(f.protocol, IPPROTO_TCP);
		assert_int_equal(f.error, ECONNREFUSED);
		assert_int_equal(f.local.port, 44420);
		assert_int_equal(f.peer.port, 80);
		assert_int_equal(f.counted, kind == WIRE_CLOSED);
		assert_int_equal(f.has_task, size_of(kind) == sizeof(struct wire_call) &&
						     kind != WIRE_SEED_SOCKET);
	}
}

static void test_call(void **state)
{
	struct record r = make_record(WIRE_BIND);
	struct fact f;

	(void)state;
	assert_int_equal(decode(&f, &r, sizeof(r.call)), 0);
	assert_true(f.has_task);
	assert_int_equal(f.task.pid, 901);
	assert_int_equal(f.task.tid, 902);
	assert_int_equal(f.task.uid, 33);
	assert_int_equal(f.task.ruid, 1000);
	assert_int_equal(f.task.cgroup_id, 4711);
	assert_string_equal(f.task.name, "nginx");
	assert_null(f.task.cgroup);
	assert_null(f.task.container);
	assert_int_equal(f.fd, 6);
	assert_int_equal(f.result, -EADDRINUSE);
	assert_int_equal(f.arg, 128);

	r.call.task.pid = 0;
	assert_int_equal(decode(&f, &r, sizeof(r.call)), 0);
	assert_false(f.has_task);
	assert_int_equal(f.result, -EADDRINUSE);
}

static void test_name_without_nul(void **state)
{
	struct record r = make_record(WIRE_BIND);
	static const char clean[PROCESS_NAME_SIZE] = "ab";
	struct fact f;

	(void)state;
	memset(r.call.task.name, 'x', sizeof(r.call.task.name));
	assert_int_equal(decode(&f, &r, sizeof(r.call)), 0);
	assert_string_equal(f.task.name, "xxxxxxxxxxxxxxx");

	memcpy(r.call.task.name, "ab", 3);
	assert_int_equal(decode(&f, &r, sizeof(r.call)), 0);
	assert_memory_equal(f.task.name, clean, sizeof(clean));
}

static void test_closed(void **state)
{
	struct record r = make_record(WIRE_CLOSED);
	struct fact f;

	(void)state;
	assert_int_equal(decode(&f, &r, sizeof(r.closed)), 0);
	assert_true(f.counted);
	assert_int_equal(f.sent_bytes, 1ull << 40);
	assert_int_equal(f.received_bytes, 2);
	assert_int_equal(f.retransmits, 3);
	assert_int_equal(f.rtt_us, 4);
	assert_int_equal(f.unacked_bytes, 5);
	assert_int_equal(f.last_heard_ms, 6);
	assert_int_equal(f.user_timeout_ms, 7);
	assert_int_equal(f.syns, 8);
	assert_int_equal(f.probes, 9);
	assert_int_equal(f.end, WIRE_E_HEARD);
}

static void test_addresses(void **state)
{
	struct record r = make_record(WIRE_STATE);
	static const uint8_t ipv4[16] = {127, 0, 0, 1};
	uint8_t link_local[16] = {0xfe, 0x80, [15] = 1}, global[16] = {0x20, 1, [15] = 2};
	struct fact f;

	(void)state;
	memset(r.fact.local + 4, 0xff, 12);
	assert_int_equal(decode(&f, &r, sizeof(r.fact)), 0);
	assert_memory_equal(f.local.addr, ipv4, 16);
	assert_int_equal(f.local.ifindex, 0);

	r.fact.family = AF_INET6;
	memcpy(r.fact.local, link_local, 16);
	memcpy(r.fact.peer, global, 16);
	assert_int_equal(decode(&f, &r, sizeof(r.fact)), 0);
	assert_int_equal(f.family, FAMILY_IPV6);
	assert_memory_equal(f.local.addr, link_local, 16);
	assert_int_equal(f.local.ifindex, 3);
	assert_memory_equal(f.peer.addr, global, 16);
	assert_int_equal(f.peer.ifindex, 0);
}

static void test_cut_at_every_byte(void **state)
{
	(void)state;
	for (unsigned int kind = WIRE_NONE + 1; kind < WIRE_KINDS; kind++) {
		struct record r = make_record(kind);

		for (size_t size = 0; size < size_of(kind); size++) {
			assert_refused(&r, size);
			r.fact.size = size;
			assert_refused(&r, size);
			r.fact.size = size_of(kind);
		}
	}
}

static void test_size_of_another_kind(void **state)
{
	static const size_t sizes[] = {sizeof(struct wire_fact), sizeof(struct wire_closed),
				       sizeof(struct wire_call)};
	uint8_t longer[BIGGEST + 8] = {0};
	struct fact f;

	(void)state;
	for (unsigned int kind = WIRE_NONE + 1; kind < WIRE_KINDS; kind++) {
		struct record r = make_record(kind);

		for (size_t i = 0; i < 3; i++) {
			if (sizes[i] == size_of(kind))
				continue;
			r.fact.size = size_of(kind);
			assert_refused(&r, sizes[i]);
			r.fact.size = sizes[i];
			assert_refused(&r, sizes[i]);
			assert_refused(&r, size_of(kind));
		}
		r.fact.size = sizeof(longer);
		memcpy(longer, &r, sizeof(r));
		assert_int_equal(decode(&f, longer, sizeof(longer)), -EBADMSG);
	}
}

static void test_unknown_numbers(void **state)
{
	static const struct {
		size_t offset;
		unsigned int value; /* of one byte, or of two in host order */
		bool wide;
		unsigned int kind;
	} cases[] = {
		{offsetof(struct wire_fact, kind), WIRE_NONE, false, WIRE_STATE},
		{offsetof(struct wire_fact, kind), WIRE_KINDS, false, WIRE_STATE},
		{offsetof(struct wire_fact, kind), 255, false, WIRE_STATE},
		{offsetof(struct wire_fact, family), AF_UNSPEC, false, WIRE_STATE},
		{offsetof(struct wire_fact, family), AF_UNIX, false, WIRE_STATE},
		{offsetof(struct wire_fact, from), STATES, false, WIRE_BIND},
		{offsetof(struct wire_fact, to), STATES, false, WIRE_BIND},
		{offsetof(struct wire_fact, to), 255, false, WIRE_DESTROY},
		{offsetof(struct wire_fact, from), STATE_NONE, false, WIRE_OPEN},
		{offsetof(struct wire_fact, from), STATE_NONE, false, WIRE_STATE},
		{offsetof(struct wire_fact, to), STATE_NONE, false, WIRE_STATE},
		{offsetof(struct wire_fact, to), STATE_NONE, false, WIRE_CLOSED},
		{offsetof(struct wire_fact, to), STATE_ESTABLISHED, false, WIRE_TIME_WAIT},
		{offsetof(struct wire_fact, from), STATE_NONE, false, WIRE_TIME_WAIT},
		{offsetof(struct wire_fact, protocol), 0, true, WIRE_STATE},
		{offsetof(struct wire_fact, protocol), IPPROTO_ICMP, true, WIRE_STATE},
		{offsetof(struct wire_fact, protocol), 65535, true, WIRE_STATE},
		{offsetof(struct wire_fact, error), 4096, true, WIRE_STATE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record r = make_record(cases[i].kind);
		uint8_t *field = (uint8_t *)&r + cases[i].offset;
		uint16_t value = cases[i].value;

		if (cases[i].wide)
			memcpy(field, &value, sizeof(value));
		else
			*field = value;
		assert_refused(&r, size_of(cases[i].kind));
	}
}

static void test_no_state_where_none_changes(void **state)
{
	struct record r = make_record(WIRE_BIND);
	struct fact f;

	(void)state;
	r.fact.from = STATE_NONE;
	r.fact.to = STATE_NONE;
	assert_int_equal(decode(&f, &r, sizeof(r.call)), 0);
}

static void test_result_is_no_errno(void **state)
{
	static const int32_t bad[] = {1, INT32_MAX, -4096, INT32_MIN};
	struct record r = make_record(WIRE_ACCEPT);
	struct fact f;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		r.call.result = bad[i];
		assert_refused(&r, sizeof(r.call));
	}
	r.call.result = -4095;
	assert_int_equal(decode(&f, &r, sizeof(r.call)), 0);
}

static void test_protocols(void **state)
{
	static const uint16_t known[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP,
					 262};
	struct record r = make_record(WIRE_STATE);
	struct fact f;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		r.fact.protocol = known[i];
		assert_int_equal(decode(&f, &r, sizeof(r.fact)), 0);
		assert_int_equal(f.protocol, known[i]);
	}
}

static void test_random_bytes(void **state)
{
	unsigned int decoded = 0;

	(void)state;
	srandom(1);
	for (int round = 0; round < 200000; round++) {
		struct record r = make_record(1 + random() % (WIRE_KINDS - 1));
		uint8_t *bytes = (uint8_t *)&r;
		size_t size = random() % 8 ? size_of(r.fact.kind) : random() % (sizeof(r) + 1);
		struct fact f;

		for (long n = random() % 4; n > 0; n--)
			bytes[random() % sizeof(r)] = random();
		if (random() % 16 == 0) {
			for (size_t i = 0; i < sizeof(r); i++)
				bytes[i] = random();
		}
		if (decode(&f, &r, size))
			continue;
		decoded++;
		assert_in_range(f.kind, WIRE_NONE + 1, WIRE_KINDS - 1);
		assert_in_range(f.from, 0, STATES - 1);
		assert_in_range(f.to, 0, STATES - 1);
		assert_true(f.family == FAMILY_IPV4 || f.family == FAMILY_IPV6);
		assert_int_equal(f.task.name[PROCESS_NAME_SIZE - 1], 0);
		assert_in_range(-f.result, 0, 4095);
	}
	assert_true(decoded > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_name_without_nul),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_size_of_another_kind),
		cmocka_unit_test(test_unknown_numbers),
		cmocka_unit_test(test_no_state_where_none_changes),
		cmocka_unit_test(test_result_is_no_errno),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests_name("fact", tests, NULL, NULL);
}
