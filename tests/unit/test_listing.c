// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "host.h"
#include "listing_writer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void hold(struct listing *l, int task, uint32_t fd, bool maker, struct listing_socket s)
{
	assert_int_not_equal(listing_add_holder(l, (uint32_t)task, fd, maker, &s), LISTING_NONE);
}

static void make_host(struct listing *l)
{
	struct listing_socket s,
		udp6 = {.key = 60,
			.sk = 61,
			.cookie = 60,
			.netns = 4026532001,
			.protocol = IPPROTO_UDP,
			.family = FAMILY_IPV6,
			.state = STATE_CLOSE,
			.local = {.addr = {0xfe, 0x80, [15] = 9}, .port = 53, .ifindex = 3}};

	listing_init(l);
	for (int i = 0; i < HOST_TASKS; i++)
		listing_add_task(l, &host_tasks[i]);
	s = tcp4(10, STATE_LISTEN, 0, 7001, 0, 0);
	s.receive = 65;
	s.backlog = 64;
	s.dropped = 17;
	hold(l, INETD, 4, true, s);
	hold(l, CAT, 0, false, tcp4(20, STATE_ESTABLISHED, LOOPBACK, 7001, LOOPBACK, 40000));
	hold(l, CAT, 1, false, tcp4(20, STATE_ESTABLISHED, LOOPBACK, 7001, LOOPBACK, 40000));
	s = tcp4(30, STATE_LISTEN, LOOPBACK, 80, 0, 0);
	s.receive = 1;
	s.backlog = 511;
	hold(l, NGINX, 6, false, s);
	hold(l, WORKER, 6, false, s);
	hold(l, STRANGER, 3, false, tcp4(40, STATE_CLOSE, LOOPBACK, 49152, 0, 0));
	hold(l, STRANGER, 5, false, udp6);
	s = tcp4(0, STATE_TIME_WAIT, LOOPBACK, 40002, LOOPBACK, 80);
	s.sk = 51;
	s.flags = LOOK_DEAD;
	listing_add_loose(l, &s);
	s = tcp4(0, STATE_ESTABLISHED, LOOPBACK, 80, LOOPBACK, 40004);
	s.sk = 52;
	s.flags = LOOK_QUEUED;
	listing_add_loose(l, &s);
	s = tcp4(10, STATE_LISTEN, 0, 7001, 0, 0); /* seen again in its namespace */
	listing_add_loose(l, &s);
	listing_add_netns(l, &(struct listing_netns){.inode = HOST, .low = 32768, .high = 60999});
	l->time_ns = 1000000000;
	listing_join(l);
	assert_false(l->failed);
}

static const struct listing_socket *at(const struct listing *l, uint64_t key, uint64_t sk)
{
	uint32_t index = listing_find(l, key, sk);

	assert_int_not_equal(index, LISTING_NONE);
	return &l->sockets[index];
}

static void test_sockets_join_by_key(void **state)
{
	struct listing l;

	(void)state;
	make_host(&l);
	assert_int_equal(l.socket_count, 7);
	assert_int_equal(at(&l, 20, 0)->holder_count, 2);
	assert_int_equal(at(&l, 30, 0)->holder_count, 2);
	assert_int_equal(at(&l, 0, 51)->holder_count, 0);
	assert_int_equal(listing_find(&l, 99, 0), LISTING_NONE);
	assert_int_equal(listing_find(&l, 20, 99), LISTING_NONE);
	listing_done(&l);
}

static void test_threads_of_a_process_are_one_holder(void **state)
{
	const struct listing_task first = {.process = {.pid = 500, .tid = 500}};
	const struct listing_task thread = {.process = {.pid = 500, .tid = 507}};
	const struct listing_socket shared = tcp4(70, STATE_LISTEN, LOOPBACK, 70, 0, 0);
	const struct listing_socket own = tcp4(71, STATE_LISTEN, LOOPBACK, 71, 0, 0);

	(void)state;
	for (int thread_first = 0; thread_first <= 1; thread_first++) {
		struct listing l;
		uint32_t task[2];

		listing_init(&l);
		for (int i = 0; i < 2; i++)
			task[i] = listing_add_task(&l, i == thread_first ? &first : &thread);
		for (int i = 0; i < 2; i++)
			listing_add_holder(&l, task[i], i == thread_first ? 4 : 9, false, &shared);
		/* Two descriptors of one table stay two. */
		listing_add_holder(&l, task[!thread_first], 5, false, &own);
		listing_add_holder(&l, task[!thread_first], 6, false, &own);
		listing_join(&l);
		assert_int_equal(at(&l, 70, 0)->holder_count, 1);
		assert_int_equal(l.holders[at(&l, 70, 0)->first].fd, 4);
		assert_int_equal(l.tasks[l.holders[at(&l, 70, 0)->first].task].process.tid, 500);
		assert_int_equal(at(&l, 71, 0)->holder_count, 2);
		assert_int_equal(listing_owner(&l, at(&l, 70, 0))->process.pid, 500);
		listing_done(&l);
	}
}

