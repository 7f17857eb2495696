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
#include <time.h>

#include "golden.h"
#include "writer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MSEC	     1000000ull
#define SEC	     1000000000ull
/* Boot was at 2026-11-20T11:00:00Z, the events begin an hour later. */
#define BOOT 1795172400ll
#define T0   (3600 * SEC + 123456789)

static int64_t wall_offset_ns = BOOT * 1000000000ll;

static const struct program shell = {
	.pid = 12600, .start_ns = 4000000000, .name = "sh", .args = "sh\0-c\0./run-all", .args_len = 15};
static const struct program init_program = {.pid = 1, .start_ns = 10000000, .name = "systemd"};
static const struct program web_app = {
	.pid = 12636,
	.start_ns = 5000000000,
	.name = "python3",
	.exe = "/usr/bin/python3.11",
	.args = "python3\0-u\0/srv/web-app.py\0--name=a \"b\"\n\0\xff",
	.args_len = 42,
	.args_cut = true};
static const struct process python = {
	.pid = 12636,
	.program = &web_app,
	.parent = {&shell, &init_program},
	.parent_count = 2,
	.parents_known = true,
	.container_name = "web",
	.pod = "shop/web-7d4b9",
	.unit = "shop.service",
	.tid = 12640,
	.uid = 1000,
	.ruid = PROCESS_NO_UID,
	.name = "python3",
	.cgroup = "/user.slice/user-1000.slice",
};
static const struct process nginx = {
	.pid = 901,
	.tid = 901,
	.name = "nginx",
	.cgroup = "/system.slice/docker-4f1e.scope",
	.container = "4f1e",
};
static const struct process init = {.pid = 1, .tid = 1, .name = "systemd", .cgroup = ""};
static const struct process hostile[] = {
	{.pid = 66, .tid = 66, .name = "\x1b[2J\x1b[31mred", .cgroup = "/a\"b\n\xff"},
	{.pid = 67, .tid = 67, .name = "a\nb\"c\\d e\xff\xc3"},
	{.pid = 68, .tid = 68, .name = "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac"},
	{.pid = 69,
	 .tid = 69,
	 .name = "\xc2\x9b"
		 "2J\xe2\x80\xae"
		 "evil"},
	{.pid = 70, .tid = 70, .name = ""},
};

#define V4(a, b, c, d, p)                                                                          \
	{                                                                                          \
		.addr = {a, b, c, d}, .port = p                                                    \
	}
#define MAPPED(a, b, c, d, p)                                                                      \
	{                                                                                          \
		.addr = {[10] = 0xff, 0xff, a, b, c, d}, .port = p                                 \
	}
#define LONG_V6(p)                                                                                 \
	{                                                                                          \
		.addr = {0x20, 1,    0xd,  0xb8, 0x85, 0xa3, 0x10, 0,                              \
			 0x8a, 0x2e, 0x10, 3,	 0x73, 0x70, 0x73, 0x34},                          \
		.port = p                                                                          \
	}
#define V6(last, p)                                                                                \
	{                                                                                          \
		.addr = {0x20, 1, 0xd, 0xb8, [15] = last}, .port = p                               \
	}
#define LINK(last, p, index)                                                                       \
	{                                                                                          \
		.addr = {0xfe, 0x80, [15] = last}, .port = p, .ifindex = index                     \
	}
/* What most events have in common. */
#define SOCKET4                                                                                    \
	.protocol = IPPROTO_TCP, .family = FAMILY_IPV4, .netns = 4026531840, .cookie = 4097,       \
	.has_local = true
#define SOCKET6                                                                                    \
	.protocol = IPPROTO_TCP, .family = FAMILY_IPV6, .netns = 4026532001, .cookie = 8193,       \
	.has_local = true
#define PAIR4                                                                                      \
	SOCKET4, .local = V4(127, 0, 0, 1, 44420), .has_peer = true, .peer = V4(127, 0, 0, 1, 36087)

