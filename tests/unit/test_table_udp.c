// SPDX-License-Identifier: GPL-2.0-only
/* test_table_udp.c - UDP sockets in the table: what is shown of a life between two facts, and what
 * is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "table.h"

#define PORT  5353
#define OTHER 53
#define MS    1000000u

/* The events, a line each: KIND PROTO LOCAL>PEER pPID words. */
struct told {
	struct table *table;
	struct process_set *processes;
	char text[2048];
	uint64_t now_ns;
};

static void tell(struct told *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct told *t, const char *format, ...)
{
	size_t len = strlen(t->text);
	va_list args;

	va_start(args, format);
	vsnprintf(t->text + len, sizeof(t->text) - len, format, args);
	va_end(args);
}

static void on_event(void *ctx, const struct event *e)
{
	struct told *t = ctx;
	char local[INET_ENDPOINT_SIZE] = "-", peer[INET_ENDPOINT_SIZE] = "-";

	if (e->has_local)
		local[inet_format_endpoint(local, e->family, e->mapped, &e->local, NULL)] = '\0';
	if (e->has_peer)
		peer[inet_format_endpoint(peer, e->family, e->mapped, &e->peer, NULL)] = '\0';
	tell(t, "%s %s %s>%s p%u", event_kind_name(e->kind), inet_protocol_name(e->protocol), local,
	     peer, e->process ? e->process->pid : 0);
	if (e->error)
		tell(t, " %s", inet_errno_name(e->error));
	if ((e->kind == EVENT_BIND && e->bind.autobind) ||
	    (e->kind == EVENT_CONNECT && e->connect.autobind))
		tell(t, " autobind");
	if (e->kind == EVENT_CLOSE) {
		tell(t, " %s", event_reason_name(e->close.reason));
		if (e->close.duration_ns == UINT64_MAX)
			tell(t, " ?");
		else
			tell(t, " %ums", (unsigned int)(e->close.duration_ns / MS));
		assert_int_equal(e->close.span_count, 0);
		assert_false(e->close.counted || e->close.time_wait);
	}
	tell(t, "\n");
}

static int begin(void **state)
{
	static struct told told;

	memset(&told, 0, sizeof(told));
	told.now_ns = MS;
	told.processes = process_set_new(16, NULL, NULL);
	told.table = table_new(16, told.processes, on_event, &told);
	*state = &told;
	return 0;
}

/* Nothing of a life stays behind. */
static int end(void **state)
{
	struct told *t = *state;
	struct table_stats stats;

	table_get_stats(t->table, &stats);
	table_free(t->table);
	stats.sockets += process_set_count(t->processes);
	process_set_free(t->processes);
	return stats.sockets ? -1 : 0;
}

/* A fact of the one socket, `pid` 0 none; each comes 1 ms after the one before. */
static struct fact fact(struct told *t, enum wire_kind kind, uint32_t pid, uint16_t port)
{
	struct fact f = {
		.kind = kind,
		.time_ns = t->now_ns,
		.sk = 0xffff888000001000,
		.cookie = 7,
		.netns = 1,
		.family = FAMILY_IPV4,
		.to = STATE_CLOSE,
		.protocol = IPPROTO_UDP,
		.local = {.addr = {127, 0, 0, 1}, .port = port},
	};

	t->now_ns += MS;
	if (pid) {
		f.has_task = true;
		f.task.pid = f.task.tid = pid;
		strcpy(f.task.name, "x");
	}
	return f;
}

static void bind_to(struct told *t, uint32_t pid, uint16_t port)
{
	struct fact f = fact(t, WIRE_BIND, pid, port);

	table_apply(t->table, &f);
}

/* What the kernel hook says at the first send from a port. */
static void send_from(struct told *t, uint32_t pid, uint16_t port)
{
	struct fact f = fact(t, WIRE_BIND, pid, port);

	f.arg = 1;
	memset(f.local.addr, 0, 4);
	table_apply(t->table, &f);
}