static void test_owner_needs_evidence(void **state)
{
	struct listing l;

	(void)state;
	make_host(&l);
	assert_int_equal(listing_owner(&l, at(&l, 10, 0))->process.pid, 100);
	/* Of master and worker the one the other descends from. */
	assert_int_equal(listing_owner(&l, at(&l, 30, 0))->process.pid, 901);
	/* Waits for accept(). */
	assert_int_equal(listing_owner(&l, at(&l, 0, 52))->process.pid, 901);
	assert_null(listing_owner(&l, at(&l, 0, 51)));
	/* Strangers to one another: neither. */
	hold(&l, INETD, 9, false, *at(&l, 40, 0));
	listing_join(&l);
	assert_null(listing_owner(&l, at(&l, 40, 0)));
	listing_done(&l);
}

static void test_binder_is_the_maker_or_unknown(void **state)
{
	struct listing l;

	(void)state;
	make_host(&l);
	assert_int_equal(listing_binder(&l, at(&l, 10, 0))->process.pid, 100);
	/* The service holds the connection, inetd bound its port. */
	assert_int_equal(listing_binder(&l, at(&l, 20, 0))->process.pid, 100);
	assert_int_equal(listing_owner(&l, at(&l, 20, 0))->process.pid, 140);
	assert_null(listing_binder(&l, at(&l, 30, 0)));
	listing_done(&l);
}

static void test_two_listeners_of_a_port_prove_nothing(void **state)
{
	struct listing_socket s = tcp4(31, STATE_LISTEN, LOOPBACK, 80, 0, 0);
	struct listing l;

	(void)state;
	make_host(&l);
	hold(&l, STRANGER, 8, true, s);
	l.sockets[listing_find(&l, 0, 52)].listener = 0; /* as before the first join */
	listing_join(&l);
	assert_null(listing_listener(&l, at(&l, 0, 52)));
	assert_null(listing_owner(&l, at(&l, 0, 52)));
	/* A listener elsewhere does not count. */
	assert_ptr_equal(listing_listener(&l, at(&l, 20, 0)), at(&l, 10, 0));
	listing_done(&l);
}

static void test_subflows_have_the_holders_of_their_connection(void **state)
{
	struct listing_socket s = tcp4(20, STATE_ESTABLISHED, LOOPBACK, 7001, LOOPBACK, 40000);
	struct listing l;

	(void)state;
	make_host(&l);
	s.sk = 777;
	listing_add_loose(&l, &s);
	listing_join(&l);
	assert_int_equal(l.socket_count, 8);
	assert_int_equal(at(&l, 20, 777)->holder_count, 2);
	listing_done(&l);
}

static void test_many_sockets_are_found_again(void **state)
{
	struct listing l;

	(void)state;
	listing_init(&l);
	for (uint64_t i = 1; i <= 20000; i++) {
		struct listing_socket s =
			tcp4(i % 2 ? i * 64 : 0, STATE_TIME_WAIT, LOOPBACK, 1, LOOPBACK, 2);

		s.sk = i;
		assert_int_equal(listing_add_loose(&l, &s), i - 1);
	}
	for (uint64_t i = 1; i <= 20000; i++)
		assert_int_equal(listing_find(&l, i % 2 ? i * 64 : 0, i), i - 1);
	listing_done(&l);
}

/* ---- filter ---- */

static int port_of(void *ctx, const char *name, uint16_t protocol)
{
	(void)ctx;
	(void)protocol;
	return strcmp(name, "http") == 0 ? 80 : -1;
}

static bool address_of(void *ctx, const char *name, bool ipv6, uint8_t ret[16])
{
	(void)ctx;
	if (strcmp(name, "here") != 0)
		return false;
	memset(ret, 0, 16);
	ret[0] = ipv6 ? 0 : 127;
	ret[ipv6 ? 15 : 3] = 1;
	return true;
}

