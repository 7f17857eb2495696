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

/* ---- what frees it ---- */

static uint32_t add_process(struct scene *s, uint32_t pid, uint32_t parent, const char *name,
			    struct process more)
{
	struct listing_task task = {.process = more, .parent = parent};

	task.process.pid = task.process.tid = pid;
	snprintf(task.process.name, sizeof(task.process.name), "%s", name);
	return listing_add_task(&s->l, &task);
}

static void listen_on(struct scene *s, uint16_t port, uint32_t first, uint32_t second)
{
	struct listing_socket socket = tcp4(1000u + port, STATE_LISTEN, 0, port, 0, 0);

	listing_add_holder(&s->l, first, 3, false, &socket);
	if (second)
		listing_add_holder(&s->l, second, 3, false, &socket);
}

/* Each line of the answer that says so, and each object's field. */
static void expect_frees(struct scene *s, size_t count, const char *const *said,
			 const char *const *json)
{
	int64_t offset = OFFSET;
	const struct writer_options options = {.wall_offset_ns = &offset};
	struct writer *w = writer_json_new(&options);
	const struct listing_socket *found;
	struct who who = {
		.listing = &s->l,
		.found = &found,
		.count = 1,
		.style = {.user_name = user_name, .wall_offset_ns = OFFSET, .zone = "UTC"},
		.own_netns = HOST,
		.find_process = find_process,
		.socket_unit = socket_unit,
	};

	listing_join(&s->l);
	assert_int_equal(s->l.socket_count, count);
	for (size_t i = 0; i < count; i++) {
		char line[256], field[256];

		found = &s->l.sockets[i];
		s->out.len = 0;
		who_write(&s->out, &who);
		buffer_append(&s->out, "", 1);
		snprintf(line, sizeof(line), "\n  freed by    %s\n", said[i]);
		if (!strstr(s->out.data, line))
			fail_msg("not '%s' but: %s", said[i], s->out.data);
		s->out.len = 0;
		writer_who(w, &s->out, &who, found, NULL);
		buffer_append(&s->out, "", 1);
		snprintf(field, sizeof(field), "\"frees\":%s%s}\n", json[i],
			 i ? "" : ",\"schema\":1");
		if (!strstr(s->out.data, field))
			fail_msg("not '%s' but: %s", field, s->out.data);
	}
	writer_free(w);
	buffer_done(&s->out);
	listing_done(&s->l);
}