static void connect_to(struct told *t, uint32_t pid, uint16_t from, uint16_t to, bool had_port,
		       int result)
{
	struct fact f = fact(t, WIRE_CONNECT, pid, from);

	f.to = result ? STATE_CLOSE : STATE_ESTABLISHED;
	f.result = result;
	f.arg = !had_port;
	f.peer = (struct endpoint){.addr = {127, 0, 0, 1}, .port = to};
	table_apply(t->table, &f);
}

/* connect(AF_UNSPEC); `port` is what the socket keeps. */
static void dissolve(struct told *t, uint16_t port)
{
	struct fact f = fact(t, WIRE_CONNECT, 1, port);

	f.arg = port == 0;
	table_apply(t->table, &f);
}

static void release(struct told *t, uint16_t port, uint16_t peer)
{
	struct fact f = fact(t, WIRE_DESTROY, 0, port);

	if (peer)
		f.peer = (struct endpoint){.addr = {127, 0, 0, 1}, .port = peer};
	table_apply(t->table, &f);
}

static void look(struct told *t, bool found, uint16_t port, bool repair)
{
	struct fact f = fact(t, WIRE_SEED_FILE, 3, port);
	uint64_t added, removed;

	table_seed_begin(t->table, f.time_ns);
	if (found)
		table_seed(t->table, &f);
	table_seed_end(t->table, repair, &added, &removed);
}

#define TOLD(t, expected)                                                                          \
	do {                                                                                       \
		assert_string_equal((t)->text, expected);                                          \
		(t)->text[0] = '\0';                                                               \
	} while (0)

static void bound_and_closed(void **state)
{
	struct told *t = *state;

	bind_to(t, 1, PORT);
	TOLD(t, "bind udp 127.0.0.1:5353>- p1\n");
	release(t, PORT, 0);
	TOLD(t, "close udp 127.0.0.1:5353>- p1 local-close 1ms\n");
}

static void closed_after_the_port_was_given_back(void **state)
{
	struct told *t = *state;

	bind_to(t, 1, PORT);
	t->text[0] = '\0';
	release(t, 0, 0);
	TOLD(t, "close udp 127.0.0.1:5353>- p1 local-close 1ms\n");
}

static void udplite_is_named(void **state)
{
	struct told *t = *state;
	struct fact f = fact(t, WIRE_BIND, 1, PORT);

	f.protocol = IPPROTO_UDPLITE;
	table_apply(t->table, &f);
	f.kind = WIRE_DESTROY;
	table_apply(t->table, &f);
	TOLD(t, "bind udplite 127.0.0.1:5353>- p1\n"
		"close udplite 127.0.0.1:5353>- p1 local-close 0ms\n");
}

static void send_binds_once(void **state)
{
	struct told *t = *state;

	send_from(t, 1, PORT);
	send_from(t, 2, PORT);
	TOLD(t, "bind udp 0.0.0.0:5353>- p1 autobind\n");
	release(t, PORT, 0);
	TOLD(t, "close udp 127.0.0.1:5353>- p1 local-close 2ms\n");
}

static void send_after_bind_is_nothing_new(void **state)
{
	struct told *t = *state;

	bind_to(t, 1, PORT);
	t->text[0] = '\0';
	send_from(t, 2, PORT);
	TOLD(t, "");
	release(t, PORT, 0);
	TOLD(t, "close udp 127.0.0.1:5353>- p1 local-close 2ms\n");
}

/* IP_BIND_ADDRESS_NO_PORT: bind() takes no port, the send does. */
static void bind_without_port(void **state)
{
	struct told *t = *state;

	bind_to(t, 1, 0);
	send_from(t, 1, PORT);
	TOLD(t, "bind udp 127.0.0.1:0>- p1\nbind udp 0.0.0.0:5353>- p1 autobind\n");
	release(t, PORT, 0);
	TOLD(t, "close udp 127.0.0.1:5353>- p1 local-close 2ms\n");
}

