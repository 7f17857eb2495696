// SPDX-License-Identifier: GPL-2.0-only
/* The answer of `who` in words, for listings that are made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "golden.h"
#include "host.h"
#include "who_writer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BOX	     4026532001u
#define OFFSET	     (1795172400ll * 1000000000)
#define NOBODY	     -1

/* ---- a small host ---- */

enum { FIRST_CLONE = HOST_TASKS, TASKS = FIRST_CLONE + 12 };

static const char long_command[] =
	"java -Xmx4g -cp "
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa end";

/* What runs; STRANGER's parent and the clones have ended. */
static const struct {
	uint32_t pid;
	struct who_process known;
} running[] = {
	{1, {.command = "/sbin/init", .executable = "/usr/lib/systemd/systemd", .cgroup = "/init"}},
	{100,
	 {.started_ns = 1000000000,
	  .command = "inetd -i",
	  .executable = "/usr/sbin/inetd",
	  .cgroup = "/system.slice/inetd.service",
	  .unit = "inetd.service",
	  .parent = {{1, "init"}},
	  .parents = 1}},
	{140, {.command = "cat", .parent = {{100, "inetd"}, {1, "init"}}, .parents = 2}},
	{901,
	 {.started_ns = 3661000000000,
	  .command = "nginx: master\nprocess \x1b[2J",
	  .executable = "/usr/sbin/nginx",
	  .cgroup = "/docker/0123",
	  .container = "0123456789ab",
	  .parent = {{1, "init"}},
	  .parents = 1}},
	{902, {.command = "nginx: worker", .parent = {{901, "nginx"}, {1, "init"}}, .parents = 2}},
	{990,
	 {.command = long_command, .cgroup = "/user slice", .parent = {{77, ""}}, .parents = 1}},
};

static bool find_process(void *ctx, uint32_t pid, struct who_process *ret)
{
	(void)ctx;
	for (size_t i = 0; i < COUNT(running); i++) {
		if (running[i].pid != pid)
			continue;
		*ret = running[i].known;
		return true;
	}
	return false;
}

static const char *user_name(uint32_t uid)
{
	return uid == 0 ? "root" : uid == 33 ? "www data" : NULL;
}

static const char *interface_name(void *ctx, uint32_t netns, uint32_t ifindex)
{
	(void)ctx;
	return netns == BOX && ifindex == 3 ? "eth0" : NULL;
}

static size_t socket_unit(uint16_t protocol, uint16_t port, char *ret, size_t size)
{
	if (protocol != IPPROTO_UDP || port != 53)
		return 0;
	snprintf(ret, size, "dns.socket starts dns.service");
	return 1;
}

static void netns_name(uint32_t inode, struct listing_task *task, char *ret, size_t size)
{
	(void)task;
	assert_int_not_equal(inode, HOST);
	snprintf(ret, size, "%s", inode == BOX ? "box\x07" : "");
}

/* ---- a listing and what is said of it ---- */

struct scene {
	struct listing l;
	struct buffer out;
	const struct event *taken;
};

static void begin(struct scene *s)
{
	*s = (struct scene){0};
	listing_init(&s->l);
	for (int i = 0; i < TASKS; i++) {
		struct listing_task clone = {
			.process = {.pid = 2000 + (uint32_t)i, .name = "fork"}};

		listing_add_task(&s->l, i < FIRST_CLONE ? &host_tasks[i] : &clone);
	}
	listing_add_netns(&s->l,
			  &(struct listing_netns){.inode = HOST, .low = 32768, .high = 60999});
	s->l.time_ns = 7200000000000;
}

static void add(struct scene *s, int task, struct listing_socket socket)
{
	if (task == NOBODY)
		listing_add_loose(&s->l, &socket);
	else
		listing_add_holder(&s->l, (uint32_t)task, 3, task == INETD, &socket);
}

/* Every socket of the listing has the port. */
static void expect(struct scene *s, const char *golden)
{
	const struct listing_socket *found[32];
	struct who who = {
		.listing = &s->l,
		.found = found,
		.count = s->l.socket_count,
		.taken = s->taken,
		.style = {.user_name = user_name,
			  .interface_name = interface_name,
			  .wall_offset_ns = OFFSET,
			  .zone = "UTC"},
		.own_netns = HOST,
		.find_process = find_process,
		.socket_unit = socket_unit,
	};

	assert_in_range(s->l.socket_count, 0, COUNT(found));
	for (size_t i = 0; i < s->l.socket_count; i++)
		found[i] = &s->l.sockets[i];
	listing_name_netns(&s->l, HOST, netns_name);
	who_write(&s->out, &who);
	assert_false(s->out.failed);
	assert_true(golden_matches(golden, s->out.data, s->out.len));
	buffer_done(&s->out);
	listing_done(&s->l);
}