static const struct filter_names filter_names = {.port_of = port_of, .address_of = address_of};

static void test_lsof_i_is_read(void **state)
{
	/* How many of the seven sockets each lets through; -1: refused. */
	static const struct {
		const char *text;
		int count;
	} cases[] = {
		{"", 7},
		{"4", 6},
		{"6", 1},
		{"tcp", 6},
		{"TCP", 6},
		{"6UDP", 1},
		{"4udp", 0},
		{"udplite", 0},
		{":80", 3},
		{":http", 3},
		{":80,7001", 5},
		{":40000-40004", 3},
		{"tcp:53", 0},
		{"udp:53", 1},
		{"@127.0.0.1", 5},
		{"@here", 5},
		{"@here:http", 3},
		{"@127.0.0.1:7001", 1},
		{"@fe80::9", 1},
		{"@[fe80::9]:53", 1},
		{"@[fe80::9]:54", 0},
		{"6@[fe80::9]", 1},
		{"tcp@::ffff:127.0.0.1:80", 3},
		{"5", -1},
		{"icmp", -1},
		{"tcp80", -1},
		{":", -1},
		{":80,", -1},
		{":,80", -1},
		{":65536", -1},
		{":9-8", -1},
		{":nothing", -1},
		{"@", -1},
		{"@[::1", -1},
		{"@elsewhere", -1},
		{"@here:", -1},
		{"80", -1},
	};
	struct listing l;

	(void)state;
	make_host(&l);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct filter f;
		int err, count = 0;

		filter_init(&f);
		err = filter_add_inet(&f, cases[i].text, &filter_names);
		for (size_t s = 0; s < l.socket_count && !err; s++)
			count += filter_match_socket(&f, &l, &l.sockets[s]);
		if ((cases[i].count < 0 && err != -EINVAL) ||
		    (cases[i].count >= 0 && (err || count != cases[i].count)))
			fail_msg("-i '%s': error %d, %d sockets", cases[i].text, err, count);
		filter_done(&f);
	}
	listing_done(&l);
}

static size_t count_matching(const struct filter *f, const struct listing *l)
{
	size_t count = 0;

	for (size_t i = 0; i < l->socket_count; i++)
		count += filter_match_socket(f, l, &l->sockets[i]);
	return count;
}

static void test_any_holder_meets_a_filter_on_processes(void **state)
{
	struct units_range pids[] = {{902, 902}};
	struct filter f;
	struct listing l;
	const char *bad;

	(void)state;
	make_host(&l);
	filter_init(&f);
	f.pids = (struct units_ranges){pids, 1};
	assert_int_equal(count_matching(&f, &l), 1);
	pids[0] = (struct units_range){901, 901};
	assert_int_equal(count_matching(&f, &l), 2); /* and what waits for its accept() */
	f.pids = (struct units_ranges){0};
	assert_int_equal(filter_add_states(&f, "time-wait", &bad), 0);
	assert_int_equal(count_matching(&f, &l), 1);
	f.states = 0;
	f.udp = true;
	assert_int_equal(count_matching(&f, &l), 1);
	f.udp = false;
	f.has_netns = true;
	f.netns = HOST;
	assert_int_equal(count_matching(&f, &l), 6);
	filter_done(&f);
	listing_done(&l);
}

static void test_a_port_of_every_address_is_taken_for_each(void **state)
{
	struct filter f;
	struct listing l;

	(void)state;
	make_host(&l);
	filter_init(&f);
	assert_int_equal(filter_add_inet(&f, "@127.0.0.9:7001", NULL), 0);
	assert_true(filter_inet_match_local(&f.inet[0], at(&l, 10, 0)));
	assert_false(filter_inet_match_local(&f.inet[0], at(&l, 20, 0)));
	filter_done(&f);
	filter_init(&f);
	assert_int_equal(filter_add_inet(&f, ":40000", NULL), 0);
	/* The peer's port is not this end's. */
	assert_false(filter_inet_match_local(&f.inet[0], at(&l, 20, 0)));
	filter_done(&f);
	listing_done(&l);
}

/* ---- ports ---- */

static const char services_text[] = "# comment\n"
				    "http\t\t80/tcp\t\twww\t# WorldWideWeb HTTP\n"
				    "domain 53/tcp\n"
				    "domain 53/udp\n"
				    "\n"
				    "webcache 80/tcp http\n"
				    "broken\n"
				    "worse 80\n"
				    "big 65536/tcp\n"
				    "odd 80/ddp\n"
				    "last 7001/tcp afs3-callback";