static void connect_autobinds(void **state)
{
	struct told *t = *state;

	connect_to(t, 1, PORT, OTHER, false, 0);
	TOLD(t, "connect udp 127.0.0.1:5353>127.0.0.1:53 p1 autobind\n");
	connect_to(t, 2, PORT, OTHER + 1, true, 0);
	TOLD(t, "connect udp 127.0.0.1:5353>127.0.0.1:54 p2 autobind\n");
	release(t, PORT, OTHER + 1);
	TOLD(t, "close udp 127.0.0.1:5353>127.0.0.1:54 p2 local-close 2ms\n");
}

static void connect_of_bound(void **state)
{
	struct told *t = *state;

	bind_to(t, 1, PORT);
	connect_to(t, 1, PORT, OTHER, true, 0);
	TOLD(t, "bind udp 127.0.0.1:5353>- p1\n"
		"connect udp 127.0.0.1:5353>127.0.0.1:53 p1\n");
	release(t, PORT, OTHER);
	TOLD(t, "close udp 127.0.0.1:5353>127.0.0.1:53 p1 local-close 2ms\n");
}

static void failures_show_what_was_asked(void **state)
{
	struct told *t = *state;
	struct fact f = fact(t, WIRE_BIND, 1, PORT);

	f.result = -EADDRINUSE;
	table_apply(t->table, &f);
	TOLD(t, "bind udp 127.0.0.1:5353>- p1 EADDRINUSE\n");
	f.result = -EAGAIN;
	f.local.port = 0;
	f.arg = 1;
	table_apply(t->table, &f);
	TOLD(t, "bind udp 127.0.0.1:0>- p1 EAGAIN autobind\n");
	connect_to(t, 1, 0, OTHER, false, -EAGAIN);
	TOLD(t, "connect udp ->127.0.0.1:53 p1 EAGAIN\n");
	release(t, 0, 0);
	TOLD(t, "");
}

/* ENETUNREACH comes after the port was chosen: the socket holds it until it closes. */
static void failed_connect_keeps_its_port(void **state)
{
	struct told *t = *state;

	connect_to(t, 1, PORT, OTHER, false, -ENETUNREACH);
	TOLD(t, "connect udp 127.0.0.1:5353>127.0.0.1:53 p1 ENETUNREACH autobind\n");
	release(t, PORT, 0);
	TOLD(t, "close udp 127.0.0.1:5353>- p1 local-close 1ms\n");
}

static void failed_connect_keeps_the_peer(void **state)
{
	struct told *t = *state;

	connect_to(t, 1, PORT, OTHER, false, 0);
	connect_to(t, 1, PORT, 99, true, -ENETUNREACH);
	t->text[0] = '\0';
	release(t, PORT, OTHER);
	TOLD(t, "close udp 127.0.0.1:5353>127.0.0.1:53 p1 local-close 2ms\n");
}

static void probe_is_not_traffic(void **state)
{
	struct told *t = *state;

	connect_to(t, 1, PORT, 0, false, 0);
	release(t, PORT, 0);
	connect_to(t, 1, PORT, 0, false, -ENETUNREACH);
	release(t, PORT, 0);
	connect_to(t, 1, 0, 0, false, -EAGAIN);
	connect_to(t, 1, PORT, 0, false, 0);
	dissolve(t, 0);
	release(t, 0, 0);
	TOLD(t, "");
}

static void probe_then_traffic(void **state)
{
	struct told *t = *state;

	connect_to(t, 1, PORT, 0, false, 0);
	connect_to(t, 1, PORT, OTHER, true, 0);
	TOLD(t, "connect udp 127.0.0.1:5353>127.0.0.1:53 p1 autobind\n");
	release(t, PORT, OTHER);
	TOLD(t, "close udp 127.0.0.1:5353>127.0.0.1:53 p1 local-close 2ms\n");
	connect_to(t, 1, PORT, 0, false, 0);
	send_from(t, 1, PORT);
	TOLD(t, "bind udp 0.0.0.0:5353>- p1 autobind\n");
	release(t, PORT, 0);
	TOLD(t, "close udp 127.0.0.1:5353>- p1 local-close 2ms\n");
}