static void test_listener_and_its_connections(void **state)
{
	struct listing_socket listens = tcp4(30, STATE_LISTEN, LOOPBACK, 80, 0, 0);
	struct listing_socket other = tcp4(31, STATE_LISTEN, 0x0a000001, 80, 0, 0);
	struct scene s;

	(void)state;
	begin(&s);
	listens.since_ns = 3662000000000;
	add(&s, NGINX, listens);
	add(&s, WORKER, listens);
	add(&s, NGINX, other);
	add(&s, WORKER, other);
	add(&s, WORKER, tcp4(32, STATE_ESTABLISHED, LOOPBACK, 80, LOOPBACK, 40000));
	add(&s, NOBODY, tcp4(0, STATE_TIME_WAIT, LOOPBACK, 80, LOOPBACK, 40001));
	listing_join(&s.l);
	expect(&s, "who-listener.txt");
}

static void test_inetd_and_many_servers(void **state)
{
	struct listing_socket listens = tcp4(10, STATE_LISTEN, 0, 7001, 0, 0);
	struct scene s;

	(void)state;
	begin(&s);
	listens.receive = 65;
	listens.backlog = 64;
	listens.dropped = 17;
	add(&s, INETD, listens);
	add(&s, CAT, tcp4(20, STATE_ESTABLISHED, LOOPBACK, 7001, LOOPBACK, 40000));
	for (int i = FIRST_CLONE; i < TASKS; i++)
		add(&s, i,
		    tcp4(100 + (uint64_t)i, STATE_CLOSE_WAIT, LOOPBACK, 7001, LOOPBACK,
			 (uint16_t)(41000 + i)));
	listing_join(&s.l);
	expect(&s, "who-inetd.txt");
}

static void test_many_holders(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	for (int i = INETD; i < TASKS; i++)
		add(&s, i, tcp4(10, STATE_CLOSE, 0, 7001, 0, 0));
	listing_join(&s.l);
	expect(&s, "who-holders.txt");
}

static void test_elsewhere_and_nobody(void **state)
{
	struct listing_socket udp6 = {
		.key = 60,
		.sk = 61,
		.netns = BOX,
		.protocol = IPPROTO_UDP,
		.family = FAMILY_IPV6,
		.state = STATE_CLOSE,
		.local = {.addr = {0xfe, 0x80, [15] = 9}, .port = 53, .ifindex = 3}};
	struct listing_socket loopback6 = udp6, kernels = tcp4(70, STATE_LISTEN, 0, 53, 0, 0);
	struct listing_socket box = tcp4(80, STATE_LISTEN, LOOPBACK, 53, 0, 0);
	struct listing_socket hidden = tcp4(90, STATE_LISTEN, 0x0a000001, 53, 0, 0);
	struct scene s;

	(void)state;
	begin(&s);
	add(&s, STRANGER, udp6);
	loopback6.key = 62;
	loopback6.local = (struct endpoint){.addr = {[15] = 1}, .port = 53};
	add(&s, INIT, loopback6);
	kernels.flags = LOOK_KERNEL;
	add(&s, NOBODY, kernels);
	box.netns = 4026532002;
	add(&s, FIRST_CLONE, box); /* ended since */
	add(&s, NOBODY, hidden);
	listing_join(&s.l);
	expect(&s, "who-elsewhere.txt");
}

static struct listing_socket any6(uint64_t key, enum takes takes)
{
	struct listing_socket s = tcp4(key, STATE_LISTEN, 0, 18087, 0, 0);

	s.family = FAMILY_IPV6;
	s.local.takes = (uint8_t)takes;
	return s;
}