static const struct event_holder holders[] = {
	{.process = &nginx,
	 .family = FAMILY_IPV4,
	 .local = V4(0, 0, 0, 0, 80),
	 .state = STATE_LISTEN,
	 .since_ns = 1,
	 .bound_by = &init,
	 .why = WHY_LISTENING | WHY_WILDCARD},
	{.family = FAMILY_IPV4,
	 .local = V4(10, 0, 0, 1, 80),
	 .has_peer = true,
	 .peer = V4(10, 0, 0, 2, 4711),
	 .state = STATE_TIME_WAIT,
	 .why = WHY_TIME_WAIT | WHY_OUTGOING | WHY_REUSEADDR_HERE},
};
static const struct event_trouble held = {
	.has_holders = true, .holders = holders, .holder_count = 2, .holders_more = 3};
/* More than a line of text has room for. */
static const struct event_holder ten_holders[] = {
	{.process = &nginx,
	 .protocol = IPPROTO_TCP,
	 .family = FAMILY_IPV4,
	 .local = V4(0, 0, 0, 0, 80),
	 .state = STATE_LISTEN},
	[1 ... 9] = {.protocol = IPPROTO_TCP,
		     .family = FAMILY_IPV4,
		     .local = V4(0, 0, 0, 0, 80),
		     .state = STATE_LISTEN},
};
static const struct event_trouble held_by_many = {
	.has_holders = true, .holders = ten_holders, .holder_count = 10, .holders_more = 1990};
static const struct event_trouble held_by_rest = {
	.has_holders = true, .holders = &holders[1], .holder_count = 1};
static const struct event_trouble held_by_nobody = {.has_holders = true, .holders_as_of_ns = 1};
static const struct event_trouble no_port = {
	.has_range = true, .low = 32768, .high = 60999, .reserved = 2, .used = 28230};
static const struct event_trouble no_right = {.unprivileged_from = 1024};