static void dissolved_ends_a_life(void **state)
{
	struct told *t = *state;

	connect_to(t, 1, PORT, OTHER, false, 0);
	t->text[0] = '\0';
	dissolve(t, 0);
	TOLD(t, "close udp 127.0.0.1:5353>127.0.0.1:53 p1 local-close 1ms\n");
	send_from(t, 1, PORT + 1);
	TOLD(t, "bind udp 0.0.0.0:5354>- p1 autobind\n");
	release(t, PORT + 1, 0);
	TOLD(t, "close udp 127.0.0.1:5354>- p1 local-close 1ms\n");
}

static void dissolved_keeps_a_bound_port(void **state)
{
	struct told *t = *state;

	bind_to(t, 1, PORT);
	connect_to(t, 1, PORT, OTHER, true, 0);
	t->text[0] = '\0';
	dissolve(t, PORT);
	TOLD(t, "");
	release(t, PORT, 0);
	TOLD(t, "close udp 127.0.0.1:5353>- p1 local-close 3ms\n");
}

static void end_without_beginning(void **state)
{
	struct told *t = *state;

	release(t, PORT, OTHER);
	TOLD(t, "close udp 127.0.0.1:5353>127.0.0.1:53 p0 local-close ?\n");
	release(t, 0, 0);
	TOLD(t, "");
}

static void seeded(void **state)
{
	struct told *t = *state;

	look(t, true, PORT, false);
	send_from(t, 1, PORT);
	TOLD(t, "");
	release(t, PORT, 0);
	TOLD(t, "close udp 127.0.0.1:5353>- p3 local-close ?\n");
	look(t, true, 0, false); /* not bound: nothing to remember */
	release(t, 0, 0);
	TOLD(t, "");
}

static void repaired(void **state)
{
	struct told *t = *state;

	bind_to(t, 1, PORT);
	t->text[0] = '\0';
	look(t, true, PORT, true);
	TOLD(t, "");
	look(t, false, 0, true);
	/* Who bound it had it open no more. */
	TOLD(t, "close udp 127.0.0.1:5353>- p3 unknown ?\n");
	connect_to(t, 1, PORT, 0, false, 0);
	look(t, false, 0, true);
	TOLD(t, "");
}

/* A pointer reused by the other protocol: neither takes the other's record for its own, not even
 * without cookies. */
static void never_mixed_with_tcp(void **state)
{
	struct told *t = *state;
	struct fact f;

	bind_to(t, 1, PORT);
	f = fact(t, WIRE_BIND, 2, 80);
	f.protocol = IPPROTO_TCP;
	f.cookie = 0;
	table_apply(t->table, &f);
	send_from(t, 3, PORT);
	TOLD(t, "bind udp 127.0.0.1:5353>- p1\n"
		"close udp 127.0.0.1:5353>- p1 unknown ?\n"
		"bind tcp 127.0.0.1:80>- p2\n"
		"close tcp 127.0.0.1:80>- p2 unknown ?\n"
		"bind udp 0.0.0.0:5353>- p3 autobind\n");
	f.kind = WIRE_DESTROY;
	table_apply(t->table, &f);
	TOLD(t, "");
	release(t, PORT, 0);
	TOLD(t, "close udp 127.0.0.1:5353>- p3 local-close 1ms\n");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(bound_and_closed),
		TEST(closed_after_the_port_was_given_back),
		TEST(udplite_is_named),
		TEST(send_binds_once),
		TEST(send_after_bind_is_nothing_new),
		TEST(bind_without_port),
		TEST(connect_autobinds),
		TEST(connect_of_bound),
		TEST(failures_show_what_was_asked),
		TEST(failed_connect_keeps_its_port),
		TEST(failed_connect_keeps_the_peer),
		TEST(probe_is_not_traffic),
		TEST(probe_then_traffic),
		TEST(dissolved_ends_a_life),
		TEST(dissolved_keeps_a_bound_port),
		TEST(end_without_beginning),
		TEST(seeded),
		TEST(repaired),
		TEST(never_mixed_with_tcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