/* A connection belongs to the listener of its family, and says so where it is shown. */
static void test_families(void **state)
{
	struct listing_socket mapped = tcp4(50, STATE_ESTABLISHED, 0, 18087, 0, 40001);
	struct scene s;

	(void)state;
	memcpy(mapped.local.addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	mapped.peer = mapped.local;
	mapped.peer.port = 40001;
	mapped.family = FAMILY_IPV6;
	mapped.mapped = true;
	begin(&s);
	add(&s, NGINX, tcp4(30, STATE_LISTEN, 0, 18087, 0, 0));
	add(&s, INETD, any6(32, TAKES_IPV6));
	add(&s, NGINX, tcp4(40, STATE_ESTABLISHED, LOOPBACK, 18087, LOOPBACK, 40000));
	listing_join(&s.l);
	expect(&s, "who-families.txt");
	begin(&s);
	add(&s, INETD, any6(32, TAKES_BOTH));
	add(&s, CAT, mapped);
	listing_join(&s.l);
	expect(&s, "who-dual.txt");
	begin(&s);
	add(&s, INETD, any6(32, TAKES_UNKNOWN));
	listing_join(&s.l);
	expect(&s, "who-family-unknown.txt");
}

static void test_leftovers(void **state)
{
	struct listing_socket left = tcp4(0, STATE_TIME_WAIT, LOOPBACK, 40000, LOOPBACK, 80);
	struct listing_socket dead = tcp4(0, STATE_FIN_WAIT1, LOOPBACK, 40000, LOOPBACK, 81);
	struct listing_socket young = tcp4(0, STATE_SYN_RECV, LOOPBACK, 40000, LOOPBACK, 82);
	struct scene s;

	(void)state;
	begin(&s);
	left.sk = 1;
	left.flags = LOOK_BUCKET_OPEN;
	left.since_ns = 7190000000000;
	add(&s, NOBODY, left);
	left.sk = 2;
	left.peer.port = 8080;
	add(&s, NOBODY, left);
	dead.sk = 3;
	dead.flags = LOOK_DEAD;
	add(&s, NOBODY, dead);
	dead.sk = 6;
	add(&s, NOBODY, dead);
	dead.sk = 7;
	add(&s, NOBODY, dead);
	young.sk = 4;
	add(&s, NOBODY, young);
	young.sk = 5;
	young.netns = BOX;
	add(&s, NOBODY, young);
	add(&s, CAT, tcp4(20, STATE_ESTABLISHED, LOOPBACK, 40000, LOOPBACK, 83));
	listing_join(&s.l);
	s.l.sockets[0].owner = s.l.sockets[1].owner = STRANGER;
	expect(&s, "who-leftovers.txt");
}

/* Who began a connection is said where the kernel tells, and not by its port. */
static void test_directions(void **state)
{
	struct listing_socket left = tcp4(0, STATE_TIME_WAIT, LOOPBACK, 50051, LOOPBACK, 40000);
	struct listing_socket came = tcp4(20, STATE_ESTABLISHED, LOOPBACK, 50051, LOOPBACK, 40001);
	struct listing_socket went = tcp4(30, STATE_ESTABLISHED, LOOPBACK, 50051, LOOPBACK, 81);
	struct listing_socket self = tcp4(40, STATE_ESTABLISHED, LOOPBACK, 50051, LOOPBACK, 50051);
	struct scene s;

	(void)state;
	begin(&s);
	left.sk = 1;
	add(&s, NOBODY, left);
	came.flags = LOOK_ACCEPTED;
	add(&s, CAT, came);
	went.flags = self.flags = LOOK_BUCKET_OPEN;
	add(&s, CAT, went);
	add(&s, CAT, self);
	listing_join(&s.l);
	expect(&s, "who-directions.txt");
}

static void test_taken(void **state)
{
	struct event e = {.kind = EVENT_BIND,
			  .time_ns = 7200000000000,
			  .process = &host_tasks[NGINX].process};
	struct scene s;

	(void)state;
	begin(&s);
	s.taken = &e;
	add(&s, NGINX, tcp4(30, STATE_LISTEN, LOOPBACK, 80, 0, 0));
	listing_join(&s.l);
	expect(&s, "who-taken.txt");
	/* It let go before it could be looked at; its number may be another's. */
	begin(&s);
	s.taken = &e;
	e.kind = EVENT_CONNECT;
	e.process = &host_tasks[STRANGER].process;
	expect(&s, "who-taken-gone.txt");
	begin(&s);
	s.taken = &e;
	e.process = NULL;
	expect(&s, "who-taken-unknown.txt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listener_and_its_connections),
		cmocka_unit_test(test_inetd_and_many_servers),
		cmocka_unit_test(test_many_holders),
		cmocka_unit_test(test_elsewhere_and_nobody),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_taken),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