static const struct event events[] = {
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 80), .process = &nginx},
	{.kind = EVENT_BIND, SOCKET6, .local = {.port = 443}, .process = &init},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(0, 0, 0, 0, 80),
	 .process = &nginx,
	 .error = EADDRINUSE},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(10, 0, 0, 1, 80), .error = 512},
	{.kind = EVENT_LISTEN,
	 SOCKET4,
	 .local = V4(0, 0, 0, 0, 80),
	 .process = &nginx,
	 .listen.backlog = 511},
	{.kind = EVENT_LISTEN,
	 SOCKET6,
	 .mapped = true,
	 .local = {.port = 8080},
	 .process = &nginx,
	 .listen.backlog = 5,
	 .error = EADDRINUSE},
	{.kind = EVENT_CONNECT, PAIR4, .process = &python, .connect.autobind = true},
	{.kind = EVENT_CONNECT, PAIR4, .process = &python},
	{.kind = EVENT_CONNECT,
	 SOCKET6,
	 .local = LONG_V6(44420),
	 .has_peer = true,
	 .peer = V6(1, 443),
	 .process = &python,
	 .connect.autobind = true,
	 .error = ECONNREFUSED},
	{.kind = EVENT_CONNECT,
	 SOCKET4,
	 .has_peer = true,
	 .peer = V4(192, 0, 2, 1, 443),
	 .process = &python,
	 .error = EADDRNOTAVAIL},
	{.kind = EVENT_CONNECT,
	 .protocol = IPPROTO_MPTCP,
	 .family = FAMILY_IPV4,
	 .netns = 1,
	 .has_peer = true,
	 .peer = V4(192, 0, 2, 1, 443),
	 .process = &python,
	 .error = ENETUNREACH},
	{.kind = EVENT_CONNECT,
	 SOCKET6,
	 .mapped = true,
	 .local = MAPPED(10, 0, 0, 2, 50000),
	 .has_peer = true,
	 .peer = MAPPED(10, 0, 0, 3, 5432),
	 .process = &python,
	 .connect.autobind = true},
	{.kind = EVENT_CONNECT,
	 SOCKET6,
	 .local = LINK(1, 50000, 2),
	 .has_peer = true,
	 .peer = LINK(2, 22, 2),
	 .process = &python,
	 .connect.autobind = true},
	{.kind = EVENT_ACCEPT, PAIR4, .process = &nginx},
	{.kind = EVENT_ACCEPT, PAIR4, .process = &python, .accept.listener = &nginx},
	{.kind = EVENT_ACCEPT, PAIR4, .process = &python, .accept.listener = &hostile[0]},
	{.kind = EVENT_STATE,
	 PAIR4,
	 .process = &nginx,
	 .state = {.from = STATE_LISTEN, .to = STATE_SYN_RECV}},
	{.kind = EVENT_STATE,
	 PAIR4,
	 .process = &nginx,
	 .state = {.from = STATE_SYN_RECV,
		   .to = STATE_ESTABLISHED,
		   .after_known = true,
		   .after_ns = 1234567}},
	{.kind = EVENT_STATE,
	 PAIR4,
	 .state = {.from = STATE_FIN_WAIT2,
		   .to = STATE_TIME_WAIT,
		   .substate = STATE_FIN_WAIT2,
		   .after_known = true}},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .process = &python,
	 .close = {.opened_ns = T0 - 2 * SEC,
		   .duration_ns = 2 * SEC,
		   .counted = true,
		   .sent_bytes = 1048576,
		   .received_bytes = 512,
		   .retransmits = 3,
		   .rtt_us = 34,
		   .reason = REASON_LOCAL_CLOSE,
		   .time_wait = true,
		   .span_count = 3,
		   .spans = {{STATE_SYN_SENT, 40000},
			     {STATE_ESTABLISHED, 2 * SEC - 50000},
			     {STATE_FIN_WAIT1, 10000}}}},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .process = &python,
	 .error = ECONNRESET,
	 .close = {.opened_ns = T0 - 5 * MSEC,
		   .duration_ns = 5 * MSEC,
		   .counted = true,
		   .reason = REASON_PEER_RESET,
		   .span_count = 1,
		   .spans = {{STATE_ESTABLISHED, 5 * MSEC}}}},
	{.kind = EVENT_CLOSE,
	 SOCKET6,
	 .local = LONG_V6(65535),
	 .has_peer = true,
	 .peer = LONG_V6(65534),
	 .close = {.reason = REASON_UNKNOWN}},
	{.kind = EVENT_CLOSE,
	 .protocol = 253,
	 .family = FAMILY_IPV4,
	 .close = {.reason = REASON_PORT_EXHAUSTED}},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 1), .process = &hostile[0]},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 2), .process = &hostile[1]},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 3), .process = &hostile[2]},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 4), .process = &hostile[3]},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 5), .process = &hostile[4]},
	{.kind = EVENT_BIND, SOCKET6, .local = LINK(1, 53, 3), .process = &python},
	{.kind = EVENT_BIND, SOCKET6, .local = LINK(1, 53, 99), .process = &python},
	{.kind = EVENT_LOST,
	 .lost = {.count = 1234, .since_ns = T0 - SEC, .added = 2, .removed = 17}},
	{.kind = EVENT_LOST, .lost = {.count = 1, .since_ns = T0, .added = 1}},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EADDRINUSE,
	 .trouble = &held},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EADDRINUSE,
	 .trouble = &held_by_rest},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EADDRINUSE,
	 .trouble = &held_by_nobody},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EADDRINUSE,
	 .trouble = &held_by_many},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EADDRINUSE,
	 .repeated = 99999,
	 .since_ns = T0 + 30 * SEC},
	{.kind = EVENT_CONNECT,
	 .protocol = IPPROTO_TCP,
	 .family = FAMILY_IPV4,
	 .has_peer = true,
	 .peer = V4(10, 0, 0, 2, 443),
	 .error = EADDRNOTAVAIL,
	 .trouble = &no_port},
	{.kind = EVENT_CONNECT,
	 .protocol = IPPROTO_TCP,
	 .family = FAMILY_IPV6,
	 .has_peer = true,
	 .peer = V6(1, 443),
	 .error = EADDRNOTAVAIL,
	 .connect.no_source = true},
	{.kind = EVENT_CONNECT,
	 PAIR4,
	 .has_asked = true,
	 .asked = V4(10, 96, 0, 1, 80),
	 .process = &python,
	 .connect.autobind = true},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .has_asked = true,
	 .asked = V4(10, 96, 0, 1, 80),
	 .close = {.reason = REASON_REFUSED}, .error = ECONNREFUSED},
	{.kind = EVENT_ACCEPT,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .process = &python,
	 .error = EMFILE,
	 .accept.listener = &nginx},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 4789), .kernel = true,
	 .error = EADDRINUSE, .trouble = &held_by_rest},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EACCES,
	 .trouble = &no_right},
	{.kind = EVENT_CONNECT,
	 SOCKET4,
	 .local = V4(127, 0, 0, 1, 40000),
	 .has_peer = true,
	 .peer = V4(127, 0, 0, 1, 40000),
	 .process = &python,
	 .connect.autobind = true},
	{.kind = EVENT_BIND, SOCKET6, .local = {.port = 80, .takes = TAKES_IPV6}},
	{.kind = EVENT_BIND, SOCKET6, .local = {.port = 80, .takes = TAKES_BOTH}},
	{.kind = EVENT_BIND, SOCKET6, .local = {.port = 80, .takes = TAKES_UNKNOWN}},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .close = {.counted = true, .retransmits = 1, .reason = REASON_ABANDONED, .syns = 2}},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .process = &python,
	 .error = ETIMEDOUT,
	 .close = {.counted = true,
		   .sent_bytes = 4096,
		   .retransmits = 5,
		   .reason = REASON_USER_TIMEOUT,
		   .silent = true,
		   .last_heard_ns = 31 * SEC,
		   .unacked_bytes = 4000}},
	{.kind = EVENT_CLOSE, PAIR4, .close = {.reason = REASON_LOCAL_RESET, .how = HOW_UNREAD}},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .close = {.reason = REASON_LOCAL_CLOSE, .time_wait_unknown = true}},
	{.kind = EVENT_OVERFLOW,
	 SOCKET4,
	 .overflow = {.waiting = 129, .limit = 128, .dropped = 7}},
	{.kind = EVENT_OVERFLOW,
	 SOCKET4,
	 .local = V4(0, 0, 0, 0, 80),
	 .process = &python,
	 .overflow = {.ended = true, .limit = 128, .dropped = 1234, .since_ns = T0 + 10 * SEC}},
};