static void test_services_keep_every_name(void **state)
{
	struct services *s = services_parse(services_text, strlen(services_text));

	(void)state;
	assert_non_null(s);
	assert_string_equal(services_find(s, 80, IPPROTO_TCP), "http,www,webcache");
	assert_string_equal(services_find(s, 80, IPPROTO_MPTCP), "http,www,webcache");
	assert_null(services_find(s, 80, IPPROTO_UDP));
	assert_string_equal(services_find(s, 53, IPPROTO_UDP), "domain");
	assert_string_equal(services_find(s, 53, IPPROTO_UDPLITE), "domain");
	assert_string_equal(services_find(s, 7001, IPPROTO_TCP), "last,afs3-callback");
	assert_null(services_find(s, 0, IPPROTO_TCP));
	assert_null(services_find(s, 65535, IPPROTO_TCP));
	assert_int_equal(services_port(s, "www", 0), 80);
	assert_int_equal(services_port(s, "domain", IPPROTO_UDP), 53);
	assert_int_equal(services_port(s, "www", IPPROTO_UDP), -1);
	assert_int_equal(services_port(s, "ww", 0), -1);
	services_free(s);
	services_free(NULL);
}

static void test_classes_are_those_of_iana(void **state)
{
	(void)state;
	assert_string_equal(port_class_name(0), "system");
	assert_string_equal(port_class_name(1023), "system");
	assert_string_equal(port_class_name(1024), "user");
	assert_string_equal(port_class_name(49151), "user");
	assert_string_equal(port_class_name(49152), "dynamic");
	assert_string_equal(port_class_name(65535), "dynamic");
}

/* ---- writers ---- */

static const char *user_name(uint32_t uid)
{
	return uid == 0 ? "root" : NULL;
}

static const char *interface_name(void *ctx, uint32_t netns, uint32_t ifindex)
{
	(void)ctx;
	return netns == 4026532001 && ifindex == 3 ? "eth0" : NULL;
}

static void write_all(struct buffer *out, struct listing_style *style)
{
	struct listing l;

	make_host(&l);
	l.sockets[0].since_ns = 5000000000;
	assert_int_equal(buffer_init(out, 64), 0);
	listing_begin(style);
	listing_write_header(out, style);
	for (size_t i = 0; i < l.socket_count; i++)
		listing_write_rows(out, style, &l, &l.sockets[i], NULL);
	listing_done(&l);
}

static void netns_name(uint32_t inode, struct listing_task *task, char *ret, size_t size)
{
	assert_int_not_equal(inode, HOST);
	snprintf(ret, size, "%s", inode == 4026532001 ? "blue\x07" : "");
	assert_true(inode != 4026532001 || (task && task->process.pid == 990));
}

static void test_namespaces_are_named(void **state __attribute__((unused)))
{
	struct listing_style style = {.own_netns = HOST, .netns = true, .zone = "UTC"};
	struct listing_socket s = tcp4(70, STATE_LISTEN, LOOPBACK, 9002, 0, 0);
	struct buffer out;
	struct listing l;

	make_host(&l);
	hold(&l, STRANGER, 7, true, s);
	s.key = s.netns = 4026532001;
	hold(&l, STRANGER, 8, true, s);
	s.key = s.netns = 4026532002;
	listing_add_loose(&l, &s);
	listing_join(&l);
	listing_name_netns(&l, HOST, netns_name);
	assert_int_equal(buffer_init(&out, 64), 0);
	listing_begin(&style);
	listing_write_header(&out, &style);
	for (size_t i = 0; i < l.socket_count; i++)
		listing_write_rows(&out, &style, &l, &l.sockets[i], NULL);
	assert_true(golden_matches("listing-netns.txt", out.data, out.len));
	buffer_done(&out);
	listing_done(&l);
}

static void test_text(void **state)
{
	static const struct {
		const char *golden;
		unsigned int columns;
		bool color, services;
	} cases[] = {
		{"listing.txt", 0, false, false},
		{"listing-services.txt", 0, false, true},
		{"listing-80.txt", 80, true, false},
	};
	struct services *services = services_parse(services_text, strlen(services_text));

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct listing_style style = {.user_name = user_name,
					      .interface_name = interface_name,
					      .services = cases[i].services ? services : NULL,
					      .wall_offset_ns = 1795172400ll * 1000000000,
					      .columns = cases[i].columns,
					      .zone = "UTC",
					      .color = cases[i].color};
		struct buffer out;

		write_all(&out, &style);
		assert_true(golden_matches(cases[i].golden, out.data, out.len));
		buffer_done(&out);
	}
	services_free(services);
}