static void test_what_frees_what_is_held(void **state)
{
	static const char user_unit[] =
		"/user.slice/user-33.slice/user@0.service/app.slice/a.service";
	static const char *const said[] = {
		"systemctl stop nginx.service",
		"kill 3002",
		"kill 3003 3004",
		"docker stop web",
		"podman stop 0123456789ab",
		"kubectl delete pod -n prod web-0",
		"kill 3008",
		"systemctl --user -M root@ stop a.service",
		"kill 3010",
		"kill 3011",
		"systemctl stop 'a\\x2db.service'",
		"kill 3013",
	};
	static const char *const json[] = {
		"{\"how\":\"stop-unit\",\"command\":\"systemctl stop nginx.service\"}",
		"{\"how\":\"kill\",\"command\":\"kill 3002\"}",
		"{\"how\":\"kill\",\"command\":\"kill 3003 3004\"}",
		"{\"how\":\"stop-container\",\"command\":\"docker stop web\"}",
		"{\"how\":\"stop-container\",\"command\":\"podman stop 0123456789ab\"}",
		"{\"how\":\"delete-pod\",\"command\":\"kubectl delete pod -n prod web-0\"}",
		"{\"how\":\"kill\",\"command\":\"kill 3008\"}",
		"{\"how\":\"stop-unit\",\"command\":\"systemctl --user -M root@ stop a.service\"}",
		"{\"how\":\"kill\",\"command\":\"kill 3010\"}",
		"{\"how\":\"kill\",\"command\":\"kill 3011\"}",
		"{\"how\":\"stop-unit\",\"command\":\"systemctl stop 'a\\\\x2db.service'\"}",
		"{\"how\":\"kill\",\"command\":\"kill 3013\"}",
	};
	struct process p = {.unit = "nginx.service"};
	uint32_t first, second;
	struct scene s;

	(void)state;
	begin(&s);
	first = add_process(&s, 3000, 1, "nginx", p);
	second = add_process(&s, 3001, 3000, "nginx", p);
	listen_on(&s, 1, first, second);
	/* A job of cron outlives `systemctl stop cron`. */
	p.unit = "cron.service";
	listen_on(&s, 2, add_process(&s, 3002, 700, "job", p), 0);
	first = add_process(&s, 3003, 1, "cron", p);
	p.unit = "other.service";
	listen_on(&s, 3, first, add_process(&s, 3004, 1, "other", p));
	p = (struct process){.container = "0123456789ab",
			     .container_name = "web",
			     .cgroup = "/system.slice/docker-0123456789ab.scope"};
	listen_on(&s, 4, add_process(&s, 3005, 1, "web", p), 0);
	p.container_name = NULL;
	p.cgroup = "/machine.slice/libpod-0123456789ab.scope";
	listen_on(&s, 5, add_process(&s, 3006, 1, "web", p), 0);
	p.pod = "prod/web-0";
	listen_on(&s, 6, add_process(&s, 3007, 1, "web", p), 0);
	/* The runtime is not known. */
	p = (struct process){.container = "0123456789ab", .cgroup = "/x/cri-0123456789ab"};
	listen_on(&s, 7, add_process(&s, 3008, 1, "web", p), 0);
	p = (struct process){.unit = "a.service", .cgroup = user_unit};
	listen_on(&s, 8, add_process(&s, 3009, 500, "a", p), 0);
	/* A session has shells, too. */
	p = (struct process){.unit = "session-3.scope"};
	listen_on(&s, 9, add_process(&s, 3010, 1, "a", p), 0);
	p = (struct process){.unit = "a;reboot.service"};
	first = add_process(&s, 3011, 800, "a", p);
	listen_on(&s, 10, first, 0);
	p.unit = "a\\x2db.service";
	listen_on(&s, 11, add_process(&s, 3012, 1, "a", p), 0);
	listen_on(&s, 12, add_process(&s, 3013, 1, "a", (struct process){0}), 0);
	expect_frees(&s, COUNT(said), said, json);
}

static void test_what_frees_what_is_left(void **state)
{
	static const char *const said[] = {
		"itself, in 50 s; a server that sets SO_REUSEADDR need not wait",
		"itself, within 60 s; a server that sets SO_REUSEADDR need not wait",
		"its peer 127.0.0.1:82, when it answers or closes, or the kernel gives up",
		"its peer 127.0.0.1:83, when it answers or closes, or the kernel gives up",
		"systemctl stop dns.socket",
		"unknown",
	};
	static const char *const json[] = {
		"{\"how\":\"wait\",\"wait_s\":50}",
		"{\"how\":\"wait\",\"wait_s\":60}",
		"{\"how\":\"peer\"}",
		"{\"how\":\"peer\"}",
		"{\"how\":\"stop-unit\",\"command\":\"systemctl stop dns.socket\"}",
		"null",
	};
	struct listing_socket left = tcp4(0, STATE_TIME_WAIT, LOOPBACK, 40000, LOOPBACK, 80);
	struct listing_socket udp = tcp4(70, STATE_CLOSE, LOOPBACK, 53, 0, 0);
	struct scene s;

	(void)state;
	begin(&s);
	left.sk = 1;
	left.since_ns = 7190000000000;
	add(&s, NOBODY, left);
	left.sk = 2;
	left.since_ns = 0;
	add(&s, NOBODY, left);
	left.sk = 3;
	left.state = STATE_FIN_WAIT2;
	left.flags = LOOK_DEAD;
	left.peer.port = 82;
	add(&s, NOBODY, left);
	left.sk = 4;
	left.state = STATE_SYN_RECV;
	left.flags = 0;
	left.peer.port = 83;
	add(&s, NOBODY, left);
	udp.protocol = IPPROTO_UDP;
	listing_add_holder(&s.l, add_process(&s, 1, 0, "systemd", (struct process){0}), 3, false,
			   &udp);
	/* On its way. */
	add(&s, NOBODY, tcp4(80, STATE_LISTEN, LOOPBACK, 81, 0, 0));
	expect_frees(&s, COUNT(said), said, json);
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
		cmocka_unit_test(test_what_frees_what_is_held),
		cmocka_unit_test(test_what_frees_what_is_left),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