static const char *interface_name(void *ctx, uint32_t netns, uint32_t ifindex)
{
	(void)ctx;
	assert_int_equal(netns, 4026532001);
	return ifindex == 2 ? "eth0" : ifindex == 3 ? "e\x1b[1m\"\xff" : NULL;
}

static struct writer_options options(void)
{
	return (struct writer_options){
		.wall_offset_ns = &wall_offset_ns,
		.interface_name = interface_name,
	};
}

static struct buffer write_events(struct writer *w, bool lines)
{
	struct buffer out;

	assert_non_null(w);
	assert_int_equal(buffer_init(&out, 16), 0);
	writer_header(w, &out);
	for (size_t i = 0; i < COUNT(events); i++) {
		struct event e = events[i];
		size_t start = out.len;

		e.time_ns = T0 + i * 1001 * MSEC;
		writer_event(w, &out, &e);
		assert_true(out.len > start);
		if (lines)
			assert_ptr_equal(memchr(out.data + start, '\n', out.len - start),
					 out.data + out.len - 1);
	}
	assert_false(out.failed);
	writer_free(w);
	return out;
}

static struct buffer write_all(struct writer *w)
{
	return write_events(w, true);
}

static void check_golden(struct writer *w, const char *name)
{
	struct buffer out = write_all(w);

	assert_true(golden_matches(name, out.data, out.len));
	buffer_done(&out);
}