static void test_json(void **state)
{
	int64_t offset = 1795172400ll * 1000000000;
	struct writer_options options = {.wall_offset_ns = &offset,
					 .interface_name = interface_name};
	struct services *services = services_parse(services_text, strlen(services_text));
	struct writer *w = writer_json_new(&options);
	struct buffer out;
	struct listing l;

	(void)state;
	make_host(&l);
	assert_int_equal(buffer_init(&out, 64), 0);
	for (size_t i = 0; i < l.socket_count; i++)
		writer_socket(w, &out, &l, &l.sockets[i], services);
	assert_true(golden_matches("listing.json", out.data, out.len));
	writer_free(w);
	services_free(services);
	buffer_done(&out);
	listing_done(&l);
}

/* A listing of one socket. */
static void list_one(struct listing *l, struct listing_socket s)
{
	listing_init(l);
	for (int i = 0; i < HOST_TASKS; i++)
		listing_add_task(l, &host_tasks[i]);
	hold(l, STRANGER, 3, true, s);
	listing_join(l);
}

static void test_a_service_may_be_called_anything(void **state)
{
	static const char text[] = "a\"b\\\x1b[2J\xff\xe2\x80\xae 8080/tcp\n";
	int64_t offset = 0;
	struct writer_options options = {.wall_offset_ns = &offset};
	struct services *services = services_parse(text, sizeof(text) - 1);
	struct writer *w = writer_json_new(&options);
	struct buffer out;
	struct listing l;

	(void)state;
	list_one(&l, tcp4(1, STATE_LISTEN, LOOPBACK, 8080, 0, 0));
	assert_int_equal(buffer_init(&out, 64), 0);
	writer_socket(w, &out, &l, &l.sockets[0], services);
	buffer_append(&out, "", 1);
	assert_non_null(
		strstr(out.data, "\"service\":\"a\\\"b\\\\\\u001b[2J\xef\xbf\xbd\\u202e\",\"schema\":1}"));
	writer_free(w);
	services_free(services);
	buffer_done(&out);
	listing_done(&l);
}

/* Names whose every byte becomes four. */
static const char *longest_host(void *ctx, enum family family, const uint8_t addr[16])
{
	static char name[1024];

	(void)ctx, (void)family, (void)addr;
	memset(name, '\x01', sizeof(name) - 1);
	return name;
}

static void test_the_longest_names_have_room(void **state)
{
	char text[300], name[LISTING_NAME_SIZE];
	struct services *services;
	struct listing_style style = {.host_name = longest_host};
	struct buffer out;
	struct listing l;
	size_t len = 128;

	(void)state;
	memset(text, '\x02', len);
	len += (size_t)sprintf(text + len, " 8080/tcp\n");
	style.services = services = services_parse(text, len);
	list_one(&l, tcp4(1, STATE_ESTABLISHED, LOOPBACK, 8080, LOOPBACK, 8080));
	assert_in_range(listing_format_name(name, &style, &l.sockets[0]), 2000, sizeof(name));
	assert_int_equal(buffer_init(&out, 64), 0);
	listing_begin(&style);
	listing_write_rows(&out, &style, &l, &l.sockets[0], NULL);
	assert_ptr_equal(memchr(out.data, '\n', out.len), out.data + out.len - 1);
	services_free(services);
	buffer_done(&out);
	listing_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sockets_join_by_key),
		cmocka_unit_test(test_threads_of_a_process_are_one_holder),
		cmocka_unit_test(test_owner_needs_evidence),
		cmocka_unit_test(test_binder_is_the_maker_or_unknown),
		cmocka_unit_test(test_two_listeners_of_a_port_prove_nothing),
		cmocka_unit_test(test_subflows_have_the_holders_of_their_connection),
		cmocka_unit_test(test_many_sockets_are_found_again),
		cmocka_unit_test(test_lsof_i_is_read),
		cmocka_unit_test(test_any_holder_meets_a_filter_on_processes),
		cmocka_unit_test(test_a_port_of_every_address_is_taken_for_each),
		cmocka_unit_test(test_services_keep_every_name),
		cmocka_unit_test(test_classes_are_those_of_iana),
		cmocka_unit_test(test_namespaces_are_named),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_a_service_may_be_called_anything),
		cmocka_unit_test(test_the_longest_names_have_room),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
