// SPDX-License-Identifier: GPL-2.0-only
/* Rows of what waits for peers, by from where it can be reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "host.h"
#include "listing_writer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BOX	     4026532001u

static void netns_name(uint32_t inode, struct listing_task *task, char *ret, size_t size)
{
	(void)task;
	(void)inode;
	strncpy(ret, "blue\x07", size);
}

static struct listing_socket any6(uint64_t key, uint16_t port, enum takes takes)
{
	struct listing_socket s = tcp4(key, STATE_LISTEN, 0, port, 0, 0);

	s.family = FAMILY_IPV6;
	s.local.takes = (uint8_t)takes;
	return s;
}

static void hold(struct listing *l, int task, struct listing_socket s)
{
	listing_add_holder(l, (uint32_t)task, 3, false, &s);
}

static void make(struct listing *l, const struct program *program)
{
	struct listing_socket s;

	listing_init(l);
	for (int i = 0; i < HOST_TASKS; i++) {
		struct listing_task task = host_tasks[i];

		if (i == NGINX) {
			task.process.program = program;
			task.process.unit = "nginx.service";
		}
		if (i == INETD)
			task.process.container = "0123456789abcdef0123456789abcdef";
		if (i == STRANGER)
			task.process.container_name = "web 1";
		listing_add_task(l, &task);
	}
	hold(l, INETD, any6(11, 443, TAKES_IPV6));
	hold(l, STRANGER, any6(12, 444, TAKES_BOTH));
	hold(l, INETD, any6(13, 445, TAKES_UNKNOWN));
	s = tcp4(14, STATE_LISTEN, LOOPBACK, 9002, 0, 0);
	hold(l, STRANGER, s);
	s.key = 15;
	s.netns = BOX;
	hold(l, STRANGER, s);
	s = tcp4(16, STATE_LISTEN, 0, 80, 0, 0);
	s.receive = 65;
	s.backlog = 64;
	s.dropped = 17;
	s.since_ns = 5000000000;
	hold(l, NGINX, s);
	hold(l, WORKER, s);
	s = tcp4(17, STATE_CLOSE, 0x0a000001, 53, 0, 0);
	s.protocol = IPPROTO_UDP;
	hold(l, INETD, s);
	s.key = 0;
	s.sk = 18;
	s.local.port = 4789;
	s.flags = LOOK_KERNEL;
	listing_add_loose(l, &s);
	s = any6(19, 22, TAKES_NONE);
	s.local.addr[15] = 1;
	hold(l, INETD, s);
	s.key = 20;
	memcpy(s.local.addr, "\xfe\x80", 2);
	hold(l, INETD, s);
	s = tcp4(21, STATE_LISTEN, 0, 81, 0, 0);
	s.receive = 2;
	s.flags = LOOK_LIMITLESS;
	hold(l, INETD, s);
	listing_join(l);
	listing_name_netns(l, HOST, netns_name);
}

static void expect(unsigned int columns, bool netns, bool rows_only, const char *golden)
{
	static const char args[] = "nginx: master process\0-g\0a\x1b[2J\n b";
	const struct program program = {.args = args, .args_len = sizeof(args)};
	struct listing_style style = {
		.own_netns = HOST, .netns = netns, .columns = columns, .zone = "UTC"};
	const struct listing_socket *found[32];
	struct buffer out = {0};
	struct listing l;

	make(&l, &program);
	assert_in_range(l.socket_count, 1, COUNT(found));
	for (size_t i = 0; i < l.socket_count; i++)
		found[i] = &l.sockets[i];
	listing_write_listeners(&out, &style, &l, found, l.socket_count, rows_only);
	assert_false(out.failed);
	assert_true(golden_matches(golden, out.data, out.len));
	buffer_done(&out);
	listing_done(&l);
}

static void test_groups(void **state)
{
	(void)state;
	expect(0, true, false, "listeners.txt");
	expect(100, true, false, "listeners-100.txt");
	expect(0, false, true, "listeners-rows.txt");
}

static void test_nothing_waits(void **state)
{
	struct listing_style style = {.zone = "UTC"};
	const struct listing_socket *found[1];
	struct buffer out = {0};
	struct listing l;

	(void)state;
	listing_init(&l);
	listing_write_listeners(&out, &style, &l, found, 0, false);
	assert_int_equal(memcmp(out.data, "PROTO", 5), 0);
	assert_ptr_equal(memchr(out.data, '\n', out.len), out.data + out.len - 1);
	buffer_done(&out);
	listing_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_nothing_waits),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