static void json_writes_every_event_as_recorded(void **state)
{
	struct writer_options o = options();

	(void)state;
	check_golden(writer_json_new(&o), "events.json");
}

/* Takes the next field off `*at`; its value may hold newlines. */
static struct field_text {
	const char *name, *value;
	size_t name_len, len;
} next_field(const char **at, const char *end)
{
	const char *line = memchr(*at, '\n', (size_t)(end - *at)), *equals;
	struct field_text f = {.name = *at};

	assert_non_null(line);
	equals = memchr(*at, '=', (size_t)(line - *at));
	f.value = (equals ? equals : line) + 1;
	f.name_len = (size_t)(f.value - 1 - *at);
	f.len = equals ? (size_t)(line - f.value) : 0;
	if (!equals) {
		assert_true(end - f.value > 8);
		for (int i = 7; i >= 0; i--)
			f.len = f.len << 8 | (unsigned char)f.value[i];
		f.value += 8;
		assert_true(f.len < (size_t)(end - f.value));
	}
	*at = f.value + f.len + 1;
	assert_int_equal(f.value[f.len], '\n');
	return f;
}

/* As journald takes it: at most 64 letters, capitals, digits and "_". */
static void journal_names_every_field_of_every_event(void **state)
{
	struct writer_options o = options();
	struct buffer out = write_events(writer_journal_new(&o), false);

	(void)state;
	for (const char *at = out.data; at < out.data + out.len;) {
		struct field_text f = next_field(&at, out.data + out.len);

		assert_in_range(f.name_len, 1, 64);
		for (size_t i = 0; i < f.name_len; i++)
			assert_non_null(
				memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", f.name[i], 37));
		assert_true(f.name[f.name_len - 1] != '_');
	}
	assert_true(golden_matches("events.journal", out.data, out.len));
	buffer_done(&out);
}

/* One datagram is an entry, and a socket's buffer holds some 200 KB. */
static void journal_counts_the_holders_that_it_leaves_out(void **state)
{
	struct event_trouble many = {.has_holders = true, .holder_count = 2000, .holders_more = 5};
	struct writer_options o = options();
	struct writer *w = writer_journal_new(&o);
	struct event_holder *crowd = calloc(many.holder_count, sizeof(*crowd));
	struct event e = events[0];
	struct buffer out;
	size_t pids = 0;

	(void)state;
	assert_non_null(crowd);
	assert_int_equal(buffer_init(&out, 4096), 0);
	for (size_t i = 0; i < many.holder_count; i++)
		crowd[i] = (struct event_holder){.process = &nginx, .family = FAMILY_IPV4};
	many.holders = crowd;
	e.trouble = &many;
	writer_event(w, &out, &e);
	buffer_append(&out, "", 1);
	for (const char *at = out.data; (at = strstr(at, "\nSOCKWATCH_HOLDERS_PID=901\n")); at++)
		pids++;
	assert_int_equal(pids, 64);
	assert_non_null(strstr(out.data, "\nSOCKWATCH_HOLDERS_MORE=1941\n"));
	assert_true(out.len < 100000);
	buffer_done(&out);
	writer_free(w);
	free(crowd);
}

static void text_in_a_pipe_is_never_cut(void **state)
{
	struct writer_options o = options();

	(void)state;
	check_golden(writer_text_new(&o), "events.txt");
}

static void text_for_ipv4_alone_has_narrow_columns(void **state)
{
	struct writer_options o = options();

	(void)state;
	o.ipv4_only = true;
	check_golden(writer_text_new(&o), "events-ipv4.txt");
}

static void text_on_a_terminal_fits_and_elides_addresses(void **state)
{
	struct writer_options o = options();

	(void)state;
	o.columns = 140;
	check_golden(writer_text_new(&o), "events-140.txt");
}

static void text_marks_errors_in_colour(void **state)
{
	struct writer_options o = options();

	(void)state;
	o.columns = 140;
	o.color = true;
	check_golden(writer_text_new(&o), "events-color.txt");
}

/* Columns of one line without its colours; fails on a colour left open or an escape cut short. */
static unsigned int visible_columns(const char *line, size_t len)
{
	unsigned int columns = 0;
	bool open = false;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\033') {
			size_t end = i + 1 + strspn(line + i + 1, "[0123456789");

			assert_true(end < len && line[end] == 'm');
			open = strncmp(line + i, "\033[0m", 4) != 0;
			i = end;
		} else if ((line[i] & 0xc0) != 0x80) {
			/* Of three bytes are only the mark, one column, and the wide letters. */
			columns +=
				(line[i] & 0xf0) == 0xe0 && memcmp(line + i, "…", 3) != 0 ? 2 : 1;
		}
	}
	assert_false(open);
	return columns;
}

static void no_terminal_is_too_narrow(void **state)
{
	(void)state;
	for (unsigned int columns = 1; columns < 220; columns++) {
		struct writer_options o = options();
		struct buffer out;
		size_t start = 0;

		o.columns = columns;
		o.color = columns % 2;
		out = write_all(writer_text_new(&o));
		while (start < out.len) {
			size_t len =
				(size_t)((char *)memchr(out.data + start, '\n', out.len - start) -
					 (out.data + start));

			assert_true(visible_columns(out.data + start, len) <= columns);
			assert_true(len == 0 || out.data[start + len - 1] != ' ');
			start += len + 1;
		}
		buffer_done(&out);
	}
}

static void lines_without_memory_are_not_begun(void **state)
{
	struct writer_options o = options();
	struct writer *writers[] = {writer_json_new(&o), writer_text_new(&o)};

	(void)state;
	for (size_t i = 0; i < COUNT(writers); i++) {
		struct buffer out;

		assert_int_equal(buffer_init(&out, 8), 0);
		buffer_append(&out, "whole\n", 6);
		assert_null(buffer_reserve(&out, SIZE_MAX / 2 + 1));
		assert_true(out.failed);
		writer_event(writers[i], &out, &events[0]);
		buffer_append(&out, "more", 4);
		assert_int_equal(out.len, 6);
		buffer_done(&out);
		writer_free(writers[i]);
	}
}

static void wall_time_follows_its_offset(void **state)
{
	struct writer_options o = options();
	struct writer *w = writer_json_new(&o);
	struct event e = events[0];
	struct buffer out;

	(void)state;
	assert_int_equal(buffer_init(&out, 4096), 0);
	e.time_ns = T0;
	wall_offset_ns += 86400 * 1000000000ll;
	writer_event(w, &out, &e);
	wall_offset_ns -= 86400 * 1000000000ll;
	assert_memory_equal(out.data, "{\"time\":\"2026-11-21T12:00:00.123456789Z\"", 40);
	buffer_done(&out);
	writer_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_writes_every_event_as_recorded),
		cmocka_unit_test(journal_names_every_field_of_every_event),
		cmocka_unit_test(journal_counts_the_holders_that_it_leaves_out),
		cmocka_unit_test(text_in_a_pipe_is_never_cut),
		cmocka_unit_test(text_for_ipv4_alone_has_narrow_columns),
		cmocka_unit_test(text_on_a_terminal_fits_and_elides_addresses),
		cmocka_unit_test(text_marks_errors_in_colour),
		cmocka_unit_test(no_terminal_is_too_narrow),
		cmocka_unit_test(lines_without_memory_are_not_begun),
		cmocka_unit_test(wall_time_follows_its_offset),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
